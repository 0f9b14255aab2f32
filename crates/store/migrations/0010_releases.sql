-- A new way into an account that was in use takes two persons: who asked for it, and whether it waits for somebody else.

-- Waiting is 1 until a one-time link is released. Links that were made before for accounts in use wait as well.
ALTER TABLE invitation ADD COLUMN asked_by {text} NOT NULL DEFAULT '';
ALTER TABLE invitation ADD COLUMN waiting BIGINT NOT NULL DEFAULT 0;
UPDATE invitation SET waiting = 1 WHERE used_s IS NULL AND account IN (SELECT id FROM account WHERE password IS NOT NULL);

-- The subject at the identity provider that is to be bound once it is released.
ALTER TABLE account ADD COLUMN asked_subject {text};
ALTER TABLE account ADD COLUMN asked_subject_by {text};
