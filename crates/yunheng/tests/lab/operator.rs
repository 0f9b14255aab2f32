//! An account that may act in one tenant, and orders that are carried out with it.

use crate::lab::Admin;
use crate::tenant::Tenant;
use crate::world::{World, at};
use app::collect::NodeSecrets;
use app::nodes::{NewNode, NewPool, add};
use app::orders::{EveryNode, RunEnd, end_noticed, follow_up, reply_to_end, run_order};
use domain::registry::{NodeSource, PoolKind, ResourceKind, Spec};
use domain::request::{RequestKind, RequestLine, RequestStatus};
use domain::work::{OrderState, WorkOrder};
use reqwest::Method;
use serde_json::json;
use sources::openstack::{HandsConfig, OpenStackConfig, Pool};
use std::collections::BTreeMap;
use std::sync::Arc;
use test_support::TestStore;

const PASSWORD: &str = "only-for-the-lab";

/// The accounts of one test: `operator` acts, `metering` looks.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    operator: OpenStackConfig,
    metering: OpenStackConfig,
    pub(crate) hands: HandsConfig,
}

impl NodeSecrets for Accounts {
    fn openstack(&self, auth_url: &str, account: &str) -> Result<OpenStackConfig, String> {
        let config = match account {
            "operator" => self.operator.clone(),
            _ => self.metering.clone(),
        };
        Ok(OpenStackConfig {
            auth_url: auth_url.to_owned(),
            ..config
        })
    }

    fn hands(&self, _account: &str) -> Result<HandsConfig, String> {
        Ok(self.hands.clone())
    }
}

/// A tenant of system S1, an account that may act in it, and an office whose node N9 is the lab.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) tenant: Tenant,
    pub(crate) accounts: Accounts,
    user: String,
}

impl Site {
    /// `auth_url` is how the office reaches the lab.
    pub(crate) async fn new(admin: &Admin, auth_url: &str, name: &str, store: TestStore) -> Self {
        let tenant = Tenant::new(admin, name).await;
        let tags = format!("/projects/{}/tags/yunheng:system=S1", tenant.id);
        assert_eq!(admin.ask(Method::PUT, "identity", &tags, None).await.0, 201);
        let login = format!("{}-operator", tenant.name);
        let body = json!({"user": {"name": login, "domain_id": "default", "password": PASSWORD}});
        let (status, made) = admin.ask(Method::POST, "identity", "/users", Some(body)).await;
        assert_eq!(status, 201, "{made}");
        let user = made["user"]["id"].as_str().unwrap().to_owned();
        let role = admin.id_of("role", "member").await;
        let grant = format!("/projects/{}/users/{user}/roles/{role}", tenant.id);
        assert_eq!(admin.ask(Method::PUT, "identity", &grant, None).await.0, 204);
        let pool = Pool {
            image: Some("ubuntu-22.04-x86_64".into()),
            flavor_prefix: "x86.".into(),
            volume_type: Some("ssd".into()),
            volume_zone: None,
        };
        let accounts = Accounts {
            operator: admin.account(&login, PASSWORD, &tenant.name),
            metering: admin.account("metering", &admin.password, "admin"),
            hands: HandsConfig {
                external_network: Some("public".into()),
                pools: BTreeMap::from([("x86".to_owned(), pool)]),
                wait_s: 120,
                poll_ms: 250,
                ..HandsConfig::default()
            },
        };
        let world = World::new(store).await;
        let node = NewNode {
            code: "N9".parse().unwrap(),
            name: "实验云".into(),
            provider: "P1".parse().unwrap(),
            source: NodeSource::OpenStack {
                auth_url: auth_url.to_owned(),
                region: None,
                account: "metering".into(),
                operator: Some("operator".into()),
            },
            platform: domain::registry::Platform::default(),
            pools: vec![NewPool {
                code: "N9-X".parse().unwrap(),
                name: "池".into(),
                kind: PoolKind::Xinchuang,
                zones: vec!["x86".into()],
                separate: None,
            }],
            valid_from: at("2026-01-01"),
        };
        assert!(add(&world.ctx, node).await.unwrap().new);
        Self {
            world,
            tenant,
            accounts,
            user,
        }
    }

    /// An order for a server of 1 vCPU, a volume of 10 GiB and a public address.
    pub(crate) async fn ordered(&self, number: &str) -> WorkOrder {
        let line = |line, kind, spec: Spec| RequestLine {
            line,
            kind,
            spec,
            ..World::line(None)
        };
        let lines = vec![
            line(1, ResourceKind::Server, "vcpu=1".parse().unwrap()),
            line(2, ResourceKind::Volume, "storage_gib=10".parse().unwrap()),
            line(3, ResourceKind::FloatingIp, Spec::new()),
        ];
        self.world
            .store_request(number, RequestKind::New, RequestStatus::Approved, lines)
            .await;
        self.world.ordered(number, "N9", true).await
    }

    /// Carries an order on as far as it goes.
    pub(crate) async fn run(&self, order: &str) -> RunEnd {
        let hands = EveryNode::new(Arc::new(self.accounts.clone()));
        run_order(&self.world.ctx, order, &hands).await.unwrap()
    }

    /// The three resources of an application.
    pub(crate) fn codes(number: &str) -> [String; 3] {
        [1, 2, 3].map(|line| format!("{number}-{line}-1"))
    }

    /// The order to end the resources of an application that are in use.
    pub(crate) async fn ending(&self, number: &str, end: &str, snapshot: bool) -> WorkOrder {
        let kinds = [ResourceKind::Server, ResourceKind::Volume, ResourceKind::FloatingIp];
        let line = |(n, (code, kind)): (usize, (&String, ResourceKind))| RequestLine {
            line: u32::try_from(n + 1).unwrap(),
            kind,
            ..World::line(Some(code))
        };
        let codes = Self::codes(number);
        let lines = codes.iter().zip(kinds).enumerate().map(line).collect();
        self.world
            .store_request(end, RequestKind::Release, RequestStatus::Noticed, lines)
            .await;
        follow_up(&self.world.ctx).await.unwrap();
        let applicant = self.world.applicant();
        reply_to_end(&applicant, (end, None), (true, "", snapshot))
            .await
            .unwrap();
        assert_eq!(end_noticed(&self.world.ctx).await.unwrap().done, [end.to_owned()]);
        self.world.order_of(end).await
    }

    /// An order that is run to its end.
    pub(crate) async fn done(&self, order: &WorkOrder) {
        let ran = self.run(&order.number).await;
        let trouble = self.world.order_of(&order.request).await.trouble;
        assert_eq!(ran, RunEnd::Over(OrderState::Done), "{trouble:?}");
    }

    pub(crate) async fn end(self, admin: &Admin) {
        self.tenant.clear().await;
        let user = format!("/users/{}", self.user);
        assert_eq!(admin.ask(Method::DELETE, "identity", &user, None).await.0, 204);
        self.tenant.end(admin).await;
    }
}
