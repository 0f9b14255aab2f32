-- The first shape of the store. {text} is TEXT, on PostgreSQL with byte order, so that both stores sort alike.
-- Times are UTC seconds, days are counted from 1970-01-01, money is fen, quantities are millionths.

CREATE TABLE import (
    id {text} PRIMARY KEY,
    kind {text} NOT NULL,
    file_name {text} NOT NULL,
    digest {text} NOT NULL,
    row_count BIGINT NOT NULL,
    at_s BIGINT NOT NULL,
    actor {text} NOT NULL,
    UNIQUE (kind, digest)
);

CREATE TABLE registry_version (
    register {text} NOT NULL,
    code {text} NOT NULL,
    valid_from_s BIGINT NOT NULL,
    body {text} NOT NULL,
    import_id {text},
    PRIMARY KEY (register, code, valid_from_s)
);

CREATE TABLE price_book (
    contract {text} NOT NULL,
    version BIGINT NOT NULL,
    effective_from BIGINT NOT NULL,
    body {text} NOT NULL,
    recorded_s BIGINT NOT NULL,
    import_id {text},
    PRIMARY KEY (contract, version)
);

CREATE TABLE allocation (
    code {text} NOT NULL,
    from_s BIGINT NOT NULL,
    to_s BIGINT,
    system {text} NOT NULL,
    form {text} NOT NULL,
    kind {text} NOT NULL,
    class {text} NOT NULL,
    spec {text} NOT NULL,
    node {text} NOT NULL,
    pool {text},
    native_id {text},
    contract {text},
    parent {text},
    import_id {text},
    PRIMARY KEY (code, from_s),
    CHECK (to_s IS NULL OR to_s > from_s)
);
CREATE INDEX allocation_resource ON allocation (node, native_id);

CREATE TABLE look (
    node {text} NOT NULL,
    taken_s BIGINT NOT NULL,
    sequence BIGINT,
    kind {text} NOT NULL,
    digest {text} NOT NULL,
    observations BIGINT NOT NULL,
    samples BIGINT NOT NULL,
    changes BIGINT NOT NULL,
    payload {text} NOT NULL,
    received_s BIGINT NOT NULL,
    PRIMARY KEY (node, taken_s),
    UNIQUE (node, sequence)
);

CREATE TABLE sighting (
    node {text} NOT NULL,
    native_id {text} NOT NULL,
    from_s BIGINT NOT NULL,
    to_s BIGINT,
    kind {text} NOT NULL,
    class {text} NOT NULL,
    name {text} NOT NULL,
    project {text} NOT NULL,
    zone {text} NOT NULL,
    state {text} NOT NULL,
    native_state {text} NOT NULL,
    spec {text} NOT NULL,
    created_s BIGINT,
    parent {text},
    system_tag {text},
    PRIMARY KEY (node, native_id, from_s),
    CHECK (to_s IS NULL OR to_s > from_s)
);
CREATE INDEX sighting_end ON sighting (node, to_s);
-- At most one stretch of a resource is open (invariant I4).
CREATE UNIQUE INDEX sighting_open ON sighting (node, native_id) WHERE to_s IS NULL;

CREATE TABLE lake_file (
    path {text} PRIMARY KEY,
    dataset {text} NOT NULL,
    month {text} NOT NULL,
    part {text} NOT NULL,
    row_count BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    digest {text} NOT NULL
);
CREATE INDEX lake_file_month ON lake_file (dataset, month);

CREATE TABLE month (
    month {text} PRIMARY KEY,
    closed_s BIGINT NOT NULL,
    actor {text} NOT NULL
);

CREATE TABLE run (
    id {text} PRIMARY KEY,
    step {text} NOT NULL,
    month {text} NOT NULL,
    scope {text} NOT NULL,
    input_digest {text} NOT NULL,
    output_digest {text} NOT NULL,
    path {text},
    summary {text} NOT NULL,
    at_s BIGINT NOT NULL,
    current BIGINT NOT NULL
);
-- One run of a step and month counts; the others are history.
CREATE UNIQUE INDEX run_current ON run (step, month, scope) WHERE current = 1;

CREATE TABLE charge_sum (
    run_id {text} NOT NULL,
    provider {text} NOT NULL,
    organisation {text} NOT NULL,
    item {text} NOT NULL,
    kind {text} NOT NULL,
    corrects {text} NOT NULL,
    line_count BIGINT NOT NULL,
    list_fen BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL,
    PRIMARY KEY (run_id, provider, organisation, item, kind, corrects)
);

CREATE TABLE late_fact (
    id {text} PRIMARY KEY,
    month {text} NOT NULL,
    cause {text} NOT NULL,
    detail {text} NOT NULL,
    at_s BIGINT NOT NULL,
    approved BIGINT NOT NULL,
    posted_in {text}
);
CREATE INDEX late_fact_month ON late_fact (month);

CREATE TABLE bill (
    provider {text} NOT NULL,
    month {text} NOT NULL,
    version BIGINT NOT NULL,
    digest {text} NOT NULL,
    line_count BIGINT NOT NULL,
    total_fen BIGINT NOT NULL,
    path {text} NOT NULL,
    received_s BIGINT NOT NULL,
    PRIMARY KEY (provider, month, version)
);

CREATE TABLE answer (
    provider {text} NOT NULL,
    month {text} NOT NULL,
    resource {text} NOT NULL,
    item {text} NOT NULL,
    outcome {text} NOT NULL,
    words {text} NOT NULL,
    actor {text} NOT NULL,
    at_s BIGINT NOT NULL,
    PRIMARY KEY (provider, month, resource, item, at_s)
);

CREATE TABLE outage (
    resource {text} NOT NULL,
    from_s BIGINT NOT NULL,
    to_s BIGINT NOT NULL,
    excluded {text},
    source {text} NOT NULL,
    import_id {text},
    PRIMARY KEY (resource, from_s)
);

CREATE TABLE statement (
    number {text} PRIMARY KEY,
    month {text} NOT NULL,
    provider {text} NOT NULL,
    organisation {text},
    status {text} NOT NULL,
    version BIGINT NOT NULL,
    payable_fen BIGINT NOT NULL,
    digest {text} NOT NULL,
    body {text} NOT NULL
);
CREATE INDEX statement_month ON statement (month);

CREATE TABLE statement_opinion (
    number {text} NOT NULL,
    place BIGINT NOT NULL,
    body {text} NOT NULL,
    PRIMARY KEY (number, place)
);

CREATE TABLE case_file (
    id {text} PRIMARY KEY,
    kind {text} NOT NULL,
    subject {text} NOT NULL,
    owner {text} NOT NULL,
    detail {text} NOT NULL,
    since_s BIGINT NOT NULL,
    opened_s BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    month {text} NOT NULL,
    closed_s BIGINT
);
CREATE UNIQUE INDEX case_open ON case_file (kind, subject) WHERE closed_s IS NULL;

CREATE TABLE audit_entry (
    number BIGINT PRIMARY KEY,
    at_s BIGINT NOT NULL,
    actor {text} NOT NULL,
    action {text} NOT NULL,
    object {text} NOT NULL,
    detail {text} NOT NULL,
    previous {text} NOT NULL,
    digest {text} NOT NULL
);
