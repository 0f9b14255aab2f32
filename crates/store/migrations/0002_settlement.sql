-- Settling what was left open: answers with a figure, cases that end, outages that are corrected, sums that are
-- withheld and released, and the import that a late fact came from. Columns of older rows are empty.

-- What both sides settled on; only with the outcome that says so.
ALTER TABLE answer ADD COLUMN agreed_fen BIGINT;

-- How a case ended: see closed_s for when. closed_in is the month of whoever said so, of a run the month it metered.
ALTER TABLE case_file ADD COLUMN outcome {text};
ALTER TABLE case_file ADD COLUMN reason {text};
ALTER TABLE case_file ADD COLUMN closed_by {text};
ALTER TABLE case_file ADD COLUMN closed_in {text};

ALTER TABLE late_fact ADD COLUMN import_id {text};

-- Sums of what is in the body, to find the statements that withheld or released something. Empty: look into the body.
ALTER TABLE statement ADD COLUMN withheld_fen BIGINT;
ALTER TABLE statement ADD COLUMN released_fen BIGINT;

-- What an outage was recorded as before it was corrected. Only ever added to.
CREATE TABLE outage_before (
    resource {text} NOT NULL,
    from_s BIGINT NOT NULL,
    place BIGINT NOT NULL,
    to_s BIGINT NOT NULL,
    excluded {text},
    source {text} NOT NULL,
    import_id {text},
    replaced_s BIGINT NOT NULL,
    replaced_by {text} NOT NULL,
    reason {text} NOT NULL,
    PRIMARY KEY (resource, from_s, place)
);
