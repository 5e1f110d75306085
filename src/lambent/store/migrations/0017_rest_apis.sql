-- How often API keys were used: REST APIs themselves, their keys and usage plans are roots and documents as of 0008.
CREATE TABLE rest_usage (
    plan_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    day TEXT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (plan_id, key_id, day)
);
