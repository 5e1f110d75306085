-- Subscription filters: who gets the events of a group as they come.
CREATE TABLE log_subscriptions (
    group_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    pattern TEXT NOT NULL,
    destination_arn TEXT NOT NULL,
    role_arn TEXT,
    distribution TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (group_id, name)
);
