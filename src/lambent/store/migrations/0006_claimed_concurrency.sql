-- What a function takes from the concurrency that its account's functions share: its reservation, or without
-- one its provisioned concurrency. Kept beside them so that the sum over an account is one guarded query.
ALTER TABLE functions ADD COLUMN claimed_concurrency INTEGER NOT NULL DEFAULT 0;

UPDATE functions SET claimed_concurrency = COALESCE(reserved_concurrency, 0);
