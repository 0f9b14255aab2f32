-- Messages that leave the house, absences, and what the platform notes about its own clockwork.

-- A message is written in the transaction of the act. When it was turned into letters and calls; none while it was not.
ALTER TABLE message ADD COLUMN mailed_s BIGINT;
ALTER TABLE message ADD COLUMN hooked_s BIGINT;
-- What was told before is not sent after the event.
UPDATE message SET mailed_s = at_s, hooked_s = at_s;
CREATE INDEX message_to_mail ON message (id) WHERE mailed_s IS NULL;
CREATE INDEX message_to_hook ON message (id) WHERE hooked_s IS NULL;

-- Where an organisation's programs are told. The secret signs what is sent.
CREATE TABLE webhook (
    id {text} PRIMARY KEY,
    organisation {text} NOT NULL,
    url {text} NOT NULL,
    kinds {text} NOT NULL,
    secret {text} NOT NULL,
    made_by {text} NOT NULL,
    created_s BIGINT NOT NULL,
    ended_s BIGINT
);
CREATE INDEX webhook_organisation ON webhook (organisation, id);

-- One letter or call, tried until it arrives or is given up. Of a cause and a receiver there is one.
CREATE TABLE delivery (
    id {text} PRIMARY KEY,
    channel {text} NOT NULL,
    target {text} NOT NULL,
    cause {text} NOT NULL,
    kind {text} NOT NULL,
    subject {text} NOT NULL,
    body {text} NOT NULL,
    state {text} NOT NULL,
    attempts BIGINT NOT NULL,
    next_s BIGINT NOT NULL,
    trouble {text},
    created_s BIGINT NOT NULL,
    ended_s BIGINT
);
CREATE UNIQUE INDEX delivery_once ON delivery (channel, target, cause);
CREATE INDEX delivery_due ON delivery (next_s, id) WHERE state = 'waiting';
CREATE INDEX delivery_state ON delivery (state, id);
CREATE INDEX delivery_target ON delivery (channel, target, created_s);

-- Somebody is away, and somebody else acts for them.
CREATE TABLE absence (
    id {text} PRIMARY KEY,
    account {text} NOT NULL,
    deputy {text} NOT NULL,
    from_s BIGINT NOT NULL,
    to_s BIGINT NOT NULL,
    reason {text} NOT NULL,
    created_s BIGINT NOT NULL,
    ended_s BIGINT
);
CREATE INDEX absence_account ON absence (account, from_s);
CREATE INDEX absence_deputy ON absence (deputy, from_s);

-- What was reminded of, once for each moment.
CREATE TABLE reminder (
    kind {text} NOT NULL,
    subject {text} NOT NULL,
    moment_s BIGINT NOT NULL,
    at_s BIGINT NOT NULL,
    PRIMARY KEY (kind, subject, moment_s)
);

-- When recurring work was last queued.
CREATE TABLE rhythm (
    kind {text} PRIMARY KEY,
    last_s BIGINT NOT NULL
);
