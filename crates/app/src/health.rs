//! Checking that what is recorded exists, and finding what nothing refers to.

use crate::{AppError, OpContext};
use kernel::NodeCode;
use serde::Serialize;
use std::collections::BTreeSet;

/// The state of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Entries of the audit chain, which was checked.
    pub audit_entries: i64,
    /// Accounts. Without any, commands are given by the local operator; with some, by token.
    pub accounts: i64,
    /// Files of the lake that count.
    pub lake_files: usize,
    /// Payloads that looks, or cases of refused ones, refer to.
    pub payloads: usize,
    /// Files that are recorded and are not there.
    pub missing: Vec<String>,
    /// Files that are there and not recorded: left over from a run that was killed.
    pub orphans: Vec<String>,
}

/// Whether the store answers.
pub async fn answers(ctx: &OpContext) -> Result<(), AppError> {
    ctx.store().read().await?.closed_months().await?;
    Ok(())
}

/// Examines a deployment; with `clean`, removes what nothing refers to.
pub async fn examine(ctx: &OpContext, clean: bool) -> Result<Health, AppError> {
    let (audit_entries, _) = crate::audit::verify(ctx, None).await?;
    let mut read = ctx.store().read().await?;
    let published: BTreeSet<String> = read.published_paths().await?.into_iter().collect();
    let nodes = read.history::<domain::registry::CloudNode>().await?;
    let mut kept = BTreeSet::new();
    for (code, _) in nodes.iter() {
        if let Ok(node) = code.parse::<NodeCode>() {
            kept.extend(read.looks(&node).await?.into_iter().map(|look| look.payload));
        }
    }
    let cases = read.cases().await?;
    let named = cases
        .iter()
        .filter_map(|case| crate::collect::payload_in(&case.finding.detail));
    kept.extend(named.map(str::to_owned));
    let there = ctx.lake().files()?;
    let mut health = Health {
        audit_entries,
        accounts: read.account_count().await?,
        lake_files: published.len(),
        payloads: kept.len(),
        ..Health::default()
    };
    health
        .missing
        .extend(published.difference(&there).map(|path| format!("lake/{path}")));
    health
        .missing
        .extend(kept.iter().filter(|path| !ctx.data().join(path).is_file()).cloned());
    let orphans = ctx.lake().orphans(&published)?;
    let payloads = payloads(ctx)?;
    health.orphans.extend(orphans.iter().map(|path| format!("lake/{path}")));
    health.orphans.extend(payloads.difference(&kept).cloned());
    if clean {
        ctx.lake().remove(&orphans)?;
        for path in payloads.difference(&kept) {
            let path = ctx.data().join(path);
            std::fs::remove_file(&path).map_err(AppError::io(&path))?;
        }
    }
    Ok(health)
}

fn payloads(ctx: &OpContext) -> Result<BTreeSet<String>, AppError> {
    let mut found = BTreeSet::new();
    let root = ctx.data().join("payloads");
    if !root.is_dir() {
        return Ok(found);
    }
    for folder in std::fs::read_dir(&root).map_err(AppError::io(&root))? {
        let folder = folder.map_err(AppError::io(&root))?.path();
        for file in std::fs::read_dir(&folder).map_err(AppError::io(&folder))? {
            let file = file.map_err(AppError::io(&folder))?.path();
            if let Ok(path) = file.strip_prefix(ctx.data()) {
                found.insert(path.display().to_string());
            }
        }
    }
    Ok(found)
}
