//! Rules about a system's secrecy, its level of protection, and its papers: R5 to R8, R41.
//!
//! Source: `hunan-scope`, `huangshan-process`, `gbt-22239`, `pingdingshan-process`, `crypto-2019-57` in docs/sources.md.

use super::finding::Finding;
use super::placement::{OFF_CLOUD, Wanted, among_providers};
use super::{ApplicationKind, Arrival, CryptoConclusion, RequestFacts};

const UNGRADED: &str = "系统没有定级，请先定级并在系统登记中补充等级";
const RELEASE: &str = "释放申请，不适用";

fn is_release(facts: &RequestFacts) -> bool {
    facts.application == ApplicationKind::Release
}

/// R5.
pub(super) fn not_classified(facts: &RequestFacts) -> Finding {
    match facts.system.classified {
        _ if is_release(facts) => Finding::met(RELEASE),
        Some(false) => Finding::met("系统不涉密"),
        Some(true) => Finding::broken("涉密系统不得上政务云，请撤回申请，按保密规定另行建设"),
        None => Finding::unknown("没有申报系统是否涉密，请补充后重新检查"),
    }
    .with("系统", &facts.system.code)
}

/// R6.
pub(super) fn level_ceiling(facts: &RequestFacts, highest: u8, separate_pool: bool) -> Finding {
    let Some(level) = facts.system.mlps_level else {
        return if is_release(facts) {
            Finding::met(RELEASE)
        } else {
            Finding::unknown(UNGRADED)
        };
    };
    let finding = if is_release(facts) {
        Finding::met(RELEASE)
    } else if facts.off_cloud {
        Finding::met(OFF_CLOUD)
    } else if level <= highest {
        Finding::met(format!("第 {level} 级，不超过第 {highest} 级"))
    } else if separate_pool {
        let wanted = Wanted {
            met: format!("第 {level} 级系统，使用独立资源池"),
            broken: format!("第 {level} 级系统须使用独立资源池，没有云服务商能够提供，请另行安排"),
            unknown: "是否有独立资源池".into(),
        };
        among_providers(facts, wanted, |provider| provider.separate_pool)
    } else {
        Finding::broken(format!(
            "系统为第 {level} 级，通用政务云只承载第 {highest} 级及以下的系统，请另行安排"
        ))
    };
    finding.with("等级", level)
}

/// R7.
pub(super) fn level_within_platform(facts: &RequestFacts) -> Finding {
    if is_release(facts) {
        return Finding::met(RELEASE);
    }
    let Some(level) = facts.system.mlps_level else {
        return Finding::unknown(UNGRADED);
    };
    let wanted = Wanted {
        met: format!("平台等级不低于系统的第 {level} 级"),
        broken: format!("云平台的等级低于系统的第 {level} 级，不得承载，请选择等级相当的平台"),
        unknown: "平台等级".into(),
    };
    among_providers(facts, wanted, |provider| provider.platform_level.map(|of| of >= level))
}

/// R8. Without a level there is no telling whether filing is due, so the certificate is asked for as well.
pub(super) fn filing_certificate(facts: &RequestFacts, from_level: u8) -> Finding {
    let system = &facts.system;
    if facts.application != ApplicationKind::New || system.arrival != Arrival::Migrated {
        return Finding::met("不是迁移上云的申请，不适用");
    }
    let number = system.filing_certificate.as_deref().map_or("", str::trim);
    match system.mlps_level {
        _ if !number.is_empty() => Finding::met("已提交备案证明").with("备案证明编号", number),
        Some(level) if level < from_level => Finding::met(format!("第 {level} 级系统不要求备案证明")),
        _ => Finding::broken(format!(
            "迁移上云的第 {from_level} 级及以上系统须提交等级保护备案证明，请上传后再提交；尚未定级备案的先行办理"
        )),
    }
}

/// R41.
pub(super) fn crypto_plan(facts: &RequestFacts, enforced: bool, from_level: u8) -> Finding {
    let system = &facts.system;
    if facts.application != ApplicationKind::New || system.arrival == Arrival::Existing {
        return Finding::met("不是新建或迁移系统的申请，不适用");
    }
    if !enforced {
        return Finding::not_configured("政策开关没有启用，不作判断");
    }
    if let Some(level) = system.mlps_level.filter(|level| *level < from_level) {
        return Finding::met(format!("第 {level} 级系统不要求密码应用方案"));
    }
    let plan = system.crypto_plan.as_deref().map_or("", str::trim);
    let wrong = match (plan.is_empty(), system.crypto_assessment) {
        (true, _) => "没有提交密码应用方案，请编制、评估后上传",
        (false, None) => "密码应用方案没有评估结论，请委托有资质的机构评估后上传",
        (false, Some(CryptoConclusion::NotConform)) => "密码应用方案评估结论为不符合，请修改方案、重新评估",
        (false, Some(_)) => return Finding::met("密码应用方案已评估通过").with("方案", plan),
    };
    match system.mlps_level {
        Some(level) => Finding::broken(wrong).with("等级", level),
        None => Finding::unknown(format!("{UNGRADED}；{wrong}")),
    }
}
