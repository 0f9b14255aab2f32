//! A data folder of one test, and the program run on it.
//!
//! The small demo city is settled once for all tests of one build and copied for each. Its nodes' folders lie beside
//! the first copy, so a test that collects gives its node a folder of its own.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use store::{Store, UnitOfWork};
use tempfile::TempDir;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_yunheng");
/// The last month of the demo city: ready and open. It is in the past, so that it can be closed.
pub(crate) const OPEN: &str = "2025-06";
/// The last month that the demo closes.
pub(crate) const CLOSED: &str = "2025-05";
/// Seed of the demo city.
pub(crate) const SEED: u64 = 7;

/// What a run of the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program speaks UTF-8");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Said {
    /// Its output, if it succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.out
    }

    /// Its error, if it failed with this exit code.
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        assert!(self.err.starts_with("错误: "), "{}", self.err);
        self.err
    }
}

/// The program, with none of this machine's settings.
pub(crate) fn program() -> Command {
    let mut command = bare(PROGRAM);
    command.arg("--quiet");
    command
}

/// A command with none of this machine's settings and nothing to read.
fn bare(program: &str) -> Command {
    let mut command = Command::new(program);
    for name in [
        "YUNHENG_DATA",
        "YUNHENG_CONFIG",
        "YUNHENG_DATABASE",
        "YUNHENG_ACTOR",
        "YUNHENG_TOKEN",
        "YUNHENG_LANG",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the program.
pub(crate) fn run(arguments: &[&str]) -> Said {
    program().args(arguments).output().expect("the program starts").into()
}

/// Makes the small demo city in a folder, without its people; its figures.
pub(crate) fn make_demo(folder: &Path, database: Option<&str>) -> String {
    demo(folder, database, &["--no-people", "--until", OPEN])
}

/// The same, with more said.
pub(crate) fn demo(folder: &Path, database: Option<&str>, more: &[&str]) -> String {
    let mut command = program();
    command.args([
        "demo",
        "--small",
        "--output",
        "json",
        "--seed",
        &SEED.to_string(),
        "--dir",
    ]);
    command.arg(folder).args(more);
    command.args(database.into_iter().flat_map(|url| ["--database", url]));
    Said::from(command.output().expect("the program starts")).ok()
}

/// The demo city of this build. Whoever comes first makes it, the others wait.
pub(crate) fn village() -> PathBuf {
    let made = fs::metadata(PROGRAM)
        .and_then(|meta| meta.modified())
        .expect("the program is there");
    let made = made.duration_since(std::time::UNIX_EPOCH).expect("a time").as_nanos();
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let lock = File::create(root.join("village.lock")).expect("a lock");
    lock.lock().expect("the lock is ours");
    let folder = root.join(format!("village-{made}"));
    let ready = folder.join("figures.json");
    if !ready.exists() {
        for old in fs::read_dir(root).expect("a folder").flatten() {
            if old.file_name().to_string_lossy().starts_with("village-") {
                fs::remove_dir_all(old.path()).expect("an older city is removed");
            }
        }
        let figures = make_demo(&folder, None);
        fs::write(&ready, figures).expect("a file");
    }
    folder
}

/// A copy of the demo city's data, for one test.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::of(&village().join("data"))
    }

    /// A copy of a data folder.
    pub(crate) fn of(data: &Path) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        copy(data, &folder.path().join("data"));
        Self { folder }
    }

    /// A folder beside the data.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A command on this data.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.arg("--data").arg(self.data()).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().expect("the program starts").into()
    }

    /// Runs a command by a token.
    pub(crate) fn by(&self, token: &str, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        command.env("YUNHENG_TOKEN", token);
        command.output().expect("the program starts").into()
    }

    /// A command that begins now and goes on beside the test; `said` waits for it.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    }

    /// A command on this data, in a shell that sets limits first.
    pub(crate) fn limited(&self, limits: &str, arguments: &[&str]) -> Command {
        let mut command = bare("sh");
        let script = format!("{limits}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, PROGRAM, "--quiet", "--data"]);
        command.arg(self.data()).args(arguments);
        command
    }

    /// The place of the only writer. As long as it is held, no program commits anything.
    pub(crate) async fn writer(&self) -> UnitOfWork {
        let url = format!("sqlite://{}", self.data().join("yunheng.db").display());
        let store = Store::open(&url).await.expect("the store opens");
        store.begin().await.expect("nobody else writes")
    }

    /// The result of a command that succeeds, as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--output", "json"]].concat();
        let text = self.run(&arguments).ok();
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{arguments:?}: {why}: {text}"))
    }

    /// Writes a file beside the data; its path.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path.display().to_string()
    }

    pub(crate) fn import(&self, kind: &str, name: &str, bytes: &[u8]) -> Said {
        let path = self.file(name, bytes);
        self.run(&["import", kind, &path])
    }

    /// Number and digest of the last audit entry of a change: every change of the store moves it, and nothing else does.
    /// The chain is checked.
    pub(crate) fn head(&self) -> String {
        const PASSING: [&str; 6] = [
            "charges.export",
            "focus.export",
            "differences.export",
            "rerating.export",
            "statement.print",
            "audit.",
        ];
        self.run(&["audit", "verify"]).ok();
        let entries = self.json(&["audit", "show", "--limit", "200"]);
        let is_change = |entry: &&Value| {
            let action = entry["action"].as_str().unwrap_or_default();
            !PASSING.iter().any(|passing| action.starts_with(passing))
        };
        let entries = entries.as_array().expect("a list").iter();
        let last = entries.rev().find(is_change).expect("something was changed");
        format!("{}:{}", last["number"], last["digest"])
    }

    /// Files that are recorded and missing: there may never be any. Left-over files are allowed.
    pub(crate) fn is_whole(&self) {
        let health = self.json(&["doctor"]);
        assert_eq!(health["missing"], Value::Array(Vec::new()), "{health:#}");
    }

    /// As `is_whole`, and nothing is left over.
    pub(crate) fn is_clean(&self) {
        self.is_whole();
        let health = self.json(&["doctor"]);
        assert_eq!(health["orphans"], Value::Array(Vec::new()), "{health:#}");
    }

    /// The charges of a month, as CSV.
    pub(crate) fn charges(&self, month: &str) -> Vec<u8> {
        let path = self.folder.path().join("charges.csv");
        self.run(&["export", "charges", month, "--file", &path.display().to_string()])
            .ok();
        fs::read(path).expect("the export is there")
    }

    /// What is known of a month, without the moment it was closed at.
    pub(crate) fn month(&self, month: &str) -> Value {
        let mut shown = self.json(&["month", "show", month]);
        let closed = shown["closed_at"].is_string();
        shown["closed_at"] = Value::Bool(closed);
        shown
    }
}

/// What a command said that went on beside the test.
pub(crate) fn said(child: Child) -> Said {
    child.wait_with_output().expect("a child").into()
}

const ALLOCATIONS: &str = "分配单号,系统代码,服务形式,资源类型,规格类别,规格,云节点,资源池代码,云资源标识,合同编号,上级分配单号,计费开始,计费终止";

/// A row of an import of allocations: a volume of so many GiB.
pub(crate) fn allocation(number: &str, size: &str, from: &str) -> String {
    format!("{number},S0001,共享云,云硬盘,均衡型,storage_gib={size},N1,N1-XC,native-{number},ZWY-2023-01,,{from},")
}

/// A file of allocations.
pub(crate) fn allocations(rows: &[String]) -> String {
    format!("{ALLOCATIONS}\n{}\n", rows.join("\n"))
}

/// A file of so many allocations, which begin in the open month.
pub(crate) fn many_allocations(prefix: &str, count: usize) -> Vec<u8> {
    let rows: Vec<_> = (0..count)
        .map(|n| allocation(&format!("{prefix}-{n:06}"), "100", "2025-06-05 10:00:00"))
        .collect();
    allocations(&rows).into_bytes()
}

/// The file of an import of the demo city.
pub(crate) fn import_of(month: &str, name: &str) -> Vec<u8> {
    let path = village().join("city/imports").join(month).join(name);
    fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// Every file below a folder, with its content.
pub(crate) fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below it").to_owned();
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}
