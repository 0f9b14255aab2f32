//! What leaves the house: how often it is tried, how much of it one person gets, how it is signed.
//!
//! Invariants: a delivery has one id for all its attempts, also after a person sends it once more; it is tried a
//! bounded number of times, at growing distances; a person gets a bounded number of letters an hour, and no message is
//! dropped for it.

use super::pause_s;
use crate::registry::words;
use kernel::{DeliveryId, Digest, Instant};

words! {
    /// How something leaves the house.
    Channel {
        /// By mail, to a person.
        Mail = "mail", "邮件";
        /// By a signed call, to a program.
        Webhook = "webhook", "回调";
    }
}

words! {
    /// Where a delivery stands.
    DeliveryState {
        /// To be tried, or tried again.
        Waiting = "waiting", "待投递";
        /// The receiver took it.
        Delivered = "delivered", "已送达";
        /// Given up; a person may send it once more.
        Dead = "dead", "投递失败";
    }
}

/// How often something is tried before it is given up.
pub const ATTEMPTS_MAX: i64 = 16;
/// The first pause between two attempts, and the longest. Units: seconds.
const PAUSE_S: (i64, i64) = (30, 3_600);

/// When something is tried next, after an attempt (from 1) at a moment; none if that was the last. All attempts
/// together take about nine hours.
pub fn next_attempt(attempt: i64, at: Instant) -> Option<Instant> {
    (attempt < ATTEMPTS_MAX).then(|| at.plus_s(pause_s(attempt, PAUSE_S)))
}

/// How messages to one person become letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// Each its own.
    Each,
    /// All in one.
    Digest,
    /// None yet: they wait for the next hour.
    Later,
}

/// How `waiting` messages to a person who had `sent` letters within the last hour become letters, if an hour may bring
/// `per_hour` of them. The last letter of an hour is a digest of all that does not fit.
pub fn letters(waiting: usize, sent: i64, per_hour: i64) -> Letters {
    let left = per_hour.saturating_sub(sent);
    if left <= 0 {
        Letters::Later
    } else if waiting == 1 || i64::try_from(waiting).is_ok_and(|waiting| waiting < left) {
        Letters::Each
    } else {
        Letters::Digest
    }
}

/// The signature of a call: HMAC-SM3 over the moment, the id and the body, a full stop between them.
pub fn signature(secret: &str, id: DeliveryId, at: Instant, body: &str) -> String {
    let signed = format!("{}.{id}.{body}", at.unix_s());
    format!("sm3={}", Digest::hmac(secret.as_bytes(), signed.as_bytes()))
}

/// Whether a webhook wants a kind of message: it names that, or the beginning of it before a full stop; or names none.
pub fn wants(kinds: &[String], kind: &str) -> bool {
    let fits = |wanted: &String| {
        let rest = kind.strip_prefix(wanted.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    kinds.is_empty() || kinds.iter().any(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attempts_are_bounded_and_ever_rarer() {
        let start = Instant::from_unix_s(0);
        let (mut at, mut attempt, mut pauses) = (start, 1, Vec::new());
        while let Some(next) = next_attempt(attempt, at) {
            pauses.push(next.unix_s() - at.unix_s());
            (at, attempt) = (next, attempt + 1);
        }
        assert_eq!(
            pauses.get(..8),
            Some([30, 60, 120, 240, 480, 960, 1_920, 3_600].as_slice())
        );
        assert_eq!((attempt, pauses.len()), (16, 15));
        assert_eq!(at.unix_s(), 30 * 127 + 8 * 3_600);
    }

    #[test]
    fn the_signature_is_that_of_another_program() {
        // printf '1773104400.dlv_00000000000171018101010101010101.{"a":1}' | openssl dgst -sm3 -hmac yhw_1
        let id = DeliveryId::from_parts(1, &[1; 10]);
        assert_eq!(id.to_string(), "dlv_00000000000171018101010101010101");
        let signed = signature("yhw_1", id, Instant::from_unix_s(1_773_104_400), "{\"a\":1}");
        assert_eq!(
            signed,
            "sm3=54ce99f6361805fd61f2cf9b3906c1187b2cdfb636305cf06870310eab502113"
        );
        assert_ne!(
            signed,
            signature("yhw_2", id, Instant::from_unix_s(1_773_104_400), "{\"a\":1}")
        );
        assert_ne!(
            signed,
            signature("yhw_1", id, Instant::from_unix_s(1_773_104_401), "{\"a\":1}")
        );
    }

    #[test]
    fn kinds_and_their_beginnings() {
        let wanted = vec!["request.ended".to_owned(), "order".to_owned()];
        for (kind, is) in [
            ("request.ended", true),
            ("request.to_decide", false),
            ("order", true),
            ("order.stuck", true),
            ("orders", false),
        ] {
            assert_eq!(wants(&wanted, kind), is, "{kind}");
        }
        assert!(wants(&[], "anything"));
    }

    proptest! {
        /// However many messages come, an hour brings no more letters than it may, and none is dropped.
        #[test]
        fn an_hour_is_bounded(bursts in proptest::collection::vec(0_usize..30, 1..40), per_hour in 1_i64..12) {
            let (mut sent, mut waiting, mut come, mut gone) = (0_i64, 0_usize, 0, 0);
            for burst in bursts {
                (waiting, come) = (waiting + burst, come + burst);
                if waiting == 0 { continue; }
                match letters(waiting, sent, per_hour) {
                    Letters::Each => { sent += i64::try_from(waiting).unwrap(); gone += waiting; waiting = 0; }
                    Letters::Digest => { sent += 1; gone += waiting; waiting = 0; }
                    Letters::Later => prop_assert_eq!(sent, per_hour),
                }
                prop_assert!(sent <= per_hour);
            }
            prop_assert_eq!(come, gone + waiting);
        }
    }
}
