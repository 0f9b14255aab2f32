//! Changes: sent with a key, they take effect once (I6), and whoever sends them again gets the first answer.
//!
//! The key is noted in the same transaction as the change. The answer is added right after, in a transaction of its
//! own: it is only known when the use case has ended. If the process dies between the two, sending again says that the
//! change took effect and that its answer was lost; it never makes the change twice. Secrets are never kept: an answer
//! that is repeated has none.

use crate::problem::{Problem, problem_response};
use crate::session::Asker;
use crate::state::Api;
use app::{OpContext, Sent};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::{Digest, ErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The header with the key.
pub(crate) const KEY_HEADER: &str = "idempotency-key";
/// Longest key. Units: bytes.
const KEY_LENGTH_MAX: usize = 100;
/// The field of an answer that is given out once and not kept.
const SECRET: &str = "secret";

/// A zero byte, as JSON writes it.
const ZERO: &[u8] = b"\\u0000";
/// The field of an answer that also stands in the header of that name.
const LOCATION: &str = "location";

/// JSON that was sent, read whole.
#[derive(Debug)]
pub(crate) struct Given<T>(pub(crate) T);

/// A change that somebody wants.
#[derive(Debug)]
pub(crate) struct Change<T> {
    asker: Asker,
    key: String,
    request: Digest,
    seen: Option<i64>,
    given: T,
}

/// What a change comes to.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    body: Value,
}

impl Answer {
    /// Done.
    pub(crate) fn ok(view: impl Serialize) -> Self {
        Self::with(StatusCode::OK, view)
    }

    /// Made.
    pub(crate) fn created(view: impl Serialize) -> Self {
        Self::with(StatusCode::CREATED, view)
    }

    /// Done, and nothing to say.
    pub(crate) const fn done() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: Value::Null,
        }
    }

    /// Asked for, and done later: the view says in `location` where to look.
    pub(crate) fn accepted(view: impl Serialize) -> Self {
        Self::with(StatusCode::ACCEPTED, view)
    }

    fn with(status: StatusCode, view: impl Serialize) -> Self {
        Self {
            status,
            body: serde_json::to_value(view).unwrap_or(Value::Null),
        }
    }

    fn kept(&self) -> String {
        let mut body = self.body.clone();
        if let Some(secret) = body.get_mut(SECRET) {
            *secret = Value::Null;
        }
        body.to_string()
    }
}

/// A JSON answer with a body that was made already.
fn json_response(status: StatusCode, body: String) -> Response {
    if status == StatusCode::NO_CONTENT {
        return status.into_response();
    }
    let location = (status == StatusCode::ACCEPTED).then(|| location_of(&body)).flatten();
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn location_of(body: &str) -> Option<HeaderValue> {
    let body: Value = serde_json::from_str(body).ok()?;
    HeaderValue::from_str(body.get(LOCATION)?.as_str()?).ok()
}

fn again(status: i64, body: String) -> Response {
    let status = u16::try_from(status)
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.unwrap_or(StatusCode::OK);
    let mut response = if status.is_client_error() {
        problem_response(status, body)
    } else {
        json_response(status, body)
    };
    response
        .headers_mut()
        .insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

impl<T> Change<T> {
    /// A change that somebody sent: who, under which key, seeing which version, and the digest of what was asked.
    pub(crate) fn sent((asker, parts): (Asker, &Parts), request: Digest, given: T) -> Result<Self, Problem> {
        Ok(Self {
            asker,
            key: key_of(&parts.headers)?,
            request,
            seen: seen_of(&parts.headers)?,
            given,
        })
    }

    /// The version that the asker saw, from `If-Match`. Errors: they did not say.
    pub(crate) fn seen(&self) -> Result<i64, Problem> {
        needed(self.seen)
    }

    /// Keeps no digest of what was sent, for passwords, which are guessed: whoever sends something else under the same
    /// key gets the first answer.
    pub(crate) fn unseen(self) -> Self {
        Self {
            request: Digest::of(self.key.as_bytes()),
            ..self
        }
    }

    /// Makes the change, once.
    pub(crate) async fn once<F, Done>(self, make: F) -> Result<Response, Problem>
    where
        F: FnOnce(Asker, T) -> Done,
        Done: Future<Output = Result<Answer, Problem>>,
    {
        let Self {
            asker,
            key,
            request,
            given,
            ..
        } = self;
        let ctx = asker.ctx.clone();
        if let Some(response) = repeated(&ctx, &key, request).await? {
            return Ok(response);
        }
        let asker = Asker {
            ctx: ctx.once(&key, request)?,
            ..asker
        };
        let (status, kept, response) = match make(asker, given).await {
            Ok(answer) => {
                let kept = answer.kept();
                (
                    answer.status,
                    kept,
                    json_response(answer.status, answer.body.to_string()),
                )
            }
            Err(problem) if problem.is_known_command() => {
                let response = repeated(&ctx, &key, request).await?;
                return response.ok_or(problem);
            }
            Err(problem) if problem.status().is_server_error() => return Err(problem),
            Err(problem) => {
                let status = problem.status();
                let body = serde_json::to_string(&problem.body()).unwrap_or_default();
                (status, body.clone(), problem_response(status, body))
            }
        };
        if let Err(error) = ctx.answered(&key, i64::from(status.as_u16()), &kept).await {
            tracing::error!(cause = %error, "the answer to a change was not kept");
        }
        Ok(response)
    }
}

/// The answer to a command that took effect before.
async fn repeated(ctx: &OpContext, key: &str, request: Digest) -> Result<Option<Response>, Problem> {
    match ctx.sent(key, request).await? {
        Sent::Never => Ok(None),
        Sent::Answered(status, body) => Ok(Some(again(status, body))),
        Sent::Unanswered => {
            let detail = "该操作已经执行，但回执没有保存下来；请刷新页面查看结果，不要重复提交";
            Err(Problem::coded(StatusCode::CONFLICT, "answer_lost", detail))
        }
    }
}

fn needed(seen: Option<i64>) -> Result<i64, Problem> {
    let detail = "请求缺少 If-Match；请先读取最新内容，并带上其 ETag 再提交";
    seen.ok_or_else(|| Problem::coded(StatusCode::PRECONDITION_REQUIRED, "if_match_missing", detail))
}

/// The version that whoever sends a change without content saw, from `If-Match`. Errors: they did not say.
pub(crate) fn seen_version(headers: &HeaderMap) -> Result<i64, Problem> {
    needed(seen_of(headers)?)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.split(';').next().unwrap_or_default().trim() == "application/json")
}

/// Reads the body as JSON. An empty one is `null`, for changes that need no content.
async fn read_json<T: DeserializeOwned>(request: Request) -> Result<(T, Bytes), Problem> {
    let json = is_json(request.headers());
    let bytes = Bytes::from_request(request, &())
        .await
        .map_err(|_| Problem::new(ErrorKind::TooLarge, "请求内容超过上限或未能完整接收；请减少内容后重试"))?;
    if !bytes.is_empty() && !json {
        let detail = "请求内容应为 JSON，并注明 Content-Type: application/json";
        return Err(Problem::coded(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
    }
    // No database keeps a zero byte in a text.
    if bytes.windows(ZERO.len()).any(|part| part == ZERO) {
        return Err(Problem::field("请求内容", "含有不可用的字符（U+0000），请删除后重试"));
    }
    let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
    let given =
        serde_json::from_slice(text).map_err(|why| Problem::field("请求内容", format!("不是所要求的 JSON：{why}")))?;
    Ok((given, bytes))
}

impl<T: DeserializeOwned> FromRequest<Api> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _api: &Api) -> Result<Self, Problem> {
        Ok(Self(read_json(request).await?.0))
    }
}

fn key_of(headers: &HeaderMap) -> Result<String, Problem> {
    let detail = "请求缺少 Idempotency-Key；请为每次操作生成一个不重复的标识，重试时沿用原标识";
    let missing = || Problem::coded(StatusCode::PRECONDITION_REQUIRED, "idempotency_key_missing", detail);
    let key = headers.get(KEY_HEADER).ok_or_else(missing)?;
    let key = key.to_str().ok().map(str::trim).filter(|key| !key.is_empty());
    let key = key.filter(|key| key.len() <= KEY_LENGTH_MAX);
    let why = format!("应为不超过 {KEY_LENGTH_MAX} 个字符的可见 ASCII 字符");
    key.map(str::to_owned)
        .ok_or_else(|| Problem::field("Idempotency-Key", why))
}

fn seen_of(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let version = value.to_str().ok().map(|text| text.trim().trim_matches('"'));
    let version = version.and_then(|text| text.parse().ok());
    version
        .map(Some)
        .ok_or_else(|| Problem::field("If-Match", "应为读取时得到的 ETag"))
}

impl<T: DeserializeOwned> FromRequest<Api> for Change<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let asker = Asker::from_request_parts(&mut parts, api).await?;
        key_of(&parts.headers)?;
        let what = format!("{} {}\n", parts.method, parts.uri);
        let (given, bytes) = read_json(Request::from_parts(parts.clone(), body)).await?;
        let request = Digest::of(&[what.as_bytes(), &bytes].concat());
        Self::sent((asker, &parts), request, given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_kept() {
        let answer = Answer::created(serde_json::json!({ "id": "tok_1", "secret": "yht_1" }));
        assert!(!answer.kept().contains("yht_1") && answer.body.to_string().contains("yht_1"));
    }

    #[test]
    fn versions() {
        let mut headers = HeaderMap::new();
        assert_eq!(seen_of(&headers).unwrap(), None);
        headers.insert(header::IF_MATCH, HeaderValue::from_static("\"7\""));
        assert_eq!(seen_of(&headers).unwrap(), Some(7));
        headers.insert(header::IF_MATCH, HeaderValue::from_static("*"));
        assert!(seen_of(&headers).is_err());
    }
}
