-- This member's balances of former days, sealed as they stand on the ledger, with their proofs. Times are
-- milliseconds since 1970-01-01 UTC. BLOB stands for BYTEA on PostgreSQL.
CREATE TABLE proven_balance (
    height         BIGINT NOT NULL PRIMARY KEY,
    time_ms        BIGINT NOT NULL,
    business_date  BIGINT NOT NULL,
    balance        BLOB   NOT NULL
);
CREATE INDEX proven_balance_time ON proven_balance (time_ms);
