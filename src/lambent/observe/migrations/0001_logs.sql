-- Log groups, their streams, and the events of a group in chunks of MessagePack.
CREATE TABLE log_groups (
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    retention_days BIGINT,
    tags TEXT NOT NULL,
    log_class TEXT NOT NULL,
    kms_key TEXT,
    UNIQUE (account, region, name)
);

CREATE TABLE log_streams (
    group_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    first_ms BIGINT,
    last_ms BIGINT,
    ingested_ms BIGINT,
    PRIMARY KEY (group_id, name)
);

CREATE INDEX log_streams_by_last_event ON log_streams (group_id, last_ms, name);

-- Events of a stream that are older than its deletion: chunks hold events of many streams and are not rewritten.
CREATE TABLE log_stream_deletions (
    group_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    before_chunk BIGINT NOT NULL,
    PRIMARY KEY (group_id, name)
);

CREATE TABLE log_chunks (
    id BIGINT PRIMARY KEY,
    group_id BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    ingested_ms BIGINT NOT NULL,
    size BIGINT NOT NULL,
    streams TEXT NOT NULL,
    records BLOB NOT NULL
);

-- Both ends and the size, so that looking for chunks and summing them up touches no events.
CREATE INDEX log_chunks_by_first_event ON log_chunks (group_id, first_ms, id, last_ms, size);
CREATE INDEX log_chunks_by_last_event ON log_chunks (group_id, last_ms, id, first_ms);

-- What each function used since it was first seen.
CREATE TABLE function_usage (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    throttles BIGINT NOT NULL,
    billed_ms BIGINT NOT NULL,
    billed_mb_ms BIGINT NOT NULL,
    PRIMARY KEY (account, region, name)
);
