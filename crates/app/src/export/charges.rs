//! Charge lines as a table, one row a line.

use super::month_lines::MonthLines;
use super::{ExportOutcome, ExportSelection};
use crate::line_number::LineNumber;
use crate::price_clause::{ClauseFinder, contracted_price, list_price, price_words};
use crate::whole_file::write_whole;
use crate::{AppError, OpContext, audit};
use documents::{Cell, Column, ColumnKind, DocumentError, TableCsvWriter, TableDocument, TableXlsxWriter};
use domain::catalogue::PriceLine;
use domain::rate::{ChargeKind, ChargeRow, ChargeTable};
use kernel::{Month, Quantity};
use serde_json::json;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// A form of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma separated text.
    Csv,
    /// A workbook.
    Xlsx,
}

impl TableFormat {
    /// The ending of its files.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// Exports charge lines into a file, which appears complete or not at all.
pub async fn charges(
    ctx: &OpContext,
    selection: &ExportSelection,
    format: TableFormat,
    path: &Path,
) -> Result<ExportOutcome, AppError> {
    let work = write(ctx, selection, format, path);
    let detail = selection.detail(&json!({ "format": format.ending() }));
    audit::around(ctx, ("charges.export", &selection.object()), &detail, work).await
}

async fn write(
    ctx: &OpContext,
    selection: &ExportSelection,
    format: TableFormat,
    path: &Path,
) -> Result<ExportOutcome, AppError> {
    let mut outcome = ExportOutcome::default();
    let mut months = Vec::new();
    for month in selection.months()? {
        months.extend(MonthLines::load(ctx, month, &mut outcome).await?);
    }
    let table = TableDocument {
        title: "费用明细".to_owned(),
        notes: notes(selection, &outcome),
        columns: columns(),
        made_at: ctx.now(),
    };
    write_whole(path, |file| {
        let mut writer = Writer::new(format, &table, file)?;
        let all = u64::try_from(months.len()).unwrap_or(u64::MAX);
        for (done, month) in (0..).zip(&months) {
            ctx.progress().at("导出费用明细", done, all);
            month.scan(ctx, selection, |table, rows| {
                let mut finder = ClauseFinder::new(&month.clauses, &month.names);
                for (line, row) in rows {
                    let clause = finder.find(&table.names, row);
                    writer.row(&cells(month, table, (line, row), clause))?;
                    outcome.add(row.amount)?;
                }
                Ok(())
            })?;
        }
        ctx.progress().at("导出费用明细", all, all);
        Ok(writer.finish()?)
    })?;
    Ok(outcome)
}

fn notes(selection: &ExportSelection, outcome: &ExportOutcome) -> Vec<String> {
    let listed = |months: &[Month]| months.iter().map(ToString::to_string).collect::<Vec<_>>().join("、");
    let mut notes = vec![
        selection.words(),
        "口径：“合同价金额”为按合同价计费并四舍五入到分的结果，即结算所用的金额；“目录价金额”未计折扣与封顶".to_owned(),
    ];
    if !outcome.open.is_empty() {
        notes.push(format!("尚未关账、仍可能变动的月份：{}", listed(&outcome.open)));
    }
    if !outcome.unrated.is_empty() {
        notes.push(format!("尚未计价、没有明细的月份：{}", listed(&outcome.unrated)));
    }
    notes
}

fn columns() -> Vec<Column> {
    use ColumnKind::{Id, Moment, Month, Price, Quantity, Text};
    let column = Column::new;
    vec![
        column("明细编号", Id, 18),
        column("账期", Month, 10),
        column("性质", Text, 12),
        column("计价方式", Text, 14),
        column("使用单位编码", Id, 14),
        column("使用单位", Text, 26),
        column("系统编码", Id, 14),
        column("信息系统", Text, 30),
        column("云服务商编码", Id, 14),
        column("云服务商", Text, 24),
        column("合同", Id, 18),
        column("云节点", Id, 12),
        column("资源池", Id, 14),
        column("资源", Id, 40),
        column("分配单", Id, 20),
        column("条目编码", Id, 16),
        column("服务条目", Text, 28),
        column("单位", Text, 8),
        column("数量", Quantity, 14),
        column("计费开始", Moment, 20),
        column("计费结束", Moment, 20),
        column("折算", Text, 18),
        column("目录单价（元）", Price, 14),
        column("折扣", Quantity, 10),
        column("合同单价（元）", Price, 14),
        Column::amount("目录价金额（元）"),
        Column::amount("合同价金额（元）"),
        column("价目版本与条款", Text, 36),
        column("更正月份", Month, 10),
        column("更正原因", Text, 30),
        column("对账结果", Text, 16),
        column("结算单", Id, 18),
    ]
}

fn cells(
    month: &MonthLines,
    table: &ChargeTable,
    (line, row): (u64, &ChargeRow),
    clause: Option<&PriceLine>,
) -> Vec<Cell> {
    let text = |name: u32| table.names.text(name);
    let code = |name: u32| some(text(name));
    let names = &month.names;
    let (organisation, system, provider, item) = (
        text(row.organisation),
        text(row.system),
        text(row.provider),
        text(row.item),
    );
    let is_correction = row.kind == ChargeKind::Correction;
    let priced = clause.filter(|_| !is_correction);
    let named = |code: &str, name: String| if code.is_empty() { Cell::Empty } else { name.into() };
    vec![
        LineNumber::new(month.month, line).to_string().into(),
        Cell::Month(month.month),
        row.kind.zh().into(),
        row.method.zh().into(),
        code(row.organisation),
        named(organisation, names.organisation(organisation)),
        code(row.system),
        named(system, names.system(system)),
        code(row.provider),
        named(provider, names.organisation(provider)),
        code(row.contract),
        code(row.node),
        code(row.pool),
        code(row.resource),
        code(row.allocation),
        code(row.item),
        named(item, names.item_name(item)),
        names.item(item).map_or(Cell::Empty, |item| item.unit.as_str().into()),
        Cell::Quantity(row.quantity),
        Cell::Moment(row.from),
        Cell::Moment(row.to),
        row.part.to_string().into(),
        priced.map_or(Cell::Empty, |line| {
            list_price(line).map_or_else(|| price_words(line).into(), Cell::Price)
        }),
        Cell::Quantity(Quantity::from_micros(row.factor.micros())),
        priced.map_or(Cell::Empty, |line| {
            contracted_price(line).map_or_else(|| price_words(line).into(), Cell::Price)
        }),
        row.list.into(),
        row.amount.into(),
        code(row.price),
        if is_correction {
            Cell::Month(row.month)
        } else {
            Cell::Empty
        },
        code(row.cause),
        month.verdict(&table.names, row).words().into(),
        month
            .statement(provider, organisation)
            .map_or(Cell::Empty, |number| number.as_str().into()),
    ]
}

fn some(text: &str) -> Cell {
    if text.is_empty() { Cell::Empty } else { text.into() }
}

enum Writer<'f> {
    Csv(Box<TableCsvWriter<&'f mut BufWriter<File>>>),
    Xlsx(Box<TableXlsxWriter>, &'f mut BufWriter<File>),
}

impl<'f> Writer<'f> {
    fn new(format: TableFormat, table: &TableDocument, file: &'f mut BufWriter<File>) -> Result<Self, DocumentError> {
        Ok(match format {
            TableFormat::Csv => Self::Csv(Box::new(TableCsvWriter::new(table, file)?)),
            TableFormat::Xlsx => Self::Xlsx(Box::new(TableXlsxWriter::new(table)?), file),
        })
    }

    fn row(&mut self, cells: &[Cell]) -> Result<(), DocumentError> {
        match self {
            Self::Csv(writer) => writer.row(cells),
            Self::Xlsx(writer, _) => writer.row(cells),
        }
    }

    fn finish(self) -> Result<(), DocumentError> {
        match self {
            Self::Csv(writer) => writer.finish(),
            Self::Xlsx(writer, file) => writer.finish(file),
        }
    }
}
