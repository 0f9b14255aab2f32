//! Random people play random flows, while roles and accounts come and go.

use crate::world::{Case, application, at, due, organisation, who};
use domain::authz::Role;
use domain::flow::{
    Absence, Act, Deed, Directory, FlowDefinition, FlowEvent, FlowNode, FlowRecord, FlowRun, FlowState, Holder, Mode,
    Notice, Place, ReturnTo, Right, SignPosition, TaskState, When, WholeTerm, act, check_definition, tick,
};
use domain::registry::Side;
use domain::rules::DeadlineKind;
use kernel::{AccountId, Period};
use proptest::prelude::*;

const ROLES: [Role; 4] = [
    Role::AuthorityIntake,
    Role::AuthorityTechnical,
    Role::AuthorityLeader,
    Role::AuthorityOperations,
];
/// How long a whole approval may take. Units: seconds.
const WHOLE_S: i64 = 5 * 86_400;
const PEOPLE: [&str; 7] = ["p0", "p1", "p2", "p3", "p4", "p5", "clerk"];

fn town() -> Directory {
    let mut town = Directory::default();
    town.add_organisation(organisation("A1"), Side::Authority, None);
    town.add_organisation(organisation("D1"), Side::Unit, None);
    town.grant(who("clerk"), Role::UnitApplicant, organisation("D1"));
    // Everybody has two roles, and the applicant has one of them as well.
    for (place, name) in PEOPLE.iter().enumerate() {
        town.grant(who(name), ROLES[place % 4], organisation("A1"));
        town.grant(who(name), ROLES[(place + 1) % 4], organisation("A1"));
    }
    town
}

fn holder(role: u8) -> Holder {
    Holder {
        role: ROLES[usize::from(role) % 4],
        at: Place::Authority,
    }
}

fn a_node(place: usize, (mode, role, flags, distinct): (u8, u8, u8, u8)) -> FlowNode {
    let flag = |bit: u8| flags & (1 << bit) != 0;
    let earlier = |n: u8| format!("n{}", usize::from(n) % place.max(1)).as_str().into();
    let mode = match mode % 5 {
        0 => Mode::Single,
        1 => Mode::All,
        2 => Mode::Quorum(2),
        3 => Mode::Sequence,
        _ => Mode::Quorum(1),
    };
    let mut back = vec!["applicant".into()];
    let grouped = flag(0) && place > 0;
    if place > 1 && !grouped {
        back.push("n0".into());
    }
    FlowNode {
        code: format!("n{place}").as_str().into(),
        name: format!("n{place}"),
        source: "example".into(),
        who: vec![holder(role), holder(role + 1)],
        mode,
        when: if flag(1) && place > 0 {
            When {
                all: vec!["non_xinchuang".to_owned().into()],
                any: vec![],
            }
        } else {
            When::default()
        },
        group: Some(if flag(0) { "g".to_owned() } else { format!("g{place}") }),
        term: Some("3d".parse().unwrap()),
        remind_before: Some("1d".parse().unwrap()),
        escalate_to: flag(2).then(|| holder(role + 2)),
        fallback: flag(3).then(|| holder(role + 3)),
        may_return_to: back,
        may_add_sign: flag(4),
        may_transfer: flag(5),
        distinct_from: if flag(6) && place > 0 {
            vec![earlier(distinct)]
        } else {
            vec![]
        },
    }
}

fn a_flow() -> impl Strategy<Value = FlowDefinition> {
    let nodes = prop::collection::vec(
        any::<(u8, u8, u8, u8)>().prop_map(|(a, b, c, d)| (a, b % 4, c, d)),
        1..5,
    );
    (nodes, prop::option::weighted(0.8, any::<(bool, u8)>()))
        .prop_map(|(specs, whole)| FlowDefinition {
            nodes: specs
                .into_iter()
                .enumerate()
                .map(|(place, spec)| a_node(place, spec))
                .collect(),
            whole: whole.map(|(reminds, role)| WholeTerm {
                deadline: DeadlineKind::WholeApproval,
                remind_before: reminds.then(|| "1d".parse().unwrap()),
                tell: vec![holder(role % 4)],
            }),
            ..crate::world::definition(&crate::world::node("x", "authority.leader", ""))
        })
        .prop_filter("can come into force", |flow| check_definition(flow, &town()).is_empty())
}

/// What somebody tries: mostly somebody who has a task, sometimes anybody.
fn attempt(run: &FlowRun, (what, person, task, more): (u8, u8, u8, u8)) -> (AccountId, Act) {
    let live: Vec<_> = run.live().collect();
    let anybody = |n: u8| who(PEOPLE[usize::from(n) % PEOPLE.len()]);
    let chosen = live.get(usize::from(task) % live.len().max(1));
    let id = chosen.map_or(u32::from(task), |t| t.id);
    let holders = chosen.map(|t| t.accounts()).unwrap_or_default();
    let by = match holders.get(usize::from(person) % holders.len().max(1)) {
        Some(holder) if person < 200 => *holder,
        _ => anybody(person),
    };
    let opinion = String::from("意见");
    let act = match what % 16 {
        0..=5 => Act::Agree { task: id, opinion },
        6 => Act::Disagree {
            task: id,
            reason: opinion.clone(),
            advice: opinion,
        },
        7 => Act::Return {
            task: id,
            to: if more.is_multiple_of(2) {
                ReturnTo::Applicant
            } else {
                ReturnTo::Node("n0".into())
            },
            reason: opinion,
        },
        8 => Act::Claim { task: id },
        9 | 10 => Act::AddSigner {
            task: id,
            signer: anybody(more),
            position: SignPosition::ALL[usize::from(more) % 3],
            opinion,
        },
        11 | 12 => Act::Transfer {
            task: id,
            to: anybody(more),
            opinion,
        },
        13 => return (who("clerk"), Act::Urge { task: id }),
        14 if more > 230 => return (who("clerk"), Act::Withdraw { opinion }),
        _ => {
            let facts = [("non_xinchuang".into(), more.is_multiple_of(2))].into();
            let due = run.history.last().map(|last| last.at.plus_s(WHOLE_S));
            return (who("clerk"), Act::Resubmit { facts, due, opinion });
        }
    };
    (by, act)
}

/// A role or an account comes or goes, or somebody is away.
fn upset(case: &mut Case, (what, person, more): (u8, u8, u8)) {
    let account = who(PEOPLE[usize::from(person) % PEOPLE.len()]);
    let role = ROLES[usize::from(more) % 4];
    match what % 6 {
        0 => case.town.disable(account),
        1 | 2 => case.town.enable(account),
        3 => case.town.revoke(account, role, &organisation("A1")),
        4 => case.town.grant(account, role, organisation("A1")),
        _ => case.town.add_absence(Absence {
            account,
            delegate: who(PEOPLE[usize::from(more) % PEOPLE.len()]),
            period: Period::new(case.now, case.now.plus_s(86_400)).unwrap(),
        }),
    }
}

/// Whether an account may decide a task, looked up without the engine.
fn has_right(case: &Case, node: &FlowNode, right: &Right, account: AccountId) -> bool {
    let roles = node.who.iter().chain(&node.fallback).chain(&node.escalate_to);
    let mut held = roles.filter(|h| case.town.has(account, h.role, &organisation("A1")));
    let added = account.to_string();
    let was_added = || {
        let mut adding = case.run.history.iter().filter(|r| r.deed == Deed::AddSigner);
        adding.any(|r| r.node.as_ref() == Some(&node.code) && r.to.as_ref() == Some(&added))
    };
    let entitled = match right {
        Right::Role { .. } => held.next().is_some(),
        Right::Added => was_added(),
        Right::Applicant => false,
    };
    entitled && case.town.is_active(account) && !case.run.applicants.contains(&account)
}

/// What must hold of every step.
fn check_step(before: &Case, after: &Case) {
    let (old, new) = (&before.run.history, &after.run.history);
    assert_eq!(&new[..old.len()], &old[..], "the history only grows");
    for (was, is) in before.run.tasks.iter().zip(&after.run.tasks) {
        assert!(
            was.state.is_live() || was == is,
            "what is decided stays: {was:?} {is:?}"
        );
    }
    for record in &new[old.len()..] {
        if !matches!(record.deed, Deed::Agree | Deed::Disagree) {
            continue;
        }
        let (actor, task) = (record.actor.unwrap(), record.task.unwrap());
        let principal = record.on_behalf_of.unwrap_or(actor);
        let node = after.definition.node(record.node.as_ref().unwrap()).unwrap();
        let same = |r: &&domain::flow::FlowRecord| {
            matches!(r.deed, Deed::Agree | Deed::Disagree) && r.node == record.node && r.visit == record.visit
        };
        assert_eq!(
            new.iter().filter(|r| r.task == Some(task) && same(r)).count(),
            1,
            "no double decision"
        );
        for person in [actor, principal] {
            let mine = |r: &&domain::flow::FlowRecord| r.actor == Some(person) || r.on_behalf_of == Some(person);
            assert_eq!(
                new.iter().filter(same).filter(mine).count(),
                1,
                "nobody signs a node twice"
            );
            for other in after.definition.distinct(node) {
                let clash = new
                    .iter()
                    .filter(mine)
                    .find(|r| matches!(r.deed, Deed::Agree | Deed::Disagree) && r.node.as_ref() == Some(other));
                assert_eq!(clash, None, "{} and {other} are different duties", node.code);
            }
        }
        let task = after.run.task(task).unwrap();
        let seat = task.assignees.iter().find(|a| a.account == principal).unwrap();
        assert!(
            has_right(after, node, &seat.right, principal),
            "{record:?} without the right"
        );
        assert!(
            after.town.is_active(actor) && !after.run.applicants.contains(&actor),
            "{record:?}"
        );
        assert!(
            actor == principal || after.town.acts_for(actor, principal, after.now),
            "{record:?}"
        );
    }
}

/// What must hold of every state.
fn check_state(case: &Case) {
    let run = &case.run;
    for task in run.tasks.iter().filter(|t| t.state == TaskState::Open) {
        assert!(!task.assignees.is_empty(), "an open task without anybody: {task:?}");
        let Some(node) = case.definition.node(&task.node) else {
            continue;
        };
        for seat in &task.assignees {
            assert!(
                has_right(case, node, &seat.right, seat.account),
                "{task:?} for one without the right"
            );
        }
    }
    assert_eq!(
        run.state.is_end(),
        run.live().count() == 0,
        "an end has no tasks, and only an end: {run:?}"
    );
    if !run.state.is_end() {
        let decidable = run.live().any(|t| t.state != TaskState::Waiting);
        assert!(
            decidable,
            "neither a task somebody can act on nor a visible fault: {run:?}"
        );
    }
    if run.state == FlowState::Approved {
        let signed = run.history.iter().filter(|r| r.deed == Deed::Agree).count();
        assert!(signed > 0, "never approved by nobody");
    }
}

/// Whether a line of the history warns of the whole approval.
fn warns_of_whole(record: &FlowRecord, deed: Deed) -> bool {
    record.deed == deed && record.task.is_none()
}

/// What must hold of the term of the whole approval.
fn check_whole(before: &Case, after: &Case, ticked: bool) {
    let (old, new) = (&before.run.history, &after.run.history);
    let (fresh, both) = (&new[old.len()..], [Deed::Remind, Deed::Escalate]);
    let Some(whole) = after.run.whole else {
        let warned = |r: &FlowRecord| both.iter().any(|deed| warns_of_whole(r, *deed));
        assert!(!fresh.iter().any(warned), "nothing to warn of: {fresh:?}");
        return;
    };
    assert!(after.definition.whole.is_some(), "a flow without a term is not timed");
    let begins = |r: &FlowRecord| matches!(r.deed, Deed::Submit | Deed::Resubmit);
    if !fresh.iter().any(begins) {
        let frozen = before.run.whole.map(|was| was.due);
        assert_eq!(frozen, Some(whole.due), "frozen when it was handed in");
    }
    let begun = new.iter().rposition(begins).unwrap();
    let done = new.iter().position(|r| r.deed == Deed::End).unwrap_or(new.len());
    for (deed, said) in [(Deed::Remind, whole.reminded), (Deed::Escalate, whole.escalated)] {
        let told = new[begun..].iter().filter(|r| warns_of_whole(r, deed)).count();
        assert_eq!(told, usize::from(said), "{deed}: told once, and remembered: {new:?}");
        for record in new[done..].iter().chain(fresh).filter(|r| warns_of_whole(r, deed)) {
            assert_eq!((before.run.state, done), (FlowState::Open, new.len()), "{record:?}");
            assert_eq!(
                whole.due <= record.at,
                deed == Deed::Escalate,
                "{record:?} of {whole:?}"
            );
        }
    }
    let with_approvers = after.run.state == FlowState::Open;
    assert_eq!(whole.stopped.is_none(), with_approvers, "it counts while they have it");
    if ticked && with_approvers {
        assert_eq!(
            whole.escalated,
            whole.is_over(after.now),
            "nobody waits for the next time"
        );
    }
    if fresh.iter().any(|r| warns_of_whole(r, Deed::Escalate)) {
        let term = after.definition.whole.as_ref().unwrap();
        let above = PEOPLE.map(who).into_iter();
        let above = above.filter(|a| after.town.has(*a, term.tell[0].role, &organisation("A1")));
        for account in above {
            let told = |event: &FlowEvent| {
                matches!(event, FlowEvent::Notify { accounts, notice: Notice::Overdue, task: None }
                    if accounts.contains(&account))
            };
            assert!(
                after.events.iter().any(told),
                "{account} is not told: {:?}",
                after.events
            );
        }
    }
}

/// A countersigned node that was left has as many signatures as there were people with the role when it was entered.
fn check_countersigns(before: &Case, after: &Case, owed: &mut Vec<(String, u32, usize)>) {
    let fresh = &after.run.history[before.run.history.len()..];
    for record in fresh {
        let Some(node) = record.node.as_ref().and_then(|c| after.definition.node(c)) else {
            continue;
        };
        if node.mode != Mode::All {
            continue;
        }
        if record.deed == Deed::Enter {
            let distinct = after.definition.distinct(node);
            let clashes = |a: &AccountId| {
                after.run.history.iter().any(|r| {
                    matches!(r.deed, Deed::Agree | Deed::Disagree)
                        && r.node.as_ref().is_some_and(|n| distinct.contains(n))
                        && (r.actor == Some(*a) || r.on_behalf_of == Some(*a))
                })
            };
            let owing = PEOPLE.map(who).into_iter().filter(|a| {
                node.who.iter().any(|h| after.town.has(*a, h.role, &organisation("A1")))
                    && !after.run.applicants.contains(a)
                    && !clashes(a)
            });
            owed.push((node.code.to_string(), record.visit, owing.count().max(1)));
        }
        if record.deed == Deed::Leave {
            let (_, visit, count) = owed
                .iter()
                .rev()
                .find(|(code, ..)| *code == node.code.as_str())
                .unwrap();
            let signed = after.run.history.iter().filter(|r| {
                let own = r
                    .task
                    .and_then(|t| after.run.task(t))
                    .is_some_and(|t| t.added_by.is_none());
                own && r.deed == Deed::Agree && r.node.as_ref() == Some(&node.code) && r.visit == *visit
            });
            assert!(
                signed.count() >= *count,
                "{} was left early: {:?}",
                node.code,
                after.run
            );
        }
    }
}

fn step(case: &mut Case, owed: &mut Vec<(String, u32, usize)>, moved: Option<(AccountId, Act)>) -> bool {
    let before = case.clone();
    let ticked = moved.is_none();
    let result = match moved {
        Some((by, what)) => act(&case.run, &case.definition, &case.town, what, by, case.now, &due),
        None => tick(&case.run, &case.definition, &case.town, case.now, &due),
    };
    let Ok((run, events)) = result else {
        return false;
    };
    (case.run, case.events) = (run, events);
    check_step(&before, case);
    check_state(case);
    check_whole(&before, case, ticked);
    check_countersigns(&before, case, owed);
    true
}

/// Everybody helps: an administrator gives somebody new the roles that are missing, holders agree, the applicant
/// hands in again. Returns how many acts it took.
fn finish(case: &mut Case, owed: &mut Vec<(String, u32, usize)>) -> usize {
    case.town.enable(who("clerk"));
    case.town.grant(who("clerk"), Role::UnitApplicant, organisation("D1"));
    for count in 0..200 {
        case.now = case.now.plus_s(60);
        assert!(step(case, owed, None));
        if case.run.state.is_end() {
            return count;
        }
        if let Some(task) = case.run.stuck().first() {
            let node = case.definition.node(&task.node).unwrap().clone();
            let new = who(&format!("new{count}"));
            node.who
                .iter()
                .for_each(|h| case.town.grant(new, h.role, organisation("A1")));
            continue;
        }
        let open = case.run.live().find(|t| t.state == TaskState::Open).unwrap();
        let (by, id) = (open.claimed_by.unwrap_or(open.accounts()[0]), open.id);
        let what = if case.run.state == FlowState::Returned {
            Act::Resubmit {
                facts: application().facts,
                due: Some(case.now.plus_s(WHOLE_S)),
                opinion: String::new(),
            }
        } else {
            Act::Agree {
                task: id,
                opinion: String::new(),
            }
        };
        assert!(
            step(case, owed, Some((by, what))),
            "whoever has a task can decide it: {:?}",
            case.run
        );
    }
    panic!("no end: {:?}", case.run)
}

type Move = (bool, (u8, u8, u8, u8));

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_do_the_rules_hold_and_there_is_an_end(
        flow in a_flow(),
        moves in prop::collection::vec(any::<Move>(), 0..60),
        non_xinchuang in any::<bool>(),
    ) {
        let mut begin = application();
        begin.facts = [("non_xinchuang".into(), non_xinchuang)].into();
        begin.due = Some(at("2026-03-02 09:00:00").plus_s(WHOLE_S));
        let mut case = Case::begun(flow, town(), begin);
        let empty = Case { run: FlowRun { history: vec![], tasks: vec![], ..case.run.clone() }, ..case.clone() };
        let mut owed = Vec::new();
        check_state(&case);
        check_countersigns(&empty, &case, &mut owed);
        for (upsets, dice) in moves {
            case.now = case.now.plus_s(i64::from(dice.3) * 600);
            if dice.2 >= 224 {
                // The clock is set back by up to a day, and put right again.
                let right = case.now;
                case.now = right.plus_s(-i64::from(dice.1) * 300);
                step(&mut case, &mut owed, None);
                case.now = right;
            }
            if upsets && dice.0 < 100 {
                upset(&mut case, (dice.0, dice.1, dice.2));
                step(&mut case, &mut owed, None);
            } else {
                let moved = attempt(&case.run, dice);
                step(&mut case, &mut owed, Some(moved));
            }
        }
        let acts = finish(&mut case, &mut owed);
        prop_assert!(acts < 200);
        prop_assert!(case.now > at("2026-03-02"));
    }
}
