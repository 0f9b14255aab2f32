//! Killed at any moment, nothing is half there, and the next run brings it to the same end.
//!
//! No kill depends on how fast anything is. A program is killed where it cannot go on: while the test holds the place
//! of the only writer, or at a pipe that nobody reads. Or the system kills it at the very byte at which a file would
//! grow beyond a limit (`ulimit -f` and SIGXFSZ), which cuts files and commits in the middle.

use crate::desk::{Desk, OPEN, copy, many_allocations, village};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

const SIGKILL: i32 = 9;
const SIGXFSZ: i32 = 25;
/// Smallest limit in blocks of 512 bytes: the index of SQLite's log alone has 32 KiB.
const BLOCKS_MIN: u64 = 80;

/// Files below a folder that have got their names.
fn named(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|ending| ending == "parquet" || ending == "zst")
            {
                found.insert(path);
            }
        }
    }
    found
}

/// Kills the program once something is so. It must not end before: what it waits for does not come.
fn kill_when(mut child: Child, mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    child.kill().expect("the child is ours");
    assert_eq!(child.wait().expect("a child").signal(), Some(SIGKILL));
}

/// Runs a command that is killed as soon as it wants to commit, once there is a new file in this folder.
async fn kill_before_commit(desk: &Desk, words: &[&str], folder: &str) {
    let writer = desk.writer().await;
    let folder = desk.data().join(folder);
    let before = named(&folder);
    kill_when(desk.begin(words), || named(&folder) != before);
    drop(writer);
}

/// The command, which the system kills when one of its files would grow beyond so many blocks of 512 bytes.
fn cut(desk: &Desk, blocks: u64, words: &[&str]) -> Command {
    // The log of the database is emptied first, so that it grows from nothing.
    desk.run(&["migrate"]).ok();
    desk.limited(&format!("ulimit -c 0; ulimit -f {blocks}"), words)
}

/// Whether the system killed it; otherwise it must have succeeded.
fn is_cut(mut command: Command) -> bool {
    let output = command.output().expect("the program starts");
    let cut = output.status.signal() == Some(SIGXFSZ);
    assert!(cut || output.status.success(), "{output:?}");
    cut
}

/// What a closed month looks like.
struct Closed {
    charges: Vec<u8>,
    shown: serde_json::Value,
    statements: serde_json::Value,
}

impl Closed {
    fn of(desk: &Desk) -> Self {
        Self {
            charges: desk.charges(OPEN),
            shown: desk.month(OPEN),
            statements: desk.json(&["statement", "list", OPEN]),
        }
    }

    /// Whatever happened, the month is open without statements or closed as a whole, and ends closed like this.
    fn is_reached_by(&self, desk: &Desk, what: &str) {
        desk.is_whole();
        desk.head();
        let after = desk.month(OPEN);
        if after["closed_at"] == true {
            assert_eq!(after, self.shown, "{what}: half closed");
        } else {
            assert_eq!(
                after["statements"],
                serde_json::json!({}),
                "{what}: open, with statements"
            );
            desk.run(&["month", "close", OPEN]).ok();
        }
        assert_eq!(desk.month(OPEN), self.shown, "{what}");
        assert!(desk.charges(OPEN) == self.charges, "{what}: other charges");
        assert_eq!(desk.json(&["statement", "list", OPEN]), self.statements, "{what}");
        desk.run(&["doctor", "--clean"]).ok();
        desk.is_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_killed_before_each_commit_ends_the_same() {
    let undisturbed = Desk::new();
    undisturbed.run(&["month", "close", OPEN]).ok();
    let right = Closed::of(&undisturbed);
    for (done, folder) in [
        (&[][..], "lake/usage"),
        (&["meter"], "lake/charges"),
        (&["meter", "rate"], "lake/differences"),
    ] {
        let desk = Desk::new();
        for step in done {
            desk.run(&["month", step, OPEN]).ok();
        }
        let head = desk.head();
        kill_before_commit(&desk, &["month", "close", OPEN], folder).await;
        assert_eq!(desk.head(), head, "{folder}: nothing was committed");
        right.is_reached_by(&desk, folder);
    }
}

#[test]
fn a_close_cut_at_any_byte_ends_the_same() {
    let undisturbed = Desk::new();
    undisturbed.run(&["month", "close", OPEN]).ok();
    let right = Closed::of(&undisturbed);
    // From the whole run, and from its last commit alone.
    for done in [&[][..], &["meter", "rate", "reconcile"]] {
        let mut heads = BTreeSet::new();
        for step in 0.. {
            let desk = Desk::new();
            for step in done {
                desk.run(&["month", step, OPEN]).ok();
            }
            let blocks = BLOCKS_MIN << step;
            let killed = is_cut(cut(&desk, blocks, &["month", "close", OPEN]));
            heads.insert(desk.json(&["audit", "verify"])["entries"].as_i64());
            right.is_reached_by(&desk, &format!("{done:?} {blocks} blocks"));
            if !killed {
                break;
            }
        }
        assert!(heads.len() > 1, "the smallest limit was no limit for {done:?}");
    }
}

const LOOKS: usize = 40;

/// A node N9 with a folder of its own, and the files of its first looks, to be delivered when it suits.
struct Provider {
    desk: Desk,
    inbox: PathBuf,
}

impl Provider {
    fn new() -> Self {
        let desk = Desk::new();
        let inbox = desk.folder().join("inbox");
        fs::create_dir_all(&inbox).unwrap();
        let folder = inbox.display().to_string();
        let mut words = vec!["node", "add", "N9", "--name", "试验节点", "--provider", "P1"];
        words.extend(["--files", &folder, "--since", "2024-01-01"]);
        desk.run(&words).ok();
        Self { desk, inbox }
    }

    /// Puts what node N1 handed in under these numbers into the folder, as of N9.
    fn deliver(&self, numbers: std::ops::RangeInclusive<usize>) {
        let from = self.desk.folder().join("of N1");
        copy(&village().join("city/nodes/N1"), &from);
        for entry in fs::read_dir(&from).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().replacen("N1-", "N9-", 1);
            let number: usize = name[3..9].parse().unwrap();
            if !numbers.contains(&number) || name.ends_with(".receipt.json") {
                continue;
            }
            let mut bytes = fs::read(entry.path()).unwrap();
            if name.ends_with(".json") {
                let text = String::from_utf8(bytes).unwrap();
                bytes = text.replace("\"N1\"", "\"N9\"").replace("\"N1-", "\"N9-").into_bytes();
            }
            fs::write(self.inbox.join(&name), bytes).unwrap();
        }
    }

    fn looks(&self) -> i64 {
        let nodes = self.desk.json(&["node", "list"]);
        let nodes = nodes.as_array().unwrap();
        let node = nodes.iter().find(|node| node["code"] == "N9").unwrap();
        node["looks"].as_i64().unwrap()
    }

    fn seen(&self) -> serde_json::Value {
        self.desk.json(&["inventory", "--node", "N9", "--as-of", "2024-07-20"])
    }

    /// Collects the rest, after which all is as if nothing had happened.
    fn ends_with(&self, right: &serde_json::Value, what: &str) {
        self.desk.is_whole();
        self.desk.head();
        let rest = self.desk.json(&["collect", "N9"]);
        assert_eq!(rest["refused"], serde_json::json!([]), "{what}");
        assert_eq!(
            (self.looks(), &self.seen()),
            (i64::try_from(LOOKS).unwrap(), right),
            "{what}"
        );
        for number in 1..=LOOKS {
            assert!(
                self.inbox.join(format!("N9-{number:06}.receipt.json")).is_file(),
                "{what}: {number}"
            );
        }
        assert_eq!(self.desk.json(&["collect", "N9"])["looks"], 0, "{what}");
        self.desk.run(&["doctor", "--clean"]).ok();
        self.desk.is_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_collect_goes_on_where_it_was() {
    let undisturbed = Provider::new();
    undisturbed.deliver(1..=LOOKS);
    assert_eq!(undisturbed.desk.json(&["collect", "N9"])["looks"], LOOKS);
    let right = undisturbed.seen();
    assert!(right.as_array().is_some_and(|rows| !rows.is_empty()));
    for place in [1, 17, LOOKS] {
        // Kept, but not recorded.
        let provider = Provider::new();
        provider.deliver(1..=place - 1);
        provider.desk.json(&["collect", "N9"]);
        provider.deliver(place..=LOOKS);
        kill_before_commit(&provider.desk, &["collect", "N9"], "payloads").await;
        assert_eq!(provider.looks(), i64::try_from(place).unwrap() - 1);
        provider.ends_with(&right, &format!("look {place}, before it is recorded"));

        // Recorded, but without a receipt: where it is to be written stands a pipe that nobody reads.
        let provider = Provider::new();
        provider.deliver(1..=LOOKS);
        let pipe = provider.inbox.join(format!(".N9-{place:06}.receipt.json.part"));
        let made = Command::new("mkfifo").arg(&pipe).status().expect("a system has pipes");
        assert!(made.success());
        let recorded = i64::try_from(place).unwrap();
        kill_when(provider.desk.begin(&["collect", "N9"]), || provider.looks() == recorded);
        fs::remove_file(&pipe).unwrap();
        assert_eq!(provider.looks(), recorded);
        provider.ends_with(&right, &format!("look {place}, before its receipt"));
    }
    // In the middle of a commit.
    let mut cuts = BTreeSet::new();
    for step in 0.. {
        let provider = Provider::new();
        provider.deliver(1..=LOOKS);
        let killed = is_cut(cut(&provider.desk, BLOCKS_MIN << step, &["collect", "N9"]));
        cuts.insert(provider.looks());
        provider.ends_with(&right, &format!("{} blocks", BLOCKS_MIN << step));
        if !killed {
            break;
        }
    }
    assert!(cuts.len() > 2, "{cuts:?}");
}

#[test]
fn a_killed_import_is_whole_or_not_there() {
    const ROWS: usize = 4000;
    let bytes = many_allocations("ZZ", ROWS);
    let count = |desk: &Desk| {
        let rows = desk.json(&["inventory", "--as-of", "2025-06-06", "--node", "N1"]);
        let rows = rows.as_array().unwrap().iter();
        rows.filter(|row| row["allocation"].as_str().unwrap().starts_with("ZZ-"))
            .count()
    };
    let (mut kills, mut in_the_commit) = (0, 0);
    for step in 0.. {
        let desk = Desk::new();
        let head = desk.head();
        let path = desk.file("many.csv", &bytes);
        let words = ["import", "allocations", &path];
        if !is_cut(cut(&desk, BLOCKS_MIN << step, &words)) {
            assert_eq!(count(&desk), ROWS);
            break;
        }
        kills += 1;
        desk.is_whole();
        // Beyond the log stands the database itself, into which what was committed is carried over.
        let whole = if desk.head() == head { 0 } else { ROWS };
        assert_eq!(count(&desk), whole, "{kills}");
        in_the_commit += usize::from(whole == 0);
        desk.run(&words).ok();
        assert_eq!(count(&desk), ROWS, "{kills}");
    }
    // The rows have more than a hundred bytes each, all written by one commit.
    assert!(in_the_commit >= 3, "{in_the_commit} of {kills}");
}

#[test]
fn a_killed_export_leaves_no_half_file() {
    let desk = Desk::new();
    let path = desk.folder().join("charges.csv").display().to_string();
    let words = ["export", "charges", "2024-06", "2025-05", "--file", &path];
    desk.run(&words).ok();
    let whole = fs::read(&path).unwrap();
    let blocks = u64::try_from(whole.len()).unwrap() / 512;
    assert!(blocks > 2 * BLOCKS_MIN, "{blocks}");
    for blocks in [BLOCKS_MIN, blocks / 2, blocks - 1] {
        assert!(is_cut(cut(&desk, blocks, &words)), "{blocks}");
        assert!(fs::read(&path).unwrap() == whole, "{blocks}");
        fs::remove_file(&path).unwrap();
        assert!(is_cut(cut(&desk, blocks, &words)), "{blocks}");
        assert!(!Path::new(&path).exists(), "{blocks}");
        fs::write(&path, &whole).unwrap();
    }
}
