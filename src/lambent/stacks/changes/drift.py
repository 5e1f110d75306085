"""Drift: how the live properties of a resource differ from what its stack expects.

After AWS's user guide ("Detect unmanaged configuration changes to stacks and resources with drift detection") and
recorded answers: only what the template sets is compared, never what a service has by default or does not tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from lambent.stacks.changes.values import same, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.stacks.changes.values import Path
    from lambent.stacks.schemas import Schema

Document = dict[str, Any]

_IDENTITIES: Final = ("Key", "Id", "Name", "AttributeName", "Sid")
"""What items of lists that mean the same in any order are known by."""

_NOTHING: Final = "null"


class Drift(NamedTuple):
    """What was compared, as JSON texts (ExpectedProperties, ActualProperties), and PropertyDifferences."""

    expected: str
    actual: str
    differences: list[Document]


def drift(
    schema: Schema | None, expected: Document, live: Document, tags: Mapping[str, str] | None = None
) -> list[Document]:
    """PropertyDifferences: PropertyPath, ExpectedValue, ActualValue and DifferenceType.

    NOT_EQUAL: another value; REMOVE: it is not there; ADD: a list or a map of free names has more than it should. Order
    counts only where the schema says so. Write-only properties and dynamic references are passed over. `tags`: the
    stack's, which its resources are expected to have.
    """
    return drifted(schema, expected, live, tags).differences


def drifted(
    schema: Schema | None, expected: Document, live: Document, tags: Mapping[str, str] | None = None
) -> Drift:
    """The same, with what was compared."""
    if schema is not None and schema.tag_property in live:
        expected, live = _tagged(schema, expected, live, tags or {})
    differences: list[Document] = []
    wanted: Document = {}
    found: Document = {}
    for name, value in expected.items():
        seen = _readable(schema, value, (name,))
        if seen is _UNREADABLE:
            continue
        wanted[name] = seen
        if name in live:
            found[name] = _shown(schema, seen, live[name], (name,), partly=seen != value)
        differences += _compare(schema, seen, live.get(name), (name,))
    return Drift(_json(wanted), _json(found), differences)


def _tagged(
    schema: Schema, expected: Document, live: Document, tags: Mapping[str, str]
) -> tuple[Document, Document]:
    """Both with the stack's tags where they belong, and without those that CloudFormation itself gives."""
    name = schema.tag_property or ""
    own, there = expected.get(name), live[name]
    if schema.tag_style == "map":
        wanted: Any = {**tags, **(own or {})}
        found: Any = {key: value for key, value in there.items() if not key.startswith("aws:")}
    else:
        keys = {tag.get("Key") for tag in own or ()}
        added = [{"Key": key, "Value": value} for key, value in tags.items() if key not in keys]
        wanted = [*(own or ()), *added]
        found = [tag for tag in there if not str(tag.get("Key", "")).startswith("aws:")]
    return ({**expected, name: wanted} if wanted else expected), {**live, name: found}


class _Unreadable:
    pass


_UNREADABLE: Final = _Unreadable()


def _readable(schema: Schema | None, value: Any, path: Path) -> Any:
    """The value without what cannot be read back."""
    if schema is not None and any(_covers(pattern, path) for pattern in schema.write_only):
        return _UNREADABLE
    if isinstance(value, str) and "{{resolve:" in value:
        return _UNREADABLE
    if isinstance(value, Mapping):
        kept = {name: _readable(schema, inner, (*path, name)) for name, inner in value.items()}
        kept = {name: inner for name, inner in kept.items() if inner is not _UNREADABLE}
        return kept if kept or not value else _UNREADABLE
    if isinstance(value, list):
        items = [_readable(schema, item, (*path, str(index))) for index, item in enumerate(value)]
        return _UNREADABLE if any(item is _UNREADABLE for item in items) else items
    return value


def _shown(schema: Schema | None, wanted: Any, live: Any, path: Path, *, partly: bool = False) -> Any:
    """Of a live value what was compared: of maps whose names the schema knows, those that are expected.

    `partly`: something was passed over, which may be secret: it is not told, whatever it is in.
    """
    if isinstance(wanted, Mapping) and isinstance(live, Mapping) and (partly or not _free(schema, path)):
        return {
            name: _shown(schema, wanted[name], inner, (*path, name), partly=partly)
            for name, inner in live.items()
            if name in wanted
        }
    if partly and isinstance(wanted, list) and isinstance(live, list):
        return [
            _shown(schema, expected, item, (*path, str(index)), partly=True)
            for index, item in enumerate(live)
            for expected in [one for one in wanted if _is_same_one(one, item)][:1]
        ]
    return live


def _compare(schema: Schema | None, wanted: Any, live: Any, path: Path) -> Iterator[Document]:
    if live is None:
        # Empty and not there are one: services leave out what is empty.
        if wanted not in ([], {}, ""):
            yield _difference(path, _text(wanted), _NOTHING, "REMOVE")
        return
    wanted, live = _structured(wanted, live)
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for name, inner in wanted.items():
            yield from _compare(schema, inner, live.get(name), (*path, name))
        if _free(schema, path):
            for name, inner in live.items():
                if name not in wanted:
                    yield _difference((*path, name), _NOTHING, _text(inner), "ADD")
    elif isinstance(wanted, list) and isinstance(live, list):
        yield from _compare_lists(schema, wanted, live, path)
    elif not same(wanted, live):
        yield _difference(path, _text(wanted), _text(live), "NOT_EQUAL")


def _compare_lists(
    schema: Schema | None, wanted: list[Any], live: list[Any], path: Path
) -> Iterator[Document]:
    missing = dict(enumerate(wanted))
    more = dict(enumerate(live))
    if schema is None or schema.unordered(path) or _is_tags(schema, path):
        for index, item in list(missing.items()):
            for place, other in list(more.items()):
                if not any(_compare(schema, item, other, (*path, str(index)))):
                    del missing[index], more[place]
                    break
        for index, item in list(missing.items()):
            same_one = [place for place, other in more.items() if _is_same_one(item, other)]
            if same_one:
                yield from _compare(schema, item, more.pop(same_one[0]), (*path, str(index)))
                del missing[index]
    else:
        for index in range(min(len(wanted), len(live))):
            yield from _compare(schema, missing.pop(index), more.pop(index), (*path, str(index)))
    for index, item in missing.items():
        yield _difference((*path, str(index)), _text(item), _NOTHING, "REMOVE")
    for index, item in more.items():
        yield _difference((*path, str(index)), _NOTHING, _text(item), "ADD")


def _is_same_one(item: Any, other: Any) -> bool:
    """Whether two items of lists stand for one thing that may have changed."""
    if not isinstance(item, Mapping) or not isinstance(other, Mapping):
        return False
    return any(name in item and name in other and same(item[name], other[name]) for name in _IDENTITIES)


def _structured(wanted: Any, live: Any) -> tuple[Any, Any]:
    """A document that one side has as text as what it is; a list of one text as the text, as IAM's policies have it."""
    if isinstance(wanted, Mapping | list) and isinstance(live, str):
        live = _decoded(live)
    elif isinstance(live, Mapping | list) and isinstance(wanted, str):
        wanted = _decoded(wanted)
    if isinstance(wanted, list) != isinstance(live, list):
        if isinstance(wanted, list) and len(wanted) == 1 and isinstance(live, str):
            wanted = wanted[0]
        elif isinstance(live, list) and len(live) == 1 and isinstance(wanted, str):
            live = live[0]
    return wanted, live


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _free(schema: Schema | None, path: Path) -> bool:
    """Whether a map's names are the user's: then all of it was set. Others have what their service adds."""
    if schema is None:
        return False
    node = schema.node(path)
    return node is not None and not node.get("properties")


def _is_tags(schema: Schema, path: Path) -> bool:
    return path == (schema.tag_property,)


def _covers(pattern: Path, path: Path) -> bool:
    return len(pattern) <= len(path) and all(
        want in ("*", got) for want, got in zip(pattern, path, strict=False)
    )


def _difference(path: Path, expected: str, actual: str, kind: str) -> Document:
    return {
        "PropertyPath": "/" + "/".join(path),
        "ExpectedValue": expected,
        "ActualValue": actual,
        "DifferenceType": kind,
    }


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _text(value: Any) -> str:
    return _json(value) if isinstance(value, Mapping | list) else scalar(value)
