-- Functions and their versions. A function's row is the guard of everything that belongs to it: each change
-- raises its revision, expecting the one it was based on. `id` tells a function from a later one of the
-- same name.
CREATE TABLE functions (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    revision BIGINT NOT NULL,
    last_version BIGINT NOT NULL,
    reserved_concurrency INTEGER,
    tags TEXT NOT NULL,
    UNIQUE (account, region, name)
);

-- One row per published version, and one each for $LATEST and, while an update is in progress, for the
-- configuration that serves invocations until it has succeeded.
CREATE TABLE function_versions (
    function_id TEXT NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    slot TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    configuration TEXT NOT NULL,
    PRIMARY KEY (function_id, slot)
);
