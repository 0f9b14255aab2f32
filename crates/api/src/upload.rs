//! Files that come in: the body is the file as it is, its digest stands in a header (RFC 9530), its name in the query.
//!
//! Invariants: nothing of a file is read before it is known who sends it; it is written aside piece by piece, never held
//! in memory while it comes in; more than the limit is not read; a file that is not what its digest says is refused; what
//! was written aside is removed however it ends; what a killed program left, at its next start.

use crate::idempotency::Change;
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::{AppError, OpContext, UPLOADS};
use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kernel::{Digest, Digester, ErrorKind};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::future::poll_fn;
use std::io::Write as _;
use std::path::PathBuf;
use std::pin::Pin;
use utoipa::IntoParams;

/// The header with the digest of the body.
const DIGEST_HEADER: &str = "content-digest";

/// The name of a file that comes in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileName {
    /// Name of the file, with its ending.
    #[param(max_length = 200, min_length = 1)]
    pub(crate) name: String,
}

/// A file that somebody sends, of at most so many MiB. Nothing of it is read yet.
#[derive(Debug)]
pub(crate) struct Upload<const MIB: usize> {
    expected: String,
    body: Body,
}

/// A file that has come in and is what its sender says. It is gone with this.
#[derive(Debug)]
pub(crate) struct Received {
    path: PathBuf,
    /// SM3.
    pub(crate) digest: Digest,
    /// Hexadecimal.
    pub(crate) sha256: String,
}

impl Drop for Received {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "a file that came in was left behind");
        }
    }
}

impl Received {
    /// Its content.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, Problem> {
        Ok(std::fs::read(&self.path).map_err(AppError::io(&self.path))?)
    }
}

/// What was promised and what came: SM3, SHA-256, as the header would say them.
fn is_as_promised(expected: &str, sm3: &Digest, sha256: &[u8]) -> Option<bool> {
    let mut known = expected.split(',').filter_map(|one| one.trim().split_once('='));
    let found: Vec<bool> = known
        .by_ref()
        .filter_map(|(name, value)| {
            let value = value.trim().strip_prefix(':')?.strip_suffix(':')?;
            let given = BASE64_STANDARD.decode(value).ok()?;
            match name.trim() {
                "sha-256" => Some(given == sha256),
                "sm3" => Some(given.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == sm3.to_string()),
                _ => None,
            }
        })
        .collect();
    (!found.is_empty()).then(|| found.iter().all(|same| *same))
}

fn too_large(mib: usize) -> Problem {
    Problem::new(ErrorKind::TooLarge, format!("文件超过 {mib} MiB，请压缩或拆分后上传"))
}

impl<const MIB: usize> Upload<MIB> {
    /// Takes the file in. Errors: it is too large, breaks off, or is not what its digest says.
    pub(crate) async fn receive(mut self, ctx: &OpContext) -> Result<Received, Problem> {
        let own: String = ctx.random().iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = ctx.data().join(UPLOADS);
        std::fs::create_dir_all(&folder).map_err(AppError::io(&folder))?;
        let path = folder.join(own);
        let mut file = File::create_new(&path).map_err(AppError::io(&path))?;
        let mut received = Received {
            path,
            digest: Digest::ZERO,
            sha256: String::new(),
        };
        let (mut sm3, mut sha256) = (Digester::new(), Sha256::new());
        let mut left = MIB << 20;
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await {
            let broken = |_| Problem::new(ErrorKind::InvalidInput, "文件没有完整接收，请重新上传");
            let Ok(piece) = frame.map_err(broken)?.into_data() else {
                continue;
            };
            left = left.checked_sub(piece.len()).ok_or_else(|| too_large(MIB))?;
            sm3.raw(&piece);
            sha256.update(&piece);
            file.write_all(&piece).map_err(AppError::io(&received.path))?;
        }
        received.digest = sm3.finish();
        let sha256: [u8; 32] = sha256.finalize().into();
        received.sha256 = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        match is_as_promised(&self.expected, &received.digest, &sha256) {
            Some(true) => Ok(received),
            Some(false) => Err(Problem::field(
                "Content-Digest",
                "文件内容与摘要不符，可能在传输中损坏，请重新上传",
            )),
            None => Err(Problem::field(
                "Content-Digest",
                "应为 sha-256=:…: 或 sm3=:…:，其中 … 为摘要的 Base64",
            )),
        }
    }
}

fn expected(headers: &HeaderMap) -> Result<String, Problem> {
    let detail = "请求缺少 Content-Digest；请附上文件的摘要，例如 sha-256=:摘要的 Base64:";
    let missing = || Problem::coded(StatusCode::PRECONDITION_REQUIRED, "content_digest_missing", detail);
    let value = headers.get(DIGEST_HEADER).and_then(|value| value.to_str().ok());
    value.map(str::to_owned).ok_or_else(missing)
}

impl<const MIB: usize> FromRequest<Api> for Change<Upload<MIB>> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let asker = Asker::from_request_parts(&mut parts, api).await?;
        asker.pace(api)?;
        let kind = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        if kind.is_none_or(|kind| kind.starts_with("application/json") || kind.starts_with("multipart/")) {
            let detail = "请求内容应为文件本身，并注明文件类型，例如 Content-Type: application/octet-stream";
            return Err(Problem::coded(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_a_file", detail));
        }
        let length = parts.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > MIB << 20) {
            return Err(too_large(MIB));
        }
        let expected = expected(&parts.headers)?;
        let what = format!("{} {}\n{expected}", parts.method, parts.uri);
        let given = Upload { expected, body };
        Self::sent((asker, &parts), Digest::of(what.as_bytes()), given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_held_against_what_came() {
        let sm3 = Digest::of(b"abc");
        let sha256: [u8; 32] = Sha256::digest(b"abc").into();
        // The SHA-256 of "abc", from FIPS 180-4.
        let good = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
        assert_eq!(is_as_promised(good, &sm3, &sha256), Some(true));
        let other: [u8; 32] = Sha256::digest(b"abd").into();
        assert_eq!(is_as_promised(good, &sm3, &other), Some(false));
        assert_eq!(is_as_promised("md5=:AAAA:", &sm3, &sha256), None);
        assert_eq!(is_as_promised("sha-256=abc", &sm3, &sha256), None);
        // SM3 of "abc", from GB/T 32905.
        let both = format!("{good}, sm3=:ZsfwwzGmGpSCKKlGXo4Iuq9WDeNxzoR7JNbhkfTxgA==:");
        assert_eq!(is_as_promised(&both, &sm3, &sha256), Some(false));
    }
}
