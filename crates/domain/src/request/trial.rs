//! The trial: opened, not yet paid for, until unit, authority and provider have each confirmed (R13, R14, R16).

use crate::registry::Side;
use kernel::{AccountId, Instant};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A party's confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// For which side.
    pub side: Side,
    /// Who.
    pub account: AccountId,
    /// Their login name, for documents.
    pub login: String,
    /// When.
    pub at: Instant,
    /// What they say; may be empty.
    pub words: String,
}

/// A trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// When everything was opened.
    pub from: Instant,
    /// When it must be confirmed.
    pub due: Instant,
    /// Not before this moment, where a rule sets a least length (R13).
    pub earliest: Instant,
    /// Who opened it; they confirm nothing.
    pub opened_by: Vec<AccountId>,
    /// What was confirmed so far.
    pub confirmations: Vec<Confirmation>,
}

/// Why a confirmation is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfirmationError {
    /// Not one of the three parties.
    #[error("试运行由使用单位、主管部门和云服务商三方确认，{0}不参与确认")]
    NotAParty(&'static str),
    /// That party has confirmed.
    #[error("{0}已于 {1} 确认，无需重复确认")]
    Twice(&'static str, Instant),
    /// One person for two parties.
    #[error("同一账号不能代表两方确认，请由{0}的人员确认")]
    SamePerson(&'static str),
    /// Whoever opened it cannot accept it.
    #[error("开通人员不能确认自己开通的资源，请由本方其他人员确认")]
    OwnWork,
    /// Too early.
    #[error("试运行未满规定期限，{0} 之后才能确认")]
    TooEarly(Instant),
}

/// The three parties.
const PARTIES: [Side; 3] = [Side::Unit, Side::Authority, Side::Provider];

impl Trial {
    /// The moment from which the resources are metered: that of the third confirmation, and never earlier than one of the
    /// others; none before all three.
    pub fn metered_from(&self) -> Option<Instant> {
        let latest = self.confirmations.iter().map(|given| given.at).max();
        latest.filter(|_| self.confirmations.len() == PARTIES.len())
    }

    /// The parties that have not confirmed.
    pub fn missing(&self) -> Vec<Side> {
        let confirmed = |side: &Side| self.confirmations.iter().any(|given| given.side == *side);
        PARTIES.into_iter().filter(|side| !confirmed(side)).collect()
    }
}

/// Adds a confirmation. Returns the trial with it, and the moment from which the resources are metered once it is
/// the third: the moment of that confirmation.
pub fn confirm(trial: &Trial, new: Confirmation) -> Result<(Trial, Option<Instant>), ConfirmationError> {
    if !PARTIES.contains(&new.side) {
        return Err(ConfirmationError::NotAParty(new.side.zh()));
    }
    if let Some(before) = trial.confirmations.iter().find(|before| before.side == new.side) {
        return Err(ConfirmationError::Twice(new.side.zh(), before.at));
    }
    if trial.confirmations.iter().any(|before| before.account == new.account) {
        return Err(ConfirmationError::SamePerson(new.side.zh()));
    }
    if trial.opened_by.contains(&new.account) {
        return Err(ConfirmationError::OwnWork);
    }
    if new.at < trial.earliest {
        return Err(ConfirmationError::TooEarly(trial.earliest));
    }
    let mut trial = trial.clone();
    trial.confirmations.push(new);
    let start = trial.metered_from();
    Ok((trial, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u8) -> AccountId {
        AccountId::from_parts(1, &[n; 10])
    }

    fn by(side: Side, n: u8, at: &str) -> Confirmation {
        Confirmation {
            side,
            account: account(n),
            login: format!("u{n}"),
            at: at.parse().unwrap(),
            words: String::new(),
        }
    }

    fn trial() -> Trial {
        Trial {
            from: "2026-10-08 10:00:00".parse().unwrap(),
            due: "2026-10-23 10:00:00".parse().unwrap(),
            earliest: "2026-10-09".parse().unwrap(),
            opened_by: vec![account(9)],
            confirmations: Vec::new(),
        }
    }

    #[test]
    fn the_meter_starts_with_the_third_confirmation() {
        let (trial, start) = confirm(&trial(), by(Side::Unit, 1, "2026-10-12 09:00:00")).unwrap();
        assert_eq!(start, None);
        let (trial, start) = confirm(&trial, by(Side::Provider, 2, "2026-10-12 15:00:00")).unwrap();
        assert_eq!((start, trial.missing()), (None, vec![Side::Authority]));
        let (trial, start) = confirm(&trial, by(Side::Authority, 3, "2026-10-13 16:30:00")).unwrap();
        assert_eq!(start, Some("2026-10-13 16:30:00".parse().unwrap()));
        assert_eq!(trial.metered_from(), start);
    }

    #[test]
    fn a_clock_that_went_back_does_not_start_the_meter_earlier() {
        let (trial, _) = confirm(&trial(), by(Side::Unit, 1, "2026-10-12 09:00:00")).unwrap();
        let (trial, _) = confirm(&trial, by(Side::Provider, 2, "2026-10-12 15:00:00")).unwrap();
        let (_, start) = confirm(&trial, by(Side::Authority, 3, "2026-10-11 08:00:00")).unwrap();
        assert_eq!(start, Some("2026-10-12 15:00:00".parse().unwrap()));
    }

    #[test]
    fn who_may_not_confirm() {
        let after = |first: Confirmation| confirm(&trial(), first).unwrap().0;
        let day = "2026-10-12 09:00:00";
        let unit_done = after(by(Side::Unit, 1, day));
        let refused = |trial: &Trial, new| confirm(trial, new).unwrap_err();
        assert!(matches!(
            refused(&unit_done, by(Side::Unit, 2, day)),
            ConfirmationError::Twice(..)
        ));
        assert!(matches!(
            refused(&unit_done, by(Side::Provider, 1, day)),
            ConfirmationError::SamePerson(_)
        ));
        assert!(matches!(
            refused(&trial(), by(Side::Supervisor, 1, day)),
            ConfirmationError::NotAParty(_)
        ));
        assert_eq!(
            refused(&trial(), by(Side::Provider, 9, day)),
            ConfirmationError::OwnWork
        );
        assert!(matches!(
            refused(&trial(), by(Side::Unit, 1, "2026-10-08 18:00:00")),
            ConfirmationError::TooEarly(_)
        ));
    }
}
