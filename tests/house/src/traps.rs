//! The table of traps in `docs/traps.md`: every test and golden month that it names must be there, and every trap must
//! name one or say why it cannot happen.
//!
//! A test is named as `package::file test` (an integration test) or `package module::path test` (beside the code).

use std::path::{Path, PathBuf};

const TABLE: &str = "docs/traps.md";
const MONTHS: &str = "tests/golden/months";
/// Words for a trap that needs no test, with the reason behind them.
const EXCUSES: &[&str] = &["不会发生", "不在本期"];

/// Checks the table against the files of the repository.
pub fn check(files: &[PathBuf], faults: &mut Vec<String>) {
    let text = std::fs::read_to_string(TABLE).unwrap_or_default();
    let rows: Vec<Vec<&str>> = text.lines().filter_map(cells).collect();
    if rows.is_empty() {
        faults.push(format!("{TABLE} has no rows"));
    }
    for row in rows {
        let [trap, answer, proof] = row.as_slice() else {
            faults.push(format!("{TABLE}: a row has not three cells: {}", row.join(" | ")));
            continue;
        };
        let proofs = proofs(proof);
        if proofs.is_empty() && !EXCUSES.iter().any(|excuse| answer.starts_with(excuse)) {
            faults.push(format!(
                "{TABLE}: 「{trap}」 names neither a test nor why it cannot happen"
            ));
        }
        for missing in proofs.into_iter().filter(|proof| !proof.is_there(files)) {
            faults.push(format!("{TABLE}: 「{trap}」 names {missing:?}, which is not there"));
        }
    }
}

/// The cells of a row of a table; none for other lines, headings and rules.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inside = line.strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inside.split('|').map(str::trim).collect();
    let is_head = cells.first() == Some(&"坑") || cells.iter().all(|cell| cell.starts_with("---"));
    (!is_head).then_some(cells)
}

/// What proves an answer.
#[derive(Debug, PartialEq, Eq)]
enum Proof {
    /// A test, by the folder or file it stands in, as a part of the path.
    Test { place: String, name: String },
    /// A golden month; all that begin like it if it ends with `*`.
    Month(String),
}

fn proofs(cell: &str) -> Vec<Proof> {
    let mut found = Vec::new();
    let mut months = false;
    for part in cell.split(['；', '、']).map(str::trim) {
        let named = part.strip_prefix("黄金月份");
        let words: Vec<&str> = named
            .unwrap_or(part)
            .split_whitespace()
            .filter(|word| *word != "与")
            .collect();
        // Months go on until something else is named.
        months = named.is_some() || (months && !part.contains('_'));
        match words.split_last() {
            Some(_) if months => found.extend(words.iter().map(|name| Proof::Month((*name).to_owned()))),
            Some((name, place)) if !place.is_empty() => {
                let place = place.join("/").replace("::", "/");
                let name = (*name).to_owned();
                found.push(Proof::Test { place, name });
            }
            // A word alone, which is nowhere: it will be reported.
            Some((name, _)) if *name != "—" => found.push(Proof::Month((*name).to_owned())),
            _ => {}
        }
    }
    found
}

impl Proof {
    fn is_there(&self, files: &[PathBuf]) -> bool {
        match self {
            Self::Month(name) if name == "全部" => true,
            Self::Month(name) => {
                let (start, open) = name
                    .strip_suffix('*')
                    .map_or((name.as_str(), false), |start| (start, true));
                let months = files.iter().filter_map(|file| file.strip_prefix(MONTHS).ok());
                let mut stems = months.filter_map(|month| month.iter().next()?.to_str()?.split('.').next());
                stems.any(|stem| stem == start || (open && stem.starts_with(start)))
            }
            Self::Test { place, name } => {
                let wanted = [format!("fn {name}("), format!("fn {name}<")];
                let mut sources = files.iter().filter(|file| is_at(file, place));
                sources.any(|file| {
                    let text = std::fs::read_to_string(file).unwrap_or_default();
                    wanted.iter().any(|wanted| text.contains(wanted))
                })
            }
        }
    }
}

/// Whether a source file stands at a place such as `domain/looks` or `app/export/month_lines`: in this package, and
/// with the rest in its path, in this order.
fn is_at(file: &Path, place: &str) -> bool {
    let mut names = file
        .iter()
        .filter_map(|name| name.to_str())
        .map(|name| name.strip_suffix(".rs").unwrap_or(name))
        .skip_while(|name| *name == "crates");
    let is_source = file.extension().is_some_and(|ending| ending == "rs");
    let mut wanted = place.split('/');
    let in_package = names.next() == wanted.next();
    is_source && in_package && wanted.all(|wanted| names.any(|name| name == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(place: &str, name: &str) -> Proof {
        Proof::Test {
            place: place.into(),
            name: name.into(),
        }
    }

    #[test]
    fn a_cell_names_tests_and_months() {
        let cell = "domain::looks a_b；domain registry::history c_d、yunheng::program e_f；黄金月份 late-release、proration-* 与 half-a-fen";
        let month = |name: &str| Proof::Month(name.into());
        assert_eq!(
            proofs(cell),
            [
                test("domain/looks", "a_b"),
                test("domain/registry/history", "c_d"),
                test("yunheng/program", "e_f"),
                month("late-release"),
                month("proration-*"),
                month("half-a-fen"),
            ]
        );
        assert_eq!(proofs("黄金月份全部"), [month("全部")]);
        assert_eq!(proofs("—"), []);
    }

    #[test]
    fn what_is_not_there_is_found_out() {
        let files = ["crates/domain/tests/looks.rs", "tests/golden/months/half-a-fen.toml"].map(PathBuf::from);
        assert!(!test("domain/looks", "no_such_test").is_there(&files));
        assert!(Proof::Month("half-*".into()).is_there(&files));
        assert!(!Proof::Month("half".into()).is_there(&files));
        assert!(
            is_at(&files[0], "domain/looks") && !is_at(&files[0], "app/looks") && !is_at(&files[0], "domain/bills")
        );
    }
}
