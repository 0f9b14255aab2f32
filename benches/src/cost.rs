//! What a run cost: wall time, CPU time of all threads, and the largest resident set. Linux only; elsewhere the two
//! latter are null.

use std::fs;
use std::time::Instant;

/// Running since the start of the process.
pub struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Self(now())
    }

    /// The cost so far, as JSON.
    pub fn stop(&self) -> String {
        let wall_s = self.0.elapsed().as_secs_f64();
        let rounded = |s: f64| (s * 1000.0).round() / 1000.0;
        let cpu_s = cpu_ns().map(|ns| rounded(std::time::Duration::from_nanos(ns).as_secs_f64()));
        let figures = serde_json::json!({ "wall_s": rounded(wall_s), "cpu_s": cpu_s, "peak_mib": peak_mib() });
        figures.to_string()
    }
}

/// The instant to measure from.
#[expect(clippy::disallowed_methods, reason = "measuring speed is what this crate is for")]
pub fn now() -> Instant {
    Instant::now()
}

/// Nanoseconds on a processor, over all threads that are still there; the thread pool's always are.
fn cpu_ns() -> Option<u64> {
    let threads = fs::read_dir("/proc/self/task").ok()?;
    let on_cpu = threads.map(|thread| {
        let times = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        times.split(' ').next()?.parse::<u64>().ok()
    });
    on_cpu.sum()
}

/// The largest resident set so far.
pub fn peak_mib() -> Option<u64> {
    peak_mib_in("/proc/self/status")
}

/// The largest resident set so far of the process whose status is in this file.
pub fn peak_mib_in(status: &str) -> Option<u64> {
    let status = fs::read_to_string(status).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(
        peak.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()?
            .div_ceil(1024),
    )
}
