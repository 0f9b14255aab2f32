//! Providers' bills, and outages.

use super::{House, at, month};
use crate::AppError;
use crate::import::ImportKind::{Outages, ProviderBill};
use kernel::{ErrorKind, Kinded, Period};
use lake::Dataset;
use test_support::TestStore;

test_support::on_both_stores!(
    a_bill_is_kept_with_its_lines,
    versions_follow_each_other,
    a_closed_month_takes_a_corrected_bill,
    every_fault_of_a_bill,
    outages_are_recorded_once,
);

const HEADING: &str =
    "云服务商代码,账期,账单版本,行号,云节点,云资源标识,条目代码,使用单位代码,起,止,数量,单价（元）,金额（元）";

fn file(rows: &[&str]) -> String {
    format!("{HEADING}\n{}\n", rows.join("\n"))
}

const ONE: &str = "P1,2026-03,1,1,N1,i-1,CPU,D001,2026-03-01,2026-04-01,4,36.8,147.20";
const TWO: &str = "P1,2026-03,1,2,,G1,NO-SUCH-ITEM,D999,2026-03-31,2026-04-01,12.5,800,-10000.00";

async fn a_bill_is_kept_with_its_lines(store: TestStore) {
    let house = House::new(store).await;
    // Neither the item nor the department of the second line is known: that is for reconciling to show.
    house
        .try_then_import_twice(ProviderBill, &file(&[TWO, ONE]), (2, 0, 0))
        .await;
    let mut read = house.read().await;
    let bills = read.bills(month("2026-03")).await.unwrap();
    assert_eq!(bills.len(), 1);
    assert_eq!(
        (bills[0].version, bills[0].lines, bills[0].total.to_string()),
        (1, 2, "-9852.80".to_owned())
    );
    let files = read.published(Dataset::Bills.word(), month("2026-03")).await.unwrap();
    assert_eq!((files.len(), &files[0].path), (1, &bills[0].path));
    let bill = house.ctx.lake().read_bill(&bills[0].path).unwrap();
    let lines: Vec<_> = bill
        .lines
        .iter()
        .map(|l| (l.line, l.resource.as_str(), l.amount.fen()))
        .collect();
    assert_eq!(lines, [(1, "N1/i-1", 14_720), (2, "G1", -1_000_000)]);
    assert_eq!(
        (bill.provider.as_str(), bill.version, bill.lines[0].period.days()),
        ("P1", 1, 31)
    );
}

async fn versions_follow_each_other(store: TestStore) {
    let house = House::new(store).await;
    let third = ONE.replace(",1,1,", ",3,1,");
    assert_eq!(
        house.faults(ProviderBill, &file(&[&third])).await,
        ["2 账单版本: P1 的 2026-03 账单下一个版本应为 1"]
    );
    house.good(ProviderBill, &file(&[ONE, TWO])).await;
    // The same bill in other bytes: another order of rows, another encoding.
    let gbk = encoding_rs::GBK.encode(&file(&[TWO, ONE])).0.into_owned();
    let same = house.import_bytes(ProviderBill, &gbk).await.unwrap();
    assert_eq!(
        (same.already_imported, same.counts.new, same.counts.unchanged),
        (false, 0, 2)
    );
    // The same version with other content is for a person to look at.
    let before = house.state().await;
    let refused = house.import(ProviderBill, &file(&[ONE])).await.unwrap_err();
    assert!(
        matches!(&refused, AppError::Contradiction(why) if why.contains("第 1 版已经收到过") && why.contains("第 2 版重新报送")),
        "{refused}"
    );
    assert_eq!(
        (refused.kind(), house.state().await),
        (ErrorKind::AlreadyExists, before)
    );
    let second = ONE.replace(",1,1,", ",2,1,");
    assert_eq!(house.good(ProviderBill, &file(&[&second])).await, (1, 0, 0));
    // Another provider and another month count for themselves.
    assert_eq!(
        house.good(ProviderBill, &file(&[&ONE.replace("P1", "P2")])).await,
        (1, 0, 0)
    );
    assert_eq!(
        house
            .good(ProviderBill, &file(&[&ONE.replace("2026-03,", "2026-04,")]))
            .await,
        (1, 0, 0)
    );
    let versions: Vec<_> = house.read().await.bills(month("2026-03")).await.unwrap();
    let versions: Vec<_> = versions.iter().map(|b| (b.provider.to_string(), b.version)).collect();
    assert_eq!(
        versions,
        [("P1".to_owned(), 1), ("P1".to_owned(), 2), ("P2".to_owned(), 1)]
    );
}

async fn a_closed_month_takes_a_corrected_bill(store: TestStore) {
    let house = House::new(store).await;
    house.good(ProviderBill, &file(&[ONE])).await;
    house.close("2026-03").await;
    let second = file(&[&ONE.replace(",1,1,", ",2,1,").replace("147.20", "150.00")]);
    let outcome = house.import(ProviderBill, &second).await.unwrap();
    assert_eq!(outcome.counts.new, 1);
    assert!(
        outcome
            .counts
            .notes
            .iter()
            .any(|note| note.contains("2026-03 已关账") && note.contains("下次关账时释放")),
        "{:?}",
        outcome.counts.notes
    );
    let bills = house.store.read().await.unwrap().bills(month("2026-03")).await.unwrap();
    let versions: Vec<_> = bills.iter().map(|bill| (bill.version, bill.total.fen())).collect();
    assert_eq!(versions, [(1, 14_720), (2, 15_000)], "both are kept");
}

async fn every_fault_of_a_bill(store: TestStore) {
    let house = House::new(store).await;
    let bad = [
        ONE,
        "P1,2026-03,1,1,N1,i-2,CPU,D001,2026-03-01,2026-04-01,4,36.8,147.20",
        "P2,2026-04,2,3,N1,i-3,CPU,D001,2026-03-01,2026-04-01,4,36.8,147.20",
        "P1,三月,1,4,N 1,,CPU 1,单位,2026-04-01,2026-03-01,-4,36.8,147.205",
    ];
    let found = house.faults(ProviderBill, &file(&bad)).await;
    let other = "与第 2 行不同；一个文件只能有一家云服务商一个月的一个版本，请分开导入";
    let bad_code = "不是有效的代码：只能用字母、数字和 . _ / : -，以字母或数字开头，不超过 64 个字符";
    let expected = [
        "3 行号: 行号与第 2 行重复".to_owned(),
        format!("4 云服务商代码: {other}"),
        format!("4 账期: {other}"),
        format!("4 账单版本: {other}"),
        "5 账期: 「三月」不是月份，请写成 2026-03".to_owned(),
        format!("5 云节点: 「N 1」{bad_code}"),
        "5 云资源标识: 这一格必须填写".to_owned(),
        format!("5 条目代码: 「CPU 1」{bad_code}"),
        format!("5 使用单位代码: 「单位」{bad_code}"),
        "5 数量: 「-4」不能为负数".to_owned(),
        "5 金额（元）: 「147.205」小数超过 2 位；为免悄悄舍去，请按 2 位以内填写".to_owned(),
        "5 止: 止必须晚于起".to_owned(),
    ];
    assert_eq!(found, expected);
    let nobody = file(&[&ONE.replace("P1", "P7")]);
    assert_eq!(
        house.faults(ProviderBill, &nobody).await,
        ["2 云服务商代码: 没有登记代码为「P7」的云服务商，请先导入，或改正代码"]
    );
    let department = file(&[&ONE.replace("P1", "D001")]);
    assert_eq!(
        house.faults(ProviderBill, &department).await,
        ["2 云服务商代码: 「D001」登记的类别是使用单位，不是云服务商"]
    );
}

const OUTAGES: &str = "云节点,云资源标识,开始,结束,免责原因,依据";

async fn outages_are_recorded_once(store: TestStore) {
    let house = House::new(store).await;
    let one = "N1,i-1,2026-03-02 10:00:00,2026-03-02 12:00:00,,监理月报";
    let two = ",A-HOSTING,2026/3/31 23:00,2026/4/1 1:00,已公告的维护,监理月报";
    let text = format!("{OUTAGES}\n{one}\n{two}\n");
    house.try_then_import_twice(Outages, &text, (2, 0, 0)).await;
    let march = Period::new(at("2026-03-01"), at("2026-04-01")).unwrap();
    let stored = house.read().await.outages_within(march).await.unwrap();
    assert_eq!(
        stored.iter().map(|o| o.resource.as_str()).collect::<Vec<_>>(),
        ["A-HOSTING", "N1/i-1"]
    );
    assert_eq!(
        (stored[0].excluded.as_deref(), stored[1].excluded.as_deref()),
        (Some("已公告的维护"), None)
    );

    house.close("2026-03").await;
    let three = "N1,i-2,2026-03-02 10:00:00,2026-03-02 12:00:00,,监理月报";
    let outcome = house
        .import(Outages, &format!("{OUTAGES}\n{one}\n{three}\n{three}\n"))
        .await
        .unwrap();
    assert_eq!((outcome.counts.new, outcome.counts.unchanged), (1, 2));
    assert!(
        outcome.counts.notes[0].contains("已关账的月份 2026-03"),
        "{:?}",
        outcome.counts.notes
    );

    let bad = format!(
        "{OUTAGES}
N1,i-1,2026-03-02 10:00:00,2026-03-02 13:00:00,,监理月报
N1,i-1,2026-03-02 10:00:00,2026-03-02 12:00:00,用户原因,监理月报
N9,i-1,2026-03-03 10:00:00,2026-03-03 12:00:00,,
N9,i-1,2026-03-03 10:00:00,2026-03-03 10:00:00,,监理月报
N9,i-1,2026-03-03 10:00:00,2026-03-03 11:00:00,,监理月报
"
    );
    let found = house.faults(Outages, &bad).await;
    let there = "资源「N1/i-1」自该时刻起的中断已登记（至 2026-03-02T12:00:00+08:00，计入停机），内容不同；如系更正已登记的内容，请填写更正理由";
    let expected = [
        format!("2 开始: {there}"),
        format!("3 开始: {there}"),
        "4 依据: 这一格必须填写".to_owned(),
        "5 结束: 结束必须晚于开始".to_owned(),
        "6 云节点: 没有登记代码为「N9」的云节点，请先导入，或改正代码".to_owned(),
    ];
    assert_eq!(found, expected);
}
