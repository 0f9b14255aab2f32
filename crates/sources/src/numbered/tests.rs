//! Deliveries in a real folder: whole, altered, incomplete and wrong.

use super::*;
use domain::collect::{Look, Observation, ObservedState, Sample};
use domain::registry::{Measure, ResourceKind, Spec};
use kernel::Quantity;
use proptest::option;
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

fn node() -> NodeCode {
    "N1".parse().unwrap()
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn server(native_id: &str, name: &str) -> Observation {
    Observation {
        native_id: native_id.to_owned(),
        kind: ResourceKind::Server,
        class: String::new(),
        name: name.to_owned(),
        project: "gov-d001".to_owned(),
        zone: "az-1".to_owned(),
        state: ObservedState::Live,
        native_state: "ACTIVE".to_owned(),
        spec: "vcpu=4 memory_gib=8".parse().unwrap(),
        created_at: Some(at("2026-01-05T09:00:00+08:00")),
        changed_at: None,
        deleted_at: None,
        parent: None,
        system_tag: Some("S001".to_owned()),
    }
}

fn look() -> Look {
    let sample = |hour: i64| Sample {
        native_id: "b".to_owned(),
        measure: Measure::StorageGib,
        at: at("2026-03-01").plus_s(hour * 3600),
        value: Quantity::from_micros(120_500_000),
    };
    Look {
        taken_at: at("2026-03-01T00:30:00+08:00"),
        kind: LookKind::Full,
        observations: vec![
            server("a", "=cmd|' /C calc'!A0"),
            server("b", "名称，\"引号\"\n两行"),
            server("c", "@x"),
        ],
        samples: vec![sample(0), sample(1)],
    }
}

/// A folder with the look of [`look`] as number 7.
fn delivered() -> (TempDir, Delivery) {
    let folder = tempfile::tempdir().unwrap();
    deliver(folder.path(), &node(), 7, &look()).unwrap();
    let delivery = Delivery::new(folder.path(), &node(), 7).unwrap();
    (folder, delivery)
}

/// Puts other bytes in the place of a file and makes the manifest agree with them, with this count of rows.
fn replace(delivery: &Delivery, name: &str, bytes: &[u8], rows: u64) {
    fs::write(delivery.path(name), bytes).unwrap();
    change_manifest(delivery, |manifest| {
        let file = manifest.files.iter_mut().find(|file| file.name == name).unwrap();
        (file.rows, file.bytes, file.sm3) = (rows, u64::try_from(bytes.len()).unwrap(), Digest::of(bytes));
    });
}

fn change_manifest(delivery: &Delivery, change: impl FnOnce(&mut Manifest)) {
    let path = delivery.path(&delivery.manifest_name());
    let mut manifest: Manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(path, serde_json::to_vec(&manifest).unwrap()).unwrap();
}

/// Row and column of every fault after the inventory was replaced by this text.
fn faults_of(text: &str) -> Vec<(u64, String, String)> {
    let (_folder, delivery) = delivered();
    replace(&delivery, &delivery.inventory_name(), text.as_bytes(), 1);
    match read(&delivery).unwrap_err() {
        NumberedError::Faulty(files) => {
            assert_eq!(files.len(), 1);
            files[0]
                .faults
                .iter()
                .map(|f| (f.row, f.column.clone(), f.message.clone()))
                .collect()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn what_was_delivered_is_received() {
    let (folder, delivery) = delivered();
    let received = read(&delivery).unwrap();
    assert_eq!(received.look, look());
    let names: Vec<_> = received.raw.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        ["N1-000007.json", "N1-000007.inventory.csv", "N1-000007.samples.csv"]
    );
    for file in &received.raw {
        assert_eq!(fs::read(folder.path().join(&file.name)).unwrap(), file.bytes);
    }
    assert!(
        !folder
            .path()
            .read_dir()
            .unwrap()
            .any(|e| e.unwrap().path().extension().unwrap() == "part")
    );
}

#[test]
fn the_digest_covers_everything() {
    let (_folder, delivery) = delivered();
    let digest = read(&delivery).unwrap().digest;
    assert_eq!(read(&delivery).unwrap().digest, digest);
    change_manifest(&delivery, |manifest| manifest.taken_at = manifest.taken_at.plus_s(1));
    assert_ne!(read(&delivery).unwrap().digest, digest);
    let mut other = look();
    other.samples[0].value = Quantity::ONE;
    deliver(delivery.folder(), &node(), 8, &other).unwrap();
    let eight = Delivery::new(delivery.folder(), &node(), 8).unwrap();
    assert_ne!(read(&eight).unwrap().digest, digest);
}

#[test]
fn deliveries_are_listed_by_number_once_their_manifest_is_there() {
    let folder = tempfile::tempdir().unwrap();
    for sequence in [12, 2, 100] {
        deliver(folder.path(), &node(), sequence, &look()).unwrap();
    }
    let others = [
        "N1-000003.inventory.csv",
        "N1-000012.receipt.json",
        "N10-000001.json",
        "N1-000001-000002.json",
        "N1-+00005.json",
    ];
    others
        .iter()
        .for_each(|name| fs::write(folder.path().join(name), "x").unwrap());
    let sequences: Vec<_> = list(folder.path(), &node())
        .unwrap()
        .iter()
        .map(Delivery::sequence)
        .collect();
    assert_eq!(sequences, [2, 12, 100]);
    assert!(matches!(
        list(&folder.path().join("none"), &node()),
        Err(NumberedError::Folder { .. })
    ));
}

#[test]
fn delivering_again_changes_nothing_and_other_content_is_refused() {
    let (folder, delivery) = delivered();
    let before = read(&delivery).unwrap();
    deliver(folder.path(), &node(), 7, &look()).unwrap();
    assert_eq!(read(&delivery).unwrap(), before);
    let mut other = look();
    other.observations.pop();
    assert_eq!(
        deliver(folder.path(), &node(), 7, &other).unwrap_err().kind(),
        std::io::ErrorKind::AlreadyExists
    );
    assert_eq!(read(&delivery).unwrap(), before);
}

#[test]
fn altered_truncated_and_missing_files_are_told_apart() {
    let (_folder, delivery) = delivered();
    let path = delivery.path(&delivery.inventory_name());
    let sound = fs::read(&path).unwrap();
    let mut altered = sound.clone();
    *altered.last_mut().unwrap() ^= 1;
    fs::write(&path, &altered).unwrap();
    assert!(matches!(read(&delivery), Err(NumberedError::Altered { .. })));
    fs::write(&path, &sound[..sound.len() - 1]).unwrap();
    assert!(matches!(read(&delivery), Err(NumberedError::Size { expected, found, .. }) if expected == found + 1));
    fs::remove_file(&path).unwrap();
    assert!(matches!(read(&delivery), Err(NumberedError::Missing { file }) if file == "N1-000007.inventory.csv"));
    fs::write(&path, &sound).unwrap();
    fs::remove_file(delivery.path(&delivery.samples_name())).unwrap();
    assert!(matches!(read(&delivery), Err(NumberedError::Missing { file }) if file == "N1-000007.samples.csv"));
}

#[test]
fn rows_are_counted() {
    let (_folder, delivery) = delivered();
    change_manifest(&delivery, |manifest| manifest.files[1].rows = 3);
    let error = read(&delivery).unwrap_err();
    assert!(
        matches!(
            error,
            NumberedError::RowCount {
                expected: 3,
                found: 2,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn the_manifest_must_fit_its_name() {
    let mismatch = |change: fn(&mut Manifest)| {
        let (_folder, delivery) = delivered();
        change_manifest(&delivery, change);
        match read(&delivery).unwrap_err() {
            NumberedError::Mismatch { what, .. } => what,
            other => panic!("{other}"),
        }
    };
    assert_eq!(mismatch(|manifest| manifest.node = "N2".parse().unwrap()), "节点代码");
    assert_eq!(mismatch(|manifest| manifest.sequence = 8), "批次号");
    assert_eq!(mismatch(|manifest| manifest.format = "x/2".to_owned()), "格式");
    assert_eq!(
        mismatch(|manifest| manifest.files[0].name = "../secret".to_owned()),
        "文件列表"
    );
    assert_eq!(mismatch(|manifest| manifest.files.clear()), "文件列表");
    assert_eq!(
        mismatch(|manifest| manifest.files[1] = manifest.files[0].clone()),
        "文件列表"
    );
    let (_folder, delivery) = delivered();
    change_manifest(&delivery, |manifest| manifest.files.truncate(1));
    assert!(matches!(read(&delivery), Err(NumberedError::Unlisted { .. })));
    for garbage in ["", "{", "[]", "{\"format\":1}"] {
        fs::write(delivery.path(&delivery.manifest_name()), garbage).unwrap();
        assert!(
            matches!(read(&delivery), Err(NumberedError::Manifest { .. })),
            "{garbage}"
        );
    }
}

#[test]
fn codes_that_are_no_file_names_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let wrong: NodeCode = "a/b".parse().unwrap();
    assert!(matches!(
        Delivery::new(folder.path(), &wrong, 1),
        Err(NumberedError::NodeName(_))
    ));
    assert!(Delivery::new(folder.path(), &node(), 1_000_000).is_err());
    assert!(deliver(folder.path(), &wrong, 1, &look()).is_err());
}

#[test]
fn every_fault_of_the_rows_is_listed() {
    let rows = "native_id,kind,project,state,spec,created_at\n\
                a,server,p,live,vcpu=1,2026-03-01\n\
                b,mainframe,,gone,cores=2,yesterday\n\
                \n\
                a,server,p,live,,\n\
                c,server,p\n\
                ,云主机,p,运行,,\n";
    let found = faults_of(rows);
    let places: Vec<_> = found.iter().map(|(row, column, _)| (*row, column.as_str())).collect();
    let third = [
        (3, "project"),
        (3, "kind"),
        (3, "state"),
        (3, "spec"),
        (3, "created_at"),
    ];
    assert_eq!(
        places,
        [&third[..], &[(5, "native_id"), (6, ""), (7, "native_id")]].concat()
    );
    assert!(
        found[1].2.contains("云主机 (server)") && found[5].2.contains("第 2 行"),
        "{found:?}"
    );
}

#[test]
fn headings_and_texts_are_checked() {
    let missing = faults_of("native_id,kind,state\na,server,live\n");
    assert_eq!((missing[0].0, missing[0].1.as_str()), (1, "项目"));
    let unknown = faults_of("native_id,kind,project,stat\na,server,p,live\n");
    assert!(
        unknown.len() == 2 && unknown[0].2.contains("最接近的是「state」"),
        "{unknown:?}"
    );
    assert!(faults_of("")[0].2.contains("空的") && faults_of("\n\n")[0].2.contains("没有标题行"));
    let cut = faults_of("native_id,kind,project,state,name\na,server,p,live,\"web");
    assert!(cut[0].0 == 2 && cut[0].2.contains("不完整"), "{cut:?}");
}

#[test]
fn chinese_headings_gbk_and_an_empty_node_are_fine() {
    let (_folder, delivery) = delivered();
    let text = "状态;资源编号;项目;资源类型;名称\r\n运行;a;p;云主机;目录服务\r\n";
    replace(
        &delivery,
        &delivery.inventory_name(),
        &encoding_rs::GBK.encode(text).0,
        1,
    );
    let received = read(&delivery).unwrap();
    let seen = &received.look.observations[0];
    assert_eq!(
        (seen.name.as_str(), seen.kind, &seen.spec),
        ("目录服务", ResourceKind::Server, &Spec::new())
    );
    replace(
        &delivery,
        &delivery.inventory_name(),
        b"native_id,kind,project,state\n",
        0,
    );
    assert!(read(&delivery).unwrap().look.observations.is_empty());
}

#[test]
fn the_same_sample_twice_is_a_fault() {
    let (_folder, delivery) = delivered();
    let text = "native_id,measure,at,value\na,vcpu,2026-03-01,1\na,vcpu,2026-03-01,2\na,vcpu,2026-03-02,-1\n";
    replace(&delivery, &delivery.samples_name(), text.as_bytes(), 3);
    let error = read(&delivery).unwrap_err();
    let rows: Vec<_> = error.faults()[0]
        .faults
        .iter()
        .map(|f| (f.row, f.column.as_str()))
        .collect();
    assert_eq!(rows, [(3, "at"), (4, "value")]);
}

#[test]
fn receipts_say_what_became_of_it() {
    let (folder, delivery) = delivered();
    let receipt = |receipt: &Receipt| -> serde_json::Value {
        let path = write_receipt(folder.path(), &node(), 7, receipt).unwrap();
        assert!(path.ends_with("N1-000007.receipt.json"));
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let received = read(&delivery).unwrap();
    let now = at("2026-03-01T01:00:00+08:00");
    let accepted = receipt(&Receipt::accepted(&received, now));
    assert_eq!(
        (
            &accepted["format"],
            &accepted["node"],
            &accepted["sequence"],
            &accepted["verdict"]
        ),
        (&RECEIPT_FORMAT.into(), &"N1".into(), &7.into(), &"accepted".into())
    );
    assert_eq!(
        (&accepted["observations"], &accepted["samples"]),
        (&3.into(), &2.into())
    );
    assert_eq!(accepted["digest"], received.digest.to_string());
    replace(
        &delivery,
        &delivery.inventory_name(),
        b"native_id,kind,project,state\na,x,p,live\n",
        1,
    );
    let refused = receipt(&Receipt::refused(&read(&delivery).unwrap_err(), now));
    assert_eq!(
        (&refused["verdict"], &refused["digest"]),
        (&"refused".into(), &serde_json::Value::Null)
    );
    assert_eq!(refused["faults"][0]["faults"][0]["row"], 2);
}

#[test]
fn what_cannot_be_read_back_is_not_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: fn(&mut Look)| {
        let mut look = look();
        change(&mut look);
        let error = deliver(folder.path(), &node(), 1, &look).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    };
    refused(|look| look.observations[1].native_id = "a".to_owned());
    refused(|look| look.observations[1].project.clear());
    refused(|look| look.observations[1].name = " x".to_owned());
    refused(|look| look.samples[1] = look.samples[0].clone());
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn fields_of_the_templates_are_those_that_are_read() {
    let fields = |template: &crate::tabular::Template| template.columns.iter().map(|c| c.field).collect::<Vec<_>>();
    let (_folder, delivery) = delivered();
    let heading = |name: &str| {
        fs::read_to_string(delivery.path(name))
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(heading(&delivery.inventory_name()), fields(&INVENTORY).join(","));
    assert_eq!(heading(&delivery.samples_name()), fields(&SAMPLES).join(","));
}

fn text() -> impl Strategy<Value = String> {
    "([=+@\"',;-]|[a-z0-9云衡])([a-z ,;\"\r\n\t|=云]{0,6}[a-z0-9\"衡])?"
}

fn moment() -> impl Strategy<Value = Instant> {
    (0_i64..4_000_000_000).prop_map(Instant::from_unix_s)
}

fn spec() -> impl Strategy<Value = Spec> {
    let one = (proptest::sample::select(Measure::ALL), 0..i64::MAX);
    let build = |all: Vec<(Measure, i64)>| {
        all.into_iter().fold(Spec::new(), |spec, (measure, micros)| {
            spec.with(measure, Quantity::from_micros(micros))
        })
    };
    proptest::collection::vec(one, 0..4).prop_map(build)
}

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let words = (
        proptest::sample::select(ResourceKind::ALL),
        proptest::sample::select(ObservedState::ALL),
    );
    let texts = (
        text(),
        option::of(text()),
        option::of(text()),
        option::of(text()),
        option::of(text()),
    );
    let times = (option::of(moment()), option::of(moment()), option::of(moment()));
    let one = (words, texts, spec(), times, option::of(text()), option::of(text()));
    let build = |(place, (words, texts, spec, times, parent, system_tag)): (usize, _)| {
        let (kind, state) = words;
        let (project, class, name, zone, native_state): (String, Option<String>, _, Option<String>, Option<String>) =
            texts;
        let name: Option<String> = name;
        let (created_at, changed_at, deleted_at) = times;
        Observation {
            native_id: format!("id-{place}"),
            kind,
            class: class.unwrap_or_default(),
            name: name.unwrap_or_default(),
            project,
            zone: zone.unwrap_or_default(),
            state,
            native_state: native_state.unwrap_or_default(),
            spec,
            created_at,
            changed_at,
            deleted_at,
            parent,
            system_tag,
        }
    };
    proptest::collection::vec(one, 0..6).prop_map(move |all| all.into_iter().enumerate().map(build).collect())
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let one = (text(), proptest::sample::select(Measure::ALL), 0..i64::MAX);
    let build = |(place, (native_id, measure, micros)): (i64, (String, Measure, i64))| Sample {
        native_id,
        measure,
        at: Instant::from_unix_s(place),
        value: Quantity::from_micros(micros),
    };
    proptest::collection::vec(one, 0..6).prop_map(move |all| (0..).zip(all).map(build).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn delivering_and_reading_gives_the_same_look(
        observations in observations(), samples in samples(), taken_at in moment(), full in any::<bool>()
    ) {
        let kind = if full { LookKind::Full } else { LookKind::Changes };
        let look = Look { taken_at, kind, observations, samples };
        let folder = tempfile::tempdir().unwrap();
        deliver(folder.path(), &node(), 1, &look).unwrap();
        let received = read(&list(folder.path(), &node()).unwrap()[0]).unwrap();
        prop_assert_eq!(received.look, look);
    }

    #[test]
    fn any_bytes_end_in_rows_or_faults(bytes in proptest::collection::vec(any::<u8>(), 0..300), heading in any::<bool>()) {
        let head: &[u8] = if heading { b"native_id,kind,project,state\n" } else { b"" };
        let bytes = [head, &bytes].concat();
        let mut faults = kernel::Faults::new();
        let rows = super::rows::inventory(&bytes, &mut faults);
        prop_assert!(rows.is_empty() || heading);
        prop_assert!(heading || !faults.is_empty());
    }
}
