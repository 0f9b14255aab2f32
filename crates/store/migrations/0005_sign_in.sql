-- Signing in elsewhere, and seals of the audit chain.

-- Seals are entries of the chain; a day is sealed once. The index finds them among millions of others.
CREATE UNIQUE INDEX audit_seal ON audit_entry (action, object) WHERE action = 'audit.seal';

-- A login that was begun at the city's identity provider. Secrets are digests: of the state that the provider repeats,
-- and of what only the browser that began it holds. A row is used once, and forgotten soon. With a session it is begun to
-- bind its account; proven is whose identity the provider proved, while the one-time code is still asked for.
CREATE TABLE sign_in (
    state {text} PRIMARY KEY,
    browser {text} NOT NULL,
    nonce {text} NOT NULL,
    verifier {text} NOT NULL,
    session {text},
    begun_s BIGINT NOT NULL,
    expires_s BIGINT NOT NULL,
    used_s BIGINT,
    proven {text} REFERENCES account (id),
    ended_s BIGINT
);
CREATE INDEX sign_in_browser ON sign_in (browser);
CREATE INDEX sign_in_expiry ON sign_in (expires_s);
