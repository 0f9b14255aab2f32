//! What was given as a text: read, or refused.

use crate::exit::{Failure, INVALID};

/// Reads something that a code or number stands for.
pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Failure> {
    text.parse()
        .map_err(|why: T::Err| Failure::new(INVALID, why.to_string()))
}
