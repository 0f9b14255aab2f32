-- People and requests: accounts, roles, sessions, applications, approvals, room, orders, jobs and messages.
-- Nothing here is ever deleted but sessions, kept answers and finished jobs that are past their time.

CREATE TABLE account (
    id {text} PRIMARY KEY,
    login {text} NOT NULL UNIQUE,
    name {text} NOT NULL,
    mail {text},
    organisation {text} NOT NULL,
    sort {text} NOT NULL,
    state {text} NOT NULL,
    password {text},
    failed BIGINT NOT NULL,
    locked_until_s BIGINT,
    totp {text},
    totp_step BIGINT,
    oidc_subject {text} UNIQUE,
    created_s BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX account_organisation ON account (organisation, login);

-- A role is proposed, approved by somebody else, and ended; what it was stays readable.
CREATE TABLE role_assignment (
    number BIGINT PRIMARY KEY,
    account {text} NOT NULL REFERENCES account (id),
    organisation {text} NOT NULL,
    role {text} NOT NULL,
    state {text} NOT NULL,
    from_s BIGINT,
    to_s BIGINT,
    proposed_by {text} NOT NULL,
    proposed_s BIGINT NOT NULL,
    decided_by {text}
);
CREATE INDEX role_assignment_account ON role_assignment (account, state);
CREATE INDEX role_assignment_role ON role_assignment (organisation, role, state);
CREATE UNIQUE INDEX role_assignment_once ON role_assignment (account, organisation, role)
    WHERE state IN ('proposed', 'in_force');

-- Secrets are kept as digests only: of sessions, tokens and one-time links nobody can read them back.
CREATE TABLE session (
    id {text} PRIMARY KEY,
    secret {text} NOT NULL UNIQUE,
    account {text} NOT NULL REFERENCES account (id),
    created_s BIGINT NOT NULL,
    seen_s BIGINT NOT NULL,
    expires_s BIGINT NOT NULL,
    address {text} NOT NULL,
    agent {text} NOT NULL
);
CREATE INDEX session_account ON session (account);

CREATE TABLE api_token (
    id {text} PRIMARY KEY,
    secret {text} NOT NULL UNIQUE,
    account {text} NOT NULL REFERENCES account (id),
    name {text} NOT NULL,
    scope {text} NOT NULL,
    created_s BIGINT NOT NULL,
    expires_s BIGINT NOT NULL,
    revoked_s BIGINT
);
CREATE INDEX api_token_account ON api_token (account);

CREATE TABLE invitation (
    secret {text} PRIMARY KEY,
    account {text} NOT NULL REFERENCES account (id),
    created_s BIGINT NOT NULL,
    expires_s BIGINT NOT NULL,
    used_s BIGINT
);

-- The answer to a change, kept so that the same change sent again gets the same answer (I6).
CREATE TABLE kept_answer (
    account {text} NOT NULL,
    key {text} NOT NULL,
    request {text} NOT NULL,
    status BIGINT NOT NULL,
    body {text} NOT NULL,
    at_s BIGINT NOT NULL,
    PRIMARY KEY (account, key)
);

-- Running numbers without gaps, by series.
CREATE TABLE series (
    name {text} PRIMARY KEY,
    last BIGINT NOT NULL
);

CREATE TABLE resource_request (
    number {text} PRIMARY KEY,
    kind {text} NOT NULL,
    unit {text} NOT NULL,
    system {text} NOT NULL,
    status {text} NOT NULL,
    provider {text},
    applicant {text} NOT NULL,
    created_s BIGINT NOT NULL,
    due_s BIGINT,
    body {text} NOT NULL,
    frozen {text},
    version BIGINT NOT NULL
);
CREATE INDEX resource_request_unit ON resource_request (unit, number);
CREATE INDEX resource_request_status ON resource_request (status, number);
CREATE INDEX resource_request_provider ON resource_request (provider, number);

CREATE TABLE flow_run (
    subject {text} PRIMARY KEY,
    definition {text} NOT NULL,
    definition_version BIGINT NOT NULL,
    state {text} NOT NULL,
    body {text} NOT NULL,
    version BIGINT NOT NULL
);

-- Who has what to do: one row for each account that may act on an open task. Rewritten with its flow.
CREATE TABLE to_do (
    account {text} NOT NULL,
    kind {text} NOT NULL,
    subject {text} NOT NULL,
    task {text} NOT NULL,
    title {text} NOT NULL,
    opened_s BIGINT NOT NULL,
    due_s BIGINT,
    PRIMARY KEY (account, kind, subject, task)
);
CREATE INDEX to_do_subject ON to_do (kind, subject);

CREATE TABLE room_limit (
    purse {text} NOT NULL,
    version BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    source {text} NOT NULL,
    set_by {text} NOT NULL,
    at_s BIGINT NOT NULL,
    PRIMARY KEY (purse, version)
);

-- What an application holds or uses of a purse. A hold is used or freed once.
CREATE TABLE room_hold (
    subject {text} NOT NULL,
    purse {text} NOT NULL,
    amount BIGINT NOT NULL,
    state {text} NOT NULL,
    at_s BIGINT NOT NULL,
    PRIMARY KEY (subject, purse)
);
CREATE INDEX room_hold_purse ON room_hold (purse, state);

CREATE TABLE expert_review (
    number {text} PRIMARY KEY,
    request {text} NOT NULL,
    body {text} NOT NULL,
    recorded_by {text} NOT NULL,
    at_s BIGINT NOT NULL
);
CREATE INDEX expert_review_request ON expert_review (request);

CREATE TABLE offer (
    request {text} NOT NULL,
    provider {text} NOT NULL,
    body {text} NOT NULL,
    at_s BIGINT NOT NULL,
    PRIMARY KEY (request, provider)
);

-- What an application gathers on its way, by kind: choice, duties, trial, end, what is gone, proofs.
CREATE TABLE request_paper (
    request {text} NOT NULL,
    kind {text} NOT NULL,
    body {text} NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (request, kind)
);

-- A file that proves something; the file itself lies outside the database, under its digest.
CREATE TABLE evidence (
    id {text} PRIMARY KEY,
    subject {text} NOT NULL,
    name {text} NOT NULL,
    media_type {text} NOT NULL,
    size_bytes BIGINT NOT NULL,
    digest {text} NOT NULL,
    given_by {text} NOT NULL,
    at_s BIGINT NOT NULL
);
CREATE INDEX evidence_subject ON evidence (subject);

-- A saga: what is to be done outside, step by step, and how far it got.
CREATE TABLE work_order (
    number {text} PRIMARY KEY,
    request {text} NOT NULL,
    kind {text} NOT NULL,
    provider {text} NOT NULL,
    node {text} NOT NULL,
    state {text} NOT NULL,
    opened_s BIGINT NOT NULL,
    due_s BIGINT,
    body {text} NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX work_order_request ON work_order (request);
CREATE INDEX work_order_state ON work_order (state, number);

CREATE TABLE job (
    id {text} PRIMARY KEY,
    kind {text} NOT NULL,
    subject {text} NOT NULL,
    payload {text} NOT NULL,
    state {text} NOT NULL,
    run_s BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    attempts_max BIGINT NOT NULL,
    lease_owner {text},
    lease_until_s BIGINT,
    cancel BIGINT NOT NULL,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    stage {text} NOT NULL,
    outcome {text},
    asked_by {text} NOT NULL,
    created_s BIGINT NOT NULL,
    ended_s BIGINT
);
CREATE INDEX job_due ON job (state, run_s, id);
-- The same work is not queued twice.
CREATE UNIQUE INDEX job_once ON job (kind, subject) WHERE state IN ('queued', 'running');

CREATE TABLE message (
    id {text} PRIMARY KEY,
    account {text} NOT NULL,
    kind {text} NOT NULL,
    subject {text} NOT NULL,
    title {text} NOT NULL,
    text {text} NOT NULL,
    at_s BIGINT NOT NULL,
    read_s BIGINT
);
CREATE INDEX message_account ON message (account, read_s, id);
