-- Stacks. `scope` is account:region; `claimed` is the name while the stack is there and NULL once it is deleted: a deleted one
-- is still found by its id for 90 days. `document` is the stack as JSON with the operation that runs and the state it began from.
CREATE TABLE stacks (
    id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    claimed TEXT,
    document TEXT NOT NULL
);

CREATE UNIQUE INDEX stacks_by_name ON stacks (scope, claimed);

-- Templates as they were sent and as transforms have made them, by who has them: a stack's definition or a change set.
CREATE TABLE stack_templates (
    key TEXT PRIMARY KEY,
    stack_id TEXT NOT NULL,
    original TEXT NOT NULL,
    processed TEXT NOT NULL
);

CREATE INDEX stack_templates_by_stack ON stack_templates (stack_id);

-- Resources with what is deployed of them, what was before the operation that runs, and the step that is being done.
CREATE TABLE stack_resources (
    stack_id TEXT NOT NULL,
    logical_id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (stack_id, logical_id)
);

-- What an update or its rollback has left to be removed.
CREATE TABLE stack_leftovers (
    stack_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (stack_id, number)
);

CREATE TABLE stack_events (
    number BIGINT PRIMARY KEY,
    stack_id TEXT NOT NULL,
    document TEXT NOT NULL
);

CREATE INDEX stack_events_by_stack ON stack_events (stack_id, number);

CREATE TABLE change_sets (
    id TEXT PRIMARY KEY,
    stack_id TEXT NOT NULL,
    document TEXT NOT NULL
);

-- Outputs that other stacks may import, and who does.
CREATE TABLE stack_exports (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    stack_id TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (scope, name)
);

CREATE TABLE stack_imports (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    stack_id TEXT NOT NULL,
    PRIMARY KEY (scope, name, stack_id)
);

-- Drift detections of whole stacks, by their id.
CREATE TABLE stack_drifts (
    id TEXT PRIMARY KEY,
    stack_id TEXT NOT NULL,
    document TEXT NOT NULL
);
