//! Why a case is not settled.

use domain::meter::CaseOutcome;
use kernel::{ErrorKind, Instant, Kinded};
use thiserror::Error;

/// Why a case is not settled.
#[derive(Debug, Error)]
pub enum CaseError {
    /// A person has to say why.
    #[error("了结案件必须说明理由（--reason）")]
    ReasonMissing,
    /// Only runs can see that a cause has gone.
    #[error(
        "「原因已消除」由计量自动认定，不能由人填写；请改用已纠正（corrected）、予以认可（accepted）或误报（mistaken）"
    )]
    NotForPersons,
    /// It has ended.
    #[error("该案件已于 {at} 由 {by} 了结（{outcome}），不能再改", outcome = .outcome.zh())]
    Ended {
        /// When.
        at: Instant,
        /// By whom.
        by: String,
        /// With what.
        outcome: CaseOutcome,
    },
}

impl Kinded for CaseError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ReasonMissing | Self::NotForPersons => ErrorKind::InvalidInput,
            Self::Ended { .. } => ErrorKind::FailedPrecondition,
        }
    }
}
