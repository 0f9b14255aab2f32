//! The statement as a workbook, for those who check figures: the same sums as the paper form, and every row.

use crate::capitals::capitals;
use crate::display::{moment, month_zh};
use crate::error::DocumentError;
use crate::long_sheet::LongSheet;
use crate::sheet::{Book, Cell, Column, ColumnKind};
use crate::statement::{AnnexLine, LineTally, StatementDocument};
use kernel::Money;
use std::io::{Seek, Write};

/// Writes the statement as XLSX with the sheets 结算单, 费用明细, 更正, 扣减与暂缓, 差异, 计费明细行.
///
/// `lines` are all charge lines, whether the paper prints them or not; they go to disk as they come. More than a
/// sheet holds go on in further sheets. Errors: sums that do not agree; lines that are not those of the statement; an
/// amount of 10^13 yuan or more.
pub fn statement_xlsx<W: Write + Seek + Send>(
    doc: &StatementDocument,
    lines: impl IntoIterator<Item = AnnexLine>,
    file: W,
) -> Result<(), DocumentError> {
    doc.check()?;
    let mut book = Book::new(&format!("{} {}", StatementDocument::TITLE, doc.number), doc.prepared_at)?;
    summary(doc, &mut book)?;
    charges(doc, &mut book)?;
    corrections(doc, &mut book)?;
    taken_off(doc, &mut book)?;
    differences(doc, &mut book)?;
    all_lines(doc, lines, &mut book)?;
    book.finish(file)
}

/// The lines under the title of every sheet: which statement this is, and whether it counts.
fn notes(doc: &StatementDocument) -> Vec<String> {
    let mut head = format!(
        "{} 第 {} 版 · {} · {}",
        doc.number,
        doc.version,
        doc.stage,
        month_zh(doc.month)
    );
    if doc.is_demo {
        head.push_str(" · 演示数据");
    }
    if !doc.is_final {
        head.push_str(" · 非最终版，不作为支付依据");
    }
    vec![head]
}

fn text(heading: &str, width: u16) -> Column {
    Column::new(heading, ColumnKind::Text, width)
}

fn id(heading: &str, width: u16) -> Column {
    Column::new(heading, ColumnKind::Id, width)
}

fn summary(doc: &StatementDocument, book: &mut Book) -> Result<(), DocumentError> {
    let amount = Column {
        summed: false,
        ..Column::amount("金额（元）")
    };
    let columns = vec![text("项目", 22), text("内容", 70), amount];
    let sheet = book.sheet("结算单", StatementDocument::TITLE, &notes(doc), columns)?;
    let department = doc.department.as_ref().map_or_else(
        || "全部使用单位（服务商汇总）".to_owned(),
        |party| format!("{}（{}）", party.name, party.code),
    );
    let facts = [
        ("结算单编号", doc.number.clone()),
        ("结算月份", month_zh(doc.month)),
        ("结算单位", doc.authority.clone()),
        ("云服务商", format!("{}（{}）", doc.provider.name, doc.provider.code)),
        ("使用单位", department),
        ("合同", format!("{}（{}）", doc.contract_name, doc.contract_number)),
        ("编制时间", moment(doc.prepared_at)),
    ];
    for (label, content) in facts {
        book.row(sheet, &[label.into(), content.into(), Cell::Empty])?;
    }
    let totals = &doc.totals;
    let sums: [(&str, &str, Money); 6] = [
        ("本月费用", "见「费用明细」", totals.charges),
        ("以前月份更正", "见「更正」", totals.corrections),
        ("扣减", "见「扣减与暂缓」", totals.deductions),
        ("暂缓支付", "见「扣减与暂缓」", totals.withheld),
        ("以前月份暂缓释放", "见「扣减与暂缓」", totals.released),
        ("应付金额", "本月费用 ＋ 更正 － 扣减 － 暂缓 ＋ 释放", totals.payable),
    ];
    for (label, content, amount) in sums {
        book.row(sheet, &[label.into(), content.into(), amount.into()])?;
    }
    let mut rest = vec![
        ("应付金额（大写）", capitals(totals.payable)),
        ("数据完整性", doc.completeness.clone()),
    ];
    rest.extend(doc.remarks.iter().map(|remark| ("说明", remark.clone())));
    rest.push(("输入摘要 SM3", doc.inputs_digest.to_string()));
    rest.push(("明细摘要 SM3", doc.lines_digest.to_string()));
    for (label, content) in rest {
        book.row(sheet, &[label.into(), content.into(), Cell::Empty])?;
    }
    Ok(())
}

fn charges(doc: &StatementDocument, book: &mut Book) -> Result<(), DocumentError> {
    let columns = vec![
        id("系统编码", 18),
        text("系统名称", 36),
        text("使用单位", 24),
        id("项目编码", 16),
        text("服务项目", 34),
        text("计量单位", 12),
        Column::new("数量", ColumnKind::Quantity, 14),
        text("计费天数", 12),
        Column::new("单价（元）", ColumnKind::Price, 16),
        Column::amount("金额（元）"),
    ];
    let sheet = book.sheet("费用明细", "本月费用（按信息系统和服务项目）", &notes(doc), columns)?;
    let department = doc.department.as_ref().map_or("", |party| party.name.as_str());
    for system in &doc.systems {
        let department = if system.department.is_empty() {
            department
        } else {
            &system.department
        };
        for item in &system.items {
            let row = [
                system.code.as_str().into(),
                system.name.as_str().into(),
                department.into(),
                item.item_code.as_str().into(),
                item.item_name.as_str().into(),
                item.unit.as_str().into(),
                Cell::quantity_or_text(&item.quantity),
                item.days.as_str().into(),
                Cell::price_or_text(&item.unit_price),
                item.amount.into(),
            ];
            book.row(sheet, &row)?;
        }
    }
    book.close(sheet)
}

fn corrections(doc: &StatementDocument, book: &mut Book) -> Result<(), DocumentError> {
    let columns = vec![
        Column::new("所属月份", ColumnKind::Month, 12),
        id("原结算单", 26),
        text("系统", 36),
        text("服务项目", 30),
        text("更正原因", 50),
        Column::amount("金额（元）"),
    ];
    let sheet = book.sheet("更正", "以前月份更正", &notes(doc), columns)?;
    for correction in &doc.corrections {
        let row = [
            Cell::Month(correction.month),
            correction.statement_number.as_str().into(),
            correction.system.as_str().into(),
            correction.item.as_str().into(),
            correction.reason.as_str().into(),
            correction.amount.into(),
        ];
        book.row(sheet, &row)?;
    }
    book.close(sheet)
}

fn taken_off(doc: &StatementDocument, book: &mut Book) -> Result<(), DocumentError> {
    let columns = vec![
        text("类别", 12),
        text("依据或事项", 40),
        text("原因", 60),
        Column::amount("金额（元）"),
    ];
    let sheet = book.sheet("扣减与暂缓", "扣减与暂缓支付", &notes(doc), columns)?;
    for deduction in &doc.deductions {
        let (basis, reason) = (deduction.basis.as_str(), deduction.reason.as_str());
        book.row(
            sheet,
            &["扣减".into(), basis.into(), reason.into(), deduction.amount.into()],
        )?;
    }
    for withheld in &doc.withheld {
        let (reference, reason) = (withheld.reference.as_str(), withheld.reason.as_str());
        book.row(
            sheet,
            &["暂缓".into(), reference.into(), reason.into(), withheld.amount.into()],
        )?;
    }
    // The sheet adds up what is taken off, so what is given back is negative in it.
    for release in &doc.releases {
        let reference = format!("{} {} {}", release.month, release.statement_number, release.reference);
        let back = Money::ZERO
            .minus(release.amount)
            .map_err(|_| DocumentError::AmountRange)?;
        book.row(
            sheet,
            &[
                "释放".into(),
                reference.into(),
                release.reason.as_str().into(),
                back.into(),
            ],
        )?;
    }
    book.close(sheet)
}

fn differences(doc: &StatementDocument, book: &mut Book) -> Result<(), DocumentError> {
    let columns = vec![
        text("差异类别", 18),
        Column {
            summed: true,
            ..Column::new("笔数", ColumnKind::Integer, 10)
        },
        Column::amount("差异金额（元）"),
        text("处理结果", 60),
    ];
    let mut notes = notes(doc);
    match &doc.bill {
        Some(bill) => notes.push(format!(
            "账单 {} 第 {} 版：账单金额 {} 元，平台计费 {} 元；差异 = 账单 － 平台",
            bill.number,
            bill.version,
            bill.theirs.grouped(),
            bill.ours.grouped()
        )),
        None => notes.push("尚未收到云服务商本月账单".to_owned()),
    }
    let sheet = book.sheet("差异", "与云服务商账单核对", &notes, columns)?;
    for class in doc.bill.iter().flat_map(|bill| &bill.classes) {
        let count = i64::try_from(class.count).unwrap_or(i64::MAX);
        let row = [
            class.class.as_str().into(),
            Cell::Integer(count),
            class.amount.into(),
            class.outcome.as_str().into(),
        ];
        book.row(sheet, &row)?;
    }
    book.close(sheet)
}

fn all_lines(
    doc: &StatementDocument,
    lines: impl IntoIterator<Item = AnnexLine>,
    book: &mut Book,
) -> Result<(), DocumentError> {
    let columns = vec![
        id("明细编号", 40),
        id("系统编码", 18),
        id("资源", 40),
        id("项目编码", 16),
        Column::new("起", ColumnKind::Moment, 20),
        Column::new("止", ColumnKind::Moment, 20),
        Column::new("数量", ColumnKind::Quantity, 14),
        Column::new("单价（元）", ColumnKind::Price, 16),
        text("系数", 16),
        Column::amount("金额（元）"),
    ];
    let mut notes = notes(doc);
    if !doc.annex_note.is_empty() {
        notes.push(doc.annex_note.clone());
    }
    if doc.annex.is_empty() && doc.lines.count > 0 {
        notes.push(format!(
            "共 {} 行，合计 {} 元，SM3 {}（各列依次以制表符相连、每行以换行符结尾的 UTF-8 文本），与纸面所载一致",
            doc.lines.count,
            doc.lines.sum.grouped(),
            doc.lines.digest
        ));
    }
    let name = ("计费明细行", "计费明细行");
    let mut sheet = LongSheet::begin(book, name, &notes, columns, u32::MAX)?;
    let mut tally = LineTally::new();
    for line in lines {
        tally.add(&line)?;
        let row = [
            line.line.as_str().into(),
            line.system.as_str().into(),
            line.resource.as_str().into(),
            line.item.as_str().into(),
            Cell::Moment(line.period.from()),
            line.period.end().map_or(Cell::Empty, Cell::Moment),
            Cell::quantity_or_text(&line.quantity),
            Cell::price_or_text(&line.unit_price),
            line.factor.as_str().into(),
            line.amount.into(),
        ];
        sheet.row(book, &row)?;
    }
    doc.check_lines(tally)?;
    sheet.close(book)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen;
    use calamine::{Data, Reader, Xlsx};
    use std::io::Cursor;

    fn written(doc: &StatementDocument, lines: &[AnnexLine]) -> Result<Vec<u8>, DocumentError> {
        let mut file = Cursor::new(Vec::new());
        statement_xlsx(doc, lines.iter().cloned(), &mut file)?;
        Ok(file.into_inner())
    }

    #[test]
    fn the_workbook_says_what_the_form_says() {
        let mut doc = specimen::statement(3, false).unwrap();
        doc.systems[0].name = "=cmd()".to_owned();
        let file = written(&doc, &doc.annex).unwrap();
        assert!(file == written(&doc, &doc.annex).unwrap(), "same document, same bytes");
        let mut book = Xlsx::new(Cursor::new(file)).unwrap();
        assert_eq!(
            book.sheet_names(),
            ["结算单", "费用明细", "更正", "扣减与暂缓", "差异", "计费明细行"]
        );
        let summary = book.worksheet_range("结算单").unwrap();
        let value_of = |label: &str, column: usize| {
            let row = summary
                .rows()
                .find(|row| row[0] == Data::String(label.to_owned()))
                .unwrap();
            row[column].clone()
        };
        let yuan = |amount: Money| Data::Float(amount.to_string().parse().unwrap());
        assert_eq!(value_of("应付金额", 2), yuan(doc.totals.payable));
        assert_eq!(
            value_of("应付金额（大写）", 1),
            Data::String(capitals(doc.totals.payable))
        );
        for (sheet, sum) in [("费用明细", doc.totals.charges), ("更正", doc.totals.corrections)] {
            let range = book.worksheet_range(sheet).unwrap();
            assert_eq!(range.rows().next_back().unwrap().last(), Some(&yuan(sum)), "{sheet}");
        }
        let charges = book.worksheet_range("费用明细").unwrap();
        assert_eq!(charges.get_value((3, 1)), Some(&Data::String("=cmd()".to_owned())));
        assert_eq!(charges.get_value((3, 6)), Some(&Data::Float(12.0)));
    }
    #[test]
    fn lines_the_paper_leaves_out_are_all_here_and_no_others() {
        let mut doc = specimen::statement(3, false).unwrap();
        let lines = std::mem::take(&mut doc.annex);
        let mut book = Xlsx::new(Cursor::new(written(&doc, &lines).unwrap())).unwrap();
        let sheet = book.worksheet_range("计费明细行").unwrap();
        let binding = sheet.get_value((3, 0)).unwrap().to_string();
        assert!(binding.contains(&format!("共 {} 行", lines.len())) && binding.contains(&doc.lines.digest.to_string()));
        let ids = sheet.rows().skip(5).map(|row| row[0].to_string());
        assert_eq!(
            ids.take(lines.len()).collect::<Vec<_>>(),
            lines.iter().map(|l| l.line.clone()).collect::<Vec<_>>()
        );
        for wrong in [&lines[1..], &[], &[&lines[1..], &lines[..1]].concat()] {
            assert!(matches!(written(&doc, wrong), Err(DocumentError::OtherLines { .. })));
        }
    }
}
