//! The configuration.

use crate::cli::{Common, ConfigCommand};
use crate::config::DEFAULT;
use crate::exit::{Failure, INVALID};
use crate::output::Report;
use crate::wiring::Setting;

/// `config ...`
pub(crate) fn run(common: &Common, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::PrintDefault => {
            let mut report = Report::new(DEFAULT);
            report.line(DEFAULT.trim_end());
            report.print(common.output)
        }
        ConfigCommand::Check => {
            let setting = Setting::new(common)?;
            let faults = setting.config.faults();
            if !faults.is_empty() {
                return Err(Failure::new(INVALID, faults.join("\n")));
            }
            let mut report = Report::new(
                serde_json::json!({ "config": setting.config_path, "accounts": setting.config.accounts.keys().collect::<Vec<_>>() }),
            );
            let state = if setting.config_path.exists() {
                "无误"
            } else {
                "不存在，全部使用默认值"
            };
            report.line(format!("配置文件 {} {state}", setting.config_path.display()));
            report.line(format!("云节点账号 {} 个", setting.config.accounts.len()));
            report.print(common.output)
        }
    }
}
