//! Making and checking a deployment.

use crate::cli::Output;
use crate::config::DEFAULT;
use crate::exit::{Failure, INTERNAL};
use crate::output::Report;
use crate::wiring::Setting;
use app::AppError;
use store::Store;

/// `init`: data folder, configuration, store.
pub(crate) async fn init(setting: &Setting) -> Result<Report, Failure> {
    std::fs::create_dir_all(&setting.data).map_err(AppError::io(&setting.data))?;
    if !setting.config_path.exists() {
        std::fs::write(&setting.config_path, DEFAULT).map_err(AppError::io(&setting.config_path))?;
    }
    migrate(setting).await
}

/// `migrate`: the tables.
pub(crate) async fn migrate(setting: &Setting) -> Result<Report, Failure> {
    let store = Store::open(&setting.database).await?;
    store.migrate().await?;
    let backend = store.backend();
    store.close().await;
    let mut report = Report::new(serde_json::json!({ "data": setting.data, "backend": backend }));
    report.line(format!("数据目录 {}", setting.data.display()));
    report.line(format!("数据库 {backend}，结构已是最新"));
    Ok(report)
}

/// `doctor`: does everything that is recorded exist, and is anything there that is not recorded. Errors: something does
/// not exist; it is told first.
pub(crate) async fn doctor(setting: &Setting, clean: bool, output: Output) -> Result<(), Failure> {
    let ctx = setting.open_house().await?;
    let health = app::health::examine(&ctx, clean).await?;
    let mut report = Report::new(&health);
    report.line(format!(
        "数据库 {}，审计记录 {} 条，审计链完好",
        ctx.store().backend(),
        health.audit_entries
    ));
    report.line(match health.accounts {
        0 => "尚未建立账号：命令以本地操作员的身份执行".to_owned(),
        count => format!("账号 {count} 个：命令须凭令牌（YUNHENG_TOKEN）执行，按账号的角色授权"),
    });
    report.line(format!(
        "用量湖文件 {} 份，原始数据 {} 份，凭证 {} 份",
        health.lake_files, health.payloads, health.evidence
    ));
    for missing in &health.missing {
        report.line(format!("缺失: {missing}（请从备份恢复）"));
    }
    let done = if clean {
        "已删除"
    } else {
        "无记录引用，可加 --clean 删除"
    };
    for orphan in &health.orphans {
        report.line(format!("{done}: {orphan}"));
    }
    if health.missing.is_empty() && health.orphans.is_empty() {
        report.line("没有发现问题");
    }
    report.print(output)?;
    match health.missing.len() {
        0 => Ok(()),
        count => {
            let text = format!("有记录的文件缺失 {count} 个，请从备份恢复");
            Err(Failure::new(INTERNAL, text))
        }
    }
}
