//! What stands in a letter: plain, what it is about, by when, and the number to ask by.

use domain::authz::Account;
use kernel::Instant;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use store::{Message, ToDo};

/// A letter as it waits to be sent. The address is looked up when it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LetterBody {
    pub(super) subject: String,
    pub(super) text: String,
}

/// A moment as people write it.
pub(crate) fn moment(at: Instant) -> String {
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {}", time.get(..5).unwrap_or_default())
}

/// A deadline is the first moment that is too late; people name the last one in time.
pub(crate) fn deadline(due: Instant) -> String {
    moment(due.plus_s(-1))
}

fn due_of(message: &Message, tasks: &[ToDo]) -> Option<Instant> {
    let own = tasks.iter().filter(|task| task.subject == message.subject);
    own.filter_map(|task| task.due).min()
}

fn ending(text: &mut String, link: Option<&str>) {
    let place = link.map_or_else(
        || "请登录云衡平台办理。".to_owned(),
        |link| format!("请登录云衡平台办理：{link}"),
    );
    let _ = write!(
        text,
        "\n{place}\n本邮件由系统自动发出，请勿回复。如不应由您办理，请联系本单位系统管理员。\n"
    );
}

/// The letter for one message.
pub(super) fn single(account: &Account, message: &Message, tasks: &[ToDo], link: Option<&str>) -> LetterBody {
    let mut text = format!("{}：\n\n{}\n", account.name, message.title);
    if !message.text.is_empty() {
        let _ = writeln!(text, "{}", message.text);
    }
    let _ = writeln!(text, "\n事项编号：{}", message.subject);
    if let Some(due) = due_of(message, tasks) {
        let _ = writeln!(text, "办理期限：{}", deadline(due));
    }
    let _ = writeln!(text, "通知时间：{}", moment(message.at));
    ending(&mut text, link);
    LetterBody {
        subject: format!("【云衡】{}", message.title),
        text,
    }
}

/// The letter for many messages.
pub(super) fn digest(account: &Account, messages: &[Message], tasks: &[ToDo], link: Option<&str>) -> LetterBody {
    let mut text = format!("{}：\n\n您有 {} 条通知，汇总如下。\n", account.name, messages.len());
    for (place, message) in (1..).zip(messages) {
        let due = due_of(message, tasks);
        let due = due.map_or_else(String::new, |due| format!("；办理期限 {}", deadline(due)));
        let _ = writeln!(
            text,
            "\n{place}. {}\n   事项编号 {}；通知时间 {}{due}",
            message.title,
            message.subject,
            moment(message.at)
        );
        if !message.text.is_empty() {
            let _ = writeln!(text, "   {}", message.text);
        }
    }
    ending(&mut text, link);
    LetterBody {
        subject: format!("【云衡】您有 {} 条通知", messages.len()),
        text,
    }
}
