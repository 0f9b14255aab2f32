//! Why something was not done on a node, by what it means for whoever wanted it.

use super::super::OpenStackError;
use kernel::{ErrorKind, Kinded};
use thiserror::Error;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandsFault {
    /// The node, or the service, cannot be reached. Later it will be known how far it got.
    #[error("{0}")]
    Away(String),
    /// It is not known whether it took effect, or it is still under way.
    #[error("{0}")]
    Unclear(String),
    /// It is refused and had no effect; asking again does not help.
    #[error("{0}")]
    Refused(String),
}

impl HandsFault {
    /// While nothing was asked for yet: whatever does not pass by itself needs somebody who looks.
    pub(super) fn connecting(error: OpenStackError) -> Self {
        match error.kind() {
            ErrorKind::Unavailable => Self::Away(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }

    /// While looking: nothing follows from it for what is there.
    pub(super) fn reading(error: OpenStackError) -> Self {
        match error.kind() {
            ErrorKind::Unavailable => Self::Away(error.to_string()),
            _ => Self::Unclear(error.to_string()),
        }
    }
}

pub(super) fn refused(why: impl Into<String>) -> HandsFault {
    HandsFault::Refused(why.into())
}

/// What the failure of a request means that should have had an effect. `is_making`: it should have made something, so
/// that a conflict is no passing one.
pub(super) fn act_fault(error: OpenStackError, is_making: bool) -> HandsFault {
    match error {
        OpenStackError::Unreachable { .. } => HandsFault::Away(error.to_string()),
        OpenStackError::Refused {
            status: 409,
            place,
            message,
        } if !is_making => HandsFault::Unclear(format!("{} 正忙于该资源 ({message})，稍后再试", place.service)),
        OpenStackError::Refused { place, status, message } => {
            refused(format!("{} 不予办理 (HTTP {status}，{message})", place.service))
        }
        OpenStackError::Forbidden { place, message } => refused(format!(
            "{} 不予办理 (HTTP 403，{message})；请服务商核对项目配额，以及操作账号在该项目上的角色",
            place.service
        )),
        other => HandsFault::Unclear(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Place, Service};
    use super::*;

    fn place() -> Place {
        Place {
            service: Service::Compute,
            url: "http://h/servers".into(),
        }
    }

    #[test]
    fn only_a_clear_no_is_a_refusal() {
        let refusal = |status| OpenStackError::Refused {
            place: place(),
            status,
            message: "why".into(),
        };
        let no =
            |error, is_making| matches!(act_fault(error, is_making), HandsFault::Refused(why) if why.contains("why"));
        assert!(no(refusal(400), true) && no(refusal(413), true) && no(refusal(409), true) && no(refusal(404), false));
        assert!(!no(refusal(409), false), "a server that is busy");
        let forbidden = OpenStackError::Forbidden {
            place: place(),
            message: "why".into(),
        };
        assert!(no(forbidden, true));
        let timeout = OpenStackError::Timeout {
            place: place(),
            timeout_s: 1,
        };
        assert!(matches!(act_fault(timeout.clone(), true), HandsFault::Unclear(_)));
        assert!(matches!(HandsFault::reading(timeout), HandsFault::Away(_)));
        let nobody = OpenStackError::Unreachable {
            place: place(),
            cause: String::new(),
        };
        assert!(matches!(act_fault(nobody, true), HandsFault::Away(_)));
        let locked = OpenStackError::WrongCredential { place: place() };
        assert!(matches!(HandsFault::connecting(locked.clone()), HandsFault::Refused(_)));
        assert!(matches!(HandsFault::reading(locked), HandsFault::Unclear(_)));
    }
}
