//! Progress bars on stderr.

use app::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One bar that shows whatever is being done now; hidden when stderr is no terminal.
pub(crate) struct Bars {
    bar: Mutex<(String, ProgressBar)>,
}

impl Bars {
    /// With nothing shown yet.
    pub(crate) fn new() -> Self {
        Self {
            bar: Mutex::new((String::new(), ProgressBar::hidden())),
        }
    }
}

impl Progress for Bars {
    fn at(&self, what: &str, done: u64, all: u64) {
        let mut shown = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.0 != what {
            shown.1.finish_and_clear();
            let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::stderr());
            let template = if all == 0 {
                "{spinner} {msg}"
            } else {
                "{msg:24} [{bar:40}] {pos}/{len} {elapsed}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_message(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            *shown = (what.to_owned(), bar);
        }
        shown.1.set_position(done);
        if all > 0 && done >= all {
            shown.1.finish_and_clear();
            shown.0.clear();
        }
    }
}
