//! How often one address may try to log in, and one account may ask.

use kernel::Instant;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Attempts of an address to log in within a window.
const ATTEMPTS_MAX: u32 = 20;
/// Uploads, exports and other heavy work of an account within a window.
const HEAVY_MAX: u32 = 300;
/// Units: seconds.
const WINDOW_S: i64 = 60;
/// Names that are remembered. Beyond that, old windows are forgotten first.
const NAMES_MAX: usize = 10_000;

/// Attempts by name: an address, an account. It lives in memory: several processes count for themselves, and the lock-out
/// of accounts, which is stored, holds across them.
#[derive(Debug)]
pub(crate) struct Rate {
    most: u32,
    windows: Mutex<BTreeMap<String, (Instant, u32)>>,
}

impl Rate {
    /// For attempts to log in.
    pub(crate) fn of_logins() -> Self {
        Self::of(ATTEMPTS_MAX)
    }

    /// For heavy work.
    pub(crate) fn of_heavy() -> Self {
        Self::of(HEAVY_MAX)
    }

    /// So many within a window.
    pub(crate) fn of(most: u32) -> Self {
        Self {
            most,
            windows: Mutex::default(),
        }
    }

    /// Counts an attempt. Returns whether it may go on.
    pub(crate) fn admit(&self, name: &str, now: Instant) -> bool {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= NAMES_MAX {
            windows.retain(|_, (from, _)| now < from.plus_s(WINDOW_S));
        }
        let window = windows.entry(name.to_owned()).or_insert((now, 0));
        // A clock that was set back begins a new window too.
        if now < window.0 || window.0.plus_s(WINDOW_S) <= now {
            *window = (now, 0);
        }
        window.1 = window.1.saturating_add(1);
        window.1 <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_waits_and_others_do_not() {
        let rate = Rate::of_logins();
        let at = Instant::from_unix_s;
        assert!((0..ATTEMPTS_MAX).all(|_| rate.admit("a", at(0))));
        assert!(!rate.admit("a", at(59)));
        assert!(rate.admit("b", at(59)));
        assert!(rate.admit("a", at(60)));
    }
}
