//! Reminders outside of flows, each once for a deadline, and the word to a deputy when an absence begins.

use super::desk::kind_zh;
use super::letter::{deadline, moment};
use super::notify;
use crate::jobs::{Doing, Ended, Handler, Working};
use crate::requests::publish::MATTER;
use crate::{AppError, OpContext};
use domain::calendar::Term;
use store::{AbsenceRecord, ToDo};

/// How long before a deadline somebody is reminded of it.
const BEFORE: Term = Term::WorkingDays(1);
/// No term of a working day is longer than this, whatever holidays lie in it. Units: seconds.
const HORIZON_S: i64 = 40 * 86_400;

/// Reminds of tasks that are due soon or late, and tells deputies. Flows remind of their own tasks.
#[derive(Debug, Clone, Copy)]
pub struct Remind;

impl Handler for Remind {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            let ctx = &at.ctx;
            let (tasks, absences) = {
                let mut read = ctx.store().read().await?;
                let due = read.to_dos_due(ctx.now().plus_s(HORIZON_S)).await?;
                (due, read.absences_at(ctx.now()).await?)
            };
            if !at.go_on(0, 2, "待办期限").await? {
                return Ok(Ended::Stopped);
            }
            let mut reminded = 0;
            for task in tasks.iter().filter(|task| task.kind != MATTER) {
                reminded += u64::from(remind(ctx, task).await?);
            }
            if !at.go_on(1, 2, "代办通知").await? {
                return Ok(Ended::Stopped);
            }
            let mut told = 0;
            for absence in &absences {
                told += u64::from(tell_deputy(ctx, absence).await?);
            }
            Ok(Ended::Done(format!("提醒 {reminded} 件，代办通知 {told} 件")))
        })
    }
}

async fn remind(ctx: &OpContext, task: &ToDo) -> Result<bool, AppError> {
    let Some(due) = task.due else { return Ok(false) };
    let now = ctx.now();
    let (word, what) = if now >= due {
        ("overdue", "已超期")
    } else if ctx.policies()?.calendar.due(now, BEFORE).at >= due {
        ("reminder", "即将到期")
    } else {
        return Ok(false);
    };
    let mut work = ctx.store().begin().await?;
    let key = format!("{}/{}/{}/{}", task.account, task.kind, task.subject, task.task);
    let noted = work.note_reminder((&format!("to_do.{word}"), &key), due, now).await?;
    // Somebody may have done it meanwhile.
    let open = work.to_dos_of(task.account).await?;
    if !noted || !open.contains(task) {
        return Ok(false);
    }
    let kind = format!("{}.{word}", task.kind);
    let title = format!("{what}：{}", task.subject);
    let text = format!("{}：{}，办理期限 {}", kind_zh(&task.kind), task.title, deadline(due));
    notify(ctx, &mut work, &[task.account], (&kind, &task.subject), (&title, &text)).await?;
    let detail = serde_json::json!({ "kind": task.kind, "task": task.task, "due": due, "word": word });
    work.audit(now, (ctx.actor(), "to_do.remind", &task.subject), detail.to_string())
        .await?;
    work.commit().await?;
    Ok(true)
}

async fn tell_deputy(ctx: &OpContext, absence: &AbsenceRecord) -> Result<bool, AppError> {
    let mut work = ctx.store().begin().await?;
    let id = absence.id.to_string();
    if !work
        .note_reminder(("absence.begun", &id), absence.from, ctx.now())
        .await?
    {
        return Ok(false);
    }
    let name = work
        .account(absence.account)
        .await?
        .map_or_else(String::new, |account| account.name);
    let open = work.to_dos_of(absence.account).await?;
    let open = open.iter().filter(|task| task.kind == MATTER).count();
    let title = format!("代办开始：{name}");
    let text = format!(
        "{name} 自 {} 至 {} 外出，由您代办审批；目前待办 {open} 件。本人申请的、已在其他环节办理过的，不能代办。",
        moment(absence.from),
        deadline(absence.to)
    );
    notify(
        ctx,
        &mut work,
        &[absence.deputy],
        ("absence.begun", &id),
        (&title, &text),
    )
    .await?;
    work.audit(ctx.now(), (ctx.actor(), "absence.begin", &id), "{}".to_owned())
        .await?;
    work.commit().await?;
    Ok(true)
}
