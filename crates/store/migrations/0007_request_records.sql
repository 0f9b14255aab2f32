-- What an application was judged by is large and seldom read: it stands apart from what every list and decision reads.
CREATE TABLE request_record (
    number {text} PRIMARY KEY REFERENCES resource_request (number),
    frozen {text} NOT NULL
);
INSERT INTO request_record (number, frozen)
SELECT number, frozen FROM resource_request WHERE frozen IS NOT NULL;
ALTER TABLE resource_request DROP COLUMN frozen;
