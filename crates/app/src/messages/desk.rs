//! One's own desk: tasks with their deadlines, and notices.

use crate::requests::people::{due_by, flow_of, people};
use crate::requests::publish::MATTER;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::calendar::WorkingCalendar;
use domain::flow::{FlowRun, may_decide};
use kernel::{AccountId, Instant, MessageId};
use serde::Serialize;
use std::collections::BTreeMap;
use store::{Connection, Message, ToDo};

/// How much time a task has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Urgency {
    /// It has no deadline.
    Open,
    /// Working days that are left, today not counted.
    WorkingDays {
        /// How many.
        left: u16,
    },
    /// It is due today: hours that are left, begun ones included.
    Hours {
        /// How many.
        left: u16,
    },
    /// It is late: working days that have gone by since, begun ones included.
    Late {
        /// How many.
        by: u16,
    },
}

impl Urgency {
    /// Of a task that is due at a moment.
    pub fn of(due: Option<Instant>, now: Instant, calendar: &WorkingCalendar) -> Self {
        let Some(due) = due else { return Self::Open };
        let working_days = |from: Instant, to: Instant| {
            let days = (1..=to.day().epoch_days() - from.day().epoch_days()).map(|n| from.day().plus(n));
            let worked = days.take(MANY_DAYS).filter(|day| calendar.kind(*day).working);
            u16::try_from(worked.count()).unwrap_or(u16::MAX)
        };
        // The last second that is in time.
        let last = due.plus_s(-1);
        if now >= due {
            Self::Late {
                by: working_days(last, now).max(1),
            }
        } else if last.day() == now.day() {
            let hours = (due.unix_s() - now.unix_s() + 3_599).div_euclid(3_600);
            Self::Hours {
                left: u16::try_from(hours).unwrap_or(u16::MAX),
            }
        } else {
            Self::WorkingDays {
                left: working_days(now, last),
            }
        }
    }

    /// In words.
    pub fn zh(self) -> String {
        match self {
            Self::Open => "未定期限".to_owned(),
            Self::WorkingDays { left } => format!("还剩 {left} 个工作日"),
            Self::Hours { left } => format!("今日到期，还剩 {left} 小时"),
            Self::Late { by } => format!("已超期 {by} 个工作日"),
        }
    }
}

/// Days beyond which nobody counts.
const MANY_DAYS: usize = 10_000;

/// A task on somebody's desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mine {
    /// The task.
    pub to_do: ToDo,
    /// How much time is left.
    pub urgency: Urgency,
    /// Name of whoever is away, if it is theirs.
    pub on_behalf_of: Option<String>,
}

/// How many tasks of a kind somebody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToDoCount {
    /// The kind.
    pub kind: String,
    /// How many.
    pub open: u64,
    /// How many of them are late.
    pub late: u64,
    /// The next deadline.
    pub next_due: Option<Instant>,
}

/// A kind of task in Chinese; the word itself for one that is not known here.
pub fn kind_zh(kind: &str) -> &str {
    match kind {
        MATTER => "申请审批",
        "choose" => "选定云服务商",
        "order" => "工单办理",
        "confirm" => "试运行确认",
        "ending" => "下线事项",
        "erasure" => "数据清除确认",
        other => other,
    }
}

async fn own(ctx: &OpContext) -> Result<AccountId, AppError> {
    let account = ctx.who()?.account;
    let about = Target {
        kind: "message",
        owner: Some(account),
        ..Target::default()
    };
    ctx.authorise(Action::MessageRead, &about).await?;
    Ok(account)
}

/// What whoever asks has to do, the most urgent first; also what they may decide for somebody who is away.
pub async fn to_dos(ctx: &OpContext) -> Result<Vec<Mine>, AppError> {
    let account = own(ctx).await?;
    let calendar = &ctx.policies()?.calendar;
    let mut read = ctx.store().read().await?;
    let mine = |to_do: ToDo, on_behalf_of: Option<String>| Mine {
        urgency: Urgency::of(to_do.due, ctx.now(), calendar),
        to_do,
        on_behalf_of,
    };
    let own = read.to_dos_of(account).await?;
    let mut all: Vec<Mine> = own.into_iter().map(|to_do| mine(to_do, None)).collect();
    for (to_do, name) in of_others(ctx, &mut read, account).await? {
        let same = |other: &Mine| {
            (&other.to_do.kind, &other.to_do.subject, &other.to_do.task) == (&to_do.kind, &to_do.subject, &to_do.task)
        };
        if !all.iter().any(same) {
            all.push(mine(to_do, Some(name)));
        }
    }
    let order = |mine: &Mine| {
        let to_do = &mine.to_do;
        (to_do.due.is_none(), to_do.due, to_do.opened, to_do.subject.clone())
    };
    all.sort_by_key(order);
    Ok(all)
}

/// Tasks of those who are away, as far as `deputy` may decide them: not what they applied for, and nothing where they
/// have another duty already.
async fn of_others(ctx: &OpContext, read: &mut Connection, deputy: AccountId) -> Result<Vec<(ToDo, String)>, AppError> {
    let absences = read.absences_at(ctx.now()).await?;
    if !absences.iter().any(|absence| absence.deputy == deputy) {
        return Ok(Vec::new());
    }
    let people = people(ctx, read, None).await?;
    let away: Vec<AccountId> = people
        .absences
        .iter()
        .filter(|absence| absence.delegate == deputy)
        .map(|absence| absence.account)
        .collect();
    let due = due_by(ctx)?;
    let mut found = Vec::new();
    for account in away {
        let name = read
            .account(account)
            .await?
            .map_or_else(String::new, |account| account.name);
        for to_do in read
            .to_dos_of(account)
            .await?
            .into_iter()
            .filter(|to_do| to_do.kind == MATTER)
        {
            let Some((run, _)) = read.flow::<FlowRun>(&to_do.subject).await? else {
                continue;
            };
            let Ok(task) = to_do.task.parse() else { continue };
            let definition = flow_of(ctx, &run)?;
            let turn = (task, deputy);
            if may_decide(&run, definition, &people.directory, turn, ctx.now(), &due).is_ok() {
                found.push((to_do, name.clone()));
            }
        }
    }
    Ok(found)
}

/// How many tasks whoever asks has, by kind.
pub async fn counts(ctx: &OpContext) -> Result<Vec<ToDoCount>, AppError> {
    let mut by_kind: BTreeMap<String, ToDoCount> = BTreeMap::new();
    for mine in to_dos(ctx).await? {
        let kind = mine.to_do.kind;
        let count = by_kind.entry(kind.clone()).or_insert_with(|| ToDoCount {
            kind,
            open: 0,
            late: 0,
            next_due: None,
        });
        count.open += 1;
        count.late += u64::from(matches!(mine.urgency, Urgency::Late { .. }));
        count.next_due = match (count.next_due, mine.to_do.due) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    Ok(by_kind.into_values().collect())
}

/// The messages of whoever asks, the newest first, at most `limit`.
pub async fn messages(ctx: &OpContext, limit: i64) -> Result<Vec<Message>, AppError> {
    let account = own(ctx).await?;
    Ok(ctx.store().read().await?.messages_of(account, limit).await?)
}

/// Marks a message as read.
pub async fn read_message(ctx: &OpContext, id: MessageId) -> Result<(), AppError> {
    let account = own(ctx).await?;
    let mut work = ctx.store().begin().await?;
    work.read_message(account, id, ctx.now()).await?;
    work.audit(
        ctx.now(),
        (ctx.actor(), "message.read", &id.to_string()),
        "{}".to_owned(),
    )
    .await?;
    Ok(work.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_as_an_office_counts_it() {
        let calendar = policy::shipped().unwrap().calendar;
        let at = |text: &str| -> Instant { text.parse().unwrap() };
        let of = |due: &str, now: &str| Urgency::of(Some(at(due)), at(now), &calendar).zh();
        // Due at the end of Tuesday; 1 to 7 October 2026 are holidays, Saturday the 10th is worked.
        assert_eq!(of("2026-10-14", "2026-10-09 09:00:00"), "还剩 3 个工作日");
        assert_eq!(of("2026-10-09", "2026-09-30 09:00:00"), "还剩 1 个工作日");
        assert_eq!(of("2026-10-14", "2026-10-13 09:30:00"), "今日到期，还剩 15 小时");
        assert_eq!(
            of("2026-10-13 15:00:00", "2026-10-13 14:59:59"),
            "今日到期，还剩 1 小时"
        );
        assert_eq!(of("2026-10-13 15:00:00", "2026-10-13 15:00:00"), "已超期 1 个工作日");
        assert_eq!(of("2026-10-14", "2026-10-14 00:00:00"), "已超期 1 个工作日");
        assert_eq!(of("2026-10-14", "2026-10-19 09:00:00"), "已超期 4 个工作日");
        assert_eq!(Urgency::of(None, at("2026-10-09"), &calendar), Urgency::Open);
    }
}
