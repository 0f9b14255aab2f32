-- Whether a session was begun at the city's identity provider, 1 or 0: whoever logs out is sent there to log out as well.
-- Nothing of the provider's token is kept.
ALTER TABLE session ADD COLUMN at_provider BIGINT NOT NULL DEFAULT 0;
