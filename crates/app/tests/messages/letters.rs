//! Letters.

use crate::receivers::{MailServer, Receiver};
use crate::world::World;
use app::accounts::{Correction, correct};
use app::messages::{Delivery, NewWebhook, make_webhook, messages, replay};
use domain::authz::AccountState;
use domain::work::Channel;
use domain::work::DeliveryState::{Dead, Delivered, Waiting};
use kernel::{ErrorKind, Kinded as _};
use test_support::TestStore;

pub async fn a_letter_says_what_by_when_and_its_number(store: TestStore) {
    let world = World::new(store).await;
    let server = MailServer::new().await;
    let post = world.post(Some(server.port));
    world.task("head", ("request", "SQ-202610-0001"), "2026-10-14").await;
    world
        .tell("head", "request.to_decide", "SQ-202610-0001", "待办：SQ-202610-0001")
        .await;
    assert_eq!(
        world.send(&post).await.unwrap(),
        "邮件 1 封，回调 0 次；送达 1，待重试 0，失败 0"
    );
    let came = server.came();
    assert_eq!(came.len(), 1);
    let letter = &came[0];
    assert_eq!(letter.to, "head@d1.example.gov.cn");
    assert_eq!(letter.headers["subject"], "【云衡】待办：SQ-202610-0001");
    assert_eq!(letter.headers["auto-submitted"], "auto-generated");
    for part in [
        "head同志：",
        "事项编号：SQ-202610-0001",
        "办理期限：2026-10-13 23:59",
        "通知时间：2026-10-09 09:00",
        "https://cloud.example.gov.cn",
    ] {
        assert!(letter.text.contains(part), "{part} in\n{}", letter.text);
    }
    assert_eq!(world.send(&post).await, None, "once");
    assert_eq!(server.came().len(), 1);
    let (chain, kept) = (world.chain().await, world.deliveries().await);
    assert!(!chain.contains("example.gov.cn"), "no address in the chain: {chain}");
    assert!(!kept[0].body.contains("head@"), "nor in what waits");
}

pub async fn a_server_that_is_away_is_tried_again_under_the_same_id(store: TestStore) {
    let world = World::new(store).await;
    let server = MailServer::new().await;
    let post = world.post(Some(server.port));
    world
        .tell("wang", "request.ended", "SQ-202610-0001", "办结：SQ-202610-0001")
        .await;
    server.answers(&[0, 451]);
    assert!(world.send(&post).await.unwrap().ends_with("待重试 1，失败 0"));
    assert_eq!(world.states().await, [(Waiting, 1)]);
    assert_eq!(world.send(&post).await, None, "not before its time");
    // Half a minute after the first attempt, then a minute after the second.
    assert!(world.send(&post).await.unwrap().ends_with("待重试 1，失败 0"));
    let waiting = &world.deliveries().await[0];
    assert_eq!((waiting.attempts, waiting.next), (2, world.ctx.now().plus_s(60)));
    assert_eq!(waiting.trouble.as_deref(), Some("邮件服务器暂不接收（451）"));
    world.pass(60);
    assert!(world.send(&post).await.unwrap().contains("送达 1"));
    assert_eq!(world.states().await, [(Delivered, 3)]);
    let came = server.came();
    assert_eq!(came.len(), 1);
    let id = format!("<{}@example.gov.cn>", waiting.id);
    assert_eq!(came[0].headers["message-id"], id);
    assert!(came[0].text.contains(&format!("投递编号：{}", waiting.id)));
}

pub async fn a_receiver_that_is_refused_is_given_up_and_told(store: TestStore) {
    let world = World::new(store).await;
    let server = MailServer::new().await;
    let post = world.post(Some(server.port));
    world
        .tell("wang", "request.ended", "SQ-202610-0001", "办结：SQ-202610-0001")
        .await;
    server.answers(&[550]);
    assert!(world.send(&post).await.unwrap().ends_with("失败 1"));
    let dead = world.deliveries().await[0].clone();
    assert_eq!((dead.state, dead.attempts), (Dead, 1));
    let told = messages(&world.by("admin"), 10).await.unwrap();
    assert_eq!(
        (told[0].kind.as_str(), told[0].subject.clone()),
        ("delivery.dead", dead.id.to_string())
    );
    let said = format!("{}{:?}{}", world.chain().await, dead, told[0].text);
    assert!(
        said.contains("550") && !said.contains("wang@"),
        "what the server said names the address: {said}"
    );

    let refused = replay(&world.by("operations"), dead.id).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    replay(&world.by("admin"), dead.id).await.unwrap();
    let twice = replay(&world.by("admin"), dead.id).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::FailedPrecondition);
    assert!(world.send(&post).await.unwrap().contains("送达 1"));
    assert_eq!(
        server.came()[0].headers["message-id"],
        format!("<{}@example.gov.cn>", dead.id)
    );
    assert!(world.chain().await.contains("delivery.replay"));
}

pub async fn many_messages_are_one_letter(store: TestStore) {
    let world = World::new(store).await;
    let server = MailServer::new().await;
    let post = world.post(Some(server.port));
    // Three letters an hour: two as they come, then one for all the rest, then none.
    for n in 1..=2 {
        world
            .tell("wang", "request.ended", &format!("SQ-{n}"), &format!("办结：SQ-{n}"))
            .await;
    }
    world.tell("head", "request.to_decide", "SQ-9", "待办：SQ-9").await;
    world.send(&post).await.unwrap();
    assert_eq!(server.came().len(), 3);
    for n in 3..=12 {
        world
            .tell("wang", "request.ended", &format!("SQ-{n}"), &format!("办结：SQ-{n}"))
            .await;
    }
    world.send(&post).await.unwrap();
    let came = server.came();
    assert_eq!(came.len(), 4);
    assert_eq!(came[3].headers["subject"], "【云衡】您有 10 条通知");
    assert!(
        (3..=12).all(|n| came[3].text.contains(&format!("办结：SQ-{n}\n"))),
        "{}",
        came[3].text
    );
    for n in 13..=14 {
        world
            .tell("wang", "request.ended", &format!("SQ-{n}"), &format!("办结：SQ-{n}"))
            .await;
    }
    world.tell("head", "request.to_decide", "SQ-10", "待办：SQ-10").await;
    world.send(&post).await.unwrap();
    let came = server.came();
    assert_eq!(
        (came.len(), came[4].to.as_str()),
        (5, "head@d1.example.gov.cn"),
        "others do not wait"
    );
    world.pass(3_600);
    world.send(&post).await.unwrap();
    let last: Vec<String> = server.came()[5..]
        .iter()
        .map(|letter| letter.headers["subject"].clone())
        .collect();
    assert_eq!(last, ["【云衡】办结：SQ-13", "【云衡】办结：SQ-14"], "none was dropped");
}

pub async fn without_mail_nothing_waits(store: TestStore) {
    let world = World::new(store).await;
    world.tell("wang", "request.ended", "SQ-1", "办结：SQ-1").await;
    let outcome = world.send(&world.post(None)).await.unwrap();
    assert_eq!(outcome, "邮件 0 封，回调 0 次；送达 0，待重试 0，失败 0");
    // Mail that is configured later does not send what is long known.
    let server = MailServer::new().await;
    let post = world.post(Some(server.port));
    assert_eq!(world.send(&post).await, None);
    world.tell("operations", "order", "GD-1", "请办理").await;
    world.send(&post).await.unwrap();
    assert_eq!(
        server.came().len(),
        0,
        "who has no address has the notice in the product"
    );
    assert_eq!(messages(&world.by("operations"), 10).await.unwrap().len(), 1);
}

pub async fn whoever_left_meanwhile_gets_no_letter(store: TestStore) {
    let world = World::new(store).await;
    let server = MailServer::new().await;
    let post = world.post(Some(server.port));
    world.tell("wang", "request.ended", "SQ-1", "办结：SQ-1").await;
    server.answers(&[451]);
    world.send(&post).await.unwrap();
    assert_eq!(world.states().await, [(Waiting, 1)]);
    let mut work = world.store.begin().await.unwrap();
    let mut account = work.account(world.account("wang")).await.unwrap().unwrap();
    account.state = AccountState::Disabled;
    work.save_account(&account).await.unwrap();
    work.audit(world.ctx.now(), ("测试", "test.leave", ""), "{}".into())
        .await
        .unwrap();
    work.commit().await.unwrap();
    world.pass(60);
    assert!(world.send(&post).await.unwrap().ends_with("失败 1"));
    assert_eq!(server.came().len(), 0);
    let dead = &world.deliveries().await[0];
    assert_eq!(dead.trouble.as_deref(), Some("账号未启用或已停用，不发送邮件"));
}

pub async fn a_corrected_address_is_where_the_next_letter_goes(store: TestStore) {
    let world = World::new(store).await;
    let server = MailServer::new().await;
    let post = world.post(Some(server.port));
    let right = Correction {
        name: None,
        mail: Some(" wang.li@d1.example.gov.cn ".to_owned()),
    };
    let account = (world.account("wang"), 1);
    let refused = correct(&world.by("operations"), account, right.clone()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Forbidden);
    correct(&world.by("admin"), account, right).await.unwrap();
    world.tell("wang", "request.ended", "SQ-1", "办结：SQ-1").await;
    assert!(world.send(&post).await.unwrap().contains("送达 1"));
    let came = server.came();
    assert_eq!(came[0].to, "wang.li@d1.example.gov.cn");
    assert!(came[0].text.contains("wang同志"), "{}", came[0].text);
    let chain = world.chain().await;
    let both = r#""mail":["wang@d1.example.gov.cn","wang.li@d1.example.gov.cn"]"#;
    assert!(chain.contains("account.correct") && chain.contains(both), "{chain}");
}

pub async fn a_call_that_arrives_says_nothing_of_the_mail_server(store: TestStore) {
    let world = World::new(store).await;
    let (server, receiver) = (MailServer::new().await, Receiver::new().await);
    let post = world.post(Some(server.port));
    let new = NewWebhook {
        organisation: "D1".parse().unwrap(),
        url: receiver.url.clone(),
        kinds: Vec::new(),
    };
    let (webhook, _) = make_webhook(&world.by("admin"), new).await.unwrap();
    // Letters and calls by turns: the mail server fails, the receiver of calls does not.
    let now = world.ctx.now();
    let waiting = |place: i64, mail: bool| Delivery {
        id: world.ctx.new_id(),
        channel: if mail { Channel::Mail } else { Channel::Webhook },
        target: if mail {
            world.account("wang").to_string()
        } else {
            webhook.id.to_string()
        },
        cause: place.to_string(),
        kind: "request.ended".into(),
        subject: "SQ-1".into(),
        body: r#"{"subject":"办结","text":""}"#.into(),
        state: Waiting,
        attempts: 0,
        next: now.plus_s(place),
        trouble: None,
        created: now,
        ended: None,
    };
    let by_turns = [true, false, true, false, true, false, true];
    let made: Vec<_> = (0..).zip(by_turns).map(|(place, mail)| waiting(place, mail)).collect();
    let none = (Channel::Mail, [].as_slice());
    assert!(world.store.turn_messages(none, &made, now).await.unwrap());
    server.answers(&[451; 10]);
    let outcome = world.send(&post).await.unwrap();
    assert!(outcome.ends_with("送达 3，待重试 3，失败 0"), "{outcome}");
    let last = made.last().unwrap().id;
    let left = world.store.read().await.unwrap().delivery(last).await.unwrap().unwrap();
    assert_eq!(
        left.attempts, 0,
        "after three failures in a row the server is left alone"
    );
}
