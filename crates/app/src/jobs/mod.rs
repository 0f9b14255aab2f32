//! Background work: queued with the change that asks for it, done by any worker, once.
//!
//! Owns queueing, taking with a lease, trying again, cancelling, the rhythm of recurring work, and the work of the house
//! itself. Invariants: of a kind and subject at most one job waits or runs; a job whose worker has gone silent is taken
//! by another when the lease is over, so what a job does can be done again; it is tried a bounded number of times;
//! recurring work is queued once for each of its moments, by however many workers and whatever the clock does.

mod error;
mod handlers;
mod main_job;
mod plan;
mod queue;
mod round;
mod sweeps;
mod swept;
mod work;
mod worker;

pub use error::JobError;
pub use handlers::{Forget, Overdue, RunOrders, Seal, house_handlers};
pub use main_job::{MainJob, UpTo, ask_to_close_month, ask_to_collect, ask_to_run_month};
pub use plan::{Plan, schedule};
pub use queue::{NewJob, cancel, enqueue, kind, list, retry, show};
pub use round::Round;
pub use store::{Job, JobFilter};
pub use sweeps::{Alarm, ExpireRoom, Flows, Resume};
pub use swept::Swept;
pub(crate) use swept::swept;
pub use work::{Doing, Ended, Handler, Handlers, Stop, Worked, Working, work_once, work_once_until};
pub use worker::Worker;
