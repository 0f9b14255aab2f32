//! Checking an identity token (OpenID Connect Core 1.0, 3.1.3.7; JWS, RFC 7515; JWK, RFC 7517).

use crate::TokenFault;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Instant;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents,
};
use serde::Deserialize;

/// How far the provider's clock may be from ours. Units: seconds.
const SKEW_S: i64 = 60;
/// The oldest token that is taken: it answers a login of a moment ago. Units: seconds.
const AGE_MAX_S: i64 = 600;
/// The longest subject that is taken. Units: bytes.
const SUBJECT_MAX: usize = 255;

/// A public key of the provider, as it lists it.
#[derive(Debug, Clone, Deserialize)]
pub struct Key {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys of the provider.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct KeyList {
    keys: Vec<serde_json::Value>,
}

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// Who issues.
    pub issuer: &'w str,
    /// For whom: our client id.
    pub client_id: &'w str,
    /// To which question.
    pub nonce: &'w str,
    /// The time.
    pub now: Instant,
}

/// Who somebody is at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// The provider's name for them; it never changes and is never given to somebody else.
    pub subject: String,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

/// One text or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
}

/// Checks all of a token. Returns who it speaks of.
pub fn verify(token: &str, keys: &KeyList, wanted: Wanted<'_>) -> Result<Identified, TokenFault> {
    let mut parts = token.split('.');
    let (Some(head), Some(body), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenFault::Form);
    };
    let header: Header = json(head)?;
    // An extension that must be understood is none that we understand.
    if header.crit.is_some() {
        return Err(TokenFault::Form);
    }
    let signed = token.get(..head.len() + 1 + body.len()).ok_or(TokenFault::Form)?;
    let signature = bytes(signature)?;
    let key = keys.find(&header)?;
    key.check(&header.alg, signed.as_bytes(), &signature)?;
    // Nothing of the body is looked at before its signature was.
    judge(json(body)?, wanted)
}

fn judge(claims: Claims, wanted: Wanted<'_>) -> Result<Identified, TokenFault> {
    let now = wanted.now.unix_s();
    if claims.iss != wanted.issuer {
        return Err(TokenFault::Issuer);
    }
    // A token for several must name us as the party it was issued to.
    let (ours, several) = match &claims.aud {
        Audience::One(one) => (one == wanted.client_id, false),
        Audience::Many(many) => (many.iter().any(|one| one == wanted.client_id), many.len() != 1),
    };
    let party = claims.azp.as_deref();
    if !ours || (several && party.is_none()) || party.is_some_and(|party| party != wanted.client_id) {
        return Err(TokenFault::Audience);
    }
    if claims.exp.saturating_add(SKEW_S) <= now {
        return Err(TokenFault::Expired);
    }
    let begins = claims.nbf.unwrap_or(claims.iat).max(claims.iat);
    if begins > now.saturating_add(SKEW_S) || claims.iat < now.saturating_sub(AGE_MAX_S) {
        return Err(TokenFault::Issued);
    }
    if claims.nonce.as_deref() != Some(wanted.nonce) {
        return Err(TokenFault::Nonce);
    }
    if claims.sub.is_empty() || claims.sub.len() > SUBJECT_MAX {
        return Err(TokenFault::Subject);
    }
    Ok(Identified { subject: claims.sub })
}

fn bytes(text: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenFault::Form)
}

fn json<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, TokenFault> {
    serde_json::from_slice(&bytes(part)?).map_err(|_| TokenFault::Form)
}

impl KeyList {
    /// The key that a token was signed with. A list may hold keys of kinds that we do not know; those are passed over.
    fn find(&self, header: &Header) -> Result<Key, TokenFault> {
        let kind = match header.alg.as_str() {
            "RS256" | "PS256" => "RSA",
            "ES256" => "EC",
            _ => return Err(TokenFault::Algorithm),
        };
        let keys = self
            .keys
            .iter()
            .filter_map(|value| serde_json::from_value::<Key>(value.clone()).ok());
        let fits = |key: &Key| {
            key.kty == kind
                && key.usage.as_deref().is_none_or(|usage| usage == "sig")
                && key.alg.as_deref().is_none_or(|alg| alg == header.alg)
                && header.kid.as_ref().is_none_or(|kid| key.kid.as_ref() == Some(kid))
        };
        let mut fitting = keys.filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            // Without a name it must be the only one; nothing is tried out.
            _ => Err(TokenFault::Key),
        }
    }
}

impl Key {
    fn check(&self, alg: &str, signed: &[u8], signature: &[u8]) -> Result<(), TokenFault> {
        let part = |part: &Option<String>| part.as_deref().map_or(Err(TokenFault::Key), bytes);
        let rsa = |parameters: &'static RsaParameters| -> Result<(), TokenFault> {
            let (n, e) = (part(&self.n)?, part(&self.e)?);
            let components = RsaPublicKeyComponents { n: &n, e: &e };
            let checked = components.verify(parameters, signed, signature);
            checked.map_err(|_| TokenFault::Signature)
        };
        match alg {
            "RS256" => rsa(&RSA_PKCS1_2048_8192_SHA256),
            "PS256" => rsa(&RSA_PSS_2048_8192_SHA256),
            "ES256" if self.crv.as_deref() == Some("P-256") => {
                // An uncompressed point: 4, x, y.
                let point = [vec![4], part(&self.x)?, part(&self.y)?].concat();
                let key = signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                key.verify(signed, signature).map_err(|_| TokenFault::Signature)
            }
            _ => Err(TokenFault::Algorithm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::{Value, json};

    const NOW: Instant = Instant::from_unix_s(1_773_104_400);
    const WANTED: Wanted<'_> = Wanted {
        issuer: "https://id.example",
        client_id: "yunheng",
        nonce: "n-1",
        now: NOW,
    };

    /// A provider's key pair, made anew.
    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Self {
            let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
            let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            Self(EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap())
        }

        fn keys(&self) -> KeyList {
            let point = self.0.public_key().as_ref();
            let part = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
            let key =
                json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": part(&point[1..33]), "y": part(&point[33..]) });
            let strange = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k" });
            serde_json::from_value(json!({ "keys": [strange, key] })).unwrap()
        }

        fn token(&self, header: &Value, claims: &Value) -> String {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", part(header), part(claims));
            let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }
    }

    fn header() -> Value {
        json!({ "alg": "ES256", "kid": "k" })
    }

    fn claims() -> Value {
        let now = NOW.unix_s();
        json!({
            "iss": "https://id.example", "sub": "wang", "aud": "yunheng", "nonce": "n-1", "iat": now, "exp": now + 300,
        })
    }

    /// What a token with one claim other than it should be is told.
    fn with(name: &str, value: Value) -> Result<Identified, TokenFault> {
        let signer = Signer::new();
        let mut claims = claims();
        claims[name] = value;
        verify(&signer.token(&header(), &claims), &signer.keys(), WANTED)
    }

    #[test]
    fn a_good_token_tells_who() {
        let subject = || {
            Ok(Identified {
                subject: "wang".to_owned(),
            })
        };
        assert_eq!(with("extra", json!(1)), subject());
        assert_eq!(with("aud", json!(["yunheng"])), subject());
        assert_eq!(with("azp", json!("yunheng")), subject());
    }

    #[test]
    fn every_claim_that_is_wrong_is_told() {
        let now = NOW.unix_s();
        for (name, value, fault) in [
            ("iss", json!("https://id.example.evil"), TokenFault::Issuer),
            ("iss", json!("https://id.example/"), TokenFault::Issuer),
            ("aud", json!("another"), TokenFault::Audience),
            ("aud", json!([]), TokenFault::Audience),
            ("aud", json!(["yunheng", "another"]), TokenFault::Audience),
            ("azp", json!("another"), TokenFault::Audience),
            ("exp", json!(now - SKEW_S), TokenFault::Expired),
            ("exp", json!("later"), TokenFault::Form),
            ("iat", json!(now + SKEW_S + 1), TokenFault::Issued),
            ("iat", json!(now - AGE_MAX_S - 1), TokenFault::Issued),
            ("nbf", json!(now + SKEW_S + 1), TokenFault::Issued),
            ("nonce", json!("n-2"), TokenFault::Nonce),
            ("nonce", Value::Null, TokenFault::Nonce),
            ("sub", json!(""), TokenFault::Subject),
            ("sub", json!("x".repeat(256)), TokenFault::Subject),
        ] {
            assert_eq!(with(name, value.clone()), Err(fault), "{name} {value}");
        }
    }

    #[test]
    fn only_the_providers_own_keys_and_algorithms_count() {
        let (signer, stranger) = (Signer::new(), Signer::new());
        let told = |header: Value, by: &Signer| verify(&by.token(&header, &claims()), &signer.keys(), WANTED);
        assert!(told(header(), &signer).is_ok());
        assert_eq!(told(header(), &stranger), Err(TokenFault::Signature));
        assert_eq!(
            told(json!({ "alg": "ES256", "kid": "x" }), &signer),
            Err(TokenFault::Key)
        );
        // The only key of the kind needs no name.
        assert!(told(json!({ "alg": "ES256" }), &signer).is_ok());
        for alg in ["none", "None", "HS256", "ES384", ""] {
            assert_eq!(
                told(json!({ "alg": alg, "kid": "k" }), &signer),
                Err(TokenFault::Algorithm),
                "{alg}"
            );
        }
        assert_eq!(
            told(json!({ "alg": "RS256", "kid": "k" }), &signer),
            Err(TokenFault::Key)
        );
        let critical = json!({ "alg": "ES256", "kid": "k", "crit": ["b64"] });
        assert_eq!(told(critical, &signer), Err(TokenFault::Form));
        let unsigned = signer.token(&header(), &claims());
        let (signed, _) = unsigned.rsplit_once('.').unwrap();
        assert_eq!(
            verify(&format!("{signed}."), &signer.keys(), WANTED),
            Err(TokenFault::Signature)
        );
        assert_eq!(verify(signed, &signer.keys(), WANTED), Err(TokenFault::Form));
    }

    #[test]
    fn rsa_as_rfc_7515_signs_it() {
        // Appendix A.2: the key, and "eyJhbGciOiJSUzI1NiJ9" with its payload and signature.
        let keys: KeyList = serde_json::from_value(json!({ "keys": [{
            "kty": "RSA", "e": "AQAB",
            "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        }]})).unwrap();
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        // The signature is good; the claims are none of a login.
        assert_eq!(verify(token, &keys, WANTED), Err(TokenFault::Form));
        let altered = token.replace("cC4h", "cC4i");
        assert_eq!(verify(&altered, &keys, WANTED), Err(TokenFault::Signature));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_byte_of_a_token_can_be_another(at in any::<prop::sample::Index>(), byte in 33_u8..127) {
            let signer = Signer::new();
            let good = signer.token(&header(), &claims());
            let mut bad = good.clone().into_bytes();
            let at = at.index(bad.len());
            prop_assume!(bad[at] != byte);
            bad[at] = byte;
            let bad = String::from_utf8(bad).unwrap();
            prop_assert!(verify(&bad, &signer.keys(), WANTED).is_err(), "{bad}");
        }
    }
}
