//! Who may not, who acts for whom, and what happens when somebody loses the right.

use crate::world::*;
use domain::authz::Role;
use domain::flow::{Absence, Act, Deed, FlowRefusal, FlowState, SignPosition, TaskState, choices};
use kernel::Period;

fn away(case: &mut Case, account: &str, delegate: &str) {
    case.town.add_absence(Absence {
        account: who(account),
        delegate: who(delegate),
        period: Period::new(at("2026-03-01"), at("2026-03-08")).unwrap(),
    });
}

#[test]
fn the_applicant_decides_nothing_in_any_disguise() {
    let rest = "may_add_sign = true\nmay_transfer = true";
    let mut case = Case::of(definition(&node("only", "authority.technical", rest)));
    // As holder of the role, as delegate of a holder, as added signer, as target of a transfer.
    case.town
        .grant(who("clerk"), Role::AuthorityTechnical, organisation("A1"));
    away(&mut case, "tech1", "clerk");
    case.tick(case.now);
    assert_eq!(case.refusal("clerk", agree(1)), FlowRefusal::OwnApplication);
    let add = Act::AddSigner {
        task: 1,
        signer: who("clerk"),
        position: SignPosition::Before,
        opinion: String::new(),
    };
    assert!(case.refusal("tech1", add).to_string().contains("申请人"));
    let hand_on = Act::Transfer {
        task: 1,
        to: who("clerk"),
        opinion: String::new(),
    };
    assert!(case.refusal("tech1", hand_on).to_string().contains("申请人"));
    assert!(!case.run.task(1).unwrap().accounts().contains(&who("clerk")));
}

#[test]
fn choices_are_exactly_whom_an_act_accepts() {
    let rest =
        "may_add_sign = true\nmay_transfer = true\nescalate_to = { role = \"authority.leader\", at = \"authority\" }";
    let case = Case::of(definition(&node("only", "authority.technical", rest)));
    let of = |name: &str| choices(&case.run, &case.definition, &case.town, who(name), case.now, &due).unwrap();
    let mine = of("tech1");
    let tries = |what: Act| case.clone().try_act("tech1", what).is_ok();
    let mut accepted = 0;
    for name in [
        "clerk", "head", "intake1", "tech1", "tech2", "leader1", "ops", "security", "engineer", "finance", "nobody",
    ] {
        let transfer = Act::Transfer {
            task: 1,
            to: who(name),
            opinion: String::new(),
        };
        let add = Act::AddSigner {
            task: 1,
            signer: who(name),
            position: SignPosition::After,
            opinion: String::new(),
        };
        let choice = mine.iter().find(|choice| choice.account == who(name));
        let said = choice.map_or((false, false), |choice| (choice.transfer, choice.add_signer));
        assert_eq!(said, (tries(transfer), tries(add)), "{name}");
        accepted += usize::from(said.0) + usize::from(said.1);
    }
    assert_eq!(
        accepted,
        2 + 8,
        "handed on to two; signed by all but oneself, the applicant and who is nobody"
    );
    assert_eq!(of("ops"), [], "without a task there is nobody to choose");
}

#[test]
fn a_delegate_decides_for_somebody_who_is_away_and_the_record_says_so() {
    let mut case = Case::of(definition(&node("only", "authority.technical", "")));
    assert!(matches!(case.refusal("ops", agree(1)), FlowRefusal::NotYours(_)));
    away(&mut case, "tech1", "ops");
    let mut later = case.clone();
    later.now = at("2026-03-08");
    assert!(
        matches!(later.refusal("ops", agree(1)), FlowRefusal::NotYours(_)),
        "back again"
    );
    case.act("ops", agree(1));
    let record = case.run.history.iter().find(|r| r.deed == Deed::Agree).unwrap();
    assert_eq!(
        (record.actor, record.on_behalf_of),
        (Some(who("ops")), Some(who("tech1")))
    );
}

#[test]
fn a_delegate_of_another_house_decides_nothing() {
    let mut case = Case::of(definition(&node("only", "authority.technical", "")));
    away(&mut case, "tech1", "engineer");
    assert!(matches!(case.refusal("engineer", agree(1)), FlowRefusal::NotYours(_)));
}

#[test]
fn a_delegate_does_not_sign_twice_in_a_countersign() {
    let mut case = Case::of(definition(&node("all", "authority.technical", "mode = \"all\"")));
    away(&mut case, "tech1", "tech2");
    let other = case.task("all", "tech1").id;
    assert_eq!(case.refusal("tech2", agree(other)), FlowRefusal::SignsTwice);
}

#[test]
fn different_duties_are_different_people() {
    let nodes = [
        node("check", "authority.technical", ""),
        node("decide", "authority.leader", "distinct_from = [\"check\"]"),
    ];
    let mut case = Case::of(definition(&nodes.concat()));
    case.town.grant(who("tech1"), Role::AuthorityLeader, organisation("A1"));
    case.agree("tech1", "check");
    let task = case.task("decide", "leader1").id;
    let refusal = case.refusal("tech1", agree(task)).to_string();
    assert!(refusal.contains("职责分离"), "{refusal}");
    // With nobody else left it is seen, and not approved by itself.
    case.town.disable(who("leader1"));
    case.town.disable(who("leader2"));
    case.tick(case.now);
    assert_eq!((case.run.state, case.run.stuck().len()), (FlowState::Open, 1));
    case.town.enable(who("leader2"));
    case.tick(case.now);
    assert_eq!(case.run.stuck().len(), 0);
    case.agree("leader2", "decide");
    assert_eq!(case.run.state, FlowState::Approved);
}

#[test]
fn a_task_goes_on_when_its_holder_loses_the_role() {
    let rest = "mode = \"all\"\nfallback = { role = \"authority.operations\", at = \"authority\" }";
    let mut case = Case::of(definition(&node("all", "authority.technical", rest)));
    let lost = case.task("all", "tech2").id;
    case.town
        .revoke(who("tech2"), Role::AuthorityTechnical, &organisation("A1"));
    case.town.grant(who("tech2"), Role::AuditAdmin, organisation("A1"));
    // Without a tick in between: the right is looked up when it is used.
    assert!(case.try_act("tech2", agree(lost)).is_err());
    case.agree("tech1", "all");
    assert_eq!(case.run.state, FlowState::Open, "the lost seat still counts");
    case.agree("ops", "all");
    assert_eq!(case.run.state, FlowState::Approved);
}

#[test]
fn an_added_signer_who_leaves_is_let_go_while_the_adder_can_still_choose() {
    let mut case = Case::of(definition(&node("only", "authority.leader", "may_add_sign = true")));
    case.act(
        "leader1",
        Act::AddSigner {
            task: 1,
            signer: who("tech1"),
            position: SignPosition::Before,
            opinion: String::new(),
        },
    );
    case.town.disable(who("tech1"));
    case.tick(case.now);
    assert_eq!(case.run.task(2).unwrap().state, TaskState::Dropped);
    case.agree("leader1", "only");
    assert_eq!(case.run.state, FlowState::Approved);
}

#[test]
fn a_colleague_takes_over_from_a_disabled_applicant_and_then_decides_nothing() {
    let mut case = Case::of(definition(&node("only", "authority.technical", "")));
    case.town.grant(who("clerk2"), Role::UnitApplicant, organisation("D1"));
    let withdraw = || Act::Withdraw { opinion: String::new() };
    assert!(matches!(
        case.refusal("clerk2", withdraw()),
        FlowRefusal::OnlyApplicant(_)
    ));
    case.town.disable(who("clerk"));
    case.act("clerk2", withdraw());
    assert_eq!(case.run.state, FlowState::Withdrawn);
}

#[test]
fn a_transfer_goes_to_a_holder_of_the_role_only() {
    let mut case = Case::of(definition(&node("only", "authority.technical", "may_transfer = true")));
    let to = |name: &str| Act::Transfer {
        task: 1,
        to: who(name),
        opinion: String::new(),
    };
    assert!(matches!(case.refusal("tech1", to("ops")), FlowRefusal::UnfitTarget(_)));
    case.act("tech1", to("tech2"));
    assert!(matches!(case.refusal("tech1", agree(1)), FlowRefusal::NotYours(_)));
    case.agree("tech2", "only");
    assert_eq!(case.run.state, FlowState::Approved);
}
