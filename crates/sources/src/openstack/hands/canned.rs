//! What the lab cannot show: answers that never come, and snapshots that a hypervisor does write.

use super::super::catalogue::Endpoint;
use super::super::identity::Session;
use super::super::identity::tests::token;
use super::super::transport::tests::{answering, run, saying};
use super::super::words::tests::config;
use super::super::{Connector, Microversion, OpenStackConfig, Service};
use super::{Hands, HandsConfig, HandsFault, Project};
use domain::registry::ResourceKind;
use domain::work::StepKind;
use serde_json::{Value, json};

/// Hands whose every service is one that gives these answers in turn; the first asks are the two logins.
async fn hands(url: &str) -> Hands {
    let config = OpenStackConfig {
        auth_url: url.to_owned(),
        backoff_ms: 1,
        retries: 0,
        timeout_s: 5,
        ..config()
    };
    let connector = async || {
        let (session, grant) = Session::open(&config).await.unwrap();
        let endpoint = |service| Endpoint {
            service,
            base: url.parse().unwrap(),
            version: Some(Microversion::new(2, 87)),
            negotiated: false,
        };
        Connector {
            config: config.clone(),
            session,
            grant,
            region: None,
            compute: endpoint(Service::Compute),
            block: endpoint(Service::BlockStorage),
            network: endpoint(Service::Network),
            image: endpoint(Service::Image),
            objects: None,
            metric: None,
        }
    };
    Hands {
        acting: connector().await,
        eye: connector().await,
        config: HandsConfig {
            wait_s: 1,
            poll_ms: 200,
            ..HandsConfig::default()
        },
        project: Project {
            id: "p".into(),
            name: "p".into(),
            description: None,
            domain_id: None,
            enabled: true,
            tags: Vec::new(),
        },
        system: "S1".into(),
        raised: std::sync::Mutex::default(),
    }
}

/// Does something with hands whose services answer so; gives the outcome and the requests after the logins.
fn with<T>(
    answers: &[(u16, Value)],
    act: impl AsyncFnOnce(&Hands) -> Result<T, HandsFault>,
) -> (Result<T, HandsFault>, Vec<String>) {
    let mut texts = vec![token("one", 3600), token("two", 3600)];
    texts.extend(
        answers
            .iter()
            .map(|(status, body)| saying(*status, "", &body.to_string())),
    );
    let (url, server) = answering(texts);
    let outcome = run(async { act(&hands(&url).await).await });
    let heads = server.join().unwrap();
    let line = |head: &String| head.split(" http/1.1").next().unwrap().to_owned();
    (outcome, heads.iter().skip(2).map(line).collect())
}

fn server(status: &str, task: Option<&str>) -> (u16, Value) {
    let body = json!({"server": {"id": "s", "status": status, "OS-EXT-STS:task_state": task,
        "metadata": {"yunheng:order": "GD-1/2"}, "fault": {"message": "No valid host"}}});
    (200, body)
}

fn image(status: &str) -> (u16, Value) {
    (200, json!({"id": "i", "status": status}))
}

#[test]
fn a_snapshot_is_answered_when_it_is_written() {
    let answers = [
        (202, json!({"image_id": "i"})),
        image("queued"),
        server("ACTIVE", Some("image_uploading")),
        image("active"),
    ];
    let (outcome, asked) = with(&answers, async |hands| hands.snapshot("s", "GD-1/2").await);
    assert_eq!(outcome, Ok("i".to_owned()));
    let expected = [
        "post /servers/s/action",
        "get /images/i",
        "get /servers/s",
        "get /images/i",
    ];
    assert_eq!(asked, expected);
}

#[test]
fn a_server_that_never_comes_up_is_left_and_said() {
    let listed = (200, json!({"servers": [server("BUILD", None).1["server"]]}));
    let mut answers = vec![listed];
    answers.resize(7, server("BUILD", Some("spawning")));
    let (outcome, asked) = with(&answers, async |hands| hands.find(StepKind::Server, "GD-1/2").await);
    assert!(
        matches!(&outcome, Err(HandsFault::Unclear(why)) if why.contains("BUILD (spawning)") && why.contains("1 秒")),
        "{outcome:?}"
    );
    assert!(
        asked.iter().all(|line| line.starts_with("get")),
        "nothing is deleted: {asked:?}"
    );
}

#[test]
fn a_server_that_failed_is_deleted_and_is_not_there() {
    let listed = (200, json!({"servers": [server("ERROR", None).1["server"]]}));
    let answers = [
        listed,
        server("ERROR", None),
        (204, Value::Null),
        server("ERROR", Some("deleting")),
        (404, json!({"itemNotFound": {"message": "gone"}})),
    ];
    let (outcome, asked) = with(&answers, async |hands| hands.find(StepKind::Server, "GD-1/2").await);
    assert_eq!(outcome, Ok(None));
    assert_eq!(asked[2], "delete /servers/s");
}

#[test]
fn what_others_marked_is_not_ours() {
    let listed = (200, json!({"servers": [server("ACTIVE", None).1["server"]]}));
    let (outcome, _) = with(&[listed], async |hands| hands.find(StepKind::Server, "GD-1/20").await);
    assert_eq!(outcome, Ok(None));
}

#[test]
fn a_creation_without_an_answer_is_sent_once_and_unclear() {
    let answers = [(500, json!({"computeFault": {"message": "broken"}}))];
    let body = json!({"createImage": {}});
    let (outcome, asked) = with(&answers, async |hands| hands.server_action("s", body).await);
    assert!(matches!(outcome, Err(HandsFault::Unclear(_))), "{outcome:?}");
    assert_eq!(asked.len(), 1);
}

#[test]
fn gone_is_what_the_account_that_sees_all_no_longer_sees() {
    let gone =
        |answers: Vec<(u16, Value)>| with(&answers, async |hands| hands.is_gone("s", ResourceKind::Server).await).0;
    let (there, not_found) = (server("ACTIVE", None), (404, json!({})));
    assert_eq!(gone(vec![not_found.clone()]), Ok(true));
    assert_eq!(gone(vec![server("DELETED", None), not_found]), Ok(true));
    assert_eq!(gone(std::iter::repeat_n(there, 5).collect()), Ok(false));
    assert!(matches!(gone(vec![(503, json!({}))]), Err(HandsFault::Away(_))));
    assert!(matches!(gone(vec![(403, json!({}))]), Err(HandsFault::Unclear(_))));
}

#[test]
fn a_network_that_gets_no_subnet_is_deleted_before_that_is_said() {
    let half = |mark: &str| json!({"id": "h", "description": format!("yunheng:order={mark}"), "subnets": [], "tags": ["t"], "project_id": "p"});
    let overlap = (409, json!({"NeutronError": {"message": "overlap"}}));
    // One that another order has begun is not taken for the network of the system.
    let answers = [
        (200, json!({"networks": [half("GD-0/1")]})),
        (201, json!({"network": {"id": "n"}})),
        overlap.clone(),
        (204, Value::Null),
    ];
    let (outcome, asked) = with(&answers, async |hands| hands.network("GD-1/1").await);
    assert!(
        matches!(&outcome, Err(HandsFault::Refused(why)) if why.contains("409")),
        "{outcome:?}"
    );
    assert_eq!(asked[1..], ["post /networks", "post /subnets", "delete /networks/n"]);
    // What a dead attempt of this step left is found, and goes the same way.
    let answers = [
        (200, json!({"networks": [half("GD-1/1")]})),
        overlap,
        (204, Value::Null),
    ];
    let (outcome, asked) = with(&answers, async |hands| hands.find(StepKind::Network, "GD-1/1").await);
    assert_eq!(outcome, Ok(None));
    assert_eq!(asked[1..], ["post /subnets", "delete /networks/h"]);
}

#[test]
fn an_address_that_gets_no_tags_is_deleted_and_is_not_there() {
    let made = json!({"id": "a", "description": "yunheng:order=GD-1/4", "status": "DOWN", "project_id": "p"});
    let answers = [
        (200, json!({"floatingips": [made]})),
        (403, json!({"NeutronError": {"message": "policy"}})),
        (204, Value::Null),
    ];
    let (outcome, asked) = with(&answers, async |hands| hands.find(StepKind::Address, "GD-1/4").await);
    assert_eq!(outcome, Ok(None));
    assert_eq!(asked[1..], ["put /floatingips/a/tags", "delete /floatingips/a"]);
}
