//! The registers, catalogue, terms, prices and approvals of a scenario as the files that clerks hand in.

use crate::scenario::Scenario;
use app::import::ImportKind;
use domain::catalogue::{Commitment, PriceModel, Tier, TierScope};
use domain::meter::Allocation;
use domain::registry::{ProjectMapping, ResourceKind};
use kernel::{Instant, Period};
use std::fmt::Display;

/// What a scenario leaves blank and a file must say.
const UNSAID: &str = "约定";
/// Since when the catalogue of a scenario holds.
const ITEMS_SINCE: &str = "2025-01-01";

/// A file for importing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    pub kind: ImportKind,
    pub name: &'static str,
    pub text: String,
}

/// Cells by the words of their columns.
type Row = Vec<(&'static str, String)>;

impl Sheet {
    /// A CSV with the columns that the first row names.
    fn new(kind: ImportKind, name: &'static str, rows: &[Row]) -> Self {
        let mut text = String::new();
        let mut line = |cells: Vec<&str>| {
            let cells: Vec<String> = cells.into_iter().map(quoted).collect();
            text += &(cells.join(",") + "\n");
        };
        let heading: Vec<&str> = rows[0].iter().map(|(field, _)| *field).collect();
        line(heading.clone());
        for row in rows {
            assert!(row.iter().map(|(field, _)| *field).eq(heading.iter().copied()));
            line(row.iter().map(|(_, cell)| cell.as_str()).collect());
        }
        Self { kind, name, text }
    }
}

fn quoted(cell: &str) -> String {
    assert!(!cell.contains(['"', '\n']));
    if cell.contains(',') {
        format!("\"{cell}\"")
    } else {
        cell.to_owned()
    }
}

fn or_blank<T: Display>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Organisations, which nodes need.
pub fn organisations(scenario: &Scenario) -> Sheet {
    let registry = scenario.registry();
    let versions = registry.organisations.iter().flat_map(|(_, versions)| versions);
    let rows: Vec<Row> = versions
        .map(|version| {
            let body = &version.body;
            vec![
                ("code", body.code.to_string()),
                ("name", body.name.clone()),
                ("side", body.side.to_string()),
                ("merged_into", or_blank(body.merged_into.as_ref())),
                ("valid_from", version.valid_from.to_string()),
            ]
        })
        .collect();
    Sheet::new(ImportKind::Organisations, "organisations.csv", &rows)
}

/// Everything else, in the order in which it is handed in. A scenario without a list has no file of it.
pub fn after_nodes(scenario: &Scenario) -> Vec<Sheet> {
    let (resources, work): (Vec<_>, Vec<_>) = (scenario.allocations().into_iter())
        .filter(|a| !beside_the_imports(a))
        .partition(|a| a.kind != ResourceKind::Work);
    let sheets = [
        (ImportKind::Systems, "systems.csv", systems(scenario)),
        (ImportKind::Projects, "projects.csv", projects(scenario)),
        (ImportKind::Catalogue, "catalogue.csv", catalogue(scenario)),
        (ImportKind::Contracts, "contracts.csv", contracts(scenario)),
        (ImportKind::Prices, "prices.csv", prices(scenario)),
        (
            ImportKind::Allocations,
            "allocations.csv",
            resources.iter().map(resource).collect(),
        ),
        (
            ImportKind::DeclaredWork,
            "declared-work.csv",
            work.iter().map(accepted).collect(),
        ),
    ];
    let filled = sheets.into_iter().filter(|(_, _, rows)| !rows.is_empty());
    filled.map(|(kind, name, rows)| Sheet::new(kind, name, &rows)).collect()
}

/// Work whose acceptance no file can say: a file names the day of acceptance, and that day is its interval.
pub fn beside_the_imports(allocation: &Allocation) -> bool {
    let day = allocation.period.from().day();
    let whole_day = Period::new(day.start(), day.plus(1).start()).unwrap();
    allocation.kind == ResourceKind::Work && allocation.period != whole_day
}

fn systems(scenario: &Scenario) -> Vec<Row> {
    let registry = scenario.registry();
    let versions = registry.systems.iter().flat_map(|(_, versions)| versions);
    let row = |(valid_from, body): (Instant, &domain::registry::InformationSystem)| {
        vec![
            ("code", body.code.to_string()),
            ("name", body.name.clone()),
            ("organisation", body.organisation.to_string()),
            ("zone", body.zone.to_string()),
            ("status", body.status.to_string()),
            ("origin", body.origin.to_string()),
            ("valid_from", valid_from.to_string()),
        ]
    };
    versions
        .map(|version| row((version.valid_from, &version.body)))
        .collect()
}

fn projects(scenario: &Scenario) -> Vec<Row> {
    let registry = scenario.registry();
    let versions = registry.mappings.iter().flat_map(|(_, versions)| versions);
    let row = |(valid_from, body): (Instant, &ProjectMapping)| {
        vec![
            ("node", body.node.to_string()),
            ("project", body.project.clone()),
            ("system", or_blank(body.system.as_ref())),
            ("valid_from", valid_from.to_string()),
        ]
    };
    versions
        .map(|version| row((version.valid_from, &version.body)))
        .collect()
}

fn catalogue(scenario: &Scenario) -> Vec<Row> {
    let row = |item: domain::catalogue::ServiceItem| {
        vec![
            ("code", item.code.to_string()),
            ("name", item.name),
            ("layer", item.layer.to_string()),
            ("form", item.form.to_string()),
            ("kind", item.kind.to_string()),
            ("measure", item.measure.to_string()),
            ("unit", item.unit),
            ("basis", item.basis.to_string()),
            ("valid_from", ITEMS_SINCE.to_owned()),
        ]
    };
    scenario.items().into_iter().map(row).collect()
}

fn contracts(scenario: &Scenario) -> Vec<Row> {
    let row = |contract: domain::catalogue::Contract| {
        let commitments: Vec<String> = contract.commitments.iter().map(commitment).collect();
        vec![
            ("code", contract.code.to_string()),
            ("title", contract.title),
            ("provider", contract.provider.to_string()),
            ("round", UNSAID.to_owned()),
            ("lot", UNSAID.to_owned()),
            ("starts", contract.starts.to_string()),
            ("ends", contract.ends.to_string()),
            ("proration", contract.proration.word()),
            ("tolerance", contract.tolerance.to_string()),
            ("commitments", commitments.join(";")),
            ("source", UNSAID.to_owned()),
            ("valid_from", contract.starts.to_string()),
        ]
    };
    scenario.contracts().into_iter().map(row).collect()
}

fn commitment(commitment: &Commitment) -> String {
    let items: Vec<&str> = commitment.items.iter().map(|item| item.as_str()).collect();
    let colon = if items.is_empty() { "" } else { ":" };
    format!("{}@{}{colon}{}", commitment.minimum, commitment.payer, items.join(","))
}

fn prices(scenario: &Scenario) -> Vec<Row> {
    let mut rows = Vec::new();
    for book in scenario.books() {
        for line in &book.lines {
            let mut row: Row = vec![
                ("contract", book.contract.to_string()),
                ("version", book.version.to_string()),
                ("effective_from", book.effective_from.to_string()),
                ("item", line.item.to_string()),
            ];
            row.extend(model(&line.model));
            row.extend([
                ("discount", line.discount.to_string()),
                ("cap", or_blank(line.cap)),
                ("clause", line.clause.clone()),
                ("source", UNSAID.to_owned()),
                ("approver", UNSAID.to_owned()),
            ]);
            rows.push(row);
        }
    }
    rows
}

fn model(model: &PriceModel) -> Row {
    let steps = |tiers: &[Tier]| {
        let step = |tier: &Tier| format!("{}:{}", or_blank(tier.up_to), tier.price);
        tiers.iter().map(step).collect::<Vec<_>>().join(";")
    };
    let tiered =
        |word: &'static str, tiers: &[Tier], scope: TierScope| (word, [String::new(), steps(tiers), scope.to_string()]);
    let none = String::new;
    let (word, [price, tiers, scope]) = match model {
        PriceModel::Flat { price } => ("flat", [price.to_string(), none(), none()]),
        PriceModel::OneOff { price } => ("one_off", [price.to_string(), none(), none()]),
        PriceModel::Package { price, .. } => ("package", [price.to_string(), none(), none()]),
        PriceModel::Graduated { tiers, scope } => tiered("graduated", tiers, *scope),
        PriceModel::Volume { tiers, scope } => tiered("volume", tiers, *scope),
    };
    let (included, beyond) = match model {
        PriceModel::Package { included, beyond, .. } => (included.to_string(), beyond.to_string()),
        _ => (none(), none()),
    };
    vec![
        ("model", word.to_owned()),
        ("price", price),
        ("tiers", tiers),
        ("tier_scope", scope),
        ("included", included),
        ("beyond", beyond),
    ]
}

fn resource(allocation: &Allocation) -> Row {
    vec![
        ("code", allocation.code.to_string()),
        ("system", allocation.system.to_string()),
        ("form", allocation.form.to_string()),
        ("kind", allocation.kind.to_string()),
        ("spec", allocation.spec.to_string()),
        ("node", allocation.node.to_string()),
        ("native_id", or_blank(allocation.native_id.as_ref())),
        ("parent", or_blank(allocation.parent.as_ref())),
        ("from", allocation.period.from().to_string()),
        ("to", or_blank(allocation.period.end())),
    ]
}

fn accepted(work: &Allocation) -> Row {
    vec![
        ("code", work.code.to_string()),
        ("system", work.system.to_string()),
        ("form", work.form.to_string()),
        ("spec", work.spec.to_string()),
        ("node", work.node.to_string()),
        ("accepted_at", work.period.from().day().to_string()),
    ]
}
