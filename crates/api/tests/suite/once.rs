//! A change takes effect once, however often it is sent (I6).

use super::desk::{By, Desk};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    sent_again_gives_the_first_answer,
    the_same_key_for_something_else_is_refused,
    eight_at_once_make_one,
    a_lost_answer_is_not_made_twice,
);

async fn make(desk: &Desk, by: &By, key: &str, login: &str) -> super::desk::Said {
    let body = json!({ "login": login, "name": "王某", "organisation": "D01", "sort": "person" });
    let headers = [("idempotency-key", key), ("x-yunheng-request", "1")];
    desk.send_with(Method::POST, "/api/v1/accounts", by, Some(body), &headers)
        .await
}

async fn accounts(desk: &Desk, by: &By) -> usize {
    let said = desk.get("/api/v1/accounts?organisation=D01", by).await;
    said.body["items"].as_array().map_or(0, Vec::len)
}

async fn sent_again_gives_the_first_answer(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, ..] = desk.administrators().await;
    let first = make(&desk, &system, "one", "wang").await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert!(first.body["secret"].is_string());
    let again = make(&desk, &system, "one", "wang").await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.body["id"], first.body["id"]);
    assert_eq!(
        again.body["secret"],
        Value::Null,
        "a secret is given out once and kept nowhere"
    );
    assert_eq!(accounts(&desk, &system).await, 1);
}

async fn the_same_key_for_something_else_is_refused(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, ..] = desk.administrators().await;
    assert_eq!(make(&desk, &system, "one", "wang").await.status, StatusCode::CREATED);
    let other = make(&desk, &system, "one", "li").await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.text);
    assert_eq!(accounts(&desk, &system).await, 1);
    let none = desk
        .send_with(
            Method::POST,
            "/api/v1/accounts",
            &system,
            Some(json!({})),
            &[("x-yunheng-request", "1")],
        )
        .await;
    assert_eq!(none.status, StatusCode::PRECONDITION_REQUIRED);
}

async fn eight_at_once_make_one(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, ..] = desk.administrators().await;
    let sent = (0..8).map(|_| make(&desk, &system, "one", "wang"));
    let mut all = Vec::new();
    let handles: Vec<_> = sent.collect();
    for said in join(handles).await {
        // Whoever came second got the first answer, or was told that it had just taken effect.
        assert!(matches!(said.status.as_u16(), 201 | 409), "{}", said.text);
        all.push(said.status);
    }
    assert!(all.contains(&StatusCode::CREATED));
    assert_eq!(accounts(&desk, &system).await, 1);
}

/// Waits for all, side by side.
async fn join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut open: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in &mut open {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        if open.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    open.into_iter().filter_map(|(_, done)| done).collect()
}

/// The process died after the change and before its answer was kept.
async fn a_lost_answer_is_not_made_twice(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, ..] = desk.administrators().await;
    let first = make(&desk, &system, "one", "wang").await;
    assert_eq!(first.status, StatusCode::CREATED);
    let mut work = desk.ctx.store().begin().await.unwrap();
    work.execute("UPDATE kept_answer SET status = 0, body = ''", &[])
        .await
        .unwrap();
    work.audit(desk.ctx.now(), ("测试", "test", "x"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    let again = make(&desk, &system, "one", "wang").await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(again.body["code"], "answer_lost");
    assert_eq!(accounts(&desk, &system).await, 1);
}
