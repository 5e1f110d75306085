"""Definitions as rows: what a change writes, and reading them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from lambent.gateway.apis.layout import APIS, CONTENT, content_of
from lambent.store import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.gateway.apis.definition import Content
    from lambent.gateway.apis.layout import Layout
    from lambent.gateway.apis.records import Deployment, Record
    from lambent.store import Database

D = TypeVar("D")

_encode = msgspec.json.Encoder().encode
_FORGET = "DELETE FROM gateway_documents WHERE root_kind = ? AND root_id = ?"


def creation(layout: Layout[D], root_id: str, account: str, region: str, new: D) -> list[Statement]:
    """Insert a root with its documents; Conflict when the id is taken."""
    version = layout.version(new)
    root = Statement(
        "INSERT INTO gateway_roots (kind, id, account, region, version) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (layout.kind, root_id, account, region, version),
        expect=1,
    )
    documents = layout.documents(new)
    return [
        root,
        *(
            _put(layout, root_id, kind, record_id, record, version)
            for kind, records in documents.items()
            for record_id, record in records.items()
        ),
    ]


def change(layout: Layout[D], root_id: str, old: D, new: D) -> list[Statement]:
    """Turn `old` into `new`; Conflict when the root is not at the version of `old` any more."""
    version = layout.version(new)
    statements = [
        Statement(
            "UPDATE gateway_roots SET version = ? WHERE kind = ? AND id = ? AND version = ?",
            (version, layout.kind, root_id, layout.version(old)),
            expect=1,
        )
    ]
    frozen = layout.frozen(old)
    before, after = layout.documents(old), layout.documents(new)
    dropped = False
    for kind, records in after.items():
        earlier = before[kind]
        if earlier is records:
            continue
        for record_id, record in records.items():
            known = earlier.get(record_id)
            if known is record:
                continue
            if known is not None and kind in layout.history:
                statements += _retire(layout.kind, root_id, kind, record_id, version, frozen)
            statements.append(_put(layout, root_id, kind, record_id, record, version))
        for record_id in earlier:
            if record_id in records:
                continue
            if kind in layout.history:
                statements += _retire(layout.kind, root_id, kind, record_id, version, frozen)
            else:
                statements.append(
                    Statement(
                        f"{_FORGET} AND kind = ? AND id = ?",
                        (layout.kind, root_id, kind, record_id),
                    )
                )
                dropped = dropped or kind == "deployments"
    if dropped:
        statements.append(_forget_unseen(layout.kind, root_id))
    return statements


def removal(layout: Layout[D], root_id: str, old: D) -> list[Statement]:
    """Delete a root with all its documents; Conflict when it has changed."""
    return [
        Statement(
            "DELETE FROM gateway_roots WHERE kind = ? AND id = ? AND version = ?",
            (layout.kind, root_id, layout.version(old)),
            expect=1,
        ),
        Statement(_FORGET, (layout.kind, root_id)),
    ]


def clearing() -> list[Statement]:
    """Delete everything."""
    return [Statement("DELETE FROM gateway_roots"), Statement("DELETE FROM gateway_documents")]


async def load(database: Database, layout: Layout[D], root_id: str | None = None) -> dict[str, D]:
    """The definitions of a kind by id, or only one of them. Raises StoreError."""
    only, params = ("", ()) if root_id is None else (" AND id = ?", (root_id,))
    roots = await database.read(
        f"SELECT id, version FROM gateway_roots WHERE kind = ?{only} ORDER BY id",  # noqa: S608
        (layout.kind, *params),
    )
    only = "" if root_id is None else " AND root_id = ?"
    found = await database.read(
        "SELECT root_id, kind, id, document FROM gateway_documents"  # noqa: S608
        f" WHERE root_kind = ?{only} AND until IS NULL ORDER BY root_id, kind, id",
        (layout.kind, *params),
    )
    documents = _decoded(layout.kinds, found)
    return {
        str(one): layout.build(int(version or 0), documents[str(one)])
        for one, version in roots
        if isinstance(version, int)
    }


async def content_at(database: Database, api_id: str, version: int) -> Content:
    """The content of an API when it stood at `version`. Raises StoreError."""
    found = await database.read(
        "SELECT root_id, kind, id, document FROM gateway_documents WHERE root_kind = ? AND root_id = ?"
        " AND kind NOT IN ('stages', 'deployments') AND since <= ? AND (until IS NULL OR until > ?)"
        " ORDER BY kind, id",
        (APIS.kind, api_id, version, version),
    )
    return content_of(_decoded(CONTENT, found)[api_id])


async def changed_at(database: Database) -> dict[str, int]:
    """The newest version at which the content of each API changed, by API id. Raises StoreError."""
    found = await database.read(
        "SELECT root_id, MAX(since), MAX(COALESCE(until, 0)) FROM gateway_documents"
        " WHERE root_kind = ? AND kind NOT IN ('stages', 'deployments') GROUP BY root_id",
        (APIS.kind,),
    )
    return {
        str(api_id): max(since, until)
        for api_id, since, until in found
        if isinstance(since, int) and isinstance(until, int)
    }


def _decoded(
    kinds: dict[str, type[Record]], rows: Iterable[tuple[Any, ...]]
) -> dict[str, dict[str, dict[str, Any]]]:
    decode = {kind: msgspec.json.Decoder(record).decode for kind, record in kinds.items()}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for root_id, kind, record_id, document in rows:
        found.setdefault(root_id, {}).setdefault(kind, {})[record_id] = decode[kind](document)
    return found


def _put(
    layout: Layout[D], root_id: str, kind: str, record_id: str, record: Record, version: int
) -> Statement:
    if kind == "deployments":
        deployment: Deployment = record  # type: ignore[assignment]
        since = deployment.version  # what `_forget_unseen` compares with
    else:
        since = version if kind in layout.history else 0
    return Statement(
        "INSERT INTO gateway_documents (root_kind, root_id, kind, id, since, document) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (root_kind, root_id, kind, id, since) DO UPDATE SET document = excluded.document",
        (layout.kind, root_id, kind, record_id, since, _encode(record).decode()),
        expect=1,
    )


def _retire(
    root_kind: str, root_id: str, kind: str, record_id: str, version: int, frozen: int
) -> list[Statement]:
    """End the current state of a document: kept where a deployment refers to it."""
    params = (root_kind, root_id, kind, record_id)
    return [
        Statement(
            "UPDATE gateway_documents SET until = ? WHERE root_kind = ? AND root_id = ? AND kind = ? AND id = ?"
            " AND until IS NULL AND since <= ?",
            (version, *params, frozen),
        ),
        Statement(f"{_FORGET} AND kind = ? AND id = ? AND until IS NULL", params),
    ]


def _forget_unseen(root_kind: str, root_id: str) -> Statement:
    """Delete earlier states that no deployment refers to any more."""
    return Statement(
        f"{_FORGET} AND until IS NOT NULL AND NOT EXISTS ("  # noqa: S608
        "SELECT 1 FROM gateway_documents AS deployment WHERE deployment.root_kind = gateway_documents.root_kind"
        " AND deployment.root_id = gateway_documents.root_id AND deployment.kind = 'deployments'"
        " AND deployment.since >= gateway_documents.since AND deployment.since < gateway_documents.until)",
        (root_kind, root_id),
    )
