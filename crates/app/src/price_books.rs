//! Price books: reading their versions, and approving what somebody else prepared.
//!
//! Duties that must differ: who imported a version never approves it. A version that the operator at the machine imported,
//! while there were no accounts yet, has nobody to be apart from and needs no approval here. A version is used for rating
//! as soon as it is stored, so that everybody sees what it would cost; but no month is closed with one that waits.

use crate::{AppError, OpContext, Reach};
use domain::authz::{Action, Duty, Target};
use domain::catalogue::Contract;
pub use domain::catalogue::{PriceApproval, PriceBookRecord};
use kernel::{ContractCode, Month};
use store::Connection;

/// Every version, by contract and version; a provider sees those of its contracts, the operator at the machine all.
pub async fn list(ctx: &OpContext) -> Result<Vec<PriceBookRecord>, AppError> {
    let reach = match ctx.who() {
        Ok(_) => ctx.reach(Action::PriceRead, "price_book").await?,
        Err(_) => Reach::All,
    };
    let mut read = ctx.store().read().await?;
    let contracts = read.history::<Contract>().await?;
    let seen = |record: &PriceBookRecord| {
        let contract = contracts.latest(record.book.contract.as_str());
        contract.is_some_and(|contract| reach.holds(None, Some(contract.provider.as_str())))
    };
    Ok(read.price_book_records().await?.into_iter().filter(seen).collect())
}

/// Approves a version. Errors: there is none, it does not wait for an approval, or who asks prepared it.
pub async fn approve(
    ctx: &OpContext,
    (contract, version): (&ContractCode, u32),
    opinion: &str,
) -> Result<PriceBookRecord, AppError> {
    let label = format!("{contract}/v{version}");
    let target = Target {
        kind: "price_book",
        id: label.clone(),
        ..Target::default()
    };
    ctx.judge(Action::PriceAuthorise, &target).await?;
    if opinion.trim().is_empty() {
        return Err(AppError::Invalid("请填写批准意见，例如会审或批复的文号".to_owned()));
    }
    let is_it = |record: &PriceBookRecord| record.book.contract == *contract && record.book.version == version;
    let stored = ctx.store().read().await?.price_book_records().await?;
    let Some(mut record) = stored.into_iter().find(is_it) else {
        return Err(AppError::NotFound {
            what: "价目",
            key: label,
            advice: "请在价目清单中查看合同编号和版本",
        });
    };
    let Some(preparer) = record.preparer.as_deref().filter(|_| record.waits()) else {
        let why = format!("价目 {label} 不需要再批准：已经批准，或由本地操作员在建立账号之前导入");
        return Err(AppError::Contradiction(why));
    };
    ctx.keep_apart(("price_book", &label), Duty::Authorise, (Duty::Prepare, preparer))
        .await?;
    let approval = PriceApproval {
        by: ctx.actor().to_owned(),
        at: ctx.now(),
        opinion: opinion.trim().to_owned(),
    };
    let mut work = ctx.store().begin().await?;
    work.approve_price_book((contract, version), &approval).await?;
    let detail = serde_json::json!({ "prepared_by": preparer, "opinion": approval.opinion });
    work.audit(ctx.now(), (ctx.actor(), "price.approve", &label), detail.to_string())
        .await?;
    work.commit().await?;
    record.approval = Some(approval);
    Ok(record)
}

/// Errors: prices that hold in a month, or held before it, wait for an approval.
pub(crate) async fn refuse_waiting(read: &mut Connection, month: Month) -> Result<(), AppError> {
    let records = read.price_book_records().await?;
    let end = month.period().to().day();
    let ever_holds = |record: &&PriceBookRecord| record.book.ever_holds(end, records.iter().map(|other| &other.book));
    let waiting: Vec<String> = records
        .iter()
        .filter(|record| record.waits())
        .filter(ever_holds)
        .map(|record| {
            let preparer = record.preparer.as_deref().unwrap_or_default();
            format!("{}（{preparer} 导入）", record.book.label())
        })
        .collect();
    if waiting.is_empty() {
        return Ok(());
    }
    Err(AppError::NotYet {
        month,
        what: "关账",
        why: format!("下列价目尚未由他人批准：{}；请有权人批准后再关账", waiting.join("、")),
    })
}
