//! Accounts: the first administrators, one-time links, and the way back for an administrator.

use crate::cli::AccountCommand;
use crate::exit::{Failure, INVALID};
use crate::input::parsed;
use crate::output::{Grid, Report};
use crate::wiring::Setting;
use app::accounts::{Credentials, NewToken};
use domain::authz::Action;
use std::io::BufRead as _;

/// From where somebody comes, for the audit.
const FROM: &str = "本机命令行";

/// `account ...`
pub(crate) async fn run(setting: &Setting, command: AccountCommand) -> Result<Report, Failure> {
    let ctx = setting.open_house().await?;
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
            let mut lines = Lines::new();
            let (link, password) = (lines.next("链接")?.trim().to_owned(), lines.next("密码")?);
            let account = app::accounts::accept_invitation(&ctx, (&link, &password), FROM).await?;
            let mut report = Report::new(serde_json::json!({ "login": account.login }));
            report.line(format!("账号 {} 已启用，可以登录", account.login));
            Ok(report)
        }
        AccountCommand::Rescue { login } => {
            let secret = app::accounts::rescue(&ctx, &login).await?;
            let mut report = Report::new(serde_json::json!({ "login": login, "secret": secret }));
            report.line(format!("账号 {login} 的动态口令和锁定已清除，会话和令牌已失效。"));
            report.line("链接只显示这一次，请交给本人设置密码（yunheng account accept）：");
            report.line(secret);
            Ok(report)
        }
        AccountCommand::Token(arguments) => {
            let scope = arguments.scope.iter().map(|word| parsed::<Action>(word));
            let new = NewToken {
                name: arguments.name,
                scope: scope.collect::<Result<_, _>>()?,
                days: arguments.days,
            };
            let mut lines = Lines::new();
            let given = Credentials {
                login: lines.next("登录名")?.trim().to_owned(),
                password: lines.next("密码")?,
                code: lines.next("动态口令").ok().map(|code| code.trim().to_owned()),
                address: FROM.to_owned(),
                agent: "yunheng account token".to_owned(),
            };
            let (token, secret) = app::accounts::token_by_login(&ctx, given, new).await?;
            let mut report = Report::new(serde_json::json!({
                "id": token.id, "name": token.name, "scope": token.scope, "expires": token.expires, "secret": secret,
            }));
            report.line("令牌只显示这一次，请妥善保存，并放入环境变量 YUNHENG_TOKEN 使用：");
            report.line(secret);
            report.line(format!("有效期至 {}，可办理 {}", token.expires, token.scope));
            Ok(report)
        }
    }
}

/// Secrets from stdin, a line each, so that none stands in a list of processes or a history of commands.
struct Lines(std::io::Lines<std::io::StdinLock<'static>>);

impl Lines {
    fn new() -> Self {
        Self(std::io::stdin().lock().lines())
    }

    fn next(&mut self, what: &str) -> Result<String, Failure> {
        match self.0.next() {
            Some(Ok(line)) if !line.trim().is_empty() => Ok(line),
            _ => {
                let text = format!("没有读到{what}；请在标准输入中依次给出各项，各占一行");
                Err(Failure::new(INVALID, text))
            }
        }
    }
}
