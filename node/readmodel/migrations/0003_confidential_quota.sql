-- Quota is confidential: what a session sets aside, returns and charges stands on the ledger as a
-- ciphertext. BLOB stands for BYTEA on PostgreSQL.

-- Calls name no amounts any more. What older ones charged stands with the movements.
ALTER TABLE ledger_calls DROP COLUMN charge_minor;
ALTER TABLE ledger_calls DROP COLUMN reward_minor;

-- amount_minor is the public part of a movement. sealed is the other part, if it has one: the 128 bytes of
-- the ledger's event, a commitment and the handles of querier, provider and supervisor. Which of them is the
-- member's, and whether the movement brought or took it, follows from the kind.
-- kind: 1 grant, 2 escrow, 3 refund, 4 charge, 5 earning, 6 reward, 7 penalty, 8 stake, 9 stake returned,
-- 10 stake lost, 11 compensation, 12 deposit, 13 withdrawal, 14 roll-over.
ALTER TABLE ledger_movement ADD COLUMN sealed BLOB;

-- What was last collected of a session.
CREATE INDEX ledger_movement_session ON ledger_movement (session_id, kind, height, leaf);

-- Which keys members gave up. former is the key to which amounts were sealed up to this transaction.
CREATE TABLE ledger_key_change (
    member  BIGINT NOT NULL,
    height  BIGINT NOT NULL,
    leaf    BIGINT NOT NULL,
    former  BLOB   NOT NULL,
    PRIMARY KEY (member, height, leaf)
);
