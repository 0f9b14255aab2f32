//! Nodes that are asked over the OpenStack API.

use super::take::{Received, Taken, take_look};
use super::{CollectOptions, CollectOutcome};
use crate::{AppError, OpContext};
use domain::registry::CloudNode;
use kernel::{Digester, NodeCode};
use sources::openstack::{Connector, HandsConfig, OpenStackConfig};

/// Where the secrets of nodes' accounts are found. They are never in the store.
pub trait NodeSecrets: Send + Sync {
    /// How to reach a node with an account. Errors: nothing, or nothing usable, is configured for it; in a sentence.
    fn openstack(&self, auth_url: &str, account: &str) -> Result<OpenStackConfig, String>;

    /// The address that an account was configured for, and only that. Errors: it is not configured, or for no address in
    /// particular; in a sentence.
    fn address(&self, account: &str) -> Result<String, String> {
        Err(format!("账号「{account}」没有配置"))
    }

    /// How things are made with an account. Errors: it is not configured to make any; in a sentence.
    fn hands(&self, account: &str) -> Result<HandsConfig, String> {
        Err(format!("账号「{account}」没有配置为操作账号"))
    }
}

/// No secrets: for nodes that deliver files.
#[derive(Debug, Clone, Copy)]
pub struct NoSecrets;

impl NodeSecrets for NoSecrets {
    fn openstack(&self, _auth_url: &str, account: &str) -> Result<OpenStackConfig, String> {
        Err(format!("账号「{account}」没有配置"))
    }
}

/// The configuration to reach a node with, or what to write where.
pub(crate) fn access(
    node: &NodeCode,
    (auth_url, region, account): (&str, Option<&str>, &str),
    secrets: &dyn NodeSecrets,
) -> Result<OpenStackConfig, AppError> {
    let config = secrets.openstack(auth_url, account);
    let mut config = config.map_err(|why| {
        AppError::Invalid(format!(
            "云节点 {node}: {why}；请在配置文件 [accounts.{account}] 中填写用户名、口令文件和项目"
        ))
    })?;
    config.region = region.map(str::to_owned).or(config.region);
    Ok(config)
}

pub(super) async fn collect_openstack(
    ctx: &OpContext,
    node: &CloudNode,
    address: (&str, Option<&str>, &str),
    secrets: &dyn NodeSecrets,
    options: CollectOptions,
) -> Result<CollectOutcome, AppError> {
    let code = &node.code;
    let mut config = access(code, address, secrets)?;
    let now = ctx.now();
    config.changes_since = {
        let mut read = ctx.store().read().await?;
        read.look_before(code, now).await?.map(|look| look.taken_at)
    };
    ctx.progress().at(&format!("采集 {code}"), 0, 1);
    let connector = Connector::connect(config).await?;
    let collected = connector.collect(now).await?;
    let raw: Vec<(&str, &[u8])> = collected
        .payloads
        .iter()
        .map(|p| (p.name.as_str(), p.bytes.as_slice()))
        .collect();
    let mut digester = Digester::new();
    for (name, bytes) in &raw {
        digester.text(name).raw(bytes);
    }
    let received = Received {
        node,
        sequence: None,
        digest: digester.finish(),
        look: &collected.look,
        raw,
    };
    let outcome = match take_look(ctx, &received, options).await? {
        Taken::Now(outcome) => outcome,
        Taken::Before => CollectOutcome {
            known: 1,
            ..CollectOutcome::default()
        },
    };
    ctx.progress().at(&format!("采集 {code}"), 1, 1);
    Ok(outcome)
}
