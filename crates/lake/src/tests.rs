//! Round trips, damage, and what must not be overwritten; on real files.

use crate::{FORMAT, Lake, LakeError, LakeName};
use domain::collect::Sample;
use domain::meter::{UsageRow, UsageTable};
use domain::rate::{ChargeKind, ChargeMethod, ChargeRow, ChargeTable};
use domain::reconcile::{BillLine, Difference, DifferenceClass, ProviderBill};
use domain::registry::Measure;
use kernel::{Digest, Factor, Instant, Money, Month, NodeCode, Period, Quantity, Ratio, UnitPrice};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Counts here are small; this is `as` for the lints.
fn count<T: TryInto<U>, U>(number: T) -> U {
    number.try_into().ok().unwrap()
}

fn month() -> Month {
    "2026-03".parse().unwrap()
}

fn name(key: &str) -> LakeName {
    LakeName::new(month(), key).unwrap()
}

/// Row groups in the tests.
const GROUP: usize = 100;

fn lake() -> (tempfile::TempDir, Lake) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().join("lake")).unwrap().with_group_rows(GROUP);
    (folder, lake)
}

/// `lines` charge lines over names that repeat as real ones do: many resources, few of everything else.
fn charges(lines: u32) -> ChargeTable {
    let mut table = ChargeTable::default();
    let number = i64::from;
    for n in 0..lines {
        let mut name = |text: String| table.names.intern(&text);
        let row = ChargeRow {
            kind: ChargeKind::ALL[count::<_, usize>(n) % ChargeKind::ALL.len()],
            method: ChargeMethod::ALL[count::<_, usize>(n) % ChargeMethod::ALL.len()],
            resource: name(format!("node-{}/8f14e45f-ceea-467f-a7cb-{:012}", n % 3, n / 2)),
            allocation: name(format!("order-{:08}", n / 2)),
            system: name(format!("system-{}", n % 293)),
            organisation: name(format!("dept-{}", n % 52)),
            provider: name(format!("provider-{}", n % 3)),
            contract: name(format!("contract-{}", n % 3)),
            node: name(format!("node-{}", n % 3)),
            pool: name(if n % 7 == 0 {
                String::new()
            } else {
                format!("pool-{}", n % 6)
            }),
            item: name(format!("item-{}", n % 40)),
            price: name(format!("contract-{}/v2#条款 {}", n % 3, n % 40)),
            cause: name(String::new()),
            month: month(),
            quantity: Quantity::from_micros(number(n) * 500_000),
            from: Instant::from_unix_s(1_772_294_400 + number(n % 31) * 86_400),
            to: Instant::from_unix_s(1_774_972_800),
            part: Ratio::new(31 - number(n % 31), 31).unwrap(),
            factor: Factor::from_micros(850_000),
            list: Money::from_fen(number(n) * 37 % 1_000_003),
            amount: Money::from_fen(number(n) * 31 % 1_000_003 - 500),
        };
        table.rows.push(row);
    }
    table
}

fn same_charges(a: &ChargeTable, b: &ChargeTable) -> bool {
    let text = |table: &ChargeTable| -> Vec<_> {
        let name = |n: u32| table.names.text(n).to_owned();
        table
            .rows
            .iter()
            .map(|r| (table.key(r), [r.provider, r.node, r.pool, r.price, r.cause].map(name)))
            .collect()
    };
    let plain = |r: &ChargeRow| {
        let row = ChargeRow {
            resource: 0,
            allocation: 0,
            system: 0,
            organisation: 0,
            provider: 0,
            contract: 0,
            ..*r
        };
        ChargeRow {
            node: 0,
            pool: 0,
            item: 0,
            price: 0,
            cause: 0,
            ..row
        }
    };
    text(a) == text(b) && a.rows.iter().map(plain).eq(b.rows.iter().map(plain))
}

fn bytes_of(lake: &Lake, path: &str) -> Vec<u8> {
    fs::read(lake.root().join(path)).unwrap()
}

#[test]
fn charges_come_back_over_several_row_groups() {
    let (_folder, lake) = lake();
    let table = charges(u32::try_from(2 * GROUP).unwrap() + 17);
    let file = lake.write_charges(&name("run_1"), &table).unwrap();
    assert_eq!(file.path, "charges/month=2026-03/run_1.parquet");
    assert_eq!((file.rows, file.digest), (count(table.rows.len()), table.digest()));
    assert_eq!(file.bytes, count::<_, u64>(bytes_of(&lake, &file.path).len()));
    let back = lake.read_charges(&file.path).unwrap();
    assert!(same_charges(&back, &table));
    assert_eq!(back.total(), table.total());
}

#[test]
fn no_rows_are_a_file_too() {
    let (_folder, lake) = lake();
    let charges = lake.write_charges(&name("none"), &ChargeTable::default()).unwrap();
    assert_eq!(
        (charges.rows, lake.read_charges(&charges.path).unwrap().rows.len()),
        (0, 0)
    );
    assert!(lake.read_charge_lines(&charges.path, 1..=1).unwrap().lines.is_empty());
    let usage = lake.write_usage(&name("none"), &UsageTable::default()).unwrap();
    assert!(lake.read_usage(&usage.path).unwrap().rows.is_empty());
    let differences = lake.write_differences(&name("none"), &[]).unwrap();
    assert!(lake.read_differences(&differences.path).unwrap().is_empty());
    let samples = lake.write_samples(&name("none"), &[]).unwrap();
    assert!(lake.read_samples(&samples.path).unwrap().is_empty());
    let bill = ProviderBill {
        provider: "P1".parse().unwrap(),
        month: month(),
        version: 3,
        lines: Vec::new(),
    };
    let file = lake.write_bill(&name("none"), &bill).unwrap();
    assert_eq!(lake.read_bill(&file.path).unwrap(), bill);
}

#[test]
fn same_rows_same_bytes_and_nothing_is_overwritten() {
    let (_folder, lake) = lake();
    let table = charges(500);
    // The same rows over names that were numbered in another order.
    let mut renumbered = ChargeTable::default();
    for n in 0..50 {
        renumbered.names.intern(&format!("dept-{n}"));
    }
    renumbered.append(&table);
    let first = lake.write_charges(&name("a"), &table).unwrap();
    let second = lake.write_charges(&name("b"), &renumbered).unwrap();
    assert_eq!(bytes_of(&lake, &first.path), bytes_of(&lake, &second.path));

    assert_eq!(
        lake.write_charges(&name("a"), &renumbered).unwrap(),
        first,
        "equal bytes are no conflict"
    );
    let other = lake.write_charges(&name("a"), &charges(499));
    assert!(matches!(other, Err(LakeError::Exists { .. })), "{other:?}");
    assert!(same_charges(&lake.read_charges(&first.path).unwrap(), &table));
    let wanted = BTreeSet::from([first.path, second.path]);
    assert_eq!(lake.files().unwrap(), wanted, "nothing unfinished is left");
}

/// Where the row groups of a file end, as its notes say.
fn seals_of(bytes: &[u8]) -> Vec<usize> {
    let text = String::from_utf8_lossy(bytes);
    let (_, seals) = text.rsplit_once("yunheng.seals").unwrap();
    let seals = seals.trim_start_matches(|c: char| !c.is_ascii_digit());
    let ends = seals.split(',').map(|seal| seal.split(':').next().unwrap());
    ends.map_while(|end| end.parse().ok()).collect()
}

#[test]
fn one_line_reads_one_row_group() {
    let (_folder, lake) = lake();
    let group: u64 = count(GROUP);
    let table = charges(u32::try_from(3 * group).unwrap());
    let file = lake.write_charges(&name("run"), &table).unwrap();
    // The first and the last group are damaged: only a reader that leaves them alone can answer.
    let mut bytes = bytes_of(&lake, &file.path);
    let last_group = seals_of(&bytes)[1] + 10;
    bytes[100] ^= 1;
    bytes[last_group] ^= 1;
    fs::write(lake.root().join(&file.path), bytes).unwrap();

    let line = group + 7;
    let found = lake.read_charge_lines(&file.path, line..=line + 1).unwrap();
    assert_eq!(found.lines, [line, line + 1]);
    let wanted = ChargeTable {
        names: table.names.clone(),
        rows: table.rows[count::<_, usize>(line) - 1..][..2].to_vec(),
    };
    assert!(same_charges(&found.table, &wanted));
    for damaged in [1..=1, 3 * group..=3 * group, group..=line] {
        let error = lake.read_charge_lines(&file.path, damaged).unwrap_err();
        assert!(error.to_string().contains("已损坏"), "{error}");
    }
    assert!(
        lake.read_charge_lines(&file.path, 3 * group + 1..=u64::MAX)
            .unwrap()
            .lines
            .is_empty()
    );
}

#[test]
fn lines_of_one_organisation() {
    let (_folder, lake) = lake();
    let table = charges(1000);
    let file = lake.write_charges(&name("run"), &table).unwrap();
    let found = lake
        .read_charges_where(&file.path, |names, row| names.text(row.organisation) == "dept-7")
        .unwrap();
    assert_eq!(
        found.lines,
        (0..1000).filter(|n| n % 52 == 7).map(|n| n + 1).collect::<Vec<u64>>()
    );
    let organisations: BTreeSet<_> = found
        .table
        .rows
        .iter()
        .map(|r| found.table.names.text(r.organisation))
        .collect();
    assert_eq!(organisations, BTreeSet::from(["dept-7"]));
}

#[test]
fn every_damaged_byte_is_noticed() {
    let (_folder, lake) = lake();
    let lake = lake.with_group_rows(20);
    let file = lake.write_charges(&name("run"), &charges(40)).unwrap();
    let bytes = bytes_of(&lake, &file.path);
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= if place % 2 == 0 { 0x01 } else { 0x80 };
        fs::write(lake.root().join(&file.path), damaged).unwrap();
        let error = lake.read_charges(&file.path).unwrap_err();
        assert!(matches!(error, LakeError::Damaged { .. }), "byte {place}: {error}");
    }
}

#[test]
fn every_truncation_is_noticed() {
    let (_folder, lake) = lake();
    let file = lake.write_charges(&name("run"), &charges(40)).unwrap();
    let bytes = bytes_of(&lake, &file.path);
    for length in 0..bytes.len() {
        fs::write(lake.root().join(&file.path), &bytes[..length]).unwrap();
        let error = lake.read_charges(&file.path).unwrap_err();
        assert!(matches!(error, LakeError::Damaged { .. }), "{length}: {error}");
    }
}

#[test]
fn other_files_are_refused() {
    let (_folder, lake) = lake();
    let usage = lake.write_usage(&name("run"), &UsageTable::default()).unwrap();
    let error = lake.read_charges(&usage.path).unwrap_err();
    assert!(
        matches!(error, LakeError::Foreign { .. }) && error.to_string().contains("charges"),
        "{error}"
    );
    let missing = lake.read_charges("charges/month=2026-03/none.parquet");
    assert!(matches!(missing, Err(LakeError::Missing { .. })), "{missing:?}");
    assert!(matches!(
        lake.read_charges("../outside.parquet"),
        Err(LakeError::Name { .. })
    ));

    // A file of a later version, whole in itself.
    let path = lake.root().join(&usage.path);
    let mut bytes = fs::read(&path).unwrap();
    let later = FORMAT.replace("/1", "/2");
    for place in 0..bytes.len() - FORMAT.len() {
        if bytes[place..].starts_with(FORMAT.as_bytes()) {
            bytes[place..place + FORMAT.len()].copy_from_slice(later.as_bytes());
        }
    }
    let tail = bytes.len() - 8;
    let length: [u8; 4] = bytes[tail..tail + 4].try_into().unwrap();
    let footer = tail - count::<_, usize>(u32::from_le_bytes(length));
    let digest = Digest::of(&bytes[footer..]).to_string();
    bytes[footer - digest.len()..footer].copy_from_slice(digest.as_bytes());
    fs::write(&path, bytes).unwrap();
    let error = lake.read_usage(&usage.path).unwrap_err();
    assert!(
        matches!(error, LakeError::Foreign { .. }) && error.to_string().contains(&later),
        "{error}"
    );
}

#[test]
fn orphans_are_what_nobody_published() {
    let (_folder, lake) = lake();
    let kept = lake.write_charges(&name("kept"), &charges(3)).unwrap();
    let lost = lake.write_charges(&name("lost"), &charges(4)).unwrap();
    let half = PathBuf::from(&lost.path)
        .with_extension("99-0.unfinished")
        .to_str()
        .unwrap()
        .to_owned();
    fs::write(lake.root().join(&half), b"half").unwrap();
    fs::write(lake.root().join("charges/notes of a person.txt"), b"left alone").unwrap();
    let orphans = lake.orphans(&BTreeSet::from([kept.path.clone()])).unwrap();
    assert_eq!(orphans, BTreeSet::from([half, lost.path.clone()]));
    lake.remove(&orphans).unwrap();
    lake.remove(&orphans).unwrap();
    assert_eq!(lake.files().unwrap(), BTreeSet::from([kept.path]));
    assert!(lake.root().join("charges/notes of a person.txt").exists());
    assert!(matches!(lake.remove([&"../x".to_owned()]), Err(LakeError::Name { .. })));
}

#[test]
fn parts_out_of_order_are_refused() {
    let (_folder, lake) = lake();
    let part = |class| (class, Money::from_fen(1));
    let mut difference = Difference {
        resource: "node/a".into(),
        item: "vm".into(),
        organisation: "d1".into(),
        billed_to: None,
        ours: None,
        billed: None,
        difference: Money::from_fen(2),
        parts: vec![part(DifferenceClass::Price), part(DifferenceClass::Period)],
        tolerated: false,
    };
    let refused = lake.write_differences(&name("run"), std::slice::from_ref(&difference));
    assert!(matches!(refused, Err(LakeError::Parts { .. })), "{refused:?}");
    difference.parts.reverse();
    assert!(lake.write_differences(&name("run"), &[difference]).is_ok());
}

/// Codes and free text, Chinese among them.
fn code() -> impl Strategy<Value = String> {
    "[A-Z][a-z0-9]{0,3}"
}

fn free_text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z]{1,3}", "\\PC{0,6}"]
}

prop_compose! {
    fn usage_table()(rows in vec((vec(free_text(), 10), any::<[i64; 3]>()), 0..30)) -> UsageTable {
        let mut table = UsageTable::default();
        for (texts, [quantity, from, to]) in rows {
            let mut texts = texts.iter().map(|text| table.names.intern(text));
            let mut next = || texts.next().unwrap();
            let row = UsageRow {
                resource: next(), allocation: next(), system: next(), organisation: next(), provider: next(),
                contract: next(), node: next(), pool: next(), pool_kind: next(), item: next(),
                quantity: Quantity::from_micros(quantity), from: Instant::from_unix_s(from), to: Instant::from_unix_s(to),
            };
            table.rows.push(row);
        }
        table
    }
}

prop_compose! {
    fn bill()(
        lines in vec((any::<u32>(), free_text(), code(), code(), (0_i64..1 << 40, 1_i64..1 << 30), any::<[i64; 3]>()), 0..30),
        version in any::<u32>(),
    ) -> ProviderBill {
        let line = |(line, resource, item, organisation, (from, length), [quantity, price, amount]): (u32, String, String, String, (i64, i64), [i64; 3])| {
            let from = Instant::from_unix_s(from);
            BillLine {
                line, resource, item: item.parse().unwrap(), organisation: organisation.parse().unwrap(),
                period: Period::new(from, from.plus_s(length)).unwrap(), quantity: Quantity::from_micros(quantity),
                unit_price: UnitPrice::from_micros(price), amount: Money::from_fen(amount),
            }
        };
        ProviderBill { provider: "P-1".parse().unwrap(), month: month(), version, lines: lines.into_iter().map(line).collect() }
    }
}

prop_compose! {
    fn difference()(
        texts in (free_text(), free_text(), free_text()),
        billed_to in proptest::option::of(free_text()),
        sides in any::<(Option<i64>, Option<i64>, i64, bool)>(),
        parts in vec(any::<Option<i64>>(), DifferenceClass::ALL.len()),
    ) -> Difference {
        let classes = DifferenceClass::ALL.iter().zip(parts);
        Difference {
            resource: texts.0, item: texts.1, organisation: texts.2, billed_to,
            ours: sides.0.map(Money::from_fen), billed: sides.1.map(Money::from_fen),
            difference: Money::from_fen(sides.2), tolerated: sides.3,
            parts: classes.filter_map(|(class, fen)| Some((*class, Money::from_fen(fen?)))).collect(),
        }
    }
}

fn sample() -> impl Strategy<Value = (NodeCode, Sample)> {
    let measure = proptest::sample::select(Measure::ALL);
    (code(), free_text(), measure, any::<i64>(), any::<i64>()).prop_map(|(node, native_id, measure, at, value)| {
        let (at, value) = (Instant::from_unix_s(at), Quantity::from_micros(value));
        (
            node.parse().unwrap(),
            Sample {
                native_id,
                measure,
                at,
                value,
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn usage_comes_back(table in usage_table()) {
        let (_folder, lake) = lake();
        let file = lake.write_usage(&name("run"), &table).unwrap();
        let back = lake.read_usage(&file.path).unwrap();
        prop_assert_eq!((back.digest(), back.rows.len()), (table.digest(), table.rows.len()));
        for (a, b) in back.rows.iter().zip(&table.rows) {
            prop_assert_eq!((a.quantity, a.from, a.to), (b.quantity, b.from, b.to));
            prop_assert_eq!(back.names.text(a.pool_kind), table.names.text(b.pool_kind));
        }
    }

    #[test]
    fn bills_come_back(bill in bill()) {
        let (_folder, lake) = lake();
        let file = lake.write_bill(&name("run"), &bill).unwrap();
        prop_assert_eq!(lake.read_bill(&file.path).unwrap(), bill);
    }

    #[test]
    fn differences_come_back(rows in vec(difference(), 0..20)) {
        let (_folder, lake) = lake();
        let file = lake.write_differences(&name("run"), &rows).unwrap();
        prop_assert_eq!(lake.read_differences(&file.path).unwrap(), rows);
    }

    #[test]
    fn samples_come_back(rows in vec(sample(), 0..40)) {
        let (_folder, lake) = lake();
        let file = lake.write_samples(&name("run"), &rows).unwrap();
        prop_assert_eq!(lake.read_samples(&file.path).unwrap(), rows);
    }
}
