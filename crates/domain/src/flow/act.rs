//! What people do with a run, and what time does.

use super::DueBy;
use super::definition::{Fact, FlowDefinition, FlowNodeCode, Mode};
use super::directory::Directory;
use super::play::{Play, frozen};
use super::refusal::FlowRefusal;
use super::run::{
    Deed, FlowApplication, FlowEvent, FlowRecord, FlowRun, FlowState, FlowTask, Notice, SignPosition, TaskState,
};
use crate::calendar::Term;
use kernel::{AccountId, Instant};
use std::collections::BTreeMap;

/// Where a return goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReturnTo {
    /// To the applicant, who mends it and hands it in again.
    Applicant,
    /// To an earlier node; its whole stage is decided again.
    Node(FlowNodeCode),
}

/// What somebody does. Acting for somebody who is away needs no act of its own: it is recognised by the absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Take a task that several could decide.
    Claim {
        /// The task.
        task: u32,
    },
    /// Agree.
    Agree {
        /// The task.
        task: u32,
        /// In their words; may be empty.
        opinion: String,
    },
    /// Disagree: the application is refused, or the vote is against it.
    Disagree {
        /// The task.
        task: u32,
        /// Why.
        reason: String,
        /// What to mend.
        advice: String,
    },
    /// Return.
    Return {
        /// The task.
        task: u32,
        /// Where to.
        to: ReturnTo,
        /// Why.
        reason: String,
    },
    /// Ask somebody else to sign too.
    AddSigner {
        /// The task.
        task: u32,
        /// Who.
        signer: AccountId,
        /// When they sign.
        position: SignPosition,
        /// In their words; may be empty.
        opinion: String,
    },
    /// Hand a task to another holder of the role.
    Transfer {
        /// The task.
        task: u32,
        /// To whom.
        to: AccountId,
        /// In their words; may be empty.
        opinion: String,
    },
    /// Urge those who have a task.
    Urge {
        /// The task.
        task: u32,
    },
    /// Take the application back.
    Withdraw {
        /// In their words; may be empty.
        opinion: String,
    },
    /// Hand it in again after a return. It begins with the first node, as what was decided was about something else.
    Resubmit {
        /// The facts, frozen anew.
        facts: BTreeMap<Fact, bool>,
        /// When the whole approval is due if it begins now; none if that is not configured.
        due: Option<Instant>,
        /// In their words; may be empty.
        opinion: String,
    },
}

/// Somebody whom the holder of a task may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The task.
    pub task: u32,
    /// Who.
    pub account: AccountId,
    /// Whether it may be handed on to them.
    pub transfer: bool,
    /// Whether they may be asked to sign too.
    pub add_signer: bool,
}

/// Begins a run.
///
/// # Errors
///
/// The flow is not in force or not for this kind, facts are missing, nobody would decide, the applicant is inactive.
pub fn start(
    definition: &FlowDefinition,
    directory: &Directory,
    application: FlowApplication,
    now: Instant,
    due: &DueBy<'_>,
) -> Result<(FlowRun, Vec<FlowEvent>), FlowRefusal> {
    if !definition.is_effective(now) {
        return Err(FlowRefusal::NotEffective(definition.name.clone()));
    }
    if !definition.kinds.contains(&application.kind) {
        return Err(FlowRefusal::WrongKind {
            flow: definition.name.clone(),
            kind: application.kind,
        });
    }
    if !directory.is_active(application.applicant) {
        return Err(FlowRefusal::Inactive);
    }
    let run = FlowRun {
        definition: definition.code.clone(),
        version: definition.version,
        subject: application.subject,
        applicants: vec![application.applicant],
        organisation: application.organisation,
        provider: application.provider,
        facts: frozen(definition, &application.facts)?,
        whole: None,
        state: FlowState::Open,
        stage: 0,
        current: Vec::new(),
        visit: 0,
        tasks: Vec::new(),
        history: Vec::new(),
    };
    let mut play = Play {
        run,
        definition,
        directory,
        now,
        due,
        events: Vec::new(),
    };
    play.note(Some(application.applicant), Deed::Submit, None);
    play.begin_whole(application.due);
    play.enter(0);
    play.settle();
    Ok((play.run, play.events))
}

fn resume<'a>(
    run: &FlowRun,
    definition: &'a FlowDefinition,
    directory: &'a Directory,
    now: Instant,
    due: &'a DueBy<'a>,
) -> Result<Play<'a>, FlowRefusal> {
    if (&run.definition, run.version) != (&definition.code, definition.version) {
        return Err(FlowRefusal::WrongVersion {
            code: run.definition.clone(),
            version: run.version,
        });
    }
    if run.history.last().is_some_and(|last| last.at > now) {
        return Err(FlowRefusal::ClockWentBack);
    }
    Ok(Play {
        run: run.clone(),
        definition,
        directory,
        now,
        due,
        events: Vec::new(),
    })
}

/// Does what `by` wants, if they may. Pure: the run after it, and what others must do or know.
///
/// # Errors
///
/// Why it does not count; nothing has changed then.
pub fn act(
    run: &FlowRun,
    definition: &FlowDefinition,
    directory: &Directory,
    act: Act,
    by: AccountId,
    now: Instant,
    due: &DueBy<'_>,
) -> Result<(FlowRun, Vec<FlowEvent>), FlowRefusal> {
    let mut play = resume(run, definition, directory, now, due)?;
    if !directory.is_active(by) {
        return Err(FlowRefusal::Inactive);
    }
    // Rights may have changed since the last act; whoever acts now must have them now.
    play.settle();
    // What was approved can be taken back; whether it is too late for that, whoever carries it out knows.
    let is_taken_back = play.run.state == FlowState::Approved && matches!(act, Act::Withdraw { .. });
    if play.run.state.is_end() && !is_taken_back {
        return Err(FlowRefusal::Ended(play.run.state));
    }
    match act {
        Act::Claim { task } => play.claim(by, task)?,
        Act::Agree { task, opinion } => play.agree(by, task, opinion)?,
        Act::Disagree { task, reason, advice } => play.disagree(by, task, reason, advice)?,
        Act::Return { task, to, reason } => play.send_back(by, task, &to, reason)?,
        Act::AddSigner {
            task,
            signer,
            position,
            opinion,
        } => play.add_signer(by, task, (signer, position), opinion)?,
        Act::Transfer { task, to, opinion } => play.transfer(by, task, to, opinion)?,
        Act::Urge { task } => play.urge(by, task)?,
        Act::Withdraw { opinion } => play.withdraw(by, opinion)?,
        Act::Resubmit { facts, due, opinion } => play.resubmit(by, (&facts, due), opinion)?,
    }
    play.settle();
    Ok((play.run, play.events))
}

/// Whether `by` may decide a task now: it is theirs, or that of somebody who is away and for whom they act. Changes
/// nothing.
///
/// # Errors
///
/// Why they may not.
pub fn may_decide(
    run: &FlowRun,
    definition: &FlowDefinition,
    directory: &Directory,
    (task, by): (u32, AccountId),
    now: Instant,
    due: &DueBy<'_>,
) -> Result<(), FlowRefusal> {
    let mut play = resume(run, definition, directory, now, due)?;
    if !directory.is_active(by) {
        return Err(FlowRefusal::Inactive);
    }
    play.settle();
    play.check_turn(by, task)
}

/// Whom `by` may hand a task of theirs on to, or ask to sign it too: by task, in the order of accounts. Changes nothing.
///
/// # Errors
///
/// Another version than the run's, or a clock that went back.
pub fn choices(
    run: &FlowRun,
    definition: &FlowDefinition,
    directory: &Directory,
    by: AccountId,
    now: Instant,
    due: &DueBy<'_>,
) -> Result<Vec<Choice>, FlowRefusal> {
    let mut play = resume(run, definition, directory, now, due)?;
    if !directory.is_active(by) {
        return Ok(Vec::new());
    }
    play.settle();
    Ok(play.choices(by))
}

/// What the passing of time does: tasks whose holders lost the right go to others, ends of terms are announced, what
/// is overdue goes to those above, and whoever must know is told that the whole approval takes too long. Doing it twice
/// at the same moment changes nothing the second time.
///
/// # Errors
///
/// Another version than the run's, or a clock that went back.
pub fn tick(
    run: &FlowRun,
    definition: &FlowDefinition,
    directory: &Directory,
    now: Instant,
    due: &DueBy<'_>,
) -> Result<(FlowRun, Vec<FlowEvent>), FlowRefusal> {
    let mut play = resume(run, definition, directory, now, due)?;
    if !play.run.state.is_end() {
        play.settle();
        play.remind();
        play.escalate();
        play.warn_of_whole();
        play.settle();
    }
    Ok((play.run, play.events))
}

impl Play<'_> {
    /// Whether the end of a term is so near that it is reminded of: what is left is at most the span of the reminder when
    /// that span, begun now, would reach the end.
    pub(super) fn is_near(&self, due: Instant, before: Option<Term>) -> bool {
        self.now < due && before.is_some_and(|before| (self.due)(self.now, &before) >= due)
    }

    fn remind(&mut self) {
        let near = |t: &FlowTask| {
            let before = self.definition.node(&t.node).and_then(|n| n.remind_before);
            t.due.is_some_and(|due| self.is_near(due, before))
        };
        let open = self.run.live().filter(|t| t.state == TaskState::Open && !t.reminded);
        let found: Vec<_> = open.filter(|t| near(t)).map(|t| (t.id, t.accounts())).collect();
        for (id, accounts) in found {
            if let Ok(task) = self.task_mut(id) {
                task.reminded = true;
            }
            self.note(None, Deed::Remind, Some(id));
            self.tell(accounts, Notice::Reminder, Some(id));
        }
    }

    fn escalate(&mut self) {
        let late =
            |t: &&FlowTask| t.state != TaskState::Waiting && !t.escalated && t.due.is_some_and(|d| d <= self.now);
        let found: Vec<_> = self.run.live().filter(late).cloned().collect();
        for task in found {
            let Some(node) = self.definition.node(&task.node) else {
                continue;
            };
            let mut told = task.accounts();
            for above in self.filling(&node.escalate_to) {
                let fit = self.unfit(node, task.visit, Some(task.id), above.account).is_none();
                if fit && !told.contains(&above.account) {
                    told.push(above.account);
                }
            }
            let taken_over = matches!(node.mode, Mode::Single | Mode::Sequence) && task.added_by.is_none();
            if let Ok(task) = self.task_mut(task.id) {
                task.escalated = true;
                if taken_over {
                    task.fixed = false;
                    task.claimed_by = None;
                }
            }
            self.note(None, Deed::Escalate, Some(task.id));
            self.tell(told, Notice::Overdue, Some(task.id));
        }
    }

    fn urge(&mut self, by: AccountId, id: u32) -> Result<(), FlowRefusal> {
        if !self.is_applicant(by) {
            return Err(FlowRefusal::OnlyApplicant("催办"));
        }
        let today = self.now.day();
        let task = self.task_mut(id)?;
        match task.state {
            TaskState::Waiting => return Err(FlowRefusal::TaskWaits),
            state if !state.is_live() => return Err(FlowRefusal::TaskOver(state)),
            _ if task.urged_on == Some(today) => return Err(FlowRefusal::UrgedToday),
            _ => {}
        }
        task.urged = task.urged.saturating_add(1);
        task.urged_on = Some(today);
        let (accounts, node) = (task.accounts(), task.node.clone());
        if accounts.is_empty() {
            self.events.push(FlowEvent::TaskStuck { task: id, node });
        }
        self.note(Some(by), Deed::Urge, Some(id));
        self.tell(accounts, Notice::Urged, Some(id));
        Ok(())
    }

    fn withdraw(&mut self, by: AccountId, opinion: String) -> Result<(), FlowRefusal> {
        if !self.is_applicant(by) {
            return Err(FlowRefusal::OnlyApplicant("撤回申请"));
        }
        let told: Vec<_> = self.run.live().flat_map(FlowTask::accounts).collect();
        let record = FlowRecord {
            opinion,
            ..self.record(Some(by), Deed::Withdraw, None)
        };
        self.run.history.push(record);
        self.end(FlowState::Withdrawn);
        self.tell(told, Notice::Ended, None);
        Ok(())
    }

    fn resubmit(
        &mut self,
        by: AccountId,
        (facts, due): (&BTreeMap<Fact, bool>, Option<Instant>),
        opinion: String,
    ) -> Result<(), FlowRefusal> {
        if !self.is_applicant(by) {
            return Err(FlowRefusal::OnlyApplicant("重新提交"));
        }
        if self.run.state != FlowState::Returned {
            return Err(FlowRefusal::NotReturned(self.run.state));
        }
        self.run.facts = frozen(self.definition, facts)?;
        let task = self.run.live().map(|t| t.id).next();
        let record = FlowRecord {
            opinion,
            ..self.record(Some(by), Deed::Resubmit, task)
        };
        self.run.history.push(record);
        task.into_iter().for_each(|id| self.close(id, TaskState::Agreed));
        if !self.run.applicants.contains(&by) {
            self.run.applicants.push(by);
        }
        self.run.state = FlowState::Open;
        self.begin_whole(due);
        self.enter(0);
        Ok(())
    }
}
