//! The files that clerks and providers hand in: headings, words and dates as an office writes them.

use crate::bills::BillLine;
use crate::calendar::local;
use crate::looks::zone;
use crate::market::{ITEMS, Model};
use crate::plants::{Merger, Outage};
use crate::terms::{Book, Line, Provider};
use crate::town::{BUREAU, System, Town};
use crate::words::{CITY, DEMO};
use crate::{CityError, ImportKind, PoolPlan};
use domain::catalogue::{Proration, TierScope};
use domain::registry::{Measure, PoolKind, ResourceKind, Side, SystemStatus};
use kernel::decimal::format_scaled;
use kernel::{Day, Instant};
use std::path::{Path, PathBuf};

/// How the bytes of a file stand for its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    /// UTF-8 with a byte order mark.
    Marked,
    /// GBK, as older office programs write.
    Gbk,
}

/// A table to be written.
pub(crate) struct Paper {
    writer: csv::Writer<Vec<u8>>,
    fault: Option<csv::Error>,
    lines: usize,
}

impl Paper {
    fn new(heading: &[&str]) -> Self {
        let writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let mut paper = Self {
            writer,
            fault: None,
            lines: 0,
        };
        paper.row(heading);
        paper
    }

    fn row<T: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.lines += 1;
        if self.fault.is_none() {
            self.fault = self.writer.write_record(cells).err();
        }
    }

    /// Whether nothing stands under the heading.
    pub(crate) const fn is_empty(&self) -> bool {
        self.lines <= 1
    }

    /// Writes the file and tells its path.
    pub(crate) fn put(self, root: &Path, name: &str, writing: Writing) -> Result<PathBuf, CityError> {
        let path = root.join(name);
        if let Some(fault) = self.fault {
            return Err(CityError::write(&path, std::io::Error::other(fault)));
        }
        let bytes = self
            .writer
            .into_inner()
            .map_err(|e| CityError::write(&path, std::io::Error::other(e.to_string())))?;
        let bytes = match writing {
            Writing::Marked => [b"\xEF\xBB\xBF".as_slice(), &bytes].concat(),
            Writing::Gbk => encoding_rs::GBK.encode(&String::from_utf8_lossy(&bytes)).0.into_owned(),
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| CityError::write(folder, e))?;
        }
        std::fs::write(&path, bytes).map_err(|e| CityError::write(&path, e))?;
        Ok(path)
    }
}

/// The beginning of the name of a file of this kind.
pub(crate) fn file_name(kind: ImportKind, month: &str, ending: &str) -> String {
    format!("imports/{month}/{}{ending}.csv", kind.word())
}

const ORGANISATIONS: &[&str] = &["代码", "名称", "类别", "上级代码", "并入代码", "市级单位", "生效日期"];

/// Every organisation as it is when the contracts begin.
pub(crate) fn organisations(town: &Town) -> Paper {
    let mut paper = Paper::new(ORGANISATIONS);
    let since = since(town).to_string();
    let bodies = [
        (BUREAU, "数据管理局", Side::Authority),
        ("F001", "财政资金局", Side::Finance),
        ("J001", "云服务监理公司", Side::Supervisor),
        ("Z001", "造价咨询公司", Side::CostAssessor),
        ("E001", "政务云评测中心", Side::Evaluator),
    ];
    for (code, name, side) in bodies {
        paper.row([code, &format!("{CITY}{name}{DEMO}"), side.zh(), "", "", "", &since]);
    }
    for provider in &town.providers {
        paper.row([provider.code, &provider.name, Side::Provider.zh(), "", "", "", &since]);
    }
    for (code, name) in &town.departments {
        paper.row([code, name, Side::Unit.zh(), "", "", "是", &since]);
    }
    paper
}

/// The department that is merged into another.
pub(crate) fn merger(town: &Town, merger: &Merger) -> Paper {
    let mut paper = Paper::new(ORGANISATIONS);
    if let Some((code, name)) = town.departments.get(merger.department) {
        paper.row([
            code,
            name,
            Side::Unit.zh(),
            "",
            &merger.heir,
            "是",
            &merger.from.to_string(),
        ]);
    }
    paper
}

const SYSTEMS: &[&str] = &[
    "代码",
    "名称",
    "所属单位代码",
    "等保级别",
    "网络区域",
    "数据分级",
    "状态",
    "来源",
    "生效日期",
];

/// Systems, each as it was registered in the version with this place (0 is the first).
pub(crate) fn systems<'s>(systems: impl IntoIterator<Item = &'s System>, version: usize) -> Paper {
    let mut paper = Paper::new(SYSTEMS);
    for system in systems {
        let Some((since, owner)) = system.registered.get(version) else {
            continue;
        };
        paper.row([
            system.code.as_str(),
            &system.name,
            owner,
            &system.level.to_string(),
            system.zone.zh(),
            system.grade.zh(),
            SystemStatus::Running.zh(),
            system.origin.zh(),
            &since.to_string(),
        ]);
    }
    paper
}

/// Which project of a node belongs to which system.
pub(crate) fn projects(town: &Town) -> Paper {
    let mut paper = Paper::new(&["云节点", "项目", "系统代码", "生效日期"]);
    let since = since(town).to_string();
    for system in &town.systems {
        let node = town.providers.get(system.node).map_or("", |p| p.node);
        paper.row([node, &system.project, &system.code, &since]);
    }
    paper
}

/// The service catalogue.
pub(crate) fn catalogue(town: &Town) -> Paper {
    let mut paper = Paper::new(&[
        "代码",
        "名称",
        "层级",
        "服务形式",
        "资源类型",
        "规格类别",
        "计量项",
        "单位",
        "计量依据",
        "资源池类型",
        "网络区域",
        "适用形式",
        "生效日期",
    ]);
    let since = since(town).to_string();
    for item in ITEMS {
        paper.row([
            item.code,
            item.name,
            item.layer.zh(),
            item.form.zh(),
            item.kind.zh(),
            item.class,
            // Measures are written as in a specification, `vcpu=4`.
            item.measure.word(),
            item.unit,
            item.basis.zh(),
            item.pool.map_or("", PoolKind::zh),
            "",
            item.tenancy.map_or("", |form| form.zh()),
            &since,
        ]);
    }
    paper
}

/// The contracts.
pub(crate) fn contracts(town: &Town) -> Paper {
    let mut paper = Paper::new(&[
        "合同编号",
        "合同名称",
        "云服务商代码",
        "采购批次",
        "分包",
        "服务开始日",
        "服务终止日",
        "合同上限（元）",
        "折算方式",
        "对账容差（元）",
        "计入停机最短秒数",
        "停机取整",
        "可用性扣减阶梯",
        "扣减封顶比例",
        "最低承诺",
        "依据",
        "生效日期",
    ]);
    for provider in &town.providers {
        let sla = &provider.sla;
        paper.row([
            provider.contract.as_str(),
            &format!("{CITY}政务云服务采购合同{}{DEMO}", provider.lot),
            provider.code,
            &format!("{}年政务云服务采购{DEMO}", provider.starts.month().year()),
            provider.lot,
            &provider.starts.to_string(),
            &provider.ends.to_string(),
            provider.ceiling,
            &proration(provider.proration),
            provider.tolerance,
            sla.counted_from_s,
            sla.rounding,
            sla.tiers,
            sla.cap,
            &provider.commitment,
            "演示数据：条款为示例，并非真实合同",
            &provider.starts.to_string(),
        ]);
    }
    paper
}

fn proration(proration: Proration) -> String {
    match proration {
        Proration::ByDay => "按天".into(),
        Proration::BySecond => "按秒".into(),
        Proration::WholeMonth => "整月".into(),
        other => other.word(),
    }
}

/// One version of a contract's prices.
pub(crate) fn prices(provider: &Provider, book: &Book) -> Paper {
    let mut paper = Paper::new(&[
        "合同编号",
        "价目版本",
        "生效日期",
        "条目代码",
        "云节点",
        "资源池类型",
        "计价方式",
        "单价（元）",
        "阶梯",
        "阶梯范围",
        "包含量",
        "超出单价（元）",
        "折扣",
        "最高限价（元）",
        "单资源月封顶（元）",
        "条款",
        "依据",
        "批准人",
    ]);
    for line in &book.lines {
        let Some(item) = ITEMS.get(line.item) else { continue };
        let priced = priced(line);
        paper.row([
            provider.contract.as_str(),
            &book.version.to_string(),
            &book.from.to_string(),
            item.code,
            "",
            line.pool.map_or("", PoolKind::zh),
            priced.model,
            priced.price,
            &priced.tiers,
            priced.scope,
            priced.included,
            priced.beyond,
            line.discount,
            line.ceiling,
            line.cap,
            &line.clause,
            "演示数据：公开目录价（public list, not a contract）及示例价，各条见条款",
            &format!("{CITY}数据管理局{DEMO}"),
        ]);
    }
    paper
}

#[derive(Default)]
struct Priced {
    model: &'static str,
    price: &'static str,
    tiers: String,
    scope: &'static str,
    included: &'static str,
    beyond: &'static str,
}

fn priced(line: &Line) -> Priced {
    let tiers = |tiers: &[(&str, &str)]| {
        tiers
            .iter()
            .map(|(up_to, price)| format!("{up_to}:{price}"))
            .collect::<Vec<_>>()
            .join(";")
    };
    match line.model {
        Model::Flat(price) => Priced {
            model: "flat",
            price,
            ..Priced::default()
        },
        Model::OneOff(price) => Priced {
            model: "one_off",
            price,
            ..Priced::default()
        },
        Model::Graduated(list) => Priced {
            model: "graduated",
            tiers: tiers(list),
            scope: TierScope::Resource.zh(),
            ..Priced::default()
        },
        Model::Volume(list, scope) => Priced {
            model: "volume",
            tiers: tiers(list),
            scope: scope.zh(),
            ..Priced::default()
        },
        Model::Package {
            price,
            included,
            beyond,
        } => Priced {
            model: "package",
            price,
            included,
            beyond,
            ..Priced::default()
        },
    }
}

/// The code of a pool on a node.
pub(crate) fn pool_code(node: &str, pool: PoolKind) -> String {
    match pool {
        PoolKind::X86 => format!("{node}-X86"),
        PoolKind::Xinchuang => format!("{node}-XC"),
    }
}

/// The pools of a provider's node.
pub(crate) fn pools(provider: &Provider) -> Vec<PoolPlan> {
    let pool = |kind: &PoolKind| PoolPlan {
        code: pool_code(provider.node, *kind),
        name: format!("{}{}{DEMO}", provider.node_name.trim_end_matches(DEMO), kind.zh()),
        kind: *kind,
        zones: vec![zone(provider.node, *kind)],
    };
    PoolKind::ALL.iter().map(pool).collect()
}

/// The allocations that are handed in with a month: new ones, and those that ended in it once more.
pub(crate) fn allocations(town: &Town, month: usize) -> Paper {
    let mut paper = Paper::new(&[
        "分配单号",
        "系统代码",
        "服务形式",
        "资源类型",
        "规格类别",
        "规格",
        "云节点",
        "资源池代码",
        "云资源标识",
        "合同编号",
        "上级分配单号",
        "计费开始",
        "计费终止",
    ]);
    let index = |at: Instant| town.calendar.index_of(at);
    for thing in town.things.iter().filter(|thing| thing.kind != ResourceKind::Work) {
        for stretch in &thing.approved {
            let handed_in = index(stretch.from).max(thing.handed_in.unwrap_or(0));
            let ended = stretch.to.map(|to| index(to).max(handed_in));
            if handed_in != month && ended != Some(month) {
                continue;
            }
            let to = stretch.to.filter(|_| ended.is_some_and(|ended| ended <= month));
            let provider = town.systems.get(thing.system).and_then(|s| town.providers.get(s.node));
            let node = provider.map_or("", |p| p.node);
            let parent = thing.parent.and_then(|place| town.things.get(place));
            paper.row([
                thing.code.as_str(),
                town.systems.get(thing.system).map_or("", |s| &s.code),
                thing.form.zh(),
                thing.kind.zh(),
                thing.class,
                &stretch.spec.to_string(),
                node,
                &thing.pool.map_or_else(String::new, |pool| pool_code(node, pool)),
                thing.native_id.as_deref().unwrap_or_default(),
                provider.map_or("", |p| &p.contract),
                parent.map_or("", |p| &p.code),
                &local(stretch.from),
                &to.map_or_else(String::new, local),
            ]);
        }
    }
    paper
}

/// The work that was accepted in a month; none if there was none.
pub(crate) fn works(town: &Town, month: usize) -> Option<Paper> {
    let mut paper = Paper::new(&[
        "工作单号",
        "系统代码",
        "服务形式",
        "工作类别",
        "工作量",
        "云节点",
        "合同编号",
        "验收日期",
    ]);
    let accepted = |thing: &&crate::town::Thing| {
        thing
            .approved
            .first()
            .is_some_and(|s| town.calendar.index_of(s.from) == month)
    };
    let mut found = false;
    for thing in town
        .things
        .iter()
        .filter(|thing| thing.kind == ResourceKind::Work)
        .filter(accepted)
    {
        let provider = town.systems.get(thing.system).and_then(|s| town.providers.get(s.node));
        let Some(stretch) = thing.approved.first() else {
            continue;
        };
        found = true;
        paper.row([
            thing.code.as_str(),
            town.systems.get(thing.system).map_or("", |s| &s.code),
            thing.form.zh(),
            thing.class,
            &stretch.spec.to_string(),
            provider.map_or("", |p| p.node),
            provider.map_or("", |p| &p.contract),
            &stretch.from.day().to_string(),
        ]);
    }
    found.then_some(paper)
}

/// A provider's bill of a month.
pub(crate) fn bill(town: &Town, (provider, month, version): (usize, usize, usize), lines: &[BillLine]) -> Paper {
    let mut paper = Paper::new(&[
        "云服务商代码",
        "账期",
        "账单版本",
        "行号",
        "云节点",
        "云资源标识",
        "条目代码",
        "使用单位代码",
        "起",
        "止",
        "数量",
        "单价（元）",
        "金额（元）",
    ]);
    let (code, node) = town.providers.get(provider).map_or(("", ""), |p| (p.code, p.node));
    let (month, version) = (town.calendar.month(month).to_string(), version.to_string());
    let decimal = |micros: i128| format_scaled(i64::try_from(micros).unwrap_or(i64::MAX), 6, 0);
    for (place, line) in lines.iter().enumerate() {
        paper.row([
            code,
            &month,
            &version,
            &(place + 1).to_string(),
            node,
            &line.resource,
            ITEMS.get(line.item).map_or("", |item| item.code),
            &line.organisation,
            &local(line.period.from()),
            &local(line.period.to()),
            &decimal(line.quantity),
            &decimal(line.unit_price),
            &line.amount().to_string(),
        ]);
    }
    paper
}

/// The outages of a month as the supervisor notes them.
pub(crate) fn outages<'o>(outages: impl IntoIterator<Item = &'o Outage>) -> Paper {
    let mut paper = Paper::new(&["云节点", "云资源标识", "开始", "结束", "免责原因", "依据"]);
    for outage in outages {
        let (from, to) = (local(outage.from), local(outage.to));
        paper.row([
            outage.node,
            &outage.native_id,
            &from,
            &to,
            outage.excluded,
            &outage.source,
        ]);
    }
    paper
}

/// The day from which everything is registered: that on which the contracts begin.
pub(crate) fn since(town: &Town) -> Day {
    town.providers.first().map_or_else(Day::default, |p| p.starts)
}

/// How many of what there is, for the head of the demo.
pub(crate) fn vcpu(town: &Town, at: Instant) -> i64 {
    let live = town
        .things
        .iter()
        .filter(|t| t.kind == ResourceKind::Server)
        .filter_map(|thing| {
            let now = thing
                .approved
                .iter()
                .find(|s| s.from <= at && s.to.is_none_or(|to| at < to))?;
            now.spec.get(Measure::Vcpu)
        });
    live.map(|q| q.micros() / 1_000_000).sum()
}
