//! Files that prove something: handed in, kept outside the database under their digest, read back verified.
//!
//! Invariants: a file is what its content says, not what its name says; it is complete under its digest or not there;
//! what is read back has the digest that was recorded.

mod error;

pub use error::{EvidenceError, SIZE_MAX};

use crate::whole_file::write_whole;
use crate::{AppError, OpContext, audit};
use domain::authz::{Action, Target};
use domain::registry::Side;
use kernel::{Digest, Digester, EvidenceId};
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::PathBuf;
pub use store::EvidenceRecord;
use store::Sight;

/// Where the files are kept.
pub(crate) const FOLDER: &str = "evidence";

/// What a file is by its content, and the endings it may have.
fn kind_of(name: &str, bytes: &[u8]) -> Result<&'static str, EvidenceError> {
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let is_text = std::str::from_utf8(bytes).is_ok_and(|text| {
        !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{feff}'))
    });
    let is_workbook = || bytes.starts_with(b"PK\x03\x04") && has(b"[Content_Types].xml") && has(b"xl/workbook");
    let (media, word, endings): (_, _, &[&str]) = if bytes.starts_with(b"%PDF-") {
        ("application/pdf", "PDF", &["pdf"])
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        ("image/png", "PNG", &["png"])
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        ("image/jpeg", "JPEG", &["jpg", "jpeg"])
    } else if is_workbook() {
        (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "XLSX",
            &["xlsx"],
        )
    } else if is_text && ends(name, &["csv"]) {
        ("text/csv", "CSV", &["csv"])
    } else if is_text {
        ("text/plain", "文本", &["txt"])
    } else {
        return Err(EvidenceError::Kind(name.to_owned()));
    };
    if ends(name, endings) {
        Ok(media)
    } else {
        Err(EvidenceError::NotAsNamed(name.to_owned(), word))
    }
}

fn ends(name: &str, endings: &[&str]) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}

/// What evidence is about, as the policies see it, and whether that is an order; else it is an application.
async fn matter(ctx: &OpContext, subject: &str) -> Result<(Target, bool), AppError> {
    let mut read = ctx.store().read().await?;
    let order = read.order(subject).await?;
    let is_order = order.is_some();
    let number = order.as_ref().map_or(subject, |order| order.request.as_str());
    let request = read.request(number, &Sight::All).await?;
    let request = request.ok_or_else(|| EvidenceError::NoMatter(subject.to_owned()))?;
    let chosen = request.place.map(|place| place.provider);
    let target = Target {
        kind: "evidence",
        id: subject.to_owned(),
        unit: Some(request.unit),
        provider: order.map(|order| order.provider).or(chosen),
        owner: None,
    };
    Ok((target, is_order))
}

/// Those files that whoever acts may see. Of an application, a provider sees what its own people handed in; the papers
/// of the unit and the authority are none of its business.
async fn shown(ctx: &OpContext, files: Vec<EvidenceRecord>, is_order: bool) -> Result<Vec<EvidenceRecord>, AppError> {
    let who = ctx.who()?.clone();
    if is_order || who.side != Side::Provider {
        return Ok(files);
    }
    let mut read = ctx.store().read().await?;
    let own = ctx.own_and_below(&mut read, &who.organisation).await?;
    let mut seen = Vec::new();
    for file in files {
        let giver = read.account_by_login(&file.given_by).await?;
        let is_own = giver.is_some_and(|giver| own.contains(giver.organisation.as_str()));
        if is_own || file.given_by == who.login {
            seen.push(file);
        }
    }
    Ok(seen)
}

/// Where a file lies, below the data folder.
pub(crate) fn path_below(digest: Digest) -> PathBuf {
    let digest = digest.to_string();
    PathBuf::from(FOLDER).join(digest.get(..2).unwrap_or("00")).join(digest)
}

fn path_of(ctx: &OpContext, digest: Digest) -> PathBuf {
    ctx.data().join(path_below(digest))
}

/// Whether whoever acts may hand in files about a matter, so that none is taken in for nothing.
pub async fn may_hand_in(ctx: &OpContext, subject: &str) -> Result<(), AppError> {
    let (target, _) = matter(ctx, subject).await?;
    ctx.authorise(Action::EvidenceWrite, &target).await?;
    Ok(())
}

/// Hands in a file about an application or an order. Written before it is recorded, so that nothing ever refers to a file
/// that is not there, and even if it is there already: what was just written is not taken for a leftover. The same file
/// from the same person for the same matter is recorded once.
pub async fn hand_in(ctx: &OpContext, subject: &str, name: &str, bytes: &[u8]) -> Result<EvidenceRecord, AppError> {
    let (target, _) = matter(ctx, subject).await?;
    let permit = ctx.authorise(Action::EvidenceWrite, &target).await?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 || name.contains(['/', '\\', '\0']) {
        return Err(EvidenceError::Name(name.to_owned()).into());
    }
    if bytes.is_empty() {
        return Err(EvidenceError::Empty(name.to_owned()).into());
    }
    if bytes.len() > SIZE_MAX {
        return Err(EvidenceError::TooLarge(name.to_owned()).into());
    }
    let media_type = kind_of(name, bytes)?.to_owned();
    let digest = Digest::of(bytes);
    let path = path_of(ctx, digest);
    write_whole(&path, |file| file.write_all(bytes).map_err(AppError::io(&path)))?;
    let mut work = ctx.store().begin().await?;
    // What somebody else handed in is theirs, and whoever acts may not see it.
    let given_by = permit.actor().login.clone();
    let is_same = |there: &EvidenceRecord| there.digest == digest && there.given_by == given_by;
    if let Some(there) = work.evidence_of(subject).await?.into_iter().find(is_same) {
        return Ok(there);
    }
    let record = EvidenceRecord {
        id: ctx.new_id(),
        subject: subject.to_owned(),
        name: name.to_owned(),
        media_type,
        size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        digest,
        given_by,
        at: ctx.now(),
    };
    work.add_evidence(&record).await?;
    let detail = serde_json::json!({ "id": record.id, "name": record.name, "media_type": record.media_type,
        "size_bytes": record.size_bytes, "digest": record.digest });
    work.audit(ctx.now(), (ctx.actor(), "evidence.write", subject), detail.to_string())
        .await?;
    work.commit().await?;
    Ok(record)
}

/// The files of an application or an order that whoever acts may see.
pub async fn list(ctx: &OpContext, subject: &str) -> Result<Vec<EvidenceRecord>, AppError> {
    let (target, is_order) = matter(ctx, subject).await?;
    ctx.authorise(Action::RequestRead, &target).await?;
    let files = ctx.store().read().await?.evidence_of(subject).await?;
    shown(ctx, files, is_order).await
}

/// What is recorded about a file, and the file, verified, at its beginning. Errors: it is no longer what was handed in.
pub async fn open(ctx: &OpContext, id: EvidenceId) -> Result<(EvidenceRecord, File), AppError> {
    let unknown = || EvidenceError::NotFound(id.to_string());
    let record = ctx.store().read().await?.evidence(id).await?.ok_or_else(unknown)?;
    let (target, is_order) = matter(ctx, &record.subject).await?;
    ctx.authorise(Action::RequestRead, &target).await?;
    let Some(record) = shown(ctx, vec![record], is_order).await?.pop() else {
        let detail = serde_json::json!({ "action": Action::RequestRead, "file": id });
        let object = format!("{}:{}", target.kind, target.id);
        audit::note(ctx, ("access.refused", &object), &detail).await?;
        return Err(unknown().into());
    };
    let damaged = || EvidenceError::Damaged(record.name.clone());
    let mut file = File::open(path_of(ctx, record.digest)).map_err(|_| damaged())?;
    let digest = digest_of(&mut file).map_err(|_| damaged())?;
    file.rewind().map_err(|_| damaged())?;
    if digest == record.digest {
        Ok((record, file))
    } else {
        Err(damaged().into())
    }
}

fn digest_of(file: &mut File) -> std::io::Result<Digest> {
    let mut digester = Digester::new();
    let mut piece = vec![0_u8; 1 << 16];
    loop {
        let count = file.read(&mut piece)?;
        match piece.get(..count) {
            Some(read) if count > 0 => digester.raw(read),
            _ => return Ok(digester.finish()),
        };
    }
}

/// A file, as it was handed in. Errors: it is no longer that.
pub async fn read_back(ctx: &OpContext, id: EvidenceId) -> Result<(EvidenceRecord, Vec<u8>), AppError> {
    let (record, mut file) = open(ctx, id).await?;
    let mut bytes = Vec::new();
    let read = file.read_to_end(&mut bytes);
    read.map_err(|_| EvidenceError::Damaged(record.name.clone()))?;
    Ok((record, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_content_says() {
        assert_eq!(kind_of("a.pdf", b"%PDF-1.7 x"), Ok("application/pdf"));
        assert_eq!(kind_of("a.PNG", b"\x89PNG\r\n\x1a\nx"), Ok("image/png"));
        assert_eq!(kind_of("a.jpg", b"\xff\xd8\xff\xe0"), Ok("image/jpeg"));
        assert_eq!(kind_of("a.csv", "列,值\n1,2\n".as_bytes()), Ok("text/csv"));
        assert_eq!(kind_of("a.txt", "已清除".as_bytes()), Ok("text/plain"));
        let error = kind_of("a.pdf", b"MZ\x90\x00").unwrap_err();
        assert_eq!(error, EvidenceError::Kind("a.pdf".into()));
        let error = kind_of("a.png", b"%PDF-1.7").unwrap_err();
        assert_eq!(error, EvidenceError::NotAsNamed("a.png".into(), "PDF"));
        assert!(kind_of("a.xlsx", b"PK\x03\x04 any archive").is_err());
        assert!(kind_of("a.html", b"<script>").is_err());
        assert!(kind_of("a.txt", b"with \x00 zero").is_err());
    }
}
