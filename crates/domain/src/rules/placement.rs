//! Rules about where and for how long: R17, R37, R48.
//!
//! Source: `xinyu-reclaim`, `gbt-22239`, `pingdingshan-process` in docs/sources.md.

use super::finding::Finding;
use super::{ApplicationKind, ProviderFacts, Purpose, Quote, RequestFacts};
use kernel::Instant;

/// What is said of a provider's cloud where the system is not to be on one.
pub(super) const OFF_CLOUD: &str = "申请不上云，不适用";

/// The sentences for a question asked of every provider.
pub(super) struct Wanted {
    pub(super) met: String,
    pub(super) broken: String,
    /// What is not known.
    pub(super) unknown: String,
}

/// A question to the chosen provider; before the choice, to all at each of their nodes: one that will do is enough.
pub(super) fn among_providers(
    facts: &RequestFacts,
    wanted: Wanted,
    answer: impl Fn(&ProviderFacts) -> Option<bool>,
) -> Finding {
    if facts.off_cloud {
        return Finding::met(OFF_CLOUD);
    }
    let providers = facts.considered();
    let those = |value: Option<bool>| {
        let those = providers.iter().filter(|p| answer(p) == value);
        those.map(|p| p.name()).collect::<Vec<_>>().join("、")
    };
    let (yes, no, unknown) = (those(Some(true)), those(Some(false)), those(None));
    let finding = if providers.is_empty() {
        Finding::unknown("没有可选云服务商的资料，请补充或选定云服务商后重新检查")
    } else if !yes.is_empty() {
        Finding::met(wanted.met)
    } else if !unknown.is_empty() {
        Finding::unknown(format!("{unknown} 的{}没有登记，请补充后重新检查", wanted.unknown))
    } else {
        Finding::broken(wanted.broken)
    };
    let lists = [
        ("符合的云服务商", yes),
        ("不符合的云服务商", no),
        ("资料不全的云服务商", unknown),
    ];
    let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
    lists.fold(finding, |finding, (name, names)| finding.with(name, names))
}

/// R17.
pub(super) fn until_date(facts: &RequestFacts, purposes: &[Purpose], at: Instant) -> Finding {
    if facts.application == ApplicationKind::Release {
        return Finding::met("释放申请，不适用");
    }
    let temporary = facts.lines.iter().filter(|line| purposes.contains(&line.purpose));
    let wrong = temporary.filter_map(|line| match line.until {
        None => Some(format!(
            "第 {} 行用途为{}，没有写明截止日",
            line.number,
            line.purpose.zh()
        )),
        Some(until) if until.start() <= at => Some(format!("第 {} 行的截止日 {until} 已过", line.number)),
        Some(_) => None,
    });
    let wrong: Vec<_> = wrong.collect();
    if wrong.is_empty() {
        Finding::met("临时用途的资源都写明了截止日，或没有临时用途")
    } else {
        Finding::broken(format!(
            "{}。请填写今后的日期，逾期未延期的通知后自动回收",
            wrong.join("；")
        ))
    }
}

/// R37.
pub(super) fn inside_china(facts: &RequestFacts) -> Finding {
    if facts.application == ApplicationKind::Release {
        return Finding::met("释放申请，不适用");
    }
    let wanted = Wanted {
        met: "运维地点和数据均在境内".into(),
        broken: "云服务商的运维地点或数据在境外，不得签约和开通，请另选云服务商".into(),
        unknown: "运维地点或数据所在地".into(),
    };
    among_providers(facts, wanted, |p| match (p.operated_in_china, p.data_in_china) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    })
}

/// R48.
pub(super) fn quote_comparison(facts: &RequestFacts, quotes_at_least: Option<u8>) -> Finding {
    if facts.application != ApplicationKind::New {
        return Finding::met("不涉及选择云服务商");
    }
    let quotes = || {
        facts
            .providers
            .iter()
            .filter_map(|p| Some((&p.code, p.quote.as_ref()?)))
    };
    let evidence = quotes().map(|(code, quote)| (format!("{code} 报价"), format!("每月 {} 元", quote.monthly)));
    let evidence: Vec<_> = evidence.collect();
    let finding = match &facts.choice {
        None => Finding::unknown("尚未选定云服务商，选定时再作检查"),
        Some(choice) => {
            let chosen = quotes().find(|(code, _)| **code == choice.provider);
            let lowest = quotes().map(|(_, quote)| quote.monthly).min();
            match chosen {
                None => Finding::broken(format!("选定的 {} 没有报价，请先取得报价", choice.provider)),
                Some((_, quote)) if lowest < Some(quote.monthly) && choice.reason.trim().is_empty() => {
                    Finding::broken(format!("选定的 {} 不是最低报价，请记录选择理由", choice.provider))
                }
                Some((_, quote)) => within_catalogue(quote, quotes().count(), quotes_at_least),
            }
            .with("选定", &choice.provider)
            .with("理由", &choice.reason)
        }
    };
    finding.with_all(evidence)
}

fn within_catalogue(quote: &Quote, quotes: usize, quotes_at_least: Option<u8>) -> Finding {
    let limit = |p: &super::QuotedPrice| [p.catalogue_price, p.ceiling].into_iter().flatten().min();
    let above = quote.prices.iter().filter_map(|price| {
        let limit = limit(price).filter(|limit| price.price > *limit)?;
        Some(format!("{} 报价 {} 元，高于目录价 {limit} 元", price.item, price.price))
    });
    let above: Vec<_> = above.collect();
    let unknown = quote
        .prices
        .iter()
        .filter(|p| limit(p).is_none())
        .map(|p| p.item.to_string());
    let unknown: Vec<_> = unknown.collect();
    if !above.is_empty() {
        return Finding::broken(format!("{}。请要求重新报价或另选云服务商", above.join("；")));
    }
    if quote.prices.is_empty() || !unknown.is_empty() {
        let items = if unknown.is_empty() {
            "报价没有分项".into()
        } else {
            format!("{} 没有目录价", unknown.join("、"))
        };
        return Finding::unknown(format!("{items}，无法比较，请补充后重新检查"));
    }
    match quotes_at_least {
        None => Finding::not_configured(format!(
            "报价在目录价之内；应有几家报价没有配置，现有 {quotes} 家，由审批人判断"
        )),
        Some(least) if quotes < usize::from(least) => {
            Finding::broken(format!("只有 {quotes} 家报价，少于规定的 {least} 家，请补充询价"))
        }
        Some(_) => Finding::met(format!("{quotes} 家报价，选定的报价在目录价之内，选择已记录")),
    }
}
