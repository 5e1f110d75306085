-- Queues and their messages.
--
-- `document` is what is set for a queue, as JSON. `high` is above every sequence number that was given out in it.
-- `floor`: messages below it were purged, and are on their way out.
CREATE TABLE queues (
    number INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    high BIGINT NOT NULL,
    floor BIGINT NOT NULL,
    UNIQUE (account, region, name)
);

-- `id` is the number of the queue, shifted by 42 bits, and the sequence number: a queue's messages are a range of
-- keys in the order in which they were sent, and no second index has to be kept. `due_ms`, on the steady clock, is when it can be
-- received for the first time. `details` holds what few messages have, as msgpack. `size` counts bytes.
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    size INTEGER NOT NULL,
    sent_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    sender TEXT NOT NULL,
    group_id TEXT,
    deduplication_id TEXT,
    details BLOB,
    body TEXT NOT NULL
);

-- Receives of messages that are still there; written a little behind.
CREATE TABLE message_receives (
    id INTEGER PRIMARY KEY,
    receive_count INTEGER NOT NULL,
    first_ms BIGINT NOT NULL,
    visible_ms BIGINT NOT NULL
);

-- What was sent to FIFO queues in the last five minutes. `scope` is the message group, or '' for the queue.
CREATE TABLE message_deduplication (
    queue INTEGER NOT NULL,
    scope TEXT NOT NULL,
    deduplication_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (queue, scope, deduplication_id)
);
CREATE INDEX message_deduplication_until ON message_deduplication (until_ms);

-- Tasks that move messages from a queue for dead letters; `document` as JSON.
CREATE TABLE message_moves (
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    document TEXT NOT NULL
);
