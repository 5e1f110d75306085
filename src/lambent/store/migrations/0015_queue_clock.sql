-- What the steady clock of the queues said last. It begins at the machine's time: when that was set back while nothing ran,
-- what is kept in terms of the earlier run has to be moved.
CREATE TABLE queue_clock (
    id INTEGER PRIMARY KEY,
    steady_ms BIGINT NOT NULL
);
