//! What closed months leave open, on both stores: sums that were withheld and are released, outages that are known
//! late, late data beside prices that nobody approved, and cases that end. Every figure is worked by hand.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod cases;
mod world;

use app::cases::{SettleCase, settle};
use app::import::{ImportKind, ImportOptions, import_file};
use app::month::{AnswerInput, answer_difference, rate, rerate, show};
use app::nodes::{self, NewNode, NewPool};
use app::statements::{AdvanceInput, advance};
use app::{AppError, OpContext, Progress};
use domain::authz::{Actor, Role};
use domain::meter::CaseOutcome;
use domain::reconcile::AnswerOutcome;
use domain::registry::{PoolKind, Side};
use domain::settle::{ReleaseCause, Statement, StatementStatus, Step};
use kernel::{AccountId, ErrorKind, Kinded as _, Money};
use std::sync::Arc;
use test_support::TestStore;
use tokio::runtime::Handle;
use world::{World, month};

test_support::on_both_stores!(
    what_was_withheld_is_released_once,
    what_is_settled_before_the_close_is_not_withheld,
    a_late_outage_is_deducted_once,
    late_data_leaves_unapproved_prices_out,
    what_is_registered_back_of_a_node_is_late_data,
    a_reason_holds_for_what_was_shown_only,
    a_providers_own_statement_is_confirmed_by_the_provider,
    who_may_not_is_refused_by_the_use_case_itself,
);

const BOTH: [(&str, &str, &str); 2] = [("A-1", "D1", "2500.00"), ("A-2", "D2", "5000.00")];

fn releases(statement: &Statement) -> Vec<(String, String, i64, ReleaseCause)> {
    let rows = statement.releases.iter().map(|r| {
        assert_eq!((r.month, r.item.as_str()), (month("2026-03"), "LINE"));
        (r.statement.clone(), r.resource.clone(), r.amount.fen(), r.cause)
    });
    rows.collect()
}

async fn answer(world: &World, resource: &str, outcome: AnswerOutcome, agreed: Option<i64>) {
    let input = AnswerInput {
        provider: "P1".into(),
        resource: resource.into(),
        item: "LINE".into(),
        outcome,
        agreed: agreed.map(Money::from_fen),
        words: String::new(),
    };
    answer_difference(&world.ctx, month("2026-03"), input).await.unwrap();
}

async fn what_was_withheld_is_released_once(store: TestStore) {
    let world = World::new(store).await;
    world
        .on("2026-04-03 10:00:00")
        .bill(1, &[("A-1", "D1", "2400.00")])
        .await;
    let march = world.close("2026-03").await;
    assert_eq!((march.withheld.fen(), march.still_withheld.fen()), (510_000, 510_000));
    assert_eq!(world.payable("2026-03").await, [240_000, 0, 240_000]);
    let closed = world.statements("2026-03").await;

    // A corrected bill: all of A-1, 4,000.00 of A-2.
    world.on("2026-04-20 10:00:00");
    world
        .bill(2, &[("A-1", "D1", "2500.00"), ("A-2", "D2", "4000.00")])
        .await;
    let april = world.on("2026-05-03 10:00:00").close("2026-04").await;
    assert_eq!((april.released.fen(), april.still_withheld.fen()), (410_000, 100_000));
    assert_eq!(world.payable("2026-04").await, [260_000, 900_000, 1_160_000]);
    let statements = world.statements("2026-04").await;
    let row = |number: &str, resource: &str, fen, cause| (number.to_owned(), resource.to_owned(), fen, cause);
    let first = row("JS-202603-0001", "A-1", 10_000, ReleaseCause::CorrectedBill);
    let second = row("JS-202603-0002", "A-2", 400_000, ReleaseCause::CorrectedBill);
    let whole = [first, second];
    assert_eq!(releases(&statements[0]), whole[..1]);
    assert_eq!(releases(&statements[1]), whole[1..]);
    assert_eq!(releases(&statements[2]), whole, "the provider's own statement");

    // Nothing came: nothing is released, though the bill is still another than that of the close.
    let may = world.on("2026-06-03 10:00:00").close("2026-05").await;
    assert_eq!((may.released.fen(), may.still_withheld.fen()), (0, 100_000));

    // Both sides settle on 4,600.00; later the provider accepts our figure.
    answer(&world, "A-2", AnswerOutcome::Disputed, None).await;
    world.on("2026-06-04 10:00:00");
    answer(&world, "A-2", AnswerOutcome::Settled, Some(460_000)).await;
    let june = world.on("2026-07-03 10:00:00").close("2026-06").await;
    assert_eq!((june.released.fen(), june.still_withheld.fen()), (60_000, 40_000));
    let statements = world.statements("2026-06").await;
    assert_eq!(
        releases(&statements[1]),
        [row("JS-202603-0002", "A-2", 60_000, ReleaseCause::Settled)]
    );
    answer(&world, "A-2", AnswerOutcome::Accepted, None).await;
    let july = world.on("2026-08-03 10:00:00").close("2026-07").await;
    assert_eq!((july.released.fen(), july.still_withheld.fen()), (40_000, 0));
    let august = world.on("2026-09-03 10:00:00").close("2026-08").await;
    assert_eq!((august.released.fen(), august.payable.fen()), (0, 750_000));

    let shown = show(&world.ctx, month("2026-03")).await.unwrap().withheld;
    assert_eq!(
        (shown.withheld.fen(), shown.released.fen(), shown.left.fen()),
        (510_000, 510_000, 0)
    );
    let view = app::statements::show(&world.ctx, "JS-202603-0002").await.unwrap();
    let by: Vec<_> = view
        .released_by
        .iter()
        .map(|r| (r.statement.as_str(), r.amount.fen()))
        .collect();
    assert_eq!(
        by,
        [
            ("JS-202604-0002", 400_000),
            ("JS-202606-0002", 60_000),
            ("JS-202607-0002", 40_000)
        ]
    );
    assert_eq!(
        world.statements("2026-03").await,
        closed,
        "a closed statement never changes"
    );
}

async fn what_is_settled_before_the_close_is_not_withheld(store: TestStore) {
    let world = World::new(store).await;
    world
        .on("2026-04-03 10:00:00")
        .bill(1, &[("A-1", "D1", "2400.00")])
        .await;
    app::month::meter(&world.ctx, month("2026-03")).await.unwrap();
    rate(&world.ctx, month("2026-03")).await.unwrap();
    app::month::reconcile_month(&world.ctx, month("2026-03")).await.unwrap();
    answer(&world, "A-1", AnswerOutcome::Accepted, None).await;
    answer(&world, "A-2", AnswerOutcome::Settled, Some(300_000)).await;
    let march = world.close("2026-03").await;
    assert_eq!(march.withheld.fen(), 200_000);
    assert_eq!(world.payable("2026-03").await, [250_000, 300_000, 550_000]);
}

async fn a_late_outage_is_deducted_once(store: TestStore) {
    let world = World::new(store).await;
    world.on("2026-04-03 10:00:00").bill(1, &BOTH).await;
    world.close("2026-03").await;
    let closed = world.statements("2026-03").await;

    let noted = world
        .on("2026-04-10 10:00:00")
        .outage("2026-03-05 11:00:00", "", "")
        .await;
    assert_eq!((noted.counts.new, noted.counts.late_facts), (1, 1));
    let april = world.on("2026-05-03 10:00:00").close("2026-04").await;
    assert_eq!(april.deducted.fen(), 25_000);
    assert_eq!(world.payable("2026-04").await, [225_000, 500_000, 725_000]);
    let statements = world.statements("2026-04").await;
    let deduction = &statements[0].deductions[0];
    let corrects = deduction.corrects.as_ref().unwrap();
    assert_eq!(
        (
            deduction.resource.as_str(),
            deduction.availability.to_string().as_str(),
            deduction.amount.fen()
        ),
        ("A-1", "0.998656", 25_000)
    );
    assert_eq!(
        (
            corrects.month,
            corrects.statement.as_str(),
            corrects.before.fen(),
            corrects.right.fen()
        ),
        (month("2026-03"), "JS-202603-0001", 0, 25_000)
    );
    assert_eq!(statements[2].deductions, statements[0].deductions);

    let may = world.on("2026-06-03 10:00:00").close("2026-05").await;
    assert_eq!(may.deducted.fen(), 0, "never twice");

    // It was announced maintenance: what was deducted is given back, once.
    let corrected = world.outage("2026-03-05 11:00:00", "已公告的维护", "补交公告").await;
    assert_eq!((corrected.counts.changed, corrected.counts.late_facts), (1, 1));
    let june = world.on("2026-07-03 10:00:00").close("2026-06").await;
    assert_eq!((june.deducted.fen(), june.payable.fen()), (-25_000, 775_000));
    let back = world.statements("2026-06").await[0].deductions[0].clone();
    let corrects = back.corrects.unwrap();
    assert_eq!(
        (
            back.amount.fen(),
            corrects.before.fen(),
            corrects.right.fen(),
            corrects.month
        ),
        (-25_000, 25_000, 0, month("2026-03"))
    );
    let july = world.on("2026-08-03 10:00:00").close("2026-07").await;
    assert_eq!((july.deducted.fen(), july.payable.fen()), (0, 750_000));
    assert_eq!(world.statements("2026-03").await, closed);
    let mut read = world.ctx.store().read().await.unwrap();
    let before = read.corrected_outages().await.unwrap();
    assert_eq!(
        (before.len(), before[0].0.excluded.clone(), before[0].1.as_str()),
        (1, None, "补交公告")
    );
}

async fn price(world: &World, version: u32, yuan: u32) {
    let text = format!(
        "合同编号,价目版本,生效日期,条目代码,计价方式,单价（元）,条款,依据,批准人\n\
         HT-1,{version},2026-03-01,LINE,flat,{yuan},附件一,追溯调价,张三\n"
    );
    let outcome = world.import(ImportKind::Prices, &text).await;
    assert_eq!(outcome.counts.late_facts, 1);
}

async fn released_on(world: &World, code: &str, system: &str, quantity: u32, day: &str) {
    let text = format!(
        "分配单号,系统代码,服务形式,资源类型,规格,云节点,计费开始,计费终止\n\
         {code},{system},industry_line,line,bandwidth_mbps={quantity},N1,2026-03-01,{day}\n"
    );
    world.import(ImportKind::Allocations, &text).await;
}

/// What a month's rating corrects March by, in fen.
async fn corrects_march(world: &World, text: &str) -> Option<i64> {
    let rated = rate(&world.ctx, month(text)).await.unwrap();
    rated.summary.corrections.get("2026-03").map(|amount| amount.fen())
}

async fn late_data_leaves_unapproved_prices_out(store: TestStore) {
    let world = World::new(store).await;
    world.on("2026-04-03 10:00:00").bill(1, &BOTH).await;
    world.close("2026-03").await;
    // The same second as the close on purpose: which import it was tells, not the time.
    price(&world, 2, 30).await;
    released_on(&world, "A-1", "S1", 100, "2026-03-16").await;
    app::month::meter(&world.ctx, month("2026-04")).await.unwrap();
    // 2,500.00 x 15/31 = 1,209.677 = 1,209.68, so -1,290.32; at 30 it would be 1,451.61 and 1,000.00 more for A-2.
    assert_eq!(corrects_march(&world, "2026-04").await, Some(-129_032));

    // With somebody's reason the price is corrected too: 1,451.61 - 2,500.00 + 1,000.00 = -48.39.
    rerate(&world.ctx, month("2026-03"), "调价通知", true).await.unwrap();
    assert_eq!(corrects_march(&world, "2026-04").await, Some(-4_839));
    world.on("2026-05-03 10:00:00").close("2026-04").await;

    // Another price that waits does not take the approved one along: 6,000.00 x 20/31 = 3,870.97, so -2,129.03.
    price_for_two_months(&world).await;
    released_on(&world, "A-2", "S2", 200, "2026-03-21").await;
    app::month::meter(&world.ctx, month("2026-05")).await.unwrap();
    assert_eq!(corrects_march(&world, "2026-05").await, Some(-212_903));
}

/// Registers a node, run by this provider from a day on.
async fn node_is(world: &World, code: &str, provider: &str, day: &str, pool: Option<PoolKind>) -> Vec<String> {
    let pool = pool.map(|kind| NewPool {
        code: "N1-A".parse().unwrap(),
        name: "资源池".into(),
        kind,
        zones: Vec::new(),
        separate: None,
    });
    let node = NewNode {
        code: code.parse().unwrap(),
        provider: provider.parse().unwrap(),
        pools: pool.into_iter().collect(),
        ..world::node(day)
    };
    let added = nodes::add(&world.ctx, node).await.unwrap();
    assert!(added.new, "{provider} {day}");
    added.notes
}

/// The facts of March that are open.
async fn open_of_march(world: &World) -> Vec<String> {
    let mut read = world.ctx.store().read().await.unwrap();
    let open = read.open_late_facts().await.unwrap();
    let details = open.into_iter().map(|fact| {
        assert_eq!(
            (fact.month, fact.cause.as_str(), fact.approved),
            (month("2026-03"), "late_data", true)
        );
        fact.detail
    });
    details.collect()
}

async fn what_is_registered_back_of_a_node_is_late_data(store: TestStore) {
    let world = World::new(store).await;
    world.on("2026-04-03 10:00:00").bill(1, &BOTH).await;
    world.close("2026-03").await;
    let other = "代码,名称,类别,生效日期\nP2,乙云公司,云服务商,2026-01-01\n";
    world.import(ImportKind::Organisations, other).await;
    assert!(
        node_is(&world, "N1", "P1", "2026-04-01", None).await.is_empty(),
        "as it was"
    );
    // Its first pool, and a month that is open.
    assert!(
        node_is(&world, "N1", "P1", "2026-03-02", Some(PoolKind::X86))
            .await
            .is_empty()
    );
    assert!(node_is(&world, "N1", "P2", "2026-05-01", None).await.is_empty());
    assert!(open_of_march(&world).await.is_empty());

    let told = node_is(&world, "N1", "P2", "2026-03-16", None).await;
    assert!(told.len() == 1 && told[0].contains("已关账的月份 2026-03"), "{told:?}");
    assert_eq!(open_of_march(&world).await, ["追溯登记的云节点 N1 变更"]);
    // P2 has no contract: 2,500.00 x 15/31 = 1,209.68 and 5,000.00 x 15/31 = 2,419.35 stay.
    app::month::meter(&world.ctx, month("2026-04")).await.unwrap();
    assert_eq!(corrects_march(&world, "2026-04").await, Some(-387_097));

    let told = node_is(&world, "N1", "P1", "2026-03-10", Some(PoolKind::Xinchuang)).await;
    assert!(told.len() == 1 && told[0].contains("已关账的月份 2026-03"), "{told:?}");
    let open = open_of_march(&world).await;
    assert_eq!(open.len(), 2, "{open:?}");
    assert!(open.contains(&"追溯登记的资源池 N1-A 变更".to_owned()), "{open:?}");
    // Before its first version a node is whose it was first: from a day that is open on, it was another's in March too.
    assert!(node_is(&world, "N2", "P1", "2026-05-01", None).await.is_empty());
    let told = node_is(&world, "N2", "P2", "2026-04-15", None).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let open = open_of_march(&world).await;
    assert!(open.contains(&"追溯登记的云节点 N2 变更".to_owned()), "{open:?}");
}

/// Version 3, dated back to March behind the close of March and April.
const VERSION_3: &str = "合同编号,价目版本,生效日期,条目代码,计价方式,单价（元）,条款,依据,批准人\n\
                         HT-1,3,2026-03-01,LINE,flat,40,附件一,追溯调价,张三\n";

/// Imports prices when what waits was read and nothing is written yet.
struct Meanwhile(OpContext);

impl Progress for Meanwhile {
    fn at(&self, _what: &str, done: u64, _all: u64) {
        if done == 1 {
            let options = ImportOptions::default();
            let import = import_file(&self.0, ImportKind::Prices, "3.csv", VERSION_3.as_bytes(), options);
            tokio::task::block_in_place(|| Handle::current().block_on(import)).unwrap();
        }
    }
}

async fn a_reason_holds_for_what_was_shown_only(store: TestStore) {
    let world = World::new(store).await;
    world.on("2026-04-03 10:00:00").bill(1, &BOTH).await;
    world.close("2026-03").await;
    price(&world, 2, 30).await;
    let watched = world.ctx.clone().watched(Arc::new(Meanwhile(world.ctx.clone())));
    let refused = rerate(&watched, month("2026-03"), "调价通知", true).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
    app::month::meter(&world.ctx, month("2026-04")).await.unwrap();
    assert_eq!(
        corrects_march(&world, "2026-04").await,
        None,
        "neither price is approved"
    );
    assert!(
        rerate(&world.ctx, month("2026-03"), "调价通知", true)
            .await
            .unwrap()
            .committed
    );
}

async fn price_for_two_months(world: &World) {
    assert_eq!(world.import(ImportKind::Prices, VERSION_3).await.counts.late_facts, 2);
}

async fn a_providers_own_statement_is_confirmed_by_the_provider(store: TestStore) {
    let world = World::new(store).await;
    world.on("2026-04-03 10:00:00").bill(1, &BOTH).await;
    world.close("2026-03").await;
    let say = |number: &str, side| AdvanceInput {
        number: number.into(),
        side,
        step: Step::Agree,
        text: String::new(),
    };
    let refused = advance(&world.ctx, say("JS-202603-0003", Side::Unit))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("应由云服务商办理"), "{refused}");
    assert!(
        advance(&world.ctx, say("JS-202603-0001", Side::Provider))
            .await
            .is_err()
    );
    let expected = (StatementStatus::ProviderConfirmed, "待监理审核");
    let confirmed = advance(&world.ctx, say("JS-202603-0003", Side::Provider))
        .await
        .unwrap();
    assert_eq!(confirmed, expected);
    for side in [Side::Supervisor, Side::CostAssessor, Side::Authority] {
        advance(&world.ctx, say("JS-202603-0003", side)).await.unwrap();
    }
    let view = app::statements::show(&world.ctx, "JS-202603-0003").await.unwrap();
    assert_eq!((view.status, view.stage), (StatementStatus::Final, "已审定"));
}

/// Whichever way somebody came, the use case asks; what is refused is in the chain.
async fn who_may_not_is_refused_by_the_use_case_itself(store: TestStore) {
    let world = World::new(store).await;
    world.on("2026-04-03 10:00:00").bill(1, &BOTH).await;
    world.close("2026-03").await;
    let stranger = world.ctx.acting(Actor {
        account: AccountId::from_parts(1, &[7; 10]),
        login: "stranger".into(),
        organisation: "D2".parse().unwrap(),
        side: Side::Unit,
        roles: vec![Role::UnitApplicant],
        scope: None,
    });
    let answer = AnswerInput {
        provider: "P1".into(),
        resource: "A-1".into(),
        item: "LINE".into(),
        outcome: AnswerOutcome::Accepted,
        agreed: None,
        words: String::new(),
    };
    let say = |side| AdvanceInput {
        number: "JS-202603-0001".into(),
        side,
        step: Step::Agree,
        text: String::new(),
    };
    let case = SettleCase {
        id: world.ctx.new_id(),
        outcome: CaseOutcome::Accepted,
        reason: "理由".into(),
    };
    let text = "系统代码\n".as_bytes();
    let refused: [Result<(), AppError>; 5] = [
        rerate(&stranger, month("2026-03"), "理由", false).await.map(drop),
        answer_difference(&stranger, month("2026-03"), answer).await,
        settle(&stranger, case).await.map(drop),
        advance(&stranger, say(Side::Unit)).await.map(drop),
        import_file(&stranger, ImportKind::Systems, "a.csv", text, ImportOptions::default())
            .await
            .map(drop),
    ];
    let kinds = refused.map(|result| result.unwrap_err().kind());
    assert_eq!(kinds, [ErrorKind::Forbidden; 5]);
    let entries = test_support::chain(world.ctx.store()).await;
    let noted: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.actor == "stranger" && entry.action == "access.refused")
        .map(|entry| entry.object.as_str())
        .collect();
    assert_eq!(noted.len(), 5, "{noted:?}");
    assert!(noted.contains(&"statement:JS-202603-0001"), "{noted:?}");
    let other_side = advance(&stranger, say(Side::Authority)).await.unwrap_err();
    assert!(other_side.to_string().contains("不能代表主管"), "{other_side}");
}
