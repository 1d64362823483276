-- What a member's front end keeps. Columns that begin with sealed_ are encrypted under the master key.
-- Times are milliseconds since 1970-01-01 UTC. BLOB stands for BYTEA on PostgreSQL.

-- This member's own lists. list_id is absent until the ledger has given the list its number.
CREATE TABLE own_list (
    local_id    BIGINT NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,
    category    BIGINT NOT NULL,
    accepts     BLOB   NOT NULL,
    list_id     BIGINT UNIQUE
);

-- Keys of own lists. sealed_key is absent once the key has been destroyed.
CREATE TABLE own_epoch (
    local_id    BIGINT NOT NULL,
    tag_epoch   BIGINT NOT NULL,
    public_key  BLOB   NOT NULL,
    sealed_key  BLOB,
    PRIMARY KEY (local_id, tag_epoch)
);

-- Versions of own lists. step: 0 drafted, 1 built, 2 published, 3 abandoned.
CREATE TABLE own_version (
    local_id    BIGINT NOT NULL,
    tag_epoch   BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    step        BIGINT NOT NULL,
    entries     BIGINT NOT NULL,
    added       BIGINT NOT NULL,
    removed     BIGINT NOT NULL,
    parts       BIGINT NOT NULL,
    height      BIGINT,
    created_ms  BIGINT NOT NULL,
    PRIMARY KEY (local_id, tag_epoch, version)
);

-- What a version adds and removes, in parts of bounded size.
CREATE TABLE own_change (
    local_id       BIGINT NOT NULL,
    tag_epoch      BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    part           BIGINT NOT NULL,
    sealed_changes BLOB   NOT NULL,
    PRIMARY KEY (local_id, tag_epoch, version, part)
);

-- Requests of others that were evaluated. settled: 0 to be posted, 1 final, 2 refused for good.
CREATE TABLE served_batch (
    session_id    BIGINT NOT NULL,
    sequence      BIGINT NOT NULL,
    querier       BIGINT NOT NULL,
    list_id       BIGINT NOT NULL,
    tag_epoch     BIGINT NOT NULL,
    calls         BIGINT NOT NULL,
    charge_minor  BIGINT NOT NULL,
    request_hash  BLOB   NOT NULL,
    sealed_batch  BLOB   NOT NULL,
    settled       BIGINT NOT NULL,
    height        BIGINT,
    created_ms    BIGINT NOT NULL,
    PRIMARY KEY (session_id, sequence)
);
CREATE INDEX served_batch_unsettled ON served_batch (settled, created_ms);

-- How far each session of this member has been used. No sequence number is ever given twice.
CREATE TABLE asked_session (
    session_id        BIGINT NOT NULL PRIMARY KEY,
    next_sequence     BIGINT NOT NULL,
    cumulative_minor  BIGINT NOT NULL
);

-- Requests of this member. state: 0 sent, 1 answered, 2 final, 3 unanswered for good, 4 final and the
-- answer is not here.
CREATE TABLE asked_batch (
    session_id      BIGINT NOT NULL,
    sequence        BIGINT NOT NULL,
    provider        BIGINT NOT NULL,
    list_id         BIGINT NOT NULL,
    tag_epoch       BIGINT NOT NULL,
    calls           BIGINT NOT NULL,
    state           BIGINT NOT NULL,
    version         BIGINT,
    sealed_request  BLOB   NOT NULL,
    sealed_records  BLOB   NOT NULL,
    sealed_answer   BLOB,
    height          BIGINT,
    created_ms      BIGINT NOT NULL,
    PRIMARY KEY (session_id, sequence)
);
CREATE INDEX asked_batch_state ON asked_batch (state, created_ms);
