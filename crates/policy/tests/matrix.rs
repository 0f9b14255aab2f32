//! Who may do what: every role and every action, on what is its own, below it, of another organisation, of another side,
//! and of nobody in particular. The table is checked in and read by people; `BLESS=1` writes it anew.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not find fails it")]

use domain::authz::{Action, ActionGroup, Actor, Role, Target, check_roles};
use domain::registry::Side;
use kernel::{AccountId, OrganisationCode};
use policy::Judge;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/authority/matrix.txt");

/// Whose a thing is, seen by whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Of their own organisation; what has an owner is their own.
    Own,
    /// Of an organisation below theirs.
    Below,
    /// Of another organisation of their side.
    Other,
    /// Of an organisation of another side that they have no business with.
    Foreign,
    /// Of no organisation: what belongs to all, or the whole of a list.
    All,
}

const WHOSE: [Whose; 5] = [Whose::Own, Whose::Below, Whose::Other, Whose::Foreign, Whose::All];

fn code(text: &str) -> OrganisationCode {
    text.parse().unwrap()
}

fn account(n: u8) -> AccountId {
    AccountId::from_parts(1, &[n; 10])
}

/// The tree: below each organisation `X` of a side lies `X1`; `Y` is another one of the side.
fn above(of: &OrganisationCode) -> Vec<OrganisationCode> {
    match of.as_str().strip_suffix('1') {
        Some(parent) => vec![code(parent)],
        None => Vec::new(),
    }
}

/// Organisations of a side: one, the one below it, another one.
fn organisations(side: Side) -> [OrganisationCode; 3] {
    let word = side.word().to_uppercase().replace('_', "-");
    [format!("{word}-X"), format!("{word}-X1"), format!("{word}-Y")].map(|text| code(&text))
}

fn side_of(role: Role) -> Side {
    // The three administrators belong to the organisation that runs the platform.
    role.side().unwrap_or(Side::Authority)
}

fn actor(role: Role) -> Actor {
    let side = side_of(role);
    let [own, ..] = organisations(side);
    Actor {
        account: account(1),
        login: "wang".to_owned(),
        organisation: own,
        side,
        roles: vec![role],
        scope: None,
    }
}

/// A thing as whoever asks stands to it. A thing has a unit, a provider and an owner; the two parties it concerns are
/// those of the side that asks, so that whose it is decides.
fn target(actor: &Actor, whose: Whose) -> Target {
    let [own, below, other] = organisations(actor.side);
    let (mine, owner) = match whose {
        Whose::All => {
            return Target {
                kind: "thing",
                ..Target::default()
            };
        }
        Whose::Own => (own, account(1)),
        Whose::Below => (below, account(2)),
        Whose::Other | Whose::Foreign => (other, account(3)),
    };
    let [unit, ..] = organisations(Side::Unit);
    let [provider, ..] = organisations(Side::Provider);
    let (unit, provider) = match (actor.side, whose) {
        (Side::Unit, Whose::Foreign) => (None, Some(provider)),
        (Side::Provider, Whose::Foreign) => (Some(unit), None),
        (Side::Unit, _) => (Some(mine), Some(provider)),
        (Side::Provider, _) => (Some(unit), Some(mine)),
        // For the others everything is of somebody else.
        (_, Whose::Own | Whose::Below) => (Some(mine), None),
        _ => (Some(unit), Some(provider)),
    };
    Target {
        kind: "thing",
        id: "1".to_owned(),
        unit,
        provider,
        owner: Some(owner),
    }
}

fn judge() -> Judge {
    policy::shipped().unwrap().judge
}

fn may(judge: &Judge, role: Role, action: Action, whose: Whose) -> bool {
    let actor = actor(role);
    let target = target(&actor, whose);
    judge.decide(&actor, action, &target, &above).is_ok()
}

fn matrix() -> String {
    let judge = judge();
    let mut text = String::from(
        "# 角色 x 操作 x 资源归属，由授权策略（policies/authority）逐项判定得出；改动策略后用 BLESS=1 重写，并逐行审阅。\n\
         # 五列依次为：本组织（本人） 下级组织 同类其他组织 另一方的组织 不属任何组织（全部）；+ 允许，. 拒绝。\n\
         # 没有列出的操作，五列全部拒绝。\n",
    );
    for role in Role::ALL {
        let _ = write!(text, "\n{} {}\n", role.word(), role.zh());
        for action in Action::ALL {
            let row: String = WHOSE
                .iter()
                .map(|whose| {
                    if may(&judge, *role, *action, *whose) {
                        " +"
                    } else {
                        " ."
                    }
                })
                .collect();
            if row.contains('+') {
                let _ = writeln!(text, "   {row}  {} {}", action.word(), action.zh());
            }
        }
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "BLESS=1 writes the table anew, on purpose")]
fn the_table_of_who_may_do_what_is_the_one_that_was_read() {
    let text = matrix();
    if std::env::var("BLESS").is_ok() {
        std::fs::create_dir_all(std::path::Path::new(KEPT).parent().unwrap()).unwrap();
        std::fs::write(KEPT, &text).unwrap();
    }
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    assert!(
        kept == text,
        "tests/golden/authority/matrix.txt is not what the policies say; write it anew with BLESS=1 and read it"
    );
}

#[test]
fn the_three_administrators_do_no_business_and_nobody_else_administers() {
    let judge = judge();
    let mut allowed: BTreeMap<(bool, ActionGroup), u32> = BTreeMap::new();
    for role in Role::ALL {
        for action in Action::ALL {
            for whose in WHOSE {
                if may(&judge, *role, *action, whose) {
                    *allowed.entry((role.is_administrator(), action.group())).or_default() += 1;
                }
            }
        }
    }
    assert_eq!(allowed.get(&(true, ActionGroup::Business)), None);
    assert_eq!(allowed.get(&(false, ActionGroup::Administration)), None);
    assert!(
        allowed.contains_key(&(true, ActionGroup::Administration)),
        "{allowed:?}"
    );
    assert!(allowed.contains_key(&(false, ActionGroup::Business)), "{allowed:?}");
}

#[test]
fn an_administrator_with_a_second_role_does_no_business_whatever_the_role_allows() {
    let judge = judge();
    for administrator in Role::ALL.iter().filter(|role| role.is_administrator()) {
        for other in Role::ALL.iter().filter(|other| *other != administrator) {
            // No account can hold the two.
            let side = side_of(*other);
            assert!(
                check_roles(side, &[*administrator, *other]).is_err(),
                "{administrator} {other}"
            );
            // Were it so, as after somebody wrote into the table, it would still do no business.
            let both = Actor {
                roles: vec![*administrator, *other],
                ..actor(*other)
            };
            for action in Action::ALL
                .iter()
                .filter(|action| action.group() == ActionGroup::Business)
            {
                for whose in WHOSE {
                    let target = target(&both, whose);
                    assert!(
                        judge.decide(&both, *action, &target, &above).is_err(),
                        "{other} {action} {whose:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_action_is_somebodys_and_nobody_without_a_role_may_anything_of_others() {
    let judge = judge();
    for action in Action::ALL {
        let somebody = Role::ALL
            .iter()
            .any(|role| WHOSE.iter().any(|whose| may(&judge, *role, *action, *whose)));
        assert!(somebody, "nobody may {action}");
    }
    for role in Role::ALL {
        let nobody = Actor {
            roles: Vec::new(),
            ..actor(*role)
        };
        for action in Action::ALL {
            for whose in WHOSE {
                let target = target(&nobody, whose);
                let personal = matches!(action, Action::MessageRead | Action::TokenWrite | Action::AbsenceWrite);
                let own = whose == Whose::Own && personal;
                let allowed = judge.decide(&nobody, *action, &target, &above).is_ok();
                assert!(!allowed || own, "{action} {whose:?} without a role");
            }
        }
    }
}

#[test]
fn units_and_providers_never_reach_beyond_their_own() {
    let judge = judge();
    for role in Role::ALL
        .iter()
        .filter(|role| matches!(role.side(), Some(Side::Unit | Side::Provider)))
    {
        for action in Action::ALL
            .iter()
            .filter(|action| action.group() == ActionGroup::Business)
        {
            for whose in [Whose::Other, Whose::Foreign, Whose::All] {
                assert!(!may(&judge, *role, *action, whose), "{role} {action} {whose:?}");
            }
        }
    }
}

#[test]
fn a_token_never_reaches_further_than_its_scope() {
    let judge = judge();
    for role in Role::ALL {
        for action in Action::ALL {
            for scope in Action::ALL.iter().filter(|scope| *scope != action) {
                let by_token = Actor {
                    scope: Some(vec![*scope]),
                    ..actor(*role)
                };
                let target = target(&by_token, Whose::Own);
                assert!(
                    judge.decide(&by_token, *action, &target, &above).is_err(),
                    "{role} {action} by {scope}"
                );
            }
        }
    }
}
