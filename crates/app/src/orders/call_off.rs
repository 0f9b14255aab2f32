//! What follows when an approved application is taken back of which nothing came: nobody has anything to do in it any
//! more, and those who had are told. Its room was given back by whoever took it back.

use super::give::heads_of_providers;
use super::matter::{authorities, holders, nothing_came_of};
use crate::messages::notify;
use crate::{AppError, OpContext};
use domain::authz::Role;
use domain::request::{RequestKind, ResourceRequest};
use store::UnitOfWork;

/// Ends what an approval set going, in the unit of work that takes the application back. Errors: something came of it, or
/// may yet.
pub async fn call_off(ctx: &OpContext, work: &mut UnitOfWork, request: &ResourceRequest) -> Result<(), AppError> {
    let number = request.number.as_str();
    let undone = nothing_came_of(work, request, "撤回申请").await?;
    work.set_to_dos(("choose", number), &[]).await?;
    if let Some(order) = &undone {
        work.set_to_dos(("order", order), &[]).await?;
    }
    let mut told = match request.kind {
        RequestKind::New => heads_of_providers(ctx, work).await?,
        _ => Vec::new(),
    };
    let authorities = authorities(ctx, work).await?;
    let mut roles: Vec<_> = authorities.iter().map(|o| (o, Role::AuthorityOperations)).collect();
    if let Some(place) = &request.place {
        roles.push((&place.provider, Role::ProviderHead));
        roles.push((&place.provider, Role::ProviderOperator));
    }
    told.extend(holders(work, &roles).await?);
    let title = format!("申请已撤回：{number}");
    let text = format!("申请 {number} 已由申请方撤回，不再报价、选定和办理");
    notify(ctx, work, &told, ("request.withdrawn", number), (&title, &text)).await
}
