-- Who approved a version of a price book that somebody with an account prepared.
CREATE TABLE price_approval (
    contract {text} NOT NULL,
    version BIGINT NOT NULL,
    approved_by {text} NOT NULL,
    approved_s BIGINT NOT NULL,
    opinion {text} NOT NULL,
    PRIMARY KEY (contract, version),
    FOREIGN KEY (contract, version) REFERENCES price_book (contract, version)
);
