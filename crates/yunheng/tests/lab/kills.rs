//! A program that dies between any two changes of a node, and services that stop in the middle of an order.

use crate::lab::{Admin, alone, run};
use crate::mirror::Mirror;
use crate::office::Stopped;
use crate::operator::Site;
use app::orders::RunEnd;
use domain::request::RequestStatus;
use domain::work::OrderState;

/// Runs an order until the change after so many is carried out and not answered, or to its end. Whether it died.
async fn run_and_die(mirror: &Mirror, site: &Site, order: &str, changes: i64) -> bool {
    mirror.silent_after(changes);
    let died = tokio::select! {
        _ = site.run(order) => false,
        () = mirror.fell_silent() => true,
    };
    mirror.silent_after(-1);
    died
}

#[test]
fn a_kill_after_every_change_makes_and_ends_nothing_twice() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let mirror = Mirror::new(&admin.auth_url, admin.urls.values());
        let site = Site::new(&admin, &mirror.auth_url, "kills", test_support::sqlite().await).await;
        let (world, tenant) = (&site.world, &site.tenant);
        let (mut changes, mut deaths) = (0, (0_u32, 0_u32));
        loop {
            let (number, end) = (format!("SQ-202610-8{changes:03}"), format!("SQ-202610-7{changes:03}"));
            let order = site.ordered(&number).await;
            // Twice: the second attempt dies after as many changes of its own.
            let mut died = false;
            for _ in 0..2 {
                if run_and_die(&mirror, &site, &order.number, changes).await {
                    (died, deaths.0) = (true, deaths.0 + 1);
                }
            }
            site.done(&order).await;
            assert_eq!(tenant.counts().await, [1, 1, 1, 1], "opening, after {changes} changes");
            assert_eq!(world.request(&number).await.status, RequestStatus::OnTrial);
            world
                .confirmed(&number, &format!("2026-10-12 {changes:02}:00:00"))
                .await;

            world.on(&format!("2026-10-12 {changes:02}:30:00"));
            let ending = site.ending(&number, &end, false).await;
            for _ in 0..2 {
                if run_and_die(&mirror, &site, &ending.number, changes).await {
                    (died, deaths.1) = (true, deaths.1 + 1);
                }
            }
            site.done(&ending).await;
            assert_eq!(tenant.counts().await, [0, 0, 0, 1], "end, after {changes} changes");
            assert_eq!(world.request(&end).await.status, RequestStatus::Ended);
            // The network is the system's; the next round is to make it anew.
            tenant.clear().await;
            if !died {
                break;
            }
            changes += 1;
        }
        // Network, subnet, its tag, server, volume, address, its tag; stop, and three deletions.
        assert!(deaths.0 >= 8 && deaths.1 >= 5, "{deaths:?}");
        site.end(&admin).await;
    });
}

#[test]
fn services_that_stop_in_the_middle_are_waited_for() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let mirror = Mirror::new(&admin.auth_url, admin.urls.values());
        let site = Site::new(&admin, &mirror.auth_url, "stops", test_support::sqlite().await).await;
        let number = "SQ-202610-9001";
        let order = site.ordered(number).await;
        // Dead after the network, the server, the volume: and each time something else does not answer.
        for (process, zh, changes) in [
            ("keystone", "认证服务(Keystone)", 2),
            ("nova-api", "计算服务(Nova)", 1),
            ("neutron", "网络服务(Neutron)", 0),
        ] {
            assert!(run_and_die(&mirror, &site, &order.number, changes).await, "{process}");
            let _down = Stopped::new(process);
            // More often than an unclear answer would be put up with.
            for _ in 0..7 {
                let RunEnd::Later(why) = site.run(&order.number).await else {
                    panic!("{process}: it does not wait");
                };
                assert!(why.contains(zh), "{process}: {why}");
            }
            let waiting = site.world.order_of(number).await;
            assert_eq!(waiting.state, OrderState::Running);
            assert!(
                waiting.steps.iter().any(|step| step.answer.contains(zh)),
                "whoever looks sees why"
            );
        }
        site.done(&order).await;
        assert_eq!(site.tenant.counts().await, [1, 1, 1, 1]);
        assert_eq!(site.world.request(number).await.status, RequestStatus::OnTrial);
        site.end(&admin).await;
    });
}
