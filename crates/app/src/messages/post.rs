//! The ways out of the house.

use sources::delivery::{Hooks, Mailer};

/// The ways out of the house, as they are configured.
#[derive(Debug, Clone)]
pub struct Post {
    /// Sends letters; none if mail is not configured.
    pub mailer: Option<Mailer>,
    /// Makes calls.
    pub hooks: Hooks,
    /// Letters that one person gets in an hour at most.
    pub letters_per_hour: i64,
    /// Where people reach the platform; none if it is not configured.
    pub link: Option<String>,
}
