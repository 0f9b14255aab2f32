//! Order, ranges and amounts of rows.

use super::{at, commit, month, organisation, version};
use domain::catalogue::ServiceForm;
use domain::meter::{Allocation, CaseKind, Finding};
use domain::registry::{History, Measure, Organisation, ResourceKind, Spec, Version};
use kernel::{CaseId, Instant, Period, Quantity};
use store::{CaseFile, Value};
use test_support::TestStore;

/// Texts whose order differs between alphabets, dictionaries, strokes and bytes.
const TEXTS: [&str; 14] = [
    "a", "B", "b", "Z", "_", "a1", "a10", "a2", "A-1", "甲", "乙", "重庆", "á", "𠮷",
];

pub async fn order_is_by_bytes(store: TestStore) {
    let mut work = store.begin().await.unwrap();
    let cases: Vec<_> = (0_u8..)
        .zip(TEXTS)
        .map(|(n, subject)| CaseFile {
            id: CaseId::from_parts(1, &[n; 10]),
            finding: Finding {
                kind: CaseKind::NotApproved,
                subject: subject.into(),
                owner: "P1".into(),
                detail: String::new(),
                since: at("2026-03-01"),
            },
            opened_at: at("2026-03-01"),
            deadline: "2026-03-06".parse().unwrap(),
            month: month("2026-03"),
            ended: None,
        })
        .collect();
    work.open_cases(&cases).await.unwrap();
    let codes = ["d1", "D1", "D10", "D2", "a_1", "A-1", "0x", "Z9"];
    let versions: Vec<Version<Organisation>> = codes
        .iter()
        .map(|c| version("2026-01-01", organisation(c, "甲")))
        .collect();
    work.add_versions(&versions, None).await.unwrap();
    commit(work).await;

    let mut read = store.read().await.unwrap();
    let subjects: Vec<_> = read
        .cases()
        .await
        .unwrap()
        .into_iter()
        .map(|case| case.finding.subject)
        .collect();
    let mut expected = TEXTS.to_vec();
    expected.sort_unstable();
    assert_eq!(subjects, expected);
    let rows = read
        .all("SELECT code FROM registry_version ORDER BY code", &[])
        .await
        .unwrap();
    let found: Vec<_> = rows.iter().map(|row| row.text("code").unwrap()).collect();
    let mut expected = codes.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    // What compares texts in SQL, as months are compared, follows the same order.
    let later = read
        .all(
            "SELECT code FROM registry_version WHERE code > $1 ORDER BY code",
            &["Z9".into()],
        )
        .await
        .unwrap();
    assert_eq!(
        later.iter().map(|row| row.text("code").unwrap()).collect::<Vec<_>>(),
        ["a_1", "d1"]
    );
}

pub async fn any_text_and_number_comes_back(store: TestStore) {
    let texts = [
        "",
        " ",
        "'; DROP TABLE import; --",
        "a\r\nb\tc",
        "$1 ? %s \\0",
        "春城市（演示）",
        "👩‍💻\u{FEFF}\u{200B}",
        &"长".repeat(100_000),
    ];
    let numbers = [0, -1, i64::MAX, i64::MIN, Instant::MAX.unix_s(), Instant::MIN.unix_s()];
    let mut work = store.begin().await.unwrap();
    for (n, text) in (0_i64..).zip(texts) {
        let number = numbers[usize::try_from(n).unwrap() % numbers.len()];
        let sql =
            "INSERT INTO import (id, kind, file_name, digest, row_count, at_s, actor) VALUES ($1,$2,$3,$4,$5,$6,$7)";
        let values = [
            n.to_string().into(),
            "k".into(),
            text.into(),
            n.to_string().into(),
            number.into(),
            n.into(),
            text.into(),
        ];
        work.execute_one(sql, &values, "x").await.unwrap();
    }
    commit(work).await;
    let rows = store
        .read()
        .await
        .unwrap()
        .all("SELECT * FROM import ORDER BY at_s", &[])
        .await
        .unwrap();
    for (n, (row, text)) in rows.iter().zip(texts).enumerate() {
        assert_eq!(row.text("file_name").unwrap(), text);
        assert_eq!(row.int("row_count").unwrap(), numbers[n % numbers.len()]);
    }
    assert_eq!(rows.len(), texts.len());
}

pub async fn a_hundred_thousand_rows(store: TestStore) {
    const ROWS: i64 = 100_000;
    let allocations: Vec<_> = (0..ROWS)
        .map(|n| Allocation {
            code: format!("A{n:06}").parse().unwrap(),
            system: format!("S{}", n % 300).parse().unwrap(),
            form: ServiceForm::SharedCloud,
            kind: ResourceKind::Volume,
            class: "通用型".into(),
            spec: Spec::new().with(Measure::StorageGib, Quantity::from_whole(n + 1).unwrap()),
            node: "N1".parse().unwrap(),
            pool: None,
            native_id: Some(format!("vol-{n}")),
            contract: None,
            parent: None,
            period: Period::open(at("2026-01-01").plus_s(n), (n % 2 == 0).then(|| at("2026-03-01"))).unwrap(),
        })
        .collect();
    let mut work = store.begin().await.unwrap();
    work.add_allocations(&allocations, None).await.unwrap();
    commit(work).await;
    let read = store.read().await.unwrap().allocations().await.unwrap();
    assert_eq!(read.len(), 100_000);
    assert!(read == allocations, "every row as it was, in order");

    // Many rows in one statement count as many, and rows that are there already count as none.
    let row = |n: i64| -> Vec<Value> { vec![format!("r{n}").into(), n.into(), (n + 1).into(), "s".into()] };
    let rows: Vec<_> = (0..1_234).map(row).collect();
    let mut work = store.begin().await.unwrap();
    let tail = " ON CONFLICT (resource, from_s) DO NOTHING";
    let into = "outage (resource, from_s, to_s, source)";
    assert_eq!(work.insert_many(into, tail, &rows).await.unwrap(), 1_234);
    let rows: Vec<_> = (1_200..1_300).map(row).collect();
    assert_eq!(work.insert_many(into, tail, &rows).await.unwrap(), 66);
    assert_eq!(work.insert_many(into, tail, &[]).await.unwrap(), 0);
    commit(work).await;
    let history: History<Organisation> = store.read().await.unwrap().history().await.unwrap();
    assert!(history.is_empty());
}
