//! What people may not do, and what is left of the attempt.

use crate::town::{Town, refusal, server};
use app::AppError;
use app::requests::{
    RequestError, candidates, check, check_thought, decide, delete_draft, edit_draft, list, show, submit,
};
use domain::flow::{Act, SignPosition};
use domain::registry::PoolKind;
use domain::request::RequestStatus;
use kernel::ErrorKind;
use store::RequestFilter;
use test_support::TestStore;

fn entry(who: &str, what: &str) -> (String, String) {
    (who.to_owned(), what.to_owned())
}

pub async fn rules_refuse_and_say_why(store: TestStore) {
    let town = Town::new(store).await;
    let wang = town.by("wang");
    let draft = town.draft("wang", server("S1", PoolKind::X86)).await;
    let Err(AppError::Request(RequestError::Blocked(checks))) = submit(&wang, &draft.number, 1).await else {
        panic!("it is blocked");
    };
    assert!(checks.iter().any(|check| check.rule.to_string() == "R1"));
    let mut secret = server("S1", PoolKind::Xinchuang);
    secret.declared.classified = Some(true);
    let classified = town.draft("wang", secret).await;
    let (_, why) = refusal(submit(&wang, &classified.number, 1).await);
    assert!(why.contains("R5") && why.contains("涉密"), "{why}");

    let mut empty = server("S1", PoolKind::Xinchuang);
    empty.reason = String::new();
    empty.lines[0].count = 0;
    let faulty = town.draft("wang", empty).await;
    let (kind, why) = refusal(submit(&wang, &faulty.number, 1).await);
    assert_eq!(kind, ErrorKind::InvalidInput);
    assert_eq!(why, "申请有 2 处需要改正：请填写申请理由；第 1 行：数量应为 1 至 1000");

    assert_eq!(town.held("D1").await, 0);
    let audited = town.audited(&draft.number).await;
    assert_eq!(
        audited,
        [entry("wang", "request.draft"), entry("wang", "request.refused")]
    );
    let still = show(&wang, &draft.number).await.unwrap().request;
    assert_eq!((still.status, still.version), (RequestStatus::Draft, 1));
}

pub async fn no_more_is_asked_for_than_can_be_reckoned_with(store: TestStore) {
    let town = Town::new(store).await;
    let wang = town.by("wang");
    let mut many = server("S1", PoolKind::Xinchuang);
    many.lines[0].count = u32::MAX;
    let (kind, why) = refusal(check_thought(&wang, many.clone()).await);
    assert_eq!(
        (kind, why.as_str()),
        (
            ErrorKind::InvalidInput,
            "申请有 2 处需要改正：第 1 行：数量应为 1 至 1000；本申请合计 4294967295 个资源，一份申请最多 10000 个，请分开申请"
        )
    );
    let kept = town.draft("wang", many.clone()).await;
    assert_eq!(refusal(check(&wang, &kept.number).await).0, ErrorKind::InvalidInput);

    // Eleven lines of a thousand.
    many.lines[0].count = 1_000;
    many.lines = vec![many.lines[0].clone(); 11];
    let (kind, why) = refusal(check_thought(&wang, many).await);
    assert_eq!(kind, ErrorKind::InvalidInput);
    assert!(why.contains("本申请合计 11000 个资源，一份申请最多 10000 个"), "{why}");
}

pub async fn another_unit_sees_nothing(store: TestStore) {
    let town = Town::new(store).await;
    let draft = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    let request = submit(&town.by("wang"), &draft.number, draft.version).await.unwrap();
    let number = request.number.as_str();
    for login in ["stranger", "operator"] {
        let somebody = town.by(login);
        let agree = Act::Agree {
            task: 1,
            opinion: String::new(),
        };
        assert_eq!(refusal(show(&somebody, number).await).0, ErrorKind::NotFound, "{login}");
        assert_eq!(refusal(check(&somebody, number).await).0, ErrorKind::NotFound);
        assert_eq!(refusal(submit(&somebody, number, 2).await).0, ErrorKind::NotFound);
        assert_eq!(
            refusal(decide(&somebody, number, 2, agree).await).0,
            ErrorKind::NotFound
        );
        assert_eq!(list(&somebody, &RequestFilter::default(), 10).await.unwrap(), []);
    }
    let attempts = town.audited(&format!("request:{number}")).await;
    assert_eq!(attempts.len(), 8);
    assert!(attempts.iter().all(|(_, what)| what == "access.refused"));
    assert_eq!(
        refusal(show(&town.by("stranger"), "SQ-202610-9999").await).0,
        ErrorKind::NotFound
    );

    // Seen, but not theirs to do.
    let intake = town.by("intake");
    assert_eq!(
        list(&intake, &RequestFilter::default(), 10).await.unwrap(),
        std::slice::from_ref(&request)
    );
    assert_eq!(refusal(submit(&intake, number, 2).await).0, ErrorKind::Forbidden);
    let foreign = app::requests::make_draft(&town.by("stranger"), server("S1", PoolKind::Xinchuang)).await;
    assert_eq!(refusal(foreign).0, ErrorKind::Forbidden, "another unit's system");
    // Not the intake's turn yet: the unit's own head comes first.
    let early = Act::Agree {
        task: town.open_task(number).await,
        opinion: String::new(),
    };
    assert_eq!(
        refusal(decide(&intake, number, request.version, early).await).0,
        ErrorKind::Forbidden
    );
    assert!(town.audited(number).await.contains(&entry("intake", "request.refused")));
}

pub async fn nobody_decides_their_own(store: TestStore) {
    let town = Town::new(store).await;
    let both = town.by("both");
    let draft = town.draft("both", server("S1", PoolKind::Xinchuang)).await;
    let request = submit(&both, &draft.number, draft.version).await.unwrap();
    assert!(app::messages::to_dos(&both).await.unwrap().is_empty());
    let agree = Act::Agree {
        task: town.open_task(&request.number).await,
        opinion: String::new(),
    };
    let (kind, why) = refusal(decide(&both, &request.number, request.version, agree).await);
    assert_eq!(kind, ErrorKind::Forbidden);
    assert!(why.contains("申请") && why.contains("审批"), "{why}");
    assert!(
        town.audited(&request.number)
            .await
            .contains(&entry("both", "request.refused"))
    );
    let after = town.agree("head", &request).await;
    assert_eq!(after.version, request.version + 1);
}

pub async fn whoever_may_not_decide_is_not_chosen(store: TestStore) {
    let town = Town::new(store).await;
    let draft = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    let mut request = submit(&town.by("wang"), &draft.number, draft.version).await.unwrap();
    for login in ["head", "intake"] {
        request = town.agree(login, &request).await;
    }
    let number = request.number.as_str();
    let technical = town.by("technical");
    let task = town.task("technical", number).await;
    let add = |signer: &str| Act::AddSigner {
        task,
        signer: town.account(signer),
        position: SignPosition::Before,
        opinion: String::new(),
    };
    // Administrators do no business; nobody has chosen the provider yet.
    for unfit in ["sysadmin", "hand", "operator"] {
        let (kind, why) = refusal(decide(&technical, number, request.version, add(unfit)).await);
        assert_eq!(kind, ErrorKind::InvalidInput, "{unfit}");
        assert!(why.contains("没有审批该申请的权限"), "{unfit}: {why}");
    }
    assert_eq!(
        town.request(number).await.version,
        request.version,
        "it stands as it was"
    );
    let found = candidates(&technical, number).await.unwrap();
    let named = found
        .iter()
        .map(|one| (one.task, one.name.as_str(), one.transfer, one.add_signer));
    let expected = [
        (task, "both同志", false, true),
        (task, "head同志", false, true),
        (task, "secretary同志", false, true),
        (task, "leader同志", false, true),
        (task, "operations同志", true, true),
    ];
    assert_eq!(named.collect::<Vec<_>>(), expected);
    assert_eq!(candidates(&town.by("leader"), number).await.unwrap(), []);
    assert_eq!(
        refusal(candidates(&town.by("wang"), number).await).0,
        ErrorKind::Forbidden
    );
    assert_eq!(
        refusal(candidates(&town.by("stranger"), number).await).0,
        ErrorKind::NotFound
    );
    decide(&technical, number, request.version, add("operations"))
        .await
        .unwrap();
    town.task("operations", number).await;
}

pub async fn old_versions_and_second_clicks_change_nothing(store: TestStore) {
    let town = Town::new(store).await;
    let wang = town.by("wang");
    let draft = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    let mut other = server("S1", PoolKind::Xinchuang);
    other.reason = "扩容".into();
    let edited = edit_draft(&wang, &draft.number, draft.version, other.clone())
        .await
        .unwrap();
    assert_eq!((edited.version, edited.reason.as_str()), (2, "扩容"));
    assert_eq!(
        refusal(edit_draft(&wang, &draft.number, 1, other.clone()).await).0,
        ErrorKind::Conflict
    );
    assert_eq!(refusal(submit(&wang, &draft.number, 1).await).0, ErrorKind::Conflict);
    let request = submit(&wang, &draft.number, 2).await.unwrap();
    let (kind, _) = refusal(edit_draft(&wang, &draft.number, request.version, other).await);
    assert_eq!(
        kind,
        ErrorKind::FailedPrecondition,
        "what is with the approvers is not edited"
    );

    let head = town.by("head");
    let agree = Act::Agree {
        task: town.task("head", &request.number).await,
        opinion: "同意".into(),
    };
    let once = decide(&head, &request.number, request.version, agree.clone())
        .await
        .unwrap();
    let run = town.run(&request.number).await;
    let entries = town.audited(&request.number).await;
    let twice = decide(&head, &request.number, request.version, agree.clone())
        .await
        .unwrap();
    assert_eq!(twice, once);
    assert_eq!(town.run(&request.number).await, run);
    assert_eq!(town.audited(&request.number).await, entries);
    // Somebody else with the same right comes late.
    assert_eq!(
        refusal(decide(&town.by("both"), &request.number, request.version, agree.clone()).await).0,
        ErrorKind::Conflict
    );
    assert_eq!(
        refusal(decide(&town.by("both"), &request.number, once.version, agree).await).0,
        ErrorKind::Conflict
    );

    let unwanted = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    delete_draft(&wang, &unwanted.number, unwanted.version).await.unwrap();
    let next = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    assert_eq!(next.number, "SQ-202610-0003", "a number is not given out twice");
}

pub async fn eight_at_once_get_room_for_one(store: TestStore) {
    let town = Town::new(store).await;
    // Room for one application of 840 yuan, and a little more.
    town.budget("D1", "1679.99").await;
    let mut drafts = Vec::new();
    for _ in 0..8 {
        drafts.push(town.draft("wang", server("S1", PoolKind::Xinchuang)).await);
    }
    let start = std::sync::Arc::new(tokio::sync::Barrier::new(8));
    let attempts = drafts.iter().map(|draft| {
        let (ctx, start) = (town.by("wang"), start.clone());
        let (number, version) = (draft.number.clone(), draft.version);
        tokio::spawn(async move {
            start.wait().await;
            submit(&ctx, &number, version).await
        })
    });
    let attempts: Vec<_> = attempts.collect();
    let (mut through, mut without_room) = (0, 0);
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(request) => {
                assert_eq!(request.status, RequestStatus::InApproval);
                through += 1;
            }
            Err(AppError::Request(RequestError::NoRoom(_))) => without_room += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((through, without_room), (1, 7));
    assert_eq!(town.held("D1").await, 84_000);
}
