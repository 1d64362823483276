-- Entries of own lists that somebody disputes, as the challenger showed them, sealed under the master key: one
-- that comes off because of it is marked as corrected.
CREATE TABLE own_challenge (
    dispute_id    BIGINT NOT NULL PRIMARY KEY,
    list_id       BIGINT NOT NULL,
    sealed_entry  BLOB   NOT NULL
);
CREATE INDEX own_challenge_list ON own_challenge (list_id);

-- Own answers that relied on an entry that was corrected. call_key is a keyed hash of the call's name: each call
-- is told once, and once more where doubt became certainty. What is told is sealed to the period of the call's records and ends with it. certain: 1 where the
-- owner marked the entry, 0 where it only may be the one that a ruling is about.
CREATE TABLE notice (
    notice_id        BIGINT NOT NULL PRIMARY KEY,
    call_key         BLOB   NOT NULL,
    certain          BIGINT NOT NULL,
    class            TEXT   NOT NULL,
    month            BIGINT NOT NULL,
    sealed_notice    BLOB   NOT NULL,
    created_ms       BIGINT NOT NULL,
    acknowledged_by  TEXT,
    acknowledged_ms  BIGINT,
    UNIQUE (call_key, certain)
);
CREATE INDEX notice_period ON notice (class, month);

-- One row with id 1: up to which dispute all rulings were gone through for good.
CREATE TABLE notice_progress (
    id       BIGINT NOT NULL PRIMARY KEY,
    dispute  BIGINT NOT NULL
);

-- Own requests are gone through by list where an entry of it was corrected.
CREATE INDEX asked_batch_list ON asked_batch (list_id, tag_epoch, session_id, sequence);
