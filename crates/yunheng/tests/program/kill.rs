//! Killed at any moment, nothing is half there, and the next run brings it to the same end.

use crate::desk::{Desk, OPEN, copy, import_of, program, village};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What is waited for before the process is killed.
#[derive(Debug, Clone, Copy)]
enum Sign {
    /// The program has hardly begun.
    Started,
    /// A file below this folder of the data that was not there.
    NewFile(&'static str),
    /// Any change of the database or its log.
    Database,
    /// As before, and so many more of them.
    Databases(usize),
}

/// A state that a sign changes.
fn seen(data: &Path, sign: Sign) -> Vec<(PathBuf, u64, Option<std::time::SystemTime>)> {
    let mut found = Vec::new();
    let mut folders = match sign {
        Sign::Started => Vec::new(),
        Sign::NewFile(folder) => vec![data.join(folder)],
        Sign::Database | Sign::Databases(_) => {
            for name in ["yunheng.db", "yunheng.db-wal"] {
                if let Ok(meta) = fs::metadata(data.join(name)) {
                    found.push((PathBuf::from(name), meta.len(), meta.modified().ok()));
                }
            }
            Vec::new()
        }
    };
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.push((entry.path(), 0, None));
            }
        }
    }
    found.sort();
    found
}

fn start(command: &mut Command) -> Child {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

/// Starts a command and kills it at a sign. Whether it was killed; otherwise it was faster.
fn kill_at(command: &mut Command, data: &Path, sign: Sign) -> bool {
    let mut before = seen(data, sign);
    let mut left = if let Sign::Databases(count) = sign { count } else { 1 };
    let mut child = start(command);
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            assert!(status.success(), "{sign:?}: it failed by itself: {status}");
            return false;
        }
        let now = seen(data, sign);
        if now != before {
            before = now;
            left -= 1;
        }
        if left == 0 || matches!(sign, Sign::Started) {
            // SIGKILL on Unix: nothing can be tidied up.
            child.kill().expect("the child is ours");
            return !child.wait().expect("a child").success();
        }
    }
}

const SIGNS: [Sign; 11] = [
    Sign::Started,
    Sign::Database,
    Sign::NewFile("lake/usage"),
    Sign::Databases(2),
    Sign::NewFile("lake/charges"),
    Sign::Databases(3),
    Sign::NewFile("lake/differences"),
    Sign::Databases(4),
    Sign::Databases(5),
    Sign::Databases(6),
    Sign::Databases(8),
];

#[test]
fn a_killed_close_is_open_or_closed_and_ends_the_same() {
    let undisturbed = Desk::new();
    undisturbed.run(&["month", "close", OPEN]).ok();
    let (charges, shown) = (undisturbed.charges(OPEN), undisturbed.month(OPEN));
    let statements = undisturbed.json(&["statement", "list", OPEN]);
    let mut killed = Vec::new();
    for sign in SIGNS {
        let desk = Desk::new();
        if kill_at(&mut desk.command(&["month", "close", OPEN]), &desk.data(), sign) {
            killed.push(sign);
        }
        desk.is_whole();
        desk.head();
        let after = desk.month(OPEN);
        if after["closed_at"] == true {
            assert_eq!(after, shown, "{sign:?}: half closed");
        } else {
            assert_eq!(
                after["statements"],
                serde_json::json!({}),
                "{sign:?}: open, with statements"
            );
            desk.run(&["month", "close", OPEN]).ok();
        }
        assert_eq!(desk.month(OPEN), shown, "{sign:?}");
        assert!(desk.charges(OPEN) == charges, "{sign:?}: other charges");
        assert_eq!(desk.json(&["statement", "list", OPEN]), statements, "{sign:?}");
        desk.is_whole();
        desk.run(&["doctor", "--clean"]).ok();
        desk.is_clean();
    }
    assert!(
        killed.len() > SIGNS.len() / 2,
        "too few were killed to say anything: {killed:?}"
    );
}

/// A data folder on which the open month's files of a node have not been collected yet.
fn before_delivery(undelivered: usize) -> (Desk, PathBuf, Vec<PathBuf>) {
    let desk = Desk::new();
    let inbox = desk.folder().join("inbox");
    copy(&village().join("city/nodes/N1"), &inbox);
    // Later numbers than any that were taken in: the same looks again, a month on, by new manifests.
    let folder = inbox.display().to_string();
    desk.run(&[
        "node",
        "add",
        "N9",
        "--name",
        "试验节点",
        "--provider",
        "P1",
        "--files",
        &folder,
        "--since",
        "2024-01-01",
    ])
    .ok();
    let mut files: Vec<PathBuf> = fs::read_dir(&inbox)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let mut kept = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().replacen("N1-", "N9-", 1);
        let number: usize = name[3..9].parse().unwrap();
        if number > undelivered || name.ends_with(".receipt.json") {
            fs::remove_file(&path).unwrap();
            continue;
        }
        let new = inbox.join(&name);
        if name.ends_with(".json") {
            let text = fs::read_to_string(&path)
                .unwrap()
                .replace("\"N1\"", "\"N9\"")
                .replace("\"N1-", "\"N9-");
            fs::write(&new, text).unwrap();
            fs::remove_file(&path).unwrap();
        } else {
            fs::rename(&path, &new).unwrap();
        }
        kept.push(new);
    }
    (desk, inbox, kept)
}

fn collected(desk: &Desk) -> (serde_json::Value, serde_json::Value) {
    let nodes = desk.json(&["node", "list"]);
    let node = nodes
        .as_array()
        .unwrap()
        .iter()
        .find(|node| node["code"] == "N9")
        .unwrap();
    let seen = desk.json(&["inventory", "--node", "N9", "--as-of", "2024-07-20"]);
    (serde_json::json!([node["looks"], node["last_look"]]), seen)
}

#[test]
fn a_killed_collect_goes_on_where_it_was() {
    const LOOKS: usize = 40;
    let (undisturbed, inbox, kept) = before_delivery(LOOKS);
    assert!(kept.len() >= 2 * LOOKS, "{kept:?} in {inbox:?}");
    let whole = undisturbed.json(&["collect", "N9"]);
    assert_eq!(whole["looks"], LOOKS, "{whole:#}");
    let right = collected(&undisturbed);
    let mut killed = 0;
    for sign in [
        Sign::NewFile("payloads"),
        Sign::Databases(2),
        Sign::Databases(9),
        Sign::NewFile("../inbox"),
        Sign::Databases(20),
    ] {
        let (desk, _, _) = before_delivery(LOOKS);
        killed += usize::from(kill_at(&mut desk.command(&["collect", "N9"]), &desk.data(), sign));
        desk.is_whole();
        desk.head();
        let rest = desk.json(&["collect", "N9"]);
        assert_eq!(rest["refused"], serde_json::json!([]), "{sign:?}");
        assert_eq!(collected(&desk), right, "{sign:?}");
        desk.is_whole();
        let again = desk.json(&["collect", "N9"]);
        assert_eq!(again["looks"], 0, "{sign:?}");
    }
    assert!(killed >= 3, "only {killed} were killed");
}

/// A register, a contract and many allocations on a store that knows nothing of them.
fn many_allocations(rows: usize) -> Vec<u8> {
    let heading = String::from_utf8(import_of("2024-06", "allocations.csv"))
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned();
    let lines = (0..rows).map(|n| {
        format!(
            "ZZ-{n:06},S0001,共享云,云硬盘,均衡型,storage_gib=100,N1,N1-XC,zz-{n:06},ZWY-2023-01,,2025-06-05 10:00:00,"
        )
    });
    std::iter::once(heading)
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
        .into_bytes()
}

#[test]
fn a_killed_import_is_whole_or_not_there() {
    const ROWS: usize = 4000;
    let bytes = many_allocations(ROWS);
    let count = |desk: &Desk| {
        let rows = desk.json(&["inventory", "--as-of", "2025-06-06", "--node", "N1"]);
        rows.as_array()
            .unwrap()
            .iter()
            .filter(|row| row["allocation"].as_str().unwrap().starts_with("ZZ-"))
            .count()
    };
    let mut killed = 0;
    for sign in [
        Sign::Started,
        Sign::Database,
        Sign::Databases(2),
        Sign::Databases(3),
        Sign::NewFile("payloads"),
    ] {
        let desk = Desk::new();
        let head = desk.head();
        let path = desk.file("many.csv", &bytes);
        killed += usize::from(kill_at(
            &mut desk.command(&["import", "allocations", &path]),
            &desk.data(),
            sign,
        ));
        desk.is_whole();
        let after = count(&desk);
        assert!(
            after == 0 && desk.head() == head || after == ROWS && desk.head() != head,
            "{sign:?}: {after} rows"
        );
        desk.run(&["import", "allocations", &path]).ok();
        assert_eq!(count(&desk), ROWS, "{sign:?}");
    }
    assert!(killed >= 1, "none was killed");
}

#[test]
fn a_killed_export_leaves_no_half_file() {
    let desk = Desk::new();
    let folder = desk.folder().join("out");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("charges.csv");
    let shown = path.display().to_string();
    desk.run(&["export", "charges", "2024-06", "2025-05", "--file", &shown])
        .ok();
    let whole = fs::read(&path).unwrap();
    let mut command = program();
    command
        .arg("--data")
        .arg(desk.data())
        .args(["export", "charges", "2024-06", "2025-05", "--file", &shown]);
    kill_at(&mut command, &desk.data(), Sign::NewFile("../out"));
    assert!(fs::read(&path).unwrap() == whole);
}
