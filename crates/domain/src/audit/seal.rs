//! The seal of a day: the head of the chain at a moment, to be printed and kept outside.
//!
//! A seal is an entry of the chain itself and speaks of the entry before it, so it cannot be altered by itself. It is
//! not signed: it is worth as much as the place where somebody else keeps it.

use super::AuditEntry;
use kernel::{Day, Digest, Instant};
use serde::{Deserialize, Serialize};

/// What the entry of a seal says was done; its object is the day.
pub const SEAL_ACTION: &str = "audit.seal";

/// The head of the chain, sealed on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The day, of Beijing.
    pub day: Day,
    /// When it was made.
    pub at: Instant,
    /// The last entry that it seals; 0 if there was none.
    pub number: i64,
    /// Digest of that entry.
    pub head: Digest,
    /// How many entries there were up to it.
    pub entries: i64,
}

impl Seal {
    /// The seal of what is there now: `head` is the last entry, `entries` how many were counted.
    pub fn next(head: Option<(i64, Digest)>, now: Instant, entries: i64) -> Self {
        let (number, head) = head.unwrap_or((0, Digest::ZERO));
        Self {
            day: now.day(),
            at: now,
            number,
            head,
            entries,
        }
    }

    /// What the seal's entry carries.
    pub fn detail(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// The seal in an entry; none if the entry is none, or does not seal the entry before it.
    pub fn of_entry(entry: &AuditEntry) -> Option<Self> {
        let seal: Self = serde_json::from_str(&entry.detail).ok()?;
        let fits = entry.action == SEAL_ACTION
            && entry.object == seal.day.to_string()
            && entry.number == seal.number + 1
            && entry.previous == seal.head
            && seal.detail().is_ok_and(|detail| detail == entry.detail);
        fits.then_some(seal)
    }

    /// The head as the verifier takes it: `NUMBER:DIGEST`.
    pub fn head_text(&self) -> String {
        format!("{}:{}", self.number, self.head)
    }

    /// One page for the file of an auditor. The digest is in groups of eight digits, so that people can compare it.
    pub fn page(&self, sealed_by: &str) -> String {
        let digits: Vec<char> = self.head.to_string().chars().collect();
        let groups: Vec<String> = digits.chunks(8).map(|group| group.iter().collect()).collect();
        let lines: Vec<String> = groups.chunks(4).map(|line| format!("    {}", line.join(" "))).collect();
        format!(
            "云衡审计链封存单\n================\n\n\
             封存日期    {}\n封存时刻    {}\n封存人      {sealed_by}\n\
             末条编号    {}\n记录条数    {}\n\n链头摘要（SM3）\n{}\n\n链头\n    {}\n\n\
             本单不含签名，请打印后由审计人员签字、注明日期，存放在本平台之外。日后核对：\n\
             \x20   yunheng audit verify --head 链头\n\
             \x20   yunheng audit verify --file 导出的审计链 --head 链头\n\
             两者任一条都会指出第一处被改动、删除、调换或加入的记录。\n\n\
             审计人员签字：                      日期：\n",
            self.day,
            self.at,
            self.number,
            self.entries,
            lines.join("\n"),
            self.head_text(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::read_head;

    #[test]
    fn the_page_carries_the_head() {
        let seal = Seal::next(
            Some((120, Digest::of(b"abc"))),
            Instant::from_unix_s(1_773_104_400),
            120,
        );
        let page = seal.page("auditadmin");
        assert!(page.contains("66c7f0f4 62eeedd9 d1f2d46b dc10e4e2"), "{page}");
        assert!(page.contains("2026-03-10") && page.contains("auditadmin"), "{page}");
        let head = page.lines().find(|line| line.trim().starts_with("120:")).unwrap();
        assert_eq!(read_head(head.trim()), Ok((120, seal.head)));
        assert!(page.lines().count() < 40, "one page");
    }
}
