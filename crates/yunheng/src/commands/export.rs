//! Exports.

use crate::cli::{ExportArgs, ExportCommand};
use crate::exit::{Failure, INVALID};
use crate::output::Report;
use crate::wiring::Setting;
use app::export::{self, ExportOutcome, ExportSelection, FocusFormat, FocusOptions, TableFormat};
use domain::authz::Action;

/// `export ...`
pub(crate) async fn run(setting: &Setting, command: ExportCommand) -> Result<Report, Failure> {
    let ctx = setting.open_to_see(Action::ChargesExport, "charges").await?;
    match command {
        ExportCommand::Charges(arguments) => {
            let format = match ending(&arguments) {
                "csv" => TableFormat::Csv,
                "xlsx" => TableFormat::Xlsx,
                other => return Err(unknown(other, "csv 或 xlsx")),
            };
            let outcome = export::charges(&ctx, &selection(&arguments), format, &arguments.file).await?;
            Ok(done(&arguments, &outcome))
        }
        ExportCommand::Focus { what, ascii } => {
            let format = match ending(&what) {
                "csv" => FocusFormat::Csv,
                "parquet" => FocusFormat::Parquet,
                other => return Err(unknown(other, "csv 或 parquet")),
            };
            let options = (format, FocusOptions { ascii_names: ascii });
            let outcome = export::focus(&ctx, &selection(&what), options, &what.file).await?;
            Ok(done(&what, &outcome))
        }
    }
}

fn ending(arguments: &ExportArgs) -> &str {
    arguments
        .file
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or("")
}

fn unknown(ending: &str, possible: &str) -> Failure {
    Failure::new(INVALID, format!("输出文件的扩展名「{ending}」不可用，请用 {possible}"))
}

fn selection(arguments: &ExportArgs) -> ExportSelection {
    ExportSelection {
        from: arguments.from,
        to: arguments.to.unwrap_or(arguments.from),
        provider: arguments.provider.clone(),
        organisation: arguments.organisation.clone(),
    }
}

fn done(arguments: &ExportArgs, outcome: &ExportOutcome) -> Report {
    let mut report =
        Report::new(serde_json::json!({ "file": arguments.file, "lines": outcome.lines, "amount": outcome.amount }));
    report.line(format!(
        "{} 行，合同价合计 {} 元，已写入 {}",
        outcome.lines,
        outcome.amount.grouped(),
        arguments.file.display()
    ));
    for month in &outcome.open {
        report.line(format!("注意：{month} 尚未关账，数字可能变动"));
    }
    for month in &outcome.unrated {
        report.line(format!("注意：{month} 尚未计价，没有明细"));
    }
    report
}
