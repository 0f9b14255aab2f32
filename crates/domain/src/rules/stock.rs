//! R4: stock before increment.
//!
//! Only stock that is known to be under-used counts: what could not be judged never reduces an application, and is
//! never passed over in silence. Source: `kunming-stock` in docs/sources.md.

use super::finding::{Finding, Judgement, ReducedLine};
use super::{Line, RequestFacts, Stock};
use crate::registry::{Measure, ResourceKind, Spec};
use kernel::decimal::SCALE;
use kernel::{Factor, Quantity};

/// An entry of stock, and what of it lines before have left.
struct Spare<'a> {
    stock: &'a Stock,
    left: Spec,
    /// Why it is not the whole truth.
    gap: Option<String>,
}

impl<'a> Spare<'a> {
    fn of(stock: &'a Stock, completeness_at_least: Factor) -> Self {
        let complete = stock.completeness.is_some_and(|c| c >= completeness_at_least);
        let thin = stock.judged > 0 && !complete;
        let gap = if thin {
            let completeness = stock.completeness.map_or("未知".to_owned(), |c| c.to_string());
            Some(format!(
                "利用率数据完整度 {completeness}，低于要求的 {completeness_at_least}"
            ))
        } else if stock.unjudged > 0 {
            Some(format!(
                "{} 个资源无法判断利用率（{}）",
                stock.unjudged, stock.unjudged_because
            ))
        } else {
            None
        };
        Self {
            stock,
            left: if complete { stock.spare.clone() } else { Spec::new() },
            gap,
        }
    }

    fn serves(&self, line: &Line) -> bool {
        let Stock { kind, pool, class, .. } = self.stock;
        let pool_fits = line.pool.is_none() || pool.is_none() || *pool == line.pool;
        *kind == line.kind && pool_fits && class.as_ref().is_none_or(|class| *class == line.class)
    }
}

/// `quantity` x `part` / `whole`, rounded down, so that never more is cut than there is.
fn share(quantity: Quantity, part: i128, whole: i128) -> Quantity {
    let micros = (i128::from(quantity.micros()) * part).checked_div(whole).unwrap_or(0);
    Quantity::from_micros(i64::try_from(micros).unwrap_or(0))
}

fn less(quantity: Quantity, cut: Quantity) -> Quantity {
    quantity.checked_sub(cut).unwrap_or(Quantity::ZERO).max(Quantity::ZERO)
}

/// What is left of a demand and of the stock, if stock can serve any of it.
///
/// A demand with one measure (a size) is cut by what there is. One with several (pieces of a specification) is cut by
/// whole pieces, as many as stock can serve in every measure: half a server is no server.
fn cut(asked: &Spec, spare: &Spec, measures: &[Measure]) -> Option<(Spec, Spec)> {
    let (whole, part) = match asked.iter().collect::<Vec<_>>().as_slice() {
        [(measure, quantity)] => {
            let there = spare.get(*measure).filter(|_| measures.contains(measure))?;
            (i128::from(quantity.micros()), i128::from(there.min(*quantity).micros()))
        }
        _ => pieces(asked, spare, measures)?,
    };
    if part <= 0 {
        return None;
    }
    let cut_of = |quantity| share(quantity, part, whole);
    let rest = asked
        .iter()
        .fold(Spec::new(), |s, (m, q)| s.with(m, less(q, cut_of(q))));
    let left = spare.iter().fold(Spec::new(), |s, (m, q)| {
        s.with(m, less(q, asked.get(m).map_or(Quantity::ZERO, cut_of)))
    });
    Some((rest, left))
}

/// How many pieces are asked for, and how many of them stock can serve.
fn pieces(asked: &Spec, spare: &Spec, measures: &[Measure]) -> Option<(i128, i128)> {
    let count = asked.get(Measure::Count).map_or(SCALE, Quantity::micros);
    let pieces = i128::from(count.checked_div(SCALE).filter(|_| count % SCALE == 0)?);
    let sized = asked
        .iter()
        .filter(|(m, q)| *m != Measure::Count && measures.contains(m) && !q.is_zero());
    let served = sized.map(|(measure, quantity)| {
        let there = i128::from(spare.get(measure).unwrap_or(Quantity::ZERO).micros());
        (there * pieces).checked_div(i128::from(quantity.micros())).unwrap_or(0)
    });
    Some((pieces, served.min()?.min(pieces)))
}

/// R4.
pub(super) fn stock_before_increment(
    facts: &RequestFacts,
    kinds: &[ResourceKind],
    measures: &[Measure],
    completeness_at_least: Factor,
) -> Finding {
    let mut spares: Vec<_> = facts
        .stock
        .iter()
        .map(|s| Spare::of(s, completeness_at_least))
        .collect();
    let (mut to, mut reasons, mut gaps, mut evidence) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let counts = |line: &&Line| kinds.contains(&line.kind) && line.own_purchase.is_none();
    for line in facts.increments().filter(counts) {
        let mut rest = line.quantities.clone();
        let mut looked = false;
        for spare in spares.iter_mut().filter(|s| s.serves(line)) {
            looked = true;
            if let Some((less, left)) = cut(&rest, &spare.left, measures) {
                (rest, spare.left) = (less, left);
                evidence.push((format!("第 {} 行可盘活", line.number), in_words(spare.stock)));
            }
            let open = rest.iter().any(|(_, quantity)| !quantity.is_zero());
            gaps.extend(
                spare
                    .gap
                    .iter()
                    .filter(|_| open)
                    .map(|gap| format!("第 {} 行：{gap}", line.number)),
            );
        }
        if !looked {
            gaps.push(format!(
                "第 {} 行：没有查询本单位和本系统的{}存量",
                line.number,
                line.kind.zh()
            ));
        }
        if rest != line.quantities {
            reasons.push(format!(
                "第 {} 行申请合计 {}，核减为 {}",
                line.number,
                line.quantities.zh(),
                rest.zh()
            ));
            to.push(ReducedLine {
                line: line.number,
                quantities: rest,
            });
        }
    }
    conclude(to, &reasons, &gaps).with_all(evidence)
}

fn in_words(stock: &Stock) -> String {
    let completeness = stock.completeness.map_or("未知".to_owned(), |c| c.to_string());
    format!(
        "{}（{}；完整度 {completeness}；策略 {}）",
        stock.spare,
        stock.resources.join("、"),
        stock.policy
    )
}

fn conclude(to: Vec<ReducedLine>, reasons: &[String], gaps: &[String]) -> Finding {
    let gaps = gaps.join("；");
    if !to.is_empty() {
        let mut reason = format!("先盘活存量，再考虑增量：{}。请先使用列出的低效资源", reasons.join("；"));
        if !gaps.is_empty() {
            reason = format!("{reason}。另有无法判断的：{gaps}");
        }
        return Finding::new(Judgement::Less(to), reason);
    }
    if gaps.is_empty() {
        Finding::met("没有可用于本申请的低效存量")
    } else {
        Finding::unknown(format!(
            "存量是否闲置无法判断，不能据此通过或核减：{gaps}。请补齐数据或由审批人核实"
        ))
    }
}
