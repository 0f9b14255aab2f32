//! The audit chain.

use crate::cli::AuditCommand;
use crate::exit::{Failure, INVALID};
use crate::output::{Grid, Report};
use crate::wiring::Setting;
use app::AppError;
use app::audit::EntryFilter;
use domain::audit::{AuditEntry, read_head};

/// `audit ...`
pub(crate) async fn run(setting: &Setting, command: AuditCommand) -> Result<Report, Failure> {
    match command {
        AuditCommand::Verify { head, file } => {
            let head = head.as_deref().map(read_head).transpose();
            let head = head.map_err(|why| Failure::new(INVALID, why))?;
            let (count, digest, what) = match file {
                Some(file) => {
                    let chain = app::audit::verify_file(&file, head)?;
                    (chain.entries, chain.head, "文件中的审计链")
                }
                None => {
                    let (count, digest) = app::audit::check(&setting.open().await?, head).await?;
                    (count, digest, "审计链")
                }
            };
            let mut report = Report::new(serde_json::json!({ "entries": count, "head": digest }));
            report.line(format!("{what}完好，共 {count} 条"));
            report.line(format!(
                "链头 {count}:{digest}（可留存在外，日后用 --head 核对末尾未被截断）"
            ));
            Ok(report)
        }
        AuditCommand::Seal { to } => {
            let sealed = app::audit::seal(&setting.open().await?).await?;
            let page = sealed.seal.page(&sealed.by);
            if let Some(path) = &to {
                std::fs::write(path, &page).map_err(AppError::io(path))?;
            }
            let mut report = Report::new(&sealed);
            if sealed.already {
                report.line("当日此前已封存，以下是当时的封存单");
            }
            report.line(page);
            report.line(format!("链头 {}", sealed.seal.head_text()));
            Ok(report)
        }
        AuditCommand::Export { file } => {
            let chain = app::audit::export(&setting.open().await?, &file).await?;
            let mut report = Report::new(chain);
            report.line(format!("审计链 {} 条已写入 {}", chain.entries, file.display()));
            report.line(format!("链头 {}:{}", chain.entries, chain.head));
            Ok(report)
        }
        AuditCommand::Show { from, limit } => {
            let ctx = setting.open().await?;
            let filter = EntryFilter {
                from,
                ..EntryFilter::default()
            };
            Ok(shown(app::audit::entries(&ctx, &filter, limit).await?))
        }
    }
}

fn shown(entries: Vec<AuditEntry>) -> Report {
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
    report
}
