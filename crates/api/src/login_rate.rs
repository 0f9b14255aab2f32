//! How often one address may try to log in.

use kernel::Instant;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Attempts of an address within a window.
const ATTEMPTS_MAX: u32 = 20;
/// Units: seconds.
const WINDOW_S: i64 = 60;
/// Addresses that are remembered. Beyond that, old windows are forgotten first.
const ADDRESSES_MAX: usize = 10_000;

/// Attempts by address. It lives in memory: several processes count for themselves, and the lock-out of accounts, which
/// is stored, holds across them.
#[derive(Debug, Default)]
pub(crate) struct LoginRate(Mutex<BTreeMap<String, (Instant, u32)>>);

impl LoginRate {
    /// Counts an attempt. Returns whether it may go on.
    pub(crate) fn admit(&self, address: &str, now: Instant) -> bool {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= ADDRESSES_MAX {
            windows.retain(|_, (from, _)| now < from.plus_s(WINDOW_S));
        }
        let window = windows.entry(address.to_owned()).or_insert((now, 0));
        // A clock that was set back begins a new window too.
        if now < window.0 || window.0.plus_s(WINDOW_S) <= now {
            *window = (now, 0);
        }
        window.1 = window.1.saturating_add(1);
        window.1 <= ATTEMPTS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_and_others_do_not() {
        let rate = LoginRate::default();
        let at = Instant::from_unix_s;
        assert!((0..ATTEMPTS_MAX).all(|_| rate.admit("a", at(0))));
        assert!(!rate.admit("a", at(59)));
        assert!(rate.admit("b", at(59)));
        assert!(rate.admit("a", at(60)));
    }
}
