//! The file of an application: every paper it gathered, every file that was handed in for it, and what the audit chain
//! says about it, in one archive with the digest of each part. An auditor needs nothing else.
//!
//! It is made anew each time from what is stored. Same papers, same bytes: entries carry no time.

use super::{Panel, RequestError, panels, show};
use crate::orders::{self, HandNote};
use crate::whole_file::write_whole;
use crate::{AppError, OpContext, evidence};
use domain::audit::AuditEntry;
use domain::registry::Side;
use kernel::{Digest, ErrorKind, EvidenceId, Kinded};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use store::EvidenceRecord;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What an archive of an application is called.
pub fn archive_name(number: &str) -> String {
    format!("{number}.zip")
}

/// One part of the archive, as its list says it.
#[derive(Debug, Serialize)]
struct Part {
    path: String,
    size_bytes: usize,
    sm3: Digest,
}

/// Papers of an application before they are written.
#[derive(Default)]
struct Papers(Vec<(String, Vec<u8>)>);

impl Papers {
    fn add(&mut self, path: &str, body: &impl Serialize) -> Result<(), AppError> {
        let text = serde_json::to_string_pretty(body)? + "\n";
        self.0.push((path.to_owned(), text.into_bytes()));
        Ok(())
    }
}

/// Writes the file of an application. A provider has no business with it. Errors: a file that was handed in is damaged
/// or missing, so that the archive would not be complete.
pub async fn archive(ctx: &OpContext, number: &str, path: &Path) -> Result<(), AppError> {
    let view = show(ctx, number).await?;
    if ctx.who()?.side == Side::Provider {
        let object = format!("request:{number}");
        crate::audit::note(
            ctx,
            ("access.refused", &object),
            &json!({ "action": "request.archive" }),
        )
        .await?;
        return Err(RequestError::NotFound(number.to_owned()).into());
    }
    let mut papers = Papers::default();
    papers.add("申请.json", &view.request)?;
    papers.add("提交时的事实与核验.json", &view.frozen)?;
    papers.add("审批.json", &view.flow)?;
    papers.add("专家论证.json", &view.reviews)?;
    let under_way: Vec<Panel> = panels(ctx, number).await?.0;
    papers.add("论证过程.json", &under_way)?;
    papers.add("额度占用.json", &view.holds)?;
    papers.add("人员.json", &view.people)?;
    papers.add("报价.json", &orders::offers(ctx, number).await?)?;
    papers.add("选定.json", &orders::choice_of(ctx, number).await?)?;
    papers.add("试运行.json", &orders::trial_of(ctx, number).await?)?;
    papers.add("下线通知.json", &orders::ending_of(ctx, number).await?)?;
    papers.add("清除证明.json", &orders::proofs(ctx, number).await?)?;
    let mut files = view.evidence;
    let mut objects = vec![number.to_owned(), format!("request:{number}")];
    for order in orders_of(ctx, number).await? {
        let about: (&domain::work::WorkOrder, &BTreeMap<usize, HandNote>) = (&order.order, &order.notes);
        papers.add(&format!("工单/{}.json", order.order.number), &about)?;
        objects.push(order.order.number.clone());
        objects.push(format!("order:{}", order.order.number));
        files.extend(order.evidence);
    }
    objects.extend(view.reviews.iter().map(|review| review.code.clone()));
    objects.extend(under_way.into_iter().map(|panel| panel.code));
    objects.extend(files.iter().map(|file| file.id.to_string()));
    objects.sort();
    objects.dedup();
    let (entries, head) = {
        let mut read = ctx.store().read().await?;
        (read.audit_about(&objects).await?, read.audit_head().await?)
    };
    papers.add("审计记录.json", &entries.iter().map(audited).collect::<Vec<_>>())?;
    papers.add("凭证目录.json", &files.iter().map(listed).collect::<Vec<_>>())?;
    for file in &files {
        let (_, bytes) = evidence::read_back(ctx, file.id).await?;
        papers.0.push((format!("凭证/{}", name_in_archive(file)), bytes));
    }
    let detail = json!({ "parts": papers.0.len() });
    crate::audit::note(ctx, ("request.archive", number), &detail).await?;
    let part = |(path, bytes): &(String, Vec<u8>)| Part {
        path: path.clone(),
        size_bytes: bytes.len(),
        sm3: Digest::of(bytes),
    };
    let parts: Vec<Part> = papers.0.iter().map(part).collect();
    let head = head.map(|(number, digest)| format!("{number}:{digest}"));
    papers.add(
        "目录.json",
        &json!({ "request": number, "audit_head": head, "parts": parts }),
    )?;
    write(path, &papers)
}

/// The orders of an application; none if whoever asks may not read orders.
async fn orders_of(ctx: &OpContext, number: &str) -> Result<Vec<orders::OrderView>, AppError> {
    let found = match orders::orders_of(ctx, number).await {
        Err(error) if error.kind() == ErrorKind::Forbidden => Vec::new(),
        found => found?,
    };
    let mut views = Vec::new();
    for order in found {
        views.push(orders::show(ctx, &order.number).await?);
    }
    Ok(views)
}

fn audited(entry: &AuditEntry) -> Value {
    json!({
        "number": entry.number, "at": entry.at, "actor": entry.actor, "action": entry.action, "object": entry.object,
        "detail": entry.detail, "previous": entry.previous, "digest": entry.digest,
    })
}

fn listed(file: &EvidenceRecord) -> Value {
    json!({
        "id": file.id, "subject": file.subject, "name": file.name, "path": format!("凭证/{}", name_in_archive(file)),
        "media_type": file.media_type, "size_bytes": file.size_bytes, "sm3": file.digest, "given_by": file.given_by,
        "at": file.at,
    })
}

/// The id keeps names apart; the ending says what it is.
fn name_in_archive(file: &EvidenceRecord) -> String {
    let id: EvidenceId = file.id;
    let ending = file.name.rsplit_once('.').map_or("", |(_, ending)| ending);
    format!("{id}.{ending}")
}

fn write(path: &Path, papers: &Papers) -> Result<(), AppError> {
    let broken = |why: zip::result::ZipError| AppError::Invalid(format!("档案没有生成：{why}"));
    write_whole(path, |file| {
        let mut archive = ZipWriter::new(file);
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, bytes) in &papers.0 {
            archive.start_file(name.as_str(), options).map_err(broken)?;
            archive.write_all(bytes).map_err(AppError::io(path))?;
        }
        archive.finish().map_err(broken)?;
        Ok(())
    })
}
