-- What was put into a session's escrow; absent until it was opened with the member's key.
ALTER TABLE asked_session ADD COLUMN escrow_minor BIGINT;

-- How many of a request's calls, at its end, are padding.
ALTER TABLE asked_batch ADD COLUMN padding BIGINT NOT NULL DEFAULT 0;
ALTER TABLE served_batch ADD COLUMN padding BIGINT NOT NULL DEFAULT 0;

-- Whether the charge of a served batch was collected: 0 no, 1 yes, 2 never will be, 3 a transaction that
-- collects it was sent.
ALTER TABLE served_batch ADD COLUMN collected BIGINT NOT NULL DEFAULT 0;
CREATE INDEX served_batch_collected ON served_batch (collected, session_id);
