//! The auditor's test: whoever alters, drops, swaps or adds something in the table of the chain is found, and where.

use super::{EntryFilter, check, entries, export, seal, seals, verify, verify_file};
use crate::{AppError, OpContext, Silent};
use domain::audit::{ChainError, ChainVerifier, FileError};
use domain::authz::{Action, Actor, Role};
use domain::registry::Side;
use kernel::{AccountId, Instant};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{UnitOfWork, Value};
use tempfile::TempDir;
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    any_byte_of_any_row_is_watched,
    any_row_is_watched,
    a_day_is_sealed_once_and_a_broken_chain_never,
    what_came_of_a_check_is_noted,
    entries_are_found_by_who_what_and_when,
    a_file_is_checked_without_a_store,
    who_may_not_is_written_down_and_who_reads_too,
    what_leaves_the_house_has_an_entry_before_and_one_after,
);

/// Units: rows.
const LENGTH: i64 = 6;

struct Desk {
    ctx: OpContext,
    clock: Arc<AtomicI64>,
    data: TempDir,
    _store: TestStore,
}

impl Desk {
    /// A house with a chain of some entries, the fourth of them a seal.
    async fn new(store: TestStore) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (clock, now) = test_support::clock_at(Instant::from_unix_s(1_773_104_400));
        let ctx = OpContext::new("甲", store.store(), data.path(), now, test_support::counted()).unwrap();
        for n in 1..LENGTH {
            let detail = json!({ "n": n, "fields": { "name": ["甲局", "乙局"] } });
            super::note(&ctx, ("test.write", "D01"), &detail).await.unwrap();
            if n == 3 {
                seal(&ctx).await.unwrap();
            }
        }
        verify(&ctx, None).await.unwrap();
        Self {
            ctx,
            clock,
            data,
            _store: store,
        }
    }

    /// The same house, for somebody with roles.
    fn acting(&self, login: &str, roles: &[Role]) -> OpContext {
        self.ctx.acting(Actor {
            account: AccountId::from_parts(1, &[7; 10]),
            login: login.to_owned(),
            organisation: "BUREAU".parse().unwrap(),
            side: Side::Authority,
            roles: roles.to_vec(),
            scope: None,
        })
    }

    /// The actions of the chain, in order.
    async fn actions(&self) -> Vec<String> {
        let mut read = self.ctx.store().read().await.unwrap();
        let entries = read.audit_entries(1, 1000).await.unwrap();
        entries.into_iter().map(|entry| entry.action).collect()
    }
}

/// What the check says about the rows as somebody left them.
async fn told(work: &mut UnitOfWork) -> Result<(), ChainError> {
    let walked = super::verify::walk(work, ChainVerifier::new(), &Silent, |_| ()).await;
    match walked {
        Ok(_) => Ok(()),
        Err(AppError::Chain(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

/// The row that a complaint names.
fn place(error: &ChainError) -> i64 {
    match error {
        ChainError::Number { expected, .. } | ChainError::Outside { expected, .. } => *expected,
        ChainError::Link(number)
        | ChainError::Content(number)
        | ChainError::Unreadable(number)
        | ChainError::Seal(number)
        | ChainError::Head(number)
        | ChainError::Form { number, .. } => *number,
    }
}

/// Texts that differ from one by a byte: another, one more, one less, at its begin, middle and end.
fn altered(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut others = vec![format!("{text} "), text.to_uppercase()];
    for place in [0, characters.len() / 2, characters.len() - 1] {
        let mut other = characters.clone();
        other[place] = if other[place] == '0' { '1' } else { '0' };
        others.push(other.iter().collect());
        other.insert(place, '7');
        others.push(other.iter().collect());
        let mut other = characters.clone();
        other.remove(place);
        others.push(other.iter().collect());
    }
    others.retain(|other| other != text);
    others
}

async fn any_byte_of_any_row_is_watched(store: TestStore) {
    let desk = Desk::new(store).await;
    let rows = desk
        .ctx
        .store()
        .read()
        .await
        .unwrap()
        .audit_texts(1, 100)
        .await
        .unwrap();
    assert_eq!(rows.len(), usize::try_from(LENGTH).unwrap());
    let columns = [
        "number", "at_s", "actor", "action", "object", "detail", "previous", "digest",
    ];
    let (mut tried, mut refused) = (0, 0);
    for (row, number) in rows.iter().zip(1_i64..) {
        for (column, text) in columns.iter().zip(row) {
            for other in altered(text) {
                // A number stays a number, or becomes a text where the database lets it.
                let value = match other.parse::<i64>() {
                    Ok(other) if matches!(*column, "number" | "at_s") => Value::from(other),
                    _ => Value::from(other.as_str()),
                };
                let mut work = desk.ctx.store().begin().await.unwrap();
                let sql = format!("UPDATE audit_entry SET {column} = $1 WHERE number = $2");
                match work.execute(&sql, &[value, number.into()]).await {
                    Err(_) => refused += 1,
                    Ok(changed) => {
                        assert_eq!(changed, 1);
                        let same = work.audit_texts(1, 100).await.ok().is_some_and(|now| now == rows);
                        let error = told(&mut work).await;
                        if same {
                            // "1 " in a column of numbers is 1: nothing was altered.
                            assert_eq!(error, Ok(()));
                            continue;
                        }
                        let error = error.expect_err(&format!("{column} of {number}: {other:?} is not found"));
                        assert_eq!(place(&error), number, "{column}: {other:?}: {error}");
                        tried += 1;
                    }
                }
            }
        }
    }
    assert!(tried > 300, "{tried} tried, {refused} refused by the database itself");
}

async fn any_row_is_watched(store: TestStore) {
    let desk = Desk::new(store).await;
    let kept = verify(&desk.ctx, None).await.unwrap();
    for one in 1..=LENGTH {
        let mut work = desk.ctx.store().begin().await.unwrap();
        work.execute("DELETE FROM audit_entry WHERE number = $1", &[one.into()])
            .await
            .unwrap();
        match told(&mut work).await {
            Err(error) => assert_eq!(place(&error), one, "dropped: {error}"),
            // Only of the last one nobody can know, but for a head that was kept outside.
            Ok(()) => assert_eq!(one, LENGTH),
        }
        drop(work);
        for other in one + 1..=LENGTH {
            let mut work = desk.ctx.store().begin().await.unwrap();
            let swap = "UPDATE audit_entry SET number = $1 WHERE number = $2";
            for (to, from) in [(1000, one), (one, other), (other, 1000)] {
                work.execute(swap, &[to.into(), from.into()]).await.unwrap();
            }
            let error = told(&mut work).await.expect_err("swapped");
            assert_eq!(place(&error), one, "swapped with {other}: {error}");
        }
        // A copy of a row, at the end, before the begin, and far behind.
        for number in [LENGTH + 1, 0, -3, 5_000] {
            let mut work = desk.ctx.store().begin().await.unwrap();
            let copy = "INSERT INTO audit_entry SELECT $1, at_s, actor, 'x', object, detail, previous, digest \
                        FROM audit_entry WHERE number = $2";
            work.execute(
                &copy.replace("$1", &number.to_string()).replace("$2", &one.to_string()),
                &[],
            )
            .await
            .unwrap();
            let error = told(&mut work).await.expect_err("added");
            assert_eq!(place(&error), LENGTH + 1, "added as {number}: {error}");
        }
    }
    // Cut off at the end, and ended as if nothing were missing: the head that was kept outside tells.
    let mut work = desk.ctx.store().begin().await.unwrap();
    work.execute("DELETE FROM audit_entry WHERE number = $1", &[LENGTH.into()])
        .await
        .unwrap();
    work.audit(desk.ctx.now(), ("甲", "test.write", "D02"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    assert!(verify(&desk.ctx, None).await.is_ok());
    let error = verify(&desk.ctx, Some(kept)).await.unwrap_err();
    assert!(matches!(error, AppError::Chain(ChainError::Head(LENGTH))), "{error}");
}

async fn a_day_is_sealed_once_and_a_broken_chain_never(store: TestStore) {
    let desk = Desk::new(store).await;
    let again = seal(&desk.ctx).await.unwrap();
    assert!(
        again.already && again.seal.number == 3 && again.seal.entries == 3,
        "{again:?}"
    );
    desk.clock.fetch_add(86_400, Ordering::SeqCst);
    let next = seal(&desk.ctx).await.unwrap();
    assert!(!next.already && next.seal.number == LENGTH, "{next:?}");
    let kept = Some((next.seal.number, next.seal.head));
    assert_eq!(verify(&desk.ctx, kept).await.unwrap().0, LENGTH + 1);
    let listed = seals(&desk.ctx).await.unwrap();
    assert_eq!(
        listed.iter().map(|sealed| sealed.seal.number).collect::<Vec<_>>(),
        [LENGTH, 3]
    );
    // What came since the last seal is checked before the next one.
    super::note(&desk.ctx, ("test.write", "x"), &json!({})).await.unwrap();
    let mut work = desk.ctx.store().begin().await.unwrap();
    let forge = "UPDATE audit_entry SET actor = '乙' WHERE number = $1";
    work.execute(forge, &[(LENGTH + 2).into()]).await.unwrap();
    work.audit(desk.ctx.now(), ("甲", "test.write", "x"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    desk.clock.fetch_add(86_400, Ordering::SeqCst);
    let error = seal(&desk.ctx).await.unwrap_err();
    assert!(
        matches!(error, AppError::Chain(ChainError::Content(n)) if n == LENGTH + 2),
        "{error}"
    );
}

async fn what_came_of_a_check_is_noted(store: TestStore) {
    let desk = Desk::new(store).await;
    let auditor = desk.acting("auditadmin", &[Role::AuditAdmin]);
    let noted = async || {
        let entry = test_support::chain(desk.ctx.store()).await.pop().unwrap();
        assert_eq!(
            (entry.actor.as_str(), entry.action.as_str()),
            ("auditadmin", "audit.verify")
        );
        serde_json::from_str::<serde_json::Value>(&entry.detail).unwrap()
    };
    let (entries, head) = check(&auditor, None).await.unwrap();
    assert_eq!(entries, LENGTH, "the entry about the check comes after it");
    let said = noted().await;
    assert_eq!(said["last"], format!("{entries}:{head}"));
    assert!(said["why"].is_null(), "{said}");
    let foreign = check(&auditor, Some((1, head))).await.unwrap_err();
    assert!(matches!(foreign, AppError::Chain(ChainError::Head(1))), "{foreign}");
    assert_eq!(noted().await["head"], format!("1:{head}"));
    let mut work = desk.ctx.store().begin().await.unwrap();
    let forge = "UPDATE audit_entry SET object = 'D02' WHERE number = $1";
    work.execute(forge, &[2.into()]).await.unwrap();
    work.audit(desk.ctx.now(), ("甲", "test.write", "x"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    let broken = check(&auditor, None).await.unwrap_err();
    assert!(matches!(broken, AppError::Chain(ChainError::Content(2))), "{broken}");
    let said = noted().await;
    assert!(said["last"].is_null() && said["why"] == broken.to_string(), "{said}");
}

async fn entries_are_found_by_who_what_and_when(store: TestStore) {
    let desk = Desk::new(store).await;
    // The chain begins on 2026-03-10; the day after, somebody else does something else.
    desk.clock.fetch_add(86_400, Ordering::SeqCst);
    let other = desk.acting("乙", &[Role::AuthorityLeader]);
    super::note(&other, ("test.other", "D02"), &json!({})).await.unwrap();
    let found = async |filter: EntryFilter, limit| {
        let found = entries(&desk.ctx, &filter, limit).await.unwrap();
        found.into_iter().map(|entry| entry.number).collect::<Vec<_>>()
    };
    let filter = EntryFilter::default;
    let is = |text: &str| Some(text.to_owned());
    let (first, second) = (desk.ctx.now().day().start(), desk.ctx.now().day().plus(1).start());
    assert_eq!(found(filter(), 2).await, [LENGTH, LENGTH + 1], "the last ones");
    let written = EntryFilter {
        action: is("test.write"),
        ..filter()
    };
    assert_eq!(found(written.clone(), 2).await, [5, 6]);
    let from = EntryFilter {
        from: Some(2),
        ..written.clone()
    };
    assert_eq!(found(from, 3).await, [2, 3, 5], "the fourth is a seal");
    let by = EntryFilter {
        actor: is("乙"),
        ..filter()
    };
    assert_eq!(found(by, 9).await, [LENGTH + 1]);
    let about = EntryFilter {
        object: is("D01"),
        ..filter()
    };
    assert_eq!(found(about.clone(), 9).await, [1, 2, 3, 5, 6]);
    let before = EntryFilter {
        before: Some(first),
        ..about.clone()
    };
    assert_eq!(found(before, 9).await, [1, 2, 3, 5, 6]);
    let since = EntryFilter {
        since: Some(first),
        before: Some(second),
        ..filter()
    };
    assert_eq!(found(since, 9).await, [LENGTH + 1]);
    let neither = EntryFilter {
        actor: is("乙"),
        ..about
    };
    assert_eq!(found(neither, 9).await, Vec::<i64>::new());
}

async fn a_file_is_checked_without_a_store(store: TestStore) {
    let desk = Desk::new(store).await;
    let path = desk.data.path().join("audit.jsonl");
    let chain = export(&desk.ctx, &path).await.unwrap();
    assert_eq!(chain.entries, LENGTH + 1, "with the entry that says so");
    let (entries, head) = verify(&desk.ctx, None).await.unwrap();
    assert_eq!(entries, LENGTH + 2, "and one with the outcome");
    assert_eq!(verify_file(&path, None).unwrap(), chain);
    assert_eq!(verify_file(&path, Some((chain.entries, chain.head))).unwrap(), chain);
    let error = verify_file(&path, Some((entries, head))).unwrap_err();
    assert!(matches!(error, AppError::WrittenChain(FileError::Head(_))), "{error}");
    // The name in the third entry, which stands in the fourth line.
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let forged = lines[3].replace("乙局", "丙局");
    assert_ne!(forged, lines[3]);
    std::fs::write(&path, text.replace(lines[3], &forged)).unwrap();
    let error = verify_file(&path, None).unwrap_err();
    assert_eq!(error.to_string(), "文件第 4 行：审计记录第 3 条的内容被改动过");
}

async fn who_may_not_is_written_down_and_who_reads_too(store: TestStore) {
    let desk = Desk::new(store).await;
    let leader = desk.acting("leader", &[Role::AuthorityLeader]);
    let path = desk.data.path().join("audit.jsonl");
    assert!(entries(&leader, &EntryFilter::default(), 10).await.is_err());
    assert!(check(&leader, None).await.is_err());
    assert!(export(&leader, &path).await.is_err() && !path.exists());
    assert!(seal(&leader).await.is_err());
    let auditor = desk.acting("auditadmin", &[Role::AuditAdmin]);
    let read = entries(&auditor, &EntryFilter::default(), 5).await.unwrap();
    let said: Vec<_> = read
        .iter()
        .map(|entry| (entry.actor.as_str(), entry.action.as_str()))
        .collect();
    let refused = ("leader", "access.refused");
    assert_eq!(said, [refused, refused, refused, refused, ("auditadmin", "audit.read")]);
    assert!(read[0].detail.contains("audit.read") && read[1].detail.contains("audit.seal"));
    check(&auditor, None).await.unwrap();
    assert_eq!(desk.actions().await.last().map(String::as_str), Some("audit.verify"));
    for action in [Action::AuditRead, Action::AuditSeal] {
        for role in Role::ALL.iter().filter(|role| **role != Role::AuditAdmin) {
            let other = desk.acting("other", &[*role]);
            assert!(other.judge(action, &super::chain()).await.is_err(), "{role} {action}");
        }
    }
}

async fn what_leaves_the_house_has_an_entry_before_and_one_after(store: TestStore) {
    let desk = Desk::new(store).await;
    let path = desk.data.path().join("audit.jsonl");
    export(&desk.ctx, &path).await.unwrap();
    let nowhere = path.join("below");
    assert!(export(&desk.ctx, &nowhere).await.is_err());
    let actions = desk.actions().await;
    let ended = &actions[actions.len() - 4..];
    assert_eq!(
        ended,
        [
            "audit.export",
            "audit.export.done",
            "audit.export",
            "audit.export.failed"
        ]
    );
    let read = desk
        .ctx
        .store()
        .read()
        .await
        .unwrap()
        .audit_entries(LENGTH + 2, 1)
        .await
        .unwrap();
    let detail: serde_json::Value = serde_json::from_str(&read[0].detail).unwrap();
    assert_eq!(detail["begun"], LENGTH + 1);
    assert_eq!(detail["outcome"]["entries"], LENGTH + 1);
}
