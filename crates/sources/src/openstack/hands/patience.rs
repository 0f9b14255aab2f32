//! How long a thing on a node is waited for.

use super::config::HandsConfig;
use super::fault::HandsFault;
use std::time::Duration;

/// Waits between looks at a thing, a bounded number of times.
pub(super) struct Patience {
    left: u64,
    pause: Duration,
    wait_s: u64,
}

impl Patience {
    pub(super) fn new(config: &HandsConfig) -> Self {
        Self {
            left: config.wait_s.saturating_mul(1_000).div_ceil(config.poll_ms.max(1)),
            pause: Duration::from_millis(config.poll_ms),
            wait_s: config.wait_s,
        }
    }

    /// Waits for the next look at something that is in a passing state.
    ///
    /// Errors: it has been waited for long enough.
    pub(super) async fn pause(&mut self, what: &str, state: &str) -> Result<(), HandsFault> {
        if self.left == 0 {
            let text = format!("{what} 等了 {} 秒仍为「{state}」，请到云节点核实", self.wait_s);
            return Err(HandsFault::Unclear(text));
        }
        self.left -= 1;
        tokio::time::sleep(self.pause).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends() {
        let config = HandsConfig {
            wait_s: 1,
            poll_ms: 400,
            ..HandsConfig::default()
        };
        assert_eq!(Patience::new(&config).left, 3);
        let mut none = Patience {
            left: 0,
            ..Patience::new(&config)
        };
        let waited = super::super::super::transport::tests::run(none.pause("云主机 a", "BUILD"));
        assert!(matches!(waited, Err(HandsFault::Unclear(why)) if why.contains("BUILD") && why.contains("1 秒")));
    }
}
