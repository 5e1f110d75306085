-- The table of asynchronous events anew. What is large comes last: what is looked at of every event at a start is
-- read without it. `response` and `executed_version` are what the latest failed run has answered: when the event becomes
-- too old before it runs again, the record of its end still says it.
ALTER TABLE async_events RENAME TO async_events_before;
CREATE TABLE async_events (
    request_id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    qualifier TEXT,
    trace TEXT NOT NULL,
    extra BLOB NOT NULL,
    received_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    executed_version TEXT,
    payload BLOB NOT NULL,
    response BLOB
);
INSERT INTO async_events
    (request_id, account, region, name, qualifier, trace, extra, received_ms, due_ms, attempts, payload)
    SELECT request_id, account, region, name, qualifier, trace, extra, received_ms, due_ms, attempts, payload
    FROM async_events_before;
DROP TABLE async_events_before;
