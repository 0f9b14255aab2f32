//! Price books: their versions, and the approval of what somebody else imported.

use crate::cli::PriceCommand;
use crate::exit::Failure;
use crate::input::parsed;
use crate::output::{Grid, Report};
use crate::wiring::Setting;
use app::price_books::{self, PriceBookRecord};
use domain::authz::Action;
use serde_json::{Value, json};

/// `price ...`
pub(crate) async fn run(setting: &Setting, command: PriceCommand) -> Result<Report, Failure> {
    match command {
        PriceCommand::List => {
            let ctx = setting.open_to_see(Action::PriceRead, "price_book").await?;
            Ok(listed(&price_books::list(&ctx).await?))
        }
        PriceCommand::Approve {
            contract,
            version,
            opinion,
        } => {
            let ctx = setting.open().await?;
            let record = price_books::approve(&ctx, (&parsed(&contract)?, version), &opinion).await?;
            let mut report = Report::new(whole(&record));
            report.line(format!("价目 {} 已批准", record.book.label()));
            Ok(report)
        }
    }
}

fn listed(found: &[PriceBookRecord]) -> Report {
    let columns = ["价目", "生效日", ">条目", "依据", "批准人", "导入", "平台内批准"];
    let mut grid = Grid::new(&format!("共 {} 个版本", found.len()), &columns);
    for record in found {
        let standing = match (&record.approval, record.waits()) {
            (Some(approval), _) => format!("{} {}：{}", approval.at, approval.by, approval.opinion),
            (None, true) => "待批准".to_owned(),
            (None, false) => "不需要（建立账号之前导入）".to_owned(),
        };
        grid.row([
            record.book.label(),
            record.book.effective_from.to_string(),
            record.book.lines.len().to_string(),
            record.book.source.clone(),
            record.book.approver.clone(),
            record.preparer.clone().unwrap_or_else(|| "本地操作员".to_owned()),
            standing,
        ]);
    }
    let mut report = Report::new(found.iter().map(whole).collect::<Vec<_>>());
    report.grid(grid);
    report
}

fn whole(record: &PriceBookRecord) -> Value {
    let approval = record.approval.as_ref();
    let approval =
        approval.map(|approval| json!({ "by": approval.by, "at": approval.at, "opinion": approval.opinion }));
    json!({
        "label": record.book.label(), "effective_from": record.book.effective_from, "lines": record.book.lines.len(),
        "source": record.book.source, "approver": record.book.approver, "prepared_by": record.preparer,
        "waits": record.waits(), "approval": approval,
    })
}
