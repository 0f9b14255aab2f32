//! What follows from a turn of a flow: the run saved, tasks in people's lists, messages to whoever must know.

use super::people::People;
use crate::messages::deadline;
use crate::{AppError, OpContext};
use domain::flow::{APPLICANT, FlowDefinition, FlowEvent, FlowNodeCode, FlowRun, Notice, TaskState};
use domain::request::ResourceRequest;
use kernel::{AccountId, Instant};
use store::{Message, ToDo, UnitOfWork};

/// What kind of matter an application is in lists of tasks.
pub(crate) const MATTER: &str = "request";

/// A run after an act, and what others must do or know.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) definition: &'a FlowDefinition,
    pub(super) run: &'a FlowRun,
    /// The version of the run that was read; none for one that begins.
    pub(super) version: Option<i64>,
    pub(super) events: &'a [FlowEvent],
}

/// Saves it, in the transaction of the act.
pub(super) async fn publish(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    (request, people): (&ResourceRequest, &People),
    turn: Turn<'_>,
) -> Result<(), AppError> {
    let run = turn.run;
    let about = (run.definition.as_str(), i64::from(run.version), run.state.word());
    work.save_flow(&request.number, about, run, turn.version).await?;
    work.set_to_dos((MATTER, &request.number), &to_dos(request, &turn))
        .await?;
    let mut messages: Vec<Message> = Vec::new();
    for event in turn.events {
        messages.extend(told(ctx, request, people, &turn, event)?);
    }
    work.add_messages(&messages).await?;
    Ok(())
}

fn step(definition: &FlowDefinition, node: &FlowNodeCode) -> String {
    if node.as_str() == APPLICANT {
        return "补正后重新提交".to_owned();
    }
    definition
        .node(node)
        .map_or_else(|| node.to_string(), |node| node.name.clone())
}

fn to_dos(request: &ResourceRequest, turn: &Turn<'_>) -> Vec<ToDo> {
    let open = turn.run.live().filter(|task| task.state == TaskState::Open);
    let of_task = |task: &domain::flow::FlowTask| {
        let who = task.claimed_by.map_or_else(|| task.accounts(), |account| vec![account]);
        let title = format!(
            "{} {}申请（{}）：{}",
            request.number,
            request.kind.zh(),
            request.system,
            step(turn.definition, &task.node)
        );
        let (id, opened, due): (u32, Instant, Option<Instant>) = (task.id, task.opened, task.due);
        who.into_iter().map(move |account| ToDo {
            account,
            kind: MATTER.to_owned(),
            subject: request.number.clone(),
            task: id.to_string(),
            title: title.clone(),
            opened,
            due,
        })
    };
    open.flat_map(of_task).collect()
}

/// What somebody is told about, and when that is due: a task, the whole approval, or how the application stands.
fn matter(turn: &Turn<'_>, event: &FlowEvent, task: Option<u32>) -> (String, Option<Instant>) {
    if let Some(task) = task.and_then(|id| turn.run.task(id)) {
        return (step(turn.definition, &task.node), task.due);
    }
    let notice = match event {
        FlowEvent::Notify { notice, .. } => Some(notice),
        _ => None,
    };
    let warns = matches!(notice, Some(Notice::Reminder | Notice::Overdue));
    let whole = turn.definition.whole.as_ref().zip(turn.run.whole);
    whole.filter(|_| warns).map_or_else(
        || (turn.run.state.zh().to_owned(), None),
        |(term, whole)| (term.deadline.zh().to_owned(), Some(whole.due)),
    )
}

fn told(
    ctx: &OpContext,
    request: &ResourceRequest,
    people: &People,
    turn: &Turn<'_>,
    event: &FlowEvent,
) -> Result<Vec<Message>, AppError> {
    let (accounts, kind, what, task): (&[AccountId], &str, &str, Option<u32>) = match event {
        FlowEvent::Notify { accounts, notice, task } => (accounts, notice.word(), notice.zh(), *task),
        FlowEvent::TaskStuck { task, .. } => (&people.administrators, "stuck", "需要管理员处理", Some(*task)),
        FlowEvent::TaskOpened { .. } | FlowEvent::TaskClosed { .. } | FlowEvent::Ended { .. } => return Ok(Vec::new()),
    };
    let accounts = people.with_deputies(ctx, (turn.run, turn.definition), (accounts, task))?;
    let (at, due) = matter(turn, event, task);
    let due = due.map_or_else(String::new, |due| format!("，办理期限 {}", deadline(due)));
    let text = format!(
        "{} 为系统 {} 提出的{}申请 {}：{at}{due}",
        request.unit,
        request.system,
        request.kind.zh(),
        request.number
    );
    let message = |account: &AccountId| Message {
        id: ctx.new_id(),
        account: *account,
        kind: format!("{MATTER}.{kind}"),
        subject: request.number.clone(),
        title: format!("{what}：{}", request.number),
        text: text.clone(),
        at: ctx.now(),
        read: None,
    };
    Ok(accounts.iter().map(message).collect())
}
