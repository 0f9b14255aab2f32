//! Errors as `application/problem+json` (RFC 9457), in Chinese and English, with the request's id.
//!
//! What is inside an internal error is logged here, once, and never sent.

use app::AppError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::{ErrorKind, Kinded};
use serde::Serialize;
use std::fmt::Display;
use utoipa::ToSchema;

tokio::task_local! {
    pub(crate) static REQUEST_ID: String;
}

/// The id of the request that is being answered; empty outside of one.
fn request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// Always `about:blank`: the code tells kinds apart.
    pub(crate) r#type: &'static str,
    /// The status in words.
    pub(crate) title: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// A stable word for programs.
    pub(crate) code: &'static str,
    /// What is wrong and what to do, in Chinese.
    pub(crate) detail: String,
    /// The same kind of trouble, in English.
    pub(crate) detail_en: &'static str,
    /// To be told to whoever runs the platform.
    pub(crate) request_id: String,
    /// Every field or row that is wrong.
    pub(crate) faults: Vec<FaultBody>,
}

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FaultBody {
    /// Row of a file, heading = 1; 0 if it is about no row.
    row: u64,
    /// Field or column.
    field: String,
    /// What is wrong and what to do, in Chinese.
    message: String,
}

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    faults: Vec<FaultBody>,
    known_command: bool,
}

/// Status, code and English sentence of each kind.
const fn words_of(kind: ErrorKind) -> (StatusCode, &'static str) {
    match kind {
        ErrorKind::InvalidInput => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_input"),
        ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
        ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        ErrorKind::AlreadyExists => (StatusCode::CONFLICT, "already_exists"),
        ErrorKind::Conflict => (StatusCode::PRECONDITION_FAILED, "changed_meanwhile"),
        ErrorKind::FailedPrecondition => (StatusCode::CONFLICT, "failed_precondition"),
        ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

fn english(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "Log in first, or send a valid token.",
        403 => "You are not allowed to do this.",
        404 => "There is no such thing, or you may not know of it.",
        405 => "This address does not know this method.",
        408 | 503 => "The service does not answer now. Try again later.",
        409 => "It exists already, or its state does not allow this.",
        412 => "Somebody changed it meanwhile. Read it again.",
        413 => "This is larger than what is accepted.",
        415 => "Send JSON, with the content type application/json; a file in its own type.",
        422 => "What was sent is not right; see detail and faults.",
        428 => "A header is missing that this operation needs.",
        429 => "Too many attempts. Wait a minute.",
        _ => "Something is wrong on our side. Nothing was changed.",
    }
}

impl Problem {
    /// Of a kind, with a sentence.
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        let (status, code) = words_of(kind);
        Self::coded(status, code, detail)
    }

    /// With a status and code of its own.
    pub(crate) fn coded(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            faults: Vec::new(),
            known_command: false,
        }
    }

    /// A field of what was sent is wrong.
    pub(crate) fn field(name: &str, why: impl Into<String>) -> Self {
        let why = why.into();
        let mut problem = Self::new(ErrorKind::InvalidInput, format!("{name}：{why}"));
        problem.faults.push(FaultBody {
            row: 0,
            field: name.to_owned(),
            message: why,
        });
        problem
    }

    /// There is no such thing, or it is none of the asker's business.
    pub(crate) fn not_found(what: &str, key: &str) -> Self {
        Self::new(
            ErrorKind::NotFound,
            format!("没有找到{what}「{key}」；请核对编号，或确认它属于您可以查看的单位"),
        )
    }

    /// For reading one thing: that it is not there reads like that it is none of the asker's business.
    pub(crate) fn hidden(error: AppError, what: &str, key: &str) -> Self {
        if error.kind() == ErrorKind::NotFound {
            Self::not_found(what, key)
        } else {
            error.into()
        }
    }

    /// For whatever is done about one thing: whoever may not see it does not learn whether it exists.
    pub(crate) fn unseen(error: AppError, what: &str, key: &str) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::Forbidden => Self::not_found(what, key),
            _ => error.into(),
        }
    }

    /// A fault of ours. What it was is logged and not sent.
    pub(crate) fn internal(cause: &dyn Display) -> Self {
        let sentence = "系统内部出错，本次操作没有生效；请把请求编号告知运维人员";
        Self::logged(ErrorKind::Internal, cause, sentence)
    }

    fn logged(kind: ErrorKind, cause: &dyn Display, sentence: &str) -> Self {
        tracing::error!(request = request_id(), %cause, "a request failed");
        Self::new(kind, sentence)
    }

    /// Somebody asks too often.
    pub(crate) fn too_often() -> Self {
        let detail = "操作过于频繁，请一分钟后再试";
        Self::coded(StatusCode::TOO_MANY_REQUESTS, "too_often", detail)
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the same command was sent meanwhile.
    pub(crate) const fn is_known_command(&self) -> bool {
        self.known_command
    }

    /// As it is sent.
    pub(crate) fn body(self) -> ProblemBody {
        ProblemBody {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            detail_en: english(self.status),
            request_id: request_id(),
            faults: self.faults,
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        // Which place is broken is what whoever asks must be told: no inside of the program, and the log has it too.
        if let AppError::Chain(why) = &error {
            return Self::logged(ErrorKind::FailedPrecondition, why, &why.to_string());
        }
        let kind = error.kind();
        match kind {
            ErrorKind::Internal => return Self::internal(&error),
            ErrorKind::Unavailable => {
                return Self::logged(kind, &error, "系统暂时无法处理，本次操作没有生效；请稍后重试");
            }
            _ => {}
        }
        let mut problem = Self::new(kind, error.to_string());
        problem.known_command = error.is_known_command();
        if let AppError::Faults(faults) = &error {
            let faults = faults.sorted().into_iter().map(|fault| FaultBody {
                row: fault.row,
                field: fault.column.clone(),
                message: fault.message.clone(),
            });
            problem.faults = faults.collect();
        }
        problem
    }
}

/// An answer of problem+json with a body that was made already.
pub(crate) fn problem_response(status: StatusCode, body: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    let mut response = (status, kind, body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        let wait = HeaderValue::from_static("60");
        response.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        let body = serde_json::to_string(&self.body()).unwrap_or_default();
        problem_response(status, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::accounts::AccountError;

    #[test]
    fn the_cause_of_an_internal_error_is_not_sent() {
        let problem = Problem::from(AppError::io(std::path::Path::new("/secret/path"))(
            std::io::Error::other("disk"),
        ));
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!problem.body().detail.contains("secret"));
    }

    #[test]
    fn kinds_become_statuses() {
        let status = |error: AccountError| Problem::from(AppError::from(error)).status().as_u16();
        assert_eq!(status(AccountError::NotLoggedIn), 401);
        assert_eq!(status(AccountError::OwnRole), 403);
        assert_eq!(status(AccountError::BadLink), 404);
        assert_eq!(status(AccountError::NotFirst), 409);
        assert_eq!(status(AccountError::Invalid("x".into())), 422);
        assert_eq!(status(AccountError::Hashing), 500);
    }

    #[test]
    fn all_faults_are_sent_at_once() {
        let mut faults = kernel::Faults::new();
        faults.push(3, "数量", "应为正数");
        faults.push(2, "系统", "未登记");
        let body = Problem::from(AppError::Faults(faults)).body();
        assert_eq!(body.status, 422);
        assert_eq!(body.faults.iter().map(|f| f.row).collect::<Vec<_>>(), [2, 3]);
    }
}
