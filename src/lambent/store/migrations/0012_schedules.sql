-- What happens next: one row for whatever has a time to come. `due_ms` is that time as the expression says it, `next_ms`
-- when it is acted on: later within a flexible window. `computed_ms` is what the clock said when both were found out.
CREATE TABLE timetable (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    expression TEXT NOT NULL,
    timezone TEXT NOT NULL,
    anchor_ms BIGINT NOT NULL,
    start_ms BIGINT,
    end_ms BIGINT,
    window_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    computed_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
);

CREATE INDEX timetable_by_time ON timetable (next_ms, kind, key);

-- Schedules of Scheduler. `key` is account:region:group/name, which is also their key in the timetable; `document` is the
-- whole schedule as JSON; `revision` guards changes as in functions.
CREATE TABLE schedules (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);

-- Their groups, but for `default`, which is there without a row until it has tags.
CREATE TABLE schedule_groups (
    key TEXT PRIMARY KEY,
    document TEXT NOT NULL
);
