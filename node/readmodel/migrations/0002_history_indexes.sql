-- Histories of one other side, and of one list, from either side. What is looked for comes first; the rest is the
-- order of the ledger.
CREATE INDEX ledger_calls_pair ON ledger_calls (querier, provider, time_ms, height, leaf);
CREATE INDEX ledger_calls_list_asked ON ledger_calls (list_id, querier, time_ms, height, leaf);
CREATE INDEX ledger_calls_list_served ON ledger_calls (list_id, provider, time_ms, height, leaf);
