//! Nodes whose provider hands in numbered files.

use super::take::{Received, Taken, case, take_look};
use super::{CollectOptions, CollectOutcome};
use crate::{AppError, OpContext};
use domain::meter::{CaseKind, Finding};
use domain::registry::CloudNode;
use sources::numbered::{self, Delivery, NumberedError, Receipt};
use std::collections::BTreeSet;
use std::path::Path;

/// Takes in every delivery of a folder that was not taken in yet, in the order of their numbers, and leaves a
/// receipt for each. A delivery that cannot be read is refused with a receipt, and the others go on.
pub(super) async fn collect_files(
    ctx: &OpContext,
    node: &CloudNode,
    folder: &str,
    options: CollectOptions,
) -> Result<CollectOutcome, AppError> {
    let path = ctx.data().join(folder);
    let code = &node.code;
    let deliveries = numbered::list(&path, code)?;
    let taken: BTreeSet<i64> = {
        let mut read = ctx.store().read().await?;
        read.looks(code)
            .await?
            .iter()
            .filter_map(|look| look.sequence)
            .collect()
    };
    let mut outcome = CollectOutcome::default();
    let all = u64::try_from(deliveries.len()).unwrap_or(0);
    for (place, delivery) in deliveries.iter().enumerate() {
        let sequence = i64::try_from(delivery.sequence()).unwrap_or(i64::MAX);
        if taken.contains(&sequence) {
            // A number that is known is looked at again only if somebody removed its receipt to ask for that.
            if path.join(delivery.receipt_name()).exists() {
                outcome.known += 1;
                continue;
            }
        }
        take_delivery(ctx, &path, (node, delivery), options, &mut outcome).await?;
        ctx.progress()
            .at(&format!("采集 {code}"), u64::try_from(place + 1).unwrap_or(all), all);
    }
    note_sequence_gaps(ctx, node, &taken, &deliveries).await?;
    Ok(outcome)
}

async fn take_delivery(
    ctx: &OpContext,
    folder: &Path,
    (node, delivery): (&CloudNode, &Delivery),
    options: CollectOptions,
    outcome: &mut CollectOutcome,
) -> Result<(), AppError> {
    let received = match numbered::read(delivery) {
        Ok(received) => received,
        Err(error @ NumberedError::Io { .. }) => return Err(error.into()),
        Err(error) => {
            outcome
                .refused
                .push(format!("{} 第 {} 号: {error}", node.code, delivery.sequence()));
            return receipt(folder, delivery, &Receipt::refused(&error, ctx.now()));
        }
    };
    let sequence = i64::try_from(delivery.sequence()).unwrap_or(i64::MAX);
    let raw = received
        .raw
        .iter()
        .map(|file| (file.name.as_str(), file.bytes.as_slice()))
        .collect();
    let look = Received {
        node,
        sequence: Some(sequence),
        digest: received.digest,
        look: &received.look,
        raw,
    };
    match take_look(ctx, &look, options).await {
        Ok(Taken::Now(one)) => outcome.add(one),
        Ok(Taken::Before) => outcome.known += 1,
        Err(AppError::Contradiction(why)) => {
            outcome.refused.push(why.clone());
            let refusal = Receipt {
                verdict: numbered::Verdict::Refused,
                reason: Some(why),
                ..Receipt::accepted(&received, ctx.now())
            };
            return receipt(folder, delivery, &refusal);
        }
        Err(error) => return Err(error),
    }
    receipt(folder, delivery, &Receipt::accepted(&received, ctx.now()))
}

fn receipt(folder: &Path, delivery: &Delivery, receipt: &Receipt) -> Result<(), AppError> {
    let written = numbered::write_receipt(folder, delivery.node(), delivery.sequence(), receipt);
    written.map(|_| ()).map_err(AppError::io(folder))
}

/// Numbers that were left out become cases; when the file comes after all, it is taken in as late data.
async fn note_sequence_gaps(
    ctx: &OpContext,
    node: &CloudNode,
    taken: &BTreeSet<i64>,
    deliveries: &[Delivery],
) -> Result<(), AppError> {
    let code = &node.code;
    let here = deliveries.iter().filter_map(|d| i64::try_from(d.sequence()).ok());
    let numbers: BTreeSet<i64> = taken.iter().copied().chain(here).collect();
    let (Some(first), Some(last)) = (numbers.first().copied(), numbers.last().copied()) else {
        return Ok(());
    };
    let newest_known = taken.last().copied().unwrap_or(first);
    let missing: Vec<i64> = (first..last)
        .filter(|n| !numbers.contains(n) && *n > newest_known)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let cases: Vec<_> = missing
        .iter()
        .map(|number| {
            case(
                ctx,
                Finding {
                    kind: CaseKind::SequenceGap,
                    subject: format!("{code}#{number}"),
                    owner: node.provider.to_string(),
                    detail: format!("云节点 {code} 缺少第 {number} 号数据文件，请云服务商补报"),
                    since: ctx.now(),
                },
            )
        })
        .collect();
    let mut work = ctx.store().begin().await?;
    if work.open_cases(&cases).await? > 0 {
        let detail = serde_json::json!({ "missing": missing }).to_string();
        work.audit(ctx.now(), (ctx.actor(), "collect.gap", code.as_str()), detail)
            .await?;
        work.commit().await?;
    }
    Ok(())
}
