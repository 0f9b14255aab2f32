//! Runs, closed months, late facts and statements.

use super::{at, commit, month};
use domain::reconcile::DifferenceClass;
use domain::registry::Side;
use domain::settle::{
    Opinion, Release, ReleaseCause, Statement, StatementItem, StatementScope, StatementStatus, Step, Withheld,
};
use kernel::{CaseId, Digest, ImportId, Instant, Money, Quantity, RunId};
use store::{ChargeSum, LateFact, MonthRecord, RunRecord, StatementRecord, StoreError};
use test_support::TestStore;

fn run(n: u8, step: &str, scope: &str) -> RunRecord {
    RunRecord {
        id: RunId::from_parts(1, &[n; 10]),
        step: step.into(),
        month: month("2026-03"),
        scope: scope.into(),
        input: Digest::of(b"in"),
        output: Digest::of(&[n]),
        path: (n > 1).then(|| format!("charges/{n}")),
        summary: "{\"条\":1}".into(),
        at: at("2026-04-01"),
    }
}

pub async fn months_and_runs_round_trip(store: TestStore) {
    let closed = |text: &str| MonthRecord {
        month: month(text),
        closed_at: at("2026-04-03"),
        actor: "甲".into(),
    };
    let mut work = store.begin().await.unwrap();
    work.close_month(&closed("2026-03")).await.unwrap();
    work.close_month(&closed("2025-12")).await.unwrap();
    for run in [
        run(1, "rate", ""),
        run(2, "reconcile", "P2"),
        run(3, "reconcile", "P1"),
        run(4, "meter", ""),
    ] {
        work.set_current_run(&run).await.unwrap();
    }
    commit(work).await;
    let mut read = store.read().await.unwrap();
    assert_eq!(
        read.closed_months().await.unwrap(),
        [closed("2025-12"), closed("2026-03")]
    );
    assert!(read.is_closed(month("2026-03")).await.unwrap() && !read.is_closed(month("2026-04")).await.unwrap());
    let runs = read.current_runs(month("2026-03")).await.unwrap();
    assert_eq!(
        runs,
        [
            run(4, "meter", ""),
            run(1, "rate", ""),
            run(3, "reconcile", "P1"),
            run(2, "reconcile", "P2")
        ]
    );
    assert_eq!(
        read.current_run("reconcile", month("2026-03"), "P2").await.unwrap(),
        Some(run(2, "reconcile", "P2"))
    );
    assert_eq!(
        read.current_run("reconcile", month("2026-04"), "P2").await.unwrap(),
        None
    );
}

pub async fn one_current_run(store: TestStore) {
    for n in 1..=3 {
        let mut work = store.begin().await.unwrap();
        work.set_current_run(&run(n, "rate", "")).await.unwrap();
        commit(work).await;
    }
    let mut read = store.read().await.unwrap();
    assert_eq!(read.current_runs(month("2026-03")).await.unwrap(), [run(3, "rate", "")]);
    let rows = read.all("SELECT id FROM run ORDER BY id", &[]).await.unwrap();
    assert_eq!(rows.len(), 3, "the others are history");
    drop(read);
    // The tables refuse a second one, whoever writes it.
    let mut work = store.begin().await.unwrap();
    assert!(work.execute("UPDATE run SET current = 1", &[]).await.is_err());
    drop(work);
    assert_eq!(
        store
            .read()
            .await
            .unwrap()
            .current_runs(month("2026-03"))
            .await
            .unwrap(),
        [run(3, "rate", "")]
    );
}

pub async fn charge_sums_round_trip(store: TestStore) {
    let sum = |provider: &str, item: &str, corrects: Option<&str>| ChargeSum {
        provider: provider.into(),
        organisation: "D1".into(),
        item: item.into(),
        kind: "usage".into(),
        corrects: corrects.map(month),
        lines: 4,
        list: Money::from_fen(100),
        amount: Money::from_fen(-80),
    };
    let id = RunId::from_parts(1, &[1; 10]);
    let sums = [
        sum("P1", "", None),
        sum("P1", "ECS", None),
        sum("P1", "ECS", Some("2026-02")),
        sum("P2", "ECS", None),
    ];
    let mut work = store.begin().await.unwrap();
    let backwards: Vec<_> = sums.iter().rev().cloned().collect();
    work.add_charge_sums(id, &backwards).await.unwrap();
    commit(work).await;
    let mut read = store.read().await.unwrap();
    assert_eq!(read.charge_sums(id).await.unwrap(), sums);
    assert_eq!(read.charge_sums(RunId::from_parts(1, &[2; 10])).await.unwrap(), []);
}

pub async fn late_facts_live(store: TestStore) {
    let fact = |n: u8, month_text: &str, cause: &str, approved: bool| LateFact {
        id: CaseId::from_parts(1, &[n; 10]),
        month: month(month_text),
        cause: cause.into(),
        detail: "迟到".into(),
        at: at("2026-05-01"),
        approved,
        posted_in: None,
        import: (n == 2).then(|| ImportId::from_parts(1, &[n; 10])),
    };
    let facts = [
        fact(1, "2026-02", "late_data", true),
        fact(2, "2026-03", "backdated_price", false),
        fact(3, "2026-04", "late_data", true),
    ];
    let mut work = store.begin().await.unwrap();
    for fact in &facts {
        work.add_late_fact(fact).await.unwrap();
    }
    commit(work).await;
    assert_eq!(store.read().await.unwrap().open_late_facts().await.unwrap(), facts);

    // April posts what belongs to earlier months and is approved: not March's, which waits, and not its own.
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.post_late_facts(month("2026-04")).await.unwrap(), 1);
    assert_eq!(work.approve_late_facts(month("2026-03")).await.unwrap(), 1);
    assert_eq!(work.approve_late_facts(month("2026-03")).await.unwrap(), 0);
    commit(work).await;
    let open = store.read().await.unwrap().open_late_facts().await.unwrap();
    assert_eq!(
        open,
        [
            LateFact {
                approved: true,
                ..facts[1].clone()
            },
            facts[2].clone()
        ]
    );
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.post_late_facts(month("2026-05")).await.unwrap(), 2);
    assert_eq!(work.open_late_facts().await.unwrap(), []);
    commit(work).await;
}

fn statement(number: &str) -> StatementRecord {
    let item = StatementItem {
        group: "S1".into(),
        item: "ECS".into(),
        lines: 2,
        unit_months: Quantity::ONE,
        corrects: Some(month("2026-02")),
        amount: Money::from_fen(100),
    };
    StatementRecord {
        statement: Statement {
            number: number.into(),
            month: month("2026-03"),
            scope: StatementScope {
                provider: "P1".into(),
                organisation: Some("D1".into()),
            },
            items: vec![item],
            charges: Money::from_fen(100),
            corrections: Money::ZERO,
            withheld: Vec::new(),
            releases: Vec::new(),
            deductions: Vec::new(),
            payable: Money::from_fen(100),
        },
        status: StatementStatus::Draft,
        version: 1,
        digest: Digest::of(number.as_bytes()),
    }
}

pub async fn statements_that_withheld_are_found(store: TestStore) {
    let mut records = ["JS-202603-0001", "JS-202603-0002", "JS-202603-0003"].map(statement);
    records[1].statement.withheld = vec![Withheld {
        resource: "N1/v".into(),
        item: "ECS".into(),
        class: DifferenceClass::Price,
        amount: Money::from_fen(7),
    }];
    records[2].statement.month = month("2026-04");
    records[2].statement.releases = vec![Release {
        month: month("2026-03"),
        statement: "JS-202603-0002".into(),
        resource: "N1/v".into(),
        item: "ECS".into(),
        cause: ReleaseCause::CorrectedBill,
        bill_version: 2,
        amount: Money::from_fen(7),
    }];
    let mut work = store.begin().await.unwrap();
    for record in &records {
        work.add_statement(record).await.unwrap();
    }
    commit(work).await;
    let mut read = store.read().await.unwrap();
    assert_eq!(read.statements_that_withheld().await.unwrap(), records[1..]);
    assert_eq!(read.statements_since(month("2026-04")).await.unwrap(), records[2..]);
    assert_eq!(read.statements_since(month("2026-03")).await.unwrap(), records);
}

pub async fn statements_advance_once(store: TestStore) {
    let both = [statement("JS-202603-0001"), statement("JS-202603-0002")];
    let mut work = store.begin().await.unwrap();
    for record in both.iter().rev() {
        work.add_statement(record).await.unwrap();
    }
    commit(work).await;
    assert_eq!(
        store.read().await.unwrap().statements(month("2026-03")).await.unwrap(),
        both
    );
    let opinion = |text: &str, at: Instant| Opinion {
        actor: "甲".into(),
        side: Side::Unit,
        step: Step::Agree,
        text: text.into(),
        at,
    };
    let first = opinion("同意", at("2026-04-05"));
    let mut work = store.begin().await.unwrap();
    work.advance_statement(&both[0], StatementStatus::UnitConfirmed, &first)
        .await
        .unwrap();
    commit(work).await;
    // Somebody else still has the version from before.
    let mut work = store.begin().await.unwrap();
    let late = work
        .advance_statement(
            &both[0],
            StatementStatus::UnitConfirmed,
            &opinion("我也同意", at("2026-04-06")),
        )
        .await;
    assert!(matches!(late, Err(StoreError::Conflict(number)) if number == "JS-202603-0001"));
    drop(work);
    let mut read = store.read().await.unwrap();
    let now = read.statement("JS-202603-0001").await.unwrap().unwrap();
    assert_eq!(
        (now.status, now.version, &now.statement),
        (StatementStatus::UnitConfirmed, 2, &both[0].statement)
    );
    assert_eq!(read.opinions("JS-202603-0001").await.unwrap(), [first]);
    assert_eq!(read.statement("JS-202603-0009").await.unwrap(), None);
    drop(read);
    let mut work = store.begin().await.unwrap();
    let second = opinion("", at("2026-04-07"));
    work.advance_statement(&now, StatementStatus::SupervisorReviewed, &second)
        .await
        .unwrap();
    commit(work).await;
    assert_eq!(
        store
            .read()
            .await
            .unwrap()
            .opinions("JS-202603-0001")
            .await
            .unwrap()
            .len(),
        2
    );
}
