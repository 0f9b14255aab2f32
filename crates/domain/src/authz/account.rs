//! Accounts: who may log in, and what keeps somebody out.
//!
//! Owns the rules of passwords and lock-out. Owns no hashing: a password reaches the domain only to be judged.

use crate::registry::words;
use kernel::{AccountId, Instant, OrganisationCode};
use serde::{Deserialize, Serialize};
use thiserror::Error;

words! {
    /// Who is behind an account.
    AccountSort {
        /// A person.
        Person = "person", "人员";
        /// A provider's machine, which comes by token only.
        Service = "service", "服务账号";
    }
}

words! {
    /// Whether an account can be used.
    AccountState {
        /// Made; its holder has not set a password yet.
        Invited = "invited", "待启用";
        /// In use.
        Active = "active", "正常";
        /// Taken out of use. It is never deleted: its name stands in the audit chain.
        Disabled = "disabled", "停用";
    }
}

/// The account that stands for the platform itself, where something has to say who wanted it. Nobody can log in as it,
/// and no person ever has its id: theirs carry the time at which they were made.
pub fn platform_account() -> AccountId {
    AccountId::from_parts(0, b"\0platform\0")
}

/// What the platform is called where people are named.
pub const PLATFORM_NAME: &str = "平台（自动）";

/// A subject at the identity provider that is to be bound to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedSubject {
    /// The subject.
    pub subject: String,
    /// Login name of whoever asked for it.
    pub by: String,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The name it logs in with; unique, lower case.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// Where to write to; none if not known.
    pub mail: Option<String>,
    /// The organisation it belongs to.
    pub organisation: OrganisationCode,
    /// Person or machine.
    pub sort: AccountSort,
    /// Whether it can be used.
    pub state: AccountState,
    /// Hash of the password, as PHC text; none until one is set.
    pub password: Option<String>,
    /// Failed logins since the last good one.
    pub failed: i64,
    /// Locked until then.
    pub locked_until: Option<Instant>,
    /// The shared secret of one-time codes, base 32; none if not set up.
    pub totp: Option<String>,
    /// The time step of the last accepted one-time code: none is accepted twice.
    pub totp_step: Option<i64>,
    /// The subject at the city's identity provider.
    pub oidc_subject: Option<String>,
    /// The subject that waits for its release; none if none does.
    pub asked_subject: Option<AskedSubject>,
    /// When it was made.
    pub created: Instant,
    /// Times it was saved.
    pub version: i64,
}

impl Account {
    /// A person's account as it begins: invited, with nothing set yet.
    pub fn invited(
        id: AccountId,
        (login, name): (&str, &str),
        organisation: OrganisationCode,
        created: Instant,
    ) -> Self {
        Self {
            id,
            login: login.to_owned(),
            name: name.to_owned(),
            mail: None,
            organisation,
            sort: AccountSort::Person,
            state: AccountState::Invited,
            password: None,
            failed: 0,
            locked_until: None,
            totp: None,
            totp_step: None,
            oidc_subject: None,
            asked_subject: None,
            created,
            version: 1,
        }
    }
}

/// What passwords must be, and how long failures lock. Values are of the operator (example defaults in
/// `policies/accounts.toml`), not of a published rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountPolicy {
    /// Fewest characters of a password.
    pub password_length_min: usize,
    /// Fewest kinds of characters (lower, upper, digit, other).
    pub password_kinds_min: usize,
    /// Failures in a row that lock.
    pub failures_max: i64,
    /// How long it is locked. Units: seconds.
    pub lock_s: i64,
    /// How long a session lasts without being used. Units: seconds.
    pub session_idle_s: i64,
    /// How long a session lasts at most. Units: seconds.
    pub session_s: i64,
    /// How long a one-time link is good for. Units: seconds.
    pub invitation_s: i64,
    /// The longest life of a token. Units: days.
    pub token_days_max: i64,
}

/// Why a password is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PasswordFault {
    /// Too short.
    #[error("密码至少 {0} 个字符")]
    Short(usize),
    /// Too few kinds of characters.
    #[error("密码应包含小写字母、大写字母、数字、符号中的至少 {0} 类")]
    Plain(usize),
    /// The login name in it.
    #[error("密码不能包含登录名")]
    Login,
    /// Longer than is hashed.
    #[error("密码不能超过 {max} 个字符", max = PASSWORD_LENGTH_MAX)]
    Long,
}

const PASSWORD_LENGTH_MAX: usize = 256;

impl AccountPolicy {
    /// Everything that is wrong with a password.
    pub fn check_password(&self, login: &str, password: &str) -> Vec<PasswordFault> {
        let length = password.chars().count();
        let has = |kind: fn(&char) -> bool| usize::from(password.chars().any(|c| kind(&c)));
        let kinds = has(char::is_ascii_lowercase)
            + has(char::is_ascii_uppercase)
            + has(char::is_ascii_digit)
            + has(|c| !c.is_ascii_alphanumeric());
        let faults = [
            (length < self.password_length_min).then_some(PasswordFault::Short(self.password_length_min)),
            (length > PASSWORD_LENGTH_MAX).then_some(PasswordFault::Long),
            (kinds < self.password_kinds_min).then_some(PasswordFault::Plain(self.password_kinds_min)),
            password
                .to_lowercase()
                .contains(&login.to_lowercase())
                .then_some(PasswordFault::Login),
        ];
        faults.into_iter().flatten().collect()
    }
}

/// Why nobody gets in. The reason is for the audit chain; whoever tries hears one sentence for all but the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Wrong name, password or code, or an account that cannot be used.
    #[error("登录名、密码或动态口令不正确")]
    Wrong,
    /// Locked after failures.
    #[error("连续登录失败次数过多，账号已锁定至 {0}；请届时再试，或联系系统管理员解锁")]
    Locked(Instant),
}

impl Account {
    /// Whether it has, or had, a holder: a password is set when it comes alive and never taken away. Whoever gives it another
    /// way in could come in as that holder, so that takes two persons.
    pub const fn was_in_use(&self) -> bool {
        self.password.is_some()
    }

    /// Whether somebody with the right secrets gets in now.
    pub fn admit(&self, now: Instant) -> Result<(), Refusal> {
        match self.locked_until {
            Some(until) if now < until => return Err(Refusal::Locked(until)),
            _ => {}
        }
        if self.state == AccountState::Active && self.sort == AccountSort::Person {
            Ok(())
        } else {
            Err(Refusal::Wrong)
        }
    }

    /// The account without one-time codes.
    #[must_use]
    pub fn without_codes(mut self) -> Self {
        self.totp = None;
        self.totp_step = None;
        self
    }

    /// The account after a failed login.
    #[must_use]
    pub fn after_failure(mut self, policy: &AccountPolicy, now: Instant) -> Self {
        self.failed += 1;
        if self.failed >= policy.failures_max {
            self.failed = 0;
            self.locked_until = Some(now.plus_s(policy.lock_s));
        }
        self
    }

    /// The account after a good login, with the one-time code of `step` if there was one.
    #[must_use]
    pub fn after_login(mut self, step: Option<i64>) -> Self {
        self.failed = 0;
        self.locked_until = None;
        self.totp_step = step.or(self.totp_step);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> AccountPolicy {
        AccountPolicy {
            password_length_min: 10,
            password_kinds_min: 3,
            failures_max: 3,
            lock_s: 900,
            session_idle_s: 1800,
            session_s: 28_800,
            invitation_s: 86_400,
            token_days_max: 365,
        }
    }

    fn account() -> Account {
        let organisation = "D01".parse().unwrap();
        Account {
            state: AccountState::Active,
            ..Account::invited(
                AccountId::from_parts(1, &[1; 10]),
                ("wang", "王某"),
                organisation,
                Instant::from_unix_s(0),
            )
        }
    }

    #[test]
    fn passwords() {
        let faults = |password: &str| policy().check_password("wang", password);
        assert_eq!(faults("Chuncheng-2026"), []);
        assert_eq!(faults("short1A"), [PasswordFault::Short(10)]);
        assert_eq!(faults("aaaaaaaaaaaa"), [PasswordFault::Plain(3)]);
        assert_eq!(faults("Wang-2026-ab"), [PasswordFault::Login]);
        assert_eq!(faults(&"aA1".repeat(100)), [PasswordFault::Long]);
        assert_eq!(faults("春城市政务云Ab12"), []);
    }

    #[test]
    fn three_failures_lock_for_a_while() {
        let now = Instant::from_unix_s(1000);
        let twice = account().after_failure(&policy(), now).after_failure(&policy(), now);
        assert_eq!(twice.admit(now), Ok(()));
        let locked = twice.clone().after_failure(&policy(), now);
        assert_eq!(locked.admit(now.plus_s(899)), Err(Refusal::Locked(now.plus_s(900))));
        assert_eq!(locked.admit(now.plus_s(900)), Ok(()));
        assert_eq!(twice.after_login(None).failed, 0);
    }

    #[test]
    fn only_active_persons_log_in() {
        for state in AccountState::ALL {
            for sort in AccountSort::ALL {
                let account = Account {
                    state: *state,
                    sort: *sort,
                    ..account()
                };
                let expected = *state == AccountState::Active && *sort == AccountSort::Person;
                assert_eq!(
                    account.admit(Instant::from_unix_s(0)).is_ok(),
                    expected,
                    "{state} {sort}"
                );
            }
        }
    }
}
