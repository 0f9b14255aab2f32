//! Price books.

use super::{House, month};
use crate::import::ImportKind::{self, Prices};
use domain::catalogue::{PriceModel, TierScope};
use test_support::TestStore;

test_support::on_both_stores!(
    all_models_and_versions,
    a_version_never_changes_and_none_is_left_out,
    every_fault_of_a_row,
    every_fault_of_a_version,
    a_backdated_version_is_a_proposal,
);

const HEADING: &str = "合同编号,价目版本,生效日期,条目代码,云节点,资源池类型,计价方式,单价（元）,阶梯,阶梯范围,包含量,超出单价（元）,折扣,最高限价（元）,单资源月封顶（元）,条款,依据,批准人";

fn file(rows: &[&str]) -> String {
    format!("{HEADING}\n{}\n", rows.join("\n"))
}

async fn all_models_and_versions(store: TestStore) {
    let house = House::new(store).await;
    let one = [
        "HT-1,1,2026-01-01,CPU,,,flat,46.000001,,,,,0.8,46.5,6000,一,清单,张三",
        "HT-1,1,2026-01-01,CPU,N1,信创池,超额累进,,5:20；:36,同一单位,,,,,,二,清单,张三",
        "HT-1,1,2026-01-01,DISK,,,volume,,8000:0.09;:0.08,,,,,,,三,清单,张三",
        "HT-1,1,2026-01-01,DISK,N1,,套餐,100,,,10,0.5,,,,四,清单,张三",
        "HT-1,1,2026-01-01,MOVE,,,一次性,\"9,200\",,,,,,,,五,清单,张三",
    ];
    house.try_then_import_twice(Prices, &file(&one), (5, 0, 0)).await;
    let two = "HT-1,2,2026-03-15,CPU,,,flat,43,,,,,,,,一,通知,李四";
    // A second file repeats the first version in another order and adds the next; the other contract begins its own.
    let mut rows: Vec<&str> = one.iter().rev().copied().collect();
    rows.extend([two, "HT-2,1,2026-01-01,CPU,,,flat,40,,,,,,,,一,清单,王五"]);
    assert_eq!(house.good(Prices, &file(&rows)).await, (2, 5, 0));

    let books = house.read().await.price_books().await.unwrap();
    let labels: Vec<_> = books.iter().map(|book| (book.label(), book.lines.len())).collect();
    assert_eq!(
        labels,
        [("HT-1/v1", 5), ("HT-1/v2", 1), ("HT-2/v1", 1)].map(|(label, lines)| (label.to_owned(), lines))
    );
    let lines = &books[0].lines;
    assert_eq!(
        lines[0].model,
        PriceModel::Flat {
            price: "46.000001".parse().unwrap()
        }
    );
    assert_eq!(
        (lines[0].discount.to_string(), lines[0].cap.map(|c| c.fen())),
        ("0.8".to_owned(), Some(600_000))
    );
    let PriceModel::Graduated { tiers, scope } = &lines[1].model else {
        panic!("{:?}", lines[1])
    };
    let tiers: Vec<_> = tiers
        .iter()
        .map(|t| (t.up_to.map(|q| q.to_string()), t.price.to_string()))
        .collect();
    assert_eq!(
        (tiers, *scope),
        (
            vec![(Some("5".to_owned()), "20".to_owned()), (None, "36".to_owned())],
            TierScope::Organisation
        )
    );
    assert!(matches!(
        &lines[2].model,
        PriceModel::Volume {
            scope: TierScope::Resource,
            ..
        }
    ));
    assert_eq!(
        lines[4].model,
        PriceModel::OneOff {
            price: "9200".parse().unwrap()
        }
    );
    assert_eq!(lines[4].discount.to_string(), "1");
    assert_eq!(house.late().await, []);
}

async fn a_version_never_changes_and_none_is_left_out(store: TestStore) {
    let house = House::new(store).await;
    house
        .good(Prices, &file(&["HT-1,1,2026-01-01,CPU,,,flat,46,,,,,,,,一,清单,张三"]))
        .await;
    let changed = [
        "HT-1,1,2026-01-01,CPU,,,flat,45,,,,,,,,一,清单,张三",
        "HT-1,3,2026-02-01,CPU,,,flat,44,,,,,,,,一,清单,张三",
        "HT-2,2,2026-02-01,CPU,,,flat,44,,,,,,,,一,清单,张三",
    ];
    let expected = [
        "2 价目版本: 价目 HT-1/v1 已登记，且内容不同；已登记的版本不能改动，请以新的版本号登记",
        "3 价目版本: 合同 HT-1 的下一个价目版本应为 2，版本号必须连续",
        "4 价目版本: 合同 HT-2 的下一个价目版本应为 1，版本号必须连续",
    ];
    assert_eq!(house.faults(Prices, &file(&changed)).await, expected);
    // Half of a version is other content too.
    let more = [
        "HT-1,1,2026-01-01,CPU,,,flat,46,,,,,,,,一,清单,张三",
        "HT-1,1,2026-01-01,DISK,,,flat,1,,,,,,,,一,清单,张三",
    ];
    assert_eq!(house.faults(Prices, &file(&more)).await, expected[..1]);
}

async fn every_fault_of_a_row(store: TestStore) {
    let house = House::new(store).await;
    let bad = [
        "HT-9,1,2026-01-01,GPU,N9,ARM,flat,46,,,,,,,,一,清单,张三",
        "HT-1,0,2026-02-30,CPU,,,单一价,46,,,,,,,,,清单,张三",
        "HT-1,1,2026-01-01,CPU,N2,,flat,,5:20,,,,,,,一,清单,张三",
        "HT-1,1,2026-01-01,CPU,,,graduated,20,,,,,打八折,,-1,一,清单,张三",
        "HT-1,1,2026-01-01,CPU,,,volume,,5=20;:36,,,,,,,一,清单,张三",
        "HT-1,1,2026-01-01,CPU,,,package,20,,,100,,,0.0000001,,一,清单,张三",
    ];
    let found = house.faults(Prices, &file(&bad)).await;
    let expected = [
        "2 资源池类型: 「ARM」不是可用的取值，请填写其中之一: X86池（x86）、信创池（xinchuang）",
        "2 合同编号: 没有登记代码为「HT-9」的合同，请先导入，或改正代码",
        "2 条目代码: 没有登记代码为「GPU」的服务目录条目，请先导入，或改正代码",
        "2 云节点: 没有登记代码为「N9」的云节点，请先导入，或改正代码",
        "3 价目版本: 「0」不是从 1 起的整数",
        "3 生效日期: 「2026-02-30」不是日期，请写成 2026-03-01",
        "3 计价方式: 「单一价」不是可用的计价方式",
        "3 条款: 这一格必须填写",
        "4 单价（元）: 计价方式是「flat」，这一格必须填写",
        "4 阶梯: 计价方式是「flat」，用不到这一格，请留空或改正计价方式",
        "5 单价（元）: 计价方式是「graduated」，用不到这一格，请留空或改正计价方式",
        "5 阶梯: 计价方式是「graduated」，这一格必须填写",
        "5 折扣: 「打八折」不是数字",
        "5 单资源月封顶（元）: 「-1」不能为负数",
        "6 阶梯: 「5=20;:36」中的「5=20」应写成 上限:单价，最后一档写 :单价",
        "7 超出单价（元）: 计价方式是「package」，这一格必须填写",
        "7 最高限价（元）: 「0.0000001」小数超过 6 位；为免悄悄舍去，请按 6 位以内填写",
    ];
    assert_eq!(found, expected);
    let foreign = file(&["HT-1,1,2026-01-01,CPU,N2,,flat,46,,,,,,,,一,清单,张三"]);
    assert_eq!(
        house.faults(Prices, &foreign).await,
        ["2 云节点: 云节点由 P2 运营，不在 P1 的合同之内"]
    );
}

async fn every_fault_of_a_version(store: TestStore) {
    let house = House::new(store).await;
    let bad = [
        "HT-1,1,2026-01-01,CPU,,,flat,46,,,,,,46,,一,清单,张三",
        "HT-1,1,2026-01-02,DISK,,,flat,46,,,,,,45.99,,一,清单,李四",
        "HT-1,1,2026-01-01,MOVE,,,graduated,,10:3;5:2;:1,,,,,,,一,清单,张三",
        "HT-1,1,2026-01-01,CPU,N1,,flat,40,,,,,,,,一,清单,张三",
        "HT-1,1,2026-01-01,CPU,,,flat,40,,,,,,,,一,清单,张三",
    ];
    let found = house.faults(Prices, &file(&bad)).await;
    let expected = [
        "3 生效日期: 与第 2 行不同，而两行属于同一版本 HT-1/v1",
        "3 批准人: 与第 2 行不同，而两行属于同一版本 HT-1/v1",
        "3 最高限价（元）: 条目 DISK 的单价 46 元高于最高限价 45.99 元",
        "4 阶梯: 条目 MOVE: 阶梯必须从小到大排列，且只有最后一档不写上限",
        "6 条目代码: 条目 CPU 在同一适用范围内出现了两次",
    ];
    assert_eq!(found, expected);
}

async fn a_backdated_version_is_a_proposal(store: TestStore) {
    let house = House::new(store).await;
    for text in ["2026-02", "2026-03", "2026-04"] {
        house.close(text).await;
    }
    let text = file(&["HT-1,1,2026-03-15,CPU,,,flat,46,,,,,,,,一,清单,张三"]);
    let outcome = house.import(ImportKind::Prices, &text).await.unwrap();
    assert_eq!((outcome.counts.new, outcome.counts.late_facts), (1, 2));
    let note = &outcome.counts.notes[0];
    assert!(note.contains("2026-03、2026-04") && note.contains("理由"), "{note}");
    let detail = "追溯生效的价目 HT-1/v1（文件「文件.csv」1 行）".to_owned();
    let fact = |text: &str| (month(text), "backdated_price".to_owned(), false, detail.clone());
    assert_eq!(house.late().await, [fact("2026-03"), fact("2026-04")]);
    // From the month that is open on: nothing to propose.
    let next = file(&["HT-1,2,2026-05-01,CPU,,,flat,40,,,,,,,,一,清单,张三"]);
    assert_eq!(
        house.import(ImportKind::Prices, &next).await.unwrap().counts.late_facts,
        0
    );
}
