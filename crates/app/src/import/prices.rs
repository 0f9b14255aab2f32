//! Versions of price books. A version that was handed in never changes; a new one corrects it.

use super::cells::{Amount, Cell, Number, Words, may, must, optional, required};
use super::contracts::parts;
use super::job::{Cause, Job, Line};
use super::registers::refer;
use super::{ImportKind, Sheet};
use crate::AppError;
use domain::catalogue::{
    Contract, PriceBook, PriceBookError, PriceLine, PriceModel, PriceScope, ServiceItem, Tier, TierScope,
};
use domain::registry::{CloudNode, History};
use kernel::{ContractCode, Factor, Faults, Instant, Period, Quantity, UnitPrice};
use serde_json::{Value, json};
use sources::tabular::{Record, Records, Template};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static TEMPLATE: Template = Template {
    kind: ImportKind::Prices.word(),
    title_zh: ImportKind::Prices.zh(),
    columns: &[
        required("contract", "合同编号", "已登记的合同编号", "ZWY-2026-01"),
        required(
            "version",
            "价目版本",
            "从 1 起连续编号；一个版本的全部价格放在同一文件",
            "1",
        ),
        required("effective_from", "生效日期", "该版本的第一个适用日", "2026-01-01"),
        required("item", "条目代码", "服务目录中的条目", "ECS-X86-CPU"),
        optional("node", "云节点", "只在此云节点适用；不限则留空", ""),
        optional("pool", "资源池类型", "只在此类资源池适用；不限则留空", ""),
        required(
            "model",
            "计价方式",
            "单价 flat、超额累进 graduated、全额累进 volume、套餐 package、一次性 one_off",
            "flat",
        ),
        optional(
            "price",
            "单价（元）",
            "每单位每月的价格；套餐填套餐价，一次性填每单位一次的价格",
            "46",
        ),
        optional(
            "tiers",
            "阶梯",
            "上限:单价，从小到大用分号隔开，最后一档不写上限，如 5:20;:36",
            "",
        ),
        optional(
            "tier_scope",
            "阶梯范围",
            "数量按什么合计后套阶梯：单个资源（默认）、同一系统、同一单位、整个合同",
            "",
        ),
        optional("included", "包含量", "套餐包含的数量，如 100", ""),
        optional("beyond", "超出单价（元）", "套餐超出部分每单位的价格，如 0.5", ""),
        optional("discount", "折扣", "单价乘以此数，默认 1", "0.8"),
        optional("ceiling", "最高限价（元）", "单价不得高于此数，没有则留空", "46"),
        optional("cap", "单资源月封顶（元）", "每资源每月最多计此数，没有则留空", ""),
        required("clause", "条款", "价格出自哪一条、哪一表", "附件一第3行"),
        required("source", "依据", "该版本的决定、通知或清单", "合同附件一"),
        required("approver", "批准人", "谁批准的", "张三"),
    ],
};

pub(super) struct Prices;

/// A row: the head of the version it belongs to, without prices, and one price.
pub(super) struct Price {
    head: PriceBook,
    line: PriceLine,
}

impl Sheet for Prices {
    type Row = Price;

    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<Price> {
        let contract = must(record, "contract", faults);
        let version = must::<Number>(record, "version", faults);
        let effective_from = must(record, "effective_from", faults);
        let item = must(record, "item", faults);
        let scope = PriceScope {
            node: may(record, "node", faults),
            pool: may(record, "pool", faults),
        };
        let model = model(record, faults);
        let discount = may(record, "discount", faults).unwrap_or(Factor::ONE);
        let ceiling = may(record, "ceiling", faults);
        let cap = may::<Amount>(record, "cap", faults).map(|amount| amount.0);
        let clause = must::<Words>(record, "clause", faults);
        let source = must::<Words>(record, "source", faults);
        let approver = must::<Words>(record, "approver", faults);
        let head = PriceBook {
            contract: contract?,
            version: version?.0,
            effective_from: effective_from?,
            source: source?.0,
            approver: approver?.0,
            lines: Vec::new(),
        };
        let line = PriceLine {
            item: item?,
            scope,
            model: model?,
            discount,
            ceiling,
            cap,
            clause: clause?.0,
        };
        Some(Price { head, line })
    }

    async fn take(job: &mut Job<'_>, _records: &Records<'_>, rows: Vec<Line<'_, Price>>) -> Result<(), AppError> {
        let contracts: History<Contract> = job.work.history().await?;
        let items: History<ServiceItem> = job.work.history().await?;
        let nodes: History<CloudNode> = job.work.history().await?;
        for line in &rows {
            let Price { head, line: price } = &line.value;
            let contract = contracts.latest(head.contract.as_str());
            refer(line, "contract", "合同", contract.is_some(), &mut job.faults);
            refer(
                line,
                "item",
                "服务目录条目",
                items.knows(price.item.as_str()),
                &mut job.faults,
            );
            let Some(node) = &price.scope.node else { continue };
            match nodes.latest(node.as_str()).zip(contract) {
                Some((node, contract)) if node.provider != contract.provider => {
                    let why = format!("云节点由 {} 运营，不在 {} 的合同之内", node.provider, contract.provider);
                    line.fault("node", why, &mut job.faults);
                }
                _ => refer(line, "node", "云节点", nodes.knows(node.as_str()), &mut job.faults),
            }
        }
        // What follows judges versions as a whole; a version with a faulty row is not whole.
        let can_judge = job.faults.is_empty();
        let books = books(&rows, &mut job.faults);
        let stored = job.work.price_books().await?;
        let new = if can_judge {
            against_stored(job, &stored, books)
        } else {
            Vec::new()
        };
        job.refuse_faults()?;
        // Nothing that comes in after a month was closed may count as known when it was, not even if the clock went back
        // meanwhile.
        let closed = job.work.closed_months().await?;
        let known_at = closed
            .iter()
            .map(|month| month.closed_at.plus_s(1))
            .fold(job.now, Instant::max);
        for book in new {
            let before = stored.iter().rfind(|there| there.contract == book.contract);
            let words = (book.contract.as_str(), book.effective_from);
            job.changed(words, &before.map(fields).transpose()?, &fields(&book)?)?;
            job.work.add_price_book(&book, known_at, Some(job.id)).await?;
            if let Ok(holds) = Period::open(book.effective_from.start(), None) {
                let subject = format!("追溯生效的价目 {}", book.label());
                job.concerns(holds, Cause::BackdatedPrice, subject, book.lines.len());
            }
        }
        Ok(())
    }
}

/// A version by field, each price under what it is for, so that two versions can be compared price by price.
fn fields(book: &PriceBook) -> Result<Value, AppError> {
    let mut prices = serde_json::Map::new();
    for line in &book.lines {
        let node = line.scope.node.as_ref().map_or("", |node| node.as_str());
        let pool = line.scope.pool.map_or("", |pool| pool.word());
        let name = format!("{}@{node}/{pool}", line.item);
        prices.insert(name, serde_json::to_value(line)?);
    }
    Ok(json!({
        "version": book.version, "effective_from": book.effective_from, "source": book.source,
        "approver": book.approver, "prices": prices,
    }))
}

/// A version and the rows it stands in.
struct Book<'l, 'r> {
    book: PriceBook,
    lines: Vec<&'l Line<'r, Price>>,
}

/// Puts the rows together to versions, and checks each by itself.
fn books<'l, 'r>(rows: &'l [Line<'r, Price>], faults: &mut Faults) -> BTreeMap<(ContractCode, u32), Book<'l, 'r>> {
    let mut books: BTreeMap<(ContractCode, u32), Book<'l, 'r>> = BTreeMap::new();
    for line in rows {
        let head = &line.value.head;
        let book = books
            .entry((head.contract.clone(), head.version))
            .or_insert_with(|| Book {
                book: head.clone(),
                lines: Vec::new(),
            });
        let same = [
            ("effective_from", book.book.effective_from == head.effective_from),
            ("source", book.book.source == head.source),
            ("approver", book.book.approver == head.approver),
        ];
        for (field, _) in same.iter().filter(|(_, same)| !same) {
            let first = book.lines.first().map_or(0, |line| line.record.row());
            let why = format!("与第 {first} 行不同，而两行属于同一版本 {}", head.label());
            line.fault(field, why, faults);
        }
        book.book.lines.push(line.value.line.clone());
        book.lines.push(line);
    }
    for book in books.values() {
        for why in book.book.faults() {
            note(book, why, faults);
        }
    }
    books
}

/// Notes a fault of a version at the row it comes from.
fn note(book: &Book<'_, '_>, why: PriceBookError, faults: &mut Faults) {
    let of_item = |item| book.lines.iter().filter(move |line| line.value.line.item == item);
    match &why {
        PriceBookError::Empty => {}
        PriceBookError::Model(item, _) => {
            if let Some(line) = of_item(item.clone()).find(|line| line.value.line.model.check().is_err()) {
                line.fault("tiers", why, faults);
            }
        }
        PriceBookError::AboveCeiling { item, price, .. } => {
            let dear = |line: &&&Line<'_, Price>| {
                let PriceLine { model, ceiling, .. } = &line.value.line;
                model.dearest_unit() == *price && ceiling.is_some_and(|ceiling| *price > ceiling)
            };
            if let Some(line) = of_item(item.clone()).find(dear) {
                line.fault("ceiling", why, faults);
            }
        }
        PriceBookError::Twice(item) => {
            let mut scopes = BTreeSet::new();
            if let Some(line) = of_item(item.clone()).find(|line| !scopes.insert(&line.value.line.scope)) {
                line.fault("item", why, faults);
            }
        }
    }
}

/// Compares versions with those that are stored. Returns the new ones.
fn against_stored(
    job: &mut Job<'_>,
    stored: &[PriceBook],
    books: BTreeMap<(ContractCode, u32), Book<'_, '_>>,
) -> Vec<PriceBook> {
    let mut last: BTreeMap<ContractCode, u32> = BTreeMap::new();
    for book in stored {
        let last = last.entry(book.contract.clone()).or_default();
        *last = book.version.max(*last);
    }
    let mut new = Vec::new();
    for ((contract, version), Book { book, lines }) in books {
        let Some(first) = lines.first() else { continue };
        let rows = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        match stored
            .iter()
            .find(|there| there.contract == contract && there.version == version)
        {
            Some(there) if in_order(there) == in_order(&book) => job.counts.unchanged += rows,
            Some(_) => {
                let why = format!(
                    "价目 {} 已登记，且内容不同；已登记的版本不能改动，请以新的版本号登记",
                    book.label()
                );
                first.fault("version", why, &mut job.faults);
            }
            None => {
                let expected = last.get(&contract).copied().unwrap_or(0).saturating_add(1);
                if version != expected {
                    let why = format!("合同 {contract} 的下一个价目版本应为 {expected}，版本号必须连续");
                    first.fault("version", why, &mut job.faults);
                }
                last.insert(contract, version);
                job.counts.new += rows;
                new.push(book);
            }
        }
    }
    new
}

/// The same book with its prices in a fixed order: the order of the rows says nothing.
fn in_order(book: &PriceBook) -> PriceBook {
    let mut book = book.clone();
    book.lines.sort_by(|a, b| (&a.item, &a.scope).cmp(&(&b.item, &b.scope)));
    book
}

/// Reads the model, and notes what is missing for it and what does not belong to it.
fn model(record: &Record<'_>, faults: &mut Faults) -> Option<PriceModel> {
    const FIELDS: [&str; 5] = ["price", "tiers", "tier_scope", "included", "beyond"];
    let word = must::<Words>(record, "model", faults)?.0;
    let (needs, allows): (&[&str], &[&str]) = match word.as_str() {
        "flat" | "单价" | "one_off" | "一次性" => (&["price"], &[]),
        "graduated" | "超额累进" | "volume" | "全额累进" => (&["tiers"], &["tier_scope"]),
        "package" | "套餐" => (&["price", "included", "beyond"], &[]),
        _ => {
            record.fault("model", format!("「{word}」不是可用的计价方式"), faults);
            return None;
        }
    };
    for field in FIELDS {
        let is_blank = record.text(field).is_empty();
        if needs.contains(&field) && is_blank {
            record.fault(field, format!("计价方式是「{word}」，这一格必须填写"), faults);
        }
        if !needs.contains(&field) && !allows.contains(&field) && !is_blank {
            record.fault(
                field,
                format!("计价方式是「{word}」，用不到这一格，请留空或改正计价方式"),
                faults,
            );
        }
    }
    let price = may::<UnitPrice>(record, "price", faults);
    let tiers = may::<Tiers>(record, "tiers", faults).map(|tiers| tiers.0);
    let scope = may(record, "tier_scope", faults).unwrap_or(TierScope::Resource);
    let included = may::<Quantity>(record, "included", faults);
    let beyond = may::<UnitPrice>(record, "beyond", faults);
    match word.as_str() {
        "flat" | "单价" => Some(PriceModel::Flat { price: price? }),
        "one_off" | "一次性" => Some(PriceModel::OneOff { price: price? }),
        "graduated" | "超额累进" => Some(PriceModel::Graduated { tiers: tiers?, scope }),
        "volume" | "全额累进" => Some(PriceModel::Volume { tiers: tiers?, scope }),
        _ => Some(PriceModel::Package {
            price: price?,
            included: included?,
            beyond: beyond?,
        }),
    }
}

struct Tiers(Vec<Tier>);

impl Cell for Tiers {
    fn read(text: &str) -> Result<Self, String> {
        let tier = |part: &str| {
            let (up_to, price) = part
                .split_once(':')
                .ok_or_else(|| format!("中的「{part}」应写成 上限:单价，最后一档写 :单价"))?;
            let inside = |text: &str, why: String| format!("中的「{}」{why}", text.trim());
            let up_to = Some(up_to.trim()).filter(|text| !text.is_empty());
            let up_to = up_to
                .map(|text| Quantity::read(text).map_err(|why| inside(text, why)))
                .transpose()?;
            Ok(Tier {
                up_to,
                price: UnitPrice::read(price.trim()).map_err(|why| inside(price, why))?,
            })
        };
        parts(text)
            .iter()
            .map(|part| tier(part))
            .collect::<Result<_, String>>()
            .map(Self)
    }
}
