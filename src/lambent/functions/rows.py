"""Function records as rows, and changes of a record as one guarded transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.functions.attachments import KINDS
from lambent.functions.layer_tree import merged_name
from lambent.functions.record import FunctionRecord
from lambent.functions.version import LATEST, FunctionVersion
from lambent.store import Database, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable

_SERVING = "serving"

_FUNCTIONS = (
    "SELECT id, account, region, name, revision, last_version, reserved_concurrency, tags FROM functions"
)
_VERSIONS = "SELECT function_id, slot, configuration FROM function_versions"
_ATTACHMENTS = "SELECT function_id, kind, name, document FROM function_attachments"

_decode_version = msgspec.json.Decoder(FunctionVersion).decode
_decode_attachment = {kind: msgspec.json.Decoder(struct).decode for kind, struct in KINDS.items()}
_encode = msgspec.json.Encoder().encode


async def load_all(database: Database) -> list[FunctionRecord]:
    """Every function in the database."""
    slots: dict[str, dict[str, FunctionVersion]] = {}
    for function_id, slot, configuration in await database.read(_VERSIONS):
        slots.setdefault(str(function_id), {})[str(slot)] = _decode_version(str(configuration))
    attached: dict[str, list[tuple[Any, ...]]] = {}
    for row in await database.read(f"{_ATTACHMENTS} ORDER BY function_id, kind, name"):
        attached.setdefault(str(row[0]), []).append(row)
    return [
        _record(row, slots[str(row[0])], attached.get(str(row[0]), ()))
        for row in await database.read(_FUNCTIONS)
    ]


async def load(database: Database, account: str, region: str, name: str) -> FunctionRecord | None:
    """One function, or None."""
    rows = await database.read(
        f"{_FUNCTIONS} WHERE account = ? AND region = ? AND name = ?", (account, region, name)
    )
    if not rows:
        return None
    versions = await database.read(f"{_VERSIONS} WHERE function_id = ?", (rows[0][0],))
    attached = await database.read(f"{_ATTACHMENTS} WHERE function_id = ? ORDER BY kind, name", (rows[0][0],))
    return _record(
        rows[0],
        {str(slot): _decode_version(str(configuration)) for _, slot, configuration in versions},
        attached,
    )


async def referred_code(database: Database) -> set[str]:
    """The hashes of all code that any version of a function or layer refers to, and the names of merged trees."""
    referred = {
        str(code)
        for (code,) in await database.read(
            "SELECT DISTINCT code_hash FROM function_versions UNION SELECT code_hash FROM layer_versions"
        )
    }
    for (layers,) in await database.read(
        "SELECT DISTINCT layer_hashes FROM function_versions WHERE layer_hashes <> ''"
    ):
        hashes = str(layers).split()
        referred.update(hashes, [merged_name(hashes)])
    return referred


def _record(
    row: tuple[Any, ...], slots: dict[str, FunctionVersion], attached: Iterable[tuple[Any, ...]]
) -> FunctionRecord:
    function_id, account, region, name, revision, last_version, reserved, tags = row
    latest = slots[LATEST]
    numbers = sorted(int(slot) for slot in slots if slot.isdigit())
    attachments: dict[str, dict[str, Any]] = {}
    for _, kind, qualifier, document in attached:
        attachments.setdefault(kind, {})[qualifier] = _decode_attachment[kind](document)
    return FunctionRecord(
        id=function_id,
        account=account,
        region=region,
        name=name,
        revision=revision,
        latest=latest,
        serving=slots.get(_SERVING, latest),
        versions={str(number): slots[str(number)] for number in numbers},
        last_version=last_version,
        reserved_concurrency=reserved,
        tags=msgspec.json.decode(tags, type=dict[str, str]),
        **attachments,
    )


def _slots(record: FunctionRecord) -> dict[str, FunctionVersion]:
    slots = {LATEST: record.latest, **record.versions}
    if record.serving is not record.latest:
        slots[_SERVING] = record.serving
    return slots


def creation(record: FunctionRecord) -> list[Statement]:
    """Insert a new function; Conflict when the name is taken."""
    insert = Statement(
        "INSERT INTO functions"
        " (id, account, region, name, revision, last_version, reserved_concurrency, claimed_concurrency, tags)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            record.id,
            record.account,
            record.region,
            record.name,
            record.revision,
            record.last_version,
            record.reserved_concurrency,
            record.claimed_concurrency,
            _encode(record.tags).decode(),
        ),
        expect=1,
    )
    slots = [_put_slot(record.id, slot, version) for slot, version in _slots(record).items()]
    return [insert, *slots, *_attachment_changes(None, record)]


def change(old: FunctionRecord, new: FunctionRecord) -> list[Statement]:
    """Turn `old` into `new`; Conflict when the row is not at the revision of `old` any more."""
    before, after = _slots(old), _slots(new)
    guard = Statement(
        "UPDATE functions SET revision = ?, last_version = ?, reserved_concurrency = ?, claimed_concurrency = ?,"
        " tags = ?"
        " WHERE id = ? AND revision = ?",
        (
            new.revision,
            new.last_version,
            new.reserved_concurrency,
            new.claimed_concurrency,
            _encode(new.tags).decode(),
            old.id,
            old.revision,
        ),
        expect=1,
    )
    put = [
        _put_slot(new.id, slot, version) for slot, version in after.items() if before.get(slot) is not version
    ]
    dropped = [
        Statement("DELETE FROM function_versions WHERE function_id = ? AND slot = ?", (old.id, slot))
        for slot in before
        if slot not in after
    ]
    return [guard, *put, *dropped, *_attachment_changes(old, new)]


def removal(record: FunctionRecord) -> list[Statement]:
    """Delete the function with all its versions; Conflict when it has changed."""
    return [
        Statement(
            "DELETE FROM functions WHERE id = ? AND revision = ?", (record.id, record.revision), expect=1
        ),
        Statement("DELETE FROM function_versions WHERE function_id = ?", (record.id,)),
        Statement("DELETE FROM function_attachments WHERE function_id = ?", (record.id,)),
    ]


def claim_guard(record: FunctionRecord, available: int) -> Statement:
    """Conflict when what others of the account claim, and `record` claims, exceeds `available`.

    Claims are concurrency that is reserved or provisioned: taken from what the account's functions share.
    """
    return Statement(
        "SELECT 1 WHERE (SELECT COALESCE(SUM(claimed_concurrency), 0) FROM functions"
        " WHERE account = ? AND region = ? AND id <> ?) + ? <= ?",
        (record.account, record.region, record.id, record.claimed_concurrency, available),
        expect=1,
    )


def _put_slot(function_id: str, slot: str, version: FunctionVersion) -> Statement:
    return Statement(
        "INSERT INTO function_versions (function_id, slot, code_hash, layer_hashes, configuration)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (function_id, slot) DO UPDATE SET code_hash = excluded.code_hash,"
        " layer_hashes = excluded.layer_hashes, configuration = excluded.configuration",
        (
            function_id,
            slot,
            version.code_hash,
            " ".join(version.layer_hashes),
            _encode(version).decode(),
        ),
        expect=1,
    )


def _attachment_changes(old: FunctionRecord | None, new: FunctionRecord) -> list[Statement]:
    statements = []
    for kind in KINDS:
        before: dict[str, Any] = {} if old is None else getattr(old, kind)
        after: dict[str, Any] = getattr(new, kind)
        if before is after:
            continue
        statements += [
            Statement(
                "INSERT INTO function_attachments (function_id, kind, name, document) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (function_id, kind, name) DO UPDATE SET document = excluded.document",
                (new.id, kind, name, _encode(attachment).decode()),
                expect=1,
            )
            for name, attachment in after.items()
            if before.get(name) is not attachment
        ]
        statements += [
            Statement(
                "DELETE FROM function_attachments WHERE function_id = ? AND kind = ? AND name = ?",
                (new.id, kind, name),
            )
            for name in before
            if name not in after
        ]
    return statements
