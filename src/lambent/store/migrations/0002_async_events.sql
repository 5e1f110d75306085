-- Asynchronous invocations that were accepted and are not done. `attempts` counts failed runs; `due_ms` is
-- when the next one may begin.
CREATE TABLE async_events (
    request_id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    qualifier TEXT,
    payload BLOB NOT NULL,
    trace TEXT NOT NULL,
    extra BLOB NOT NULL,
    received_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    attempts INTEGER NOT NULL
);
