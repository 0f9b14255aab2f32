//! Every act in every state, and what comes of it.

use crate::world::*;
use domain::authz::Role;
use domain::flow::{Act, FlowState, ReturnTo, SignPosition};

/// Two hold the first node, everything is allowed there; then one node more.
fn whole() -> Case {
    let all = "may_return_to = [\"applicant\"]\nmay_add_sign = true\nmay_transfer = true";
    let nodes = [
        node("first", "authority.technical", all),
        node("second", "authority.leader", ""),
    ];
    Case::of(definition(&nodes.concat()))
}

fn states() -> Vec<(&'static str, Case)> {
    let made = |steps: &dyn Fn(&mut Case)| {
        let mut case = whole();
        steps(&mut case);
        case
    };
    let back = || Act::Return {
        task: 1,
        to: ReturnTo::Applicant,
        reason: "补充材料".into(),
    };
    vec![
        ("open", made(&|_| {})),
        ("claimed by another", made(&|c| c.act("tech2", Act::Claim { task: 1 }))),
        ("waiting", made(&|c| c.act("tech1", add("ops", SignPosition::Before)))),
        ("decided", made(&|c| c.act("tech2", agree(1)))),
        (
            "stuck",
            made(&|c| {
                for name in ["tech1", "tech2"] {
                    c.town.revoke(who(name), Role::AuthorityTechnical, &organisation("A1"));
                    c.town.grant(who(name), Role::AuditAdmin, organisation("A1"));
                }
                c.tick(c.now);
            }),
        ),
        ("returned", made(&|c| c.act("tech1", back()))),
        (
            "approved",
            made(&|c| {
                c.act("tech2", agree(1));
                c.act("leader1", agree(2));
            }),
        ),
        ("refused", made(&|c| c.act("tech2", disagree(1)))),
        (
            "withdrawn",
            made(&|c| c.act("clerk", Act::Withdraw { opinion: String::new() })),
        ),
    ]
}

fn add(signer: &str, position: SignPosition) -> Act {
    Act::AddSigner {
        task: 1,
        signer: who(signer),
        position,
        opinion: String::new(),
    }
}

fn acts() -> Vec<(&'static str, &'static str, Act)> {
    vec![
        ("tech1", "claim", Act::Claim { task: 1 }),
        ("tech1", "agree", agree(1)),
        ("tech1", "disagree", disagree(1)),
        (
            "tech1",
            "return",
            Act::Return {
                task: 1,
                to: ReturnTo::Applicant,
                reason: "补充材料".into(),
            },
        ),
        ("tech1", "add signer", add("leader2", SignPosition::Parallel)),
        (
            "tech1",
            "transfer",
            Act::Transfer {
                task: 1,
                to: who("tech2"),
                opinion: String::new(),
            },
        ),
        ("clerk", "urge", Act::Urge { task: 1 }),
        ("clerk", "withdraw", Act::Withdraw { opinion: String::new() }),
        (
            "clerk",
            "resubmit",
            Act::Resubmit {
                facts: application().facts,
                due: None,
                opinion: String::new(),
            },
        ),
    ]
}

fn outcome(case: &Case, name: &str, act: Act) -> String {
    let mut case = case.clone();
    match case.try_act(name, act) {
        Ok(()) => case.run.state.to_string(),
        Err(refusal) => {
            let named = format!("{refusal:?}");
            named.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned()
        }
    }
}

#[test]
fn every_act_in_every_state() {
    let mut lines = Vec::new();
    for (state, case) in states() {
        let row: Vec<_> = acts().into_iter().map(|(by, _, act)| outcome(&case, by, act)).collect();
        lines.push(format!("{state}: {}", row.join(" ")));
    }
    let heading: Vec<_> = acts().into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(
        heading.join(", "),
        "claim, agree, disagree, return, add signer, transfer, urge, withdraw, resubmit"
    );
    let six = |word: &str| [word; 6].join(" ");
    let ended = [six("Ended"), "Ended Ended Ended".to_owned()].join(" ");
    assert_eq!(
        lines,
        [
            "open: open open refused returned open open open withdrawn NotReturned".to_owned(),
            format!("claimed by another: {} open withdrawn NotReturned", six("Claimed")),
            format!("waiting: {} TaskWaits withdrawn NotReturned", six("TaskWaits")),
            format!("decided: {} TaskOver withdrawn NotReturned", six("TaskOver")),
            format!("stuck: {} open withdrawn NotReturned", six("NotYours")),
            format!("returned: {} TaskOver withdrawn open", six("TaskOver")),
            format!("approved: {} Ended withdrawn Ended", six("Ended")),
            format!("refused: {ended}"),
            format!("withdrawn: {ended}"),
        ]
    );
}

#[test]
fn whoever_has_no_right_does_nothing_in_any_state() {
    for (state, case) in states() {
        for (by, name, act) in acts() {
            let stranger = if by == "clerk" { "tech1" } else { "clerk" };
            for other in ["head", "money", "nobody", stranger] {
                let what = outcome(&case, other, act.clone());
                assert!(
                    what.chars().next().unwrap().is_uppercase(),
                    "{state}, {name} by {other}: {what}"
                );
            }
        }
    }
}

#[test]
fn what_is_returned_to_the_applicant_is_resubmitted_and_nothing_else() {
    let (_, mut case) = states().into_iter().find(|(name, _)| *name == "returned").unwrap();
    let task = case.task("applicant", "clerk").id;
    assert_eq!(outcome(&case, "clerk", agree(task)), "ResubmitInstead");
    assert_eq!(case.run.state, FlowState::Returned);
    case.act(
        "clerk",
        Act::Resubmit {
            facts: application().facts,
            due: None,
            opinion: "已补充".into(),
        },
    );
    assert_eq!((case.run.state, case.current()), (FlowState::Open, vec!["first"]));
}
