//! Why nobody was identified.

use kernel::{ErrorKind, Kinded};
use thiserror::Error;

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenFault {
    /// Not three parts of base 64 and JSON.
    #[error("格式不正确")]
    Form,
    /// An algorithm that is not accepted, such as none.
    #[error("签名算法不被接受")]
    Algorithm,
    /// A key that the provider does not list.
    #[error("签名密钥未知")]
    Key,
    /// A signature that is not the key's.
    #[error("签名不正确")]
    Signature,
    /// Of another issuer.
    #[error("签发方不符")]
    Issuer,
    /// For another client.
    #[error("不是发给本平台的")]
    Audience,
    /// Too old.
    #[error("已过期")]
    Expired,
    /// Issued after now, or long before.
    #[error("签发时间不可信")]
    Issued,
    /// Not the answer to what was asked.
    #[error("与本次登录不符")]
    Nonce,
    /// Of nobody.
    #[error("没有写明是谁")]
    Subject,
}

/// Why nobody was identified.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// The configuration.
    #[error("统一身份认证的配置项 {field} 不可用：{why}")]
    Config {
        /// Its name.
        field: &'static str,
        /// Why not.
        why: String,
    },
    /// The provider does not answer.
    #[error("统一身份认证服务暂时无法访问（{0}），请稍后重试，或使用本平台的密码登录")]
    Unreachable(String),
    /// The provider's answer is none.
    #[error("统一身份认证服务的答复不符合约定（{0}），请联系运维人员核对配置")]
    Answer(String),
    /// The provider refuses the code, or whoever tried gave up there: the provider's word for why, which is not shown.
    #[error("统一身份认证未通过，请重新登录")]
    Refused(String),
    /// A token that is not believed.
    #[error("统一身份认证返回的身份凭据未通过核验（{0}），请重新登录")]
    Token(#[from] TokenFault),
}

impl Kinded for IdentityError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Config { .. } => ErrorKind::InvalidInput,
            Self::Unreachable(_) | Self::Answer(_) => ErrorKind::Unavailable,
            Self::Refused(_) | Self::Token(_) => ErrorKind::Unauthenticated,
        }
    }
}
