//! Rules from which a review may except: R1, R3, R46; and R2, the record of the review itself.
//!
//! Source: `kunming-xinchuang`, `kunming-on-cloud` in docs/sources.md.

use super::finding::Finding;
use super::{ApplicationKind, Arrival, Composition, ExpertReview, Line, RequestFacts, ReviewScope, ReviewSubject};
use crate::registry::{PoolKind, ResourceKind, Spec};
use kernel::{Instant, Quantity};

/// What standing reviews allow, less what lines before have taken.
struct Allowances<'a> {
    open: Vec<(&'a ExpertReview, &'a ReviewScope, Spec)>,
    /// Why the others do not count.
    refused: Vec<(String, String)>,
}

fn minus(from: &Spec, taken: &Spec) -> Spec {
    from.iter().fold(Spec::new(), |rest, (measure, quantity)| {
        let taken = taken.get(measure).unwrap_or(Quantity::ZERO);
        let left = quantity
            .checked_sub(taken)
            .unwrap_or(Quantity::ZERO)
            .max(Quantity::ZERO);
        rest.with(measure, left)
    })
}

fn fits(asked: &Spec, left: &Spec) -> bool {
    asked.iter().all(|(measure, quantity)| {
        let left = left.get(measure);
        left.map_or(quantity.is_zero(), |left| quantity <= left)
    })
}

/// The reviews for a subject and the system that stand, and why the others do not.
fn standing<'a>(
    facts: &'a RequestFacts,
    subject: ReviewSubject,
    at: Instant,
    composition: Option<&Composition>,
) -> (Vec<&'a ExpertReview>, Vec<(String, String)>) {
    let (mut stand, mut refused) = (Vec::new(), Vec::new());
    for review in facts.reviews.iter().filter(|r| r.subject == subject) {
        let name = format!("{} {}", review.form.zh(), review.code);
        if review.system != facts.system.code {
            refused.push((name, format!("针对系统 {}，不是本系统", review.system)));
            continue;
        }
        match review.stands(at, composition) {
            Ok(()) => stand.push(review),
            Err(faults) => refused.push((name, sentence(faults.iter()))),
        }
    }
    (stand, refused)
}

fn sentence(parts: impl Iterator<Item = impl ToString>) -> String {
    parts.map(|p| p.to_string()).collect::<Vec<_>>().join("；")
}

impl<'a> Allowances<'a> {
    fn of(facts: &'a RequestFacts, subject: ReviewSubject, at: Instant, composition: Option<&Composition>) -> Self {
        let (stand, refused) = standing(facts, subject, at, composition);
        let scopes = stand
            .iter()
            .flat_map(|review| review.scope.iter().map(move |s| (*review, s)));
        Self {
            open: scopes
                .map(|(review, scope)| (review, scope, minus(&scope.most, &scope.used)))
                .collect(),
            refused,
        }
    }

    /// Takes a whole line out of the first scope that covers it. A line is covered whole or not at all.
    fn cover(&mut self, line: &Line) -> Option<&'a ExpertReview> {
        let covers = |scope: &ReviewScope, left: &Spec| {
            scope.kind == line.kind
                && scope.pool == line.pool
                && scope.class.as_ref().is_none_or(|class| *class == line.class)
                && fits(&line.quantities, left)
        };
        let (review, _, left) = self.open.iter_mut().find(|(_, scope, left)| covers(scope, left))?;
        *left = minus(left, &line.quantities);
        Some(*review)
    }

    /// The lines that no review covers, as sentences, and what the covered ones rest on.
    fn judge(&mut self, lines: &[&Line]) -> (Vec<String>, Vec<(String, String)>) {
        let (mut uncovered, mut evidence) = (Vec::new(), Vec::new());
        for line in lines {
            match self.cover(line) {
                Some(review) => evidence.push((
                    format!("第 {} 行", line.number),
                    format!(
                        "依据{} {} 的结论，{}",
                        review.form.zh(),
                        review.code,
                        line.quantities.zh()
                    ),
                )),
                None => uncovered.push(format!(
                    "第 {} 行 {} {}",
                    line.number,
                    line.kind.zh(),
                    line.quantities.zh()
                )),
            }
        }
        evidence.append(&mut self.refused);
        (uncovered, evidence)
    }
}

/// R1.
pub(super) fn xinchuang_only(
    facts: &RequestFacts,
    pool_needed: &[ResourceKind],
    at: Instant,
    composition: Option<&Composition>,
) -> Finding {
    let lines = || facts.increments().filter(|line| line.own_purchase.is_none());
    let outside: Vec<_> = lines().filter(|line| line.pool == Some(PoolKind::X86)).collect();
    let unclear = lines().filter(|line| line.pool.is_none() && pool_needed.contains(&line.kind));
    let unclear = sentence(unclear.map(|line| format!("第 {} 行", line.number)));
    match facts.unit.municipal {
        Some(false) => return Finding::met("申请单位不是市级单位，不适用"),
        None if !outside.is_empty() => {
            return Finding::unknown("单位登记中没有写明是否市级单位，请补充后重新检查").with("单位", &facts.unit.code);
        }
        _ => {}
    }
    let (uncovered, evidence) = Allowances::of(facts, ReviewSubject::NonXinchuang, at, composition).judge(&outside);
    let finding = if !uncovered.is_empty() {
        Finding::broken(format!(
            "市级单位新增资源原则上使用信创资源池，以下各行申请非信创资源池，没有有效的专家论证或技术评估覆盖：{}。\
             请改为信创资源池，或按规定论证后在结论范围内申请",
            uncovered.join("；")
        ))
    } else if !unclear.is_empty() {
        Finding::unknown(format!("{unclear}没有写明资源池，请补充后重新检查"))
    } else if outside.is_empty() {
        Finding::met("没有新增非信创资源")
    } else {
        Finding::met("非信创资源均在有效论证结论的范围之内，按结论执行")
    };
    finding.with_all(evidence)
}

/// R2. Whether the record is complete; what was decided is used by the rules it excepts from.
pub(super) fn review_as_decided(facts: &RequestFacts, composition: Option<&Composition>) -> Finding {
    if facts.reviews.is_empty() || facts.application == ApplicationKind::Release {
        return Finding::met("没有提出例外");
    }
    let (mut wrong, mut open, mut evidence) = (Vec::new(), Vec::new(), Vec::new());
    for review in &facts.reviews {
        let name = format!("{} {}", review.form.zh(), review.code);
        let faults = review.faults(composition);
        if !faults.is_empty() {
            wrong.push(format!("{name}：{}", sentence(faults.iter())));
        }
        open.extend(
            review
                .open_conditions()
                .map(|condition| format!("{name}「{}」", condition.text)),
        );
        let end = review.expires.map_or("未写明".to_owned(), |end| end.to_string());
        let decision = format!("{}，{}，有效至 {end}", review.subject.zh(), review.decision.zh());
        evidence.push((name, decision));
    }
    let first = match open.is_empty() {
        true => String::new(),
        false => format!("；可以提交，开通前须先落实并登记凭据：{}", sentence(open.iter())),
    };
    let finding = match composition {
        _ if !wrong.is_empty() => Finding::broken(wrong.join("。")),
        None => Finding::not_configured(format!(
            "论证记录完整；评审人数和通过比例没有配置，组成是否合规由审批人判断{first}"
        )),
        Some(_) if open.is_empty() => Finding::met("论证记录完整，评审组成符合规定"),
        Some(_) => Finding::told(format!("论证记录完整，评审组成符合规定{first}")),
    };
    finding.with_all(evidence)
}

/// R3.
pub(super) fn not_offered_already(facts: &RequestFacts, at: Instant, composition: Option<&Composition>) -> Finding {
    let (mut offered, mut nobody_looked, mut items) = (Vec::new(), Vec::new(), Vec::new());
    for line in facts
        .lines
        .iter()
        .filter(|_| facts.application != ApplicationKind::Release)
    {
        let Some(purchase) = &line.own_purchase else { continue };
        match &purchase.offered_as {
            None => nobody_looked.push(format!("第 {} 行「{}」", line.number, purchase.what)),
            Some(codes) if codes.is_empty() => {}
            Some(codes) => {
                let name = format!("第 {} 行「{}」目录条目", line.number, purchase.what);
                items.push((name, sentence(codes.iter())));
                offered.push(line);
            }
        }
    }
    let (uncovered, evidence) = Allowances::of(facts, ReviewSubject::OwnPurchase, at, composition).judge(&offered);
    let finding = if !uncovered.is_empty() {
        Finding::broken(format!(
            "政务云已提供的软硬件不再另行采购：{}。请改用服务目录中的条目（见依据），确有特殊需要的先行论证",
            uncovered.join("；")
        ))
    } else if !nobody_looked.is_empty() {
        let lines = nobody_looked.join("、");
        Finding::unknown(format!("{lines}没有与服务目录比对，请比对后重新检查"))
    } else {
        Finding::met("没有另行采购政务云已提供的软硬件，或在有效论证结论的范围之内")
    };
    finding.with_all(items).with_all(evidence)
}

/// R46.
pub(super) fn on_cloud(facts: &RequestFacts, at: Instant, composition: Option<&Composition>) -> Finding {
    if !facts.off_cloud || facts.system.arrival != Arrival::New {
        return Finding::met("新建系统部署在政务云上，或本规则不适用");
    }
    let (stand, refused) = standing(facts, ReviewSubject::OffCloud, at, composition);
    match stand.first() {
        Some(review) => Finding::met("不上云有有效的论证结论，按结论执行").with(review.form.zh(), &review.code),
        None => Finding::broken("新建系统原则上部署在政务云上。请改为上云，或先行论证并上传结论").with_all(refused),
    }
}
