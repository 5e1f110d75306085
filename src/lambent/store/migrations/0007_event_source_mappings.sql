-- What calls functions with records of queues and streams. `document` is the whole mapping as JSON; `revision`
-- guards changes as in functions.
CREATE TABLE event_source_mappings (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);
