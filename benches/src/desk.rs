//! People at work: applications of many units, and as many people as at a busy hour who list, open and decide them at once
//! through the real server.
//!
//! Owns the load and what it measures: the time from sending a request to the last byte of its answer, by kind of act.
//! The applications are written and handed in by the use cases of the product, on a database of their own.

mod client;
mod ground;

use crate::BenchError;
use client::Client;
use domain::work::JobState;
use ground::{Ground, Head};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use store::{JobFilter, Store};

/// How many people act at once.
const AT_ONCE: usize = 50;
/// How often each of them does each thing.
const TURNS: usize = 20;

/// The server, ended when this is dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Prepares `applications` of `users` in the empty database at `url`, with `data` as data folder, serves them with
/// `program`, and measures.
pub fn measure(
    program: &str,
    (url, data): (&str, &str),
    applications: &str,
    users: &str,
) -> Result<String, BenchError> {
    let number = |text: &str| text.parse::<usize>().map_err(|_| BenchError::Usage(crate::USAGE));
    let (applications, users) = (number(applications)?, number(users)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.map_err(|source| BenchError::file("tokio", source))?;
    runtime.block_on(async {
        let store = Store::open(url).await.map_err(ground::failed)?;
        store.migrate().await.map_err(ground::failed)?;
        let data = Path::new(data);
        let began = crate::cost::now();
        let ground = Ground::lay(store.clone(), data, (applications, users)).await?;
        let laid_s = began.elapsed().as_secs();
        let (server, address) = serve(program, url, data)?;
        let mut answer = format!("{applications} applications of {users} people laid in {laid_s} s; {AT_ONCE} at once");
        let lists = |head: &Head| vec![client::get("/api/v1/requests?limit=50", &head.token); TURNS];
        // Now it posts ten thousand notices, seals the chain and looks at every flow.
        answer += &row(
            "list of one's unit, as it starts",
            &run(&address, &ground.heads, lists).await?,
        );
        first_rounds(&store).await?;
        answer += &row("list of one's unit", &run(&address, &ground.heads, lists).await?);
        let all = |_: &Head| vec![client::get("/api/v1/requests?limit=50", &ground.intake); TURNS];
        answer += &row("list of everything", &run(&address, &ground.heads, all).await?);
        let opens = |head: &Head| {
            let own = head.tasks.iter().cycle().take(TURNS);
            own.map(|task| client::get(&format!("/api/v1/requests/{}", task.number), &head.token))
                .collect()
        };
        answer += &row("open", &run(&address, &ground.heads, opens).await?);
        let decides = |head: &Head| {
            head.tasks
                .iter()
                .take(TURNS)
                .map(|task| client::decision(task, &head.token))
                .collect()
        };
        answer += &row("decide", &run(&address, &ground.heads, decides).await?);
        drop(server);
        Ok(answer)
    })
}

/// Starts the server; returns it and where it listens.
fn serve(program: &str, url: &str, data: &Path) -> Result<(Server, String), BenchError> {
    let child = Command::new(program)
        .args(["--database", url, "--data"])
        .arg(data)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| BenchError::file(program, source))?;
    let mut server = Server(child);
    let mut line = String::new();
    if let Some(out) = server.0.stdout.take() {
        let _ = BufReader::new(out).read_line(&mut line);
    }
    let after = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    let address = after.map(str::to_owned).ok_or_else(|| BenchError::Input {
        path: program.to_owned(),
        what: format!("the server did not say where it listens: {line}"),
    })?;
    Ok((server, address))
}

/// Waits until the house has nothing to do.
async fn first_rounds(store: &Store) -> Result<(), BenchError> {
    loop {
        let mut read = store.read().await.map_err(ground::failed)?;
        let mut open = 0;
        for state in [JobState::Queued, JobState::Running] {
            let filter = JobFilter {
                state: Some(state),
                ..JobFilter::default()
            };
            open += read.jobs(&filter, 1).await.map_err(ground::failed)?.len();
        }
        drop(read);
        if open == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Everybody does their requests one after the other, all people at once. Returns how long each took, in order.
async fn run(address: &str, heads: &[Head], acts: impl Fn(&Head) -> Vec<String>) -> Result<Vec<Duration>, BenchError> {
    let mut people = Vec::new();
    for head in heads.iter().take(AT_ONCE) {
        let (address, acts) = (address.to_owned(), acts(head));
        people.push(tokio::spawn(async move {
            let mut client = Client::connect(&address).await?;
            let mut took = Vec::with_capacity(acts.len());
            for act in acts {
                let began = crate::cost::now();
                client.send(&act).await?;
                took.push(began.elapsed());
            }
            Ok::<_, BenchError>(took)
        }));
    }
    let mut took = Vec::new();
    for person in people {
        let own = person.await.map_err(|error| BenchError::Input {
            path: address.to_owned(),
            what: error.to_string(),
        })?;
        took.extend(own?);
    }
    took.sort();
    Ok(took)
}

/// A line of figures. Units: milliseconds.
fn row(what: &str, took: &[Duration]) -> String {
    let at = |hundredths: usize| {
        let place = (took.len() * hundredths / 100).min(took.len().saturating_sub(1));
        took.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    format!(
        "\n  {what}: {} acts, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        took.len(),
        at(50),
        at(99),
        at(100)
    )
}
