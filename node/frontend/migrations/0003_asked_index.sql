-- What own requests are found by: keyed hashes of the operator, the purpose and the case, the first 64 bits of
-- each. Absent in rows of before this version until the node has gone through them. Answers have none: hits are so
-- much rarer that any order among them would show which they are.
ALTER TABLE asked_batch ADD COLUMN operator_key BIGINT;
ALTER TABLE asked_batch ADD COLUMN purpose_key BIGINT;
ALTER TABLE asked_batch ADD COLUMN case_key BIGINT;
CREATE INDEX asked_batch_operator ON asked_batch (operator_key, session_id, sequence);
CREATE INDEX asked_batch_purpose ON asked_batch (purpose_key, session_id, sequence);
CREATE INDEX asked_batch_case ON asked_batch (case_key, session_id, sequence);
