//! Who gives a command at the machine.
//!
//! Once there are accounts, a command is given by one of them, by token, and judged like the same thing over HTTP.
//! Before there are any, whoever sits at the machine is the local operator, and stands in the audit chain as that.

use super::{AccountError, actor_of_token};
use crate::{AppError, OpContext};

/// How the local operator stands in the audit chain.
pub const LOCAL_OPERATOR: &str = "本地操作员";

/// The context of a command: of the account whose token it is, or of the local operator while there are no accounts.
/// Errors: there are accounts and there is no token, or one that is not good.
pub async fn at_the_machine(ctx: &OpContext, token: Option<&str>) -> Result<OpContext, AppError> {
    let accounts = ctx.store().read().await?.account_count().await?;
    match token {
        Some(token) => Ok(ctx.acting(actor_of_token(ctx, token).await?)),
        None if accounts > 0 => Err(AccountError::TokenNeeded.into()),
        None => Ok(ctx.clone()),
    }
}
