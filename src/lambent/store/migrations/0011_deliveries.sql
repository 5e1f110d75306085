-- What has been accepted for a target and could not be handed over at once. `attempts` counts failed ones, of which
-- `error_code`, `service_code` and `error_message` tell the last; `due_ms` is when the next may begin.
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    target_arn TEXT NOT NULL,
    parcel BLOB NOT NULL,
    accepted_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    error_code TEXT NOT NULL,
    service_code TEXT NOT NULL,
    error_message TEXT NOT NULL
);
CREATE INDEX deliveries_by_target ON deliveries (target_arn, due_ms);
