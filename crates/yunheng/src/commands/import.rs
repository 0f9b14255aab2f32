//! Importing files, and writing empty forms.

use crate::cli::ImportArgs;
use crate::exit::{Failure, INVALID};
use crate::input::parsed;
use crate::output::Report;
use crate::wiring::Setting;
use app::AppError;
use app::import::{ImportKind, ImportOptions, import_file};
use kernel::{Faults, io_reason};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// `import KIND FILE`
pub(crate) async fn run(setting: &Setting, arguments: ImportArgs) -> Result<Report, Failure> {
    let kind: ImportKind = parsed(&arguments.kind)?;
    if let Some(path) = &arguments.template {
        return template(kind, path);
    }
    let path = arguments
        .file
        .ok_or_else(|| Failure::new(INVALID, "请指明要导入的文件"))?;
    let bytes = content(&path)?;
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let ctx = setting.open().await?;
    let outcome = match import_file(
        &ctx,
        kind,
        &name,
        &bytes,
        ImportOptions {
            dry_run: arguments.dry_run,
        },
    )
    .await
    {
        Ok(outcome) => outcome,
        Err(AppError::Faults(faults)) => {
            if let Some(path) = &arguments.faults {
                write_faults(&faults, path).map_err(|why| Failure::from(why).after(&faults))?;
            }
            return Err(AppError::Faults(faults).into());
        }
        Err(error) => return Err(error.into()),
    };
    let mut report = Report::new(&outcome);
    if outcome.already_imported {
        report.line(format!("{name} 此前已作为{}导入过，内容相同，未作改动", kind.zh()));
        return Ok(report);
    }
    let done = if arguments.dry_run {
        "检查通过（未入库）"
    } else {
        "已导入"
    };
    report.line(format!(
        "{}{done}: {} 行，新增 {}，变更 {}，无变化 {}",
        kind.zh(),
        outcome.rows,
        outcome.counts.new,
        outcome.counts.changed,
        outcome.counts.unchanged
    ));
    if outcome.counts.late_facts > 0 {
        report.line(format!(
            "涉及 {} 个已关账月份，更正将计入未关账月份",
            outcome.counts.late_facts
        ));
    }
    outcome.counts.notes.iter().for_each(|note| report.line(note.clone()));
    Ok(report)
}

/// The bytes of the file. Of one that is too large, just enough for the import to say so.
fn content(path: &Path) -> Result<Vec<u8>, Failure> {
    let limit = u64::try_from(app::import::bytes_max()).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes));
    read.map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory | ErrorKind::PermissionDenied => {
            let why = format!("不能读取要导入的文件 {}: {}", path.display(), io_reason(&error));
            Failure::new(INVALID, why)
        }
        _ => AppError::io(path)(error).into(),
    })?;
    Ok(bytes)
}

fn template(kind: ImportKind, path: &Path) -> Result<Report, Failure> {
    let template = kind.template();
    let xlsx = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx"));
    let bytes = app::import::form(template, xlsx, (crate::wiring::system_clock())())?;
    std::fs::write(path, bytes).map_err(AppError::io(path))?;
    let mut report = Report::new(serde_json::json!({ "template": path }));
    report.line(format!("{}的空白模板已写入 {}", kind.zh(), path.display()));
    Ok(report)
}

fn write_faults(faults: &Faults, path: &Path) -> Result<(), AppError> {
    let fail = |error: csv::Error| AppError::io(path)(error.into());
    let mut bytes = "\u{feff}".as_bytes().to_vec();
    {
        let mut writer = csv::Writer::from_writer(&mut bytes);
        writer.write_record(["行", "列", "错误"]).map_err(fail)?;
        for fault in faults.sorted() {
            writer
                .write_record([fault.row.to_string(), fault.column.clone(), fault.message.clone()])
                .map_err(fail)?;
        }
        writer.flush().map_err(AppError::io(path))?;
    }
    std::fs::write(path, bytes).map_err(AppError::io(path))
}
