//! Collecting.

use crate::cli::CollectArgs;
use crate::exit::{Failure, PRECONDITION};
use crate::input::parsed;
use crate::output::Report;
use crate::wiring::Setting;
use app::AppError;
use app::collect::{CollectOptions, collect};
use domain::authz::Action;

/// `collect`
pub(crate) async fn run(setting: &Setting, arguments: CollectArgs) -> Result<Report, Failure> {
    let ctx = setting.open_for(Action::NodeCollect, "node").await?;
    let node = arguments.node.as_deref().map(parsed).transpose()?;
    let options = CollectOptions {
        confirm_empty: arguments.confirm_empty,
    };
    let outcome = collect(&ctx, node.as_ref(), &*setting.config, options).await;
    let outcome = outcome.map_err(|error| match error {
        AppError::EmptyLook(..) => Failure::new(PRECONDITION, format!("{error}（加 --confirm-empty）")),
        error => error.into(),
    })?;
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
