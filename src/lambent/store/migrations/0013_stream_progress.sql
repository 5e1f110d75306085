-- How far event source mappings have read the shards of their streams. `stream` says which one of that name it was:
-- one that is deleted and made again begins anew. `sequence` is the last record that is done with; before the first
-- one, `since_ms` is the time (ms since the epoch) from which records count, NULL for all that there are. `window` is
-- the tumbling window that is open, as JSON. A shard that is `finished` has been read to its end.
CREATE TABLE stream_progress (
    mapping_id TEXT NOT NULL REFERENCES event_source_mappings (id) ON DELETE CASCADE,
    shard_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    sequence TEXT,
    since_ms BIGINT,
    "window" TEXT,
    finished INTEGER NOT NULL,
    PRIMARY KEY (mapping_id, shard_id)
);
