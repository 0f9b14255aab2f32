//! What keeps an operation on accounts from being carried out.

use domain::authz::{AssignmentError, PasswordFault, Refusal};
use kernel::{ErrorKind, Kinded};
use thiserror::Error;

/// Why an operation on accounts was not carried out.
#[derive(Debug, Error)]
pub enum AccountError {
    /// A login that was not let in.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A one-time code is asked for.
    #[error("该账号已启用动态口令，请同时填写动态口令")]
    CodeNeeded,
    /// No session, or one that is over.
    #[error("登录已失效，请重新登录")]
    NotLoggedIn,
    /// A token that is not there, over or taken back.
    #[error("令牌无效、已过期或已注销，请使用有效的令牌")]
    BadToken,
    /// A command without a token, once there are accounts.
    #[error("系统已建立账号，执行命令须用本人或服务账号的令牌：请把令牌放在环境变量 YUNHENG_TOKEN 中再执行")]
    TokenNeeded,
    /// Nobody can sign in at an identity provider here.
    #[error("本平台没有启用统一身份认证，请使用密码登录")]
    NoProvider,
    /// A login that was not begun here, is used or over.
    #[error("本次登录已失效或已使用过，请从登录页重新开始")]
    BadSignIn,
    /// An identity that no account in use is bound to.
    #[error("您的身份没有绑定可用的本平台账号；请联系系统管理员绑定，或用密码登录后自行绑定")]
    NotBound,
    /// A one-time link that is not there, over or used.
    #[error("该链接无效、已使用或已过期，请联系系统管理员重新发送")]
    BadLink,
    /// A one-time link that somebody else has to release.
    #[error("该链接用于已启用过的账号，须经安全管理员放行后才能使用；请联系安全管理员放行，再设置密码")]
    LinkWaits,
    /// A password that is not accepted.
    #[error("密码不符合要求：{list}", list = .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("；"))]
    Password(Vec<PasswordFault>),
    /// There are accounts already.
    #[error("系统中已有账号，首次启用只能进行一次；请由系统管理员维护账号")]
    NotFirst,
    /// A role that cannot be given.
    #[error(transparent)]
    Role(#[from] AssignmentError),
    /// Whoever proposed a role, or gets it, does not approve it.
    #[error("角色授予应由提出人和被授予人之外的安全管理员批准")]
    OwnRole,
    /// Whoever asked for a new way into an account, or holds it, does not release it.
    #[error("这件事应由提出人和账号本人之外的安全管理员办理；没有其他安全管理员的，请运维人员在本机补救")]
    OwnRelease,
    /// No such account, role, session or token.
    #[error("没有找到{0}；请刷新列表后重试")]
    NotFound(&'static str),
    /// A field of the input.
    #[error("{0}")]
    Invalid(String),
    /// Nobody can work with passwords here. A fault of ours.
    #[error("密码处理失败，请联系运维人员")]
    Hashing,
}

impl Kinded for AccountError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(_) | Self::CodeNeeded | Self::NotLoggedIn | Self::BadToken | Self::TokenNeeded => {
                ErrorKind::Unauthenticated
            }
            Self::BadLink | Self::NotFound(_) => ErrorKind::NotFound,
            Self::Password(_) | Self::Role(_) | Self::Invalid(_) => ErrorKind::InvalidInput,
            Self::BadSignIn | Self::NotBound => ErrorKind::Unauthenticated,
            Self::NotFirst | Self::NoProvider | Self::LinkWaits => ErrorKind::FailedPrecondition,
            Self::OwnRole | Self::OwnRelease => ErrorKind::Forbidden,
            Self::Hashing => ErrorKind::Internal,
        }
    }
}
