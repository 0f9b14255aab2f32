//! Deliveries that do not fit what was taken in before, against a real database.

use super::{CollectOptions, CollectOutcome, NoSecrets, collect};
use crate::import::{ImportKind, ImportOptions, import_file};
use crate::nodes::{NewNode, add};
use crate::{AppError, OpContext};
use domain::collect::{Look, LookKind, Observation, ObservedState};
use domain::registry::{Measure, NodeSource, ResourceKind, Spec};
use kernel::{Instant, Quantity};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use test_support::TestStore;

const ORGANISATIONS: &str = "代码,名称,类别,上级代码,并入代码,生效日期\nP1,甲云公司,云服务商,,,2026-01-01\n";

test_support::on_both_stores!(
    what_contradicts_is_refused_and_kept,
    a_missing_file_is_the_providers_case,
    a_look_at_nothing_is_asked_about,
    what_was_forgotten_is_remembered,
);

/// A provider with one node that delivers files.
struct Yard {
    ctx: OpContext,
    _store: TestStore,
    data: TempDir,
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn server(id: &str, state: ObservedState) -> Observation {
    Observation {
        native_id: id.into(),
        kind: ResourceKind::Server,
        class: String::new(),
        name: String::new(),
        project: "p".into(),
        zone: String::new(),
        state,
        native_state: String::new(),
        spec: Spec::new().with(Measure::Vcpu, Quantity::from_whole(4).unwrap()),
        created_at: Some(at("2026-03-01")),
        changed_at: None,
        deleted_at: None,
        parent: None,
        system_tag: None,
    }
}

impl Yard {
    async fn new(store: TestStore) -> Self {
        let data = tempfile::tempdir().unwrap();
        let now = at("2026-06-10 09:00:00");
        let ctx = OpContext::new(
            "测试员",
            store.store(),
            data.path(),
            Arc::new(move || now),
            test_support::counted(),
        )
        .unwrap();
        let yard = Self {
            ctx,
            _store: store,
            data,
        };
        let (kind, options) = (ImportKind::Organisations, ImportOptions::default());
        import_file(&yard.ctx, kind, "organisations.csv", ORGANISATIONS.as_bytes(), options)
            .await
            .unwrap();
        std::fs::create_dir(yard.inbox()).unwrap();
        let node = NewNode {
            code: "N1".parse().unwrap(),
            name: "甲云".into(),
            provider: "P1".parse().unwrap(),
            source: NodeSource::Files { folder: "inbox".into() },
            platform: domain::registry::Platform::default(),
            pools: Vec::new(),
            valid_from: at("2026-01-01"),
        };
        assert!(add(&yard.ctx, node).await.unwrap().new);
        yard
    }

    fn inbox(&self) -> PathBuf {
        self.data.path().join("inbox")
    }

    fn deliver(&self, sequence: u64, taken_at: &str, observations: Vec<Observation>) {
        let look = Look {
            taken_at: at(taken_at),
            kind: LookKind::Full,
            observations,
            samples: Vec::new(),
        };
        let node = "N1".parse().unwrap();
        sources::numbered::deliver(&self.inbox(), &node, sequence, &look).unwrap();
    }

    /// Takes the files of a number away, with their receipt.
    fn withdraw(&self, sequence: u64) {
        for entry in std::fs::read_dir(self.inbox()).unwrap().flatten() {
            if entry.file_name().to_string_lossy().contains(&format!("{sequence:06}")) {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    async fn collect(&self, confirm_empty: bool) -> Result<CollectOutcome, AppError> {
        collect(&self.ctx, None, &NoSecrets, CollectOptions { confirm_empty }).await
    }

    /// Kind, subject, owner and sentence of every case.
    async fn cases(&self) -> Vec<(&'static str, String, String, String)> {
        let mut read = self.ctx.store().read().await.unwrap();
        let cases = read.cases().await.unwrap();
        cases
            .into_iter()
            .map(|case| case.finding)
            .map(|f| (f.kind.word(), f.subject, f.owner, f.detail))
            .collect()
    }
}

async fn what_contradicts_is_refused_and_kept(store: TestStore) {
    let yard = Yard::new(store).await;
    yard.deliver(1, "2026-03-02", vec![server("vm-1", ObservedState::Live)]);
    assert_eq!(yard.collect(false).await.unwrap().looks, 1);
    // Two more contents of the same number, one after the other.
    for state in [ObservedState::Stopped, ObservedState::Failed] {
        yard.withdraw(1);
        yard.deliver(1, "2026-03-02", vec![server("vm-1", state)]);
        let outcome = yard.collect(false).await.unwrap();
        assert_eq!((outcome.looks, outcome.refused.len()), (0, 1), "{outcome:?}");
        assert!(outcome.refused[0].contains("此前已收到过不同内容"), "{outcome:?}");
    }
    let cases = yard.cases().await;
    assert_eq!(cases.len(), 2, "each content is a case: {cases:#?}");
    for (kind, subject, owner, detail) in &cases {
        assert_eq!((*kind, owner.as_str()), ("contradicting_file", "P1"));
        assert!(subject.starts_with("N1#1:"), "{subject}");
        let kept = super::payload_in(detail).unwrap();
        let bytes = std::fs::read(yard.data.path().join(kept)).unwrap();
        let text = String::from_utf8(zstd::decode_all(bytes.as_slice()).unwrap()).unwrap();
        assert!(text.contains("vm-1") && text.contains("N1-000001"), "{text}");
    }
    // Cleaning leaves the evidence.
    let health = crate::health::examine(&yard.ctx, true).await.unwrap();
    assert_eq!((health.payloads, health.orphans), (3, Vec::new()));
    assert_eq!(crate::health::examine(&yard.ctx, false).await.unwrap().missing, [""; 0]);
}

async fn a_missing_file_is_the_providers_case(store: TestStore) {
    let yard = Yard::new(store).await;
    yard.deliver(1, "2026-03-02", vec![server("vm-1", ObservedState::Live)]);
    yard.deliver(3, "2026-03-04", vec![server("vm-1", ObservedState::Live)]);
    yard.collect(false).await.unwrap();
    let cases = yard.cases().await;
    let brief: Vec<_> = cases
        .iter()
        .map(|(kind, subject, owner, _)| (*kind, subject.as_str(), owner.as_str()))
        .collect();
    assert_eq!(brief, [("sequence_gap", "N1#2", "P1")]);
}

async fn a_look_at_nothing_is_asked_about(store: TestStore) {
    let yard = Yard::new(store).await;
    let all = [server("vm-1", ObservedState::Live), server("vm-2", ObservedState::Live)];
    yard.deliver(1, "2026-03-02", all.to_vec());
    yard.collect(false).await.unwrap();
    // One is told to be deleted, of the other nothing is said: there is nothing left, and nobody knows why.
    let gone = Observation {
        deleted_at: Some(at("2026-03-02 12:00:00")),
        ..server("vm-1", ObservedState::Deleted)
    };
    yard.deliver(2, "2026-03-03", vec![gone]);
    let said = yard.collect(false).await.unwrap_err();
    assert!(matches!(&said, AppError::EmptyLook(node, 2) if node == "N1"), "{said}");
    let health = crate::health::examine(&yard.ctx, false).await.unwrap();
    assert_eq!(
        (health.payloads, health.orphans),
        (1, Vec::new()),
        "nothing is left behind"
    );
    let outcome = yard.collect(true).await.unwrap();
    assert_eq!((outcome.looks, outcome.changes), (1, 2));
}

async fn what_was_forgotten_is_remembered(store: TestStore) {
    let yard = Yard::new(store).await;
    let other = server("vm-2", ObservedState::Live);
    let tagged = Observation {
        system_tag: Some("S9".into()),
        ..server("vm-1", ObservedState::Live)
    };
    let gone = Observation {
        deleted_at: Some(at("2026-03-04 12:00:00")),
        ..server("vm-1", ObservedState::Deleted)
    };
    yard.deliver(1, "2026-03-02", vec![tagged, other.clone()]);
    yard.deliver(2, "2026-03-03", vec![other.clone()]);
    yard.deliver(3, "2026-03-04", vec![other.clone()]);
    yard.deliver(4, "2026-03-05", vec![gone, other]);
    assert_eq!(yard.collect(false).await.unwrap().looks, 4);
    let within = kernel::Period::new(at("2026-03-01"), at("2026-03-10")).unwrap();
    let mut read = yard.ctx.store().read().await.unwrap();
    let seen = read.sightings_within(&"N1".parse().unwrap(), within).await.unwrap();
    let of_it: Vec<_> = seen
        .iter()
        .filter(|s| s.seen.native_id == "vm-1")
        .map(|s| (s.period.to(), s.seen.system_tag.as_deref()))
        .collect();
    let (missed, told) = (at("2026-03-02"), at("2026-03-04 12:00:00"));
    assert_eq!(of_it, [(missed, Some("S9")), (told, Some("S9"))]);
}
