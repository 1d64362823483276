-- What this member has to show in disputes: challenges of its own, and evidence about its lists. The digest
-- stands on the ledger.
CREATE TABLE dispute_package (
    digest          BLOB   NOT NULL PRIMARY KEY,
    sealed_package  BLOB   NOT NULL,
    created_ms      BIGINT NOT NULL
);
