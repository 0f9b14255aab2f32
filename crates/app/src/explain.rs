//! Explaining one charge line, from what was approved and seen to the last fraction of a fen.

use crate::line_number::LineNumber;
use crate::month::Facts;
use crate::{AppError, OpContext};
use domain::catalogue::{PriceBook, PriceLine};
use domain::collect::ObservedState;
use domain::rate::{ChargeKind, ChargeMethod, ChargeRow, ExactAmount, model_in_words};
use kernel::{Digest, Interner, Money, Period};
use serde::Serialize;

/// A line, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Number of the line.
    pub line: String,
    /// The unit that is charged, by code.
    #[serde(skip)]
    pub unit: String,
    /// The provider that is paid, by code.
    #[serde(skip)]
    pub provider: String,
    /// What it charges.
    pub amount: Money,
    /// What it is: who, what, when.
    pub facts: Vec<(String, String)>,
    /// What was approved, interval by interval.
    pub approved: Vec<String>,
    /// What was seen, stretch by stretch.
    pub seen: Vec<String>,
    /// The price: version, clause, source, approver, model.
    pub price: Vec<(String, String)>,
    /// The arithmetic, a step a line.
    pub arithmetic: Vec<String>,
    /// Digest of everything the run was made from.
    pub input: Digest,
    /// Digest of all its lines.
    pub output: Digest,
}

/// Explains a line of the current rating of its month.
pub async fn explain(ctx: &OpContext, line: LineNumber) -> Result<Explanation, AppError> {
    let mut read = ctx.store().read().await?;
    let not_found = || {
        let advice = "编号形如 202603-000123，可在结算单附表或导出的费用明细中找到";
        AppError::NotFound {
            what: "费用明细",
            key: line.to_string(),
            advice,
        }
    };
    let run = read.current_run("rate", line.month, "").await?.ok_or_else(not_found)?;
    let lines = ctx
        .lake()
        .read_charge_lines(run.path.as_deref().unwrap_or_default(), line.line..=line.line)?;
    let row = *lines.table.rows.first().ok_or_else(not_found)?;
    let names = lines.table.names;
    let facts = Facts::load_prices(&mut read, row.month).await?;
    let within = Period::new(row.from, row.to).unwrap_or_else(|_| row.month.period());

    let intervals = read.allocations_of(names.text(row.allocation)).await?;
    let approved = intervals
        .iter()
        .map(|a| format!("{} {} {}（{}）", a.period, a.kind.zh(), a.spec, a.form.zh()));
    let (node, native_id) = names.text(row.resource).split_once('/').unwrap_or_default();
    let mut seen = Vec::new();
    if let Ok(node) = node.parse() {
        for sighting in read.sightings_of(&node, &[native_id], within.from().plus_s(-1)).await? {
            if sighting.period.and(within).is_some() {
                let state = ObservedState::zh(sighting.seen.state);
                seen.push(format!(
                    "{} {state} {} 项目 {}",
                    sighting.period, sighting.seen.spec, sighting.seen.project
                ));
            }
        }
    }
    let approved = approved.collect();
    let (version, clause) = version_and_clause(&names, &row);
    let book = facts.books.iter().find(|book| book.label() == version);
    let priced = book.and_then(|book| price_line(&facts, book, &names, &row));
    let price = price_facts((names.text(row.contract), version, clause), book, priced);
    let arithmetic = arithmetic(priced, &row);
    Ok(Explanation {
        line: line.to_string(),
        unit: names.text(row.organisation).to_owned(),
        provider: names.text(row.provider).to_owned(),
        amount: row.amount,
        facts: line_facts(&facts, &names, &row),
        approved,
        seen,
        price,
        arithmetic,
        input: run.input,
        output: run.output,
    })
}

fn line_facts(facts: &Facts, names: &Interner, row: &ChargeRow) -> Vec<(String, String)> {
    let text = |name: u32| names.text(name);
    let organisation = text(row.organisation);
    let system = facts
        .registry
        .systems
        .at(text(row.system), row.from)
        .map_or("", |s| s.name.as_str());
    let item = facts.items.at(text(row.item), row.to.plus_s(-1));
    let unit = item.map_or("", |i| i.unit.as_str());
    let mut list = vec![
        ("性质".to_owned(), format!("{}（{}）", row.kind.zh(), row.method.zh())),
        (
            "使用单位".to_owned(),
            format!(
                "{organisation} {}",
                facts.registry.organisations.name_at(organisation, row.from)
            ),
        ),
        ("信息系统".to_owned(), format!("{} {system}", text(row.system))),
        ("资源".to_owned(), text(row.resource).to_owned()),
        ("分配单".to_owned(), text(row.allocation).to_owned()),
        (
            "服务条目".to_owned(),
            format!("{} {}", text(row.item), item.map_or("", |i| i.name.as_str())),
        ),
        ("计量依据".to_owned(), item.map_or("", |i| i.basis.zh()).to_owned()),
        ("计费区间".to_owned(), format!("[{}, {})", row.from, row.to)),
        ("数量".to_owned(), format!("{} {unit}", row.quantity)),
    ];
    if row.kind == ChargeKind::Correction {
        list.push(("更正月份".to_owned(), row.month.to_string()));
        list.push(("更正原因".to_owned(), text(row.cause).to_owned()));
    }
    list
}

/// The version and the clause of it that a line names.
fn version_and_clause<'n>(names: &'n Interner, row: &ChargeRow) -> (&'n str, &'n str) {
    let label = names.text(row.price);
    label.split_once('#').unwrap_or((label, ""))
}

fn price_facts(
    (contract, version, clause): (&str, &str, &str),
    book: Option<&PriceBook>,
    line: Option<&PriceLine>,
) -> Vec<(String, String)> {
    let mut list = vec![
        ("合同".to_owned(), contract.to_owned()),
        ("价目版本".to_owned(), version.to_owned()),
    ];
    if let Some(book) = book {
        list.push(("生效日期".to_owned(), book.effective_from.to_string()));
        list.push(("条款".to_owned(), clause.to_owned()));
        list.push(("依据".to_owned(), book.source.clone()));
        list.push(("批准人".to_owned(), book.approver.clone()));
    }
    if let Some(line) = line {
        list.push(("计价方式".to_owned(), model_in_words(&line.model)));
        list.push(("折扣".to_owned(), line.discount.to_string()));
        list.extend(
            line.cap
                .map(|cap| ("单资源月封顶".to_owned(), format!("{} 元", cap.grouped()))),
        );
    }
    list
}

/// The price as the version says that the line names, whatever versions came later.
fn price_line<'b>(facts: &Facts, book: &'b PriceBook, names: &Interner, row: &ChargeRow) -> Option<&'b PriceLine> {
    let pool = facts
        .registry
        .pools
        .at(names.text(row.pool), row.from)
        .map(|pool| pool.kind);
    let (item, node) = (names.text(row.item).parse().ok()?, names.text(row.node).parse().ok());
    book.line(&item, node.as_ref(), pool)
}

fn arithmetic(line: Option<&PriceLine>, row: &ChargeRow) -> Vec<String> {
    let exact = line.and_then(|l| ExactAmount::new(&l.model, row.quantity, row.factor, row.part));
    let mut steps = Vec::new();
    match row.method {
        ChargeMethod::Difference => {
            steps.push(format!(
                "该月按现有事实重新计价，与已计费用逐项比较，差额 {} 元计入本月",
                row.amount.grouped()
            ));
        }
        ChargeMethod::Shortfall => {
            steps.push(format!(
                "合同约定最低承诺按服务天数 {} 折算，实际费用不足，补差 {} 元",
                row.part,
                row.amount.grouped()
            ));
        }
        ChargeMethod::SharedTier => {
            steps.push(format!(
                "阶梯价按合并数量计算总额，再按「数量×天数」以最大余数法分摊，本行 {} 元",
                row.amount.grouped()
            ));
        }
        ChargeMethod::Direct | ChargeMethod::Capped => {
            let whole = line.map_or_else(String::new, |l| model_in_words(&l.model));
            steps.push(format!(
                "{whole}；数量 {}；折扣 {}；折算 {}",
                row.quantity, row.factor, row.part
            ));
            if let Some(exact) = exact {
                steps.push(format!("精确值 {} 元", exact.yuan()));
                if row.method == ChargeMethod::Capped {
                    steps.push(format!(
                        "单资源月费用超过封顶，按比例分摊为 {} 元",
                        row.amount.grouped()
                    ));
                } else {
                    steps.push(format!(
                        "四舍五入到分 {} 元，舍入差 {} 元",
                        row.amount.grouped(),
                        exact.rounding(row.amount)
                    ));
                }
            }
        }
    }
    steps
}
