//! Cloud nodes and their pools.

use crate::audit::changes_of;
use crate::collect::NodeSecrets;
use crate::month::{Cause, LateFacts};
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::registry::{CloudNode, History, NodeSource, Platform, PoolKind, Registered, ResourcePool, Side, Version};
use kernel::{Instant, NodeCode, OrganisationCode, Period, PoolCode};
use serde::Serialize;
use serde_json::json;
use sources::numbered::NumberedError;
use std::path::{Component, Path};

/// A node to register, with its pools.
#[derive(Debug, Clone)]
pub struct NewNode {
    /// Code.
    pub code: NodeCode,
    /// Name.
    pub name: String,
    /// Provider that runs it.
    pub provider: OrganisationCode,
    /// How it is looked at.
    pub source: NodeSource,
    /// What is registered of its platform.
    pub platform: Platform,
    /// Its pools.
    pub pools: Vec<NewPool>,
    /// Since when.
    pub valid_from: Instant,
}

/// A pool of a node to register.
#[derive(Debug, Clone)]
pub struct NewPool {
    /// Code.
    pub code: PoolCode,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: PoolKind,
    /// Availability zones of the node that belong to it.
    pub zones: Vec<String>,
    /// Whether it is apart from the general cloud; none if nobody has said.
    pub separate: Option<bool>,
}

/// A node as listed.
#[derive(Debug, Clone, Serialize)]
pub struct NodeView {
    /// The node.
    #[serde(flatten)]
    pub node: CloudNode,
    /// Its pools.
    pub pools: Vec<ResourcePool>,
    /// Looks that were taken in.
    pub looks: usize,
    /// The moment of the last one.
    pub last_look: Option<Instant>,
}

/// A node as it holds at a moment.
#[derive(Debug, Clone)]
pub struct NodeHeld {
    /// The node.
    pub node: CloudNode,
    /// Its pools.
    pub pools: Vec<ResourcePool>,
}

/// What registering a node came to.
#[derive(Debug, Clone, Default)]
pub struct Added {
    /// Whether anything is new; false if it was registered just so before.
    pub new: bool,
    /// What a person should know: which closed months are concerned.
    pub notes: Vec<String>,
}

/// Registers a node and its pools. Registering the same again changes nothing. What it changes of closed months, by
/// whom a node is run and of which kind a pool is, is noted as late data (I5).
pub async fn add(ctx: &OpContext, new: NewNode) -> Result<Added, AppError> {
    let mut work = ctx.store().begin().await?;
    let organisations = ctx.organisations(&mut work).await?;
    let provider = organisations.latest(new.provider.as_str());
    if provider.is_none_or(|o| o.side != Side::Provider) {
        let advice = "请先导入组织机构，且其类别应为云服务商";
        return Err(AppError::NotFound {
            what: "云服务商",
            key: new.provider.to_string(),
            advice,
        });
    }
    let name = match &new.source {
        // Whoever sees its name anywhere must not take it for a cloud.
        NodeSource::Simulated { .. } if !new.name.contains("模拟") => format!("{}（模拟）", new.name),
        _ => new.name,
    };
    let mut nodes = work.history::<CloudNode>().await?;
    let mut pools = work.history::<ResourcePool>().await?;
    let version = Version {
        valid_from: new.valid_from,
        body: CloudNode {
            code: new.code.clone(),
            name,
            provider: new.provider,
            source: new.source,
            platform: new.platform,
        },
    };
    let contradiction = |why: domain::registry::HistoryError| AppError::Contradiction(why.to_string());
    let (mut added, mut fields) = (Added::default(), Vec::new());
    let mut late = LateFacts::new(&mut work).await?;
    let since = run_by_another_since(&nodes, &version);
    let of_node = changes_of(&nodes.at(new.code.as_str(), new.valid_from), &version.body)?;
    if nodes.add(version.clone()).map_err(contradiction)? {
        if let Some(changed) = until_the_next(&nodes, &version, since) {
            late.concerns(
                changed,
                Cause::LateData,
                format!("追溯登记的云节点 {} 变更", new.code),
                1,
            );
        }
        work.add_versions(&[version], None).await?;
        fields.push(json!({ "code": new.code, "fields": of_node }));
        added.new = true;
    }
    for pool in new.pools {
        let body = ResourcePool {
            code: pool.code,
            name: pool.name,
            node: new.code.clone(),
            kind: pool.kind,
            zones: pool.zones,
            separate: pool.separate,
        };
        let version = Version {
            valid_from: new.valid_from,
            body,
        };
        let since = of_another_kind_since(&pools, &version);
        let of_pool = changes_of(&pools.at(version.body.code.as_str(), new.valid_from), &version.body)?;
        if pools.add(version.clone()).map_err(contradiction)? {
            if let Some(changed) = until_the_next(&pools, &version, since) {
                let subject = format!("追溯登记的资源池 {} 变更", version.body.code);
                late.concerns(changed, Cause::LateData, subject, 1);
            }
            fields.push(json!({ "code": version.body.code, "fields": of_pool }));
            work.add_versions(&[version], None).await?;
            added.new = true;
        }
    }
    if added.new {
        let noted = late.note(ctx, &mut work, None).await?;
        added.notes.extend(noted.sentences());
        let detail = json!({ "from": new.valid_from, "changes": fields });
        work.audit(
            ctx.now(),
            (ctx.actor(), "node.add", new.code.as_str()),
            detail.to_string(),
        )
        .await?;
        work.commit().await?;
    }
    Ok(added)
}

/// Since when a version lets a known node be run by another than is known; none if it does not. Before its first version
/// a node is taken to be run by whoever was the first to.
fn run_by_another_since(nodes: &History<CloudNode>, version: &Version<CloudNode>) -> Option<Instant> {
    let code = version.body.code.as_str();
    let known = nodes.at_or_first(code, version.valid_from)?;
    let is_first = nodes.at(code, version.valid_from).is_none();
    let since = if is_first { Instant::MIN } else { version.valid_from };
    (known.provider != version.body.provider).then_some(since)
}

/// Since when a version lets a known pool be of another kind than is known; none if it does not. Before its first version
/// a pool is of no kind.
fn of_another_kind_since(pools: &History<ResourcePool>, version: &Version<ResourcePool>) -> Option<Instant> {
    let code = version.body.code.as_str();
    let known = pools.at(code, version.valid_from).map(|pool| pool.kind);
    (pools.knows(code) && known != Some(version.body.kind)).then_some(version.valid_from)
}

/// From a moment to the end of a version that was put in.
fn until_the_next<T: Registered>(history: &History<T>, version: &Version<T>, since: Option<Instant>) -> Option<Period> {
    let holds = history.holds(&version.body.code(), version.valid_from)?;
    Period::new(since?, holds.to()).ok()
}

/// Registers a node for somebody who is not at the machine: what [`add`] does, if they may. Folders are those below the
/// data folder, and an account is used only for the address it was configured for: nobody gets the house to read
/// elsewhere, or to send a secret to an address of theirs.
pub async fn register(ctx: &OpContext, new: NewNode, secrets: &dyn NodeSecrets) -> Result<Added, AppError> {
    let about = Target {
        kind: "node",
        id: new.code.to_string(),
        provider: Some(new.provider.clone()),
        ..Target::default()
    };
    ctx.authorise(Action::NodeWrite, &about).await?;
    if new.name.trim().is_empty() || new.pools.iter().any(|pool| pool.name.trim().is_empty()) {
        return Err(AppError::Invalid("请填写云节点和资源池的名称".to_owned()));
    }
    let levels = 1..=5;
    if new.platform.mlps_level.is_some_and(|level| !levels.contains(&level)) {
        return Err(AppError::Invalid("云平台的等保等级应为 1 至 5".to_owned()));
    }
    let there = {
        let mut read = ctx.store().read().await?;
        let nodes = read.history::<CloudNode>().await?;
        nodes.at(new.code.as_str(), new.valid_from).cloned()
    };
    // What is stated again as it holds opens nothing new, whoever registered it.
    if there.is_none_or(|node| node.source != new.source) {
        check_source(&new.source, secrets)?;
    }
    add(ctx, new).await
}

fn check_source(source: &NodeSource, secrets: &dyn NodeSecrets) -> Result<(), AppError> {
    match source {
        NodeSource::Files { folder } | NodeSource::Simulated { folder } => {
            let below = Path::new(folder)
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            if folder.trim().is_empty() || !below {
                let text = format!("文件夹「{folder}」应在数据目录之下，写相对路径，不含 ..");
                return Err(AppError::Invalid(text));
            }
        }
        NodeSource::OpenStack {
            auth_url,
            account,
            operator,
            ..
        } => {
            for name in std::iter::once(account).chain(operator) {
                let own = secrets.address(name).map_err(AppError::Invalid)?;
                if own != *auth_url {
                    let text = format!("账号「{name}」不用于 {auth_url}；请核对地址，或由运维人员在配置文件中登记");
                    return Err(AppError::Invalid(text));
                }
            }
            if let Some(operator) = operator {
                secrets.hands(operator).map_err(AppError::Invalid)?;
            }
        }
    }
    Ok(())
}

/// All nodes, in order of their codes.
pub async fn list(ctx: &OpContext) -> Result<Vec<NodeView>, AppError> {
    let mut read = ctx.store().read().await?;
    let nodes = read.history::<CloudNode>().await?;
    let pools = read.history::<ResourcePool>().await?;
    let mut views = Vec::new();
    for node in nodes.all_at(Instant::MAX) {
        let looks = read.looks(&node.code).await?;
        views.push(NodeView {
            node: node.clone(),
            pools: pools
                .all_at(Instant::MAX)
                .filter(|pool| pool.node == node.code)
                .cloned()
                .collect(),
            looks: looks.len(),
            last_look: looks.last().map(|look| look.taken_at),
        });
    }
    Ok(views)
}

/// A node and its pools as they hold at a moment, for somebody who is about to state them again. None: there is no such
/// node then.
pub async fn held(ctx: &OpContext, code: &NodeCode, at: Instant) -> Result<Option<NodeHeld>, AppError> {
    ctx.authorise(Action::NodeWrite, &Target::of("node", code.as_str()))
        .await?;
    let mut read = ctx.store().read().await?;
    let Some(node) = read.history::<CloudNode>().await?.at(code.as_str(), at).cloned() else {
        return Ok(None);
    };
    let pools = read.history::<ResourcePool>().await?;
    let pools = pools.all_at(at).filter(|pool| pool.node == *code).cloned();
    Ok(Some(NodeHeld {
        node,
        pools: pools.collect(),
    }))
}

/// Tries to reach a node with the accounts that are configured for it, if whoever acts may maintain it, without taking
/// anything in. Returns what was found, a line each.
pub async fn test(ctx: &OpContext, code: &NodeCode, secrets: &dyn NodeSecrets) -> Result<Vec<String>, AppError> {
    ctx.judge(Action::NodeWrite, &Target::of("node", code.as_str())).await?;
    let node = {
        let mut read = ctx.store().read().await?;
        read.history::<CloudNode>().await?.latest(code.as_str()).cloned()
    };
    let advice = "请核对已登记的云节点编码";
    let node = node.ok_or_else(|| AppError::NotFound {
        what: "云节点",
        key: code.to_string(),
        advice,
    })?;
    match &node.source {
        NodeSource::Files { folder } => {
            let path = ctx.data().join(folder);
            let deliveries = sources::numbered::list(&path, code).map_err(|why| match why {
                // Where on the machine the folder lies is not told: this is read from elsewhere too.
                NumberedError::Folder { source, .. } => NumberedError::Folder {
                    folder: folder.into(),
                    source,
                },
                why => why,
            })?;
            let numbers = deliveries.first().zip(deliveries.last());
            let range = numbers.map_or_else(
                || "无".to_owned(),
                |(a, b)| format!("{} 至 {}", a.sequence(), b.sequence()),
            );
            Ok(vec![
                format!("文件夹 {folder} 可读"),
                format!("数据文件 {} 份，编号 {range}", deliveries.len()),
            ])
        }
        NodeSource::Simulated { folder } => {
            let (look, _) = crate::orders::simulated_look(ctx, folder)?;
            Ok(vec![
                "内置模拟云节点，不是真实的云资源".to_owned(),
                format!("资源 {} 个（含已删除）", look.observations.len()),
            ])
        }
        NodeSource::OpenStack {
            auth_url,
            region,
            account,
            operator,
        } => {
            let config = crate::collect::access(code, (auth_url, region.as_deref(), account), secrets)?;
            let found = sources::openstack::Connector::connect(config)
                .await?
                .test_connection()
                .await?;
            let mut lines = vec![format!(
                "区域 {}，角色 {}",
                found.region.as_deref().unwrap_or("—"),
                found.roles.join("、")
            )];
            for service in &found.services {
                let version = service
                    .version
                    .map_or_else(String::new, |version| format!(" {version}"));
                lines.push(format!("服务 {}{version} {}", service.service, service.url));
            }
            lines.extend(
                found
                    .absent
                    .iter()
                    .map(|service| format!("没有服务 {service}，相应用量不采集")),
            );
            lines.extend(found.projects.map(|count| format!("项目 {count} 个")));
            lines.push(if found.sees_all_projects {
                "可以看到全部项目".to_owned()
            } else {
                "看不到全部项目".to_owned()
            });
            lines.extend(found.shortcomings.iter().map(ToString::to_string));
            if let Some(operator) = operator {
                let config = crate::collect::access(code, (auth_url, region.as_deref(), operator), secrets)?;
                secrets.hands(operator).map_err(AppError::Invalid)?;
                let projects = sources::openstack::Hands::projects(&config).await?;
                let names: Vec<_> = projects.iter().map(|project| project.name.as_str()).collect();
                lines.push(format!("操作账号可用的项目 {} 个：{}", names.len(), names.join("、")));
            }
            Ok(lines)
        }
    }
}
