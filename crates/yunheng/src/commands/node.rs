//! Cloud nodes.

use crate::cli::{BuiltInNode, NodeAddArgs, NodeCommand};
use crate::exit::{Failure, INVALID};
use crate::input::parsed;
use crate::output::{Grid, Report};
use crate::wiring::Setting;
use app::nodes::{self, NewNode, NewPool};
use domain::authz::Action;
use domain::registry::{NodeSource, Platform};

/// `node ...`
pub(crate) async fn run(setting: &Setting, command: NodeCommand) -> Result<Report, Failure> {
    let ctx = match &command {
        NodeCommand::Add(_) => setting.open_for(Action::NodeWrite, "node").await?,
        NodeCommand::List => setting.open_to_see(Action::NodeRead, "node").await?,
        // This asks by itself.
        NodeCommand::Test { .. } => setting.open().await?,
    };
    match command {
        NodeCommand::Add(arguments) => {
            let new = new_node(*arguments)?;
            let code = new.code.clone();
            let added = nodes::add(&ctx, new).await?;
            let mut report = Report::new(serde_json::json!({ "node": code, "new": added.new, "notes": added.notes }));
            report.line(if added.new {
                format!("云节点 {code} 已登记")
            } else {
                format!("云节点 {code} 此前已如此登记")
            });
            added.notes.into_iter().for_each(|note| report.line(note));
            Ok(report)
        }
        NodeCommand::List => {
            let views = nodes::list(&ctx).await?;
            let mut grid = Grid::new(
                "",
                &[
                    "云节点",
                    "名称",
                    "云服务商",
                    "来源",
                    "资源池",
                    "平台等级",
                    "运维和数据",
                    ">采集次数",
                    "最近一次",
                ],
            );
            for view in &views {
                let source = match &view.node.source {
                    NodeSource::Files { folder } => format!("文件 {folder}"),
                    NodeSource::OpenStack {
                        auth_url,
                        operator: None,
                        ..
                    } => format!("OpenStack {auth_url}（只读）"),
                    NodeSource::OpenStack { auth_url, .. } => format!("OpenStack {auth_url}（可操作）"),
                    NodeSource::Simulated { folder } => format!("内置模拟，不是真实的云 {folder}"),
                };
                let pools: Vec<_> = view
                    .pools
                    .iter()
                    .map(|pool| {
                        let separate = if pool.separate == Some(true) { "，独立" } else { "" };
                        format!("{}（{}{separate}）", pool.code, pool.kind.zh())
                    })
                    .collect();
                let last = view.last_look.map_or_else(|| "—".to_owned(), |at| at.to_string());
                let node = &view.node;
                grid.row([
                    node.code.to_string(),
                    node.name.clone(),
                    node.provider.to_string(),
                    source,
                    pools.join("、"),
                    level(&node.platform),
                    place(&node.platform),
                    view.looks.to_string(),
                    last,
                ]);
            }
            let mut report = Report::new(&views);
            report.grid(grid);
            Ok(report)
        }
        NodeCommand::Test { node } => {
            let lines = nodes::test(&ctx, &parsed(&node)?, &*setting.config).await?;
            let mut report = Report::new(&lines);
            lines.into_iter().for_each(|line| report.line(line));
            Ok(report)
        }
    }
}

/// The level of a platform and its filing, as listed.
fn level(platform: &Platform) -> String {
    let level = platform.mlps_level.map(|level| format!("{level} 级"));
    let level = level.unwrap_or_else(|| "未登记".to_owned());
    match &platform.filing {
        Some(filing) => format!("{level}（{filing}）"),
        None => level,
    }
}

/// Where a platform is operated and its data are, as listed.
fn place(platform: &Platform) -> String {
    let shown = |inside: Option<bool>| match inside {
        Some(true) => "境内",
        Some(false) => "境外",
        None => "未登记",
    };
    let (operated, data) = (shown(platform.operated_in_china), shown(platform.data_in_china));
    format!("运维{operated}，数据{data}")
}

fn new_node(arguments: NodeAddArgs) -> Result<NewNode, Failure> {
    let source = match (arguments.files, arguments.openstack, arguments.built_in) {
        (Some(folder), ..) => NodeSource::Files { folder },
        (None, Some(auth_url), _) => NodeSource::OpenStack {
            auth_url,
            region: arguments.region,
            account: arguments.account.unwrap_or_default(),
            operator: arguments.operator,
        },
        (None, None, Some(BuiltInNode::Simulated)) => NodeSource::Simulated {
            folder: format!("simulated/{}", arguments.code),
        },
        (None, None, None) => {
            let text = "请用 --files、--openstack 或 --source simulated 说明如何采集";
            return Err(Failure::new(INVALID, text));
        }
    };
    let since = match arguments.since {
        Some(since) => since,
        None => (crate::wiring::system_clock())().day().month().first_day().start(),
    };
    Ok(NewNode {
        code: parsed(&arguments.code)?,
        name: arguments.name,
        provider: parsed(&arguments.provider)?,
        source,
        platform: Platform {
            mlps_level: arguments.platform.mlps_level,
            filing: arguments.platform.mlps_filing,
            operated_in_china: arguments.platform.operated_in_china,
            data_in_china: arguments.platform.data_in_china,
        },
        pools: arguments
            .pools
            .iter()
            .map(|text| pool(text))
            .collect::<Result<_, _>>()?,
        valid_from: since,
    })
}

fn pool(text: &str) -> Result<NewPool, Failure> {
    let wrong = || {
        let form = "编码:x86|xinchuang:名称[:可用区,可用区[:separate|shared]]";
        Failure::new(INVALID, format!("资源池「{text}」应写成 {form}"))
    };
    let mut parts = text.splitn(5, ':');
    let (Some(code), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong());
    };
    let zones = parts
        .next()
        .unwrap_or_default()
        .split(',')
        .filter(|zone| !zone.is_empty())
        .map(str::to_owned);
    Ok(NewPool {
        code: parsed(code)?,
        kind: parsed(kind)?,
        name: name.to_owned(),
        zones: zones.collect(),
        separate: match parts.next() {
            None => None,
            Some("separate") => Some(true),
            Some("shared") => Some(false),
            Some(_) => return Err(wrong()),
        },
    })
}
