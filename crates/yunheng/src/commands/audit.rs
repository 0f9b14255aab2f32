//! The audit chain.

use super::parsed;
use crate::cli::AuditCommand;
use crate::exit::{Failure, INVALID};
use crate::output::{Grid, Report};
use crate::wiring::Setting;

/// `audit ...`
pub(crate) async fn run(setting: &Setting, command: AuditCommand) -> Result<Report, Failure> {
    let ctx = setting.open().await?;
    match command {
        AuditCommand::Verify { head } => {
            let head = head.as_deref().map(read_head).transpose()?;
            let (count, digest) = app::audit::verify(&ctx, head).await?;
            let mut report = Report::new(serde_json::json!({ "entries": count, "head": digest }));
            report.line(format!("审计链完好，共 {count} 条"));
            report.line(format!(
                "链头 {count}:{digest}（可留存在外，日后用 --head 核对末尾未被截断）"
            ));
            Ok(report)
        }
        AuditCommand::Show { from, limit } => {
            let entries = match from {
                Some(from) => app::audit::show(&ctx, from, limit).await?,
                None => app::audit::last(&ctx, limit).await?,
            };
            let mut grid = Grid::new("", &[">编号", "时间", "操作人", "操作", "对象", "内容"]);
            let mut json = Vec::new();
            for entry in entries {
                json.push(serde_json::json!({
                    "number": entry.number, "at": entry.at, "actor": entry.actor, "action": entry.action,
                    "object": entry.object, "detail": entry.detail, "previous": entry.previous, "digest": entry.digest,
                }));
                let short: String = entry.detail.chars().take(80).collect();
                grid.row([
                    entry.number.to_string(),
                    entry.at.to_string(),
                    entry.actor,
                    entry.action,
                    entry.object,
                    short,
                ]);
            }
            let mut report = Report::new(json);
            report.grid(grid);
            Ok(report)
        }
    }
}

fn read_head(text: &str) -> Result<(i64, kernel::Digest), Failure> {
    let parts = text.split_once(':');
    let (number, digest) = parts.ok_or_else(|| Failure::new(INVALID, "链头应写成 编号:摘要"))?;
    Ok((parsed(number)?, parsed(digest)?))
}
