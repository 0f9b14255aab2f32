//! People who are away: their tasks go to a deputy who may decide them, and come back.

use crate::town::{Town, refusal, server};
use app::absences::{NewAbsence, declare, list, take_back};
use app::jobs::{ExpireRoom, Handlers, Plan, kind, schedule, work_once};
use app::messages::{Remind, messages, to_dos};
use app::requests::{decide, submit};
use domain::calendar::Term;
use domain::flow::{Act, Deed, ReturnTo};
use domain::registry::PoolKind;
use domain::request::{RequestStatus, ResourceRequest};
use domain::work::JobState;
use kernel::ErrorKind;
use std::sync::Arc;
use test_support::TestStore;

async fn handed_in(town: &Town, by: &str) -> ResourceRequest {
    let draft = town.draft(by, server("S1", PoolKind::Xinchuang)).await;
    submit(&town.by(by), &draft.number, draft.version).await.unwrap()
}

fn absence(town: &Town, deputy: &str, from: &str, to: &str) -> NewAbsence {
    NewAbsence {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        deputy: town.account(deputy),
        reason: "出差".into(),
    }
}

/// What somebody finds on their desk: number, and for whom.
async fn desk(town: &Town, login: &str) -> Vec<(String, Option<String>)> {
    let list = to_dos(&town.by(login)).await.unwrap();
    list.into_iter()
        .map(|mine| (mine.to_do.subject, mine.on_behalf_of))
        .collect()
}

fn agree(task: u32) -> Act {
    Act::Agree {
        task,
        opinion: "代办，同意".into(),
    }
}

pub async fn a_deputy_decides_while_somebody_is_away_and_not_after(store: TestStore) {
    let town = Town::new(store).await;
    let early = handed_in(&town, "wang").await;
    let early = town.agree("head", &early).await;
    let new = absence(&town, "operations", "2026-10-09", "2026-10-12");
    let said = declare(&town.by("intake"), new).await.unwrap();
    assert_eq!(
        (said.name.as_str(), said.deputy_name.as_str()),
        ("intake同志", "operations同志")
    );
    let task = town.open_task(&early.number).await;
    assert_eq!(desk(&town, "operations").await, [], "not yet away");
    let refused = decide(&town.by("operations"), &early.number, early.version, agree(task)).await;
    assert_eq!(refusal(refused).0, ErrorKind::Forbidden);

    town.now_is("2026-10-09 09:00:00");
    let mine = (early.number.clone(), Some("intake同志".to_owned()));
    assert_eq!(desk(&town, "operations").await, [mine]);
    assert_eq!(
        desk(&town, "intake").await,
        [(early.number.clone(), None)],
        "still their own too"
    );
    // What comes while they are away is told to the deputy as well; when it began, once.
    let late = handed_in(&town, "wang").await;
    let late = town.agree("head", &late).await;
    let told = messages(&town.by("operations"), 10).await.unwrap();
    assert_eq!(
        (told[0].kind.as_str(), told[0].subject.as_str()),
        ("request.to_decide", late.number.as_str())
    );
    let handlers = Handlers::default().with(kind::REMIND, Arc::new(Remind));
    for minute in ["09:10:00", "09:20:00"] {
        town.now_is(&format!("2026-10-09 {minute}"));
        assert_eq!(schedule(town.platform(), &Plan::default(), &handlers).await.unwrap(), 1);
        let worked = work_once(town.platform(), "甲", &handlers).await.unwrap().unwrap();
        assert_eq!(worked.state, JobState::Done, "{}", worked.outcome);
    }
    let told = messages(&town.by("operations"), 10).await.unwrap();
    let begun: Vec<_> = told.iter().filter(|message| message.kind == "absence.begun").collect();
    assert_eq!(begun.len(), 1);
    assert!(begun[0].text.contains("目前待办 2 件"), "{}", begun[0].text);

    let decided = decide(&town.by("operations"), &early.number, early.version, agree(task)).await;
    assert_eq!(decided.unwrap().status, RequestStatus::InApproval);
    let run = town.run(&early.number).await;
    let record = run.history.iter().rfind(|record| record.deed == Deed::Agree).unwrap();
    assert_eq!(
        (record.actor, record.on_behalf_of),
        (Some(town.account("operations")), Some(town.account("intake")))
    );

    town.now_is("2026-10-12 00:00:00");
    assert_eq!(desk(&town, "operations").await, [], "back again");
    let task = town.open_task(&late.number).await;
    let refused = decide(&town.by("operations"), &late.number, late.version, agree(task)).await;
    assert_eq!(refusal(refused).0, ErrorKind::Forbidden);
    town.agree("intake", &late).await;
}

pub async fn a_deputy_who_applied_or_decided_is_not_chosen(store: TestStore) {
    let town = Town::new(store).await;
    // Somebody who applies, and is the deputy of their head.
    declare(&town.by("head"), absence(&town, "both", "2026-10-08", "2026-12-01"))
        .await
        .unwrap();
    let own = handed_in(&town, "both").await;
    assert_eq!(desk(&town, "both").await, [], "not their own application");
    let task = town.open_task(&own.number).await;
    let (_, why) = refusal(decide(&town.by("both"), &own.number, own.version, agree(task)).await);
    assert!(why.contains("申请"), "{why}");
    let told = messages(&town.by("both"), 10).await.unwrap();
    assert!(
        told.iter().all(|message| message.kind != "request.to_decide"),
        "{told:?}"
    );

    // Somebody who has decided one node, and is the deputy of the next, which must be somebody else.
    declare(
        &town.by("leader"),
        absence(&town, "technical", "2026-10-08", "2026-12-01"),
    )
    .await
    .unwrap();
    let mut request = handed_in(&town, "wang").await;
    for login in ["head", "intake", "technical"] {
        request = town.agree(login, &request).await;
    }
    assert_eq!(desk(&town, "leader").await, [(request.number.clone(), None)]);
    assert_eq!(desk(&town, "technical").await, []);
    let task = town.open_task(&request.number).await;
    let (_, why) = refusal(decide(&town.by("technical"), &request.number, request.version, agree(task)).await);
    assert!(why.contains("职责分离"), "{why}");
    assert_eq!(town.agree("leader", &request).await.status, RequestStatus::Approved);
}

pub async fn who_cannot_be_a_deputy(store: TestStore) {
    let town = Town::new(store).await;
    let (from, to) = ("2026-10-09", "2026-10-12");
    let head = town.by("head");
    for (deputy, from, to, part) in [
        ("head", from, to, "不能是本人"),
        ("stranger", from, to, "本单位没有"),
        ("wang", from, to, "没有审批权限"),
        ("both", to, from, "起止时间"),
        ("both", "2026-10-01", "2026-10-02", "起止时间"),
        ("both", "2026-10-09", "2027-12-01", "一年"),
    ] {
        let (kind, why) = refusal(declare(&head, absence(&town, deputy, from, to)).await);
        assert_eq!(kind, ErrorKind::InvalidInput);
        assert!(why.contains(part), "{deputy}: {why}");
    }
    let one = declare(&head, absence(&town, "both", from, to)).await.unwrap();
    let (kind, _) = refusal(declare(&head, absence(&town, "both", "2026-10-11", "2026-10-20")).await);
    assert_eq!(kind, ErrorKind::FailedPrecondition, "one deputy at a time");
    // Delegation is not passed on.
    let (_, why) = refusal(declare(&town.by("both"), absence(&town, "head", from, to)).await);
    assert!(why.contains("外出"), "{why}");
    assert_eq!(
        list(&town.by("both")).await.unwrap().len(),
        1,
        "a deputy sees what was said of them"
    );
    let (kind, _) = refusal(take_back(&town.by("both"), one.absence.id).await);
    assert_eq!(kind, ErrorKind::NotFound, "nobody takes back what another said");
    take_back(&head, one.absence.id).await.unwrap();
    let (kind, _) = refusal(take_back(&head, one.absence.id).await);
    assert_eq!(kind, ErrorKind::NotFound);
    declare(&town.by("both"), absence(&town, "head", from, to))
        .await
        .unwrap();
    let audited = town.audited(&one.absence.id.to_string()).await;
    let actions: Vec<_> = audited.iter().map(|(_, action)| action.as_str()).collect();
    assert_eq!(actions, ["absence.declare", "absence.take_back"]);
}

pub async fn returned_and_left_lying_gives_its_room_back(store: TestStore) {
    let town = Town::new(store).await;
    town.budget("D1", "10000").await;
    let request = handed_in(&town, "wang").await;
    let held = town.held("D1").await;
    assert!(held > 0);
    let give_back = Act::Return {
        task: town.task("head", &request.number).await,
        to: ReturnTo::Applicant,
        reason: "请补充依据".into(),
    };
    let returned = decide(&town.by("head"), &request.number, request.version, give_back)
        .await
        .unwrap();
    assert_eq!(town.held("D1").await, held, "it keeps its room while it is mended");
    let after = Term::CalendarDays(30);
    let handlers = Handlers::default().with(kind::ROOM, Arc::new(ExpireRoom { after }));
    let sweep = async |day: &str| {
        town.now_is(day);
        assert_eq!(schedule(town.platform(), &Plan::default(), &handlers).await.unwrap(), 1);
        work_once(town.platform(), "甲", &handlers)
            .await
            .unwrap()
            .unwrap()
            .outcome
    };
    assert_eq!(sweep("2026-11-09 09:00:00").await, "释放 0 件");
    assert_eq!(sweep("2026-11-10 09:00:00").await, "释放 1 件");
    assert_eq!(sweep("2026-11-11 09:00:00").await, "释放 0 件");
    assert_eq!(town.held("D1").await, 0);
    let told = messages(&town.by("wang"), 1).await.unwrap();
    assert_eq!(told[0].kind, "request.room_freed");
    // Handed in again it asks for room anew: two months are left of the year now.
    let again = submit(&town.by("wang"), &request.number, returned.version)
        .await
        .unwrap();
    assert_eq!(again.status, RequestStatus::InApproval);
    assert_eq!(town.held("D1").await, held / 3 * 2);
}
