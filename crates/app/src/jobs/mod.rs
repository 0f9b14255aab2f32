//! Background work: queued with the change that asks for it, done by any worker, once.
//!
//! Owns queueing, taking with a lease, trying again, cancelling, and the work of the house itself. Invariants: of a kind
//! and subject at most one job waits or runs; a job whose worker has gone silent is taken by another when the lease is
//! over, so what a job does can be done again; it is tried a bounded number of times.

mod handlers;
mod queue;
mod work;

pub use handlers::{Forget, Overdue, RunOrders, house_handlers, schedule};
pub use queue::{JobError, NewJob, cancel, enqueue, kind, list, retry, show};
pub use work::{Doing, Ended, Handler, Handlers, Worked, Working, work_once};
