//! Worked examples: one way through each rule of order.

use crate::policies::shipped;
use crate::world::*;
use domain::flow::{Act, Deed, FlowApplication, FlowEvent, FlowState, Notice, ReturnTo, SignPosition, TaskState};

/// The example of docs/domain/flow.md: a non-Xinchuang application, returned once by the technical review.
#[test]
fn a_non_xinchuang_application_goes_through_expert_review() {
    let application = FlowApplication {
        facts: [("non_xinchuang".into(), true), ("above_catalogue".into(), false)].into(),
        ..application()
    };
    let mut case = Case::begun(shipped("new"), town(), application);
    case.agree("head", "unit");
    let intake = case.task("intake", "intake1");
    assert_eq!(intake.due, Some(case.now.plus_s(3 * 86_400)), "3wd");
    case.act("intake1", Act::Claim { task: intake.id });
    case.agree("intake1", "intake");
    let task = case.task("technical", "tech1").id;
    case.act(
        "tech1",
        Act::Return {
            task,
            to: ReturnTo::Node("intake".into()),
            reason: "缺等保备案证明".into(),
        },
    );
    assert_eq!(case.current(), ["intake"]);
    case.agree("intake2", "intake");
    case.agree("tech2", "technical");
    assert_eq!(case.current(), ["expert"]);
    case.agree("secretary", "expert");
    case.agree("leader1", "leader");
    assert_eq!(case.run.state, FlowState::Approved);
    assert!(case.events.contains(&FlowEvent::Ended {
        state: FlowState::Approved
    }));
    let decided: Vec<_> = case
        .run
        .history
        .iter()
        .filter(|r| matches!(r.deed, Deed::Agree | Deed::Return))
        .map(|r| format!("{} {}", r.node.as_ref().unwrap(), r.deed))
        .collect();
    assert_eq!(
        decided,
        [
            "unit agree",
            "intake agree",
            "technical return",
            "intake agree",
            "technical agree",
            "expert agree",
            "leader agree"
        ]
    );
}

#[test]
fn without_cause_for_it_the_expert_review_is_skipped_and_the_record_says_so() {
    let application = FlowApplication {
        facts: [("non_xinchuang".into(), false), ("above_catalogue".into(), false)].into(),
        ..application()
    };
    let mut case = Case::begun(shipped("new"), town(), application);
    case.agree("head", "unit");
    case.agree("intake1", "intake");
    case.agree("tech1", "technical");
    assert_eq!(case.current(), ["leader"]);
    let skipped = case.run.history.iter().find(|r| r.deed == Deed::Skip).unwrap();
    assert_eq!(skipped.node.as_ref().unwrap().as_str(), "expert");
}

#[test]
fn a_countersigned_node_waits_for_everybody() {
    let nodes = [
        node("all", "authority.technical", "mode = \"all\""),
        node("next", "authority.leader", ""),
    ];
    let mut case = Case::of(definition(&nodes.concat()));
    case.agree("tech1", "all");
    assert_eq!(case.current(), ["all"], "tech2 has not signed");
    // Somebody who gets the role later need not sign, and cannot sign for tech2.
    case.town
        .grant(who("late"), domain::authz::Role::AuthorityTechnical, organisation("A1"));
    let open = case.task("all", "tech2").id;
    assert!(case.try_act("late", agree(open)).is_err());
    assert!(case.try_act("tech1", agree(open)).is_err(), "nobody signs twice");
    case.agree("tech2", "all");
    assert_eq!(case.current(), ["next"]);
}

#[test]
fn a_quorum_is_reached_or_missed() {
    let two_of = |n| {
        definition(&node(
            "vote",
            "authority.technical",
            &format!("mode = {{ quorum = {n} }}"),
        ))
    };
    let mut case = Case::of(two_of(1));
    let against = case.task("vote", "tech1").id;
    case.act("tech1", disagree(against));
    assert_eq!(case.run.state, FlowState::Open, "one of two is still possible");
    case.agree("tech2", "vote");
    assert_eq!(case.run.state, FlowState::Approved);
    let mut case = Case::of(two_of(2));
    case.agree("tech2", "vote");
    let against = case.task("vote", "tech1").id;
    case.act("tech1", disagree(against));
    assert_eq!(case.run.state, FlowState::Refused, "two are not possible any more");
}

#[test]
fn a_sequence_goes_through_its_roles_in_order() {
    let nodes = [
        "[[node]]\ncode = \"supervisor\"\nname = \"监理\"\nsource = \"example\"\nmode = \"sequence\"\n\
         who = [{ role = \"supervisor.engineer\", at = \"supervisor\" }, { role = \"supervisor.head\", at = \"supervisor\" }]\n"
            .to_owned(),
        node("cost", "authority.leader", ""),
    ];
    let mut case = Case::of(definition(&nodes.concat()));
    let first = case.task("supervisor", "engineer").id;
    assert!(case.try_act("chief", agree(first)).is_err(), "not yet");
    case.agree("engineer", "supervisor");
    case.agree("chief", "supervisor");
    assert_eq!(case.current(), ["cost"]);
}

#[test]
fn parallel_nodes_join() {
    let nodes = [
        node("left", "authority.technical", "group = \"g\""),
        node("right", "authority.operations", "group = \"g\""),
        node("end", "authority.leader", ""),
    ];
    let mut case = Case::of(definition(&nodes.concat()));
    assert_eq!(case.current(), ["left", "right"]);
    case.agree("ops", "right");
    assert_eq!(case.current(), ["left"]);
    case.agree("tech2", "left");
    assert_eq!(case.current(), ["end"]);
}

#[test]
fn added_signers_sign_before_after_and_beside() {
    let nodes = [
        node("sign", "authority.leader", "may_add_sign = true"),
        node("end", "authority.operations", ""),
    ];
    for (position, order) in [
        (SignPosition::Before, ["tech1", "leader1"]),
        (SignPosition::After, ["leader1", "tech1"]),
        (SignPosition::Parallel, ["tech1", "leader1"]),
        (SignPosition::Parallel, ["leader1", "tech1"]),
    ] {
        let mut case = Case::of(definition(&nodes.concat()));
        case.act(
            "leader1",
            Act::AddSigner {
                task: 1,
                signer: who("tech1"),
                position,
                opinion: "请提意见".into(),
            },
        );
        let early = case.task("sign", order[1]).id;
        if position != SignPosition::Parallel {
            assert!(case.try_act(order[1], agree(early)).is_err(), "{position}");
        }
        case.agree(order[0], "sign");
        assert_eq!(case.current(), ["sign"], "{position}: the other has not signed");
        case.agree(order[1], "sign");
        assert_eq!(case.current(), ["end"], "{position}");
    }
}

#[test]
fn time_reminds_once_then_escalates_once() {
    let rest =
        "term = \"3d\"\nremind_before = \"1d\"\nescalate_to = { role = \"authority.leader\", at = \"authority\" }";
    let mut case = Case::of(definition(&node("only", "authority.technical", rest)));
    case.act("tech1", Act::Claim { task: 1 });
    case.tick(at("2026-03-04 08:59:59"));
    assert_eq!(case.events, []);
    case.tick(at("2026-03-04 09:00:00"));
    assert!(
        matches!(
            case.events.as_slice(),
            [FlowEvent::Notify {
                notice: Notice::Reminder,
                ..
            }]
        ),
        "{:?}",
        case.events
    );
    case.tick(at("2026-03-05 08:59:59"));
    assert_eq!(case.events, []);
    case.tick(at("2026-03-05 09:00:00"));
    let told = case.events.iter().find_map(|e| match e {
        FlowEvent::Notify {
            accounts,
            notice: Notice::Overdue,
            ..
        } => Some(accounts.clone()),
        _ => None,
    });
    assert!(told.unwrap().contains(&who("leader1")));
    let before = case.run.clone();
    case.tick(case.now);
    assert_eq!(
        (case.run.clone(), case.events.len()),
        (before, 0),
        "the same moment twice"
    );
    case.agree("leader2", "only");
    assert_eq!(case.run.state, FlowState::Approved);
}

#[test]
fn urging_counts_once_a_day() {
    let mut case = Case::of(definition(&node("only", "authority.technical", "")));
    case.act("clerk", Act::Urge { task: 1 });
    assert_eq!(
        case.refusal("clerk", Act::Urge { task: 1 }).to_string(),
        "今天已催办过该任务，请明天再催"
    );
    case.tick(at("2026-03-03 00:00:00"));
    case.act("clerk", Act::Urge { task: 1 });
    assert_eq!(case.run.task(1).unwrap().urged, 2);
}

#[test]
fn a_disagreement_says_why_and_what_to_mend() {
    let mut case = Case::of(definition(&node(
        "only",
        "authority.technical",
        "may_return_to = [\"applicant\"]",
    )));
    let silent = |reason: &str, advice: &str| Act::Disagree {
        task: 1,
        reason: reason.into(),
        advice: advice.into(),
    };
    assert_eq!(
        case.refusal("tech1", silent(" ", "x")).to_string(),
        "不同意必须说明理由"
    );
    assert!(case.refusal("tech1", silent("x", "")).to_string().contains("改进建议"));
    let back = Act::Return {
        task: 1,
        to: ReturnTo::Applicant,
        reason: String::new(),
    };
    assert_eq!(case.refusal("tech1", back).to_string(), "退回必须说明理由");
    case.act("tech1", disagree(1));
    let record = case.run.history.iter().find(|r| r.deed == Deed::Disagree).unwrap();
    assert_eq!(
        (record.opinion.as_str(), record.advice.as_str()),
        ("规格偏大", "先用存量")
    );
}

#[test]
fn a_second_click_is_harmless() {
    let mut case = Case::of(definition(&node("all", "authority.technical", "mode = \"all\"")));
    case.act("tech1", agree(1));
    let before = case.run.clone();
    assert_eq!(
        case.refusal("tech1", agree(1)).to_string(),
        "该任务已同意，无需再次办理"
    );
    assert_eq!(case.run, before);
    assert_eq!(case.run.task(1).unwrap().state, TaskState::Agreed);
}

#[test]
fn a_run_keeps_the_version_it_began_with_and_survives_storage() {
    let mut case = Case::of(definition(&node("only", "authority.technical", "")));
    let stored = serde_json::to_string(&case.run).unwrap();
    assert_eq!(
        serde_json::from_str::<domain::flow::FlowRun>(&stored).unwrap(),
        case.run
    );
    case.definition.version = 2;
    assert!(case.refusal("tech1", agree(1)).to_string().contains("第 1 版"));
    case.definition.version = 1;
    case.now = at("2026-03-01");
    assert!(case.refusal("tech1", agree(1)).to_string().contains("时钟"));
}
