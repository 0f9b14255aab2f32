//! Facts of platforms and pools, as a bureau keeps them in a sheet.

use super::{House, at};
use crate::import::ImportKind;
use domain::registry::{CloudNode, Platform, ResourcePool};
use test_support::TestStore;

test_support::on_both_stores!(
    platforms_and_pools_as_they_were_and_are,
    every_fault_of_a_platform_file,
    a_row_that_a_later_registration_overtakes_is_told,
);

const HEADING: &str = "云节点,资源池,等保级别,备案证明编号,境内运维,数据在境内,独立资源池,生效日期";

fn file(rows: &[&str]) -> String {
    format!("{HEADING}\n{}\n", rows.join("\n"))
}

async fn platforms_and_pools_as_they_were_and_are(store: TestStore) {
    let house = House::new(store).await;
    let text = file(&[
        "N1,,三级,备案 1,是,是,,2026-02-01",
        "N1,,4,备案 2,是,,,2026-05-01",
        "N1,N1-XC,,,,,是,2026-02-01",
        "N2,,,,是,否,,2026/3/1",
        "N1,N1-X86,,,,,否,2026-02-01",
    ]);
    house
        .try_then_import_twice(ImportKind::Platforms, &text, (0, 0, 5))
        .await;
    let nodes = house.history::<CloudNode>().await;
    let platform = |code: &str, day: &str| nodes.at(code, at(day)).unwrap().platform.clone();
    assert_eq!(platform("N1", "2026-01-31"), Platform::default());
    let first = Platform {
        mlps_level: Some(3),
        filing: Some("备案 1".to_owned()),
        operated_in_china: Some(true),
        data_in_china: Some(true),
    };
    assert_eq!(platform("N1", "2026-04-30"), first);
    let second = Platform {
        mlps_level: Some(4),
        filing: Some("备案 2".to_owned()),
        operated_in_china: Some(true),
        data_in_china: None,
    };
    assert_eq!(platform("N1", "2026-05-01"), second, "what is blank is not known");
    let abroad = Platform {
        operated_in_china: Some(true),
        data_in_china: Some(false),
        ..Platform::default()
    };
    assert_eq!(platform("N2", "2026-03-01"), abroad);
    // Nothing else of a node follows from a file.
    for code in ["N1", "N2"] {
        let (before, after) = (nodes.at(code, at("2026-01-01")).unwrap(), nodes.latest(code).unwrap());
        let platform = before.platform.clone();
        assert_eq!(
            &CloudNode {
                platform,
                ..after.clone()
            },
            before
        );
    }
    let pools = house.history::<ResourcePool>().await;
    let separate = |code: &str, day: &str| pools.at(code, at(day)).unwrap().separate;
    assert_eq!(
        ["N1-XC", "N1-X86", "N2-XC"].map(|code| (separate(code, "2026-01-31"), separate(code, "2026-02-01"))),
        [(None, Some(true)), (None, Some(false)), (None, None)]
    );
    // Another file that says the same says nothing new.
    let same = file(&["N1,,3,备案 1,是,是,,2026-02-01", "N1,N1-XC,,,,,是,2026-03-01"]);
    assert_eq!(house.good(ImportKind::Platforms, &same).await, (0, 2, 0));
}

async fn every_fault_of_a_platform_file(store: TestStore) {
    let house = House::new(store).await;
    let one = file(&["N1,,3,,,,,2026-02-01"]);
    assert_eq!(house.good(ImportKind::Platforms, &one).await, (0, 0, 1));
    let bad = file(&[
        "N1,,6,,也许,,,2026-03-01",
        "N1,,,,,,,2026-03-01",
        "N1,,3,,,,是,2026-03-01",
        "N1,N1-XC,3,,,是,,2026-03-01",
        "N9,,3,,,,,2026-03-01",
        "N1,N1-YY,,,,,是,2026-03-01",
        "N1,N2-XC,,,,,是,2026-03-01",
        "N1,,3,,,,,2025-12-31",
        "N1,N1-XC,,,,,否,2025-12-31",
        "N1,,2,,,,,2026-02-01",
        "N1,N1-XC,,,,,否,2026-01-01",
        "N1,,3,,是,,,昨天",
    ]);
    let known = "已登记的版本不可覆盖，请用新的生效时间登记变更";
    let expected = [
        "2 等保级别: 「6」不是等保级别，请填 1 至 5，不知道请留空".to_owned(),
        "2 境内运维: 「也许」不是可用的取值，请填写 是 或 否".to_owned(),
        "3 等保级别: 这一行没有说明任何情况，请至少填写等保级别、备案证明编号、境内运维、数据在境内之一".to_owned(),
        "4 资源池: 说明独立资源池时，须填写资源池代码".to_owned(),
        "5 独立资源池: 这一格必须填写".to_owned(),
        "5 等保级别: 这一行说明资源池；云平台的情况请另起一行，资源池留空".to_owned(),
        "5 数据在境内: 这一行说明资源池；云平台的情况请另起一行，资源池留空".to_owned(),
        "6 云节点: 没有登记代码为「N9」的云节点，请先导入，或改正代码".to_owned(),
        "7 资源池: 没有登记代码为「N1-YY」的资源池，请随云节点登记，或改正代码".to_owned(),
        "8 资源池: 资源池「N2-XC」属于云节点「N2」，不属于「N1」".to_owned(),
        "9 生效日期: 「N1」在这一天尚未登记，生效日期不能早于其登记".to_owned(),
        "10 生效日期: 「N1-XC」在这一天尚未登记，生效日期不能早于其登记".to_owned(),
        format!("11 生效日期: 云节点「N1」自 2026-02-01T00:00:00+08:00 起已有另一内容的登记；{known}"),
        format!("12 生效日期: 资源池「N1-XC」自 2026-01-01T00:00:00+08:00 起已有另一内容的登记；{known}"),
        "13 生效日期: 「昨天」不是时间，请写成 2026-03-01 08:30:00（北京时间）".to_owned(),
    ];
    assert_eq!(house.faults(ImportKind::Platforms, &bad).await, expected);
}

async fn a_row_that_a_later_registration_overtakes_is_told(store: TestStore) {
    let house = House::new(store).await;
    let later = file(&["N1,,3,,,,,2026-05-01"]);
    house.good(ImportKind::Platforms, &later).await;
    let earlier = file(&["N1,,4,,,,,2026-02-01", "N2,,4,,,,,2026-02-01"]);
    let outcome = house.import(ImportKind::Platforms, &earlier).await.unwrap();
    assert_eq!(
        outcome.counts.notes,
        [
            "云节点「N1」自 2026-05-01 起另有登记，其云平台情况与第 2 行不同，从那天起以它为准；如仍应按这一行，请以那天以后的生效日期再登记一行"
        ]
    );
    let nodes = house.history::<CloudNode>().await;
    let levels = ["2026-04-30", "2026-05-01"].map(|day| nodes.at("N1", at(day)).unwrap().platform.mlps_level);
    assert_eq!(levels, [Some(4), Some(3)]);
}
