//! Orders on a real OpenStack: opened, changed, released, erased; and what a node refuses.

use crate::lab::{Admin, alone, run};
use crate::operator::Site;
use crate::world::World;
use app::orders::{NewProof, RunEnd, check_proof, hand_in_proof, resume_order, run_order};
use domain::registry::Spec;
use domain::request::{ErasureMethod, RequestKind, RequestStatus};
use domain::work::{Manner, OrderState, StepKind};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use test_support::TestStore;

const SQ: &str = "SQ-202610-9001";
const CHANGE: &str = "SQ-202610-9002";
const END: &str = "SQ-202610-9003";

#[test]
fn opened_changed_released_and_erased() {
    let _turn = alone();
    run(whole_life("life", test_support::sqlite()));
}

#[test]
fn the_same_on_postgresql() {
    let _turn = alone();
    run(whole_life("life-pg", test_support::postgres()));
}

async fn whole_life(name: &str, store: impl Future<Output = TestStore>) {
    let admin = Admin::new().await;
    let mut site = Site::new(&admin, &admin.auth_url, name, store.await).await;
    // Time for the test to write a snapshot between two looks for it.
    site.accounts.hands.poll_ms = 2_000;
    let (world, tenant) = (&site.world, &site.tenant);

    let order = site.ordered(SQ).await;
    assert_eq!(order.manner, Manner::Interface);
    site.done(&order).await;
    assert_eq!(world.request(SQ).await.status, RequestStatus::OnTrial);
    assert_eq!(tenant.counts().await, [1, 1, 1, 1]);
    let server = &tenant.list("servers").await[0];
    assert_eq!(server["status"], "ACTIVE");
    assert_eq!(server["metadata"]["yunheng:order"], format!("{}/2", order.number));
    assert_eq!(server["metadata"]["yunheng:system"], "S1");
    assert_eq!(server["name"], format!("{SQ}-1-1"));
    let volume = &tenant.list("volumes").await[0];
    assert_eq!(
        (&volume["size"], &volume["status"], &volume["volume_type"]),
        (&10.into(), &"available".into(), &"ssd".into())
    );
    let address = &tenant.list("floatingips").await[0];
    assert_eq!(address["tags"], json!(["yunheng:system=S1"]));
    let noted = world.order_of(SQ).await;
    let ids: Vec<_> = noted
        .steps
        .iter()
        .filter_map(|step| step.native_id.as_deref())
        .collect();
    for thing in [server, volume, address] {
        assert!(ids.contains(&thing["id"].as_str().unwrap()), "{ids:?}");
    }
    // Again: nothing more is made.
    site.done(&order).await;
    assert_eq!(tenant.counts().await, [1, 1, 1, 1]);
    world.confirmed(SQ, "2026-10-12 00:00:00").await;

    changed(&admin, &site).await;

    // The lab's hypervisor writes no snapshot: it is refused, and what was stopped is started again.
    let ending = site.ending(SQ, END, true).await;
    assert!(ending.steps.iter().any(|step| step.kind == StepKind::Snapshot));
    assert_eq!(site.run(&ending.number).await, RunEnd::Over(OrderState::Undone));
    let trouble = world.order_of(END).await.trouble.unwrap();
    assert!(
        trouble.contains("创建快照") && trouble.contains("没有写完"),
        "{trouble}"
    );
    assert_eq!(tenant.list("servers").await[0]["status"], "ACTIVE");
    assert!(
        tenant.list("images").await.is_empty(),
        "the unfinished one is cleared away"
    );
    world.on("2026-11-10 10:00:00");
    // What the unit asked for stays asked for: this time somebody writes it.
    let again = resume_order(&world.operator(), (&ending.number, None), "镜像服务已恢复")
        .await
        .unwrap();
    assert!(again.steps.iter().any(|step| step.kind == StepKind::Snapshot));
    let both = async { tokio::join!(tenant.write_first_image(), site.done(&again)) };
    tokio::time::timeout(Duration::from_secs(180), both).await.unwrap();
    assert_eq!(world.request(END).await.status, RequestStatus::Ended);
    assert_eq!(tenant.counts().await, [0, 0, 0, 1]);
    for code in Site::codes(SQ) {
        let last = world.intervals(&code).await.pop().unwrap();
        assert_eq!(last.2, Some("2026-11-10 10:00:00".parse().unwrap()), "{code}");
    }
    world.on("2026-11-11 09:00:00");
    erased(world).await;
    site.end(&admin).await;
}

/// Two processors instead of one, which the quota of the project does not allow at first.
async fn changed(admin: &Admin, site: &Site) {
    let (world, tenant) = (&site.world, &site.tenant);
    let quota = |cores: u32| json!({"quota_set": {"cores": cores}});
    let path = format!("/os-quota-sets/{}", tenant.id);
    assert_eq!(admin.ask(Method::PUT, "compute", &path, Some(quota(1))).await.0, 200);
    world.on("2026-10-19 09:00:00");
    let request = world
        .about(CHANGE, RequestKind::Change, "vcpu=2", &[&Site::codes(SQ)[0]])
        .await;
    let mut work = world.ctx.store().begin().await.unwrap();
    app::orders::take_effect(&world.ctx, &mut work, &request).await.unwrap();
    work.audit(world.ctx.now(), ("t", "test", CHANGE), "{}".into())
        .await
        .unwrap();
    work.commit().await.unwrap();
    let order = world.order_of(CHANGE).await;
    assert_eq!(site.run(&order.number).await, RunEnd::Over(OrderState::Undone));
    let trouble = world.order_of(CHANGE).await.trouble.unwrap();
    assert!(
        trouble.contains("配额不足：vCPU（核）上限 1，已用 1，还需 1"),
        "{trouble}"
    );
    assert_eq!(world.request(CHANGE).await.status, RequestStatus::Stuck);
    assert_eq!(admin.ask(Method::PUT, "compute", &path, Some(quota(8))).await.0, 200);
    let again = resume_order(&world.operator(), (&order.number, None), "已调整配额")
        .await
        .unwrap();
    site.done(&again).await;
    let server = &tenant.list("servers").await[0];
    assert_eq!(server["status"], "ACTIVE", "confirmed on the node as well");
    assert_eq!(server["flavor"]["original_name"], "x86.medium");
    world.confirmed(CHANGE, "2026-10-20 12:00:00").await;
    let specs: Vec<_> = world
        .intervals(&Site::codes(SQ)[0])
        .await
        .into_iter()
        .map(|i| i.0)
        .collect();
    assert_eq!(specs, ["vcpu=1", "vcpu=2"]);
}

async fn erased(world: &World) {
    let operator = world.operator();
    let file = app::evidence::hand_in(&operator, END, "清除报告.pdf", b"%PDF-1.7 report")
        .await
        .unwrap();
    for code in Site::codes(SQ) {
        let allocation: kernel::AllocationCode = code.parse().unwrap();
        let proof = NewProof {
            allocation: allocation.clone(),
            method: ErasureMethod::Overwritten,
            covers_copies: true,
            evidence: file.id,
            at: world.ctx.now(),
        };
        hand_in_proof(&operator, (END, None), proof).await.unwrap();
        check_proof(&world.acceptor(), (END, None), &allocation).await.unwrap();
    }
    assert_eq!(world.request(END).await.status, RequestStatus::Archived);
}

#[test]
fn a_snapshot_that_was_written_outlives_its_server() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let mut site = Site::new(&admin, &admin.auth_url, "snapshot", test_support::sqlite().await).await;
        // The lab's hypervisor writes none, so the test does, and needs the time between two looks for it.
        site.accounts.hands.poll_ms = 2_000;
        let order = site.ordered(SQ).await;
        site.done(&order).await;
        site.world.confirmed(SQ, "2026-10-12 00:00:00").await;
        site.world.on("2026-10-12 00:30:00");
        let ending = site.ending(SQ, END, true).await;
        let both = async { tokio::join!(site.tenant.write_first_image(), site.done(&ending)) };
        let (written, ()) = tokio::time::timeout(Duration::from_secs(180), both).await.unwrap();

        assert_eq!(site.world.request(END).await.status, RequestStatus::Ended);
        assert_eq!(site.tenant.counts().await, [0, 0, 0, 1], "the server is gone");
        let images = site.tenant.list("images").await;
        assert_eq!(images.len(), 1);
        assert_eq!(
            (&images[0]["id"], &images[0]["status"]),
            (&json!(written), &json!("active"))
        );
        let noted = site.world.order_of(END).await;
        let step = noted.steps.iter().find(|step| step.kind == StepKind::Snapshot).unwrap();
        assert_eq!(step.native_id.as_deref(), Some(written.as_str()));
        let mark = images[0]["yunheng:order"].as_str().unwrap();
        assert!(mark.starts_with(&ending.number), "{mark}");
        site.end(&admin).await;
    });
}

#[test]
fn what_fails_to_become_is_cleared_away_and_said() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let mut site = Site::new(&admin, &admin.auth_url, "fails", test_support::sqlite().await).await;
        // Sizes of the other zone: no host of this one takes them.
        site.accounts.hands.pools.get_mut("x86").unwrap().flavor_prefix = "xc.".into();
        let order = site.ordered(SQ).await;
        assert_eq!(site.run(&order.number).await, RunEnd::Over(OrderState::Undone));
        let trouble = site.world.order_of(SQ).await.trouble.unwrap();
        assert!(
            trouble.contains("云主机创建失败") && trouble.contains("No valid host"),
            "{trouble}"
        );
        assert_eq!(site.world.request(SQ).await.status, RequestStatus::Stuck);
        assert_eq!(site.tenant.counts().await, [0, 0, 0, 0], "its network is gone too");

        site.accounts.hands.pools.get_mut("x86").unwrap().flavor_prefix = "x86.".into();
        site.accounts.hands.external_network = Some("nowhere".into());
        let order = resume_order(&site.world.operator(), (&order.number, None), "已改配置")
            .await
            .unwrap();
        assert_eq!(site.run(&order.number).await, RunEnd::Over(OrderState::Undone));
        let trouble = site.world.order_of(SQ).await.trouble.unwrap();
        assert!(trouble.contains("没有外部网络「nowhere」"), "{trouble}");
        assert_eq!(
            site.tenant.counts().await,
            [0, 0, 0, 0],
            "server and volume were taken back"
        );
        site.end(&admin).await;
    });
}

#[test]
fn without_a_project_or_a_right_account_a_person_must_look() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let site = Site::new(&admin, &admin.auth_url, "nobody", test_support::sqlite().await).await;
        let tag = format!("/projects/{}/tags/yunheng:system=S1", site.tenant.id);
        assert_eq!(admin.ask(Method::DELETE, "identity", &tag, None).await.0, 204);
        let order = site.ordered(SQ).await;
        assert_eq!(site.run(&order.number).await, RunEnd::Over(OrderState::NeedsPerson));
        let trouble = site.world.order_of(SQ).await.trouble.unwrap();
        assert!(
            trouble.contains("yunheng:system=S1") && trouble.contains("member"),
            "{trouble}"
        );
        let again = resume_order(&site.world.operator(), (&order.number, None), "稍后")
            .await
            .unwrap();
        let nobody = app::orders::EveryNode::new(std::sync::Arc::new(app::collect::NoSecrets));
        let ran = run_order(&site.world.ctx, &again.number, &nobody).await.unwrap();
        assert_eq!(ran, RunEnd::Over(OrderState::NeedsPerson));
        // The register names the project as well.
        let rows = format!("云节点,项目,系统代码,生效日期\nN9,{},S1,2020-01-01\n", site.tenant.id);
        site.world.import(app::import::ImportKind::Projects, &rows).await;
        resume_order(&site.world.operator(), (&order.number, None), "已登记项目")
            .await
            .unwrap();
        site.done(&order).await;
        assert_eq!(site.tenant.counts().await, [1, 1, 1, 1]);
        site.end(&admin).await;
    });
}

#[test]
fn quotas_are_read_and_set() {
    use sources::openstack::{Access, Hands, NewThing, Service, Whose};
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let site = Site::new(&admin, &admin.auth_url, "quota", test_support::sqlite().await).await;
        // A system that no tag names: the tenant is known by the register.
        let tag = format!("/projects/{}/tags/yunheng:system=S1", site.tenant.id);
        assert_eq!(admin.ask(Method::DELETE, "identity", &tag, None).await.0, 204);
        // The administrator of the tenant may set them; whoever only opens things may not.
        let owner = admin.account("admin", &admin.password, &site.tenant.name);
        let connected = async |operator, raise_quota| {
            let access = Access {
                operator,
                reader: admin.account("metering", &admin.password, "admin"),
                hands: sources::openstack::HandsConfig {
                    raise_quota,
                    ..site.accounts.hands.clone()
                },
            };
            let projects = [site.tenant.id.clone()];
            let whose = Whose {
                system: "S9",
                projects: &projects,
            };
            Hands::connect(access, whose).await.unwrap()
        };
        let owner = connected(owner, true).await;
        owner
            .set_quotas(Service::BlockStorage, &[("gigabytes", 5)].into())
            .await
            .unwrap();
        let limit = async |hands: &Hands| {
            let all = hands.quotas().await.unwrap();
            let one = all.into_iter().find(|quota| quota.name == "gigabytes").unwrap();
            (one.limit, one.in_use)
        };
        assert_eq!(limit(&owner).await, (Some(5), Some(0)));
        let spec: Spec = "storage_gib=10".parse().unwrap();
        let new = NewThing {
            mark: "GD-202610-0001/1",
            name: "v",
            class: "",
            spec: &spec,
            zone: "x86",
        };
        let operator = {
            use app::collect::NodeSecrets as _;
            site.accounts.openstack(&admin.auth_url, "operator").unwrap()
        };
        let operator = connected(operator, true).await;
        let volume = domain::registry::ResourceKind::Volume;
        let refused = operator.create(volume, new).await.unwrap_err();
        assert!(refused.to_string().contains("无权调整项目配额"), "{refused}");
        owner.create(volume, new).await.unwrap();
        assert_eq!(limit(&operator).await, (Some(10), Some(10)));
        site.end(&admin).await;
    });
}
