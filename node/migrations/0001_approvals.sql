-- What waits for a second person, was granted, refused and used. Times are milliseconds since 1970-01-01 UTC.
-- decision: 0 waits, 1 granted, 2 refused. used_ms is 0 until it is used. mac binds the row under a key of the
-- node: whoever can only write here grants nothing. BLOB stands for BYTEA on PostgreSQL.
CREATE TABLE approval (
    approval_id  BIGINT NOT NULL PRIMARY KEY,
    kind         TEXT   NOT NULL,
    digest       BLOB   NOT NULL,
    what         TEXT   NOT NULL,
    asked_by     TEXT   NOT NULL,
    asked_ms     BIGINT NOT NULL,
    expires_ms   BIGINT NOT NULL,
    decision     BIGINT NOT NULL,
    decided_by   TEXT   NOT NULL,
    decided_ms   BIGINT NOT NULL,
    used_ms      BIGINT NOT NULL,
    mac          BLOB   NOT NULL
);
CREATE INDEX approval_asked ON approval (digest, asked_by);
