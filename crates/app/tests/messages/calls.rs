//! Calls to webhooks.

use crate::receivers::Receiver;
use crate::world::World;
use app::messages::{NewWebhook, Webhook, end_webhook, make_webhook, messages, replay, webhooks};
use domain::work::DeliveryState::{Dead, Delivered, Waiting};
use kernel::{Digest, ErrorKind, Kinded as _};
use serde_json::Value;
use test_support::TestStore;

async fn hook(world: &World, url: &str, organisation: &str, kinds: &[&str]) -> (Webhook, String) {
    let new = NewWebhook {
        organisation: organisation.parse().unwrap(),
        url: url.to_owned(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
    };
    make_webhook(&world.by("admin"), new).await.unwrap()
}

pub async fn a_call_is_signed_and_made_again(store: TestStore) {
    let world = World::new(store).await;
    let (receiver, other) = (Receiver::new().await, Receiver::new().await);
    let (webhook, secret) = hook(&world, &receiver.url, "D1", &["request"]).await;
    hook(&world, &other.url, "A1", &[]).await;
    let post = world.post(None);
    // Two people of the department are told the same: one event to its programs. Of another kind: not wanted.
    for login in ["wang", "head"] {
        world
            .tell(login, "request.ended", "SQ-202610-0001", "办结：SQ-202610-0001")
            .await;
    }
    world.tell("wang", "confirm", "SQ-202610-0001", "请确认").await;
    receiver.answers(&[500, 302, 0]);
    for _ in 0..3 {
        assert!(world.send(&post).await.unwrap().ends_with("待重试 1，失败 0"));
        world.pass(240);
    }
    assert!(world.send(&post).await.unwrap().contains("送达 1"));
    assert_eq!(world.states().await, [(Delivered, 4)]);
    let (came, elsewhere) = (receiver.came(), other.came());
    assert_eq!(
        (came.len(), elsewhere.len()),
        (4, 0),
        "a redirect is not followed, others hear nothing"
    );
    for call in &came {
        let header = |name: &str| call.headers[name].as_str();
        let signed = format!(
            "{}.{}.{}",
            header("x-yunheng-timestamp"),
            header("x-yunheng-delivery"),
            call.body
        );
        let expected = format!("sm3={}", Digest::hmac(secret.as_bytes(), signed.as_bytes()));
        assert_eq!(header("x-yunheng-signature"), expected);
        assert_eq!(header("x-yunheng-event"), "request.ended");
        assert_eq!(call.body, came[0].body, "the same content");
        assert_eq!(
            header("x-yunheng-delivery"),
            came[0].headers["x-yunheng-delivery"],
            "under the same id"
        );
    }
    assert_ne!(
        came[0].headers["x-yunheng-timestamp"], came[3].headers["x-yunheng-timestamp"],
        "signed anew for its moment"
    );
    let body: Value = serde_json::from_str(&came[0].body).unwrap();
    assert_eq!(body["id"], came[0].headers["x-yunheng-delivery"].as_str());
    assert_eq!(
        (&body["event"], &body["subject"]),
        (&"request.ended".into(), &"SQ-202610-0001".into())
    );
    assert_eq!(
        (&body["organisation"], &body["at"]),
        (&"D1".into(), &"2026-10-09T09:00:00+08:00".into())
    );
    let chain = world.chain().await;
    assert!(!chain.contains(&secret) && !chain.contains("key=abc"), "{chain}");
    assert!(!format!("{webhook:?}").contains(&secret));
}

pub async fn a_webhook_is_given_up_and_sent_once_more(store: TestStore) {
    let world = World::new(store).await;
    let (broken, sound) = (Receiver::new().await, Receiver::new().await);
    let (webhook, _) = hook(&world, &broken.url, "D1", &[]).await;
    hook(&world, &sound.url, "D1", &[]).await;
    let post = world.post(None);
    broken.answers(&[503; 16]);
    for n in 1..=3 {
        world.tell("wang", "request.ended", &format!("SQ-{n}"), "办结").await;
        world.pass(1);
    }
    // One that does not answer is asked once in a run, and keeps the other from nothing.
    let outcome = world.send(&post).await.unwrap();
    assert_eq!(outcome, "邮件 0 封，回调 6 次；送达 3，待重试 1，失败 0");
    assert_eq!((broken.came().len(), sound.came().len()), (1, 3));
    let mut hours = 0;
    while broken.came().len() < 16 && hours < 40 {
        world.pass(3_600);
        world.send(&post).await;
        hours += 1;
    }
    broken.answers(&[503; 40]);
    while world
        .deliveries()
        .await
        .iter()
        .any(|delivery| delivery.state == Waiting)
        && hours < 200
    {
        world.pass(3_600);
        world.send(&post).await;
        hours += 1;
    }
    let dead: Vec<_> = world
        .deliveries()
        .await
        .into_iter()
        .filter(|d| d.state == Dead)
        .collect();
    assert_eq!(dead.len(), 3, "{hours}");
    assert!(dead.iter().all(|delivery| delivery.attempts == 16));
    assert_eq!(dead[0].trouble.as_deref(), Some("接收方答复 503，应为 2xx"));
    let told = messages(&world.by("admin"), 10).await.unwrap();
    assert_eq!(told.iter().filter(|message| message.kind == "delivery.dead").count(), 3);

    // Repaired: a person sends it once more, under the id it had.
    let before = broken.came().len();
    let drained = Receiver::came(&broken);
    assert_eq!(drained.len(), before);
    replay(&world.by("admin"), dead[0].id).await.unwrap();
    world.pass(60);
    // What is left of the prepared answers is used up first.
    for _ in 0..60 {
        if world
            .deliveries()
            .await
            .iter()
            .all(|d| d.id != dead[0].id || d.state == Delivered)
        {
            break;
        }
        world.pass(3_600);
        world.send(&post).await;
    }
    let last = broken.came().pop().unwrap();
    assert_eq!(last.headers["x-yunheng-delivery"], dead[0].id.to_string());
    let again = world
        .deliveries()
        .await
        .into_iter()
        .find(|d| d.id == dead[0].id)
        .unwrap();
    assert_eq!(again.state, Delivered);

    end_webhook(&world.by("admin"), webhook.id).await.unwrap();
    let refused = replay(&world.by("admin"), dead[1].id).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::FailedPrecondition, "it was ended");
}

pub async fn a_webhook_is_set_up_by_whoever_may(store: TestStore) {
    let world = World::new(store).await;
    let new = |organisation: &str, url: &str, kinds: &[&str]| NewWebhook {
        organisation: organisation.parse().unwrap(),
        url: url.to_owned(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
    };
    let url = "https://hook.example.gov.cn/x";
    let kind_of = async |login: &str, new: NewWebhook| {
        let result = make_webhook(&world.by(login), new).await;
        result.map(|_| ()).map_err(|error| error.kind())
    };
    assert_eq!(
        kind_of("operations", new("D1", url, &[])).await,
        Err(ErrorKind::Forbidden)
    );
    assert_eq!(kind_of("admin", new("D9", url, &[])).await, Err(ErrorKind::NotFound));
    assert_eq!(
        kind_of("admin", new("D1", "hook", &[])).await,
        Err(ErrorKind::InvalidInput)
    );
    assert_eq!(
        kind_of("admin", new("D1", url, &["Request Ended"])).await,
        Err(ErrorKind::InvalidInput)
    );
    assert_eq!(kind_of("admin", new("D1", url, &["request.ended"])).await, Ok(()));
    let all = webhooks(&world.by("admin")).await.unwrap();
    assert_eq!(all.len(), 1);
    end_webhook(&world.by("admin"), all[0].id).await.unwrap();
    let twice = end_webhook(&world.by("admin"), all[0].id).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::NotFound);
}
