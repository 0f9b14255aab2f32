//! What the holder of a task does with it.

use super::act::{Choice, ReturnTo};
use super::definition::{APPLICANT, FlowNode};
use super::play::{Play, Seat};
use super::refusal::FlowRefusal;
use super::run::{Assignee, Deed, FlowEvent, FlowRecord, FlowTask, Notice, Right, SignPosition, TaskState};
use kernel::AccountId;

/// Somebody at a task that is theirs.
struct Turn<'a> {
    task: FlowTask,
    node: &'a FlowNode,
    by: AccountId,
    /// Whose task it is: their own, or that of somebody who is away.
    holder: AccountId,
}

fn required(text: &str, what: &'static str) -> Result<(), FlowRefusal> {
    if text.trim().is_empty() {
        return Err(FlowRefusal::ReasonMissing(what));
    }
    Ok(())
}

impl<'a> Play<'a> {
    /// The turn of `by` at a task, if it is theirs and nobody else's.
    fn turn(&self, by: AccountId, id: u32) -> Result<Turn<'a>, FlowRefusal> {
        let task = self.run.task(id).cloned().ok_or(FlowRefusal::NoSuchTask(id))?;
        if !task.state.is_live() {
            return Err(FlowRefusal::TaskOver(task.state));
        }
        if task.node.as_str() == APPLICANT {
            return Err(FlowRefusal::ResubmitInstead);
        }
        let definition = self.definition;
        let node = definition.node(&task.node).ok_or(FlowRefusal::NoSuchTask(id))?;
        if self.run.applicants.contains(&by) {
            return Err(FlowRefusal::OwnApplication);
        }
        let holder = self.holder(by, &task, node)?;
        if task.state == TaskState::Waiting {
            return Err(FlowRefusal::TaskWaits);
        }
        match task.claimed_by {
            Some(claimer) if claimer != holder => Err(FlowRefusal::Claimed(claimer)),
            _ => Ok(Turn { task, node, by, holder }),
        }
    }

    /// Why a task is not `by`'s to decide.
    pub(super) fn check_turn(&self, by: AccountId, id: u32) -> Result<(), FlowRefusal> {
        self.turn(by, id).map(|_| ())
    }

    /// For whom `by` acts on a task: for themselves, or for somebody who is away.
    fn holder(&self, by: AccountId, task: &FlowTask, node: &FlowNode) -> Result<AccountId, FlowRefusal> {
        let mut accounts = task.accounts();
        if accounts.contains(&by) {
            return Ok(by);
        }
        accounts.sort_by_key(|a| task.claimed_by != Some(*a));
        let away = accounts.into_iter().find(|a| self.directory.acts_for(by, *a, self.now));
        let unfit = self.unfit(node, task.visit, Some(task.id), by);
        let has_role = || {
            let holders = node.slot(task.slot).iter().chain(&node.fallback);
            self.filling(holders).iter().any(|a| a.account == by)
        };
        match (away, unfit) {
            (Some(holder), None) => Ok(holder),
            (Some(_), Some(refusal)) => Err(refusal),
            (None, Some(refusal)) if has_role() => Err(refusal),
            (None, _) => Err(FlowRefusal::NotYours(node.name.clone())),
        }
    }

    fn write(&mut self, turn: &Turn<'_>, deed: Deed, opinion: String, advice: String, to: Option<String>) {
        let record = FlowRecord {
            on_behalf_of: (turn.by != turn.holder).then_some(turn.holder),
            visit: turn.task.visit,
            opinion,
            advice,
            to,
            ..self.record(Some(turn.by), deed, Some(turn.task.id))
        };
        self.run.history.push(record);
    }

    pub(super) fn claim(&mut self, by: AccountId, id: u32) -> Result<(), FlowRefusal> {
        let turn = self.turn(by, id)?;
        if turn.task.fixed {
            return Err(FlowRefusal::NothingToClaim);
        }
        if turn.task.claimed_by.is_none() {
            self.task_mut(id)?.claimed_by = Some(turn.holder);
            self.write(&turn, Deed::Claim, String::new(), String::new(), None);
        }
        Ok(())
    }

    pub(super) fn agree(&mut self, by: AccountId, id: u32, opinion: String) -> Result<(), FlowRefusal> {
        let turn = self.turn(by, id)?;
        self.write(&turn, Deed::Agree, opinion, String::new(), None);
        self.close(id, TaskState::Agreed);
        Ok(())
    }

    pub(super) fn disagree(
        &mut self,
        by: AccountId,
        id: u32,
        reason: String,
        advice: String,
    ) -> Result<(), FlowRefusal> {
        let turn = self.turn(by, id)?;
        required(&reason, "不同意")?;
        if advice.trim().is_empty() {
            return Err(FlowRefusal::AdviceMissing);
        }
        self.write(&turn, Deed::Disagree, reason, advice, None);
        self.close(id, TaskState::Disagreed);
        Ok(())
    }

    pub(super) fn send_back(
        &mut self,
        by: AccountId,
        id: u32,
        to: &ReturnTo,
        reason: String,
    ) -> Result<(), FlowRefusal> {
        let turn = self.turn(by, id)?;
        if turn.task.added_by.is_some() {
            return Err(FlowRefusal::AddedOnlySigns);
        }
        required(&reason, "退回")?;
        let target = match to {
            ReturnTo::Applicant => APPLICANT.into(),
            ReturnTo::Node(code) => code.clone(),
        };
        let stage = self.definition.stage_of(&target);
        let lies_before = *to == ReturnTo::Applicant || stage.is_some_and(|s| s < self.run.stage);
        if !turn.node.may_return_to.contains(&target) || !lies_before {
            return Err(FlowRefusal::MayNotReturn {
                node: turn.node.name.clone(),
                to: self.name_of(&target),
                allowed: self.names_of(&turn.node.may_return_to),
            });
        }
        let taking_part = self
            .definition
            .node(&target)
            .is_none_or(|n| n.when.holds(&self.run.facts));
        if !taking_part {
            return Err(FlowRefusal::TargetSkipped(self.name_of(&target)));
        }
        self.write(&turn, Deed::Return, reason, String::new(), Some(target.to_string()));
        self.close(id, TaskState::Returned);
        match stage {
            Some(stage) if *to != ReturnTo::Applicant => {
                self.drop_all();
                self.enter(stage);
            }
            _ => self.back_to_applicant(),
        }
        Ok(())
    }

    fn name_of(&self, code: &super::FlowNodeCode) -> String {
        if code.as_str() == APPLICANT {
            return "申请人".to_owned();
        }
        let node = self.definition.node(code);
        node.map_or_else(|| code.to_string(), |n| n.name.clone())
    }

    fn names_of(&self, codes: &[super::FlowNodeCode]) -> String {
        if codes.is_empty() {
            return "无".to_owned();
        }
        codes.iter().map(|c| self.name_of(c)).collect::<Vec<_>>().join("、")
    }

    pub(super) fn add_signer(
        &mut self,
        by: AccountId,
        id: u32,
        (signer, position): (AccountId, SignPosition),
        opinion: String,
    ) -> Result<(), FlowRefusal> {
        let turn = self.turn(by, id)?;
        self.check_signer(&turn, signer)?;
        if !turn.task.fixed {
            self.task_mut(id)?.claimed_by = Some(turn.holder);
        }
        self.write(&turn, Deed::AddSigner, opinion, String::new(), Some(signer.to_string()));
        let seat = Seat {
            slot: turn.task.slot,
            fixed: Some(Assignee {
                account: signer,
                right: Right::Added,
            }),
            added_by: Some(id),
            waits_for: if position == SignPosition::After {
                vec![id]
            } else {
                Vec::new()
            },
        };
        let added = self.open(turn.node, seat);
        if position == SignPosition::Before {
            let task = self.task_mut(id)?;
            task.waits_for.push(added);
            task.state = TaskState::Waiting;
        }
        Ok(())
    }

    pub(super) fn transfer(
        &mut self,
        by: AccountId,
        id: u32,
        to: AccountId,
        opinion: String,
    ) -> Result<(), FlowRefusal> {
        let turn = self.turn(by, id)?;
        let seat = self.seat_of(&turn, to)?;
        self.write(&turn, Deed::Transfer, opinion, String::new(), Some(to.to_string()));
        let task = self.task_mut(id)?;
        task.fixed = true;
        task.claimed_by = None;
        task.assignees = vec![seat];
        self.events.push(FlowEvent::TaskOpened {
            task: id,
            accounts: vec![to],
        });
        self.tell(vec![to], Notice::ToDecide, Some(id));
        Ok(())
    }

    /// Whom the holders of tasks may choose: everybody that `by` may hand one of theirs on to, or ask to sign it too.
    pub(super) fn choices(&self, by: AccountId) -> Vec<Choice> {
        let turns: Vec<Turn<'_>> = self.run.live().filter_map(|t| self.turn(by, t.id).ok()).collect();
        let all = self.directory.accounts();
        let choices = turns.iter().flat_map(|turn| {
            all.iter().map(|account| Choice {
                task: turn.task.id,
                account: *account,
                transfer: self.seat_of(turn, *account).is_ok(),
                add_signer: self.check_signer(turn, *account).is_ok(),
            })
        });
        choices.filter(|choice| choice.transfer || choice.add_signer).collect()
    }

    /// Why somebody may not be asked to sign too.
    fn check_signer(&self, turn: &Turn<'_>, signer: AccountId) -> Result<(), FlowRefusal> {
        if turn.task.added_by.is_some() {
            return Err(FlowRefusal::AddedOnlySigns);
        }
        if !turn.node.may_add_sign {
            return Err(FlowRefusal::MayNotAddSigner(turn.node.name.clone()));
        }
        self.check_target(turn, None, signer)
    }

    /// The seat of somebody a task is handed on to. Errors: why it may not be theirs.
    fn seat_of(&self, turn: &Turn<'_>, to: AccountId) -> Result<Assignee, FlowRefusal> {
        if turn.task.added_by.is_some() {
            return Err(FlowRefusal::AddedOnlySigns);
        }
        let node = turn.node;
        if !node.may_transfer {
            return Err(FlowRefusal::MayNotTransfer(node.name.clone()));
        }
        self.check_target(turn, Some(turn.task.id), to)?;
        let holders = node
            .slot(turn.task.slot)
            .iter()
            .chain(&node.fallback)
            .chain(&node.escalate_to);
        let seat = self.filling(holders).into_iter().find(|a| a.account == to);
        seat.ok_or_else(|| FlowRefusal::UnfitTarget(format!("没有环节「{}」的办理角色", node.name)))
    }

    fn check_target(&self, turn: &Turn<'_>, task: Option<u32>, target: AccountId) -> Result<(), FlowRefusal> {
        if target == turn.by || target == turn.holder {
            return Err(FlowRefusal::UnfitTarget("不能选择自己".to_owned()));
        }
        let why = match self.unfit(turn.node, turn.task.visit, task, target) {
            None => return Ok(()),
            Some(FlowRefusal::OwnApplication) => "是该申请的申请人".to_owned(),
            Some(FlowRefusal::SignsTwice) => "在本环节已签署或另有签署任务".to_owned(),
            Some(FlowRefusal::DutiesClash { other, .. }) => format!("已办理环节「{other}」，职责须分离"),
            Some(_) => "账号已停用或没有任何角色".to_owned(),
        };
        Err(FlowRefusal::UnfitTarget(why))
    }
}
