//! Who may have a task, and what becomes of it when they no longer may.

use super::definition::{APPLICANT, FlowNode, Holder, Mode};
use super::play::Play;
use super::refusal::FlowRefusal;
use super::run::{Assignee, Deed, FlowEvent, FlowTask, Notice, Right, TaskState};
use kernel::AccountId;

impl Play<'_> {
    /// Why an account may not decide a node, whatever roles it has; none if it may. `task` is the one in question.
    pub(super) fn unfit(
        &self,
        node: &FlowNode,
        visit: u32,
        task: Option<u32>,
        account: AccountId,
    ) -> Option<FlowRefusal> {
        if !self.directory.is_active(account) {
            return Some(FlowRefusal::Inactive);
        }
        if self.run.applicants.contains(&account) {
            return Some(FlowRefusal::OwnApplication);
        }
        let distinct = self.definition.distinct(node);
        let clash = self.decisions_of(account).find(|n| distinct.contains(n));
        if let Some(other) = clash {
            return Some(FlowRefusal::DutiesClash {
                node: node.name.clone(),
                other: self
                    .definition
                    .node(other)
                    .map_or_else(|| other.to_string(), |n| n.name.clone()),
            });
        }
        let here = |t: &&FlowTask| t.visit == visit && t.node == node.code && Some(t.id) != task;
        let signed = |t: &FlowTask| {
            self.run.history.iter().any(|r| {
                let decided = matches!(r.deed, Deed::Agree | Deed::Disagree) && r.task == Some(t.id);
                decided && (r.actor == Some(account) || r.on_behalf_of == Some(account))
            })
        };
        let seated = |t: &FlowTask| t.state.is_live() && t.fixed && t.accounts().contains(&account);
        let twice = self.run.tasks.iter().filter(here).any(|t| signed(t) || seated(t));
        twice.then_some(FlowRefusal::SignsTwice)
    }

    /// The nodes an account has decided, itself or through somebody else.
    fn decisions_of(&self, account: AccountId) -> impl Iterator<Item = &super::FlowNodeCode> {
        let by = move |r: &&super::FlowRecord| {
            matches!(r.deed, Deed::Agree | Deed::Disagree)
                && (r.actor == Some(account) || r.on_behalf_of == Some(account))
        };
        self.run.history.iter().filter(by).filter_map(|r| r.node.as_ref())
    }

    /// Whether an account may do what the applicant may: the applicant, somebody who acts for them, or, when none of
    /// them is active any more, a colleague with the applicant's role. Nobody who decided anything.
    pub(super) fn is_applicant(&self, account: AccountId) -> bool {
        if self.run.applicants.contains(&account) {
            return true;
        }
        if self.decisions_of(account).next().is_some() {
            return false;
        }
        let stands_in = |a: &AccountId| self.directory.acts_for(account, *a, self.now);
        let orphaned = !self.run.applicants.iter().any(|a| self.directory.is_active(*a));
        let colleague = || {
            self.filling([&self.definition.applicant])
                .iter()
                .any(|a| a.account == account)
        };
        self.run.applicants.iter().any(stands_in) || (orphaned && colleague())
    }

    pub(super) fn applicants(&self) -> Vec<Assignee> {
        let active = self.run.applicants.iter().copied();
        let mut found: Vec<_> = active.filter(|a| self.directory.is_active(*a)).collect();
        if found.is_empty() {
            let colleagues = self.filling([&self.definition.applicant]).into_iter();
            found = colleagues
                .map(|a| a.account)
                .filter(|a| self.is_applicant(*a))
                .collect();
        }
        let seat = |account| Assignee {
            account,
            right: Right::Applicant,
        };
        found.into_iter().map(seat).collect()
    }

    /// Everybody who fills one of `holders`, each once; fit or not.
    pub(super) fn filling<'h>(&self, holders: impl IntoIterator<Item = &'h Holder>) -> Vec<Assignee> {
        let mut found: Vec<Assignee> = Vec::new();
        for holder in holders {
            let provider = self.run.provider.as_ref();
            for (account, organisation) in self.directory.filling(holder, &self.run.organisation, provider) {
                if found.iter().all(|a| a.account != account) {
                    let role = holder.role;
                    found.push(Assignee {
                        account,
                        right: Right::Role { role, organisation },
                    });
                }
            }
        }
        found
    }

    /// Whoever may decide a task that belongs to a role: its holders, else the fallback, else those above; those above
    /// beside the holders once the term is over.
    pub(super) fn pool(&self, node: &FlowNode, task: &FlowTask) -> Vec<Assignee> {
        let fit = |holders: Vec<&Holder>| {
            let mut found = self.filling(holders);
            found.retain(|a| self.unfit(node, task.visit, Some(task.id), a.account).is_none());
            found
        };
        let mut found = fit(node.slot(task.slot).iter().collect());
        if found.is_empty() {
            found = fit(node.fallback.iter().collect());
        }
        if found.is_empty() || task.escalated {
            let above = fit(node.escalate_to.iter().collect());
            let new = |a: &Assignee| found.iter().all(|f| f.account != a.account);
            let above: Vec<_> = above.into_iter().filter(new).collect();
            found.extend(above);
        }
        found
    }

    /// Brings every task that can be decided in line with who has which right now. Returns whether anything changed.
    pub(super) fn reconcile(&mut self) -> bool {
        let decidable = |t: &&FlowTask| matches!(t.state, TaskState::Open | TaskState::Stuck);
        let ids: Vec<u32> = self.run.tasks.iter().filter(decidable).map(|t| t.id).collect();
        let mut changed = false;
        for id in ids {
            let Some(before) = self.run.task(id).cloned() else {
                continue;
            };
            match self.seated_now(&before) {
                Some(after) if after != before => {
                    changed = true;
                    self.reseat(&before, after);
                }
                Some(_) => {}
                None => {
                    changed = true;
                    self.close(id, TaskState::Dropped);
                }
            }
        }
        changed
    }

    /// The task as it should stand now; none if it is needed no more.
    fn seated_now(&self, task: &FlowTask) -> Option<FlowTask> {
        let mut after = task.clone();
        if task.node.as_str() == APPLICANT {
            after.assignees = self.applicants();
        } else if let Some(node) = self.definition.node(&task.node) {
            let still_right = |a: &Assignee| match &a.right {
                Right::Role { role, organisation } => self.directory.has(a.account, *role, organisation),
                Right::Added => true,
                Right::Applicant => false,
            };
            let keeps =
                |a: &Assignee| still_right(a) && self.unfit(node, task.visit, Some(task.id), a.account).is_none();
            let kept = !task.assignees.is_empty() && task.assignees.iter().all(keeps);
            if task.fixed && !kept {
                // Whoever added the signer can still decide, and add another: nothing is lost by dropping the request.
                let adder = task.added_by.and_then(|id| self.run.task(id));
                if adder.is_some_and(|t| t.state.is_live()) {
                    return None;
                }
                after.fixed = false;
            }
            if !after.fixed {
                after.assignees = self.pool(node, &after);
            }
        }
        after.claimed_by = task.claimed_by.filter(|c| after.accounts().contains(c));
        after.state = if after.assignees.is_empty() {
            TaskState::Stuck
        } else {
            TaskState::Open
        };
        Some(after)
    }

    fn reseat(&mut self, before: &FlowTask, after: FlowTask) {
        let (id, node, state) = (after.id, after.node.clone(), after.state);
        let (old, new) = (before.accounts(), after.accounts());
        if let Some(task) = self.run.tasks.iter_mut().find(|t| t.id == id) {
            *task = after;
        }
        if state == TaskState::Stuck {
            if before.state != TaskState::Stuck {
                self.note(None, Deed::GetStuck, Some(id));
                self.events.push(FlowEvent::TaskStuck { task: id, node });
            }
        } else if old != new {
            self.note(None, Deed::Reassign, Some(id));
            let told: Vec<_> = new.iter().copied().filter(|a| !old.contains(a)).collect();
            self.events.push(FlowEvent::TaskOpened {
                task: id,
                accounts: new,
            });
            self.tell(told, Notice::ToDecide, Some(id));
        }
    }
}

impl FlowNode {
    /// The entries of `who` a task of this slot is for.
    pub(super) fn slot(&self, slot: u32) -> &[Holder] {
        if self.mode != Mode::Sequence {
            return &self.who;
        }
        let at = usize::try_from(slot).unwrap_or(usize::MAX);
        self.who.get(at).map_or(&[], std::slice::from_ref)
    }
}
