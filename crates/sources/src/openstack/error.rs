//! What can go wrong with a node, in sentences that say what to do.

use super::Service;
use kernel::{ErrorKind, Kinded};
use std::fmt;
use thiserror::Error;

/// Which request it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The service asked.
    pub service: Service,
    /// The address asked, with its query; never holds a secret.
    pub url: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service, self.url)
    }
}

/// Why a node could not be read. Nothing of a failed collect is handed out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenStackError {
    /// A value of the configuration is of no use.
    #[error("节点配置 {field} 有误: {why}")]
    Config {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers.
    #[error("{place}: 无法连接 ({cause})。请检查节点地址与端口、网络与防火墙策略，以及该服务是否在运行")]
    Unreachable {
        /// Which request.
        place: Place,
        /// What the network said.
        cause: String,
    },
    /// The answer did not come in time.
    #[error("{place}: {timeout_s} 秒内没有完成应答。请检查网络与节点负载，必要时调大 timeout_s 或调小 page_size")]
    Timeout {
        /// Which request.
        place: Place,
        /// How long it was waited for.
        timeout_s: u64,
    },
    /// The certificate is signed by somebody unknown, or is another's.
    #[error(
        "{place}: 不信任对方的 TLS 证书 ({cause})。请向服务商索取签发该证书的 CA 文件并配置 ca_file，且地址要与证书上的名称一致"
    )]
    TlsUntrusted {
        /// Which request.
        place: Place,
        /// What is wrong with it.
        cause: String,
    },
    /// Keystone does not accept the account.
    #[error(
        "{place}: 登录被拒绝。请核对用户名、密码、域和项目，或应用凭证的 ID 与密钥；账号也可能已停用、锁定、过期或被撤销"
    )]
    WrongCredential {
        /// Which request.
        place: Place,
    },
    /// A service does not accept a fresh token.
    #[error("{place}: 刚签发的令牌被拒绝 (HTTP 401)。请服务商检查该服务与 Keystone 的对接是否正常")]
    TokenRefused {
        /// Which request.
        place: Place,
    },
    /// The account may not do this.
    #[error("{place}: 账号权限不足 (HTTP 403{})。{}", said(message), advice(place.service))]
    Forbidden {
        /// Which request.
        place: Place,
        /// What the service said.
        message: String,
    },
    /// The service does not do it, for a reason that trying again does not change.
    #[error(
        "{place}: 请求被拒绝 (HTTP {status}{})。请核对节点地址与版本，并将此信息交给服务商",
        said(message)
    )]
    Refused {
        /// Which request.
        place: Place,
        /// Status of the answer.
        status: u16,
        /// What the service said.
        message: String,
    },
    /// The service is out of order, also after all retries.
    #[error(
        "{place}: 服务故障 (HTTP {status}{})，已重试 {retries} 次。请稍后再采集，持续出现请联系服务商",
        said(message)
    )]
    Broken {
        /// Which request.
        place: Place,
        /// Status of the last answer.
        status: u16,
        /// What the service said.
        message: String,
        /// How many times it was asked again.
        retries: u32,
    },
    /// An answer that is not what the API promises.
    #[error(
        "{place}: 应答内容无法识别 ({cause})。请确认该地址是 OpenStack 服务而不是门户或代理页面，并将此信息交给平台维护人员"
    )]
    Malformed {
        /// Which request.
        place: Place,
        /// What is wrong with it.
        cause: String,
    },
    /// The service knows that its answer lacks something.
    #[error("{place}: 清单不完整 ({why})，本次采集作废。请服务商排除故障后重新采集")]
    Incomplete {
        /// Which request.
        place: Place,
        /// What is missing.
        why: String,
    },
    /// The catalogue has no address of a service that is needed.
    #[error(
        "服务目录中没有 {service} 的 {interface} 地址{}。目录中有: {offered}。请核对 region 与 interface，或请服务商补充服务目录",
        in_region(region)
    )]
    NoEndpoint {
        /// The service.
        service: Service,
        /// The kind of address.
        interface: &'static str,
        /// The region, if one was asked for.
        region: Option<String>,
        /// What there is instead.
        offered: String,
    },
    /// Several regions and none chosen.
    #[error("节点有多个区域: {regions}。请在节点配置中指定 region，每个区域登记为一个节点")]
    RegionNeeded {
        /// Their names.
        regions: String,
    },
    /// The service is too old, or too new.
    #[error("{service} 支持的版本为 {offered}，本平台需要 {wanted}。请联系平台维护人员")]
    Version {
        /// The service.
        service: Service,
        /// What is needed.
        wanted: String,
        /// What it offers.
        offered: String,
    },
    /// A state that is in no table.
    #[error(
        "{service} 的资源 {id} 处于未知状态「{word}」。请向服务商问明含义，并在节点配置 state_words 中注明对应的状态"
    )]
    UnknownState {
        /// The service.
        service: Service,
        /// The resource.
        id: String,
        /// The word.
        word: String,
    },
}

impl Kinded for OpenStackError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Config { .. } | Self::NoEndpoint { .. } | Self::RegionNeeded { .. } => ErrorKind::InvalidInput,
            Self::WrongCredential { .. } => ErrorKind::Unauthenticated,
            Self::Forbidden { .. } => ErrorKind::Forbidden,
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Broken { .. } | Self::TokenRefused { .. } => {
                ErrorKind::Unavailable
            }
            Self::TlsUntrusted { .. }
            | Self::Refused { .. }
            | Self::Malformed { .. }
            | Self::Incomplete { .. }
            | Self::Version { .. }
            | Self::UnknownState { .. } => ErrorKind::FailedPrecondition,
        }
    }
}

fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(", 对方说明: {message}")
    }
}

fn in_region(region: &Option<String>) -> String {
    region.as_ref().map(|r| format!("(区域 {r})")).unwrap_or_default()
}

const fn advice(service: Service) -> &'static str {
    match service {
        Service::ObjectStore => {
            "请服务商给该账号在所登录的项目上授予 ResellerAdmin 角色；确定不计量对象存储时，可在节点配置中关闭 object_store"
        }
        _ => "采集账号须能看到全部项目: 请服务商在所登录的管理项目上授予该账号 admin 角色，或配置等效的只读策略",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_say_where_and_what_to_do() {
        let place = Place {
            service: Service::Compute,
            url: "http://h/v2.1/servers/detail?all_tenants=1".into(),
        };
        let text = OpenStackError::Forbidden {
            place: place.clone(),
            message: "Policy doesn't allow".into(),
        }
        .to_string();
        for part in ["Nova", "/servers/detail", "403", "Policy doesn't allow", "admin"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let swift = Place {
            service: Service::ObjectStore,
            ..place
        };
        let text = OpenStackError::Forbidden {
            place: swift,
            message: String::new(),
        }
        .to_string();
        assert!(text.contains("ResellerAdmin") && text.contains("(HTTP 403)"), "{text}");
    }
}
