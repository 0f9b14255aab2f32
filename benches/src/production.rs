//! The whole production path: a synthetic city, handed in by the commands a clerk would type, to signed-ready documents.
//!
//! Every command is a process of its own, so that time and memory are those of the step and of nothing before it.
//! Owns the order of the steps and the measuring; whatever a step does is the program's. The city is made by this
//! process and is no part of the path.

use crate::BenchError;
use crate::cost;
use city::{City, CityPlan, ImportKind, Scale, Step, build, deliver};
use domain::registry::PoolKind;
use kernel::Month;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Of the demo: any seed does, but figures are compared with those of earlier runs.
const SEED: u64 = 20_260_101;
const UNTIL: &str = "2026-06";
/// How often the memory of a running step is looked at. The kernel keeps the high-water mark; only what a process
/// grows by in its last moments can be missed.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Units of processor time in `/proc`: always hundredths of a second for programs.
const TICKS_PER_S: f64 = 100.0;

/// Plays one month of a city of about this many resources with the program at `program`. Returns the table of steps.
pub fn play(program: &str, folder: &str, resources: &str) -> Result<String, BenchError> {
    let resources: usize = resources.parse().map_err(|_| BenchError::Usage(crate::USAGE))?;
    let month: Month = UNTIL.parse().map_err(|_| BenchError::Usage(crate::USAGE))?;
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let plan = CityPlan {
        seed: SEED,
        until: month,
        months: 1,
        scale: Scale::of_resources(resources),
    };
    let clock = cost::now();
    let city = build(&plan, &folder.join("city"), &mut |_, _, _| {}).map_err(|why| step_fault("city", &why))?;
    let mut run = Run::new(program, &folder);
    run.rows.push(Row {
        step: "(the city's files are made)".to_owned(),
        runs: 1,
        wall: clock.elapsed(),
        cpu_s: 0.0,
        peak_mib: cost::peak_mib().unwrap_or(0),
    });
    run.step("init", &["init"])?;
    let mark = run.data.join("DEMO");
    fs::write(&mark, "").map_err(at(&mark))?;
    run.hand_in(&city)?;
    run.settle(&month.to_string())?;
    Ok(run.table(&city, &folder.join("documents")))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> BenchError + use<> {
    let path = path.display().to_string();
    move |source| BenchError::File { path, source }
}

fn step_fault(step: &str, why: &dyn std::fmt::Display) -> BenchError {
    BenchError::Input {
        path: step.to_owned(),
        what: why.to_string(),
    }
}

/// What one kind of step cost, over all its runs.
struct Row {
    step: String,
    runs: u32,
    wall: Duration,
    cpu_s: f64,
    peak_mib: u64,
}

struct Run<'a> {
    program: &'a str,
    folder: PathBuf,
    data: PathBuf,
    rows: Vec<Row>,
}

impl<'a> Run<'a> {
    fn new(program: &'a str, folder: &Path) -> Self {
        Self {
            program,
            folder: folder.to_owned(),
            data: folder.join("data"),
            rows: Vec::new(),
        }
    }

    fn hand_in(&mut self, city: &City) -> Result<(), BenchError> {
        let mut inboxes = Vec::new();
        for step in &city.steps {
            match step {
                Step::Import { kind, path } => {
                    let what = match kind {
                        ImportKind::Allocations => "import allocations",
                        ImportKind::ProviderBill => "import bills",
                        ImportKind::DeclaredWork | ImportKind::Outages => "import work and outages",
                        _ => "import registers, contracts and prices",
                    };
                    self.step(what, &["import", kind.word(), &path.display().to_string()])?;
                }
                Step::NodeAdd {
                    code,
                    name,
                    provider,
                    folder,
                    since,
                    pools,
                } => {
                    inboxes.push((code.clone(), folder.clone()));
                    let pools: Vec<String> = pools.iter().map(pool_words).collect();
                    let (files, since) = (folder.display().to_string(), since.to_string());
                    let mut words = vec!["node", "add", code, "--name", name, "--provider", provider];
                    words.extend(["--files", &files, "--since", &since]);
                    pools.iter().for_each(|pool| words.extend(["--pool", pool]));
                    self.step("node add", &words)?;
                }
                Step::Deliver { node, folder, .. } => {
                    if let Some((_, inbox)) = inboxes.iter().find(|(code, _)| code == node) {
                        deliver(folder, inbox).map_err(|why| step_fault("collect", &why))?;
                    }
                    self.step("collect", &["collect", node])?;
                }
                Step::CloseMonth(_) => {}
            }
        }
        Ok(())
    }

    fn settle(&mut self, month: &str) -> Result<(), BenchError> {
        let documents = self.folder.join("documents");
        let file = |name: &str| documents.join(name).display().to_string();
        let folder = documents.display().to_string();
        self.step("meter", &["month", "meter", month])?;
        self.step("rate", &["month", "rate", month])?;
        self.step("reconcile", &["month", "reconcile", month])?;
        self.step("close", &["month", "close", month])?;
        self.step(
            "statements as PDF",
            &["statement", "render", month, "--to", &folder, "--format", "pdf"],
        )?;
        self.step(
            "statements as XLSX",
            &["statement", "render", month, "--to", &folder, "--format", "xlsx"],
        )?;
        self.step(
            "export charges as XLSX",
            &["export", "charges", month, "--file", &file("charges.xlsx")],
        )?;
        self.step(
            "export FOCUS as Parquet",
            &["export", "focus", month, "--file", &file("focus.parquet")],
        )?;
        self.step("audit verify", &["audit", "verify"])
    }

    fn step(&mut self, step: &str, words: &[&str]) -> Result<(), BenchError> {
        let (clock, cpu_before) = (cost::now(), children_cpu_s());
        let mut child = Command::new(self.program)
            .args(words)
            .args(["--quiet", "--data"])
            .arg(&self.data)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(at(Path::new(self.program)))?;
        let peak_mib = watch(&mut child).map_err(at(Path::new(self.program)))?;
        let output = child.wait_with_output().map_err(at(Path::new(self.program)))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(step_fault(&words.join(" "), &said));
        }
        let (wall, cpu_s) = (clock.elapsed(), children_cpu_s() - cpu_before);
        // For whoever waits; the table comes last.
        eprintln!("{step}: {:.2} s, CPU {cpu_s:.2} s, {peak_mib} MiB", wall.as_secs_f64());
        match self.rows.iter_mut().find(|row| row.step == step) {
            Some(row) => {
                row.runs += 1;
                row.wall += wall;
                row.cpu_s += cpu_s;
                row.peak_mib = row.peak_mib.max(peak_mib);
            }
            None => self.rows.push(Row {
                step: step.to_owned(),
                runs: 1,
                wall,
                cpu_s,
                peak_mib,
            }),
        }
        Ok(())
    }

    fn table(&self, city: &City, documents: &Path) -> String {
        let mut lines = vec![format!(
            "{} resources in {} systems of {} departments, {} bill lines, {}",
            city.counts.resources,
            city.counts.systems,
            city.counts.departments,
            city.counts.bill_lines,
            written(documents)
        )];
        let line = |step: &str, runs: &str, wall: &str, cpu: &str, peak: &str| {
            format!("{step:<40} {runs:>5} {wall:>8} {cpu:>8} {peak:>9}")
        };
        lines.push(line("step", "runs", "wall s", "CPU s", "peak MiB"));
        let shown = |row: &Row| {
            let (wall, cpu) = (format!("{:.2}", row.wall.as_secs_f64()), format!("{:.2}", row.cpu_s));
            line(&row.step, &row.runs.to_string(), &wall, &cpu, &row.peak_mib.to_string())
        };
        lines.extend(self.rows.iter().map(shown));
        let path = || self.rows.iter().skip(1);
        lines.push(shown(&Row {
            step: "whole path".to_owned(),
            runs: path().map(|row| row.runs).sum(),
            wall: path().map(|row| row.wall).sum(),
            cpu_s: path().map(|row| row.cpu_s).sum(),
            peak_mib: path().map(|row| row.peak_mib).max().unwrap_or(0),
        }));
        lines.join("\n")
    }
}

fn pool_words(pool: &city::PoolPlan) -> String {
    let kind = match pool.kind {
        PoolKind::X86 => "x86",
        PoolKind::Xinchuang => "xinchuang",
    };
    format!("{}:{kind}:{}:{}", pool.code, pool.name, pool.zones.join(","))
}

/// Waits for a process to end. Returns the largest resident set it was seen with, in MiB.
fn watch(child: &mut Child) -> std::io::Result<u64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak_mib = 0;
    while child.try_wait()?.is_none() {
        peak_mib = peak_mib.max(cost::peak_mib_in(&status).unwrap_or(0));
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(peak_mib)
}

/// Seconds on a processor of all processes that this one has waited for.
fn children_cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in brackets, may hold spaces; after it come the state and 12 figures before the two of the children.
    let figures = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: f64 = figures
        .skip(13)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    ticks / TICKS_PER_S
}

/// How many files there are of a kind, and how large they are.
fn written(documents: &Path) -> String {
    let (mut count, mut bytes) = (0_u64, 0_u64);
    for entry in fs::read_dir(documents).into_iter().flatten().flatten() {
        count += 1;
        bytes += entry.metadata().map_or(0, |metadata| metadata.len());
    }
    format!("{count} documents of {} MB", bytes / 1_000_000)
}
