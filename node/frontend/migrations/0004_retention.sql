-- Audit records sealed for a retention period: a class and a month, counted from January of the year 0.
-- asked_batch and dispute_package: sealed_records, sealed_answer and sealed_package are sealed to the period's
-- key. Rows from before have no period until they are sealed anew at the start. State 5: erased in time.
ALTER TABLE asked_batch ADD COLUMN class TEXT;
ALTER TABLE asked_batch ADD COLUMN month BIGINT;
CREATE INDEX asked_batch_period ON asked_batch (class, month, state);
ALTER TABLE dispute_package ADD COLUMN class TEXT;
ALTER TABLE dispute_package ADD COLUMN month BIGINT;

-- The periods that there have been. keep_months: as last configured. destroyed_date: the business date, in days
-- since 1970-01-01, on which the key was destroyed. swept: 1 once nothing of the period is left to overwrite.
CREATE TABLE retention_period (
    class           TEXT   NOT NULL,
    month           BIGINT NOT NULL,
    keep_months     BIGINT NOT NULL,
    created_ms      BIGINT NOT NULL,
    destroyed_date  BIGINT,
    swept           BIGINT NOT NULL,
    PRIMARY KEY (class, month)
);

-- The private keys. A row is deleted to destroy what was sealed to it.
CREATE TABLE retention_key (
    class       TEXT   NOT NULL,
    month       BIGINT NOT NULL,
    sealed_key  BLOB   NOT NULL,
    PRIMARY KEY (class, month)
);

-- Legal holds. While one of them is not released, the period's key is not destroyed.
CREATE TABLE retention_hold (
    hold_id         BIGINT NOT NULL PRIMARY KEY,
    class           TEXT   NOT NULL,
    month           BIGINT NOT NULL,
    sealed_reason   BLOB   NOT NULL,
    placed_by       TEXT   NOT NULL,
    placed_ms       BIGINT NOT NULL,
    sealed_release  BLOB,
    released_by     TEXT,
    released_ms     BIGINT
);

-- Copies for the custodian that are not in a file yet.
CREATE TABLE custodian_copy (
    session_id   BIGINT NOT NULL,
    sequence     BIGINT NOT NULL,
    class        TEXT   NOT NULL,
    month        BIGINT NOT NULL,
    sealed_copy  BLOB   NOT NULL,
    PRIMARY KEY (session_id, sequence)
);

-- Answers to demands for disclosure, by the digest on the ledger: digests of the packages, which stand with those
-- of disputes, each sealed to the period of the calls in it. Names nobody and stays.
CREATE TABLE disclosure_manifest (
    digest      BLOB   NOT NULL PRIMARY KEY,
    manifest    BLOB   NOT NULL,
    created_ms  BIGINT NOT NULL
);
