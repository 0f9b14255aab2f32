//! What a settlement statement (政务云服务费用结算单) says, independent of the form it is written in.
//!
//! Owns the shape of the statement and the check that its sums agree (invariant I3). Computes no charge: every
//! figure comes from the settlement. All names are as they were in the month settled (invariant I11).

use crate::display::moment;
use crate::error::DocumentError;
use kernel::{Digest, Digester, Instant, Money, Month, Period};
use serde::Serialize;

/// A settlement statement of one month: of one department with one provider, or of one provider as a whole.
///
/// Invariant: sums agree on every level, see [`StatementDocument::check`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementDocument {
    /// Number without gaps, as printed.
    pub number: String,
    /// Version of this number, from 1.
    pub version: u32,
    /// Whether it is final; every other one carries a watermark.
    pub is_final: bool,
    /// Where it stands, as the watermark says it: 草稿, 待监理审核 ...
    pub stage: String,
    /// Whether everything in it is demo data; marked on every page.
    pub is_demo: bool,
    /// Who pays: the name of the authority that settles.
    pub authority: String,
    /// The provider who is paid.
    pub provider: Party,
    /// The department that used the services; none for a statement of the whole provider.
    pub department: Option<Party>,
    /// Number of the contract.
    pub contract_number: String,
    /// Name of the contract.
    pub contract_name: String,
    /// The month settled.
    pub month: Month,
    /// When the document was made; also the date inside the files.
    pub prepared_at: Instant,
    /// Charges of the month, by system.
    pub systems: Vec<SystemCharges>,
    /// Corrections of earlier, closed months.
    pub corrections: Vec<CorrectionItem>,
    /// What is taken off for missed service levels and appraisals.
    pub deductions: Vec<DeductionItem>,
    /// What is not paid until it is clear.
    pub withheld: Vec<WithheldItem>,
    /// What earlier months withheld and is paid now.
    pub releases: Vec<ReleaseItem>,
    /// The sums.
    pub totals: Totals,
    /// How complete the meters were, in a sentence with figures (invariant I9).
    pub completeness: String,
    /// Differences with the provider's bill, by class; none if no bill has come in.
    pub bill: Option<BillComparison>,
    /// Places to sign, in the order of signing.
    pub signatures: Vec<SignaturePlace>,
    /// Digest of everything the run read.
    pub inputs_digest: Digest,
    /// Digest of the charge lines.
    pub lines_digest: Digest,
    /// Remarks printed under the sums, a paragraph each.
    pub remarks: Vec<String>,
    /// All charge lines together; what binds the paper to those it does not print.
    pub lines: LineSummary,
    /// Every charge line, for the paper; may be empty, then they stand in the workbook alone.
    pub annex: Vec<AnnexLine>,
    /// A sentence above the annex, or in its place.
    pub annex_note: String,
}

/// An organisation as it was named at the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Party {
    /// Code.
    pub code: String,
    /// Name at the time.
    pub name: String,
}

/// The charges of one information system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SystemCharges {
    /// Code of the system.
    pub code: String,
    /// Name of the system.
    pub name: String,
    /// Name of its department; printed in statements of a whole provider, else empty.
    pub department: String,
    /// Charges by service item.
    pub items: Vec<ChargeItem>,
    /// Their sum.
    pub subtotal: Money,
}

/// The charges of one system for one service item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChargeItem {
    /// Code of the item.
    pub item_code: String,
    /// Name of the item.
    pub item_name: String,
    /// Unit with its term: 台·月, GiB·月.
    pub unit: String,
    /// Quantity as printed. Written as a number into spreadsheets where it is one.
    pub quantity: String,
    /// Days charged as printed: `31`, `10/31`, `—`.
    pub days: String,
    /// Contracted price for one unit in yuan, as printed; 多价 where several applied.
    pub unit_price: String,
    /// The charge.
    pub amount: Money,
}

/// A correction of an earlier month, posted to this one (invariant I5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CorrectionItem {
    /// The closed month it belongs to.
    pub month: Month,
    /// Number of the statement it corrects, empty if there was none.
    pub statement_number: String,
    /// Name of the system.
    pub system: String,
    /// Name of the service item.
    pub item: String,
    /// Why.
    pub reason: String,
    /// What is added (positive) or given back (negative).
    pub amount: Money,
}

/// Something taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeductionItem {
    /// Clause or rule it rests on.
    pub basis: String,
    /// Why, with figures.
    pub reason: String,
    /// How much; negative where a closed month was deducted too much.
    pub amount: Money,
}

/// Something not paid for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithheldItem {
    /// What it concerns: a case or a line.
    pub reference: String,
    /// Why.
    pub reason: String,
    /// How much, not negative.
    pub amount: Money,
}

/// Something that an earlier month withheld and that is paid now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseItem {
    /// The closed month that withheld it.
    pub month: Month,
    /// Number of the statement that withheld it.
    pub statement_number: String,
    /// What it concerns.
    pub reference: String,
    /// Why it is paid.
    pub reason: String,
    /// How much, not negative.
    pub amount: Money,
}

/// The sums of a statement. Invariant: `payable = charges + corrections - deductions - withheld + released`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Charges of the month.
    pub charges: Money,
    /// Corrections of earlier months, may be negative.
    pub corrections: Money,
    /// What is taken off, not negative.
    pub deductions: Money,
    /// What is not paid for now, not negative.
    pub withheld: Money,
    /// What earlier months withheld and is paid now, not negative.
    pub released: Money,
    /// What is to be paid.
    pub payable: Money,
}

/// Our charges against the provider's bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BillComparison {
    /// Number of the bill.
    pub number: String,
    /// Version of the bill.
    pub version: u32,
    /// What we charge.
    pub ours: Money,
    /// What the bill asks for.
    pub theirs: Money,
    /// Differences by class; they sum to `theirs - ours`.
    pub classes: Vec<DifferenceClass>,
}

/// The differences of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferenceClass {
    /// Name of the class: 数量差异, 价格差异 ...
    pub class: String,
    /// How many there are.
    pub count: u64,
    /// The bill less ours.
    pub amount: Money,
    /// What was agreed, or stands open.
    pub outcome: String,
}

/// A place for a signature and a seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignaturePlace {
    /// Heading: 使用单位确认, 监理审核, 造价审核, 主管部门审定, 云服务商.
    pub role: String,
    /// Name of the organisation, empty if not known.
    pub organisation: String,
    /// Opinion given, empty to leave room.
    pub opinion: String,
    /// Who signed, empty to leave room.
    pub signer: String,
    /// Day of signing as printed, empty to leave room.
    pub date: String,
}

/// One charge line, for the annex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnnexLine {
    /// Id of the line.
    pub line: String,
    /// Code of the system.
    pub system: String,
    /// Id or code of the resource.
    pub resource: String,
    /// Code of the service item.
    pub item: String,
    /// Usage charged.
    pub period: Period,
    /// Quantity as printed.
    pub quantity: String,
    /// Unit price in yuan as printed.
    pub unit_price: String,
    /// Proration and factors as printed: `10/31`, `0.85`.
    pub factor: String,
    /// The charge.
    pub amount: Money,
}

/// All charge lines of a statement, in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LineSummary {
    /// How many there are.
    pub count: u64,
    /// What they sum to.
    pub sum: Money,
    /// SM3 of the lines in their order: the ten columns of the workbook as plain text, a tab between them, a line feed
    /// after each line, in UTF-8.
    pub digest: Digest,
}

/// Counts, sums and digests lines as they come, holding none.
#[derive(Clone)]
pub struct LineTally {
    count: u64,
    sum: Money,
    digester: Digester,
}

impl LineTally {
    /// Of no line yet.
    pub fn new() -> Self {
        Self {
            count: 0,
            sum: Money::ZERO,
            digester: Digester::new(),
        }
    }

    /// Takes in the next line. Errors: a sum beyond what an amount holds.
    pub fn add(&mut self, line: &AnnexLine) -> Result<(), DocumentError> {
        self.count += 1;
        self.sum = self.sum.plus(line.amount).map_err(|_| DocumentError::AmountRange)?;
        let (from, to) = (moment(line.period.from()), line.period.end().map(moment));
        let text = format!(
            "{}\t{}\t{}\t{}\t{from}\t{}\t{}\t{}\t{}\t{}\n",
            line.line,
            line.system,
            line.resource,
            line.item,
            to.unwrap_or_default(),
            line.quantity,
            line.unit_price,
            line.factor,
            line.amount,
        );
        self.digester.raw(text.as_bytes());
        Ok(())
    }

    /// All that were taken in.
    pub fn finish(self) -> LineSummary {
        LineSummary {
            count: self.count,
            sum: self.sum,
            digest: self.digester.finish(),
        }
    }
}

impl Default for LineTally {
    fn default() -> Self {
        Self::new()
    }
}

impl SignaturePlace {
    /// The five places every statement of a department has, empty, in the order of signing.
    pub fn usual() -> Vec<Self> {
        ["使用单位确认", "监理审核", "造价审核", "主管部门审定", "云服务商"]
            .into_iter()
            .map(|role| Self {
                role: role.to_owned(),
                organisation: String::new(),
                opinion: String::new(),
                signer: String::new(),
                date: String::new(),
            })
            .collect()
    }
}

impl StatementDocument {
    /// The title, as printed.
    pub const TITLE: &'static str = "政务云服务费用结算单";

    /// Checks that all sums agree: items to systems, systems to charges, sections to totals, lines to charges, the
    /// lines of the annex to all lines, classes of differences to the whole difference.
    ///
    /// Errors: the first figure that is not the sum of its parts; an annex that is not all lines.
    pub fn check(&self) -> Result<(), DocumentError> {
        for system in &self.systems {
            same(
                &format!("系统 {} 小计", system.code),
                system.subtotal,
                system.items.iter().map(|i| i.amount),
            )?;
        }
        let totals = &self.totals;
        same("本月费用", totals.charges, self.systems.iter().map(|s| s.subtotal))?;
        same(
            "以前月份更正",
            totals.corrections,
            self.corrections.iter().map(|c| c.amount),
        )?;
        same("扣减", totals.deductions, self.deductions.iter().map(|d| d.amount))?;
        same("暂缓支付", totals.withheld, self.withheld.iter().map(|w| w.amount))?;
        let off = Money::sum([totals.deductions, totals.withheld]).map_err(|_| DocumentError::AmountRange)?;
        let off = Money::ZERO.minus(off).map_err(|_| DocumentError::AmountRange)?;
        same("暂缓释放", totals.released, self.releases.iter().map(|r| r.amount))?;
        let paid = [totals.charges, totals.corrections, totals.released, off];
        same("应付金额", totals.payable, paid)?;
        same("明细行合计", totals.charges, [self.lines.sum])?;
        if !self.annex.is_empty() {
            same("附印明细行合计", totals.charges, self.annex.iter().map(|l| l.amount))?;
            let mut printed = LineTally::new();
            self.annex.iter().try_for_each(|line| printed.add(line))?;
            self.check_lines(printed)?;
        }
        if let Some(bill) = &self.bill {
            let whole = bill.theirs.minus(bill.ours).map_err(|_| DocumentError::AmountRange)?;
            same("账单差异", whole, bill.classes.iter().map(|c| c.amount))?;
        }
        Ok(())
    }

    /// Checks that these are all lines of the statement, unchanged and in their order.
    pub(crate) fn check_lines(&self, lines: LineTally) -> Result<(), DocumentError> {
        let lines = lines.finish();
        if lines == self.lines {
            Ok(())
        } else {
            Err(DocumentError::OtherLines {
                stated: self.lines.count,
                given: lines.count,
            })
        }
    }
}

fn same(figure: &str, stated: Money, parts: impl IntoIterator<Item = Money>) -> Result<(), DocumentError> {
    let summed = Money::sum(parts).map_err(|_| DocumentError::AmountRange)?;
    if summed == stated {
        Ok(())
    } else {
        Err(DocumentError::Unbalanced {
            figure: figure.to_owned(),
            stated,
            summed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen;

    fn fault(change: impl Fn(&mut StatementDocument)) -> String {
        let mut doc = specimen::statement(3, false).unwrap();
        doc.check().unwrap();
        change(&mut doc);
        doc.check().unwrap_err().to_string()
    }

    #[test]
    fn every_level_must_add_up() {
        let one = Money::from_fen(1);
        assert!(fault(|d| d.systems[1].items[0].amount = one).contains("系统 S17002 小计"));
        assert!(fault(|d| d.systems.truncate(2)).contains("本月费用"));
        assert!(fault(|d| d.corrections[0].amount = one).contains("以前月份更正"));
        assert!(fault(|d| d.deductions.clear()).contains("扣减"));
        assert!(fault(|d| d.withheld[0].amount = one).contains("暂缓支付"));
        assert!(fault(|d| d.totals.payable = one).contains("应付金额"));
        assert!(fault(|d| d.annex.truncate(1)).contains("附印明细行合计"));
        assert!(fault(|d| d.lines.sum = one).contains("明细行合计"));
        assert!(fault(|d| d.annex.swap(0, 1)).contains("明细行与本单不符"));
        assert!(fault(|d| d.bill.as_mut().unwrap().classes.truncate(1)).contains("账单差异"));
    }

    #[test]
    fn the_digest_of_lines_is_that_of_their_columns_as_text() {
        let doc = specimen::statement(1, false).unwrap();
        let mut first = LineTally::new();
        first.add(&doc.annex[1]).unwrap();
        let text = format!(
            "{}\tS17001\t3f0c9f52-7b1e-4d0a-9f6e-000000007919\tECS-XC-16C32G\t2026-03-01 00:00:00\t2026-04-01 00:00:00\t4\t1280\t10/31\t1651.61\n",
            doc.annex[1].line
        );
        let first = first.finish();
        assert_eq!((first.count, first.sum.fen()), (1, 165_161));
        assert_eq!(first.digest, Digest::of(text.as_bytes()));
    }

    #[test]
    fn an_annex_may_stay_away() {
        let mut doc = specimen::statement(3, false).unwrap();
        doc.annex.clear();
        doc.bill = None;
        doc.check().unwrap();
    }
}
