//! Conditions that a review sets before anything is opened (R2): the application goes its way meanwhile, an order does not.

use super::OrderError;
use super::matter::{authorities, holders};
use crate::messages::notify;
use crate::{AppError, OpContext};
use domain::authz::Role;
use domain::request::ResourceRequest;
use domain::rules::ExpertReview;
use store::{Connection, UnitOfWork};

/// The conditions of an application's reviews that nobody has shown to be met, in words; none if there are none.
async fn open(read: &mut Connection, number: &str) -> Result<Option<String>, AppError> {
    let reviews = read.expert_reviews::<ExpertReview>(number).await?;
    let named = |review: &ExpertReview| {
        let open = review.open_conditions();
        open.map(|condition| format!("{} {}「{}」", review.form.zh(), review.code, condition.text))
            .collect::<Vec<_>>()
    };
    let open: Vec<String> = reviews.iter().flat_map(named).collect();
    Ok((!open.is_empty()).then(|| open.join("；")))
}

/// Errors: a condition is not met, by name.
pub(super) async fn met(read: &mut Connection, number: &str) -> Result<(), AppError> {
    match open(read, number).await? {
        None => Ok(()),
        Some(open) => {
            let text = format!("开通前须满足的条件尚未落实：{open}；请先登记落实凭据，再派发工单");
            Err(OrderError::NotNow(text).into())
        }
    }
}

/// Whether conditions are open.
pub(super) async fn are_open(read: &mut Connection, number: &str) -> Result<bool, AppError> {
    Ok(open(read, number).await?.is_some())
}

/// Tells the applicant and whoever records reviews what is still to be shown, if anything is.
pub(super) async fn remind(ctx: &OpContext, work: &mut UnitOfWork, request: &ResourceRequest) -> Result<(), AppError> {
    let number = request.number.as_str();
    let Some(open) = open(work, number).await? else {
        return Ok(());
    };
    let mut told = vec![request.applicant];
    let authorities = authorities(ctx, work).await?;
    let secretaries: Vec<_> = authorities.iter().map(|o| (o, Role::ExpertSecretary)).collect();
    told.extend(holders(work, &secretaries).await?);
    let title = format!("开通前须落实条件：{number}");
    let text = format!("申请 {number} 已批准，登记落实凭据之后才能派发工单：{open}");
    notify(ctx, work, &told, ("request.conditions", number), (&title, &text)).await
}
