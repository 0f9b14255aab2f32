//! The moves of a run: stages are entered and left, tasks opened and closed, until an end.

use super::DueBy;
use super::definition::{APPLICANT, Fact, FlowDefinition, FlowNode, Mode};
use super::directory::Directory;
use super::refusal::FlowRefusal;
use super::run::{Assignee, Deed, FlowEvent, FlowRecord, FlowRun, FlowState, FlowTask, Notice, TaskState};
use kernel::{AccountId, Instant};
use std::collections::BTreeMap;

/// A run while something is done with it.
pub(super) struct Play<'a> {
    pub(super) run: FlowRun,
    pub(super) definition: &'a FlowDefinition,
    pub(super) directory: &'a Directory,
    pub(super) now: Instant,
    pub(super) due: &'a DueBy<'a>,
    pub(super) events: Vec<FlowEvent>,
}

/// What a node is waiting for.
enum Outcome {
    Going,
    NextSlot(u32),
    Done,
    Refused,
}

/// A task to be made.
pub(super) struct Seat {
    pub(super) slot: u32,
    /// One account; none for whoever has the role.
    pub(super) fixed: Option<Assignee>,
    pub(super) added_by: Option<u32>,
    pub(super) waits_for: Vec<u32>,
}

impl Seat {
    const fn of_role(slot: u32) -> Self {
        Self {
            slot,
            fixed: None,
            added_by: None,
            waits_for: Vec::new(),
        }
    }
}

/// The facts a flow asks for, of those that are given; refused if one is missing, or if nobody would decide.
pub(super) fn frozen(
    definition: &FlowDefinition,
    given: &BTreeMap<Fact, bool>,
) -> Result<BTreeMap<Fact, bool>, FlowRefusal> {
    let asked = definition.facts.iter();
    let missing: Vec<_> = asked.filter(|(fact, _)| !given.contains_key(*fact)).collect();
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|(fact, what)| format!("{what}（{fact}）")).collect();
        return Err(FlowRefusal::FactsMissing(names.join("、")));
    }
    if !definition.nodes.iter().any(|n| n.when.holds(given)) {
        return Err(FlowRefusal::NobodyDecides(definition.name.clone()));
    }
    let kept = given.iter().filter(|(fact, _)| definition.facts.contains_key(*fact));
    Ok(kept.map(|(fact, is)| (fact.clone(), *is)).collect())
}

impl Play<'_> {
    /// A line of the history, about a task if one is named.
    pub(super) fn record(&self, actor: Option<AccountId>, deed: Deed, task: Option<u32>) -> FlowRecord {
        FlowRecord {
            at: self.now,
            actor,
            on_behalf_of: None,
            deed,
            node: task.and_then(|id| self.run.task(id)).map(|t| t.node.clone()),
            visit: self.run.visit,
            task,
            opinion: String::new(),
            advice: String::new(),
            to: None,
        }
    }

    pub(super) fn note(&mut self, actor: Option<AccountId>, deed: Deed, task: Option<u32>) {
        let record = self.record(actor, deed, task);
        self.run.history.push(record);
    }

    fn note_node(&mut self, deed: Deed, node: &FlowNode) {
        let record = FlowRecord {
            node: Some(node.code.clone()),
            ..self.record(None, deed, None)
        };
        self.run.history.push(record);
    }

    pub(super) fn tell(&mut self, accounts: Vec<AccountId>, notice: Notice, task: Option<u32>) {
        if !accounts.is_empty() {
            self.events.push(FlowEvent::Notify { accounts, notice, task });
        }
    }

    pub(super) fn task_mut(&mut self, id: u32) -> Result<&mut FlowTask, FlowRefusal> {
        let task = self.run.tasks.iter_mut().find(|t| t.id == id);
        task.ok_or(FlowRefusal::NoSuchTask(id))
    }

    /// Makes a task and tells its holders.
    pub(super) fn open(&mut self, node: &FlowNode, seat: Seat) -> u32 {
        let id = u32::try_from(self.run.tasks.len()).map_or(u32::MAX, |n| n.saturating_add(1));
        let waits = !seat.waits_for.is_empty();
        let due = node.term.filter(|_| !waits);
        let mut task = FlowTask {
            id,
            node: node.code.clone(),
            visit: self.run.visit,
            slot: seat.slot,
            fixed: seat.fixed.is_some(),
            assignees: seat.fixed.into_iter().collect(),
            claimed_by: None,
            added_by: seat.added_by,
            waits_for: seat.waits_for,
            opened: self.now,
            due: due.map(|term| (self.due)(self.now, &term)),
            state: if waits { TaskState::Waiting } else { TaskState::Open },
            urged: 0,
            urged_on: None,
            reminded: false,
            escalated: false,
        };
        if !task.fixed {
            task.assignees = self.pool(node, &task);
        }
        let accounts = task.accounts();
        self.run.tasks.push(task);
        // Without anybody it stays open and empty here; reconciling finds it and shows it as stuck.
        if !waits && !accounts.is_empty() {
            self.announce(id, accounts);
        }
        id
    }

    fn announce(&mut self, task: u32, accounts: Vec<AccountId>) {
        let told = accounts.clone();
        self.events.push(FlowEvent::TaskOpened { task, accounts });
        self.tell(told, Notice::ToDecide, Some(task));
    }

    /// Ends a task, if it has not ended.
    pub(super) fn close(&mut self, id: u32, state: TaskState) {
        let task = self.run.tasks.iter_mut().find(|t| t.id == id && t.state.is_live());
        if let Some(task) = task {
            task.state = state;
            self.events.push(FlowEvent::TaskClosed { task: id, state });
        }
    }

    pub(super) fn drop_all(&mut self) {
        let ids: Vec<u32> = self.run.live().map(|t| t.id).collect();
        ids.into_iter().for_each(|id| self.close(id, TaskState::Dropped));
    }

    /// Enters the first stage from `from` on in which somebody takes part; the end if there is none.
    pub(super) fn enter(&mut self, from: usize) {
        let definition = self.definition;
        for (place, stage) in definition.stages().into_iter().enumerate().skip(from) {
            let (taking, skipped): (Vec<_>, Vec<_>) = stage.into_iter().partition(|n| n.when.holds(&self.run.facts));
            skipped.into_iter().for_each(|node| self.note_node(Deed::Skip, node));
            if taking.is_empty() {
                continue;
            }
            self.run.stage = place;
            self.run.visit = self.run.visit.saturating_add(1);
            self.run.current = taking.iter().map(|n| n.code.clone()).collect();
            for node in taking {
                self.note_node(Deed::Enter, node);
                self.seat(node);
            }
            return;
        }
        self.end(FlowState::Approved);
    }

    /// Makes the tasks of a node that was entered.
    fn seat(&mut self, node: &FlowNode) {
        let wanted = match node.mode {
            Mode::Single | Mode::Sequence => {
                self.open(node, Seat::of_role(0));
                return;
            }
            Mode::All => 1,
            Mode::Quorum(n) => n.max(1),
        };
        let mut holders = self.filling(&node.who);
        holders.retain(|a| self.unfit(node, self.run.visit, None, a.account).is_none());
        let missing = wanted.saturating_sub(u32::try_from(holders.len()).unwrap_or(u32::MAX));
        for holder in holders {
            let seat = Seat {
                fixed: Some(holder),
                ..Seat::of_role(0)
            };
            self.open(node, seat);
        }
        // A seat that no holder takes goes to the fallback or is seen as stuck: fewer signatures are never enough.
        for _ in 0..missing {
            self.open(node, Seat::of_role(0));
        }
    }

    /// Goes on as far as nobody is needed.
    pub(super) fn settle(&mut self) {
        loop {
            let mut changed = self.reconcile();
            changed |= self.wake();
            if self.run.state == FlowState::Open {
                changed |= self.advance();
            }
            if !changed {
                return;
            }
        }
    }

    /// Opens tasks whose turn has come.
    fn wake(&mut self) -> bool {
        let over = |id: &u32| self.run.task(*id).is_none_or(|t| !t.state.is_live());
        let ready = |t: &&FlowTask| t.state == TaskState::Waiting && t.waits_for.iter().all(over);
        let ids: Vec<u32> = self.run.tasks.iter().filter(ready).map(|t| t.id).collect();
        for &id in &ids {
            let term = self
                .run
                .task(id)
                .and_then(|t| self.definition.node(&t.node))
                .and_then(|n| n.term);
            let (now, due) = (self.now, term.map(|term| (self.due)(self.now, &term)));
            let Ok(task) = self.task_mut(id) else { continue };
            task.state = TaskState::Open;
            // The term of whoever asked another to sign first goes on meanwhile.
            if task.added_by.is_some() {
                task.opened = now;
                task.due = due;
            }
            let accounts = task.accounts();
            self.announce(id, accounts);
        }
        !ids.is_empty()
    }

    fn advance(&mut self) -> bool {
        let current: Vec<&FlowNode> = self
            .run
            .current
            .iter()
            .filter_map(|c| self.definition.node(c))
            .collect();
        let mut changed = false;
        for node in current {
            match self.outcome(node) {
                Outcome::Going => {}
                Outcome::NextSlot(slot) => {
                    self.open(node, Seat::of_role(slot));
                    changed = true;
                }
                Outcome::Done => {
                    let left = self.run.live().filter(|t| t.node == node.code);
                    let left: Vec<u32> = left.map(|t| t.id).collect();
                    left.into_iter().for_each(|id| self.close(id, TaskState::Dropped));
                    self.run.current.retain(|c| *c != node.code);
                    self.note_node(Deed::Leave, node);
                    changed = true;
                }
                Outcome::Refused => {
                    self.end(FlowState::Refused);
                    return true;
                }
            }
        }
        if self.run.current.is_empty() {
            self.enter(self.run.stage.saturating_add(1));
            changed = true;
        }
        changed
    }

    fn outcome(&self, node: &FlowNode) -> Outcome {
        let here = |t: &&FlowTask| t.visit == self.run.visit && t.node == node.code;
        let (added, own): (Vec<_>, Vec<_>) = self.run.tasks.iter().filter(here).partition(|t| t.added_by.is_some());
        let count = |state| own.iter().filter(|t| t.state == state).count();
        let (agreed, against) = (count(TaskState::Agreed), count(TaskState::Disagreed));
        if added.iter().any(|t| t.state == TaskState::Disagreed) {
            return Outcome::Refused;
        }
        let enough = match node.mode {
            Mode::Quorum(n) => {
                let wanted = usize::try_from(n.max(1)).unwrap_or(usize::MAX);
                if own.len().saturating_sub(against) < wanted {
                    return Outcome::Refused;
                }
                agreed >= wanted
            }
            Mode::Single | Mode::All | Mode::Sequence if against > 0 => return Outcome::Refused,
            Mode::Single | Mode::All | Mode::Sequence => agreed == own.len(),
        };
        if !enough || added.iter().any(|t| t.state.is_live()) {
            return Outcome::Going;
        }
        match node.mode {
            Mode::Sequence if agreed < node.who.len() => Outcome::NextSlot(u32::try_from(agreed).unwrap_or(u32::MAX)),
            Mode::Single | Mode::All | Mode::Quorum(_) | Mode::Sequence => Outcome::Done,
        }
    }

    /// Gives the application back to the applicant.
    pub(super) fn back_to_applicant(&mut self) {
        self.drop_all();
        self.stop_whole();
        self.run.state = FlowState::Returned;
        self.run.current = vec![APPLICANT.into()];
        let id = u32::try_from(self.run.tasks.len()).map_or(u32::MAX, |n| n.saturating_add(1));
        self.run.tasks.push(FlowTask {
            id,
            node: APPLICANT.into(),
            visit: self.run.visit,
            slot: 0,
            fixed: false,
            assignees: self.applicants(),
            claimed_by: None,
            added_by: None,
            waits_for: Vec::new(),
            opened: self.now,
            due: None,
            state: TaskState::Open,
            urged: 0,
            urged_on: None,
            reminded: false,
            escalated: false,
        });
        let accounts = self.run.task(id).map(FlowTask::accounts).unwrap_or_default();
        if !accounts.is_empty() {
            let told = accounts.clone();
            self.events.push(FlowEvent::TaskOpened { task: id, accounts });
            self.tell(told, Notice::Returned, Some(id));
        }
    }

    /// Ends the run.
    pub(super) fn end(&mut self, state: FlowState) {
        self.drop_all();
        self.stop_whole();
        self.run.state = state;
        self.run.current.clear();
        let record = FlowRecord {
            opinion: state.zh().to_owned(),
            ..self.record(None, Deed::End, None)
        };
        self.run.history.push(record);
        self.events.push(FlowEvent::Ended { state });
        self.tell(self.run.applicants.clone(), Notice::Ended, None);
    }
}
