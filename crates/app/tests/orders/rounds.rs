//! The round of the nodes: every one is collected from without anybody asking, each by a job of its own, and people are
//! told of those that could not be.

use crate::world::{World, at};
use app::OpContext;
use app::collect::{CollectOptions, NoSecrets, collect};
use app::jobs::{
    Handlers, Job, JobFilter, Plan, Worked, ask_to_collect, house_handlers, kind, list, schedule, work_once,
};
use app::messages::messages;
use app::orders::BuiltIn;
use domain::authz::Role;
use domain::registry::Side;
use domain::work::{JobState, Rhythm};
use std::fs;
use std::sync::Arc;
use test_support::TestStore;

test_support::on_both_stores!(
    every_node_is_collected_from_in_the_platforms_name,
    a_node_that_is_silent_holds_up_no_other_and_piles_up_nothing,
    what_somebody_asked_for_counts,
    an_empty_list_waits_for_a_person,
    a_node_without_its_secret_is_told_of_once_a_day,
);

/// The world, and a worker of the platform that does the main job.
struct Days {
    world: World,
    platform: OpContext,
    handlers: Handlers,
}

impl Days {
    /// With the folders of these nodes.
    async fn new(store: TestStore, folders: &[&str]) -> Self {
        let world = World::new(store).await;
        world.hire().await;
        for folder in folders {
            fs::create_dir(world.folder.path().join(folder)).unwrap();
        }
        Self {
            platform: world.ctx.as_platform(),
            handlers: Handlers::default().with_main_job(Arc::new(NoSecrets)),
            world,
        }
    }

    /// Queues what has come round now; how many that is.
    async fn scheduled(&self, plan: &Plan) -> usize {
        schedule(&self.platform, plan, &self.handlers).await.unwrap()
    }

    async fn turn(&self) -> Option<Worked> {
        work_once(&self.platform, "甲", &self.handlers).await.unwrap()
    }

    /// The round that has been queued, as the next job; what it says.
    async fn queued_round(&self) -> String {
        let worked = self.turn().await.unwrap();
        assert_eq!(worked.job.kind, kind::ROUND);
        assert_eq!(worked.state, JobState::Done, "{}", worked.outcome);
        worked.outcome
    }

    /// The round of a moment; what it says.
    async fn round(&self, moment: &str) -> String {
        self.world.on(moment);
        assert_eq!(self.scheduled(&Plan::default()).await, 1, "{moment}");
        self.queued_round().await
    }

    /// The collects that wait now: of which node, and where each stands after it was carried out.
    async fn collects(&self) -> Vec<(String, JobState)> {
        let mut done = Vec::new();
        while let Some(worked) = self.turn().await {
            assert_eq!(worked.job.kind, kind::COLLECT);
            done.push((worked.job.subject, worked.state));
        }
        done
    }

    /// The jobs that collect from a node, the newest first.
    async fn jobs_of(&self, node: &str) -> Vec<Job> {
        let admin = self.world.person(40, "A1", Side::Authority, Role::SystemAdmin);
        let filter = JobFilter {
            kind: Some(kind::COLLECT.to_owned()),
            subject: Some(node.to_owned()),
            ..JobFilter::default()
        };
        list(&admin, &filter, 100).await.unwrap()
    }

    /// Who did something to which object, by the chain.
    async fn noted(&self, action: &str) -> Vec<(String, String)> {
        let entries = test_support::chain(self.world.ctx.store()).await;
        let noted = entries.into_iter().filter(|entry| entry.action == action);
        noted.map(|entry| (entry.actor, entry.object)).collect()
    }
}

fn said(nodes: usize, queued: usize, told: usize) -> String {
    format!("云节点 {nodes} 个：排队采集 {queued} 个，告警 {told} 个")
}

fn ended(states: &[(&str, JobState)]) -> Vec<(String, JobState)> {
    states
        .iter()
        .map(|(node, state)| ((*node).to_owned(), *state))
        .collect()
}

fn by_the_platform(nodes: &[&str]) -> Vec<(String, String)> {
    nodes
        .iter()
        .map(|node| ("平台".to_owned(), (*node).to_owned()))
        .collect()
}

const DONE: [(&str, JobState); 3] = [("N1", JobState::Done), ("N2", JobState::Done), ("N3", JobState::Done)];

async fn every_node_is_collected_from_in_the_platforms_name(store: TestStore) {
    let days = Days::new(store, &["N2", "N3"]).await;
    assert_eq!(days.round("2026-10-09 09:00:00").await, said(3, 3, 0));
    assert_eq!(days.scheduled(&Plan::default()).await, 0, "once for its moment");
    assert_eq!(days.collects().await, ended(&DONE));
    let nodes = app::nodes::list(&days.world.ctx).await.unwrap();
    let looked: Vec<_> = nodes.iter().map(|view| view.last_look).collect();
    assert_eq!(
        looked,
        [Some(at("2026-10-09 09:00:00")), None, None],
        "the others handed nothing in"
    );
    assert_eq!(
        days.noted("node.ask_collect").await,
        by_the_platform(&["N1", "N2", "N3"])
    );
    assert_eq!(days.noted("collect.look").await, by_the_platform(&["N1"]));
    for node in ["N1", "N2", "N3"] {
        let jobs = days.jobs_of(node).await;
        assert_eq!((jobs.len(), jobs[0].asked_by.as_str()), (1, "平台"), "{node}");
        assert!(
            jobs[0].payload.contains("\"confirm_empty\":false"),
            "{}",
            jobs[0].payload
        );
    }
    // Four times a day, in Beijing at 2, 8, 14 and 20; or never.
    days.world.on("2026-10-09 13:59:59");
    assert_eq!(days.scheduled(&Plan::default()).await, 0);
    days.world.on("2026-10-09 14:00:00");
    let off = Plan::default().with(kind::ROUND, Rhythm::Off).unwrap();
    assert_eq!(days.scheduled(&off).await, 0);
    assert_eq!(days.round("2026-10-09 14:00:00").await, said(3, 3, 0));
}

async fn a_node_that_is_silent_holds_up_no_other_and_piles_up_nothing(store: TestStore) {
    // The folder of N2 is not there.
    let days = Days::new(store, &["N3"]).await;
    let silent = [("N1", JobState::Done), ("N2", JobState::Queued), ("N3", JobState::Done)];
    days.round("2026-10-09 09:00:00").await;
    assert_eq!(days.collects().await, ended(&silent));
    // It is still being tried when the next round comes.
    days.world.on("2026-10-09 14:00:00");
    assert_eq!(days.collects().await, ended(&[("N2", JobState::Queued)]));
    assert_eq!(days.round("2026-10-09 14:00:01").await, said(3, 2, 0));
    assert_eq!(
        days.collects().await,
        ended(&[("N1", JobState::Done), ("N3", JobState::Done)])
    );
    let jobs = days.jobs_of("N2").await;
    assert_eq!((jobs.len(), jobs[0].attempts), (1, 2));
    // In the end it has failed; the next round tells of it, and asks for it again.
    for (moment, state) in [
        ("2026-10-09 14:00:20", JobState::Queued),
        ("2026-10-09 14:01:00", JobState::Queued),
        ("2026-10-09 14:02:20", JobState::Failed),
    ] {
        days.world.on(moment);
        assert_eq!(days.collects().await, ended(&[("N2", state)]), "{moment}");
    }
    assert_eq!(days.round("2026-10-09 20:00:00").await, said(3, 3, 1));
    assert_eq!(days.collects().await, ended(&silent));
    assert_eq!(days.jobs_of("N2").await.len(), 2);
}

async fn what_somebody_asked_for_counts(store: TestStore) {
    let days = Days::new(store, &["N2", "N3"]).await;
    let operations = days.world.operations();
    days.world.on("2026-10-09 09:00:00");
    assert_eq!(days.scheduled(&Plan::default()).await, 1);
    days.world.on("2026-10-09 09:00:01");
    ask_to_collect(&operations, Some("N2".parse().unwrap()), true)
        .await
        .unwrap();
    assert_eq!(days.queued_round().await, said(3, 2, 0));
    let jobs = days.jobs_of("N2").await;
    assert_eq!((jobs.len(), jobs[0].asked_by.as_str()), (1, "u20"));
    let mut collected = days.collects().await;
    collected.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(collected, ended(&DONE));
    // All of them at once is all of them.
    days.world.on("2026-10-09 14:00:00");
    assert_eq!(days.scheduled(&Plan::default()).await, 1);
    days.world.on("2026-10-09 14:00:01");
    ask_to_collect(&operations, None, false).await.unwrap();
    assert_eq!(days.queued_round().await, said(3, 0, 0));
    assert_eq!(days.collects().await, ended(&[("*", JobState::Done)]));
}

async fn an_empty_list_waits_for_a_person(store: TestStore) {
    let days = Days::new(store, &["N2", "N3"]).await;
    let world = &days.world;
    let number = "SQ-202610-9001";
    world.approved(number, 2, 1).await;
    world.ordered(number, "N1", true).await;
    let opened = work_once(&world.ctx, "甲", &house_handlers(Arc::new(BuiltIn))).await;
    assert_eq!(opened.unwrap().unwrap().state, JobState::Done);
    days.round("2026-10-09 10:00:00").await;
    assert_eq!(days.collects().await, ended(&DONE));
    // Everything on the node is gone, and nobody has said that this is so.
    fs::remove_dir_all(world.folder.path().join("N1")).unwrap();
    days.round("2026-10-09 14:00:00").await;
    let refused = [("N1", JobState::Failed), ("N2", JobState::Done), ("N3", JobState::Done)];
    assert_eq!(days.collects().await, ended(&refused));
    let why = days.jobs_of("N1").await.remove(0).outcome.unwrap();
    assert!(why.contains("返回空清单，而此前有 3 个资源"), "{why}");
    assert_eq!(days.noted("collect.look").await.len(), 1, "nothing of it was taken in");
    // A person says so; then there is nothing to tell of any more.
    world.on("2026-10-09 14:30:00");
    let options = CollectOptions { confirm_empty: true };
    let taken = collect(&world.ctx, Some(&"N1".parse().unwrap()), &NoSecrets, options).await;
    assert_eq!(taken.unwrap().looks, 1);
    assert_eq!(days.round("2026-10-09 20:00:00").await, said(3, 3, 0));
    assert_eq!(days.collects().await, ended(&DONE));
}

async fn a_node_without_its_secret_is_told_of_once_a_day(store: TestStore) {
    let days = Days::new(store, &["N2", "N3"]).await;
    let world = &days.world;
    world.cloud_node().await;
    let [one, two, three] = DONE;
    let failing = ended(&[one, two, three, ("N9", JobState::Failed)]);
    for (moment, told) in [
        ("2026-10-09 09:00:00", 0),
        ("2026-10-09 14:00:00", 1),
        ("2026-10-09 20:00:00", 0),
        ("2026-10-10 02:00:00", 1),
        ("2026-10-10 08:00:00", 0),
    ] {
        assert_eq!(days.round(moment).await, said(4, 4, told), "{moment}");
        assert_eq!(days.collects().await, failing, "{moment}");
    }
    assert_eq!(days.noted("node.alarm").await, by_the_platform(&["N9", "N9"]));
    let told = messages(&world.operations(), 10).await.unwrap();
    let kinds: Vec<_> = told
        .iter()
        .map(|message| (message.kind.as_str(), message.subject.as_str()))
        .collect();
    assert_eq!(kinds, [("node.not_collected", "N9"); 2]);
    assert_eq!(told[0].title, "未能采集：云节点 N9");
    assert_eq!(
        told[0].text,
        "云节点 N9（丙云）2026-10-09 20:00 未能采集：云节点 N9: 账号「采集」没有配置；请在配置文件 [accounts.采集] \
         中填写用户名、口令文件和项目。从未采集到数据；前后两次相隔超过 36 小时，计量时立案。平台按周期再次采集，\
         排除原因后也可以立即采集"
    );
    let leader = world.person(23, "A1", Side::Authority, Role::AuthorityLeader);
    assert_eq!(messages(&leader, 10).await.unwrap(), [], "it is not their work");
}
