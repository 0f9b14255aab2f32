//! Making and checking secrets.

use super::AccountError;
use crate::OpContext;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use kernel::{Digest, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use totp_rs::{Algorithm, Builder, Secret};

/// Passwords that are hashed or checked at once; each takes some 19 MiB. The others wait for their turn.
static TURNS: Semaphore = Semaphore::const_new(4);

/// Seconds of a one-time code.
const STEP_S: u64 = 30;

/// A new secret, 40 random bytes as hexadecimal text after a prefix that tells people and scanners what it is, and the
/// digest by which it is stored.
pub(super) fn new_secret(ctx: &OpContext, prefix: &str) -> (String, Digest) {
    let mut text = format!("{prefix}_");
    for _ in 0..4 {
        for byte in ctx.random() {
            text.push_str(&format!("{byte:02x}"));
        }
    }
    let digest = Digest::of(text.as_bytes());
    (text, digest)
}

/// Waits for a turn to work with a password; it lasts as long as what is returned.
async fn turn() -> Result<SemaphorePermit<'static>, AccountError> {
    TURNS.acquire().await.map_err(|_| AccountError::Hashing)
}

/// The hash of a password, with a salt of its own. It takes a while on purpose, so it runs beside other work.
pub(super) async fn hash(password: &str) -> Result<String, AccountError> {
    let (turn, password) = (turn().await?, password.to_owned());
    let hashed = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let hash = Argon2::default().hash_password(password.as_bytes());
        hash.map(|hash| hash.to_string())
    });
    hashed.await.ok().and_then(Result::ok).ok_or(AccountError::Hashing)
}

/// Whether a password is the one of a hash. Without a hash it takes as long and is wrong, so that nobody learns from
/// the time which accounts exist.
pub(super) async fn verify(password: &str, hash: Option<&str>) -> Result<bool, AccountError> {
    let Some(known) = hash else {
        let _ = self::hash(password).await?;
        return Ok(false);
    };
    let (turn, password, known) = (turn().await?, password.to_owned(), known.to_owned());
    let verified = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let parsed = PasswordHash::new(&known).ok()?;
        Some(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
    });
    verified.await.ok().flatten().ok_or(AccountError::Hashing)
}

/// A new shared secret of one-time codes, base 32.
pub(super) fn new_totp(ctx: &OpContext) -> String {
    let bytes: Vec<u8> = [ctx.random(), ctx.random()].concat();
    Secret::from(bytes).to_base32()
}

/// The time step whose code this is, if it is one of now, the step before or the step after, and later than `used`.
pub(super) fn totp_step(secret: &str, code: &str, now: Instant, used: Option<i64>) -> Option<i64> {
    let secret = Secret::try_from_base32(secret).ok()?;
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_secret(secret)
        .with_skew(1)
        .with_step_duration(STEP_S)
        .build_noncompliant();
    let step = totp.check(code.trim(), u64::try_from(now.unix_s()).ok()?)?;
    let step = i64::try_from(step).ok()?;
    used.is_none_or(|used| step > used).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_codes_of_rfc_6238() {
        // Appendix B of the RFC: the secret "12345678901234567890", time 59, code 94287082, of which six digits.
        let secret = Secret::from(b"12345678901234567890".to_vec()).to_base32();
        let at = |unix_s| totp_step(&secret, "287082", Instant::from_unix_s(unix_s), None);
        assert_eq!(at(59), Some(1));
        assert_eq!(at(89), Some(1), "the step after is still accepted");
        assert_eq!(at(120), None);
        assert_eq!(
            totp_step(&secret, "287082", Instant::from_unix_s(59), Some(1)),
            None,
            "no code works twice"
        );
        assert_eq!(totp_step(&secret, "287083", Instant::from_unix_s(59), None), None);
        assert_eq!(totp_step(&secret, "abc", Instant::from_unix_s(59), None), None);
    }

    #[tokio::test]
    async fn passwords_are_hashed_with_argon2id_and_a_salt() {
        let (one, other) = (
            hash("Chuncheng-2026").await.unwrap(),
            hash("Chuncheng-2026").await.unwrap(),
        );
        assert!(one.starts_with("$argon2id$") && one != other);
        assert!(verify("Chuncheng-2026", Some(&one)).await.unwrap());
        assert!(!verify("chuncheng-2026", Some(&one)).await.unwrap());
        assert!(!verify("Chuncheng-2026", None).await.unwrap());
        assert!(matches!(verify("x", Some("no hash")).await, Err(AccountError::Hashing)));
    }
}
