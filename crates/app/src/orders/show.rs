//! One work order with what people noted of its steps, and the choice it came from.

use super::matter::{paper, papers};
use super::{Chosen, HandNote, order};
use crate::requests::seen;
use crate::{AppError, OpContext};
use domain::registry::Side;
use domain::work::WorkOrder;
use kernel::AccountId;
use std::collections::BTreeMap;
use store::EvidenceRecord;

/// A work order and what belongs to it.
#[derive(Debug, Clone)]
pub struct OrderView {
    /// The order.
    pub order: WorkOrder,
    /// What people noted, by the place of the step, from 1.
    pub notes: BTreeMap<usize, HandNote>,
    /// Its files.
    pub evidence: Vec<EvidenceRecord>,
    /// Names of those who noted something.
    pub people: BTreeMap<AccountId, String>,
}

/// A work order, with what was noted about its steps.
pub async fn show(ctx: &OpContext, number: &str) -> Result<OrderView, AppError> {
    let order = order(ctx, number).await?;
    let mut read = ctx.store().read().await?;
    let (notes, _) = papers::<BTreeMap<usize, HandNote>>(&mut read, number, paper::HAND).await?;
    let evidence = read.evidence_of(number).await?;
    let mut people = BTreeMap::new();
    for note in notes.values() {
        if let Some(account) = read.account(note.by).await? {
            people.insert(note.by, account.name);
        }
    }
    Ok(OrderView {
        order,
        notes,
        evidence,
        people,
    })
}

/// The choice of the provider of an application, if it was made and the application may be seen. A provider does not see
/// how others were judged: none.
pub async fn choice_of(ctx: &OpContext, number: &str) -> Result<Option<Chosen>, AppError> {
    seen(ctx, number).await?;
    if ctx.who()?.side == Side::Provider {
        return Ok(None);
    }
    let found = ctx
        .store()
        .read()
        .await?
        .paper::<Chosen>((number, paper::CHOICE))
        .await?;
    Ok(found.map(|(chosen, _)| chosen))
}
