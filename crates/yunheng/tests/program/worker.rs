//! The worker as a process: it does what has come round, and ends when it is told.

use crate::desk::{Desk, program};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Lets a worker work on a data folder until work of these kinds is done, and tells it to end. Returns the kinds of all
/// work that was queued meanwhile.
fn worked(data: &Path, wanted: &[&str]) -> Vec<String> {
    let mut worker = program()
        .arg("--data")
        .arg(data)
        .arg("worker")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut said = BufReader::new(worker.stdout.take().expect("its output")).lines();
    let first = said.next().expect("a line").expect("text");
    assert!(first.contains("后台工作进程已启动"), "{first}");
    let listed = |state: &[&str]| -> Vec<String> {
        let listed = program()
            .arg("--data")
            .arg(data)
            .args(["job", "list", "--output", "json"])
            .args(state)
            .output()
            .expect("the program starts");
        let jobs: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
        let kinds = jobs.as_array().expect("a list").iter();
        kinds
            .map(|job| job["kind"].as_str().expect("a kind").to_owned())
            .collect()
    };
    // Each look starts a program, so that this is no busy loop; a worker that does nothing is a test that never ends.
    while !wanted
        .iter()
        .all(|kind| listed(&["--state", "done"]).iter().any(|done| done == kind))
    {}
    let told = Command::new("kill")
        .args(["-TERM", &worker.id().to_string()])
        .status()
        .expect("kill");
    assert!(told.success());
    assert_eq!(worker.wait().expect("it ends").code(), Some(0));
    listed(&[])
}

#[test]
fn a_worker_does_what_has_come_round_and_ends_when_told() {
    let desk = Desk::new();
    let data = desk.data();
    let queued = worked(&data, &["audit.seal", "order.overdue", "flow.tick", "todo.remind"]);
    // The nodes of the demo city are not asked what they say today: all that had come round was queued at once.
    assert!(queued.iter().all(|kind| kind != "node.round"), "{queued:?}");
    let chain = program()
        .arg("--data")
        .arg(&data)
        .args(["audit", "show", "--output", "json"])
        .output()
        .expect("the program starts");
    let chain = String::from_utf8(chain.stdout).expect("text");
    assert!(chain.contains("\"平台\"") && chain.contains("audit.seal"), "{chain}");
}

#[test]
fn a_worker_collects_from_the_nodes_by_itself() {
    let desk = Desk::new();
    std::fs::remove_file(desk.data().join("DEMO")).expect("it is no demo any more");
    let queued = worked(&desk.data(), &["node.round", "node.collect"]);
    let nodes = desk.json(&["node", "list"]);
    let nodes = nodes.as_array().map_or(0, Vec::len);
    let collects = queued.iter().filter(|kind| *kind == "node.collect").count();
    assert_eq!(collects, nodes, "{queued:?}");
}

#[test]
fn a_server_that_cannot_work_never_says_that_it_has_started() {
    let desk = Desk::new();
    std::fs::write(desk.data().join("yunheng.toml"), "[worker]\nside_by_side = 0\n").expect("a file");
    let said = desk.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.out, "");
    let why = said.failed(3);
    assert!(why.contains("side_by_side"), "{why}");
}
