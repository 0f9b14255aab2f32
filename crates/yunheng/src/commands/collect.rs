//! Collecting.

use super::parsed;
use crate::cli::CollectArgs;
use crate::exit::Failure;
use crate::output::Report;
use crate::wiring::Setting;
use app::collect::{CollectOptions, collect};

/// `collect`
pub(crate) async fn run(setting: &Setting, arguments: CollectArgs) -> Result<Report, Failure> {
    let ctx = setting.open().await?;
    let node = arguments.node.as_deref().map(parsed).transpose()?;
    let options = CollectOptions {
        confirm_empty: arguments.confirm_empty,
    };
    let outcome = collect(&ctx, node.as_ref(), &setting.config, options).await?;
    let mut report = Report::new(&outcome);
    report.line(format!(
        "新采集 {} 次（资源 {} 条，计量值 {} 条，变化 {} 处），此前已采集 {} 次",
        outcome.looks, outcome.observations, outcome.samples, outcome.changes, outcome.known
    ));
    for refused in &outcome.refused {
        report.line(format!("拒收: {refused}"));
    }
    outcome.notes.iter().for_each(|note| report.line(note.clone()));
    Ok(report)
}
