"""Layers as rows, and changes of them as guarded transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from lambent.functions.layer import LayerReference, LayerVersion
from lambent.store import Database, Statement

if TYPE_CHECKING:
    from lambent.store.database import Row

_LAYERS = "SELECT account, region, name, last_version FROM layers"
_VERSIONS = "SELECT revision, document FROM layer_versions"
_ONE = f"{_LAYERS} WHERE account = ? AND region = ? AND name = ?"
_VERSIONS_OF_ONE = f"{_VERSIONS} WHERE account = ? AND region = ? AND name = ?"

_decode = msgspec.json.Decoder(LayerVersion).decode
_encode = msgspec.json.Encoder().encode


async def load_all(database: Database) -> tuple[dict[LayerReference, int], list[LayerVersion]]:
    """The highest version ever of each layer, and every version that there is."""
    layers = {
        LayerReference(str(account), str(region), str(name)): int(last or 0)
        for account, region, name, last in await database.read(_LAYERS)
    }
    return layers, [_version(row) for row in await database.read(_VERSIONS)]


async def load(database: Database, layer: LayerReference) -> tuple[int, list[LayerVersion]]:
    """The highest version ever of a layer, 0 for one that there has never been, and the versions there are."""
    found = await database.read(_ONE, tuple(layer))
    versions = await database.read(_VERSIONS_OF_ONE, tuple(layer))
    return int(found[0][3] or 0) if found else 0, [_version(row) for row in versions]


def publication(version: LayerVersion) -> list[Statement]:
    """Add a version, the next after those there have ever been; Conflict when another node took the number."""
    before = version.version - 1
    if before:
        number = Statement(
            "UPDATE layers SET last_version = ?"
            " WHERE account = ? AND region = ? AND name = ? AND last_version = ?",
            (version.version, *version.layer, before),
            expect=1,
        )
    else:
        number = Statement(
            "INSERT INTO layers (account, region, name, last_version) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (*version.layer, version.version),
            expect=1,
        )
    insert = Statement(
        "INSERT INTO layer_versions (account, region, name, version, revision, code_hash, document)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*version.layer, version.version, version.revision, version.code_hash, _encode(version).decode()),
        expect=1,
    )
    return [number, insert]


def change(old: LayerVersion, new: LayerVersion) -> Statement:
    """Turn `old` into `new`; Conflict when the row is not at the revision of `old` any more."""
    return Statement(
        "UPDATE layer_versions SET revision = ?, document = ?"
        " WHERE account = ? AND region = ? AND name = ? AND version = ? AND revision = ?",
        (new.revision, _encode(new).decode(), *old.layer, old.version, old.revision),
        expect=1,
    )


def removal(layer: LayerReference, version: int) -> Statement:
    """Delete a version, if it is there."""
    return Statement(
        "DELETE FROM layer_versions WHERE account = ? AND region = ? AND name = ? AND version = ?",
        (*layer, version),
    )


def clearance() -> list[Statement]:
    """Delete all layers."""
    return [Statement("DELETE FROM layer_versions"), Statement("DELETE FROM layers")]


def _version(row: Row) -> LayerVersion:
    revision, document = row
    return replace(_decode(str(document)), revision=int(revision or 0))
