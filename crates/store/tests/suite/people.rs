//! Accounts, logins, applications, room, jobs.

use super::{at, commit};
use domain::authz::{Account, AccountState, AskedSubject, Role, RoleAssignment, RoleState};
use domain::budget::{Balance, Demand, HoldState, Purse};
use domain::request::{RequestKind, RequestStatus, ResourceRequest};
use domain::work::JobState;
use kernel::{AccountId, Digest, JobId, SessionId, TokenId};
use store::{ApiToken, Command, Job, KeptAnswer, RequestFilter, Session, Sight, StoreError, ToDo};
use test_support::TestStore;

fn account(n: u8, organisation: &str) -> Account {
    let (id, login) = (AccountId::from_parts(1, &[n; 10]), format!("user{n}"));
    Account {
        state: AccountState::Active,
        password: Some("$argon2id$x".into()),
        oidc_subject: Some(format!("subject{n}")),
        ..Account::invited(id, (&login, "王某"), organisation.parse().unwrap(), at("2026-10-01"))
    }
}

fn assignment(account: &Account, role: Role) -> RoleAssignment {
    RoleAssignment {
        account: account.id,
        organisation: account.organisation.clone(),
        role,
        from: at("2026-10-01"),
        to: None,
        proposed_by: "sysadmin".into(),
        approved_by: String::new(),
    }
}

pub async fn accounts_round_trip(store: TestStore) {
    let one = account(1, "D01");
    let mut work = store.begin().await.unwrap();
    work.add_account(&one).await.unwrap();
    commit(work).await;
    let mut work = store.begin().await.unwrap();
    assert!(matches!(work.add_account(&one).await, Err(StoreError::Conflict(_))));
    drop(work);
    let changed = Account {
        failed: 3,
        locked_until: Some(at("2026-10-02")),
        asked_subject: Some(AskedSubject {
            subject: "subject2".into(),
            by: "sysadmin".into(),
        }),
        ..one.clone()
    };
    let mut work = store.begin().await.unwrap();
    work.save_account(&changed).await.unwrap();
    let again = work.save_account(&changed).await;
    assert!(
        matches!(again, Err(StoreError::Conflict(_))),
        "saved by the version that was read"
    );
    let read = work.account_by_login("user1").await.unwrap().unwrap();
    assert_eq!(read, Account { version: 2, ..changed });
    assert_eq!(work.account(read.id).await.unwrap(), Some(read));
}

pub async fn roles_are_proposed_and_decided(store: TestStore) {
    let (one, other) = (account(1, "D01"), account(2, "D01"));
    let mut work = store.begin().await.unwrap();
    for account in [&one, &other] {
        work.add_account(account).await.unwrap();
    }
    let number = work.propose_role(&assignment(&one, Role::UnitHead)).await.unwrap();
    assert_eq!(number, 1);
    assert_eq!(work.holders("D01", Role::UnitHead).await.unwrap(), []);
    commit(work).await;
    let mut work = store.begin().await.unwrap();
    let twice = work.propose_role(&assignment(&one, Role::UnitHead)).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))));
    drop(work);
    let mut work = store.begin().await.unwrap();
    work.decide_role(number, RoleState::InForce, ("secadmin", at("2026-10-02")))
        .await
        .unwrap();
    let again = work
        .decide_role(number, RoleState::Refused, ("secadmin", at("2026-10-02")))
        .await;
    assert!(matches!(again, Err(StoreError::Conflict(_))));
    let held = work.role(number).await.unwrap().unwrap();
    assert_eq!(
        (held.state, held.assignment.from),
        (RoleState::InForce, at("2026-10-02"))
    );
    assert_eq!(held.assignment.approved_by, "secadmin");
    assert_eq!(
        work.holders("D01", Role::UnitHead).await.unwrap(),
        std::slice::from_ref(&one)
    );
    work.end_role(number, at("2026-10-03")).await.unwrap();
    assert_eq!(work.roles_of(one.id).await.unwrap(), []);
    assert_eq!(work.roles().await.unwrap().len(), 1, "what it was stays readable");
}

pub async fn secrets_are_found_by_digest_and_end(store: TestStore) {
    let one = account(1, "D01");
    let (now, later) = (at("2026-10-01"), at("2026-10-02"));
    let session = Session {
        id: SessionId::from_parts(1, &[1; 10]),
        secret: Digest::of(b"session"),
        account: one.id,
        created: now,
        seen: now,
        expires: later,
        address: "10.0.0.1".into(),
        agent: "test".into(),
        at_provider: true,
    };
    let token = ApiToken {
        id: TokenId::from_parts(1, &[1; 10]),
        secret: Digest::of(b"token"),
        account: one.id,
        name: "脚本".into(),
        scope: "request.read".into(),
        created: now,
        expires: later,
        revoked: None,
    };
    let mut work = store.begin().await.unwrap();
    work.add_account(&one).await.unwrap();
    work.add_session(&session).await.unwrap();
    work.add_token(&token).await.unwrap();
    work.add_invitation(Digest::of(b"link"), one.id, (now, later))
        .await
        .unwrap();
    commit(work).await;
    store.touch_session(session.id, now.plus_s(60)).await.unwrap();
    let mut work = store.begin().await.unwrap();
    let seen = work.session(Digest::of(b"session")).await.unwrap().unwrap();
    assert_eq!(seen.seen, now.plus_s(60));
    assert_eq!(work.token(Digest::of(b"token")).await.unwrap(), Some(token.clone()));
    assert_eq!(
        work.use_invitation(Digest::of(b"link"), later).await.unwrap(),
        None,
        "over"
    );
    assert_eq!(
        work.use_invitation(Digest::of(b"link"), now).await.unwrap(),
        Some(one.id)
    );
    assert_eq!(
        work.use_invitation(Digest::of(b"link"), now).await.unwrap(),
        None,
        "used"
    );
    for link in [b"old", b"new"] {
        assert_eq!(
            work.spend_invitations(one.id, now).await.unwrap(),
            u64::from(link == b"new")
        );
        work.add_invitation(Digest::of(link), one.id, (now, later))
            .await
            .unwrap();
    }
    assert_eq!(
        work.use_invitation(Digest::of(b"old"), now).await.unwrap(),
        None,
        "spent"
    );
    assert_eq!(
        work.use_invitation(Digest::of(b"new"), now).await.unwrap(),
        Some(one.id)
    );
    let (held, none) = (Digest::of(b"held"), std::collections::BTreeMap::new());
    work.add_invitation(held, one.id, (now, later)).await.unwrap();
    work.hold_invitation(held, "sysadmin").await.unwrap();
    assert_eq!(work.use_invitation(held, now).await.unwrap(), None, "it waits");
    let waits = [(one.id, "sysadmin".to_owned())];
    assert_eq!(work.waiting_links(now).await.unwrap(), waits.into());
    assert_eq!(work.waiting_links(later).await.unwrap(), none, "over");
    let others = work.release_invitation(one.id, "another", now).await;
    assert!(matches!(others, Err(StoreError::Conflict(_))));
    work.release_invitation(one.id, "sysadmin", now).await.unwrap();
    assert_eq!(work.waiting_links(now).await.unwrap(), none);
    assert_eq!(work.use_invitation(held, now).await.unwrap(), Some(one.id));
    let link = work.invitation(held).await.unwrap().unwrap();
    assert_eq!((link.account, link.used, link.waiting), (one.id, Some(now), false));
    work.revoke_token(one.id, token.id, now).await.unwrap();
    assert!(work.revoke_token(one.id, token.id, now).await.is_err());
    assert_eq!(work.forget_sessions(now).await.unwrap(), 0);
    assert_eq!(work.end_sessions(one.id).await.unwrap(), 1);
}

fn request(number: &str, unit: &str, status: RequestStatus) -> ResourceRequest {
    ResourceRequest {
        number: number.into(),
        kind: RequestKind::New,
        unit: unit.parse().unwrap(),
        system: "S001".parse().unwrap(),
        applicant: AccountId::from_parts(1, &[1; 10]),
        reason: "扩容".into(),
        basis: "公函".into(),
        contact: "王某".into(),
        declared: domain::request::Declaration::default(),
        lines: Vec::new(),
        status,
        created: at("2026-10-01"),
        place: None,
        version: 1,
    }
}

pub async fn requests_are_seen_by_whom_they_concern(store: TestStore) {
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.next_number("SQ-202610").await.unwrap(), 1);
    assert_eq!(work.next_number("SQ-202610").await.unwrap(), 2);
    assert_eq!(work.next_number("SQ-202611").await.unwrap(), 1);
    for (number, unit, status) in [
        ("SQ-1", "D01", RequestStatus::Draft),
        ("SQ-2", "D01", RequestStatus::Approved),
        ("SQ-3", "D02", RequestStatus::Approved),
    ] {
        work.add_request(&request(number, unit, status)).await.unwrap();
    }
    work.set_offer(("SQ-2", "P1"), &"offer", at("2026-10-02"))
        .await
        .unwrap();
    work.set_offer(("SQ-1", "P1"), &"offer", at("2026-10-02"))
        .await
        .unwrap();
    commit(work).await;
    let mut read = store.read().await.unwrap();
    let mut numbers = async |sight: Sight, filter: RequestFilter| {
        let found = read.requests(&sight, &filter, 10).await.unwrap();
        found.into_iter().map(|request| request.number).collect::<Vec<_>>()
    };
    let all = RequestFilter::default();
    assert_eq!(numbers(Sight::All, all.clone()).await, ["SQ-3", "SQ-2", "SQ-1"]);
    let someone = |n: u8| AccountId::from_parts(1, &[n; 10]);
    let of_unit = |n| Sight::Units(vec!["D01".into()], someone(n));
    assert_eq!(numbers(of_unit(1), all.clone()).await, ["SQ-2", "SQ-1"]);
    assert_eq!(
        numbers(of_unit(2), all.clone()).await,
        ["SQ-2"],
        "drafts are the applicant's"
    );
    assert_eq!(
        numbers(Sight::HandedIn(someone(2)), all.clone()).await,
        ["SQ-3", "SQ-2"]
    );
    assert_eq!(
        numbers(Sight::Provider("P1".into()), all.clone()).await,
        ["SQ-3", "SQ-2"],
        "no drafts"
    );
    let waiting = RequestFilter {
        unit: Some("D02".into()),
        ..RequestFilter::default()
    };
    let seen = numbers(Sight::Provider("P2".into()), waiting).await;
    assert_eq!(seen, ["SQ-3"], "what waits for offers is to be priced");
    let approved = RequestFilter {
        status: Some(RequestStatus::Approved),
        after: Some("SQ-3".into()),
        ..RequestFilter::default()
    };
    assert_eq!(numbers(Sight::All, approved).await, ["SQ-2"]);
    let upwards = |after: Option<&str>| RequestFilter {
        after: after.map(str::to_owned),
        oldest_first: true,
        ..RequestFilter::default()
    };
    let all_upwards = numbers(Sight::All, upwards(None)).await;
    let mut downwards = numbers(Sight::All, RequestFilter::default()).await;
    downwards.reverse();
    assert_eq!(all_upwards, downwards);
    assert_eq!(numbers(Sight::All, upwards(Some("SQ-2"))).await, ["SQ-3"]);
    assert_eq!(read.request("SQ-3", &of_unit(1)).await.unwrap(), None);
    drop(read);
    let mut work = store.begin().await.unwrap();
    let mut saved = request("SQ-2", "D01", RequestStatus::Ordered);
    work.save_request(&saved, Some("{\"n\":1}")).await.unwrap();
    assert!(matches!(
        work.save_request(&saved, None).await,
        Err(StoreError::Conflict(_))
    ));
    saved.version = 2;
    work.save_request(&saved, None).await.unwrap();
    let frozen: Option<serde_json::Value> = work.frozen("SQ-2").await.unwrap();
    assert_eq!(
        frozen,
        Some(serde_json::json!({ "n": 1 })),
        "kept when nothing new is frozen"
    );
}

pub async fn flows_and_to_dos(store: TestStore) {
    let someone = AccountId::from_parts(1, &[1; 10]);
    let to_do = |task: &str, due| ToDo {
        account: someone,
        kind: "request".into(),
        subject: "SQ-1".into(),
        task: task.into(),
        title: "审批".into(),
        opened: at("2026-10-01"),
        due,
    };
    let mut work = store.begin().await.unwrap();
    work.save_flow("SQ-1", ("new", 1, "open"), &"first", None)
        .await
        .unwrap();
    let tasks = [to_do("1", None), to_do("2", Some(at("2026-10-02")))];
    work.set_to_dos(("request", "SQ-1"), &tasks).await.unwrap();
    commit(work).await;
    let mut work = store.begin().await.unwrap();
    let (body, version): (String, i64) = work.flow("SQ-1").await.unwrap().unwrap();
    assert_eq!((body.as_str(), version), ("first", 1));
    work.save_flow("SQ-1", ("new", 1, "approved"), &"second", Some(1))
        .await
        .unwrap();
    let stale = work.save_flow("SQ-1", ("new", 1, "refused"), &"third", Some(1)).await;
    assert!(matches!(stale, Err(StoreError::Conflict(_))));
    drop(work);
    let mut work = store.begin().await.unwrap();
    let order: Vec<String> = work
        .to_dos_of(someone)
        .await
        .unwrap()
        .into_iter()
        .map(|t| t.task)
        .collect();
    assert_eq!(order, ["2", "1"], "the urgent one first");
    assert_eq!(work.to_dos_about(("request", "SQ-1")).await.unwrap(), tasks);
    assert_eq!(work.to_dos_about(("request", "SQ-2")).await.unwrap(), []);
    work.set_to_dos(("request", "SQ-1"), &[]).await.unwrap();
    assert_eq!(work.to_dos_of(someone).await.unwrap(), []);
}

pub async fn room_is_held_used_and_freed(store: TestStore) {
    let budget = Purse::Budget {
        unit: "D01".parse().unwrap(),
        year: 2026,
    };
    let now = at("2026-10-01");
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.balance(&budget, "").await.unwrap(), Balance::default());
    work.set_limit(&budget, 100, ("预算批复", "财政", now)).await.unwrap();
    work.set_limit(&budget, 200, ("预算调整", "财政", now)).await.unwrap();
    work.hold("SQ-1", &Demand::from([(budget.clone(), 70)]), now)
        .await
        .unwrap();
    work.hold("SQ-1", &Demand::from([(budget.clone(), 60)]), now)
        .await
        .unwrap();
    work.hold("SQ-2", &Demand::from([(budget.clone(), 30)]), now)
        .await
        .unwrap();
    work.turn_hold("SQ-2", HoldState::Used, now).await.unwrap();
    let balance = Balance {
        limit: Some(200),
        held: 60,
        used: 30,
    };
    assert_eq!(work.balance(&budget, "").await.unwrap(), balance);
    assert_eq!(
        work.balance(&budget, "SQ-1").await.unwrap(),
        Balance { held: 0, ..balance }
    );
    assert_eq!(work.turn_hold("SQ-1", HoldState::Freed, now).await.unwrap(), 1);
    assert_eq!(
        work.turn_hold("SQ-1", HoldState::Used, now).await.unwrap(),
        0,
        "what is freed stays so"
    );
    let holds = work.holds_of("SQ-1").await.unwrap();
    assert_eq!(holds, [(budget, 60, HoldState::Freed)]);
    assert_eq!(work.limits().await.unwrap().len(), 2);
}

fn job(n: u8, subject: &str) -> Job {
    Job {
        id: JobId::from_parts(1, &[n; 10]),
        kind: "order".into(),
        subject: subject.into(),
        payload: "{}".into(),
        state: JobState::Queued,
        run: at("2026-10-01"),
        attempts: 0,
        attempts_max: 3,
        lease: None,
        cancel: false,
        progress: (0, 0, String::new()),
        outcome: None,
        asked_by: "wang".into(),
        created: at("2026-10-01"),
        ended: None,
    }
}

pub async fn a_job_has_one_worker(store: TestStore) {
    let now = at("2026-10-01 08:00:00");
    let lease = now.plus_s(60);
    let mut work = store.begin().await.unwrap();
    assert!(work.queue_job(&job(1, "GD-1")).await.unwrap());
    assert!(
        !work.queue_job(&job(2, "GD-1")).await.unwrap(),
        "the same work is queued once"
    );
    commit(work).await;
    let takers = ["a", "b", "c", "d"].map(|worker| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut work = store.begin().await.unwrap();
            let taken = work.take_job(worker, (now, lease)).await.unwrap();
            commit(work).await;
            taken.map(|_| worker)
        })
    });
    let mut got = Vec::new();
    for taker in takers {
        got.extend(taker.await.unwrap());
    }
    assert_eq!(got.len(), 1, "{got:?}");
    let owner = got[0];
    let id = job(1, "GD-1").id;
    let mut work = store.begin().await.unwrap();
    assert!(work.renew_job((id, owner), lease, (1, 5, "创建云主机")).await.unwrap());
    assert!(!work.renew_job((id, "z"), lease, (1, 5, "")).await.unwrap());
    let silent = lease.plus_s(1);
    let again = work.take_job("z", (silent, silent.plus_s(60))).await.unwrap().unwrap();
    assert_eq!(
        (again.attempts, again.progress.0),
        (2, 1),
        "whoever goes silent loses it"
    );
    let late = work.end_job((id, owner), (JobState::Done, ""), (silent, None)).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))) || owner == "z");
    work.cancel_job(id, silent).await.unwrap();
    assert!(
        !work.renew_job((id, "z"), lease, (2, 5, "")).await.unwrap(),
        "told to stop"
    );
    work.end_job((id, "z"), (JobState::Cancelled, "应要求停止"), (silent, None))
        .await
        .unwrap();
    let ended = work.job(id).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.ended), (JobState::Cancelled, Some(silent)));
    assert!(
        work.queue_job(&job(3, "GD-1")).await.unwrap(),
        "and may be asked for again"
    );
    assert_eq!(work.jobs(&store::JobFilter::default(), 10).await.unwrap().len(), 2);
}

pub async fn answers_of_many_are_kept_together(store: TestStore) {
    let (someone, now) = (AccountId::from_parts(1, &[1; 10]), at("2026-10-01"));
    let keys: Vec<String> = (0..150).map(|n| format!("k{n}")).collect();
    for key in &keys {
        let command = Command::new((someone, key.clone()), Digest::of(key.as_bytes()), now);
        commit(store.for_command(command).begin().await.unwrap()).await;
    }
    // While somebody writes, they come to stand in line; one of the commands was never noted.
    let writer = store.begin().await.unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for key in keys.iter().map(String::as_str).chain(["never"]) {
        let (store, key) = ((*store).clone(), key.to_owned());
        waiting.spawn(async move { store.answer_command((someone, &key), 200, &key).await });
    }
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    drop(writer);
    while let Some(ended) = waiting.join_next().await {
        ended.unwrap().unwrap();
    }
    let mut read = store.read().await.unwrap();
    for key in &keys {
        let kept = read.kept_answer(someone, key).await.unwrap().unwrap();
        assert_eq!((kept.status, &kept.body), (200, key));
    }
    assert_eq!(read.kept_answer(someone, "never").await.unwrap(), None);
}

pub async fn a_change_sent_again_has_its_answer(store: TestStore) {
    let (someone, now) = (AccountId::from_parts(1, &[1; 10]), at("2026-10-01"));
    let sent = || store.for_command(Command::new((someone, "k".into()), Digest::of(b"body"), now));
    commit(sent().begin().await.unwrap()).await;
    let again = sent().begin().await;
    assert!(matches!(again, Err(StoreError::KnownCommand(_))), "it took effect once");
    let mut answer = KeptAnswer {
        request: Digest::of(b"body"),
        status: 0,
        body: String::new(),
    };
    let kept = async |account| store.read().await.unwrap().kept_answer(account, "k").await.unwrap();
    assert_eq!(kept(someone).await, Some(answer.clone()), "not answered yet");
    (answer.status, answer.body) = (201, "{}".into());
    for (status, body) in [(201, "{}"), (500, "")] {
        store.answer_command((someone, "k"), status, body).await.unwrap();
        assert_eq!(kept(someone).await, Some(answer.clone()), "answered once");
    }
    assert_eq!(kept(AccountId::from_parts(1, &[2; 10])).await, None);
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.forget_answers(now.plus_s(1)).await.unwrap(), 1);
    assert_eq!(work.kept_answer(someone, "k").await.unwrap(), None);
}
