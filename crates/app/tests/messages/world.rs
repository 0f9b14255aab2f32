//! An authority and a department, a few people with mail, and a worker that only sends.

use app::OpContext;
use app::jobs::{Handlers, Plan, kind, schedule, work_once};
use app::messages::{Deliver, Post};
use domain::authz::{Account, AccountState, Actor, Role};
use domain::registry::{Organisation, Side, Version};
use domain::work::DeliveryState;
use kernel::{AccountId, Instant};
use sources::delivery::{Hooks, HooksConfig, MailConfig, MailSecurity, Mailer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{Delivery, Message, ToDo};
use tempfile::TempDir;
use test_support::TestStore;

const PEOPLE: &[(&str, &str, Side, Role)] = &[
    ("admin", "A1", Side::Authority, Role::SystemAdmin),
    ("operations", "A1", Side::Authority, Role::AuthorityOperations),
    ("wang", "D1", Side::Unit, Role::UnitApplicant),
    ("head", "D1", Side::Unit, Role::UnitHead),
];

pub struct World {
    pub ctx: OpContext,
    pub store: TestStore,
    clock: Arc<AtomicI64>,
    people: BTreeMap<&'static str, Actor>,
    _data: TempDir,
}

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

impl World {
    /// On Friday 9 October 2026 at nine. The two of the department have an address, the authority's have none.
    pub async fn new(store: TestStore) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (clock, time) = test_support::clock_at(at("2026-10-09 09:00:00"));
        let ctx = OpContext::new("平台", store.store(), data.path(), time, test_support::counted()).unwrap();
        let mut world = Self {
            ctx,
            store,
            clock,
            people: BTreeMap::new(),
            _data: data,
        };
        world.settle().await;
        world
    }

    async fn settle(&mut self) {
        let now = self.ctx.now();
        let mut work = self.store.begin().await.unwrap();
        for (code, side) in [("A1", Side::Authority), ("D1", Side::Unit)] {
            let body = Organisation {
                code: code.parse().unwrap(),
                name: code.to_owned(),
                side,
                parent: None,
                merged_into: None,
                municipal: None,
            };
            let valid_from = at("2026-01-01");
            work.add_versions(&[Version { valid_from, body }], None).await.unwrap();
        }
        for (place, (login, organisation, side, role)) in (1..).zip(PEOPLE) {
            let actor = Actor {
                account: AccountId::from_parts(place, &[9; 10]),
                login: (*login).to_owned(),
                organisation: organisation.parse().unwrap(),
                side: *side,
                roles: vec![*role],
                scope: None,
            };
            let name = format!("{login}同志");
            let account = Account {
                mail: (*side == Side::Unit).then(|| format!("{login}@d1.example.gov.cn")),
                state: AccountState::Active,
                ..Account::invited(actor.account, (login, &name), actor.organisation.clone(), now)
            };
            test_support::employ(&mut work, &account, &actor.roles).await;
            self.people.insert(login, actor);
        }
        work.audit(now, ("测试", "test.world", ""), "{}".into()).await.unwrap();
        work.commit().await.unwrap();
    }

    pub fn by(&self, login: &str) -> OpContext {
        self.ctx.acting(self.people[login].clone())
    }

    pub fn account(&self, login: &str) -> AccountId {
        self.people[login].account
    }

    pub fn now_is(&self, text: &str) {
        self.clock.store(at(text).unix_s(), Ordering::SeqCst);
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Tells somebody something, as an act does in its transaction.
    pub async fn tell(&self, login: &str, kind: &str, subject: &str, title: &str) {
        let mut work = self.store.begin().await.unwrap();
        let message = Message {
            id: self.ctx.new_id(),
            account: self.account(login),
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            title: title.to_owned(),
            text: String::new(),
            at: self.ctx.now(),
            read: None,
        };
        work.add_messages(&[message]).await.unwrap();
        work.audit(self.ctx.now(), ("测试", "test.tell", subject), "{}".into())
            .await
            .unwrap();
        work.commit().await.unwrap();
    }

    /// Puts a task on somebody's desk.
    pub async fn task(&self, login: &str, (kind, subject): (&str, &str), due: &str) {
        let to_do = ToDo {
            account: self.account(login),
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            task: "1".to_owned(),
            title: format!("办理 {subject}"),
            opened: self.ctx.now(),
            due: Some(at(due)),
        };
        let mut work = self.store.begin().await.unwrap();
        work.set_to_dos((kind, subject), &[to_do]).await.unwrap();
        work.audit(self.ctx.now(), ("测试", "test.task", subject), "{}".into())
            .await
            .unwrap();
        work.commit().await.unwrap();
    }

    /// The ways out, by a mail server on this machine, if there is one.
    pub fn post(&self, mail: Option<u16>) -> Handlers {
        let hooks = HooksConfig {
            plain_http: true,
            this_host: true,
            ca_file: None,
        };
        let mailer = mail.map(|port| {
            Mailer::new(&MailConfig {
                server: "127.0.0.1".into(),
                port: Some(port),
                security: MailSecurity::Plain,
                from: "云衡平台 <yunheng@example.gov.cn>".into(),
                login: None,
                ca_file: None,
            })
            .unwrap()
        });
        let post = Post {
            mailer,
            hooks: Hooks::new(hooks).unwrap(),
            letters_per_hour: 3,
            link: Some("https://cloud.example.gov.cn".into()),
        };
        Handlers::default().with(kind::POST, Arc::new(Deliver(Arc::new(post))))
    }

    /// What a worker says that sends now; none if there is nothing to do.
    pub async fn send(&self, handlers: &Handlers) -> Option<String> {
        self.pass(15);
        schedule(&self.ctx, &Plan::default(), handlers).await.unwrap();
        let worked = work_once(&self.ctx, "甲", handlers).await.unwrap();
        worked.map(|worked| worked.outcome)
    }

    pub async fn deliveries(&self) -> Vec<Delivery> {
        self.store
            .read()
            .await
            .unwrap()
            .deliveries(None, (None, false), 100)
            .await
            .unwrap()
    }

    pub async fn states(&self) -> Vec<(DeliveryState, i64)> {
        let all = self.deliveries().await;
        all.into_iter()
            .map(|delivery| (delivery.state, delivery.attempts))
            .collect()
    }

    /// Everything in the audit chain, as text.
    pub async fn chain(&self) -> String {
        let entries = test_support::chain(&self.store).await;
        let line = |entry: &domain::audit::AuditEntry| format!("{} {} {}\n", entry.action, entry.object, entry.detail);
        entries.iter().map(line).collect()
    }
}
