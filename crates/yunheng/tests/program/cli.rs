//! The command line: help in both languages, results for programs, results for spreadsheets.

use crate::desk::{CLOSED, Desk, OPEN, program, run};
use std::collections::BTreeSet;

/// Every command, found by reading the help like a person would.
fn commands() -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        let help = help(&path, "en");
        let mut lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        while let Some(name) = lines
            .next()
            .filter(|line| line.starts_with("  "))
            .and_then(|line| line.split_whitespace().next())
        {
            found.push([path.as_slice(), &[name.to_owned()]].concat());
        }
    }
    found
}

fn help(path: &[String], language: &str) -> String {
    let mut words: Vec<&str> = path.iter().map(String::as_str).collect();
    words.extend(["--help", "--lang", language]);
    run(&words).ok()
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[test]
fn every_command_has_help_and_examples_in_both_languages() {
    let commands = commands();
    assert!(commands.len() >= 35, "{commands:?}");
    for path in &commands {
        let leaf = !commands
            .iter()
            .any(|other| other.len() > path.len() && other.starts_with(path));
        let (en, zh) = (help(path, "en"), help(path, "zh"));
        let example = format!("  yunheng {}", path.join(" "));
        if leaf || path.is_empty() {
            assert!(en.contains("Examples:") && zh.contains("示例:"), "{path:?}: {en}");
        }
        // The words stand in the example, with options or arguments between or behind them.
        if leaf {
            let last = path.last().unwrap();
            assert!(
                en.lines()
                    .any(|line| line.starts_with("  yunheng") && line.contains(last)),
                "{example}: {en}"
            );
        }
        assert!(en.contains("Usage: yunheng"), "{en}");
        assert!(!en.lines().next().unwrap().chars().any(is_chinese), "{path:?}: {en}");
        assert!(zh.lines().next().unwrap().chars().any(is_chinese), "{path:?}: {zh}");
    }
}

#[test]
fn options_are_explained_in_the_language() {
    for path in commands() {
        let zh = help(&path, "zh");
        let untold: Vec<_> = zh
            .lines()
            .filter(|line| line.starts_with("          ") && !line.chars().any(is_chinese))
            .collect();
        let untold: Vec<_> = untold
            .into_iter()
            .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with(['[', '-']))
            .collect();
        assert!(untold.is_empty(), "{path:?}: {untold:#?}");
    }
}

#[test]
fn every_reading_command_speaks_json() {
    let desk = Desk::new();
    for words in [
        &["node", "list"][..],
        &["node", "test", "N1"],
        &["inventory", "--as-of", "2025-03-15"],
        &["month", "show", CLOSED],
        &["month", "show", OPEN],
        &["month", "rerate", CLOSED, "--reason", "核对"],
        &["statement", "list", CLOSED],
        &["statement", "show", "JS-202505-0001"],
        &["explain", "202505-000001"],
        &["case"],
        &["case", "--all"],
        &["audit", "verify"],
        &["audit", "show", "--limit", "3"],
        &["doctor"],
        &["config", "check"],
        &["config", "print-default"],
    ] {
        let head = desk.head();
        assert!(!desk.json(words).is_null(), "{words:?}");
        assert_eq!(desk.head(), head, "{words:?} changed the store");
    }
}

#[test]
fn every_line_of_a_closed_month_is_explained() {
    let desk = Desk::new();
    let text = String::from_utf8(desk.charges(CLOSED)).unwrap();
    let numbers: Vec<_> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap())
        .collect();
    assert!(numbers.len() > 100);
    for number in numbers.iter().step_by(9) {
        let explained = desk.json(&["explain", number]);
        assert!(
            explained["arithmetic"]
                .as_array()
                .is_some_and(|steps| !steps.is_empty()),
            "{explained:#}"
        );
    }
}

#[test]
fn formulas_are_quoted_for_spreadsheets() {
    let desk = Desk::new();
    let cells = |text: &str| -> BTreeSet<String> {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        reader
            .records()
            .flat_map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    };
    let is_formula = |cell: &str| {
        let number = cell
            .strip_prefix('-')
            .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ','));
        cell.starts_with(['=', '+', '-', '@']) && !number
    };
    let exported = cells(&String::from_utf8(desk.charges(CLOSED)).unwrap());
    assert!(
        exported.iter().any(|cell| cell.starts_with("'=HYPERLINK")),
        "the planted name is not there"
    );
    for words in [
        &["inventory", "--as-of", "2025-03-15"][..],
        &["statement", "list", CLOSED],
        &["statement", "show", "JS-202505-0001"],
        &["case"],
        &["node", "list"],
    ] {
        let printed = cells(&desk.run(&[words, &["--output", "csv"]].concat()).ok());
        assert!(!printed.is_empty(), "{words:?}");
        assert_eq!(printed.iter().find(|cell| is_formula(cell)), None, "{words:?}");
    }
    assert_eq!(exported.iter().find(|cell| is_formula(cell)), None);
}

#[test]
fn a_wrong_command_line_is_told_with_exit_code_two() {
    for words in [
        &["month", "show", "2025-13"][..],
        &["month"],
        &["nonsense"],
        &["statement", "advance", "X", "--side", "nobody"],
        &["export", "charges", CLOSED],
    ] {
        let said = run(words);
        assert_eq!(said.code, Some(2), "{words:?}: {}", said.err);
        assert!(
            said.err.contains("--help") || said.err.contains("Usage"),
            "{words:?}: {}",
            said.err
        );
    }
}

#[test]
fn the_default_configuration_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("yunheng.toml");
    std::fs::write(&path, run(&["config", "print-default"]).ok()).unwrap();
    let path = path.display().to_string();
    run(&["--config", &path, "config", "check"]).ok();
    std::fs::write(&path, "databse = 1").unwrap();
    let told = run(&["--config", &path, "config", "check"]).failed(3);
    assert!(told.contains("databse"), "{told}");
}

#[test]
fn whoever_stops_reading_is_not_complained_about() {
    let desk = Desk::new();
    let data = desk.data().display().to_string();
    let script = "\"$0\" --quiet --data \"$1\" inventory --as-of 2025-03-15 | head -n 1";
    let output = std::process::Command::new("sh")
        .args(["-c", script, program().get_program().to_str().unwrap(), &data])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}
