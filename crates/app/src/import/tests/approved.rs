//! Allocations and accepted work.

use super::{House, at, month};
use crate::import::ImportKind::{Allocations, DeclaredWork};
use domain::registry::{Measure, ResourceKind};
use std::fmt::Write as _;
use test_support::TestStore;

test_support::on_both_stores!(
    opened_resized_and_released,
    what_is_registered_is_not_overwritten,
    every_fault_of_an_allocation_file,
    one_resource_one_allocation_at_a_time,
    what_concerns_closed_months_is_noted_once_for_each,
    a_hundred_thousand_rows,
    work_is_accepted_once,
);

const HEADING: &str = "分配单号,系统代码,服务形式,资源类型,规格类别,规格,云节点,资源池代码,云资源标识,合同编号,上级分配单号,计费开始,计费终止";
const WORK: &str = "工作单号,系统代码,服务形式,工作类别,工作量,云节点,合同编号,验收日期";

fn file(rows: &[&str]) -> String {
    format!("{HEADING}\n{}\n", rows.join("\n"))
}

fn work(rows: &[&str]) -> String {
    format!("{WORK}\n{}\n", rows.join("\n"))
}

const SERVER: &str =
    "A1,S001,共享云,云主机,,vcpu=4 memory_gib=8,N1,N1-X86,i-1,HT-1,,2026-03-01 10:30:00,2026-03-10 08:00:00";
const RESIZED: &str = "A1,S001,共享云,云主机,,vcpu=8 memory_gib=8,N1,N1-X86,i-1,HT-1,,2026-03-10 08:00:00,";
const DISK: &str = "A2,S001,共享云,云硬盘,高性能型,storage_gib=100.5,N1,,v-1,,A1,2026/3/1 10:30,9999-12-31";

async fn opened_resized_and_released(store: TestStore) {
    let house = House::new(store).await;
    house
        .try_then_import_twice(Allocations, &file(&[DISK, SERVER, RESIZED]), (3, 0, 0))
        .await;
    let stored = house.allocations().await;
    assert_eq!(stored.len(), 3);
    assert_eq!(
        (stored[0].period.from(), stored[0].period.end()),
        (at("2026-03-01 10:30:00"), Some(at("2026-03-10 08:00:00")))
    );
    assert_eq!(
        (
            stored[1].spec.get(Measure::Vcpu).map(|q| q.to_string()),
            stored[1].period.end()
        ),
        (Some("8".into()), None)
    );
    assert_eq!(
        (stored[2].pool.is_none(), stored[2].period.end(), &*stored[2].class),
        (true, None, "高性能型")
    );

    // The next month: what was open ends, what is known is said again, something new begins.
    let ended = format!("{RESIZED}2026-04-01");
    let next = "A1,S002,共享云,云主机,,vcpu=8 memory_gib=8,N1,N1-X86,i-1,HT-1,,2026-04-01,";
    assert_eq!(
        house
            .good(Allocations, &file(&[SERVER, &ended, next, DISK, DISK]))
            .await,
        (1, 3, 1)
    );
    let stored = house.allocations().await;
    assert_eq!((stored.len(), stored[1].period.end()), (4, Some(at("2026-04-01"))));
    assert_eq!(house.late().await, []);
}

async fn what_is_registered_is_not_overwritten(store: TestStore) {
    let house = House::new(store).await;
    house.good(Allocations, &file(&[SERVER, RESIZED])).await;
    let other_spec = RESIZED.replace("vcpu=8", "vcpu=16");
    let other_end = SERVER.replace("2026-03-10 08:00:00", "2026-03-09 08:00:00");
    let other_end_and_system = format!("{}2026-04-01", RESIZED.replace("S001", "S002"));
    let begins = "单号「A1」自 2026-03-10T08:00:00+08:00 起的一段已登记，内容不同";
    let ends = "已登记的内容不能改动，变更请以变更时间为开始另起一行";
    assert_eq!(
        house.faults(Allocations, &file(&[&other_spec])).await,
        [format!("2 分配单号: {begins}（规格）；{ends}")]
    );
    let expected =
        format!("2 分配单号: 单号「A1」自 2026-03-01T10:30:00+08:00 起的一段已登记，内容不同（计费终止）；{ends}");
    assert_eq!(house.faults(Allocations, &file(&[&other_end])).await, [expected]);
    let expected = [format!("2 分配单号: {begins}（系统代码、计费终止）；{ends}")];
    assert_eq!(
        house.faults(Allocations, &file(&[&other_end_and_system])).await,
        expected
    );
    // A file that contradicts itself.
    let twice = file(&[
        "A7,S001,共享云,云主机,,vcpu=1,N1,,i-7,,,2026-03-01,",
        "A7,S001,共享云,云主机,,vcpu=2,N1,,i-7,,,2026-03-01,",
    ]);
    assert_eq!(
        house.faults(Allocations, &twice).await,
        ["3 分配单号: 与第 2 行的单号和开始时间相同，内容却不同（规格）"]
    );
}

async fn every_fault_of_an_allocation_file(store: TestStore) {
    let house = House::new(store).await;
    let bad = [
        "=1+1,S009,云,云主机,,vcpu,N9,N9-X86,i-1,HT-9,,2026-03-01,2026-02-01",
        "A3,S009,共享云,云主机,,vcpu=4 vcpu=8,N9,N9-X86,i-1,HT-9,A99,2026-03-01,",
        "A4,S009,共享云,云主机,,vcpu=4,N9,N9-X86,i-4,HT-9,A99,2026-03-01,",
        "A5,S001,共享云,云主机,,vcpu=4,N1,N2-X86,i-5,HT-2,A3,2026-03-01,2026-03-01",
        "A6,S001,共享云,云主机,,vcpu=4,N1,N2-X86,i-6,HT-2,A3,2026-03-01,",
        "A8,S001,迁移服务,服务工作,,person_day=4,N1,,,,,2026-03-01,2026-03-02",
    ];
    let found = house.faults(Allocations, &file(&bad)).await;
    let expected = [
        "2 分配单号: 「=1+1」不是有效的代码：只能用字母、数字和 . _ / : -，以字母或数字开头，不超过 64 个字符",
        "2 服务形式: 「云」不是可用的取值，请填写其中之一: 共享云（shared_cloud）、专享云（dedicated_cloud）、机柜托管（cabinet_hosting）、\
         迁移服务（migration）、安全服务（security）、数据备份（data_backup）、行业网络专线（industry_line）、信创适配改造评估（adaptation_assessment）",
        "2 规格: 「vcpu」应写成 vcpu=4 memory_gib=8 的形式",
        "2 计费终止: 计费终止必须晚于计费开始",
        "3 规格: 「vcpu=4 vcpu=8」中 vcpu 出现了两次",
        "4 系统代码: 没有登记代码为「S009」的信息系统，请先导入，或改正代码",
        "4 云节点: 没有登记代码为「N9」的云节点，请先导入，或改正代码",
        "4 资源池代码: 没有登记代码为「N9-X86」的资源池，请先导入，或改正代码",
        "4 合同编号: 没有登记代码为「HT-9」的合同，请先导入，或改正代码",
        "4 上级分配单号: 没有登记代码为「A99」的分配单，请先导入，或改正代码",
        "5 计费终止: 计费终止必须晚于计费开始",
        "6 资源池代码: 资源池「N2-X86」在云节点 N2，不在 N1",
        "6 合同编号: 合同「HT-2」的云服务商是 P2，而云节点由 P1 运营",
        "7 资源类型: 服务工作不是资源，请用 declared-work（服务工作）的模板另行导入",
    ];
    assert_eq!(found, expected);
}

async fn one_resource_one_allocation_at_a_time(store: TestStore) {
    let house = House::new(store).await;
    house.good(Allocations, &file(&[SERVER, RESIZED])).await;
    let overlapping = "A1,S001,共享云,云主机,,vcpu=2,N1,N1-X86,i-1,HT-1,,2026-02-01,2026-03-05";
    let shared = "A9,S002,共享云,云主机,,vcpu=2,N1,N1-X86,i-1,,,2026-05-01,";
    let fine = "A10,S002,共享云,云主机,,vcpu=2,N2,,i-1,,,2026-05-01,";
    let found = house.faults(Allocations, &file(&[fine, overlapping, shared])).await;
    let expected = [
        "3 计费开始: 分配 A1 的两段时间重叠: [2026-02-01T00:00:00+08:00, 2026-03-05T00:00:00+08:00) 与 \
         [2026-03-01T10:30:00+08:00, 2026-03-10T08:00:00+08:00)",
        "4 云资源标识: 云节点 N1 的资源 i-1 在 2026-05-01 同时属于分配 A1 和 A9",
    ];
    assert_eq!(found, expected);
    // Once the first is released, the second may have it: in one file, in any order.
    let released = format!("{RESIZED}2026-05-01");
    assert_eq!(house.good(Allocations, &file(&[shared, &released])).await, (1, 0, 1));
}

async fn what_concerns_closed_months_is_noted_once_for_each(store: TestStore) {
    let house = House::new(store).await;
    house.good(Allocations, &file(&[SERVER, RESIZED])).await;
    for text in ["2026-03", "2026-04", "2026-05"] {
        house.close(text).await;
    }
    // Released in April already; two others that were opened in April. March stays as it was.
    let released = format!("{RESIZED}2026-04-20");
    let late = "A3,S001,共享云,云硬盘,,storage_gib=1,N1,,v-3,,,2026-04-30,";
    let short = "A4,S001,共享云,云硬盘,,storage_gib=1,N1,,v-4,,,2026-04-01,2026-05-01";
    let open_month = "A5,S001,共享云,云硬盘,,storage_gib=1,N1,,v-5,,,2026-06-01,";
    let outcome = house
        .import(Allocations, &file(&[&released, late, short, open_month]))
        .await
        .unwrap();
    assert_eq!(
        (outcome.counts.late_facts, outcome.counts.new, outcome.counts.changed),
        (2, 3, 1)
    );
    assert!(
        outcome.counts.notes[0].contains("2026-04、2026-05"),
        "{:?}",
        outcome.counts.notes
    );
    let fact = |text: &str, rows: u64| {
        (
            month(text),
            "late_data".to_owned(),
            true,
            format!("迟到的资源分配（文件「文件.csv」{rows} 行）"),
        )
    };
    assert_eq!(house.late().await, [fact("2026-04", 3), fact("2026-05", 2)]);
}

async fn a_hundred_thousand_rows(store: TestStore) {
    let house = House::new(store).await;
    house.close("2026-03").await;
    let file = |to: &str| {
        let mut text = format!("{HEADING}\n");
        for n in 0..100_000 {
            writeln!(
                text,
                "A{n},S001,共享云,云硬盘,,storage_gib={},N1,,v-{n},HT-1,,2026-03-01 10:30:00,{to}",
                n % 500 + 1
            )
            .unwrap();
        }
        text
    };
    assert_eq!(house.good(Allocations, &file("")).await, (100_000, 0, 0));
    let late = house.late().await;
    assert_eq!(
        late,
        [(
            month("2026-03"),
            "late_data".into(),
            true,
            "迟到的资源分配（文件「文件.csv」100000 行）".into()
        )]
    );
    // All of them ended by another file, and none of them twice.
    assert_eq!(house.good(Allocations, &file("2026-07-01")).await, (0, 0, 100_000));
    assert_eq!(
        house.good(Allocations, &format!("{}\n", file("2026-07-01"))).await,
        (0, 100_000, 0)
    );
    assert_eq!(house.late().await, late);
}

async fn work_is_accepted_once(store: TestStore) {
    let house = House::new(store).await;
    let one = "G1,S001,迁移服务,系统迁移,person_day=12.5,N1,HT-1,2026-03-31";
    let two = "G2,S002,信创适配改造评估,,person_day=3,N2,,2026/4/1";
    house
        .try_then_import_twice(DeclaredWork, &work(&[one, two]), (2, 0, 0))
        .await;
    let stored = house.allocations().await;
    assert_eq!((stored[0].kind, stored[0].period.days()), (ResourceKind::Work, 1));
    assert_eq!(
        (stored[0].period.from(), stored[0].period.to()),
        (at("2026-03-31"), at("2026-04-01"))
    );
    house.close("2026-03").await;
    let more = "G3,S001,迁移服务,系统迁移,person_day=1,N1,HT-1,2026-03-15";
    assert_eq!(house.good(DeclaredWork, &work(&[one, more])).await, (1, 1, 0));
    assert_eq!(house.late().await.len(), 1);

    let bad = work(&[
        "G1,S001,迁移服务,系统迁移,person_day=99,N1,HT-1,2026-03-31",
        "G2,S002,信创适配改造评估,,person_day=3,N2,,2026-04-02",
        "G9,S009,迁移服务,,,N1,HT-2,31日",
        "G8,S009,迁移服务,,person_day=0.5,N1,HT-2,2026-03-01",
        "G7,S001,迁移服务,,person_day=1,N1,,2026-03-01",
        "G7,S001,迁移服务,,person_day=1,N1,,2026-03-02",
    ]);
    let expected = [
        "2 工作单号: 单号「G1」自 2026-03-31T00:00:00+08:00 起的一段已登记，内容不同（规格）；已登记的内容不能改动，变更请以变更时间为开始另起一行",
        "3 工作单号: 单号「G2」已用于 2026-04-01 的服务工作，一个单号不能重复使用",
        "4 工作量: 这一格必须填写",
        "4 验收日期: 「31日」不是日期，请写成 2026-03-01",
        "5 系统代码: 没有登记代码为「S009」的信息系统，请先导入，或改正代码",
        "5 合同编号: 合同「HT-2」的云服务商是 P2，而云节点由 P1 运营",
        "7 工作单号: 单号「G7」已用于 2026-03-01 的服务工作，一个单号不能重复使用",
    ];
    assert_eq!(house.faults(DeclaredWork, &bad).await, expected);
    let taken = file(&["G1,S001,共享云,云主机,,vcpu=4,N1,,i-1,,,2026-05-01,"]);
    let expected = ["2 分配单号: 单号「G1」已用于 2026-03-31 的服务工作，一个单号不能重复使用"];
    assert_eq!(house.faults(Allocations, &taken).await, expected);
}
