//! Answers that are files: sent a piece at a time, so that no file is ever held in memory whole.

use crate::aside::ended;
use crate::problem::Problem;
use app::{AppError, OpContext};
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// How much is read at a time. Units: bytes.
const PIECE: usize = 1 << 16;

/// A file on its way out. A piece is read when the client has taken the one before.
struct Outgoing {
    file: File,
    left: u64,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let wanted = usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE));
        if wanted == 0 {
            return Poll::Ready(None);
        }
        let mut piece = vec![0_u8; wanted];
        let read = self.file.read(&mut piece).and_then(|count| match count {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        });
        Poll::Ready(Some(read.map(|count| {
            piece.truncate(count);
            self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
            Frame::data(piece.into())
        })))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// An answer that is an open file, read from where it stands.
pub(crate) fn file(file: File, media: &str, name: &str) -> Result<Response, Problem> {
    let left = file.metadata().map_err(AppError::io(std::path::Path::new(name)))?.len();
    Ok(attached(Body::new(Outgoing { file, left }), media, name))
}

/// An answer that is a file in memory, for small ones.
pub(crate) fn bytes(bytes: Vec<u8>, media: &str, name: &str) -> Response {
    attached(Body::from(bytes), media, name)
}

fn attached(body: Body, media: &str, name: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media.to_owned()),
        (header::CONTENT_DISPOSITION, disposition(name)),
    ];
    (headers, body).into_response()
}

/// How a browser is to name a file (RFC 6266): in ASCII for old ones, and as it is.
fn disposition(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let ascii: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let mut whole = String::new();
    for byte in name.bytes() {
        match char::from(byte) {
            c if plain(c) => whole.push(c),
            _ => whole.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{whole}")
}

/// The folder of one download. It is gone with this, however the making ends.
struct Own(PathBuf);

impl Drop for Own {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "a folder of a download was left behind");
        }
    }
}

/// Makes a file in a folder of its own, opens it and removes the folder: what is sent has no name on the disk any more.
/// Making it takes processors, so it is done on a thread of its own; and to its end, whoever still waits: what becomes of an
/// export stands in the audit chain.
pub(crate) async fn made<F, Made>(ctx: &OpContext, make: F) -> Result<File, Problem>
where
    F: FnOnce(PathBuf) -> Made + Send + 'static,
    Made: Future<Output = Result<PathBuf, AppError>>,
{
    let own: String = ctx.random().iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = ctx.data().join("downloads").join(own);
    let runtime = Handle::current();
    let doing = spawn_blocking(move || {
        runtime.block_on(async {
            let folder = Own(folder);
            std::fs::create_dir_all(&folder.0).map_err(AppError::io(&folder.0))?;
            let path = make(folder.0.clone()).await?;
            File::open(&path).map_err(AppError::io(&path))
        })
    });
    ended(doing.await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("验收\"单\r\n.pdf"),
            "attachment; filename=\"______.pdf\"; filename*=UTF-8''%E9%AA%8C%E6%94%B6%22%E5%8D%95%0D%0A.pdf"
        );
    }

    #[tokio::test]
    async fn a_making_that_breaks_off_is_our_fault() {
        let folder = tempfile::tempdir().unwrap();
        let own = Own(folder.path().join("own"));
        std::fs::create_dir(&own.0).unwrap();
        let path = own.0.clone();
        let broken = tokio::task::spawn_blocking(move || {
            let _own = own;
            panic!("on purpose")
        });
        let problem = crate::aside::ended::<()>(broken.await).unwrap_err();
        assert_eq!(problem.status().as_u16(), 500);
        assert!(!problem.body().detail.contains("on purpose"));
        assert!(!path.exists(), "nothing is left behind");
    }

    #[tokio::test]
    async fn a_file_is_sent_whole_and_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let content: Vec<u8> = (0..PIECE * 2 + 7).map(|n| u8::try_from(n % 251).unwrap()).collect();
        std::fs::write(&path, &content).unwrap();
        let response = file(File::open(&path).unwrap(), "text/plain", "a.txt").unwrap();
        let sent = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert_eq!(sent, content);
    }
}
