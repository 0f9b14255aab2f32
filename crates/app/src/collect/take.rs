//! Taking one look in.

use super::{CollectOptions, CollectOutcome};
use crate::month::note_late;
use crate::{AppError, OpContext};
use domain::collect::{Look, LookKind, Sighting, SightingChange, fold_look};
use domain::meter::{CaseKind, Finding};
use kernel::{Digest, Instant, NodeCode, Period};
use lake::{Dataset, LakeName};
use store::{CaseFile, Connection, LakeFileRecord, LookRecord};

/// A look and where it comes from.
pub(super) struct Received<'a> {
    pub(super) node: &'a NodeCode,
    pub(super) sequence: Option<i64>,
    pub(super) digest: Digest,
    pub(super) look: &'a Look,
    /// Name and bytes of what was received.
    pub(super) raw: Vec<(&'a str, &'a [u8])>,
}

/// What became of a look.
pub(super) enum Taken {
    Now(CollectOutcome),
    Before,
}

/// Takes a look in, unless it was taken in before.
pub(super) async fn take_look(
    ctx: &OpContext,
    received: &Received<'_>,
    options: CollectOptions,
) -> Result<Taken, AppError> {
    let Received {
        node,
        sequence,
        digest,
        look,
        ..
    } = received;
    let payload = keep_payload(ctx, received)?;
    let mut work = ctx.store().begin().await?;
    if let Some(before) = work.find_look(node, look.taken_at, *sequence).await? {
        if before.digest == *digest && before.sequence == *sequence {
            return Ok(Taken::Before);
        }
        let number = sequence.map_or_else(String::new, |n| format!("第 {n} 号"));
        let what = format!(
            "云节点 {node} 的{number}数据（{}）此前已收到过不同内容，本次拒收；请与云服务商核实",
            look.taken_at
        );
        let finding = Finding {
            kind: CaseKind::ContradictingFile,
            subject: format!(
                "{node}#{}",
                sequence.map_or_else(|| look.taken_at.to_string(), |n| n.to_string())
            ),
            owner: node.to_string(),
            detail: what.clone(),
            since: look.taken_at,
        };
        work.open_cases(&[case(ctx, finding)]).await?;
        work.audit(
            ctx.now(),
            (ctx.actor(), "collect.refuse", node.as_str()),
            detail_of(received, 0),
        )
        .await?;
        work.commit().await?;
        return Err(AppError::Contradiction(what));
    }
    let last = work.look_before(node, look.taken_at).await?.map(|look| look.taken_at);
    let known = known_sightings(&mut work, received, last.unwrap_or(look.taken_at)).await?;
    let next_full = work.full_look_after(node, look.taken_at).await?;
    let open = known.iter().filter(|s| s.period.contains(look.taken_at)).count();
    if look.kind == LookKind::Full && look.observations.is_empty() && open > 0 && !options.confirm_empty {
        return Err(AppError::EmptyLook(node.to_string(), open));
    }
    let changes = fold_look(look, &known, last, next_full);
    work.apply_sightings(node, &changes).await?;
    publish_samples(ctx, &mut work, received).await?;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let record = LookRecord {
        node: (*node).clone(),
        taken_at: look.taken_at,
        sequence: *sequence,
        kind: look.kind,
        digest: *digest,
        observations: count(look.observations.len()),
        samples: count(look.samples.len()),
        changes: count(changes.len()),
        payload,
        received_at: ctx.now(),
    };
    work.add_look(&record).await?;
    let late = earliest_effect(look, &changes);
    let why = format!("云节点 {node} {} 的数据在关账后收到", look.taken_at.day());
    if note_late(ctx, &mut work, late, &why).await? > 0 {
        let finding = Finding {
            kind: CaseKind::LateData,
            subject: format!("{node}@{}", look.taken_at.day()),
            owner: node.to_string(),
            detail: format!("{why}，更正将计入未关账月份"),
            since: look.taken_at,
        };
        work.open_cases(&[case(ctx, finding)]).await?;
    }
    work.audit(
        ctx.now(),
        (ctx.actor(), "collect.look", node.as_str()),
        detail_of(received, changes.len()),
    )
    .await?;
    work.commit().await?;
    let of = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(Taken::Now(CollectOutcome {
        looks: 1,
        observations: of(record.observations),
        samples: of(record.samples),
        changes: of(record.changes),
        ..CollectOutcome::default()
    }))
}

/// A look of changes needs only the resources it names; a full one needs all that are open.
async fn known_sightings(
    work: &mut Connection,
    received: &Received<'_>,
    last: Instant,
) -> Result<Vec<Sighting>, AppError> {
    let (node, look) = (received.node, received.look);
    // Those that ended at the look before count too: what is listed again may go on from there.
    let since = last.plus_s(-1);
    Ok(match look.kind {
        LookKind::Full => work.sightings_from(node, since).await?,
        LookKind::Changes => {
            let ids: Vec<&str> = look.observations.iter().map(|o| o.native_id.as_str()).collect();
            work.sightings_of(node, &ids, since).await?
        }
    })
}

async fn publish_samples(ctx: &OpContext, work: &mut Connection, received: &Received<'_>) -> Result<(), AppError> {
    let (node, look) = (received.node, received.look);
    if look.samples.is_empty() {
        return Ok(());
    }
    let month = look.taken_at.plus_s(-1).day().month();
    let part = format!("{node}-{}", look.taken_at.unix_s());
    let rows: Vec<_> = look
        .samples
        .iter()
        .map(|sample| (node.clone(), sample.clone()))
        .collect();
    let file = ctx.lake().write_samples(&LakeName::new(month, &part)?, &rows)?;
    work.publish(&manifest(Dataset::Samples, month, &part, &file)).await?;
    Ok(())
}

/// The manifest row of a file of the lake.
pub(crate) fn manifest(dataset: Dataset, month: kernel::Month, part: &str, file: &lake::LakeFile) -> LakeFileRecord {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    LakeFileRecord {
        path: file.path.clone(),
        dataset: dataset.word().to_owned(),
        month,
        part: part.to_owned(),
        rows: count(file.rows),
        bytes: count(file.bytes),
        digest: file.digest,
    }
}

/// Since when a look changes what was known; none if it changes nothing.
fn earliest_effect(look: &Look, changes: &[SightingChange]) -> Option<Period> {
    let moments = changes.iter().map(|change| match change {
        SightingChange::Add(sighting) => sighting.period.from(),
        SightingChange::End { to, .. } => *to,
        SightingChange::Drop { from, .. } => *from,
    });
    let measured = look.samples.iter().map(|sample| sample.at);
    let first = moments.chain(measured).min()?;
    Period::new(first, look.taken_at.max(first.plus_s(1))).ok()
}

pub(crate) fn case(ctx: &OpContext, finding: Finding) -> CaseFile {
    CaseFile {
        id: ctx.new_id(),
        opened_at: ctx.now(),
        deadline: finding.deadline(ctx.now()),
        month: finding.since.max(Instant::from_unix_s(0)).day().month(),
        closed_at: None,
        finding,
    }
}

/// Keeps what was received, compressed, under its digest. Written before the look is recorded, so that a record never
/// points to nothing; one that no record points to is removed by `doctor`.
fn keep_payload(ctx: &OpContext, received: &Received<'_>) -> Result<String, AppError> {
    let digest = received.digest.to_string();
    let folder = format!("payloads/{}", digest.get(..2).unwrap_or("00"));
    let path = format!("{folder}/{digest}.zst");
    let target = ctx.data().join(&path);
    if target.exists() {
        return Ok(path);
    }
    let full = ctx.data().join(&folder);
    std::fs::create_dir_all(&full).map_err(AppError::io(&full))?;
    let mut bytes = Vec::new();
    for (name, content) in &received.raw {
        bytes.extend_from_slice(format!("{name} {}\n", content.len()).as_bytes());
        bytes.extend_from_slice(content);
        bytes.push(b'\n');
    }
    let packed = zstd::encode_all(bytes.as_slice(), 3).map_err(AppError::io(&target))?;
    let unfinished = target.with_extension("tmp");
    std::fs::write(&unfinished, packed).map_err(AppError::io(&unfinished))?;
    std::fs::File::open(&unfinished)
        .and_then(|file| file.sync_all())
        .map_err(AppError::io(&unfinished))?;
    std::fs::rename(&unfinished, &target).map_err(AppError::io(&target))?;
    Ok(path)
}

fn detail_of(received: &Received<'_>, changes: usize) -> String {
    serde_json::json!({
        "taken_at": received.look.taken_at,
        "sequence": received.sequence,
        "digest": received.digest,
        "observations": received.look.observations.len(),
        "samples": received.look.samples.len(),
        "changes": changes,
    })
    .to_string()
}
