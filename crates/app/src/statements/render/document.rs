//! One statement, put together.

use super::basis::{Basis, Stated};
use super::bill::{BillVersion, compare};
use super::items::{ItemSum, NONE, part_words};
use super::signing::places;
use crate::AppError;
use crate::line_number::LineNumber;
use crate::price_clause::{ClauseFinder, price_words};
use documents::statement::{
    AnnexLine, BillComparison, CorrectionItem, DeductionItem, LineSummary, LineTally, Party, ReleaseItem,
    SystemCharges, Totals, WithheldItem,
};
use documents::statement_pdf::LINES_MAX;
use documents::{DocumentError, StatementDocument};
use domain::catalogue::Proration;
use domain::rate::{ChargeKind, ChargeRow};
use domain::settle::{Release, SlaDeduction, Statement, StatementStatus, Withheld};
use kernel::decimal::format_scaled;
use kernel::{Factor, Money, Month, Period};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows up to which a provider's statement shows systems; a longer one shows departments.
const PROVIDER_ROWS_MAX: usize = 2_000;
/// Withheld items up to which each has a row of its own; more are added up by class.
const WITHHELD_ROWS_MAX: usize = 300;
const AUTHORITY: &str = "主管部门";
const COMMITMENT: &str = "合同最低承诺";

/// What the charges of a statement are grouped by: whether it is a commitment, organisation, system.
type GroupKey<'a> = (bool, &'a str, &'a str);
/// What corrections are grouped by: month, system, item, cause.
type CorrectionKey<'a> = (Month, &'a str, &'a str, &'a str);
/// Sums by item code and kind of charge.
type ItemSums<'a> = BTreeMap<(&'a str, ChargeKind), ItemSum>;

impl Basis<'_> {
    /// The document of a statement.
    pub(super) fn document(&self, stated: &Stated) -> Result<StatementDocument, AppError> {
        let (record, statement) = (&stated.record, &stated.record.statement);
        let provider = &statement.scope.provider;
        let department = statement.scope.organisation.as_deref();
        let (contract_number, contract_name) = self.contract_words(statement);
        let lines = self.line_summary(statement)?;
        let (annex, annex_note) = self.annex(statement, lines.count);
        Ok(StatementDocument {
            number: statement.number.clone(),
            version: u32::try_from(record.version).unwrap_or(u32::MAX),
            is_final: record.status == StatementStatus::Final,
            stage: record.status.stage(statement.scope.confirmed_by()).to_owned(),
            is_demo: self.of_month.is_demo,
            authority: self
                .of_month
                .names
                .authority()
                .map_or_else(|| AUTHORITY.to_owned(), |o| o.name.clone()),
            provider: self.party(provider),
            department: department.map(|code| self.party(code)),
            contract_number,
            contract_name,
            month: self.of_month.month,
            prepared_at: stated
                .opinions
                .last()
                .map_or(self.of_month.closed_at, |opinion| opinion.at),
            systems: self.systems(statement)?,
            corrections: self.corrections(statement)?,
            deductions: self.deductions(statement),
            withheld: self.withheld(statement)?,
            releases: self.releases(statement),
            totals: Totals {
                charges: statement.charges,
                corrections: statement.corrections,
                deductions: statement.deductions_total()?,
                withheld: statement.withheld_total()?,
                released: statement.released_total()?,
                payable: statement.payable,
            },
            completeness: self.completeness(provider),
            bill: self.bill(stated)?,
            signatures: places(&self.of_month.names, &stated.opinions, department, provider),
            inputs_digest: self.of_month.rated.input,
            lines_digest: self.of_month.rated.output,
            remarks: self.remarks(statement),
            lines,
            annex,
            annex_note,
        })
    }

    fn party(&self, code: &str) -> Party {
        Party {
            code: code.to_owned(),
            name: self.of_month.names.organisation(code),
        }
    }

    fn text(&self, name: u32) -> &str {
        self.table.names.text(name)
    }

    fn price_of(&self, finder: &mut ClauseFinder<'_>, row: &ChargeRow) -> String {
        finder
            .find(&self.table.names, row)
            .map_or_else(|| NONE.to_owned(), price_words)
    }

    /// Charges by system; of a very large provider by department.
    fn systems(&self, statement: &Statement) -> Result<Vec<SystemCharges>, AppError> {
        let whole_provider = statement.scope.organisation.is_none();
        let mut groups = self.groups(statement, |row| {
            let organisation = if whole_provider {
                self.text(row.organisation)
            } else {
                ""
            };
            (row.kind == ChargeKind::Commitment, organisation, self.group_code(row))
        })?;
        let rows: usize = groups.values().map(BTreeMap::len).sum();
        let by_department = whole_provider && rows > PROVIDER_ROWS_MAX;
        if by_department {
            groups = self.groups(statement, |row| (false, self.text(row.organisation), ""))?;
        }
        groups
            .into_iter()
            .map(|(key, sums)| self.system(key, by_department, sums))
            .collect()
    }

    /// The system of a line; of a commitment its contract.
    fn group_code(&self, row: &ChargeRow) -> &str {
        self.text(if row.kind == ChargeKind::Commitment {
            row.contract
        } else {
            row.system
        })
    }

    fn groups<'a>(
        &'a self,
        statement: &Statement,
        key: impl Fn(&ChargeRow) -> GroupKey<'a>,
    ) -> Result<BTreeMap<GroupKey<'a>, ItemSums<'a>>, AppError> {
        let mut finder = ClauseFinder::new(&self.of_month.clauses, &self.of_month.names);
        let mut groups: BTreeMap<GroupKey<'a>, ItemSums<'a>> = BTreeMap::new();
        for (_, row) in self
            .rows(&statement.scope)
            .filter(|(_, row)| row.kind != ChargeKind::Correction)
        {
            let sums = groups.entry(key(row)).or_default();
            let sum = sums
                .entry((self.text(row.item), row.kind))
                .or_insert_with(|| ItemSum::new(row.kind));
            sum.add(row, &self.price_of(&mut finder, row))?;
        }
        Ok(groups)
    }

    fn system(
        &self,
        (is_commitment, organisation, code): GroupKey<'_>,
        by_department: bool,
        sums: ItemSums<'_>,
    ) -> Result<SystemCharges, AppError> {
        let mut items = Vec::with_capacity(sums.len());
        for ((item, kind), sum) in sums {
            let known = self.of_month.names.item(item);
            let name = if kind == ChargeKind::Commitment {
                kind.zh().to_owned()
            } else {
                self.of_month.names.item_name(item)
            };
            let item = if item.is_empty() { NONE } else { item };
            items.push(sum.finish(item, &name, known.map_or(NONE, |item| item.unit.as_str()))?);
        }
        let department = if organisation.is_empty() {
            String::new()
        } else {
            self.of_month.names.organisation(organisation)
        };
        let (code, name, department) = match (by_department, is_commitment) {
            (true, _) => (organisation, department, String::new()),
            (false, true) => (code, COMMITMENT.to_owned(), department),
            (false, false) => (code, self.of_month.names.system(code), department),
        };
        let subtotal = Money::sum(items.iter().map(|item| item.amount))?;
        Ok(SystemCharges {
            code: code.to_owned(),
            name,
            department,
            items,
            subtotal,
        })
    }

    /// Corrections by month, system, item and cause, each with the number of its first line.
    fn corrections(&self, statement: &Statement) -> Result<Vec<CorrectionItem>, AppError> {
        let mut sums: BTreeMap<CorrectionKey<'_>, (LineNumber, u64, Money)> = BTreeMap::new();
        for (line, row) in self
            .rows(&statement.scope)
            .filter(|(_, row)| row.kind == ChargeKind::Correction)
        {
            let key = (
                row.month,
                self.text(row.system),
                self.text(row.item),
                self.text(row.cause),
            );
            let sum = sums.entry(key).or_insert((line, 0, Money::ZERO));
            sum.1 += 1;
            sum.2 = sum.2.plus(row.amount)?;
        }
        let items = sums
            .into_iter()
            .map(|((month, system, item, cause), (line, lines, amount))| {
                let lines = if lines == 1 {
                    format!("明细 {line}")
                } else {
                    format!("明细 {line} 等 {lines} 行")
                };
                let number = self.of_month.corrected.get(&(month, statement.scope.clone()));
                CorrectionItem {
                    month,
                    statement_number: number.cloned().unwrap_or_default(),
                    system: if system.is_empty() {
                        COMMITMENT.to_owned()
                    } else {
                        self.of_month.names.system(system)
                    },
                    item: if item.is_empty() {
                        ChargeKind::Commitment.zh().to_owned()
                    } else {
                        self.of_month.names.item_name(item)
                    },
                    reason: format!("{cause}（{lines}）"),
                    amount,
                }
            });
        Ok(items.collect())
    }

    fn deductions(&self, statement: &Statement) -> Vec<DeductionItem> {
        if statement.deductions.is_empty() {
            return Vec::new();
        }
        let rows = self
            .rows(&statement.scope)
            .map(|(_, row)| (self.text(row.resource), self.text(row.contract)));
        let contracts: HashMap<&str, &str> = rows.collect();
        let item = |deduction: &SlaDeduction| {
            let contract = contracts.get(deduction.resource.as_str());
            DeductionItem {
                basis: contract.map_or_else(
                    || "合同服务级别条款".to_owned(),
                    |code| format!("合同 {code} 服务级别条款"),
                ),
                reason: deduction_reason(deduction),
                amount: deduction.amount,
            }
        };
        statement.deductions.iter().map(item).collect()
    }

    fn releases(&self, statement: &Statement) -> Vec<ReleaseItem> {
        let item = |release: &Release| ReleaseItem {
            month: release.month,
            statement_number: release.statement.clone(),
            reference: format!("{} {}", release.resource, self.of_month.names.item_name(&release.item)),
            reason: format!("{}（云服务商账单第 {} 版）", release.cause.zh(), release.bill_version),
            amount: release.amount,
        };
        statement.releases.iter().map(item).collect()
    }

    fn withheld(&self, statement: &Statement) -> Result<Vec<WithheldItem>, AppError> {
        let reason = |class: &str| format!("与云服务商账单不一致（{class}），平台计费高于账单的部分待核对一致后支付");
        if statement.withheld.len() <= WITHHELD_ROWS_MAX {
            let item = |withheld: &Withheld| WithheldItem {
                reference: format!(
                    "{} {}",
                    withheld.resource,
                    self.of_month.names.item_name(&withheld.item)
                ),
                reason: reason(withheld.class.zh()),
                amount: withheld.amount,
            };
            return Ok(statement.withheld.iter().map(item).collect());
        }
        let mut classes = BTreeMap::new();
        for withheld in &statement.withheld {
            let (count, sum) = classes.entry(withheld.class).or_insert((0_u64, Money::ZERO));
            *count += 1;
            *sum = sum.plus(withheld.amount)?;
        }
        let items = classes.into_iter().map(|(class, (count, amount))| WithheldItem {
            reference: format!("{count} 项，逐项见账单核对差异表"),
            reason: reason(class.zh()),
            amount,
        });
        Ok(items.collect())
    }

    fn bill(&self, stated: &Stated) -> Result<Option<BillComparison>, AppError> {
        let statement = &stated.record.statement;
        let scope = &statement.scope;
        let summary = self.of_month.view.reconciled.get(&scope.provider);
        let (Some(summary), Some(differences)) = (summary, &self.differences) else {
            return Ok(None);
        };
        let own = scope.organisation.as_ref().map(|code| differences.get(code));
        let all = differences.values().filter(|_| own.is_none());
        let differences = own.flatten().into_iter().chain(all).flatten();
        let answers: Vec<_> = self
            .of_month
            .answers
            .iter()
            .filter(|answer| answer.provider == scope.provider)
            .collect();
        let version = BillVersion {
            number: format!("{} {}", scope.provider, self.of_month.month),
            version: u32::try_from(summary.version).unwrap_or(u32::MAX),
        };
        let compared = compare(version, statement.charges, differences, &answers)?;
        if scope.organisation.is_none() && compared.theirs != summary.billed {
            let figure = "账单金额".to_owned();
            return Err(DocumentError::Unbalanced {
                figure,
                stated: summary.billed,
                summed: compared.theirs,
            }
            .into());
        }
        Ok(Some(compared))
    }

    fn completeness(&self, provider: &str) -> String {
        let Some(metered) = &self.of_month.view.metered else {
            return "本月没有计量记录。".to_owned();
        };
        let mut sentences = Vec::new();
        let mut complete = true;
        for node in self.of_month.names.nodes_of(provider) {
            let Some(seen) = metered.nodes.iter().find(|seen| seen.node == node.code.as_str()) else {
                continue;
            };
            let mut sentence = format!(
                "云节点 {}（{}）：{} 天中有 {} 天取得资源清单，计量值 {} 个",
                node.code, node.name, seen.days, seen.days_seen, seen.values
            );
            if !seen.gaps.is_empty() {
                let shown: Vec<String> = seen.gaps.iter().take(3).map(|gap| gap_words(gap)).collect();
                let more = if seen.gaps.len() > shown.len() { "等" } else { "" };
                sentence += &format!("，无清单时段 {} 段（{}{more}）", seen.gaps.len(), shown.join("、"));
            }
            complete &= seen.gaps.is_empty() && seen.days_seen == seen.days;
            sentences.push(format!("{sentence}。"));
        }
        if sentences.is_empty() {
            return "本月没有该云服务商节点的采集记录。".to_owned();
        }
        if !complete {
            sentences.push("缺失的数据未以零或插值代替。".to_owned());
        }
        sentences.concat()
    }

    fn contracts(&self, statement: &Statement) -> BTreeSet<&str> {
        let named = self.rows(&statement.scope).map(|(_, row)| self.text(row.contract));
        let named: BTreeSet<&str> = named.filter(|code| !code.is_empty()).collect();
        if !named.is_empty() {
            return named;
        }
        self.of_month
            .names
            .contracts_of(&statement.scope.provider)
            .map(|contract| contract.code.as_str())
            .collect()
    }

    fn contract_words(&self, statement: &Statement) -> (String, String) {
        let contracts = self.contracts(statement);
        let title = |code: &&str| {
            self.of_month
                .names
                .contract(code)
                .map_or_else(|| (*code).to_owned(), |c| c.title.clone())
        };
        let titles: Vec<String> = contracts.iter().map(title).collect();
        (contracts.into_iter().collect::<Vec<_>>().join("、"), titles.join("；"))
    }

    fn remarks(&self, statement: &Statement) -> Vec<String> {
        let mut remarks = Vec::new();
        for code in self.contracts(statement) {
            let Some(contract) = self.of_month.names.contract(code) else {
                continue;
            };
            let proration = proration_words(contract.proration);
            remarks.push(format!(
                "合同 {code}：{proration}；月内调价、变更规格或移交的，自变化时刻起分段计费。"
            ));
        }
        let quantity = "按系统和服务项目列示的费用中，同一时段的数量直接合计；时段不同的折合为“单位·月”，计费天数记为“多段”。金额按明细行四舍五入到分。";
        remarks.push(quantity.to_owned());
        remarks
    }

    /// Every charge line of a statement but corrections, made as it is asked for.
    pub(super) fn annex_lines(&self, statement: &Statement) -> impl Iterator<Item = AnnexLine> {
        let mut finder = ClauseFinder::new(&self.of_month.clauses, &self.of_month.names);
        self.rows(&statement.scope)
            .filter(|(_, row)| row.kind != ChargeKind::Correction)
            .map(move |(line, row)| AnnexLine {
                line: line.to_string(),
                system: or_none(self.text(row.system)),
                resource: self.text(row.resource).to_owned(),
                item: or_none(self.text(row.item)),
                period: Period::new(row.from, row.to).unwrap_or_else(|_| row.month.period()),
                quantity: row.quantity.to_string(),
                unit_price: self.price_of(&mut finder, row),
                factor: part_words(row),
                amount: row.amount,
            })
    }

    fn line_summary(&self, statement: &Statement) -> Result<LineSummary, DocumentError> {
        let mut lines = LineTally::new();
        self.annex_lines(statement).try_for_each(|line| lines.add(&line))?;
        Ok(lines.finish())
    }

    /// The lines that the paper prints, and what it says about them.
    fn annex(&self, statement: &Statement, count: u64) -> (Vec<AnnexLine>, String) {
        let export = format!("平台「费用明细」中按结算月 {} ", self.of_month.month);
        let Some(organisation) = &statement.scope.organisation else {
            let provider = &statement.scope.provider;
            let note = format!("逐行明细不随汇总单附印，可在{export}和云服务商 {provider} 导出。");
            return (Vec::new(), note);
        };
        if count > LINES_MAX {
            let note = format!("明细超过 {LINES_MAX} 行，不逐行附印，可在{export}和使用单位 {organisation} 导出。");
            return (Vec::new(), note);
        }
        let note = "单价为折扣后的合同单价，系数为折算到月的比例；每行的完整解释可在平台「费用明细」中按明细编号查看。";
        (self.annex_lines(statement).collect(), note.to_owned())
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() {
        NONE.to_owned()
    } else {
        text.to_owned()
    }
}

const fn proration_words(proration: Proration) -> &'static str {
    match proration {
        Proration::ByDay => "不足月的按天折算，当日结束时仍占用的计一天",
        Proration::BySecond => "不足月的按秒折算",
        Proration::WholeMonth => "当月使用即按整月计费",
        Proration::FullMonthAfter(_) => "当月使用达到合同约定天数的按整月计费，不足的按天折算",
    }
}

/// `[2026-03-01T00:00:00+08:00, 2026-03-02T08:00:00+08:00)` as `2026-03-01 至 2026-03-02 08:00:00`.
fn gap_words(gap: &str) -> String {
    let bare = gap
        .trim_start_matches('[')
        .trim_end_matches(')')
        .replace("+08:00", "")
        .replace('T', " ");
    bare.replace(" 00:00:00", "").replace(", ", " 至 ")
}

fn deduction_reason(deduction: &SlaDeduction) -> String {
    let (minutes, seconds) = (deduction.down_s / 60, deduction.down_s % 60);
    if let Some(corrects) = &deduction.corrects {
        let statement = if corrects.statement.is_empty() {
            "无"
        } else {
            &corrects.statement
        };
        return format!(
            "属于 {}（原结算单 {statement}），关账后登记或更正：资源 {} 该月计入中断 {minutes} 分 {seconds} 秒，可用性 {}，\
             应扣 {} 元，已扣 {} 元，本次为差额",
            corrects.month,
            deduction.resource,
            percent(deduction.availability),
            corrects.right.grouped(),
            corrects.before.grouped(),
        );
    }
    format!(
        "资源 {} 本月计入中断 {minutes} 分 {seconds} 秒，可用性 {}，按其当月费用 {} 元的 {} 扣减",
        deduction.resource,
        percent(deduction.availability),
        deduction.fee.grouped(),
        percent(deduction.rate),
    )
}

/// `99.832%`.
fn percent(factor: Factor) -> String {
    format!("{}%", format_scaled(factor.micros(), 4, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::settle::CorrectedDeduction;

    #[test]
    fn a_deduction_says_its_figures() {
        let deduction = SlaDeduction {
            resource: "N1/vm-1".into(),
            availability: "0.998320".parse().unwrap(),
            down_s: 4_505,
            rate: "0.1".parse().unwrap(),
            fee: Money::from_fen(748_960),
            amount: Money::from_fen(74_896),
            corrects: None,
        };
        let expected = "资源 N1/vm-1 本月计入中断 75 分 5 秒，可用性 99.832%，按其当月费用 7,489.60 元的 10% 扣减";
        assert_eq!(deduction_reason(&deduction), expected);
        let late = SlaDeduction {
            amount: Money::from_fen(-10_000),
            corrects: Some(CorrectedDeduction {
                month: "2026-03".parse().unwrap(),
                statement: "JS-202603-0001".into(),
                before: Money::from_fen(84_896),
                right: Money::from_fen(74_896),
            }),
            ..deduction
        };
        let expected = "属于 2026-03（原结算单 JS-202603-0001），关账后登记或更正：资源 N1/vm-1 该月计入中断 75 分 5 秒，\
                        可用性 99.832%，应扣 748.96 元，已扣 848.96 元，本次为差额";
        assert_eq!(deduction_reason(&late), expected);
    }

    #[test]
    fn a_gap_is_written_without_brackets() {
        let at = |text: &str| text.parse().unwrap();
        let gap = Period::new(at("2026-03-01"), at("2026-03-02 08:00:00")).unwrap();
        assert_eq!(gap_words(&gap.to_string()), "2026-03-01 至 2026-03-02 08:00:00");
    }
}
