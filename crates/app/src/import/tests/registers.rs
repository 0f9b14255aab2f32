//! Organisations, systems, projects, catalogue, contracts.

use super::{CATALOGUE, CONTRACTS, House, ORGANISATIONS, SYSTEMS, at, month};
use crate::import::ImportKind;
use domain::catalogue::{Contract, OutageRounding, Proration, ServiceItem};
use domain::registry::{DataGrade, InformationSystem, Organisation, ProjectMapping, Side};
use test_support::TestStore;

test_support::on_both_stores!(
    organisations_as_they_were_and_are,
    a_file_in_gbk_says_the_same,
    every_fault_of_an_organisation_file,
    systems_and_their_transfer,
    every_fault_of_a_system_file,
    projects_belong_to_systems,
    the_catalogue_is_clear_for_every_use,
    every_fault_of_a_catalogue_file,
    a_changed_item_is_a_proposal_for_closed_months,
    all_terms_of_a_contract,
    every_fault_of_a_contract_file,
);

async fn organisations_as_they_were_and_are(store: TestStore) {
    let house = House::empty(store);
    house
        .try_then_import_twice(ImportKind::Organisations, ORGANISATIONS, (5, 0, 0))
        .await;
    // A merger, a row that says nothing new, and a child before its parent.
    let later = "生效日期,code,name,side,parent,merged_into
2026-04-10,D001,甲局,unit,,D002
2026-03-01,D002,乙局,使用单位,,
2026-04-10,D004,丁处,使用单位,D003,
2026-04-10,D003,丙局,使用单位,A001,
";
    assert_eq!(house.good(ImportKind::Organisations, later).await, (2, 1, 1));
    let history = house.history::<Organisation>().await;
    let april = month("2026-04").period();
    let who: Vec<_> = history
        .answering(&"D001".parse().unwrap(), april)
        .into_iter()
        .map(|(p, c)| (p.days(), c.to_string()))
        .collect();
    assert_eq!(who, [(9, "D001".to_owned()), (21, "D002".to_owned())]);
    assert_eq!(history.latest("A001").map(|o| o.side), Some(Side::Authority));
    assert_eq!(house.late().await, []);
}

async fn a_file_in_gbk_says_the_same(store: TestStore) {
    let house = House::empty(store);
    house.good(ImportKind::Organisations, ORGANISATIONS).await;
    let gbk = encoding_rs::GBK.encode(ORGANISATIONS).0.into_owned();
    // Other bytes, so another file; but none of its rows says anything new.
    let again = house.import_bytes(ImportKind::Organisations, &gbk).await.unwrap();
    assert_eq!((again.already_imported, again.counts.unchanged), (false, 5));
    assert_eq!(
        house.history::<Organisation>().await.latest("D001").unwrap().name,
        "甲局"
    );
}

async fn every_fault_of_an_organisation_file(store: TestStore) {
    let house = House::new(store).await;
    let bad = "代码,名称,类别,上级代码,并入代码,生效日期
部门,甲,使用单位,,,2026-01-01
D010,,用户,X9,,昨天
D011,丙局,使用单位,部门,D010,2026-02-01
D012,丁局,使用单位,D099,D012,2026-02-01
D001,改名局,使用单位,,,2026-01-01
D013,戊局,使用单位,D014,,2026-02-01
D014,己局,使用单位,D013,,2026-02-01
";
    let found = house.faults(ImportKind::Organisations, bad).await;
    let expected = [
        "2 代码: 「部门」不是有效的代码：只能用字母、数字和 . _ / : -，以字母或数字开头，不超过 64 个字符",
        "3 名称: 这一格必须填写",
        "3 类别: 「用户」不是可用的取值，请填写其中之一: 主管部门（authority）、使用单位（unit）、云服务商（provider）、\
         监理单位（supervisor）、造价评估机构（cost_assessor）、财政部门（finance）、第三方评估机构（evaluator）",
        "3 生效日期: 「昨天」不是时间，请写成 2026-03-01 08:30:00（北京时间）",
        "4 上级代码: 「部门」不是有效的代码：只能用字母、数字和 . _ / : -，以字母或数字开头，不超过 64 个字符",
        "5 上级代码: 没有登记代码为「D099」的单位，请先导入，或改正代码",
        "5 并入代码: 并入关系绕成了圈，最后又回到「D012」",
        "6 生效日期: 组织机构「D001」自 2026-01-01T00:00:00+08:00 起已有另一内容的登记；已登记的版本不可覆盖，请用新的生效时间登记变更",
        "7 上级代码: 上级关系绕成了圈，最后又回到「D013」",
        "8 上级代码: 上级关系绕成了圈，最后又回到「D014」",
    ];
    assert_eq!(found, expected);
}

async fn systems_and_their_transfer(store: TestStore) {
    let house = House::empty(store);
    house.good(ImportKind::Organisations, ORGANISATIONS).await;
    house
        .try_then_import_twice(ImportKind::Systems, SYSTEMS, (2, 0, 0))
        .await;
    let history = house.history::<InformationSystem>().await;
    let system = history.latest("S001").unwrap();
    assert_eq!(
        (system.mlps_level, system.data_grade),
        (Some(3), Some(DataGrade::General))
    );
    assert_eq!(
        history.latest("S002").map(|s| (s.mlps_level, s.data_grade)),
        Some((None, None))
    );

    for text in ["2026-03", "2026-04"] {
        house.close(text).await;
    }
    // Renamed in a closed month: no figure follows from a name. Transferred: what it cost since then does.
    let heading = SYSTEMS.lines().next().unwrap();
    let renamed = format!("{heading}\nS002,新门户,D002,,互联网区,,运行,新建系统,2026-03-15\n");
    house.good(ImportKind::Systems, &renamed).await;
    assert_eq!(house.late().await, []);
    let moved = format!("{heading}\nS001,业务系统,D002,3,政务外网区,一般数据,运行,存量系统,2026-04-15\n");
    assert_eq!(house.good(ImportKind::Systems, &moved).await, (0, 0, 1));
    let detail = "追溯登记的信息系统变更（文件「文件.csv」1 行）".to_owned();
    assert_eq!(
        house.late().await,
        [(month("2026-04"), "late_data".to_owned(), true, detail)]
    );
}

async fn every_fault_of_a_system_file(store: TestStore) {
    let house = House::new(store).await;
    let bad = "代码,名称,所属单位代码,等保级别,网络区域,数据分级,状态,来源,生效日期
S003,系统,D009,9,外网,一般数据,运行,存量系统,2026-01-01
S001,业务系统,D002,3,政务外网区,一般数据,运行,存量系统,2026-01-01
S004,系统,D001,,互联网区,,运行,新建系统,0226-01-01
";
    let found = house.faults(ImportKind::Systems, bad).await;
    let expected = [
        "2 等保级别: 「9」不是等保级别，请填 1 至 4，未定级请留空",
        "2 网络区域: 「外网」不是可用的取值，请填写其中之一: 政务外网区（extranet）、互联网区（internet）",
        "3 生效日期: 信息系统「S001」自 2026-01-01T00:00:00+08:00 起已有另一内容的登记；已登记的版本不可覆盖，请用新的生效时间登记变更",
        "4 生效日期: 「0226-01-01」年份不对，请检查",
    ];
    assert_eq!(found, expected);
    let unknown =
        "代码,名称,所属单位代码,网络区域,状态,来源,生效日期\nS005,系统,D009,互联网区,运行,新建系统,2026-01-01\n";
    assert_eq!(
        house.faults(ImportKind::Systems, unknown).await,
        ["2 所属单位代码: 没有登记代码为「D009」的单位，请先导入，或改正代码"]
    );
}

async fn projects_belong_to_systems(store: TestStore) {
    let house = House::new(store).await;
    let text =
        "云节点,项目,系统代码,生效日期\nN1,政务 一,S001,2026-01-01\nN1,政务 一,,2026-05-01\nN2,政务 一,S002,2026/1/1\n";
    house.try_then_import_twice(ImportKind::Projects, text, (2, 0, 1)).await;
    let history = house.history::<ProjectMapping>().await;
    let key = ProjectMapping::key(&"N1".parse().unwrap(), "政务 一");
    assert_eq!(
        history.at(&key, at("2026-04-30")).and_then(|m| m.system.clone()),
        Some("S001".parse().unwrap())
    );
    assert_eq!(history.latest(&key).map(|m| m.system.clone()), Some(None));
    let bad = "云节点,项目,系统代码,生效日期\nN9,p,S009,2026-01-01\nN1,,S001,2026-01-01\nN1,政务 一,S002,2026-01-01\n";
    let expected = [
        "2 云节点: 没有登记代码为「N9」的云节点，请先导入，或改正代码",
        "2 系统代码: 没有登记代码为「S009」的信息系统，请先导入，或改正代码",
        "3 项目: 这一格必须填写",
        "4 生效日期: 项目对应「N1:政务 一」自 2026-01-01T00:00:00+08:00 起已有另一内容的登记；已登记的版本不可覆盖，请用新的生效时间登记变更",
    ];
    assert_eq!(house.faults(ImportKind::Projects, bad).await, expected);
}

const ITEM_HEADING: &str =
    "代码,名称,层级,服务形式,资源类型,规格类别,计量项,单位,计量依据,资源池类型,网络区域,适用形式,生效日期";

async fn the_catalogue_is_clear_for_every_use(store: TestStore) {
    let house = House::empty(store);
    house
        .try_then_import_twice(ImportKind::Catalogue, CATALOGUE, (3, 0, 0))
        .await;
    // One by class, one by pool: a fast disk in the Xinchuang pool would be charged by either.
    let by_class = "SSD,高性能盘,基础设施层,共享云,云硬盘,高性能型,storage_gib,GB,按批准开通量,,,,2026-03-01";
    let by_pool = "DISK-XC,信创盘,基础设施层,共享云,云硬盘,,storage_gib,GB,按批准开通量,信创池,,,2026-03-01";
    let by_both =
        "SSD-XC,信创高性能盘,基础设施层,共享云,云硬盘,高性能型,storage_gib,GB,按批准开通量,信创池,,,2026-03-01";
    let rivals = format!("{ITEM_HEADING}\n{by_class}\n{by_pool}\n");
    let ambiguous = "服务目录条目 DISK-XC 与 SSD 对同一资源同样适用，请为其中之一补充类别、资源池或区域条件";
    assert_eq!(
        house.faults(ImportKind::Catalogue, &rivals).await,
        [format!("2 代码: {ambiguous}")]
    );
    // A third that asks for both goes before them.
    assert_eq!(
        house
            .good(
                ImportKind::Catalogue,
                &format!("{ITEM_HEADING}\n{by_class}\n{by_pool}\n{by_both}\n")
            )
            .await,
        (3, 0, 0)
    );
    // If that one turns to something else later, the two stand against each other from then on.
    let turned = by_both
        .replace("高性能型", "极速型")
        .replace("2026-03-01", "2026-05-01");
    let found = house
        .faults(ImportKind::Catalogue, &format!("{ITEM_HEADING}\n{turned}\n"))
        .await;
    assert_eq!(found, [format!("2 代码: {ambiguous}")]);
    // The same for one that begins before another that is there already.
    let earlier = "MORE,更多盘,基础设施层,共享云,云硬盘,,storage_gib,GB,按批准开通量,信创池,,,2026-02-01";
    let found = house
        .faults(ImportKind::Catalogue, &format!("{ITEM_HEADING}\n{earlier}\n"))
        .await;
    assert_eq!(
        found,
        ["2 代码: 服务目录条目 DISK-XC 与 MORE 对同一资源同样适用，请为其中之一补充类别、资源池或区域条件"]
    );
}

async fn every_fault_of_a_catalogue_file(store: TestStore) {
    let house = House::new(store).await;
    let bad = format!(
        "{ITEM_HEADING}
CPU,云主机 vCPU,基础设施层,共享云,云主机,,vcpu,台,取批准与实际之小者,X86池,,,2026-01-01
CPU-2,另一条,基础设施层,共享云,云主机,,vcpu,核,取批准与实际之小者,X86池,,,2026-01-01
X,某项,底层,共享云,主机,,核数,,按量,x86,,,2026-01-01
"
    );
    let found = house.faults(ImportKind::Catalogue, &bad).await;
    let begins = [
        "2 生效日期: 服务条目「CPU」自 2026-01-01",
        "3 代码: 服务目录条目 CPU 与 CPU-2 对同一资源同样适用",
        "4 层级: 「底层」不是可用的取值",
        "4 资源类型: 「主机」不是可用的取值",
        "4 计量项: 「核数」不是可用的取值",
        "4 单位: 这一格必须填写",
        "4 计量依据: 「按量」不是可用的取值",
    ];
    assert_eq!(found.len(), begins.len(), "{found:#?}");
    for (found, begin) in found.iter().zip(begins) {
        assert!(found.starts_with(begin), "{found} / {begin}");
    }
}

async fn a_changed_item_is_a_proposal_for_closed_months(store: TestStore) {
    let house = House::new(store).await;
    house.close("2026-03").await;
    let other_basis = "CPU,云主机 vCPU,基础设施层,共享云,云主机,,vcpu,核,按批准开通量,X86池,,,2026-03-10";
    house
        .good(ImportKind::Catalogue, &format!("{ITEM_HEADING}\n{other_basis}\n"))
        .await;
    let late = house.late().await;
    assert_eq!(late.len(), 1);
    assert_eq!(
        (late[0].0, late[0].1.as_str(), late[0].2),
        (month("2026-03"), "backdated_price", false)
    );
    let items = house.history::<ServiceItem>().await;
    assert_eq!(items.iter().map(|(_, versions)| versions.len()).sum::<usize>(), 4);
}

const TERMS_HEADING: &str = "合同编号,合同名称,云服务商代码,采购批次,分包,服务开始日,服务终止日,合同上限（元）,折算方式,对账容差（元）,计入停机最短秒数,停机取整,可用性扣减阶梯,扣减封顶比例,最低承诺,依据,生效日期";

async fn all_terms_of_a_contract(store: TestStore) {
    let house = House::new(store).await;
    let text = format!(
        "{TERMS_HEADING}\nHT-9,合同九,P1,2026年采购,九,2026-01-01,2029-01-01,\"60,000,000.00\",full_month_after_15_days,0.10,300,\
         进到整分钟,0.999:0.10；0.95：0.25;0.90:0.5,0.5,50000.00@D001;100@A001:CPU，DISK,第八条,2026-01-01\n"
    );
    house
        .try_then_import_twice(ImportKind::Contracts, &text, (1, 0, 0))
        .await;
    let history = house.history::<Contract>().await;
    let contract = history.latest("HT-9").unwrap();
    assert_eq!(
        (contract.proration, contract.tolerance.fen()),
        (Proration::FullMonthAfter(15), 10)
    );
    assert_eq!(contract.ceiling.map(|c| c.to_string()), Some("60000000.00".to_owned()));
    let sla = contract.sla.as_ref().unwrap();
    let tiers: Vec<_> = sla
        .tiers
        .iter()
        .map(|t| (t.below.to_string(), t.deduct.to_string()))
        .collect();
    assert_eq!(
        tiers,
        [("0.999", "0.1"), ("0.95", "0.25"), ("0.9", "0.5")].map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert_eq!(
        (sla.counted_from_s, sla.rounding, sla.cap.to_string()),
        (300, OutageRounding::UpToMinute, "0.5".to_owned())
    );
    let commitments: Vec<_> = contract
        .commitments
        .iter()
        .map(|c| (c.minimum.fen(), c.payer.to_string(), c.items.len()))
        .collect();
    assert_eq!(
        commitments,
        [(5_000_000, "D001".to_owned(), 0), (10_000, "A001".to_owned(), 2)]
    );
    assert!(
        history.latest("HT-1").unwrap().sla.is_none(),
        "not agreed, and not guessed"
    );
}

async fn every_fault_of_a_contract_file(store: TestStore) {
    let house = House::new(store).await;
    let text = format!(
        "{TERMS_HEADING}
C1,一,D001,批,包,2026-01-01,2026-01-01,-5,按周,0.005,,,,,,条,2026-01-01
C2,二,P1,批,包,2026-01-01,2026-01-01,,按天,0.05,,,,,50@D009;60@D001:X1,条,2026-01-01
C3,三,P1,批,包,2026-01-01,2027-01-01,,按天,0.05,60,,0.95:0.1;0.99:0.2,,,条,2026-01-01
C4,四,P1,批,包,2026-01-01,2027-01-01,,按天,0.05,60,按秒,0.95:0.1;0.99:0.2,1,,条,2026-01-01
C5,五,P1,批,包,2026-01-01,2027-01-01,,按天,0.05,60,按秒,95:0.1,1,全包,条,2026-01-01
C6,六,D001,批,包,2026-01-01,2027-01-01,,按天,0.05,,,,,,条,2026-01-01
"
    );
    let found = house.faults(ImportKind::Contracts, &text).await;
    let expected = [
        "2 合同上限（元）: 「-5」不能为负数",
        "2 折算方式: 「按周」不是折算方式，可填 按天（by_day）、按秒（by_second）、整月（whole_month）或 full_month_after_15_days（满 15 天按整月）",
        "2 对账容差（元）: 「0.005」小数超过 2 位；为免悄悄舍去，请按 2 位以内填写",
        "3 服务终止日: 合同终止日 2026-01-01 必须晚于开始日 2026-01-01",
        "3 最低承诺: 没有登记代码为「D009」的单位，请先导入，或改正代码",
        "3 最低承诺: 服务目录中没有条目「X1」，请先导入，或改正代码",
        "4 停机取整: 约定了服务级别，这一格也必须填写",
        "4 扣减封顶比例: 约定了服务级别，这一格也必须填写",
        "5 可用性扣减阶梯: 服务级别扣减阶梯应按可用性从高到低、扣减比例从低到高排列，且不超过封顶比例",
        "6 可用性扣减阶梯: 「95:0.1」中的「95」应是不超过 1 的比例，如 0.95",
        "6 最低承诺: 「全包」中的「全包」应写成 金额@单位代码",
        "7 云服务商代码: 「D001」登记的类别是使用单位，不是云服务商",
    ];
    assert_eq!(found, expected);
    let other = CONTRACTS.replace("第八条", "第九条");
    let begins = house.faults(ImportKind::Contracts, &other).await;
    assert!(
        begins.len() == 2 && begins[0].starts_with("2 生效日期: 合同「HT-1」自 2026-01-01"),
        "{begins:?}"
    );
}
