//! Accounts: the first administrators and one-time links.

use super::parsed;
use crate::cli::AccountCommand;
use crate::exit::{Failure, INVALID};
use crate::output::{Grid, Report};
use crate::wiring::Setting;
use std::io::BufRead as _;

/// `account ...`
pub(crate) async fn run(setting: &Setting, command: AccountCommand) -> Result<Report, Failure> {
    let ctx = setting.open().await?;
    match command {
        AccountCommand::First { organisation } => {
            let links = app::accounts::first_administrators(&ctx, &parsed(&organisation)?).await?;
            let mut grid = Grid::new("", &["登录名", "角色", "一次性链接"]);
            for link in &links {
                grid.row([link.login.clone(), link.role.zh().to_owned(), link.secret.clone()]);
            }
            let mut report = Report::new(&links);
            report.line(
                "已建立三名管理员。链接只显示这一次，请分别交给三个人，由本人设置密码（yunheng account accept）。",
            );
            report.grid(grid);
            Ok(report)
        }
        AccountCommand::Accept => {
            let (link, password) = read_lines()?;
            let account = app::accounts::accept_invitation(&ctx, &link, &password).await?;
            let mut report = Report::new(serde_json::json!({ "login": account.login }));
            report.line(format!("账号 {} 已启用，可以登录", account.login));
            Ok(report)
        }
    }
}

/// The link and the password, from stdin, so that neither stands in a list of processes or a history of commands.
fn read_lines() -> Result<(String, String), Failure> {
    let mut lines = std::io::stdin().lock().lines();
    let mut line = |what: &str| match lines.next() {
        Some(Ok(line)) if !line.trim().is_empty() => Ok(line),
        _ => Err(Failure::new(
            INVALID,
            format!("没有读到{what}；请在标准输入中依次给出链接和密码，各占一行"),
        )),
    };
    let link = line("链接")?.trim().to_owned();
    Ok((link, line("密码")?))
}
