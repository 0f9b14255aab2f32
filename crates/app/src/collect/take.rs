//! Taking one look in.

use super::payload::keep_payload;
use super::{CollectOptions, CollectOutcome};
use crate::month::{Cause, LateFacts};
use crate::{AppError, OpContext};
use domain::collect::{Look, LookKind, ObservedState, Sighting, SightingChange, fold_look, repeated_ids};
use domain::meter::{CaseKind, Finding};
use domain::registry::CloudNode;
use kernel::{Digest, Instant, Period};
use lake::{Dataset, LakeName};
use std::collections::HashSet;
use store::{CaseFile, Connection, LakeFileRecord, LookRecord, UnitOfWork};

/// A look and where it comes from.
pub(super) struct Received<'a> {
    pub(super) node: &'a CloudNode,
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
        node, sequence, look, ..
    } = received;
    let code = &node.code;
    if !options.confirm_empty {
        refuse_empty(ctx, received).await?;
    }
    let payload = keep_payload(ctx.data(), received.digest, &received.raw)?;
    let mut work = ctx.store().begin().await?;
    if let Some(before) = work.find_look(code, look.taken_at, *sequence).await? {
        if before.digest == received.digest && before.sequence == *sequence {
            return Ok(Taken::Before);
        }
        return refuse(ctx, work, received, &payload).await;
    }
    let last = work.look_before(code, look.taken_at).await?.map(|look| look.taken_at);
    let known = known_sightings(&mut work, received, last.unwrap_or(look.taken_at)).await?;
    let next_full = work.full_look_after(code, look.taken_at).await?;
    let changes = fold_look(look, &known, last, next_full);
    work.apply_sightings(code, &changes).await?;
    publish_samples(ctx, &mut work, received).await?;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let record = LookRecord {
        node: code.clone(),
        taken_at: look.taken_at,
        sequence: *sequence,
        kind: look.kind,
        digest: received.digest,
        observations: count(look.observations.len()),
        samples: count(look.samples.len()),
        changes: count(changes.len()),
        payload,
        received_at: ctx.now(),
    };
    work.add_look(&record).await?;
    let why = format!("云节点 {code} {} 的数据在关账后收到", look.taken_at.day());
    let mut late = LateFacts::new(&mut work).await?;
    if let Some(effect) = earliest_effect(look, &changes) {
        late.concerns(effect, Cause::LateData, why.clone(), 1);
    }
    if late.note(ctx, &mut work, None).await?.facts > 0 {
        let finding = Finding {
            kind: CaseKind::LateData,
            subject: format!("{code}@{}", look.taken_at.day()),
            owner: node.provider.to_string(),
            detail: format!("{why}，更正将计入未关账月份"),
            since: look.taken_at,
        };
        work.open_cases(&[case(ctx, finding)]).await?;
    }
    let repeated = repeated_ids(look).into_iter().map(|id| repetition(node, look, id));
    let repeated: Vec<_> = repeated.map(|finding| case(ctx, finding)).collect();
    work.open_cases(&repeated).await?;
    work.audit(
        ctx.now(),
        (ctx.actor(), "collect.look", code.as_str()),
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
        notes: repeated.into_iter().map(|case| case.finding.detail).collect(),
        ..CollectOutcome::default()
    }))
}

/// Refuses a full look in which nothing exists, after one in which something did. Nothing of it is kept.
async fn refuse_empty(ctx: &OpContext, received: &Received<'_>) -> Result<(), AppError> {
    let (code, look) = (&received.node.code, received.look);
    let exists = look
        .observations
        .iter()
        .any(|seen| seen.state != ObservedState::Deleted);
    if look.kind != LookKind::Full || exists {
        return Ok(());
    }
    let mut read = ctx.store().read().await?;
    if read.find_look(code, look.taken_at, received.sequence).await?.is_some() {
        return Ok(());
    }
    let since = read
        .look_before(code, look.taken_at)
        .await?
        .map_or(look.taken_at, |last| last.taken_at);
    let known = read.sightings_from(code, since).await?;
    match known.iter().filter(|seen| seen.period.contains(look.taken_at)).count() {
        0 => Ok(()),
        open => Err(AppError::EmptyLook(code.to_string(), open)),
    }
}

/// Refuses what contradicts a look that was taken in: each of its contents is a case, which says where it is kept.
async fn refuse(
    ctx: &OpContext,
    mut work: UnitOfWork,
    received: &Received<'_>,
    payload: &str,
) -> Result<Taken, AppError> {
    let Received {
        node, sequence, look, ..
    } = received;
    let code = &node.code;
    let number = sequence.map_or_else(String::new, |n| format!("第 {n} 号"));
    let what = format!(
        "云节点 {code} 的{number}数据（{}）此前已收到过不同内容，本次拒收；请与云服务商核实",
        look.taken_at
    );
    let which = sequence.map_or_else(|| look.taken_at.to_string(), |n| n.to_string());
    let digest = received.digest.to_string();
    let finding = Finding {
        kind: CaseKind::ContradictingFile,
        subject: format!("{code}#{which}:{}", digest.get(..8).unwrap_or(&digest)),
        owner: node.provider.to_string(),
        detail: format!("{what}。拒收的原始数据留存于 {payload}"),
        since: look.taken_at,
    };
    work.open_cases(&[case(ctx, finding)]).await?;
    work.audit(
        ctx.now(),
        (ctx.actor(), "collect.refuse", code.as_str()),
        detail_of(received, 0),
    )
    .await?;
    work.commit().await?;
    Err(AppError::Contradiction(what))
}

fn repetition(node: &CloudNode, look: &Look, native_id: &str) -> Finding {
    let code = &node.code;
    Finding {
        kind: CaseKind::RepeatedId,
        subject: format!("{code}/{native_id}"),
        owner: node.provider.to_string(),
        detail: format!(
            "云节点 {code} {} 的清单中，资源标识 {native_id} 出现多次且内容不同，只按第一条计；请云服务商核实",
            look.taken_at
        ),
        since: look.taken_at,
    }
}

/// A look of changes needs only the resources it names; a full one needs all that are open.
async fn known_sightings(
    work: &mut Connection,
    received: &Received<'_>,
    last: Instant,
) -> Result<Vec<Sighting>, AppError> {
    let (node, look) = (&received.node.code, received.look);
    // Those that ended at the look before count too: what is listed again may go on from there.
    let since = last.plus_s(-1);
    let mut known = match look.kind {
        LookKind::Full => work.sightings_from(node, since).await?,
        LookKind::Changes => {
            let ids: Vec<&str> = look.observations.iter().map(|o| o.native_id.as_str()).collect();
            work.sightings_of(node, &ids, since).await?
        }
    };
    // What was deleted without being seen since is remembered from long ago, for the system that it named.
    let there: HashSet<&str> = known.iter().map(|s| s.seen.native_id.as_str()).collect();
    let deleted = look.observations.iter().filter(|o| o.state == ObservedState::Deleted);
    let forgotten: Vec<&str> = deleted
        .map(|o| o.native_id.as_str())
        .filter(|id| !there.contains(id))
        .collect();
    known.extend(work.sightings_of(node, &forgotten, Instant::MIN).await?);
    Ok(known)
}

async fn publish_samples(ctx: &OpContext, work: &mut Connection, received: &Received<'_>) -> Result<(), AppError> {
    let (node, look) = (&received.node.code, received.look);
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
        ended: None,
        finding,
    }
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
