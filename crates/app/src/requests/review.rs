//! Expert reviews and technical assessments, recorded by the secretary. An application that only a review lets through
//! is still a draft then, so the secretary may record one for a draft whose number the unit has given.

use super::RequestError;
use super::sight::target;
use crate::series::number_of;
use crate::{AppError, OpContext};
use domain::authz::Action;
use domain::registry::Spec;
use domain::request::ResourceRequest;
use domain::rules::{
    Condition, ExpertReview, Opinion, ReviewDecision, ReviewForm, ReviewScope, ReviewSubject, Reviewer,
};
use kernel::Instant;
use serde::{Deserialize, Serialize};
use store::{Connection, Sight};

/// The series of the numbers of reviews.
pub(super) const SERIES: &str = "LZ";

/// A review as it was held. It is about the system of its application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewReview {
    /// Its form.
    pub form: ReviewForm,
    /// What the exception is for.
    pub subject: ReviewSubject,
    /// Why the exception is needed.
    pub grounds: String,
    /// The reviewers.
    pub reviewers: Vec<Reviewer>,
    /// Their opinions.
    pub opinions: Vec<Opinion>,
    /// What was decided.
    pub decision: ReviewDecision,
    /// When.
    pub decided: Instant,
    /// What it covers.
    pub scope: Vec<ReviewScope>,
    /// Under which conditions.
    pub conditions: Vec<Condition>,
    /// The first moment it no longer holds.
    pub expires: Option<Instant>,
}

/// The application that a review is about: whoever records reviews is told its number by the unit, even of a draft.
pub(super) async fn about(ctx: &OpContext, number: &str) -> Result<ResourceRequest, AppError> {
    ctx.who()?;
    let request = ctx.store().read().await?.request(number, &Sight::All).await?;
    let target = request.as_ref().map(target).unwrap_or_default();
    ctx.authorise(Action::ReviewRecord, &target).await?;
    Ok(request.ok_or_else(|| RequestError::NotFound(number.to_owned()))?)
}

/// Records a review of an application. It counts for this application only. Errors: the record is not complete; all
/// that is missing is named.
pub async fn record_review(ctx: &OpContext, number: &str, new: NewReview) -> Result<ExpertReview, AppError> {
    let request = about(ctx, number).await?;
    let mut work = ctx.store().begin().await?;
    let code = number_of(ctx, &mut work, SERIES).await?;
    let review = keep(ctx, &mut work, &request, (code, new)).await?;
    let detail = serde_json::json!({ "request": number, "review": review });
    let recorded = (ctx.actor(), "review.record", review.code.as_str());
    work.audit(ctx.now(), recorded, detail.to_string()).await?;
    work.commit().await?;
    Ok(review)
}

/// Stores a review of an application, complete, under a number that was given out. Errors: all that is missing in it.
pub(super) async fn keep(
    ctx: &OpContext,
    work: &mut Connection,
    request: &ResourceRequest,
    (code, new): (String, NewReview),
) -> Result<ExpertReview, AppError> {
    let unused = |scope: ReviewScope| ReviewScope {
        used: Spec::new(),
        ..scope
    };
    let now = ctx.now();
    let review = ExpertReview {
        code,
        form: new.form,
        subject: new.subject,
        system: request.system.clone(),
        grounds: new.grounds,
        reviewers: new.reviewers,
        opinions: new.opinions,
        decision: new.decision,
        decided: new.decided,
        scope: new.scope.into_iter().map(unused).collect(),
        conditions: new.conditions,
        expires: new.expires,
    };
    if review.decided > now {
        let text = "论证结论的时间晚于现在，请核对".to_owned();
        return Err(RequestError::Invalid(text).into());
    }
    let faults = review.faults(None);
    if !faults.is_empty() {
        return Err(RequestError::Review(faults).into());
    }
    work.add_expert_review((&review.code, &request.number), &review, (ctx.actor(), now))
        .await?;
    Ok(review)
}
