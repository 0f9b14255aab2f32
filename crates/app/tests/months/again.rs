//! Every step done a hundred times: the store's chain of audits does not grow, and no file of the data folder is
//! other than it was (I6). A unit of work without an audit entry does not commit, so that the chain tells of any.

use crate::bureau::Bureau;
use crate::scenario::Scenario;
use crate::sheets::{self, Sheet};
use app::AppError;
use app::import::ImportKind;
use app::month::{StepState, close_month, meter, rate, reconcile_month, rerate};
use app::statements::{Format, RenderSelection, render};
use documents::{Fonts, Renderer};
use kernel::{Digest, Instant, Month};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use test_support::TestStore;

const TIMES: usize = 100;

/// A server, an object store that is measured, and accepted work.
const SCENARIO: &str = r#"
allocations = [
    { code = "A1", native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-03-10 10:30:00" },
    { code = "A2", native_id = "box", kind = "object_storage", spec = "storage_gib=500", from = "2025-06-01" },
    { code = "W1", kind = "work", spec = "person_day=5", form = "migration", from = "2026-03-12", to = "2026-03-13" },
]
samples = [{ native_id = "box", measure = "storage_gib", from = "2026-03-01", to = "2026-04-01", daily = "100" }]
"#;
const BILL: &str = "\
provider,month,version,line,node,resource,item,organisation,from,to,quantity,unit_price,amount
P1,2026-03,1,1,N1,vm-1,cpu,D1,2026-03-01,2026-04-01,4,46,184.00
P1,2026-03,1,2,N1,box,bucket,D1,2026-03-01,2026-04-01,100,0.1,10.00
";
const OUTAGES: &str = "\
node,resource,from,to,source
N1,vm-1,2026-03-15 10:00:00,2026-03-15 12:00:00,监理月报
";
const PLATFORMS: &str = "\
node,mlps_level,valid_from
N1,3,2026-03-05
";

test_support::on_both_stores!(
    facts_that_are_handed_in_again,
    steps_of_an_open_month,
    steps_of_a_closed_month,
    statements_that_are_rendered_again,
);

fn march() -> Month {
    "2026-03".parse().unwrap()
}

/// One file of every kind.
fn every_sheet(scenario: &Scenario) -> Vec<Sheet> {
    let mut sheets = vec![sheets::organisations(scenario)];
    sheets.extend(sheets::after_nodes(scenario));
    sheets.extend(beside_the_scenario());
    let kinds: BTreeSet<ImportKind> = sheets.iter().map(|sheet| sheet.kind).collect();
    assert_eq!(kinds, ImportKind::ALL.into_iter().collect());
    sheets
}

/// Files about what a scenario does not say.
fn beside_the_scenario() -> [Sheet; 3] {
    [
        (ImportKind::Platforms, "platforms.csv", PLATFORMS),
        (ImportKind::ProviderBill, "provider-bill.csv", BILL),
        (ImportKind::Outages, "outages.csv", OUTAGES),
    ]
    .map(|(kind, name, text)| Sheet {
        kind,
        name,
        text: text.to_owned(),
    })
}

/// A bureau that has taken in everything about March.
async fn informed(store: TestStore) -> (Bureau, Scenario) {
    let scenario = Scenario::from_text(SCENARIO);
    let bureau = Bureau::new(store, "2026-04-03 09:00:00".parse::<Instant>().unwrap());
    assert!(bureau.take_in(&scenario).await.is_empty());
    for sheet in beside_the_scenario() {
        assert!(!bureau.import(&sheet).await.already_imported);
    }
    (bureau, scenario)
}

/// How far the chain of audits goes, and every file.
async fn state(bureau: &Bureau) -> (i64, Digest, BTreeMap<PathBuf, Digest>) {
    let (entries, head) = app::audit::verify(&bureau.ctx, None).await.unwrap();
    (entries, head, files(bureau.data()))
}

fn files(root: &Path) -> BTreeMap<PathBuf, Digest> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), Digest::of(&fs::read(&path).unwrap()));
        }
    }
    found
}

async fn facts_that_are_handed_in_again(store: TestStore) {
    let (bureau, scenario) = informed(store).await;
    let sheets = every_sheet(&scenario);
    let before = state(&bureau).await;
    let receipts: Vec<PathBuf> = before
        .2
        .keys()
        .filter(|path| path.to_string_lossy().ends_with(".receipt.json"))
        .cloned()
        .collect();
    assert_eq!(receipts.len(), 34);
    for round in 0..TIMES {
        for sheet in &sheets {
            assert!(bureau.import(sheet).await.already_imported, "{}", sheet.name);
        }
        assert!(!bureau.register_nodes(&scenario).await);
        // Without its receipt a delivery is read once more, and is still known.
        fs::remove_file(&receipts[round % receipts.len()]).unwrap();
        let collected = bureau.collect().await;
        assert_eq!((collected.looks, collected.known, collected.changes), (0, 34, 0));
    }
    assert_eq!(state(&bureau).await, before);
}

async fn steps_of_an_open_month(store: TestStore) {
    let (bureau, _) = informed(store).await;
    for expected in [StepState::Done, StepState::Unchanged] {
        let ctx = &bureau.ctx;
        assert_eq!(meter(ctx, march()).await.unwrap().state, expected);
        assert_eq!(rate(ctx, march()).await.unwrap().state, expected);
        assert_eq!(reconcile_month(ctx, march()).await.unwrap().state, expected);
    }
    let before = state(&bureau).await;
    for _ in 0..TIMES {
        // In no order: a step looks at what there is.
        assert_eq!(
            reconcile_month(&bureau.ctx, march()).await.unwrap().state,
            StepState::Unchanged
        );
        assert_eq!(rate(&bureau.ctx, march()).await.unwrap().state, StepState::Unchanged);
        assert_eq!(meter(&bureau.ctx, march()).await.unwrap().state, StepState::Unchanged);
    }
    assert_eq!(state(&bureau).await, before);
}

async fn steps_of_a_closed_month(store: TestStore) {
    let (bureau, _) = informed(store).await;
    let ctx = &bureau.ctx;
    close_month(ctx, march()).await.unwrap();
    let before = state(&bureau).await;
    let is_closed = |refused: AppError| matches!(refused, AppError::MonthClosed(month) if month == march());
    for _ in 0..TIMES {
        assert!(is_closed(close_month(ctx, march()).await.unwrap_err()));
        assert!(is_closed(meter(ctx, march()).await.unwrap_err()));
        assert!(is_closed(rate(ctx, march()).await.unwrap_err()));
        assert!(is_closed(reconcile_month(ctx, march()).await.unwrap_err()));
        // Nothing became known since: there is nothing to correct, and so nothing to commit.
        let rerated = rerate(ctx, march(), "复核", true).await.unwrap();
        assert_eq!((rerated.corrections.len(), rerated.committed), (0, false));
    }
    assert_eq!(state(&bureau).await, before);
}

async fn statements_that_are_rendered_again(store: TestStore) {
    let (bureau, _) = informed(store).await;
    close_month(&bureau.ctx, march()).await.unwrap();
    let renderer = Renderer::new(Fonts::shipped()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let selection = |formats: &[Format]| RenderSelection {
        month: march(),
        numbers: Vec::new(),
        formats: formats.to_vec(),
        folder: folder.path().to_owned(),
        is_demo: false,
    };
    let rendered = render(&bureau.ctx, selection(&[Format::Pdf, Format::Xlsx]), &renderer)
        .await
        .unwrap();
    assert_eq!(rendered.len(), 4, "of the provider and of a department");
    let (before, documents) = (state(&bureau).await, files(folder.path()));
    for _ in 0..TIMES {
        bureau.now_is(bureau.ctx.now().plus_s(3600));
        render(&bureau.ctx, selection(&[Format::Pdf, Format::Xlsx]), &renderer)
            .await
            .unwrap();
        assert_eq!(files(folder.path()), documents);
    }
    assert_eq!(state(&bureau).await, before);
}
