//! What comes next in an order, and what an outcome makes of it.

use super::{Manner, OrderState, Step, StepKind, StepState, WorkOrder};

/// How often a step is tried before it has failed.
const ATTEMPTS_MAX: u32 = 5;

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Carry out the step at this place, or find out whether it was.
    Do(usize),
    /// Undo the step at this place, or find out whether it was.
    Undo(usize),
    /// Nothing; a person has to act.
    Wait,
    /// Nothing more.
    Over,
}

/// How a step, or its undo, went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has its effect; the node's id of what it is about.
    Done(Option<String>),
    /// It could not be found out, or the node does not answer: try again later.
    Again(String),
    /// The node cannot be reached. It does not count as an attempt: an outage is waited for, however long.
    Away(String),
    /// The node refuses; trying again does not help. It has no effect.
    Refused(String),
}

/// The mark that a step leaves on what it makes, so that an attempt after a crash finds and adopts it.
pub fn mark(order: &WorkOrder, place: usize) -> String {
    format!("{}/{}", order.number, place + 1)
}

/// What is to be done next in an order.
pub fn next_move(order: &WorkOrder) -> Move {
    let find = |state: &[StepState]| order.steps.iter().position(|step| state.contains(&step.state));
    let rfind = |state: &[StepState]| order.steps.iter().rposition(|step| state.contains(&step.state));
    match order.state {
        OrderState::Waiting | OrderState::Running if order.manner == Manner::ByHand => Move::Wait,
        OrderState::Waiting | OrderState::Running => {
            find(&[StepState::Begun, StepState::Waiting]).map_or(Move::Over, Move::Do)
        }
        OrderState::Undoing => {
            rfind(&[StepState::Undoing, StepState::Begun, StepState::Done]).map_or(Move::Over, Move::Undo)
        }
        OrderState::NeedsPerson => Move::Wait,
        OrderState::Done | OrderState::Undone => Move::Over,
    }
}

/// The order with a step noted as begun. It is stored before the step has any effect.
#[must_use]
pub fn begin(mut order: WorkOrder, next: Move) -> WorkOrder {
    let (place, state) = match next {
        Move::Do(place) => (place, StepState::Begun),
        Move::Undo(place) => (place, StepState::Undoing),
        Move::Wait | Move::Over => return order,
    };
    if order.state == OrderState::Waiting {
        order.state = OrderState::Running;
    }
    if let Some(step) = order.steps.get_mut(place) {
        step.state = state;
        step.attempts += 1;
    }
    order
}

/// The order after the outcome of a move.
#[must_use]
pub fn after(mut order: WorkOrder, done: Move, outcome: Outcome) -> WorkOrder {
    match done {
        Move::Do(place) => after_step(&mut order, place, outcome),
        Move::Undo(place) => after_undo(&mut order, place, outcome),
        Move::Wait | Move::Over => {}
    }
    settle(&mut order);
    order
}

/// The order after a person has looked at what it stopped at: every attempt is allowed again. It goes on undoing if it
/// was, unless something was done that nothing undoes; then it goes on to its end.
#[must_use]
pub fn looked_at(mut order: WorkOrder) -> WorkOrder {
    let undoing = [StepState::Failed, StepState::Undoing, StepState::Undone];
    let is_undoing = order.steps.iter().any(|step| undoing.contains(&step.state));
    let is_final = has_final(&order);
    for step in &mut order.steps {
        step.attempts = 0;
        if step.state == StepState::Failed && is_final {
            step.state = StepState::Waiting;
        }
    }
    order.state = if is_undoing && !is_final {
        OrderState::Undoing
    } else {
        OrderState::Running
    };
    order.trouble = None;
    order
}

/// The order after its provider refused it: with nothing of it on the node it is undone, and what is left there stays
/// for a person. None if it is not in the provider's hands: it is over, or the platform is carrying it out.
#[must_use]
pub fn refuse(mut order: WorkOrder, why: &str) -> Option<WorkOrder> {
    let by_hand = order.manner == Manner::ByHand && matches!(order.state, OrderState::Waiting | OrderState::Running);
    if !by_hand && order.state != OrderState::NeedsPerson {
        return None;
    }
    let nothing = [StepState::Waiting, StepState::Failed, StepState::Undone];
    let is_there = order.steps.iter().any(|step| !nothing.contains(&step.state));
    order.state = if is_there {
        OrderState::NeedsPerson
    } else {
        OrderState::Undone
    };
    order.trouble = Some(format!("云服务商不能办理：{why}"));
    Some(order)
}

/// Whether something was done that nothing undoes.
fn has_final(order: &WorkOrder) -> bool {
    let mut steps = order.steps.iter();
    steps.any(|step| step.state == StepState::Done && !step.kind.can_be_undone())
}

fn after_step(order: &mut WorkOrder, place: usize, outcome: Outcome) {
    let Some(step) = order.steps.get_mut(place) else { return };
    match outcome {
        Outcome::Done(native_id) => {
            step.state = StepState::Done;
            step.attempts = 0;
            step.native_id = native_id.or_else(|| step.native_id.take());
            let (id, allocation) = (step.native_id.clone(), step.allocation.clone());
            let same = order.steps.iter_mut().filter(|other| other.allocation == allocation);
            same.for_each(|other| other.native_id = other.native_id.take().or_else(|| id.clone()));
        }
        Outcome::Away(why) => wait_for(step, why),
        Outcome::Again(why) if step.attempts < ATTEMPTS_MAX => step.answer = why,
        Outcome::Again(why) => {
            let what = describe(step);
            step.answer.clone_from(&why);
            order.state = OrderState::NeedsPerson;
            order.trouble = Some(format!(
                "{what}多次未得到云节点的明确答复：{why}；请核实是否已生效后继续或回退"
            ));
        }
        Outcome::Refused(why) => {
            let what = describe(step);
            step.state = StepState::Failed;
            step.answer.clone_from(&why);
            order.trouble = Some(format!("{what}被云节点拒绝：{why}"));
            order.state = if has_final(order) {
                OrderState::NeedsPerson
            } else {
                OrderState::Undoing
            };
        }
    }
}

fn after_undo(order: &mut WorkOrder, place: usize, outcome: Outcome) {
    let Some(step) = order.steps.get_mut(place) else { return };
    match outcome {
        Outcome::Done(_) => {
            step.state = StepState::Undone;
            step.attempts = 0;
        }
        Outcome::Away(why) => wait_for(step, why),
        Outcome::Again(why) if step.attempts < ATTEMPTS_MAX => step.answer = why,
        Outcome::Again(why) | Outcome::Refused(why) => {
            let what = describe(step);
            step.answer.clone_from(&why);
            order.state = OrderState::NeedsPerson;
            order.trouble = Some(format!("{what}未能回退：{why}；请到云节点核实并处理"));
        }
    }
}

/// The step stands as it stood before this attempt, but it may have had its effect.
fn wait_for(step: &mut Step, why: String) {
    step.attempts = step.attempts.saturating_sub(1);
    step.answer = why;
}

/// Ends an order that has nothing left to do.
fn settle(order: &mut WorkOrder) {
    let all = |states: &[StepState]| order.steps.iter().all(|step| states.contains(&step.state));
    match order.state {
        OrderState::Running | OrderState::Waiting if all(&[StepState::Done]) => order.state = OrderState::Done,
        OrderState::Undoing if all(&[StepState::Waiting, StepState::Failed, StepState::Undone]) => {
            order.state = OrderState::Undone;
        }
        _ => {}
    }
}

fn describe(step: &Step) -> String {
    match step.kind {
        StepKind::Network => format!("「{}」", step.kind.zh()),
        _ => format!("资源 {} 的「{}」", step.allocation, step.kind.zh()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{OrderKind, PlanError, plan};
    use super::*;
    use crate::catalogue::ServiceForm;
    use crate::registry::{PoolKind, ResourceKind, Spec};
    use crate::request::{Place, RequestKind, RequestLine, RequestStatus, ResourceRequest};
    use kernel::{AccountId, Instant};
    use proptest::prelude::*;

    fn request(kind: RequestKind, kinds: &[ResourceKind]) -> ResourceRequest {
        let line = |(place, resource): (usize, &ResourceKind)| RequestLine {
            line: u32::try_from(place + 1).unwrap(),
            kind: *resource,
            class: String::new(),
            form: ServiceForm::SharedCloud,
            pool: Some(PoolKind::Xinchuang),
            spec: "vcpu=4".parse().unwrap(),
            count: if kind == RequestKind::New { 2 } else { 1 },
            purpose: crate::rules::Purpose::Production,
            until: None,
            allocation: (kind != RequestKind::New).then(|| format!("FP-{place}").parse().unwrap()),
        };
        ResourceRequest {
            number: "SQ-202610-0001".into(),
            kind,
            unit: "D01".parse().unwrap(),
            system: "S001".parse().unwrap(),
            applicant: AccountId::from_parts(1, &[1; 10]),
            reason: String::new(),
            basis: String::new(),
            contact: String::new(),
            lines: kinds.iter().enumerate().map(line).collect(),
            declared: crate::request::Declaration::default(),
            status: RequestStatus::Ordered,
            created: Instant::from_unix_s(0),
            place: Some(Place {
                provider: "P1".parse().unwrap(),
                node: "N1".parse().unwrap(),
                pool: None,
                contract: "C1".parse().unwrap(),
            }),
            version: 1,
        }
    }

    fn order(kind: RequestKind, kinds: &[ResourceKind], has_interface: bool) -> WorkOrder {
        let about = ("GD-1".to_owned(), Instant::from_unix_s(0), None);
        let known = |_: &_| Some((Some("vm-1".to_owned()), "vcpu=2".parse::<Spec>().unwrap()));
        plan(&request(kind, kinds), about, has_interface, true, &known).unwrap()
    }

    fn kinds(order: &WorkOrder) -> Vec<&'static str> {
        order.steps.iter().map(|step| step.kind.word()).collect()
    }

    #[test]
    fn the_plans() {
        use ResourceKind::{Database, Server, Volume};
        let opened = order(RequestKind::New, &[Server, Volume], true);
        assert_eq!(kinds(&opened), ["network", "server", "server", "volume", "volume"]);
        assert_eq!(opened.steps[2].allocation.as_str(), "SQ-202610-0001-1-2");
        let by_hand = order(RequestKind::New, &[Server, Database], true);
        assert_eq!((by_hand.manner, by_hand.kind), (Manner::ByHand, OrderKind::Open));
        assert_eq!(next_move(&by_hand), Move::Wait);
        let ended = order(RequestKind::Release, &[Server, Volume], true);
        assert_eq!(
            kinds(&ended),
            ["stop", "snapshot", "delete", "verify_gone", "delete", "verify_gone"]
        );
        assert_eq!(kinds(&order(RequestKind::Change, &[Server], true)), ["resize"]);
        // What a change does not speak of stays, and is ordered with it.
        let about = ("GD-1".to_owned(), Instant::from_unix_s(0), None);
        let larger = |_: &_| Some((None, "vcpu=2 memory_gib=8".parse::<Spec>().unwrap()));
        let changed = plan(&request(RequestKind::Change, &[Server]), about, true, false, &larger).unwrap();
        assert_eq!(changed.steps[0].spec.to_string(), "vcpu=4 memory_gib=8");
        assert_eq!(changed.steps[0].before, Some("vcpu=2 memory_gib=8".parse().unwrap()));
        // What the unit buys itself is not opened, and does not decide who carries the rest out.
        let mut own = request(RequestKind::New, &[Server, Database]);
        own.declared.own_purchases.insert(2, "数据库一体机".into());
        let about = ("GD-1".to_owned(), Instant::from_unix_s(0), None);
        let rest = plan(&own, about, true, false, &|_| None).unwrap();
        assert_eq!(
            (rest.manner, kinds(&rest)),
            (Manner::Interface, vec!["network", "server", "server"])
        );
        let mut nowhere = request(RequestKind::New, &[Server]);
        nowhere.place = None;
        let about = ("GD-1".to_owned(), Instant::from_unix_s(0), None);
        assert!(matches!(
            plan(&nowhere, about, true, false, &|_| None),
            Err(PlanError::NoPlace(_))
        ));
    }

    #[test]
    fn a_refusal_undoes_in_reverse() {
        let mut order = order(RequestKind::New, &[ResourceKind::Server], true);
        let mut undone = Vec::new();
        let refused_at = 2;
        loop {
            let next = next_move(&order);
            let outcome = match next {
                Move::Do(place) if place == refused_at => Outcome::Refused("配额不足".into()),
                Move::Do(place) => Outcome::Done(Some(format!("id-{place}"))),
                Move::Undo(place) => {
                    undone.push(place);
                    Outcome::Done(None)
                }
                Move::Wait | Move::Over => break,
            };
            order = after(begin(order, next), next, outcome);
        }
        assert_eq!((order.state, undone), (OrderState::Undone, vec![1, 0]));
        assert_eq!(
            order.trouble.as_deref(),
            Some("资源 SQ-202610-0001-1-2 的「创建云主机」被云节点拒绝：配额不足")
        );
    }

    #[test]
    fn an_outage_is_no_attempt_and_an_unclear_answer_is_one() {
        let mut order = order(RequestKind::New, &[ResourceKind::Server], true);
        for _ in 0..100 {
            let next = next_move(&order);
            assert_eq!(next, Move::Do(0));
            order = after(begin(order, next), next, Outcome::Away("无法连接".into()));
        }
        assert_eq!(
            (order.state, order.steps[0].state),
            (OrderState::Running, StepState::Begun)
        );
        assert_eq!(
            (order.steps[0].attempts, order.steps[0].answer.as_str()),
            (0, "无法连接")
        );
        for _ in 0..ATTEMPTS_MAX {
            assert_eq!(order.state, OrderState::Running);
            let next = next_move(&order);
            order = after(begin(order, next), next, Outcome::Again("超时".into()));
        }
        assert_eq!((order.state, next_move(&order)), (OrderState::NeedsPerson, Move::Wait));
    }

    #[test]
    fn a_provider_refuses_what_is_in_its_hands() {
        let waiting = order(RequestKind::New, &[ResourceKind::Database], true);
        let refused = refuse(waiting.clone(), "机房扩容中").unwrap();
        assert_eq!(refused.state, OrderState::Undone);
        assert_eq!(refused.trouble.as_deref(), Some("云服务商不能办理：机房扩容中"));
        assert_eq!(refuse(refused, "再说一次"), None, "it is over");
        // What is there stays for a person.
        let mut begun = waiting;
        (begun.state, begun.steps[0].state) = (OrderState::Running, StepState::Done);
        assert_eq!(refuse(begun, "x").unwrap().state, OrderState::NeedsPerson);
        let by_platform = order(RequestKind::New, &[ResourceKind::Server], true);
        assert_eq!(refuse(by_platform, "x"), None, "the platform carries it out");
    }

    #[test]
    fn what_was_deleted_is_not_undone() {
        let mut order = order(
            RequestKind::Release,
            &[ResourceKind::Volume, ResourceKind::Volume],
            true,
        );
        for _ in 0..2 {
            let next = next_move(&order);
            order = after(begin(order, next), next, Outcome::Done(None));
        }
        let next = next_move(&order);
        let order = after(begin(order, next), next, Outcome::Refused("正在使用".into()));
        assert_eq!((order.state, next_move(&order)), (OrderState::NeedsPerson, Move::Wait));
    }

    #[test]
    fn who_has_looked_lets_it_go_on_where_it_can() {
        // An undo that was not clear goes on undoing.
        let mut undoing = order(RequestKind::New, &[ResourceKind::Server], true);
        for (place, state) in [StepState::Done, StepState::Undoing, StepState::Failed]
            .into_iter()
            .enumerate()
        {
            (undoing.steps[place].state, undoing.steps[place].attempts) = (state, ATTEMPTS_MAX);
        }
        (undoing.state, undoing.trouble) = (OrderState::NeedsPerson, Some("未能回退".into()));
        let on = looked_at(undoing);
        assert_eq!((on.state, on.trouble.as_deref()), (OrderState::Undoing, None));
        assert_eq!(next_move(&on), Move::Undo(1));
        assert!(on.steps.iter().all(|step| step.attempts == 0));
        // What was deleted is gone: the rest is tried again.
        let mut ending = order(RequestKind::Release, &[ResourceKind::Volume], true);
        (ending.steps[0].state, ending.steps[1].state) = (StepState::Done, StepState::Failed);
        ending.state = OrderState::NeedsPerson;
        let on = looked_at(ending);
        assert_eq!((on.state, next_move(&on)), (OrderState::Running, Move::Do(1)));
    }

    #[test]
    fn stuck_is_what_waits_for_a_person_or_is_late() {
        let mut order = order(RequestKind::New, &[ResourceKind::Server], true);
        let (early, late) = (Instant::from_unix_s(99), Instant::from_unix_s(100));
        order.due = Some(late);
        assert_eq!(order.why_stuck(early), None);
        assert_eq!(order.why_stuck(late).as_deref(), Some("已超过办理期限"));
        (order.state, order.trouble) = (OrderState::Undoing, Some("配额不足".into()));
        assert_eq!(order.why_stuck(late).as_deref(), Some("已超过办理期限：配额不足"));
        order.state = OrderState::NeedsPerson;
        assert_eq!(order.why_stuck(early).as_deref(), Some("配额不足"));
        order.trouble = None;
        assert_eq!(order.why_stuck(early).as_deref(), Some("需要人工处理"));
        order.state = OrderState::Done;
        assert_eq!(order.why_stuck(late), None);
        assert!(!order.state.is_open());
    }

    proptest! {
        /// Whatever the node answers, an order comes to an end or to a person, and nothing it made is forgotten.
        #[test]
        fn every_order_ends(answers in proptest::collection::vec(0..10, 200)) {
            let mut order = order(RequestKind::New, &[ResourceKind::Server, ResourceKind::Volume], true);
            let mut there = std::collections::BTreeSet::new();
            for answer in answers {
                let next = next_move(&order);
                order = begin(order, next);
                let outcome = match (next, answer) {
                    (Move::Wait | Move::Over, _) => break,
                    (_, 0) => Outcome::Refused("no".into()),
                    (_, 1 | 2) => Outcome::Again("later".into()),
                    (Move::Do(place), _) => { there.insert(place); Outcome::Done(Some(place.to_string())) }
                    (Move::Undo(place), _) => { there.remove(&place); Outcome::Done(None) }
                };
                order = after(order, next, outcome);
            }
            prop_assert!(matches!(order.state, OrderState::Done | OrderState::Undone | OrderState::NeedsPerson), "{:?}", order.state);
            if order.state == OrderState::Undone {
                prop_assert!(there.is_empty());
            }
            if order.state == OrderState::Done {
                prop_assert_eq!(there.len(), order.steps.len());
            }
        }
    }
}
