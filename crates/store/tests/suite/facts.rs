//! What was collected and handed in.

use super::{at, commit, month, period};
use domain::collect::{LookKind, Observation, ObservedState, Sighting, SightingChange};
use domain::meter::{CaseKind, CaseOutcome, Finding};
use domain::registry::{Measure, ResourceKind, Spec};
use domain::settle::Outage;
use kernel::{CaseId, Digest, ImportId, Instant, Money, NodeCode, Period};
use std::collections::BTreeSet;
use store::{
    Answer, BillRecord, CaseEnding, CaseFile, ImportRecord, LakeFileRecord, LookRecord, OutageCorrection, StoreError,
};
use test_support::TestStore;

fn node() -> NodeCode {
    "N1".parse().unwrap()
}

fn look(taken_at: &str, sequence: Option<i64>) -> LookRecord {
    LookRecord {
        node: node(),
        taken_at: at(taken_at),
        sequence,
        kind: LookKind::Full,
        digest: Digest::of(taken_at.as_bytes()),
        observations: 10,
        samples: 3,
        changes: 2,
        payload: "payloads/n1".into(),
        received_at: at("2026-03-05"),
    }
}

pub async fn looks_round_trip(store: TestStore) {
    let days = [
        "2026-02-27",
        "2026-02-28",
        "2026-03-01",
        "2026-03-15",
        "2026-04-02",
        "2026-04-03",
    ];
    let looks: Vec<_> = (1..)
        .zip(days)
        .map(|(n, day)| look(day, (n > 2).then_some(n)))
        .collect();
    let mut work = store.begin().await.unwrap();
    for look in looks.iter().rev() {
        work.add_look(look).await.unwrap();
    }
    work.add_look(&LookRecord {
        node: "N2".parse().unwrap(),
        kind: LookKind::Changes,
        ..look("2026-03-07", Some(3))
    })
    .await
    .unwrap();
    let twice = work.add_look(&look("2026-03-20", Some(4))).await;
    assert!(
        matches!(twice, Err(StoreError::Conflict(_))),
        "a number is taken in once"
    );
    drop(work);
    assert_eq!(store.read().await.unwrap().looks(&node()).await.unwrap(), []);

    let mut work = store.begin().await.unwrap();
    for look in &looks {
        work.add_look(look).await.unwrap();
    }
    commit(work).await;
    let mut read = store.read().await.unwrap();
    assert_eq!(read.looks(&node()).await.unwrap(), looks);
    // March, and one look on either side: that of its first moment is the one before.
    let moments = read
        .look_moments(&node(), period("2026-03-01", "2026-04-01"))
        .await
        .unwrap();
    assert_eq!(moments, [at("2026-03-01"), at("2026-03-15"), at("2026-04-02")]);
    let moments = read
        .look_moments(&node(), period("2026-03-02", "2026-03-10"))
        .await
        .unwrap();
    assert_eq!(moments, [at("2026-03-01"), at("2026-03-15")]);
    let moments = read
        .look_moments(&node(), period("2026-01-01", "2026-02-01"))
        .await
        .unwrap();
    assert_eq!(moments, [at("2026-02-27")]);
    assert_eq!(
        read.look_before(&node(), at("2026-03-01")).await.unwrap(),
        Some(looks[1].clone())
    );
    assert_eq!(read.look_before(&node(), at("2026-02-27")).await.unwrap(), None);
    assert_eq!(
        read.find_look(&node(), at("2026-03-15"), None).await.unwrap(),
        Some(looks[3].clone())
    );
    assert_eq!(
        read.find_look(&node(), at("2026-12-01"), Some(5)).await.unwrap(),
        Some(looks[4].clone())
    );
    // No number is not a number that two looks share.
    assert_eq!(read.find_look(&node(), at("2026-12-01"), None).await.unwrap(), None);
    assert_eq!(
        read.look_moments(&"N9".parse().unwrap(), period("2026-03-01", "2026-04-01"))
            .await
            .unwrap(),
        []
    );
}

fn sighting(native_id: &str, from: &str, to: Option<&str>) -> Sighting {
    Sighting {
        period: Period::open(at(from), to.map(at)).unwrap(),
        seen: Observation {
            native_id: native_id.into(),
            kind: ResourceKind::Server,
            class: "通用型".into(),
            name: "web 一".into(),
            project: "p".into(),
            zone: "az1".into(),
            state: ObservedState::Live,
            native_state: "ACTIVE".into(),
            spec: Spec::new().with(Measure::Vcpu, "4".parse().unwrap()),
            created_at: Some(at("2026-01-02")),
            changed_at: None,
            deleted_at: None,
            parent: Some("x".into()),
            system_tag: None,
        },
    }
}

pub async fn sightings_round_trip(store: TestStore) {
    let added = [
        sighting("b", "2026-03-05", None),
        sighting("a", "2026-01-01", Some("2026-02-01")),
        sighting("a", "2026-02-01", None),
        sighting("C", "2026-02-10", None),
    ];
    let changes: Vec<_> = added.iter().cloned().map(SightingChange::Add).collect();
    let mut work = store.begin().await.unwrap();
    work.apply_sightings(&node(), &changes).await.unwrap();
    commit(work).await;
    let mut read = store.read().await.unwrap();
    let february = read
        .sightings_within(&node(), period("2026-02-01", "2026-03-01"))
        .await
        .unwrap();
    assert_eq!(february, [added[3].clone(), added[2].clone()]);
    let from = read.sightings_from(&node(), at("2026-03-01")).await.unwrap();
    assert_eq!(from, [added[3].clone(), added[2].clone(), added[0].clone()]);
    drop(read);

    // An end and the addition that takes its place, in one go and in the wrong order.
    let changes = [
        SightingChange::Add(sighting("a", "2026-03-07", None)),
        SightingChange::End {
            native_id: "a".into(),
            from: at("2026-02-01"),
            to: at("2026-03-07"),
        },
        SightingChange::Drop {
            native_id: "b".into(),
            from: at("2026-03-05"),
        },
    ];
    let mut work = store.begin().await.unwrap();
    work.apply_sightings(&node(), &changes).await.unwrap();
    commit(work).await;
    let ever = period("2020-01-01", "2030-01-01");
    let all = store
        .read()
        .await
        .unwrap()
        .sightings_within(&node(), ever)
        .await
        .unwrap();
    let ends: Vec<_> = all
        .iter()
        .map(|s| (s.seen.native_id.as_str(), s.period.from(), s.period.end()))
        .collect();
    let expected = [
        ("C", at("2026-02-10"), None),
        ("a", at("2026-01-01"), Some(at("2026-02-01"))),
        ("a", at("2026-02-01"), Some(at("2026-03-07"))),
        ("a", at("2026-03-07"), None),
    ];
    assert_eq!(ends, expected);
    let mut work = store.begin().await.unwrap();
    let gone = [SightingChange::Drop {
        native_id: "b".into(),
        from: at("2026-03-05"),
    }];
    assert!(matches!(
        work.apply_sightings(&node(), &gone).await,
        Err(StoreError::Conflict(_))
    ));
}

pub async fn one_open_sighting(store: TestStore) {
    let mut work = store.begin().await.unwrap();
    let open = [SightingChange::Add(sighting("a", "2026-03-01", None))];
    work.apply_sightings(&node(), &open).await.unwrap();
    // Another node has ids of its own.
    work.apply_sightings(&"N2".parse().unwrap(), &open).await.unwrap();
    commit(work).await;
    let mut work = store.begin().await.unwrap();
    let second = [SightingChange::Add(sighting("a", "2026-03-05", None))];
    assert!(work.apply_sightings(&node(), &second).await.is_err());
    drop(work);
    // Past stretches are as many as there were.
    let mut work = store.begin().await.unwrap();
    let past = [SightingChange::Add(sighting("a", "2026-01-01", Some("2026-02-01")))];
    work.apply_sightings(&node(), &past).await.unwrap();
    commit(work).await;
    let ever = period("2020-01-01", "2030-01-01");
    assert_eq!(
        store
            .read()
            .await
            .unwrap()
            .sightings_within(&node(), ever)
            .await
            .unwrap()
            .len(),
        2
    );
}

pub async fn files_round_trip(store: TestStore) {
    let file = |path: &str, dataset: &str, month_text: &str| LakeFileRecord {
        path: path.into(),
        dataset: dataset.into(),
        month: month(month_text),
        part: "run".into(),
        rows: 1,
        bytes: 2,
        digest: Digest::of(path.as_bytes()),
    };
    let files = [
        file("b", "usage", "2026-03"),
        file("a", "usage", "2026-03"),
        file("c", "usage", "2026-04"),
        file("d", "charges", "2026-03"),
    ];
    let mut work = store.begin().await.unwrap();
    for file in files.iter().chain(&files[..1]) {
        work.publish(file).await.unwrap();
    }
    commit(work).await;
    let mut read = store.read().await.unwrap();
    assert_eq!(
        read.published("usage", month("2026-03")).await.unwrap(),
        [files[1].clone(), files[0].clone()]
    );
    assert_eq!(read.published_at("d").await.unwrap(), Some(files[3].clone()));
    assert_eq!(read.published_at("e").await.unwrap(), None);
    assert_eq!(read.published_paths().await.unwrap(), ["a", "b", "c", "d"]);
}

pub async fn bills_and_answers_round_trip(store: TestStore) {
    let bill = |provider: &str, version: i64| BillRecord {
        provider: provider.parse().unwrap(),
        month: month("2026-03"),
        version,
        digest: Digest::of(provider.as_bytes()),
        lines: 2,
        total: Money::from_fen(-5),
        path: "bills/x".into(),
        received_at: at("2026-04-02"),
    };
    let answer = |at_text: &str, outcome: &str| Answer {
        provider: "P1".into(),
        month: month("2026-03"),
        resource: "N1/v".into(),
        item: "ECS".into(),
        outcome: outcome.parse().unwrap(),
        agreed: (outcome == "settled").then(|| Money::from_fen(-3)),
        words: "同意".into(),
        actor: "乙".into(),
        at: at(at_text),
    };
    let mut work = store.begin().await.unwrap();
    for bill in [bill("P2", 1), bill("P1", 2), bill("P1", 1)] {
        work.add_bill(&bill).await.unwrap();
    }
    let answers = [
        answer("2026-04-05", "disputed"),
        answer("2026-04-07", "settled"),
        answer("2026-04-09", "accepted"),
    ];
    for answer in answers.iter().rev() {
        work.add_answer(answer).await.unwrap();
    }
    commit(work).await;
    let mut read = store.read().await.unwrap();
    assert_eq!(
        read.bills(month("2026-03")).await.unwrap(),
        [bill("P1", 1), bill("P1", 2), bill("P2", 1)]
    );
    assert_eq!(read.bills(month("2026-04")).await.unwrap(), []);
    assert_eq!(read.answers(month("2026-03")).await.unwrap(), answers);
    drop(read);
    let mut work = store.begin().await.unwrap();
    assert!(matches!(
        work.add_bill(&bill("P1", 2)).await,
        Err(StoreError::Conflict(_))
    ));
}

fn import(n: u8, kind: &str, digest: &str) -> ImportRecord {
    ImportRecord {
        id: ImportId::from_parts(1, &[n; 10]),
        kind: kind.into(),
        file_name: "价目 一.csv".into(),
        digest: Digest::of(digest.as_bytes()),
        rows: 3,
        at: at("2026-03-01"),
        actor: "甲".into(),
    }
}

pub async fn outages_are_kept_once(store: TestStore) {
    let outage = |resource: &str, from: &str, to: &str, excluded: Option<&str>| Outage {
        resource: resource.into(),
        from: at(from),
        to: at(to),
        excluded: excluded.map(str::to_owned),
        source: "监理记录".into(),
    };
    let all = [
        outage("N1/a", "2026-03-01", "2026-03-02", None),
        outage("N1/a", "2026-03-31", "2026-04-01", Some("计划维护")),
        outage("N1/b", "2026-02-28", "2026-03-01", None),
    ];
    let id = ImportId::from_parts(1, &[1; 10]);
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.add_outages(&all, id).await.unwrap(), 3);
    assert_eq!(work.add_outages(&all, id).await.unwrap(), 0);
    commit(work).await;
    let march = store
        .read()
        .await
        .unwrap()
        .outages_within(period("2026-03-01", "2026-04-01"))
        .await
        .unwrap();
    assert_eq!(march, all[..2]);
    // A correction takes the place of what was recorded, which is kept.
    let right = |to: &str| Outage {
        to: at(to),
        source: "更正".into(),
        ..all[0].clone()
    };
    let correction = OutageCorrection {
        import: ImportId::from_parts(1, &[2; 10]),
        at: at("2026-04-05"),
        reason: "录错",
    };
    let (second, third) = (right("2026-03-01 06:00:00"), right("2026-03-01 03:00:00"));
    let mut work = store.begin().await.unwrap();
    work.correct_outage(&all[0], &second, &correction).await.unwrap();
    commit(work).await;
    let mut work = store.begin().await.unwrap();
    let stale = work.correct_outage(&all[0], &third, &correction).await;
    assert!(matches!(stale, Err(StoreError::Conflict(_))), "{stale:?}");
    drop(work);
    let mut work = store.begin().await.unwrap();
    work.correct_outage(&second, &third, &correction).await.unwrap();
    commit(work).await;
    let mut read = store.read().await.unwrap();
    let march = read.outages_within(period("2026-03-01", "2026-04-01")).await.unwrap();
    assert_eq!(march, [third, all[1].clone()]);
    let before = [(all[0].clone(), "录错".to_owned()), (second, "录错".to_owned())];
    assert_eq!(read.corrected_outages().await.unwrap(), before);
}

pub async fn imports_are_found_by_content(store: TestStore) {
    let mut work = store.begin().await.unwrap();
    work.add_import(&import(1, "prices", "x")).await.unwrap();
    // The same bytes as another kind are another import.
    work.add_import(&import(2, "allocations", "x")).await.unwrap();
    commit(work).await;
    let mut work = store.begin().await.unwrap();
    assert_eq!(
        work.find_import("prices", Digest::of(b"x")).await.unwrap(),
        Some(import(1, "prices", "x"))
    );
    assert_eq!(work.find_import("prices", Digest::of(b"y")).await.unwrap(), None);
    assert!(matches!(
        work.add_import(&import(3, "prices", "x")).await,
        Err(StoreError::Conflict(_))
    ));
    drop(work);
    let mut read = store.read().await.unwrap();
    let none = BTreeSet::from(["D01".to_owned()]);
    assert_eq!(read.imports(None, Some(&none), (None, false), 10).await.unwrap(), []);
    assert_eq!(
        read.imports(None, None, (None, false), 1).await.unwrap(),
        [import(2, "allocations", "x")]
    );
}

pub async fn a_case_is_opened_once(store: TestStore) {
    let case = |n: u8, subject: &str, opened: &str| CaseFile {
        id: CaseId::from_parts(1, &[n; 10]),
        finding: Finding {
            kind: CaseKind::NotApproved,
            subject: subject.into(),
            owner: "P1".into(),
            detail: "存在但未批准".into(),
            since: Instant::from_unix_s(-1),
        },
        opened_at: at(opened),
        deadline: "2026-03-06".parse().unwrap(),
        month: month("2026-03"),
        ended: None,
    };
    let mut work = store.begin().await.unwrap();
    let first = [case(1, "N1/b", "2026-03-02"), case(2, "N1/a", "2026-03-01")];
    assert_eq!(work.open_cases(&first).await.unwrap(), 2);
    assert_eq!(
        work.open_cases(&[case(3, "N1/a", "2026-04-01"), case(4, "N1/c", "2026-04-01")])
            .await
            .unwrap(),
        1
    );
    commit(work).await;
    let cases = store.read().await.unwrap().cases().await.unwrap();
    assert_eq!(
        cases,
        [first[1].clone(), first[0].clone(), case(4, "N1/c", "2026-04-01")]
    );
    // One that ended may be opened again, and ends once.
    let ending = CaseEnding {
        outcome: CaseOutcome::Accepted,
        reason: "补办手续".into(),
        by: "乙".into(),
        at: at("2026-05-01"),
        month: month("2026-05"),
    };
    let mut work = store.begin().await.unwrap();
    work.end_case(first[1].id, &ending).await.unwrap();
    let again = work.end_case(first[1].id, &ending).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    commit(work).await;
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.open_cases(&[case(5, "N1/a", "2026-05-01")]).await.unwrap(), 1);
    commit(work).await;
    let mut read = store.read().await.unwrap();
    let ended = CaseFile {
        ended: Some(ending),
        ..first[1].clone()
    };
    assert_eq!(read.case(ended.id).await.unwrap(), Some(ended.clone()));
    assert_eq!(read.cases().await.unwrap().len(), 4);
    assert_eq!(read.cases_for(month("2026-05")).await.unwrap().len(), 4);
    let open = read.cases_for(month("2026-06")).await.unwrap();
    assert_eq!((open.len(), open.contains(&ended)), (3, false));
}
