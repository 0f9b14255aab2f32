//! Reminders outside of flows, each once for a deadline, and the word to a deputy when an absence begins.

use super::desk::kind_zh;
use super::letter::{deadline, moment};
use super::notify;
use crate::jobs::{Doing, Ended, Handler, Swept, Working, swept};
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
            let mut reminded = Swept::default();
            for task in tasks.iter().filter(|task| task.kind != MATTER) {
                let done = remind(ctx, task).await;
                reminded.note_if(&task.subject, done)?;
            }
            if !at.go_on(1, 2, "代办通知").await? {
                return Ok(Ended::Stopped);
            }
            let mut told = Swept::default();
            for absence in &absences {
                let (id, done) = (absence.id.to_string(), tell_deputy(ctx, absence).await);
                told.note_if(&id, done)?;
            }
            let words = format!("提醒 {} 件，代办通知 {} 件", reminded.done.len(), told.done.len());
            Ok(swept(words, reminded.failed + told.failed))
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
    let key = format!("{}/{}/{}/{}", task.account, task.kind, task.subject, task.task);
    let about = (format!("to_do.{word}"), key);
    let about = (about.0.as_str(), about.1.as_str());
    if ctx.store().read().await?.is_reminded(about, due).await? {
        return Ok(false);
    }
    let mut work = ctx.store().begin().await?;
    let noted = work.note_reminder(about, due, now).await?;
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
    let id = absence.id.to_string();
    let about = ("absence.begun", id.as_str());
    if ctx.store().read().await?.is_reminded(about, absence.from).await? {
        return Ok(false);
    }
    let mut work = ctx.store().begin().await?;
    if !work.note_reminder(about, absence.from, ctx.now()).await? {
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
