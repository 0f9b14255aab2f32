//! What is left of a decision that is cut off, wherever it was.

use crate::town::{Town, server};
use app::requests::{decide, submit};
use domain::flow::Act;
use domain::registry::PoolKind;
use domain::request::{RequestStatus, ResourceRequest};
use kernel::Digest;
use std::task::Poll;
use test_support::TestStore;

/// Work that is dropped when it would go on for the time after `steps`, as if the process had died while it waited.
/// Returns what it came to, if it was done before.
async fn cut<Work: Future>(steps: usize, work: Work) -> Option<Work::Output> {
    let mut work = Box::pin(work);
    let mut gone = 0;
    std::future::poll_fn(move |context| {
        if gone == steps {
            return Poll::Ready(None);
        }
        gone += 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// Everything that a decision writes, in this order. SQLite is asked in place, so nothing waits in between: there it is
/// broken by refusing the write.
const WRITES: &[(&str, &str)] = &[
    ("kept_answer", "INSERT"),
    ("resource_request", "UPDATE"),
    ("flow_run", "UPDATE"),
    ("to_do", "DELETE"),
    ("to_do", "INSERT"),
    ("message", "INSERT"),
    ("audit_entry", "INSERT"),
];

/// What stood in the store before a decision, and what must stand there after it was broken off.
struct Around<'a> {
    town: &'a Town,
    login: &'a str,
    about: Digest,
    before: ResourceRequest,
    task: u32,
}

impl<'a> Around<'a> {
    async fn new(town: &'a Town, login: &'a str, number: &str) -> Self {
        Self {
            task: town.task(login, number).await,
            before: town.request(number).await,
            about: Digest::of(login.as_bytes()),
            town,
            login,
        }
    }

    async fn decision(&self) -> Result<ResourceRequest, app::AppError> {
        let by = self.town.by(self.login).once(self.login, self.about).unwrap();
        let opinion = "同意".to_owned();
        let task = self.task;
        decide(
            &by,
            &self.before.number,
            self.before.version,
            Act::Agree { task, opinion },
        )
        .await
    }

    /// It was made whole, or not at all. Answers whether it was made.
    async fn is_whole(&self, cut: &str) -> bool {
        let made = self.town.by(self.login).sent(self.login, self.about).await.unwrap() != app::Sent::Never;
        let after = self.town.request(&self.before.number).await;
        assert_eq!(after != self.before, made, "{}, {cut}: half decided", self.login);
        assert_eq!(self.town.held("D1").await, 84_000, "{}, {cut}", self.login);
        made
    }

    /// Drops it at every point where it waits, until it is made. Returns how often it was cut.
    async fn dropped(&self) -> usize {
        for steps in 1.. {
            match cut(steps, self.decision()).await {
                Some(Ok(_)) => return steps - 1,
                Some(Err(why)) => {
                    // It was committed, and died before it could say so.
                    assert!(why.is_known_command(), "{}, after {steps}: {why}", self.login);
                    return steps - 1;
                }
                None => self.is_whole(&format!("after {steps}")).await,
            };
        }
        0
    }

    /// Refuses each of its writes, and then makes it. Returns how often it was broken.
    async fn refused(&self) -> usize {
        let mut broken = 0;
        for (table, event) in WRITES {
            for when in ["BEFORE", "AFTER"] {
                // The entry about the trigger itself may be written.
                let only = match *table {
                    "audit_entry" => "WHEN NEW.action = 'request.agree' ",
                    _ => "",
                };
                let refuse = "BEGIN SELECT RAISE(ABORT, 'cut off'); END";
                let sql = format!("CREATE TRIGGER cut {when} {event} ON {table} {only}{refuse}");
                self.town.trigger(&sql).await;
                let came_to = self.decision().await;
                self.town.trigger("DROP TRIGGER cut").await;
                let cut = format!("{when} {event} {table}");
                match came_to {
                    Err(why) => {
                        assert!(why.to_string().contains("cut off"), "{}, {cut}: {why}", self.login);
                        assert!(!self.is_whole(&cut).await, "{}, {cut}: made nevertheless", self.login);
                        broken += 1;
                    }
                    // The last ones of a decision may have nothing to write there.
                    Ok(_) => return broken,
                }
            }
        }
        self.decision().await.unwrap();
        broken
    }
}

pub async fn a_decision_cut_off_anywhere_is_made_once(store: TestStore) {
    let waits = store.backend() == "PostgreSQL";
    let town = Town::new(store).await;
    town.budget("D1", "10000").await;
    let wang = town.by("wang");
    let draft = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    let request = submit(&wang, &draft.number, draft.version).await.unwrap();
    let number = &request.number;
    for (place, login) in ["head", "intake", "technical", "leader"].into_iter().enumerate() {
        let decision = Around::new(&town, login, number).await;
        let (cuts, least) = match (waits, place) {
            (true, _) => (decision.dropped().await, 1),
            // The last decision has no next task to write down.
            (false, 3) => (decision.refused().await, 8),
            (false, _) => (decision.refused().await, 2 * WRITES.len()),
        };
        assert!(cuts >= least, "{login}: broken off {cuts} times");
        assert!(decision.is_whole("in the end").await);
        assert_eq!(town.request(number).await.version, decision.before.version + 1);
    }
    assert_eq!(town.request(number).await.status, RequestStatus::Approved);
    let audited = town.audited(number).await;
    let decided: Vec<&str> = audited
        .iter()
        .filter(|(_, what)| what == "request.agree")
        .map(|(who, _)| who.as_str())
        .collect();
    assert_eq!(decided, ["head", "intake", "technical", "leader"], "each once");
    app::audit::verify(town.platform(), None).await.unwrap();
}
