//! What is registered of a node's platform decides on levels and places (R6, R7, R37), as it holds on the day.

use crate::town::{Town, server};
use app::nodes::{NewNode, NewPool, add};
use app::requests::check_thought;
use domain::registry::{NodeSource, Platform, PoolKind};
use domain::rules::{Check, Outcome, Verdict};
use test_support::TestStore;

/// What is registered of the provider's node from a day on.
async fn platform(town: &Town, since: &str, level: Option<u8>, inside: Option<bool>) {
    let node = NewNode {
        code: "N1".parse().unwrap(),
        name: "N1".into(),
        provider: "P1".parse().unwrap(),
        source: NodeSource::Files { folder: "N1".into() },
        platform: Platform {
            mlps_level: level,
            filing: level.map(|level| format!("备案 5301-{level}")),
            operated_in_china: Some(true),
            data_in_china: inside,
        },
        pools: vec![NewPool {
            code: "XC".parse().unwrap(),
            name: "XC".into(),
            kind: PoolKind::Xinchuang,
            zones: Vec::new(),
            separate: Some(false),
        }],
        valid_from: since.parse().unwrap(),
    };
    assert!(add(town.platform(), node).await.unwrap().new);
}

async fn judged(town: &Town) -> (Verdict, Vec<Check>) {
    let thought = check_thought(&town.by("wang"), server("S1", PoolKind::Xinchuang))
        .await
        .unwrap();
    let about = thought.checks.into_iter();
    let about = about.filter(|check| ["R7", "R37"].contains(&check.rule.to_string().as_str()));
    (thought.verdict, about.collect())
}

fn outcomes(checks: &[Check]) -> Vec<Outcome> {
    checks.iter().map(|check| check.outcome.clone()).collect()
}

pub async fn platforms_are_judged_as_registered(store: TestStore) {
    let town = Town::new(store).await;
    let (_, unknown) = judged(&town).await;
    assert_eq!(outcomes(&unknown), [Outcome::CannotJudge, Outcome::CannotJudge]);
    assert!(unknown[0].reason.contains("P1（N1） 的平台等级没有登记"), "{unknown:?}");

    // The level is known, where the data is not yet.
    platform(&town, "2026-10-01", Some(2), None).await;
    let (_, level) = judged(&town).await;
    assert_eq!(outcomes(&level), [Outcome::Pass, Outcome::CannotJudge]);
    platform(&town, "2026-10-05", Some(3), Some(true)).await;
    let (_, all) = judged(&town).await;
    assert_eq!(outcomes(&all), [Outcome::Pass, Outcome::Pass]);

    // What holds later is not judged by before.
    platform(&town, "2026-11-01", Some(1), Some(false)).await;
    let (_, still) = judged(&town).await;
    assert_eq!(outcomes(&still), [Outcome::Pass, Outcome::Pass]);
    town.now_is("2026-11-02 09:00:00");
    let (verdict, then) = judged(&town).await;
    assert_eq!(outcomes(&then), [Outcome::Block, Outcome::Block]);
    assert_eq!(verdict, Verdict::Blocked, "{then:?}");
}
