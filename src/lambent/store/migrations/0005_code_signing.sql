-- Code signing configurations. `revision` guards changes. Functions refer to them in their attached options.
CREATE TABLE code_signing_configs (
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);
