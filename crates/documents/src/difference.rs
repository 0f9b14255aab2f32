//! Difference documents: what a re-rating would change, and where a provider's bill differs from our charges.
//!
//! Both are tables (see [`crate::TableDocument`]); this module owns their columns and titles.

use crate::sheet::{Cell, Column, ColumnKind};
use crate::table::TableDocument;
use kernel::{Instant, Money, Month};

/// Where a document of differences comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceScope {
    /// The month looked at.
    pub month: Month,
    /// What was compared: which versions, run, bill, provider.
    pub compared: String,
    /// Why: the reason given for a re-rating; empty for a reconciliation.
    pub reason: String,
    /// Whether anything has been committed yet.
    pub is_committed: bool,
    /// When it was made.
    pub made_at: Instant,
}

impl DifferenceScope {
    fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!("月份 {} · {}", self.month, self.compared)];
        if !self.reason.is_empty() {
            notes.push(format!("原因：{}", self.reason));
        }
        if !self.is_committed {
            notes.push("预览：尚未提交，未改变任何数据".to_owned());
        }
        notes
    }
}

/// One line that a re-rating changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RerateDifference {
    /// Id of the line.
    pub line: String,
    /// The month the charge belongs to.
    pub month: Month,
    /// Whether that month is closed, so that the difference becomes a correction in the open month.
    pub is_closed: bool,
    /// Name of the department.
    pub department: String,
    /// Code of the system.
    pub system: String,
    /// Id of the resource.
    pub resource: String,
    /// Code of the service item.
    pub item: String,
    /// What was charged; none if the line is new.
    pub before: Option<Money>,
    /// What would be charged; none if the line falls away.
    pub after: Option<Money>,
    /// After less before.
    pub difference: Money,
    /// What made the difference: the clause, price version or datum.
    pub cause: String,
}

/// The table of a re-rating.
pub fn rerate_table(scope: &DifferenceScope) -> TableDocument {
    let columns = vec![
        Column::new("明细编号", ColumnKind::Id, 40),
        Column::new("所属月份", ColumnKind::Month, 12),
        Column::new("处理方式", ColumnKind::Text, 18),
        Column::new("使用单位", ColumnKind::Text, 26),
        Column::new("系统编码", ColumnKind::Id, 18),
        Column::new("资源", ColumnKind::Id, 40),
        Column::new("项目编码", ColumnKind::Id, 16),
        Column::amount("原金额（元）"),
        Column::amount("新金额（元）"),
        Column::amount("差异（元）"),
        Column::new("差异原因", ColumnKind::Text, 50),
    ];
    TableDocument {
        title: "重新计费差异单".to_owned(),
        notes: scope.notes(),
        columns,
        made_at: scope.made_at,
    }
}

/// The row of one difference in [`rerate_table`].
pub fn rerate_row(difference: &RerateDifference) -> Vec<Cell> {
    let handling = if difference.is_closed {
        "更正记入当前月"
    } else {
        "本月重算"
    };
    vec![
        difference.line.as_str().into(),
        Cell::Month(difference.month),
        handling.into(),
        difference.department.as_str().into(),
        difference.system.as_str().into(),
        difference.resource.as_str().into(),
        difference.item.as_str().into(),
        difference.before.map_or(Cell::Empty, Cell::Amount),
        difference.after.map_or(Cell::Empty, Cell::Amount),
        difference.difference.into(),
        difference.cause.as_str().into(),
    ]
}

/// One place where the provider's bill differs from our charges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillDifference {
    /// Number of the difference.
    pub number: String,
    /// Class: 数量差异, 价格差异, 期间差异, 归属差异, 账单缺项, 账单多项.
    pub class: String,
    /// Row of the bill, as a spreadsheet counts; none if the bill has no such row.
    pub bill_row: Option<i64>,
    /// Id of our line; empty if we have none.
    pub line: String,
    /// Code of the system.
    pub system: String,
    /// Id of the resource.
    pub resource: String,
    /// Code of the service item.
    pub item: String,
    /// What the bill asks for; none if it has no such row.
    pub theirs: Option<Money>,
    /// What we charge; none if we charge nothing.
    pub ours: Option<Money>,
    /// The bill less ours, the part that falls into this class.
    pub difference: Money,
    /// What differs, with both values.
    pub explanation: String,
    /// The provider's answer and what was agreed; empty while open.
    pub answer: String,
}

/// The table of a reconciliation.
///
/// Only the differences are summed: a line that differs in two ways stands in two rows with the same amounts.
pub fn reconciliation_table(scope: &DifferenceScope) -> TableDocument {
    let columns = vec![
        Column::new("差异编号", ColumnKind::Id, 22),
        Column::new("差异类别", ColumnKind::Text, 12),
        Column::new("账单行号", ColumnKind::Integer, 10),
        Column::new("平台明细编号", ColumnKind::Id, 40),
        Column::new("系统编码", ColumnKind::Id, 18),
        Column::new("资源", ColumnKind::Id, 40),
        Column::new("项目编码", ColumnKind::Id, 16),
        Column::new("账单金额（元）", ColumnKind::Amount, 20),
        Column::new("平台金额（元）", ColumnKind::Amount, 20),
        Column::amount("差异（元）"),
        Column::new("差异说明", ColumnKind::Text, 50),
        Column::new("服务商答复与处理", ColumnKind::Text, 40),
    ];
    TableDocument {
        title: "账单核对差异表".to_owned(),
        notes: scope.notes(),
        columns,
        made_at: scope.made_at,
    }
}

/// The row of one difference in [`reconciliation_table`].
pub fn reconciliation_row(difference: &BillDifference) -> Vec<Cell> {
    vec![
        difference.number.as_str().into(),
        difference.class.as_str().into(),
        difference.bill_row.map_or(Cell::Empty, Cell::Integer),
        difference.line.as_str().into(),
        difference.system.as_str().into(),
        difference.resource.as_str().into(),
        difference.item.as_str().into(),
        difference.theirs.map_or(Cell::Empty, Cell::Amount),
        difference.ours.map_or(Cell::Empty, Cell::Amount),
        difference.difference.into(),
        difference.explanation.as_str().into(),
        difference.answer.as_str().into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{table_csv, table_xlsx};

    fn scope() -> DifferenceScope {
        DifferenceScope {
            month: Month::new(2026, 3).unwrap(),
            compared: "价格版本 2 → 3".to_owned(),
            reason: "主数据更正".to_owned(),
            is_committed: false,
            made_at: crate::specimen::made_at(),
        }
    }

    #[test]
    fn rows_fit_their_tables() {
        let rerated = RerateDifference {
            line: "chg_1".to_owned(),
            month: Month::new(2026, 2).unwrap(),
            is_closed: true,
            department: "春城市数据局".to_owned(),
            system: "S1".to_owned(),
            resource: "r1".to_owned(),
            item: "ECS".to_owned(),
            before: Some(Money::from_fen(100)),
            after: None,
            difference: Money::from_fen(-100),
            cause: "资源已释放".to_owned(),
        };
        let table = rerate_table(&scope());
        assert_eq!(table.notes.last().unwrap(), "预览：尚未提交，未改变任何数据");
        let csv = String::from_utf8(table_csv(&table, [rerate_row(&rerated)]).unwrap()).unwrap();
        assert!(
            csv.ends_with("chg_1,2026-02,更正记入当前月,春城市数据局,S1,r1,ECS,1.00,,-1.00,资源已释放\r\n"),
            "{csv}"
        );

        let billed = BillDifference {
            number: "D-1".to_owned(),
            class: "账单多项".to_owned(),
            bill_row: Some(17),
            line: String::new(),
            system: "S1".to_owned(),
            resource: "r1".to_owned(),
            item: "ECS".to_owned(),
            theirs: Some(Money::from_fen(500)),
            ours: None,
            difference: Money::from_fen(500),
            explanation: "已释放仍计费".to_owned(),
            answer: String::new(),
        };
        let table = reconciliation_table(&scope());
        let csv = String::from_utf8(table_csv(&table, [reconciliation_row(&billed)]).unwrap()).unwrap();
        assert!(
            csv.ends_with("D-1,账单多项,17,,S1,r1,ECS,5.00,,5.00,已释放仍计费,\r\n"),
            "{csv}"
        );
        assert!(table_xlsx(&table, [reconciliation_row(&billed)]).is_ok());
    }
}
