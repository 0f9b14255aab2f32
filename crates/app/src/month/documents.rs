//! Documents of differences: what rating a closed month again would change, and where a provider's bill differs from
//! our charges.
//!
//! Owns what each row says about a difference. Changes nothing. The form follows from the ending of the file. That a
//! document left the house is noted before and after, by whichever door it left.

use super::RerateOutcome;
use super::meter::summary_of;
use super::reconcile::ReconcileSummary;
use crate::line_number::LineNumber;
use crate::names::Names;
use crate::price_clause::{ClauseFinder, PriceClauses, price_words};
use crate::whole_file::write_whole;
use crate::{AppError, OpContext, audit};
use documents::difference::{
    BillDifference, DifferenceScope, RerateDifference, reconciliation_row, reconciliation_table, rerate_row,
    rerate_table,
};
use documents::{Cell, TableDocument, table_csv, table_xlsx};
use domain::rate::{ChargeKey, ChargeKind, ChargeRow};
use domain::reconcile::{BillLine, Difference, DifferenceClass};
use kernel::{Instant, Money, Month, Quantity};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;
use store::{Answer, LateFact};

/// Some lines that belong together: the number of the first, and how many there are.
type Lines = (LineNumber, u64);

/// Writes what rating a closed month again would change, as `.xlsx` or `.csv`, with the reason that was given. Returns
/// how many rows it has.
pub async fn difference_document(
    ctx: &OpContext,
    outcome: &RerateOutcome,
    reason: &str,
    path: &Path,
) -> Result<u64, AppError> {
    let detail = json!({ "reason": reason.trim(), "format": ending(path) });
    let object = outcome.month.to_string();
    let work = write_rerating(ctx, outcome, reason, path);
    audit::around(ctx, ("rerating.export", &object), &detail, work).await
}

async fn write_rerating(ctx: &OpContext, outcome: &RerateOutcome, reason: &str, path: &Path) -> Result<u64, AppError> {
    let month = outcome.month;
    let (names, run, mut late) = {
        let mut read = ctx.store().read().await?;
        (
            Names::at(&mut read, month).await?,
            read.current_run("rate", month, "").await?,
            read.open_late_facts().await?,
        )
    };
    // Somebody gave a reason before, and nothing has come in since that waits for another.
    late.retain(|fact| fact.month == month);
    let stands = late.iter().any(|fact| fact.cause == LateFact::RERATE) && late.iter().all(|fact| fact.approved);
    let wanted: HashSet<&ChargeKey> = outcome.corrections.iter().map(|correction| &correction.key).collect();
    let mut lines: HashMap<ChargeKey, Lines> = HashMap::new();
    let mut compared = String::new();
    if let Some(run) = run {
        let path = run.path.as_deref().unwrap_or_default();
        ctx.lake().scan_charges(path, |first, table| {
            for (line, row) in (first..).zip(&table.rows).filter(|(_, row)| row.month == month) {
                let key = table.key(row);
                if wanted.contains(&key) {
                    lines.entry(key).or_insert((LineNumber::new(month, line), 0)).1 += 1;
                }
            }
        })?;
        compared = format!("已计费明细 {} → 按现有事实重新计费", run.output.short());
    }
    let rows = outcome.corrections.iter().map(|correction| {
        let key = &correction.key;
        rerate_row(&RerateDifference {
            line: lines.get(key).map_or_else(String::new, lines_words),
            month,
            is_closed: true,
            department: names.organisation(&key.organisation),
            system: key.system.clone(),
            resource: key.resource.clone(),
            item: key.item.clone(),
            before: Some(correction.charged),
            after: Some(correction.right),
            difference: correction.difference,
            cause: reason.trim().to_owned(),
        })
    });
    let scope = DifferenceScope {
        month,
        compared,
        reason: reason.trim().to_owned(),
        is_committed: outcome.committed || stands,
        made_at: ctx.now(),
    };
    write_table(path, &rerate_table(&scope), rows)
}

/// Writes the differences between a provider's bill and our charges of a month, as `.xlsx` or `.csv`: one row for
/// each class that a difference has a part of, with what the provider answered. Returns how many rows it has.
pub async fn reconciliation_document(
    ctx: &OpContext,
    month: Month,
    provider: &str,
    path: &Path,
) -> Result<u64, AppError> {
    let detail = json!({ "provider": provider, "format": ending(path) });
    let work = write_reconciliation(ctx, month, provider, path);
    audit::around(ctx, ("differences.export", &month.to_string()), &detail, work).await
}

async fn write_reconciliation(ctx: &OpContext, month: Month, provider: &str, path: &Path) -> Result<u64, AppError> {
    let not_yet = || AppError::NotYet {
        month,
        what: "生成账单核对差异表",
        why: format!("云服务商 {provider} {month} 尚未对账，请先导入账单并对账"),
    };
    let (reconciled, rated, bill, answers, names, clauses) = {
        let mut read = ctx.store().read().await?;
        let names = Names::at(&mut read, month).await?;
        let clauses = PriceClauses::new(read.price_books().await?);
        let reconciled = read
            .current_run("reconcile", month, provider)
            .await?
            .ok_or_else(not_yet)?;
        let rated = read.current_run("rate", month, "").await?.ok_or_else(not_yet)?;
        let compared: ReconcileSummary = summary_of(&reconciled)?;
        let mut bills = read.bills(month).await?.into_iter();
        let bill = bills.rfind(|bill| bill.provider.as_str() == provider && bill.version == compared.version);
        (
            reconciled,
            rated,
            bill.ok_or_else(not_yet)?,
            read.answers(month).await?,
            names,
            clauses,
        )
    };
    let differences = ctx
        .lake()
        .read_differences(reconciled.path.as_deref().unwrap_or_default())?;
    let mut sides = Sides::of(&differences);
    sides.take_bill(ctx.lake().read_bill(&bill.path)?.lines);
    ctx.lake()
        .scan_charges(rated.path.as_deref().unwrap_or_default(), |first, table| {
            let mut finder = ClauseFinder::new(&clauses, &names);
            for (line, row) in (first..).zip(&table.rows) {
                let text = |name: u32| table.names.text(name);
                if row.kind != ChargeKind::Correction && text(row.provider) == provider {
                    let key = (text(row.resource), text(row.item));
                    let price = || finder.find(&table.names, row).map_or_else(String::new, price_words);
                    sides.take_line(key, (LineNumber::new(month, line), row), text(row.system), price);
                }
            }
        })?;
    let answers = answers.into_iter().filter(|answer| answer.provider == provider);
    let answers: HashMap<(String, String), Answer> = answers
        .map(|answer| ((answer.resource.clone(), answer.item.clone()), answer))
        .collect();
    let mut rows = Vec::new();
    for (place, difference) in differences.iter().enumerate() {
        let number = format!("{}-{provider}-{:04}", month.to_string().replace('-', ""), place + 1);
        let answer = answers.get(&(difference.resource.clone(), difference.item.clone()));
        rows.extend(sides.rows(&number, difference, answer));
    }
    let scope = DifferenceScope {
        month,
        compared: format!(
            "云服务商 {provider} 账单第 {} 版 对 平台计费 {}",
            bill.version,
            rated.output.short()
        ),
        reason: String::new(),
        is_committed: true,
        made_at: ctx.now(),
    };
    write_table(path, &reconciliation_table(&scope), rows)
}

/// What each side says about one resource and item.
#[derive(Default)]
struct BothSides {
    ours: Option<Side>,
    bill: Option<Side>,
    lines: Option<Lines>,
    bill_row: Option<i64>,
    system: String,
}

/// One side, in figures. Quantity and unit price are those of its first line.
struct Side {
    lines: u64,
    quantity: Quantity,
    price: String,
    from: Instant,
    to: Instant,
}

struct Sides(HashMap<(String, String), BothSides>);

impl Sides {
    fn of(differences: &[Difference]) -> Self {
        let keys = differences.iter().map(|d| (d.resource.clone(), d.item.clone()));
        Self(keys.map(|key| (key, BothSides::default())).collect())
    }

    fn take_bill(&mut self, lines: Vec<BillLine>) {
        for line in lines {
            let Some(both) = self.0.get_mut(&(line.resource, line.item.to_string())) else {
                continue;
            };
            both.bill_row.get_or_insert(i64::from(line.line));
            Side::add(
                &mut both.bill,
                (line.quantity, line.unit_price.to_string()),
                (line.period.from(), line.period.to()),
            );
        }
    }

    fn take_line(
        &mut self,
        (resource, item): (&str, &str),
        (number, row): (LineNumber, &ChargeRow),
        system: &str,
        price: impl FnOnce() -> String,
    ) {
        let Some(both) = self.0.get_mut(&(resource.to_owned(), item.to_owned())) else {
            return;
        };
        both.lines.get_or_insert((number, 0)).1 += 1;
        Side::add(&mut both.ours, (row.quantity, price()), (row.from, row.to));
        if both.system.is_empty() {
            both.system = system.to_owned();
        }
    }

    fn rows(&self, number: &str, difference: &Difference, answer: Option<&Answer>) -> Vec<Vec<Cell>> {
        let nothing = BothSides::default();
        let both = self
            .0
            .get(&(difference.resource.clone(), difference.item.clone()))
            .unwrap_or(&nothing);
        let row = |(class, part): &(DifferenceClass, Money)| {
            reconciliation_row(&BillDifference {
                number: number.to_owned(),
                class: class.zh().to_owned(),
                bill_row: both.bill_row,
                line: both.lines.as_ref().map_or_else(String::new, lines_words),
                system: both.system.clone(),
                resource: difference.resource.clone(),
                item: difference.item.clone(),
                theirs: difference.billed,
                ours: difference.ours,
                difference: *part,
                explanation: explanation(difference, *class, both),
                answer: answer_words(difference, answer),
            })
        };
        difference.parts.iter().map(row).collect()
    }
}

impl Side {
    fn add(side: &mut Option<Self>, (quantity, price): (Quantity, String), (from, to): (Instant, Instant)) {
        let side = side.get_or_insert(Self {
            lines: 0,
            quantity,
            price,
            from,
            to,
        });
        side.lines += 1;
        (side.from, side.to) = (side.from.min(from), side.to.max(to));
    }

    fn words(&self) -> String {
        let short = |at: Instant| {
            at.to_string()
                .replace('T', " ")
                .replace("+08:00", "")
                .replace(" 00:00:00", "")
        };
        let span = format!("{} 至 {}", short(self.from), short(self.to));
        if self.lines > 1 {
            return format!("{} 行，{span}", self.lines);
        }
        let price = if self.price.is_empty() {
            String::new()
        } else {
            format!("，单价 {}", self.price)
        };
        format!("数量 {}{price}，{span}", self.quantity)
    }
}

fn explanation(difference: &Difference, class: DifferenceClass, both: &BothSides) -> String {
    if class == DifferenceClass::Owner {
        let billed_to = difference.billed_to.as_deref().unwrap_or("其他单位");
        return format!("平台计入 {}，账单计入 {billed_to}", difference.organisation);
    }
    let side = |side: &Option<Side>| side.as_ref().map_or_else(|| "无".to_owned(), Side::words);
    format!("平台：{}；账单：{}", side(&both.ours), side(&both.bill))
}

fn answer_words(difference: &Difference, answer: Option<&Answer>) -> String {
    match answer {
        Some(answer) => {
            let agreed = answer
                .agreed
                .map_or_else(String::new, |figure| format!(" {} 元", figure.grouped()));
            let words = answer.words.trim();
            let words = if words.is_empty() {
                String::new()
            } else {
                format!("：{words}")
            };
            format!("{}{agreed}{words}（{}）", answer.outcome.zh(), answer.at.day())
        }
        None if difference.tolerated => "容差以内，以平台计量为准".to_owned(),
        None => String::new(),
    }
}

fn lines_words((line, count): &Lines) -> String {
    if *count == 1 {
        line.to_string()
    } else {
        format!("{line} 等 {count} 行")
    }
}

/// The ending of a file, in small letters; empty if it has none.
fn ending(path: &Path) -> String {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.unwrap_or_default().to_ascii_lowercase()
}

fn write_table(path: &Path, table: &TableDocument, rows: impl IntoIterator<Item = Vec<Cell>>) -> Result<u64, AppError> {
    let mut count = 0;
    let rows = rows.into_iter().inspect(|_| count += 1);
    let bytes = match ending(path).as_str() {
        "xlsx" => table_xlsx(table, rows)?,
        "csv" => table_csv(table, rows)?,
        _ => {
            return Err(AppError::Invalid(format!(
                "{} 的后缀应为 .xlsx 或 .csv",
                path.display()
            )));
        }
    };
    write_whole(path, |file| file.write_all(&bytes).map_err(AppError::io(path)))?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::reconcile::AnswerOutcome;

    fn difference(class: DifferenceClass, billed_to: Option<&str>, tolerated: bool) -> Difference {
        Difference {
            resource: "N1/vm-1".into(),
            item: "ECS-CPU".into(),
            organisation: "D1".into(),
            billed_to: billed_to.map(str::to_owned),
            ours: Some(Money::from_fen(100)),
            billed: Some(Money::from_fen(200)),
            difference: Money::from_fen(100),
            parts: vec![(class, Money::from_fen(100))],
            tolerated,
        }
    }

    #[test]
    fn an_explanation_names_both_sides() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let mut both = BothSides::default();
        let mut add = |ours, quantity: &str, from, to| {
            let side = if ours { &mut both.ours } else { &mut both.bill };
            Side::add(side, (quantity.parse().unwrap(), "46".to_owned()), (at(from), at(to)));
        };
        add(true, "4", "2026-03-01", "2026-03-15");
        add(true, "8", "2026-03-15", "2026-04-01");
        add(false, "8", "2026-03-01", "2026-04-01");
        let quantity = difference(DifferenceClass::Quantity, None, false);
        assert_eq!(
            explanation(&quantity, DifferenceClass::Quantity, &both),
            "平台：2 行，2026-03-01 至 2026-04-01；账单：数量 8，单价 46，2026-03-01 至 2026-04-01"
        );
        let owner = difference(DifferenceClass::Owner, Some("D2"), false);
        assert_eq!(
            explanation(&owner, DifferenceClass::Owner, &both),
            "平台计入 D1，账单计入 D2"
        );
    }

    #[test]
    fn an_answer_comes_before_tolerance() {
        let answer = Answer {
            provider: "P1".into(),
            month: "2026-03".parse().unwrap(),
            resource: "N1/vm-1".into(),
            item: "ECS-CPU".into(),
            outcome: AnswerOutcome::Accepted,
            agreed: None,
            words: "下期更正".into(),
            actor: "甲".into(),
            at: "2026-04-07 10:00:00".parse().unwrap(),
        };
        let tolerated = difference(DifferenceClass::Price, None, true);
        assert_eq!(
            answer_words(&tolerated, Some(&answer)),
            "认可平台计费：下期更正（2026-04-07）"
        );
        assert_eq!(answer_words(&tolerated, None), "容差以内，以平台计量为准");
        assert_eq!(answer_words(&difference(DifferenceClass::Price, None, false), None), "");
    }
}
