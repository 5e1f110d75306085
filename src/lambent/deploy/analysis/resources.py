"""The resources of an app: those that its handlers and its code name, as the settings describe them."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from lambent.app.sources.naming import name_in
from lambent.deploy.errors import AnalysisError
from lambent.deploy.manifest import Bucket, Data, Queue, Stream, Table, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.deploy.project import Project

    AnyResource = Queue | Table | Bucket | Topic | Stream

_T = TypeVar("_T", bound=Data)

_KINDS: Final[dict[str, tuple[str, type[Data]]]] = {
    "queue": ("queues", Queue),
    "table": ("tables", Table),
    "bucket": ("buckets", Bucket),
    "topic": ("topics", Topic),
    "stream": ("streams", Stream),
}
_SPELT: Final = {"visibility": "visibility_s", "retention": "retention_s", "delay": "delay_s"}
"""Keys of the settings that are spelt without their unit."""

_NAMES: Final = {
    "queue": (
        r"[a-zA-Z0-9_-]{1,80}(\.fifo)?",
        "letters, digits, - and _, at most 80, of FIFO queues with .fifo at the end",
    ),
    "table": (r"[a-zA-Z0-9_.-]{1,255}", "letters, digits, and _ . -, at most 255"),
    "bucket": (r"[a-z0-9][a-z0-9.-]{0,62}", "lower-case letters, digits, and . -, at most 63"),
    "topic": (r"[a-zA-Z0-9_-]{1,256}(\.fifo)?", "letters, digits, - and _, at most 256"),
    "stream": (r"[a-zA-Z0-9_.-]{1,128}", "letters, digits, and _ . -, at most 128"),
}
"""What the services take: the patterns of their models in botocore, and for buckets "Bucket naming rules"."""


class Resources:
    """Collects resources as they are named; `made` are the finished ones, sorted."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._found: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in _KINDS}
        self._declared: dict[str, dict[str, Any]] = {}
        self._places: dict[tuple[str, str], str] = {}
        for kind, (plural, _) in _KINDS.items():
            for name, table in project.resources.get(plural, {}).items():
                self._found[kind][self.named(kind, name)] = dict(table)

    def names(self, kind: str) -> list[str]:
        """The names of a kind, sorted."""
        return sorted(self._found.get(kind, {}))

    def named(self, kind: str, told: str, place: str = "") -> str:
        """Note a resource as the code tells it, by a name, ARN or URL; its name. Raises AnalysisError."""
        name, external = told, None
        if told.startswith(("arn:", "https://", "http://")):
            name, external = name_in(told), told
            if kind == "bucket":
                external = name
        pattern, allowed = _NAMES[kind]
        if re.fullmatch(pattern, name) is None:
            raise AnalysisError(f"the {kind} {name!r}: its name may have {allowed}", place=place or None)
        found = self._found[kind].setdefault(name, {})
        if external is not None:
            found.setdefault("external", external)
        self._places.setdefault((kind, name), place)
        return name

    def declared(self, table: dict[str, Any]) -> None:
        """Note a table that the code declares itself. Raises AnalysisError."""
        name = self.named("table", table["name"])
        kept = self._declared.setdefault(name, table)
        for member in ("key", "sort", "ttl"):
            if kept[member] is None:
                kept[member] = table[member]
            elif table[member] is not None and kept[member] != table[member]:
                raise AnalysisError(
                    f"the table {name} is declared with both {kept[member]!r} and {table[member]!r} as its {member}",
                    hint="Declare it once, in a module that the others import.",
                )
        kept["indexes"] = {**table["indexes"], **kept["indexes"]}
        kept["types"] = {**table["types"], **kept["types"]}

    def seen(self, name: str, key: str | None, sort: str | None, ttl: str | None, indexes: Any) -> None:
        """Note a table that is declared somewhere in the code, unless it was seen when the code was imported."""
        self._declared.setdefault(
            self.named("table", name),
            {"name": name, "key": key, "sort": sort, "ttl": ttl, "indexes": dict(indexes), "types": {}},
        )

    def streamed(self, table: str) -> None:
        """A table has handlers for its changes."""
        self._found["table"][table].setdefault("stream", True)

    def queues(self) -> tuple[Queue, ...]:
        """All queues."""
        found = []
        for name in self.names("queue"):
            table = self._found["queue"][name]
            if name.endswith(".fifo"):
                table.setdefault("fifo", True)
            if name.endswith("-dlq") and name.removesuffix("-dlq") in self._found["queue"]:
                table.setdefault("dead_letters", False)
            found.append(self._made("queue", name, table, Queue))
        return tuple(found)

    def buckets(self) -> tuple[Bucket, ...]:
        """All buckets."""
        return tuple(
            self._made("bucket", name, self._found["bucket"][name], Bucket) for name in self.names("bucket")
        )

    def topics(self) -> tuple[Topic, ...]:
        """All topics."""
        for name in self.names("topic"):
            if name.endswith(".fifo"):
                self._found["topic"][name].setdefault("fifo", True)
        return tuple(
            self._made("topic", name, self._found["topic"][name], Topic) for name in self.names("topic")
        )

    def streams(self) -> tuple[Stream, ...]:
        """All streams."""
        return tuple(
            self._made("stream", name, self._found["stream"][name], Stream) for name in self.names("stream")
        )

    def tables(self) -> tuple[Table, ...]:
        """All tables. Raises AnalysisError for one whose key nobody tells."""
        return tuple(self._table(name) for name in self.names("table"))

    def _table(self, name: str) -> Table:
        settings = dict(self._found["table"][name])
        declared = self._declared.get(name)
        place = self._places.get(("table", name)) or None
        types = {} if declared is None else declared["types"]

        def key(told: Any, where: str) -> dict[str, Any]:
            if isinstance(told, dict):
                return told
            if not isinstance(told, str):
                raise AnalysisError(
                    f'[resources.tables.{name}] {where} is {told!r}: it is an attribute, "id" or, of a number, "id:N"'
                )
            attribute, _, kind = told.partition(":")
            return {"name": attribute, "type": kind or types.get(attribute, "S")}

        for member in ("key", "sort"):
            told = settings.get(member) or (declared[member] if declared is not None else None)
            if told is not None:
                settings[member] = key(told, member)
        indexes = dict(declared["indexes"]) if declared is not None else {}
        indexes |= settings.pop("indexes", {})
        settings["indexes"] = [_index(index, told, key) for index, told in sorted(indexes.items())]
        if declared is not None and declared["ttl"] is not None:
            settings.setdefault("ttl", declared["ttl"])
        if "key" not in settings:
            if "external" not in settings:
                raise AnalysisError(
                    f"the table {name} has no key: nothing tells the attribute that its items are found by",
                    hint=f'Write Table("{name}", key="id") into the code, or [resources.tables.{name}] with key = "id" '
                    "into the settings.",
                    place=place,
                )
            settings["key"] = {"name": "id"}
        return self._made("table", name, settings, Table)

    def _made(self, kind: str, name: str, table: dict[str, Any], made: type[_T]) -> _T:
        where = f"[resources.{_KINDS[kind][0]}.{name}]"
        members = {}
        known = {
            next((short for short, full in _SPELT.items() if full == member), member): member
            for member in made.__struct_fields__
            if member != "name"
        }
        for key, value in table.items():
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                raise AnalysisError(
                    f"{where}: unknown key {key}",
                    hint=f"Did you mean {near[0]}?" if near else f"Allowed are {', '.join(known)}.",
                )
            members[known[key]] = value
        try:
            return msgspec.convert({**members, "name": name}, made)
        except msgspec.ValidationError as error:
            raise AnalysisError(f"{where}: {str(error).replace('`', '').replace(' - at $.', ': ')}") from None


def _index(name: str, told: Any, key: Any) -> dict[str, Any]:
    where = f"index {name}"
    if isinstance(told, dict):
        return {"name": name, **{member: key(one, where) for member, one in told.items()}}
    parts: Iterable[Any] = told if isinstance(told, (list, tuple)) else [told]
    keys = [key(one, where) for one in parts if one is not None]
    return {"name": name, "key": keys[0], "sort": keys[1] if len(keys) > 1 else None}


def is_external(resource: AnyResource) -> bool:
    """Whether a resource is not part of the app."""
    return resource.external is not None
