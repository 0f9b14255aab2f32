//! A bureau with one provider, whose one node is the lab.

use crate::desk::{Desk, contents};
use crate::lab::{Admin, lab_dir};
use kernel::Instant;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A row of the inventory: resource, kind, state.
pub(crate) type Seen = (String, String, String);

const ORGANISATIONS: &str = "代码,名称,类别,上级代码,并入代码,生效日期\n\
    P1,实验云公司,云服务商,,,2020-01-01\nD1,实验单位,使用单位,,,2020-01-01\n";
const SYSTEMS: &str = "代码,名称,所属单位代码,等保级别,网络区域,数据分级,状态,来源,生效日期\n\
    S0001,实验系统,D1,2,政务外网区,一般数据,运行,存量系统,2020-01-01\n";

/// Volumes and their sizes over time.
pub(crate) const METRICS: &str = r#"
[[accounts.lab.metrics]]
metric = "volume.size"
resource_type = "volume"
native_id_attribute = "original_resource_id"
aggregation = "mean"
granularity_s = 3600
measure = "storage_gib"
scale_num = 1
scale_den = 1
"#;

/// Everything that a collect could have changed.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) rows: Vec<Value>,
    pub(crate) cases: Value,
    /// Entries of the audit chain.
    pub(crate) entries: i64,
    head: String,
    nodes: Value,
    files: BTreeSet<PathBuf>,
}

/// The data of the bureau, and the program on it.
pub(crate) struct Office {
    pub(crate) desk: Desk,
}

impl Office {
    /// With the account of the lab that sees everything.
    pub(crate) fn new(admin: &Admin, auth_url: &str, database: Option<&str>) -> Self {
        let login = "username = \"metering\"\nproject = \"admin\"";
        Self::with_account(auth_url, database, login, &admin.password)
    }

    /// With an account of this configuration and secret.
    pub(crate) fn with_account(auth_url: &str, database: Option<&str>, login: &str, secret: &str) -> Self {
        let nothing = tempfile::tempdir().unwrap();
        let desk = Desk::of(nothing.path());
        let secret = desk.file("lab.secret", secret.as_bytes());
        let database = database.map_or_else(String::new, |url| format!("database = \"{url}\"\n"));
        let config = format!("{database}[accounts.lab]\n{login}\nsecret_file = \"{secret}\"\n{METRICS}");
        std::fs::write(desk.data().join("yunheng.toml"), config).unwrap();
        desk.run(&["init"]).ok();
        desk.import("organisations", "organisations.csv", ORGANISATIONS.as_bytes())
            .ok();
        desk.import("systems", "systems.csv", SYSTEMS.as_bytes()).ok();
        desk.run(&[
            "node",
            "add",
            "N1",
            "--name",
            "实验云",
            "--provider",
            "P1",
            "--openstack",
            auth_url,
            "--account",
            "lab",
            "--pool",
            "N1-X86:x86:通用池:x86",
            "--pool",
            "N1-XC:xinchuang:信创池:xinchuang",
            "--since",
            "2020-01-01",
        ])
        .ok();
        Self { desk }
    }

    /// Says that a project belongs to the one system.
    pub(crate) fn map(&self, project: &str) {
        let rows = format!("云节点,项目,系统代码,生效日期\nN1,{project},S0001,2020-01-01\n");
        self.desk.import("projects", "projects.csv", rows.as_bytes()).ok();
    }

    /// Collects; what the program says of it.
    pub(crate) fn collect(&self) -> Value {
        let outcome = self.desk.json(&["collect"]);
        assert_eq!(
            (&outcome["looks"], &outcome["known"]),
            (&1.into(), &0.into()),
            "{outcome:#}"
        );
        assert_eq!(outcome["refused"], Value::Array(Vec::new()), "{outcome:#}");
        outcome
    }

    /// Collects, and nothing is found to have changed.
    pub(crate) fn collect_nothing_new(&self) {
        let outcome = self.collect();
        assert_eq!(outcome["changes"], 0, "{outcome:#}");
    }

    /// The inventory at a moment, as the program prints it.
    pub(crate) fn rows(&self, at: Instant) -> Vec<Value> {
        let rows = self.desk.json(&["inventory", "--as-of", &at.to_string()]);
        rows.as_array().unwrap().clone()
    }

    /// The row of one resource at a moment.
    pub(crate) fn row(&self, native_id: &str, at: Instant) -> Option<Value> {
        self.rows(at).into_iter().find(|row| row["native_id"] == native_id)
    }

    /// A moment at which everything collected so far is known.
    pub(crate) fn now(&self) -> Instant {
        let nodes = self.desk.json(&["node", "list"]);
        nodes[0]["last_look"].as_str().unwrap().parse().unwrap()
    }

    /// The inventory now.
    pub(crate) fn seen(&self) -> BTreeSet<Seen> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let rows = self.desk.json(&["inventory"]);
        let rows = rows.as_array().unwrap().iter();
        let seen: Vec<Seen> = rows
            .map(|row| (text(&row["native_id"]), text(&row["kind"]), text(&row["state"])))
            .collect();
        let once: BTreeSet<Seen> = seen.iter().cloned().collect();
        assert_eq!(once.len(), seen.len(), "a resource stands twice");
        once
    }

    /// Subjects of the open cases of a kind, and who owns them.
    pub(crate) fn cases(&self, kind: &str) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let cases = self.desk.json(&["case"]);
        let of_kind = cases.as_array().unwrap().iter().map(|case| &case["finding"]);
        of_kind
            .filter(|finding| finding["kind"] == kind)
            .map(|finding| (text(&finding["subject"]), text(&finding["owner"])))
            .collect()
    }

    /// Everything that a collect could have changed, with the inventory at a moment.
    pub(crate) fn state(&self, at: Instant) -> State {
        let files = contents(&self.desk.data()).into_keys();
        let verified = self.desk.json(&["audit", "verify"]);
        State {
            rows: self.rows(at),
            cases: self.desk.json(&["case", "--all"]),
            entries: verified["entries"].as_i64().unwrap(),
            head: verified["head"].to_string(),
            nodes: self.desk.json(&["node", "list"]),
            // The store's own files come and go.
            files: files
                .filter(|path| !path.to_string_lossy().contains("yunheng.db"))
                .collect(),
        }
    }
}

/// Runs a script of the lab, or a line of shell with its functions.
#[expect(clippy::disallowed_methods, reason = "the lab is named by the environment")]
fn lab_shell(line: &str) {
    let scripts = std::env::var("YUNHENG_LAB").expect("YUNHENG_LAB names the folder with the lab's scripts");
    let said = std::process::Command::new("bash")
        .args(["-c", line])
        .env("LAB", &scripts)
        .env("LAB_DIR", lab_dir())
        .output()
        .unwrap();
    assert!(
        said.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&said.stderr)
    );
}

/// Services of the lab that are stopped until this is dropped.
pub(crate) struct Stopped;

impl Stopped {
    pub(crate) fn new(service: &str) -> Self {
        lab_shell(&format!(". \"$LAB/lib.sh\"; stop {service}"));
        Self
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        lab_shell("\"$LAB/up\" >/dev/null");
    }
}
