//! The term of a whole approval: from handing in until the approvers are done. It warns, and decides nothing.

use super::definition::WholeTerm;
use super::play::Play;
use super::run::{Deed, FlowRecord, FlowTask, Notice, TaskState, WholeApproval};
use kernel::{AccountId, Instant};

impl Play<'_> {
    /// Begins the term anew: what the applicant took to mend is not the approvers' time.
    pub(super) fn begin_whole(&mut self, due: Option<Instant>) {
        let due = due.filter(|_| self.definition.whole.is_some());
        self.run.whole = due.map(|due| WholeApproval {
            due,
            stopped: None,
            reminded: false,
            escalated: false,
        });
    }

    /// The approvers have it no more.
    pub(super) fn stop_whole(&mut self) {
        let now = self.now;
        if let Some(whole) = self.run.whole.as_mut().filter(|whole| whole.stopped.is_none()) {
            whole.stopped = Some(now);
        }
    }

    /// Reminds those who have a task once before the end of the term; once it went by, tells them and those above.
    pub(super) fn warn_of_whole(&mut self) {
        let definition = self.definition;
        let (Some(term), Some(whole)) = (&definition.whole, self.run.whole) else {
            return;
        };
        if whole.stopped.is_some() {
            return;
        }
        let mut told: Vec<AccountId> = Vec::new();
        let open = self.run.live().filter(|task| task.state == TaskState::Open);
        for account in open.flat_map(FlowTask::accounts) {
            if !told.contains(&account) {
                told.push(account);
            }
        }
        if whole.is_over(self.now) {
            if whole.escalated {
                return;
            }
            for above in self.filling(&term.tell) {
                if !told.contains(&above.account) {
                    told.push(above.account);
                }
            }
            self.run.whole = Some(WholeApproval {
                escalated: true,
                ..whole
            });
            self.warn((term, Deed::Escalate), (told, Notice::Overdue));
        } else if !whole.reminded && !told.is_empty() && self.is_near(whole.due, term.remind_before) {
            self.run.whole = Some(WholeApproval {
                reminded: true,
                ..whole
            });
            self.warn((term, Deed::Remind), (told, Notice::Reminder));
        }
    }

    /// Writes down that a term warned, and tells whom.
    fn warn(&mut self, (term, deed): (&WholeTerm, Deed), (told, notice): (Vec<AccountId>, Notice)) {
        let record = FlowRecord {
            opinion: term.deadline.zh().to_owned(),
            ..self.record(None, deed, None)
        };
        self.run.history.push(record);
        self.tell(told, notice, None);
    }
}
