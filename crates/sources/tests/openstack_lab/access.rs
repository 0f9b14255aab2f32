//! Accounts, tokens and services that are not there.

use crate::lab::{Admin, alone, run};
use reqwest::{Method, Url};
use serde_json::json;
use sources::openstack::{Connector, Credential, Microversion, OpenStackConfig, OpenStackError, Secret, Service};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

#[test]
fn an_account_that_sees_too_little_gives_no_look() {
    run(async {
        let admin = Admin::new().await;
        let viewer = admin.account("viewer", &admin.password, "erp-prod");
        let connector = Connector::connect(viewer).await.unwrap();
        let error = connector.collect(admin.now).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, OpenStackError::Forbidden { .. }), "{text}");
        for part in ["HTTP 403", "/v2.1/", "admin", "权限不足"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let found = connector.test_connection().await.unwrap();
        assert!(!found.sees_all_projects && found.projects.is_none(), "{found:?}");
        let short: BTreeSet<_> = found
            .shortcomings
            .iter()
            .map(|e| match e {
                OpenStackError::Forbidden { place, .. } => place.service,
                other => panic!("{other}"),
            })
            .collect();
        assert!(
            short.contains(&Service::Compute) && short.contains(&Service::Identity),
            "{short:?}"
        );
    });
}

#[test]
fn an_account_that_sees_everything_is_recognised() {
    run(async {
        let admin = Admin::new().await;
        let found = Connector::connect(admin.metering())
            .await
            .unwrap()
            .test_connection()
            .await
            .unwrap();
        assert!(found.sees_all_projects, "{:?}", found.shortcomings);
        assert_eq!(
            found.projects,
            Some(admin.list("identity", "/projects", "projects").await.len())
        );
        assert_eq!(found.region.as_deref(), Some("RegionOne"));
        let version = |service| found.services.iter().find(|s| s.service == service).unwrap().version;
        assert_eq!(version(Service::Compute), Some(Microversion { major: 2, minor: 87 }));
        assert_eq!(
            version(Service::BlockStorage),
            Some(Microversion { major: 3, minor: 0 })
        );
        assert_eq!(found.services.len(), 7);
    });
}

#[test]
fn accounts_that_cannot_log_in() {
    run(async {
        let admin = Admin::new().await;
        let wrong = admin.account("metering", "not-the-password", "admin");
        let error = Connector::connect(wrong).await.err().unwrap();
        assert!(matches!(error, OpenStackError::WrongCredential { .. }), "{error}");
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("/v3/auth/tokens") && !text.contains("not-the-password"),
            "{text}"
        );
        let elsewhere = OpenStackConfig {
            region: Some("Nowhere".into()),
            ..admin.metering()
        };
        let error = Connector::connect(elsewhere).await.err().unwrap();
        assert!(
            matches!(
                error,
                OpenStackError::NoEndpoint {
                    service: Service::Compute,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains("compute/public/RegionOne"), "{error}");
        let not_keystone = OpenStackConfig {
            auth_url: admin.urls["image"].clone(),
            ..admin.metering()
        };
        let error = Connector::connect(not_keystone).await.err().unwrap();
        assert!(
            matches!(error, OpenStackError::Malformed { .. }) && error.to_string().contains("令牌"),
            "{error}"
        );
    });
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_node_that_is_switched_off() {
    run(async {
        let admin = Admin::new().await;
        let nobody = format!("http://127.0.0.1:{}/v3", closed_port());
        let error = Connector::connect(OpenStackConfig {
            auth_url: nobody.clone(),
            ..admin.metering()
        })
        .await
        .err()
        .unwrap();
        assert!(matches!(error, OpenStackError::Unreachable { .. }), "{error}");
        assert!(
            error.to_string().contains(&nobody) && error.to_string().contains("无法连接"),
            "{error}"
        );
    });
}

/// Passes requests on to Keystone and puts another port for one of its services into the answers.
fn keystone_with_a_wrong_port(keystone: &str, from: u16, to: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v3", listener.local_addr().unwrap());
    let real = keystone
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut request = Vec::new();
            let mut part = [0; 4096];
            loop {
                let n = client.read(&mut part).unwrap();
                request.extend_from_slice(&part[..n]);
                let text = String::from_utf8_lossy(&request);
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = head
                    .lines()
                    .find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if n == 0 || body.len() >= length.unwrap_or(0) {
                    break;
                }
            }
            let request = String::from_utf8(request)
                .unwrap()
                .replacen("\r\n", "\r\nConnection: close\r\n", 1);
            let mut server = TcpStream::connect(&real).unwrap();
            server.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            server.read_to_string(&mut answer).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let body = body.replace(&format!(":{from}"), &format!(":{to}"));
            let kept: Vec<_> = head
                .lines()
                .filter(|l| !l.to_ascii_lowercase().starts_with("content-length"))
                .collect();
            write!(
                client,
                "{}\r\nContent-Length: {}\r\n\r\n{body}",
                kept.join("\r\n"),
                body.len()
            )
            .unwrap();
        }
    });
    url
}

#[test]
fn a_service_that_is_switched_off_leaves_no_half_look() {
    run(async {
        let admin = Admin::new().await;
        for (service, kind) in [
            ("volumev3", Service::BlockStorage),
            ("object-store", Service::ObjectStore),
            ("metric", Service::Metric),
        ] {
            let port = Url::parse(&admin.urls[service]).unwrap().port().unwrap();
            let to = closed_port();
            let url = keystone_with_a_wrong_port(&admin.auth_url, port, to);
            let config = OpenStackConfig {
                auth_url: url,
                ..admin.metering()
            };
            let outcome = match Connector::connect(config).await {
                Ok(connector) => connector.collect(admin.now).await.map(|_| ()),
                Err(error) => Err(error),
            };
            match outcome {
                Err(OpenStackError::Unreachable { place, .. }) => {
                    assert_eq!(place.service, kind);
                    assert!(place.url.contains(&to.to_string()), "{place}");
                }
                other => panic!("{service}: {other:?}"),
            }
        }
    });
}

#[test]
fn an_application_credential_is_as_good() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let scope = json!({"name": "admin", "domain": {"id": "default"}});
        let owner = Admin::logged_in(&admin.auth_url, "metering", &admin.password, scope)
            .await
            .unwrap();
        let name = format!("yunheng-lab-{}", std::process::id());
        let path = format!("/users/{}/application_credentials", owner.user);
        // The roles that the account was given, as docs/ops/openstack.md has it, and none of those that follow from them.
        let roles = json!([{"name": "admin"}, {"name": "ResellerAdmin"}]);
        let body = json!({"application_credential": {"name": name, "secret": "only-for-the-lab", "roles": roles}});
        let (status, made) = owner.ask(Method::POST, "identity", &path, Some(body)).await;
        assert_eq!(status, 201, "{made}");
        let id = made["application_credential"]["id"].as_str().unwrap().to_owned();
        let credential = Credential::Application {
            id: id.clone(),
            secret: Secret::new("only-for-the-lab"),
        };
        let config = OpenStackConfig {
            credential,
            ..admin.metering()
        };
        let got = admin.collect(config.clone()).await.unwrap();
        assert_eq!(got.look, admin.collect(admin.metering()).await.unwrap().look);
        assert_eq!(
            owner
                .ask(Method::DELETE, "identity", &format!("{path}/{id}"), None)
                .await
                .0,
            204
        );
        let error = Connector::connect(config).await.err().unwrap();
        assert!(matches!(error, OpenStackError::WrongCredential { .. }), "{error}");
    });
}

#[test]
fn a_token_that_was_revoked_is_renewed() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let name = format!("yunheng-lab-{}", std::process::id());
        let body = json!({"user": {"name": name, "domain_id": "default", "password": "only-for-the-lab"}});
        let (status, made) = admin.ask(Method::POST, "identity", "/users", Some(body)).await;
        assert_eq!(status, 201, "{made}");
        let user = format!("/users/{}", made["user"]["id"].as_str().unwrap());
        let project = admin.id_of("project", "admin").await;
        for role in ["admin", "ResellerAdmin"] {
            let role = admin.id_of("role", role).await;
            admin
                .ask(
                    Method::PUT,
                    "identity",
                    &format!("/projects/{project}{user}/roles/{role}"),
                    None,
                )
                .await;
        }
        let config = admin.account(&name, "only-for-the-lab", "admin");
        let connector = Connector::connect(config).await.unwrap();
        let before = connector.collect(admin.now).await.unwrap();
        // Switching an account off and on again ends its tokens.
        for enabled in [false, true] {
            let body = json!({"user": {"enabled": enabled}});
            assert_eq!(admin.ask(Method::PATCH, "identity", &user, Some(body)).await.0, 200);
        }
        // Keystone counts seconds: what it issues within that second is ended too.
        let mut pace = tokio::time::interval(std::time::Duration::from_millis(200));
        loop {
            pace.tick().await;
            let again = Admin::logged_in(&admin.auth_url, &name, "only-for-the-lab", json!({"id": project})).await;
            if let Some(again) = again
                && again.ask(Method::GET, "identity", "/projects", None).await.0 == 200
            {
                break;
            }
        }
        let after = connector.collect(admin.now).await.unwrap();
        assert_eq!(before.look, after.look);
        let off = json!({"user": {"enabled": false}});
        assert_eq!(admin.ask(Method::PATCH, "identity", &user, Some(off)).await.0, 200);
        let error = connector.collect(admin.now).await.unwrap_err();
        assert!(matches!(error, OpenStackError::WrongCredential { .. }), "{error}");
        assert_eq!(admin.ask(Method::DELETE, "identity", &user, None).await.0, 204);
    });
}
