-- HTTP and WebSocket APIs, custom domain names, VPC links: each a root, whose `version` grows with every change of it
-- and guards changes as in functions.
CREATE TABLE gateway_roots (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);

-- What belongs to a root. A document is what it was from version `since` on, until before version `until`; the current
-- ones have no `until`. So a deployment is a number: the content of the API at that version.
CREATE TABLE gateway_documents (
    root_kind TEXT NOT NULL,
    root_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT,
    document TEXT NOT NULL,
    PRIMARY KEY (root_kind, root_id, kind, id, since)
);
