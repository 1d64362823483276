-- Who looked at the records. Times are milliseconds since 1970-01-01 UTC. BLOB stands for BYTEA on PostgreSQL.
-- Rows are only ever added: digest binds each to all before it. begun is the number of the entry that says that a
-- read began, in the one that says how it ended; 0 in the former.
CREATE TABLE privileged_read (
    number       BIGINT NOT NULL PRIMARY KEY,
    time_ms      BIGINT NOT NULL,
    operator     TEXT   NOT NULL,
    certificate  BLOB   NOT NULL,
    action       TEXT   NOT NULL,
    what         TEXT   NOT NULL,
    outcome      TEXT   NOT NULL,
    begun        BIGINT NOT NULL,
    digest       BLOB   NOT NULL
);

-- The last entry, one row with id 1: what is cut off at the end is missed by it.
CREATE TABLE privileged_read_head (
    id      BIGINT NOT NULL PRIMARY KEY,
    number  BIGINT NOT NULL,
    digest  BLOB   NOT NULL
);
