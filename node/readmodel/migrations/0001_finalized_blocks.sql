-- What the ledger has finalized, as rows. Times are milliseconds since 1970-01-01 UTC; amounts are minor
-- units of quota. A leaf is a place in a block's results: 0 is what the block did by itself, i + 1 is
-- transaction i. BLOB stands for BYTEA on PostgreSQL.

-- How far the rows reach: one row, with id 1. block_hash is absent where the last block was not applied.
CREATE TABLE ledger_position (
    id          BIGINT NOT NULL PRIMARY KEY,
    chain_id    BLOB   NOT NULL,
    height      BIGINT NOT NULL,
    time_ms     BIGINT NOT NULL,
    block_hash  BLOB
);

-- Heights that were passed over because nobody had their blocks any more.
CREATE TABLE ledger_gap (
    first_height  BIGINT NOT NULL PRIMARY KEY,
    last_height   BIGINT NOT NULL
);

CREATE TABLE ledger_block (
    height        BIGINT NOT NULL PRIMARY KEY,
    time_ms       BIGINT NOT NULL,
    epoch         BIGINT NOT NULL,
    view_number   BIGINT NOT NULL,
    leader        BLOB   NOT NULL,
    block_hash    BLOB   NOT NULL,
    parent_hash   BLOB   NOT NULL,
    body_hash     BLOB   NOT NULL,
    state_root    BLOB   NOT NULL,
    results_root  BLOB   NOT NULL,
    transactions  BIGINT NOT NULL
);

-- reject: 0 where the transaction was applied, the permanent number otherwise.
CREATE TABLE ledger_transaction (
    height    BIGINT NOT NULL,
    leaf      BIGINT NOT NULL,
    tx_id     BLOB   NOT NULL,
    sender    BIGINT NOT NULL,
    sequence  BIGINT NOT NULL,
    action    TEXT   NOT NULL,
    reject    BIGINT NOT NULL,
    PRIMARY KEY (height, leaf)
);
CREATE INDEX ledger_transaction_id ON ledger_transaction (tx_id);

CREATE TABLE ledger_event (
    height   BIGINT NOT NULL,
    leaf     BIGINT NOT NULL,
    place    BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    fields   TEXT   NOT NULL,
    PRIMARY KEY (height, leaf, place)
);

-- One row for a batch. audit_hashes holds 32 bytes for each call, in the order of the calls.
CREATE TABLE ledger_calls (
    session_id     BIGINT NOT NULL,
    sequence       BIGINT NOT NULL,
    height         BIGINT NOT NULL,
    leaf           BIGINT NOT NULL,
    time_ms        BIGINT NOT NULL,
    business_date  BIGINT NOT NULL,
    querier        BIGINT NOT NULL,
    provider       BIGINT NOT NULL,
    list_id        BIGINT NOT NULL,
    tag_epoch      BIGINT NOT NULL,
    first_leaf     BIGINT NOT NULL,
    calls          BIGINT NOT NULL,
    price_minor    BIGINT NOT NULL,
    charge_minor   BIGINT NOT NULL,
    reward_minor   BIGINT NOT NULL,
    audit_hashes   BLOB   NOT NULL,
    PRIMARY KEY (session_id, sequence)
);
CREATE INDEX ledger_calls_asked ON ledger_calls (querier, time_ms, height, leaf);
CREATE INDEX ledger_calls_served ON ledger_calls (provider, time_ms, height, leaf);
CREATE INDEX ledger_calls_day ON ledger_calls (querier, business_date);

-- kind: 1 grant, 2 escrow, 3 refund, 4 charge, 5 earning, 6 reward, 7 penalty.
CREATE TABLE ledger_movement (
    height        BIGINT NOT NULL,
    leaf          BIGINT NOT NULL,
    place         BIGINT NOT NULL,
    time_ms       BIGINT NOT NULL,
    member        BIGINT NOT NULL,
    kind          BIGINT NOT NULL,
    amount_minor  BIGINT NOT NULL,
    counterparty  BIGINT,
    session_id    BIGINT,
    PRIMARY KEY (height, leaf, place)
);
CREATE INDEX ledger_movement_member ON ledger_movement (member, time_ms, height, leaf, place);

-- subject is the member that the alarm is about.
CREATE TABLE ledger_alarm (
    height     BIGINT NOT NULL,
    leaf       BIGINT NOT NULL,
    place      BIGINT NOT NULL,
    time_ms    BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    raised_by  BIGINT NOT NULL,
    subject    BIGINT NOT NULL,
    list_id    BIGINT NOT NULL,
    tag_epoch  BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    PRIMARY KEY (height, leaf, place)
);
CREATE INDEX ledger_alarm_time ON ledger_alarm (time_ms, height, leaf, place);
