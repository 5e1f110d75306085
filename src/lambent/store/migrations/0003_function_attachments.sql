-- What belongs to a function besides its versions: aliases, policies, URLs, settings by qualifier. `kind` names
-- the field of the record, `name` the alias or qualifier ('' for the function itself), `document` is JSON.
CREATE TABLE function_attachments (
    function_id TEXT NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (function_id, kind, name)
);
