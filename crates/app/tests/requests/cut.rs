//! What is left of a decision that is cut off, wherever it was.

use crate::town::{Town, server};
use app::requests::{decide, submit};
use domain::flow::Act;
use domain::registry::PoolKind;
use domain::request::RequestStatus;
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

pub async fn a_decision_cut_off_anywhere_is_made_once(store: TestStore) {
    let town = Town::new(store).await;
    town.budget("D1", "10000").await;
    let wang = town.by("wang");
    let draft = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    let request = submit(&wang, &draft.number, draft.version).await.unwrap();
    let number = &request.number;
    let mut cuts = 0;
    for login in ["head", "intake", "technical", "leader"] {
        let task = town.task(login, number).await;
        let before = town.request(number).await;
        let about = Digest::of(login.as_bytes());
        for steps in 1.. {
            let by = town.by(login).once(login, about).unwrap();
            let opinion = "同意".to_owned();
            let act = Act::Agree { task, opinion };
            match cut(steps, decide(&by, number, before.version, act)).await {
                Some(Ok(_)) => break,
                Some(Err(why)) => {
                    // It was committed, and died before it could say so.
                    assert!(why.is_known_command(), "{login}, after {steps}: {why}");
                    break;
                }
                None => cuts += 1,
            }
            let whole = town.by(login).sent(login, about).await.unwrap() != app::Sent::Never;
            let after = town.request(number).await;
            assert_eq!(after != before, whole, "{login}, after {steps}: half decided");
            assert_eq!(town.held("D1").await, 84_000, "{login}, after {steps}");
        }
        assert_eq!(town.request(number).await.version, before.version + 1);
    }
    assert!(cuts > 0, "nothing was cut off");
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
