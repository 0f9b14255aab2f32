//! A specimen of each document, with invented names: to check fonts and printers, to look at a changed template, and
//! to run the FOCUS validator on. All figures are made up, but their sums agree.

use crate::error::DocumentError;
use crate::focus::{
    ChargeCategory, ChargeFrequency, FocusAccount, FocusConsumption, FocusPricing, FocusRegion, FocusResource,
    FocusRow, FocusService, PricingCategory, SkuDetail,
};
use crate::statement::{
    AnnexLine, BillComparison, ChargeItem, CorrectionItem, DeductionItem, DifferenceClass, LineTally, Party,
    ReleaseItem, SignaturePlace, StatementDocument, SystemCharges, Totals, WithheldItem,
};
use kernel::{Digest, Instant, Money, Month, Quantity, UnitPrice};
use std::collections::BTreeMap;

/// Code, name, unit, quantity, days, unit price in yuan, charge in fen for a whole month.
const ITEMS: [(&str, &str, &str, &str, &str, &str, i64); 7] = [
    (
        "ECS-X86-8C16G",
        "云服务器 通用型 8核16GB（X86）",
        "台·月",
        "12",
        "31",
        "486.5",
        583_800,
    ),
    (
        "ECS-XC-16C32G",
        "云服务器 信创型 16核32GB（鲲鹏）",
        "台·月",
        "4",
        "10/31",
        "1280",
        165_161,
    ),
    (
        "EVS-SSD",
        "高性能云硬盘（SSD）",
        "GiB·月",
        "20480",
        "31",
        "0.65",
        1_331_200,
    ),
    ("OBS-STD", "对象存储 标准", "GiB·月", "51200.125", "—", "0.12", 614_402),
    (
        "EIP-BW",
        "互联网出口带宽（独享）",
        "Mbps·月",
        "200",
        "31",
        "58",
        1_160_000,
    ),
    ("SEC-WAF", "Web应用防火墙", "域名·月", "6", "31", "1500", 900_000),
    (
        "BAK-FULL",
        "数据备份服务（含异地）",
        "TiB·月",
        "8.5",
        "多段",
        "多价",
        144_500,
    ),
];

fn month() -> Result<Month, DocumentError> {
    Month::new(2026, 3).ok_or(DocumentError::AmountRange)
}

/// The moment in which every specimen says it was made.
pub const fn made_at() -> Instant {
    Instant::from_unix_s(1_775_095_200)
}

/// A draft statement with this many systems, of one department, or of a whole provider.
///
/// Errors: sums beyond the range of an amount, for a very great number of systems.
pub fn statement(systems: usize, whole_provider: bool) -> Result<StatementDocument, DocumentError> {
    let month = month()?;
    let range = |_| DocumentError::AmountRange;
    let systems: Vec<SystemCharges> = (1..=systems)
        .map(|n| system(n, whole_provider))
        .collect::<Result<_, _>>()?;
    let annex: Vec<AnnexLine> = systems.iter().flat_map(|s| lines(s, month)).collect();
    let mut tally = LineTally::new();
    annex.iter().try_for_each(|line| tally.add(line))?;
    let charges = Money::sum(systems.iter().map(|s| s.subtotal)).map_err(range)?;
    let corrections = corrections(month);
    let (deductions, withheld) = (deductions(), withheld());
    let sum = |amounts: Vec<Money>| Money::sum(amounts).map_err(range);
    let corrected = sum(corrections.iter().map(|c| c.amount).collect())?;
    let deducted = sum(deductions.iter().map(|d| d.amount).collect())?;
    let held = sum(withheld.iter().map(|w| w.amount).collect())?;
    let releases = releases(month.previous());
    let released = sum(releases.iter().map(|r| r.amount).collect())?;
    let payable = charges
        .plus(corrected)
        .and_then(|m| m.minus(deducted))
        .and_then(|m| m.minus(held))
        .and_then(|m| m.plus(released))
        .map_err(range)?;
    Ok(StatementDocument {
        number: "JS-2026-03-0017".to_owned(),
        version: 2,
        is_final: false,
        stage: "待监理审核".to_owned(),
        is_demo: true,
        authority: "春城市数据局".to_owned(),
        provider: party("P02", "春城云联数据服务有限公司"),
        department: (!whole_provider).then(|| party("D017", "春城市人力资源和社会保障局")),
        contract_number: "CCZW-2025-YF-002".to_owned(),
        contract_name: "春城市政务云服务采购项目（第二包：信创及通用资源池）".to_owned(),
        month,
        prepared_at: made_at(),
        systems,
        corrections,
        deductions,
        withheld,
        releases,
        totals: Totals {
            charges,
            corrections: corrected,
            deductions: deducted,
            withheld: held,
            released,
            payable,
        },
        completeness: "本月计量数据完整率 99.87%：应采集 2,976 次，实际采集 2,972 次；缺失 4 次均在节点故障期间，未以零或插值代替。"
            .to_owned(),
        bill: Some(bill(charges)?),
        signatures: SignaturePlace::usual(),
        inputs_digest: Digest::of(b"specimen inputs"),
        lines_digest: Digest::of(b"specimen lines"),
        remarks: vec!["计费口径：已审批开通且实际存在的资源，取两者较小值；按日折算，价格以生效版本为准。".to_owned()],
        lines: tally.finish(),
        annex,
        annex_note: "金额按行四舍五入到分；单价 × 系数为合同单价与折算系数，完整解释可按明细编号查询。".to_owned(),
    })
}

fn party(code: &str, name: &str) -> Party {
    Party {
        code: code.to_owned(),
        name: name.to_owned(),
    }
}

fn system(number: usize, whole_provider: bool) -> Result<SystemCharges, DocumentError> {
    let items: Vec<ChargeItem> = ITEMS
        .iter()
        .take(3 + number % 5)
        .map(|(code, name, unit, quantity, days, price, fen)| ChargeItem {
            item_code: (*code).to_owned(),
            item_name: (*name).to_owned(),
            unit: (*unit).to_owned(),
            quantity: (*quantity).to_owned(),
            days: (*days).to_owned(),
            unit_price: (*price).to_owned(),
            amount: Money::from_fen(*fen),
        })
        .collect();
    let subtotal = Money::sum(items.iter().map(|i| i.amount)).map_err(|_| DocumentError::AmountRange)?;
    let names = [
        "社会保险公共服务平台",
        "人事人才一体化管理系统",
        "劳动关系协同治理与电子劳动合同备案监管系统",
    ];
    let name = names.get(number % names.len()).copied().unwrap_or_default();
    let department = if whole_provider {
        "春城市人力资源和社会保障局"
    } else {
        ""
    };
    Ok(SystemCharges {
        code: format!("S17{number:03}"),
        name: name.to_owned(),
        department: department.to_owned(),
        items,
        subtotal,
    })
}

fn lines(system: &SystemCharges, month: Month) -> Vec<AnnexLine> {
    let line = |(place, item): (usize, &ChargeItem)| AnnexLine {
        line: format!("chg_{}{place:04}", Digest::of(system.code.as_bytes()).short()),
        system: system.code.clone(),
        resource: format!("3f0c9f52-7b1e-4d0a-9f6e-{:0>12}", place * 7919),
        item: item.item_code.clone(),
        period: month.period(),
        quantity: item.quantity.clone(),
        unit_price: item.unit_price.clone(),
        factor: if item.days.contains('/') {
            item.days.clone()
        } else {
            "1".to_owned()
        },
        amount: item.amount,
    };
    system.items.iter().enumerate().map(line).collect()
}

fn corrections(month: Month) -> Vec<CorrectionItem> {
    let correction = |month: Month, number: &str, item: &str, reason: &str, fen| CorrectionItem {
        month,
        statement_number: number.to_owned(),
        system: "社会保险公共服务平台".to_owned(),
        item: item.to_owned(),
        reason: reason.to_owned(),
        amount: Money::from_fen(fen),
    };
    vec![
        correction(
            month.previous(),
            "JS-2026-02-0017",
            "高性能云硬盘（SSD）",
            "关账后补到的采集数据：硬盘 2026-02-20 已释放，多计 8 天",
            -118_857,
        ),
        correction(
            month.plus(-2),
            "JS-2026-01-0016",
            "数据备份服务（含异地）",
            "云服务商补报已验收备份容量 0.5 TiB",
            8_500,
        ),
    ]
}

fn deductions() -> Vec<DeductionItem> {
    vec![DeductionItem {
        basis: "合同附件三 第 4.2 条（可用性承诺 99.95%）".to_owned(),
        reason: "节点 B 于 2026-03-12 02:10 至 03:25 中断 75 分钟，本月可用性 99.832%，按受影响服务当月费用的 10% 扣减"
            .to_owned(),
        amount: Money::from_fen(74_896),
    }]
}

fn withheld() -> Vec<WithheldItem> {
    vec![WithheldItem {
        reference: "CASE-2026-0311 未经审批的云服务器 2 台".to_owned(),
        reason: "云上存在而无审批与开通记录，待使用单位与云服务商在 5 个工作日内核实".to_owned(),
        amount: Money::from_fen(97_300),
    }]
}

fn releases(month: Month) -> Vec<ReleaseItem> {
    vec![ReleaseItem {
        month,
        statement_number: "JS-2026-02-0017".to_owned(),
        reference: "节点 B 的 vm-0311，云服务器".to_owned(),
        reason: "云服务商第 2 版账单与我方一致".to_owned(),
        amount: Money::from_fen(12_650),
    }]
}

fn bill(ours: Money) -> Result<BillComparison, DocumentError> {
    let class = |class: &str, count, fen, outcome: &str| DifferenceClass {
        class: class.to_owned(),
        count,
        amount: Money::from_fen(fen),
        outcome: outcome.to_owned(),
    };
    let classes = vec![
        class("账单多项", 1, 45_900, "已释放服务器仍计费，服务商同意剔除"),
        class("价格差异", 6, 31_250, "3 月 15 日调价后仍按旧价，服务商同意按新价"),
        class("数量差异", 2, -1_200, "容差以内，以平台计量为准"),
    ];
    let range = |_| DocumentError::AmountRange;
    let difference = Money::sum(classes.iter().map(|c| c.amount)).map_err(range)?;
    let theirs = ours.plus(difference).map_err(range)?;
    Ok(BillComparison {
        number: "ZD-P02-202603".to_owned(),
        version: 1,
        ours,
        theirs,
        classes,
    })
}

/// FOCUS rows with ASCII names: usage with proration, usage by measure, accepted work, a credit and a correction.
///
/// Errors: none but a fault of this module.
pub fn focus_rows() -> Result<Vec<FocusRow>, DocumentError> {
    let fault = || DocumentError::Focus {
        row: 0,
        reason: "样例错误".to_owned(),
    };
    let month = month()?;
    let service = |name: &str, kind: &str| FocusService::new(name, kind).ok_or_else(fault);
    let server = service("Cloud Server", "Virtual Machines")?;
    let base = focus_base(month, server);
    let mut rows = Vec::new();
    for n in 0..40_i64 {
        let mut row = base.clone();
        row.line_id = format!("chg_{n:06}");
        row.billed_cost = Money::from_fen(41_290);
        row.effective_cost = row.billed_cost;
        if let Some(resource) = &mut row.resource {
            resource.id = format!("node-a/server/{n:04}");
        }
        rows.push(row);
    }
    let mut storage = base.clone();
    storage.line_id = "chg_obs".to_owned();
    storage.service = service("Object Storage", "Object Storage")?;
    storage.frequency = ChargeFrequency::UsageBased;
    storage.consumed = consumption(51_200_125_000, "GiB-Months");
    storage.pricing = Some(pricing("OBS-STD", 51_200_125_000, "GiB-Months", 150_000, 120_000));
    storage.resource = None;
    (storage.billed_cost, storage.effective_cost) = (Money::from_fen(614_402), Money::from_fen(614_402));
    rows.push(storage);
    let mut work = base.clone();
    work.line_id = "chg_migration".to_owned();
    work.service = service("System Migration", "Resource Migration")?;
    work.frequency = ChargeFrequency::OneTime;
    (work.consumed, work.resource) = (consumption(1_000_000, "Systems"), None);
    work.pricing = Some(pricing("MIG-L", 1_000_000, "System", 28_000_000_000, 25_000_000_000));
    (work.billed_cost, work.effective_cost) = (Money::from_fen(2_500_000), Money::from_fen(2_500_000));
    rows.push(work);
    let mut credit = base.clone();
    credit.line_id = "ded_1".to_owned();
    (credit.category, credit.frequency) = (ChargeCategory::Credit, ChargeFrequency::OneTime);
    (credit.pricing, credit.consumed, credit.resource) = (None, None, None);
    (credit.billed_cost, credit.effective_cost) = (Money::from_fen(-74_896), Money::from_fen(-74_896));
    rows.push(credit);
    let mut correction = base;
    correction.line_id = "cor_1".to_owned();
    correction.is_correction = true;
    correction.charge_period = month.previous().period();
    (correction.pricing, correction.consumed) = (None, None);
    (correction.billed_cost, correction.effective_cost) = (Money::from_fen(-118_857), Money::from_fen(-118_857));
    rows.push(correction);
    Ok(rows)
}

/// The rows of [`focus_rows`] with Chinese names, as real exports have them.
///
/// Errors: none but a fault of this module.
pub fn focus_rows_zh() -> Result<Vec<FocusRow>, DocumentError> {
    let mut rows = focus_rows()?;
    for row in &mut rows {
        row.description = Some("云服务器 8核16GB，31 天中的 10 天".to_owned());
        row.billing_account.name = "春城市数据局".to_owned();
        row.billing_account.kind = "主管部门".to_owned();
        if let Some(account) = &mut row.sub_account {
            (account.name, account.kind) = ("春城市人力资源和社会保障局".to_owned(), "使用单位".to_owned());
        }
        for name in [
            &mut row.provider_name,
            &mut row.publisher_name,
            &mut row.invoice_issuer_name,
        ] {
            *name = "春城云联数据服务有限公司".to_owned();
        }
        if let Some(region) = &mut row.region {
            region.name = "节点甲".to_owned();
        }
        if let Some(resource) = &mut row.resource {
            (resource.name, resource.kind) = (Some("社保前置机".to_owned()), "云服务器".to_owned());
        }
        if let Some(pricing) = &mut row.pricing {
            pricing.meter = "已开通规格".to_owned();
        }
        let name = match row.service.subcategory() {
            "Object Storage" => "对象存储",
            "Resource Migration" => "系统迁移服务",
            _ => "云服务器",
        };
        if let Some(service) = FocusService::new(name, row.service.subcategory()) {
            row.service = service;
        }
    }
    Ok(rows)
}

fn focus_base(month: Month, service: FocusService) -> FocusRow {
    let account = |id: &str, name: &str, kind: &str| FocusAccount {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
    };
    FocusRow {
        line_id: "chg".to_owned(),
        contract_number: "CCZW-2025-YF-002".to_owned(),
        billing_month: month,
        charge_period: month.period(),
        category: ChargeCategory::Usage,
        is_correction: false,
        frequency: ChargeFrequency::Recurring,
        description: Some("Cloud server 8 vCPU 16 GiB, 10 of 31 days".to_owned()),
        billed_cost: Money::ZERO,
        effective_cost: Money::ZERO,
        pricing: Some(pricing(
            "ECS-X86-8C16G",
            322_581,
            "Server-Months",
            1_500_000_000,
            1_280_000_000,
        )),
        consumed: consumption(10_000_000, "Days"),
        billing_account: account("CC-DATA", "Chuncheng Data Bureau", "Authority"),
        sub_account: Some(account("D017", "Human Resources Bureau", "Department")),
        provider_name: "Chuncheng Cloud".to_owned(),
        publisher_name: "Chuncheng Cloud".to_owned(),
        invoice_issuer_name: "Chuncheng Cloud".to_owned(),
        invoice_id: Some("JS-2026-03-0017".to_owned()),
        region: Some(FocusRegion {
            id: "node-a".to_owned(),
            name: "Node A".to_owned(),
        }),
        availability_zone: Some("az-1".to_owned()),
        resource: Some(FocusResource {
            id: "node-a/server".to_owned(),
            name: Some("hr-web".to_owned()),
            kind: "Server".to_owned(),
        }),
        service,
        tags: BTreeMap::from([("system".to_owned(), "S17001".to_owned())]),
    }
}

fn consumption(micros: i64, unit: &str) -> Option<FocusConsumption> {
    Some(FocusConsumption {
        quantity: Quantity::from_micros(micros),
        unit: unit.to_owned(),
    })
}

fn pricing(item: &str, micros: i64, unit: &str, list: i64, contracted: i64) -> FocusPricing {
    FocusPricing {
        sku_id: item.to_owned(),
        sku_price_id: format!("{item}/2026-01"),
        meter: "Allocated".to_owned(),
        details: BTreeMap::from([
            (
                "CoreCount".to_owned(),
                SkuDetail::Number(Quantity::from_micros(8_000_000)),
            ),
            ("Pool".to_owned(), SkuDetail::Text("X86".to_owned())),
        ]),
        category: PricingCategory::Standard,
        quantity: Quantity::from_micros(micros),
        unit: unit.to_owned(),
        list_unit_price: UnitPrice::from_micros(list),
        contracted_unit_price: UnitPrice::from_micros(contracted),
    }
}
