//! The golden months through import, collecting, metering, rating and closing, on both stores: the lines that are read
//! back from the lake, and the cases that are read back from the store, are byte for byte those of the files that the
//! domain is held against.

use crate::bureau::Bureau;
use crate::scenario::{Scenario, findings, folder, names, render};
use crate::sheets;
use app::month::{StepState, close_month, meter, rate, rerate};
use kernel::{Instant, Month};
use std::collections::BTreeSet;
use test_support::TestStore;

/// Scenarios with facts that no import file can say, and why. Those facts, and no others, are put into the store
/// directly.
const BESIDE_THE_IMPORTS: &[(&str, &str)] = &[(
    "one-off-work",
    "a file of accepted work names a day; here work is accepted at an hour, and once recorded with a long period",
)];

/// What a person gives as the reason for prices that were dated back behind a closed month.
const REASON: &str = "追溯调价";

macro_rules! golden_months {
    ($($name:ident),+ $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];
        $(async fn $name(store: TestStore) {
            holds(&file_name(stringify!($name)), store).await;
        })+
        test_support::on_both_stores!($($name),+);
    };
}

golden_months![
    accepted_work,
    approved_and_seen,
    backdated_version,
    born_and_released_inside,
    cap,
    contract_change_over,
    full_month,
    graduated,
    graduated_by_organisation,
    half_a_fen,
    late_price_with_commitment,
    late_release,
    late_transfer,
    leap_february,
    measured_mean,
    merged_department,
    minimum_commitment,
    node_outage,
    one_off_work,
    package,
    parent_released,
    price_change_on_the_15th,
    proration_by_second,
    proration_full_month_after_15_days,
    proration_whole_month,
    resize,
    transfer,
    two_price_changes,
    volume_by_organisation_whole_month_capped,
    volume_tiers,
];

/// A function cannot have the name of a file.
fn file_name(function: &str) -> String {
    function.replace('_', "-")
}

#[test]
fn every_golden_month_is_held_on_both_stores() {
    let held: BTreeSet<String> = NAMES.iter().map(|name| file_name(name)).collect();
    assert_eq!(held, names().into_iter().collect());
    assert!(
        BESIDE_THE_IMPORTS
            .iter()
            .all(|(name, why)| held.contains(*name) && !why.is_empty())
    );
}

/// Noon of a day of the month after.
fn noon_after(month: Month, day: i64) -> Instant {
    month.next().first_day().plus(day - 1).start().plus_s(12 * 3600)
}

async fn holds(name: &str, store: TestStore) {
    let scenario = Scenario::load(name);
    let month = scenario.month();
    let bureau = Bureau::new(store, noon_after(month, 2));
    let beside = bureau.take_in(&scenario).await;
    let is_named = BESIDE_THE_IMPORTS.iter().any(|(named, _)| *named == name);
    assert_eq!(!beside.is_empty(), is_named, "{beside:#?}");

    assert_eq!(meter(&bureau.ctx, month).await.unwrap().state, StepState::Done);
    assert_eq!(rate(&bureau.ctx, month).await.unwrap().state, StepState::Done);
    let mut text = render(&bureau.lines(month, month).await) + &findings(&bureau.findings().await);
    if let Some((late, _)) = scenario.late() {
        text += &corrections(&bureau, &scenario, &late).await;
    }
    let golden = std::fs::read_to_string(folder().join(format!("{name}.lines.txt"))).unwrap();
    assert!(text == golden, "{name}: expected\n{golden}\nfound\n{text}");
}

/// Closes the month, hands in what became known later, and rates the next month: what it posts for the closed one.
///
/// The node's looks stay as they were: a look that was taken in is not taken back, and of what was approved and what
/// was seen the smaller counts.
async fn corrections(bureau: &Bureau, scenario: &Scenario, late: &Scenario) -> String {
    let (closed, open) = (scenario.month(), scenario.month().next());
    bureau.now_is(noon_after(closed, 3));
    close_month(&bureau.ctx, closed).await.unwrap();
    let frozen = render(&bureau.lines(closed, closed).await);

    bureau.now_is(noon_after(closed, 10));
    let before = sheets::after_nodes(scenario);
    let news: Vec<_> = (sheets::after_nodes(late).into_iter())
        .filter(|sheet| !before.contains(sheet))
        .collect();
    let mut late_facts = 0;
    for sheet in &news {
        late_facts += bureau.import(sheet).await.counts.late_facts;
    }
    assert_eq!(late_facts, 1, "one thing is late, and known to be");
    meter(&bureau.ctx, open).await.unwrap();
    let rated = rate(&bureau.ctx, open).await.unwrap();
    if !rated.summary.waiting.is_empty() {
        // Prices that are dated back are posted when somebody says why, and not before.
        assert_eq!(bureau.lines(open, closed).await.rows.len(), 0);
        assert!(rerate(&bureau.ctx, closed, REASON, true).await.unwrap().committed);
        rate(&bureau.ctx, open).await.unwrap();
    }
    let text = format!("corrections\n{}", render(&bureau.lines(open, closed).await));

    bureau.now_is(noon_after(open, 3));
    close_month(&bureau.ctx, open).await.unwrap();
    let again = rerate(&bureau.ctx, closed, "复核", false).await.unwrap();
    assert_eq!(again.corrections, [], "a second correction finds nothing");
    assert_eq!(
        render(&bureau.lines(closed, closed).await),
        frozen,
        "a closed month stays as it was"
    );
    text
}
