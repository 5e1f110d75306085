-- What the latest failed run of an event has answered, for the record of its end: when the event becomes too old
-- before it runs again, that record still says what came of the run.
ALTER TABLE async_events ADD COLUMN response BLOB;
ALTER TABLE async_events ADD COLUMN executed_version TEXT;
