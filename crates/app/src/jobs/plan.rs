//! Recurring work, and how often.

use super::queue::{NewJob, job_of, kind};
use super::work::Handlers;
use crate::{AppError, OpContext};
use domain::work::Rhythm;
use std::collections::BTreeMap;

/// What recurring work is about: not a matter, but the house.
pub(super) const HOUSE: &str = "house";
/// Times recurring work may be begun: it comes round again.
const ATTEMPTS_MAX: i64 = 5;

/// Recurring work and its rhythm if nothing else is configured.
const USUAL: &[(&str, Rhythm)] = &[
    (kind::POST, Rhythm::Every(15)),
    (kind::FLOWS, Rhythm::Every(300)),
    (kind::REMIND, Rhythm::Every(600)),
    (kind::RESUME, Rhythm::Every(300)),
    (kind::OVERDUE, Rhythm::Every(3_600)),
    (kind::ALARM, Rhythm::Every(3_600)),
    (kind::ROOM, Rhythm::Every(3_600)),
    (kind::FORGET, Rhythm::Every(3_600)),
    // A look a day is enough. Four chances leave room for a node that is away for one of them, long before the pause is
    // a case; and what goes without its node saying when is seen up to that day.
    (kind::ROUND, Rhythm::Every(6 * 3_600)),
    (kind::SEAL, Rhythm::Daily(10)),
];

/// How often recurring work is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(BTreeMap<&'static str, Rhythm>);

impl Default for Plan {
    fn default() -> Self {
        Self(USUAL.iter().copied().collect())
    }
}

impl Plan {
    /// With another rhythm for a kind of work. Errors: there is no such recurring work.
    pub fn with(mut self, kind: &str, rhythm: Rhythm) -> Result<Self, String> {
        let known = USUAL.iter().find(|(known, _)| *known == kind);
        let Some((known, _)) = known else {
            let names: Vec<&str> = USUAL.iter().map(|(known, _)| *known).collect();
            return Err(format!("没有周期任务「{kind}」，可选：{}", names.join("、")));
        };
        self.0.insert(known, rhythm);
        Ok(self)
    }

    /// Recurring work and its rhythm.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Rhythm)> + '_ {
        self.0.iter().map(|(kind, rhythm)| (*kind, *rhythm))
    }
}

/// Queues the recurring work that has come round and that `handlers` can do. Done by several at once, or after the clock
/// was set back, each is queued once for each of its moments. Returns how many were queued.
pub async fn schedule(ctx: &OpContext, plan: &Plan, handlers: &Handlers) -> Result<usize, AppError> {
    let now = ctx.now();
    let (last, sending) = {
        let mut read = ctx.store().read().await?;
        (read.rhythms().await?, read.sending_waits(now).await?)
    };
    let mut queued = 0;
    for (kind, rhythm) in plan.iter().filter(|(kind, _)| handlers.know(kind)) {
        // With nothing to send there is nothing to queue, every few seconds of the day.
        if kind == kind::POST && !sending {
            continue;
        }
        let last = last.get(kind).copied();
        let Some(moment) = rhythm.due(last, now) else {
            continue;
        };
        let new = NewJob {
            attempts_max: ATTEMPTS_MAX,
            ..NewJob::about(kind, HOUSE)
        };
        let job = job_of(ctx, new);
        queued += usize::from(ctx.store().queue_recurring(&job, (last, moment)).await?);
    }
    Ok(queued)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_recurs_has_a_rhythm() {
        let plan = Plan::default().with(kind::OVERDUE, Rhythm::Off).unwrap();
        assert!(
            plan.iter()
                .any(|(kind, rhythm)| kind == kind::OVERDUE && rhythm == Rhythm::Off)
        );
        let refusal = Plan::default().with(kind::ORDER, Rhythm::Off).unwrap_err();
        assert!(refusal.contains("message.post"), "{refusal}");
    }
}
