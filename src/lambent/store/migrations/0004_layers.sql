-- Layers and their versions. A layer's row outlives its versions: their numbers are not used twice. `revision`
-- guards changes of a version, which are changes of its policy.
CREATE TABLE layers (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    last_version BIGINT NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE layer_versions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    code_hash TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name, version)
);

-- The code of the layers that a function version uses, in order: hashes with spaces between them. They are
-- kept as long as a function refers to them, although the layer's version may have been deleted.
ALTER TABLE function_versions ADD COLUMN layer_hashes TEXT NOT NULL DEFAULT '';
