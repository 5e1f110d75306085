-- URLs to which custom resources and wait conditions answer (lambent.stacks.responses).
-- token: what the URL is for: the step of a custom resource, a wait condition's handle.
-- asked_ms: when the one who answers was told of it, 0 for not yet. expires_ms: when it may be forgotten.
CREATE TABLE stack_response_urls (
    secret     TEXT   PRIMARY KEY,
    token      TEXT   NOT NULL UNIQUE,
    several    INTEGER NOT NULL,
    asked_ms   BIGINT NOT NULL DEFAULT 0,
    expires_ms BIGINT NOT NULL
);

-- What has been sent there, in the order of its coming; name: the signal's UniqueId, empty where only one is awaited.
CREATE TABLE stack_responses (
    secret TEXT    NOT NULL,
    name   TEXT    NOT NULL,
    number INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    PRIMARY KEY (secret, name)
);

-- Macros by which templates are transformed (lambent.stacks.providers.macros). definition: JSON.
CREATE TABLE stack_macros (
    account    TEXT NOT NULL,
    region     TEXT NOT NULL,
    name       TEXT NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);

-- What CodeDeploy knows (lambent.stacks.providers.codedeploy): applications, groups, configurations and deployments.
-- definition: JSON.
CREATE TABLE stack_deployments (
    kind       TEXT NOT NULL,
    account    TEXT NOT NULL,
    region     TEXT NOT NULL,
    name       TEXT NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (kind, account, region, name)
);
