//! Checking that what is recorded exists, and finding what nothing refers to.

use crate::{AppError, OpContext};
use kernel::NodeCode;
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

/// So long after it was written, a file of evidence may still be about to be recorded. Units: seconds.
const YOUNG_S: i64 = 3_600;

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
    /// Files of evidence that were handed in.
    pub evidence: usize,
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
    let found = leftovers(ctx)?;
    let evidence: BTreeSet<String> = read
        .evidence_digests()
        .await?
        .into_iter()
        .map(|digest| crate::evidence::path_below(digest).display().to_string())
        .collect();
    let there = ctx.lake().files()?;
    let mut health = Health {
        audit_entries,
        accounts: read.account_count().await?,
        lake_files: published.len(),
        payloads: kept.len(),
        evidence: evidence.len(),
        ..Health::default()
    };
    health
        .missing
        .extend(published.difference(&there).map(|path| format!("lake/{path}")));
    let named = kept.iter().chain(&evidence);
    health
        .missing
        .extend(named.filter(|path| !ctx.data().join(path).is_file()).cloned());
    let orphans = ctx.lake().orphans(&published)?;
    let mut unnamed = files(ctx, "payloads")?;
    unnamed.extend(found);
    unnamed.retain(|path| !kept.contains(path) && !evidence.contains(path));
    health.orphans.extend(orphans.iter().map(|path| format!("lake/{path}")));
    health.orphans.extend(unnamed.iter().cloned());
    if clean {
        ctx.lake().remove(&orphans)?;
        for path in &unnamed {
            let path = ctx.data().join(path);
            std::fs::remove_file(&path).map_err(AppError::io(&path))?;
        }
    }
    Ok(health)
}

/// Files of evidence that are old enough to be left over: younger ones may belong to an upload that is not recorded yet.
fn leftovers(ctx: &OpContext) -> Result<BTreeSet<String>, AppError> {
    let mut found = files(ctx, crate::evidence::FOLDER)?;
    let young_from = Duration::from_secs(u64::try_from(ctx.now().plus_s(-YOUNG_S).unix_s()).unwrap_or(0));
    let is_old = |path: &String| {
        let changed = std::fs::metadata(ctx.data().join(path)).and_then(|file| file.modified());
        changed.is_ok_and(|at| at < UNIX_EPOCH + young_from)
    };
    found.retain(is_old);
    Ok(found)
}

/// Every file of a folder of folders.
fn files(ctx: &OpContext, folder: &str) -> Result<BTreeSet<String>, AppError> {
    let mut found = BTreeSet::new();
    let root = ctx.data().join(folder);
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

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Digest, Instant};
    use std::fs::{self, File};
    use store::EvidenceRecord;
    use test_support::TestStore;

    const NOW_S: i64 = 1_800_000_000;

    test_support::on_both_stores!(evidence_is_looked_for_and_only_old_leftovers_are_removed);

    async fn evidence_is_looked_for_and_only_old_leftovers_are_removed(store: TestStore) {
        let data = tempfile::tempdir().unwrap();
        let (_, now) = test_support::clock_at(Instant::from_unix_s(NOW_S));
        let ctx = OpContext::new("测试", store.store(), data.path(), now, test_support::counted()).unwrap();
        // A file that lies there since so long.
        let put = |name: &str, age_s: i64| {
            let path = data.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
            let age = Duration::from_secs(u64::try_from(NOW_S - age_s).unwrap());
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(UNIX_EPOCH + age).unwrap();
            path
        };
        let at = |digest: Digest| format!("evidence/{}/{digest}", &digest.to_string()[..2]);
        let (kept, lost) = (Digest::of(b"kept"), Digest::of(b"lost"));
        let mut work = ctx.store().begin().await.unwrap();
        for digest in [kept, lost] {
            let record = EvidenceRecord {
                id: ctx.new_id(),
                subject: "SQ-1".to_owned(),
                name: "a.txt".to_owned(),
                media_type: "text/plain".to_owned(),
                size_bytes: 4,
                digest,
                given_by: "x".to_owned(),
                at: ctx.now(),
            };
            work.add_evidence(&record).await.unwrap();
        }
        work.audit(ctx.now(), ("x", "evidence.write", "SQ-1"), "{}".to_owned())
            .await
            .unwrap();
        work.commit().await.unwrap();
        let kept = put(&at(kept), 2 * YOUNG_S);
        let young = put(&at(Digest::of(b"young")), YOUNG_S / 2);
        let half = put("evidence/00/.00.1-0.unfinished", 0);
        let left = at(Digest::of(b"left"));
        let old = put(&left, 2 * YOUNG_S);
        for clean in [false, true] {
            let health = examine(&ctx, clean).await.unwrap();
            let found = (health.evidence, health.missing, health.orphans);
            assert_eq!(found, (2, vec![at(lost)], vec![left.clone()]));
        }
        assert!(kept.is_file() && young.is_file() && half.is_file() && !old.exists());
        assert_eq!(examine(&ctx, true).await.unwrap().orphans, [""; 0]);
    }
}
