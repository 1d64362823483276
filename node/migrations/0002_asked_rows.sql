-- Rows that each operator asked about without a second person, by the hour: milliseconds since 1970-01-01 UTC over
-- 3,600,000. Hours that no longer count are removed.
CREATE TABLE asked_rows (
    operator TEXT   NOT NULL,
    hour     BIGINT NOT NULL,
    asked    BIGINT NOT NULL,
    PRIMARY KEY (operator, hour)
);
