//! Checks the order of the house: which crate may know which, how long files are, words that say nothing, and that
//! paths named in documents and tests named in the table of traps exist. `make check` runs it; it prints every fault
//! and fails if there is one.

mod traps;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Which crates of ours each crate may depend on. What is not listed here may not exist.
const MAY_USE: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("domain", &["kernel"]),
    ("store", &["domain", "kernel"]),
    ("lake", &["domain", "kernel"]),
    ("sources", &["domain", "kernel"]),
    ("documents", &["kernel"]),
    ("policy", &["domain", "kernel"]),
    ("identity", &["kernel"]),
    (
        "app",
        &[
            "store",
            "lake",
            "sources",
            "documents",
            "policy",
            "identity",
            "domain",
            "kernel",
        ],
    ),
    ("api", &["app", "domain", "kernel"]),
    ("city", &["sources", "domain", "kernel"]),
    (
        "yunheng",
        &[
            "api",
            "app",
            "city",
            "store",
            "lake",
            "sources",
            "documents",
            "policy",
            "identity",
            "domain",
            "kernel",
        ],
    ),
    (
        "bench",
        &[
            "app",
            "city",
            "store",
            "lake",
            "sources",
            "documents",
            "policy",
            "domain",
            "kernel",
        ],
    ),
    ("test-support", &["app", "city", "store", "lake", "domain", "kernel"]),
    ("house", &[]),
];

/// Steps of the domain in their order: each may use those before it.
const STEPS: &[&str] = &[
    "registry",
    "authz",
    "catalogue",
    "calendar",
    "rules",
    "flow",
    "budget",
    "request",
    "work",
    "collect",
    "meter",
    "rate",
    "reconcile",
    "settle",
];

const LINES_MAX: usize = 600;
const EMPTY_WORDS: &[&str] = &["utils", "helpers", "common", "manager", "misc"];

fn main() -> ExitCode {
    let mut faults = Vec::new();
    dependencies(&mut faults);
    let files = files();
    for file in &files {
        sizes_and_words(file, &mut faults);
        domain_order(file, &mut faults);
        paths_in_documents(file, &mut faults);
    }
    traps::check(&files, &mut faults);
    if faults.is_empty() {
        say(&format!("the house is in order: {} files", files.len()));
        return ExitCode::SUCCESS;
    }
    faults.iter().for_each(|fault| say(fault));
    ExitCode::FAILURE
}

#[expect(clippy::print_stdout, reason = "this program exists to print")]
fn say(text: &str) {
    println!("{text}");
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(|_| String::new(), |o| String::from_utf8_lossy(&o.stdout).into_owned())
}

/// Every file of the repository, also those that are new and not ignored.
fn files() -> Vec<PathBuf> {
    let list = output("git", &["ls-files", "--cached", "--others", "--exclude-standard"]);
    list.lines().map(PathBuf::from).filter(|file| file.exists()).collect()
}

fn dependencies(faults: &mut Vec<String>) {
    let metadata: Value =
        serde_json::from_str(&output("cargo", &["metadata", "--format-version", "1", "--no-deps"])).unwrap_or_default();
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if packages.is_empty() {
        faults.push("cargo metadata says nothing".to_owned());
    }
    let name = |value: &Value| value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let ours: Vec<String> = packages.iter().map(name).collect();
    for package in &packages {
        let own = name(package);
        let Some((_, may)) = MAY_USE.iter().find(|(of, _)| *of == own) else {
            faults.push(format!("crate {own} is not in the table of tests/house"));
            continue;
        };
        let dependencies = package
            .get("dependencies")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let normal = dependencies.iter().filter(|d| d.get("kind").is_none_or(Value::is_null));
        for used in normal.map(name).filter(|used| ours.contains(used)) {
            if !may.contains(&used.as_str()) {
                faults.push(format!("crate {own} may not depend on {used}"));
            }
        }
    }
}

fn is_ours(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "rs")
}

fn sizes_and_words(file: &Path, faults: &mut Vec<String>) {
    if !is_ours(file) {
        return;
    }
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!(
            "{} has {lines} lines, {LINES_MAX} are the most",
            file.display()
        ));
    }
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if EMPTY_WORDS.contains(&stem) {
        faults.push(format!("{}: a name that says nothing", file.display()));
    }
    if stem != "tests" && file.starts_with("crates") && !text.trim_start().starts_with("//!") {
        faults.push(format!("{} does not say what it owns (//!)", file.display()));
    }
}

fn domain_order(file: &Path, faults: &mut Vec<String>) {
    let Ok(inside) = file.strip_prefix("crates/domain/src") else {
        return;
    };
    let step = inside
        .components()
        .next()
        .and_then(|c| c.as_os_str().to_str())
        .unwrap_or_default();
    let Some(place) = STEPS.iter().position(|s| *s == step) else {
        return;
    };
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let (product, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
    for later in STEPS.iter().skip(place + 1) {
        if product.contains(&format!("crate::{later}")) {
            faults.push(format!("{}: step {step} uses the later step {later}", file.display()));
        }
    }
}

/// Paths in backticks in our documents must exist.
fn paths_in_documents(file: &Path, faults: &mut Vec<String>) {
    let is_document = file.extension().is_some_and(|ending| ending == "md");
    if !is_document || file.starts_with("city") {
        return;
    }
    let text = std::fs::read_to_string(file).unwrap_or_default();
    for quoted in text.split('`').skip(1).step_by(2) {
        let is_path = ["crates/", "docs/", "tests/", "benches/", "city/", "policies/"]
            .iter()
            .any(|start| quoted.starts_with(start));
        let plain = !quoted.contains(['*', ' ', '{', '<', '…', '\n']);
        if is_path && plain && !Path::new(quoted.trim_end_matches('/')).exists() {
            faults.push(format!("{} names {quoted}, which is not there", file.display()));
        }
    }
}
