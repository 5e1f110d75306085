"""All functions in memory: immutable records by name, account totals, and resolved targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from lambent.functions.errors import FunctionNotFound
from lambent.functions.names import Reference, parse_name
from lambent.functions.record import FunctionRecord, Target
from lambent.functions.version import LATEST, FunctionVersion

if TYPE_CHECKING:
    from lambent.functions.attachments import Alias

Listener: TypeAlias = Callable[[FunctionVersion | None, FunctionVersion | None], None]
"""Called with (old, new) of what serves invocations: old None when it is new, new None when it is gone."""

RecordListener: TypeAlias = Callable[[FunctionRecord | None, FunctionRecord | None], None]
"""Called with (old, new) of a function: old None when it is new, new None when it is gone."""

_MAX_TARGETS = 65_536


class Region:
    """The functions of one account in one region, with running totals."""

    __slots__ = ("code_size", "claimed", "functions")  # noqa: RUF023 - totals first

    def __init__(self) -> None:
        self.functions: dict[str, FunctionRecord] = {}
        self.claimed = 0
        self.code_size = 0

    def put(self, old: FunctionRecord | None, new: FunctionRecord | None) -> None:
        """Replace `old` by `new`."""
        if old is not None:
            self.claimed -= old.claimed_concurrency
            self.code_size -= old.code_size
            if new is None:
                del self.functions[old.name]
        if new is not None:
            self.claimed += new.claimed_concurrency
            self.code_size += new.code_size
            self.functions[new.name] = new


class Catalog:
    """What the registry has in memory. Reading it is pure; only the registry puts."""

    def __init__(self, records: Iterable[FunctionRecord]) -> None:
        self.generation = 0
        self.listeners: list[Listener] = []
        self.record_listeners: list[RecordListener] = []
        self._regions: dict[tuple[str, str], Region] = {}
        self._targets: dict[tuple[str, str, str, str | None], Target] = {}
        for record in records:
            self.region(record.account, record.region).put(None, record)

    def region(self, account: str, region: str) -> Region:
        """The functions of an account in a region."""
        found = self._regions.get((account, region))
        if found is None:
            found = self._regions[account, region] = Region()
        return found

    def records(self) -> list[FunctionRecord]:
        """All functions of all accounts."""
        return [record for region in self._regions.values() for record in region.functions.values()]

    def get(self, reference: Reference) -> FunctionRecord | None:
        """The function of that name, if there is one."""
        region = self._regions.get((reference.account, reference.region))
        return None if region is None else region.functions.get(reference.name)

    def resolve(self, account: str, region: str, name: str, qualifier: str | None) -> Target:
        """See FunctionRegistry.resolve."""
        key = (account, region, name, qualifier)
        target = self._targets.get(key)
        if target is None:
            target = self._look_up(parse_name(account, region, name, qualifier))
            if len(self._targets) >= _MAX_TARGETS:
                self._targets.clear()
            self._targets[key] = target
        return target

    def _look_up(self, reference: Reference) -> Target:
        record = self.get(reference)
        if reference.qualifier is None:
            if record is None:
                raise FunctionNotFound(f"{reference.arn}:{LATEST}")
            return Target(record.serving, record.arn, record)
        if record is not None:
            if reference.qualifier == LATEST:
                return Target(record.serving, reference.arn, record)
            version = record.versions.get(reference.qualifier)
            if version is not None:
                return Target(version, reference.arn, record)
            alias = record.aliases.get(reference.qualifier)
            if alias is not None:
                return self._behind(record, alias, reference)
        raise FunctionNotFound(reference.arn)

    def _behind(self, record: FunctionRecord, alias: Alias, reference: Reference) -> Target:
        versions = _serving(record)
        return Target(
            versions[alias.version],
            reference.arn,
            record,
            alias,
            tuple((share, versions[number]) for number, share in alias.weights.items()),
        )

    def put(self, old: FunctionRecord | None, new: FunctionRecord | None) -> None:
        """Replace a function's record and tell the listeners which serving versions came, changed or went."""
        record = new or old
        if record is None:
            return
        self.region(record.account, record.region).put(old, new)
        self.generation += 1
        self._targets.clear()
        before = _serving(old)
        after = _serving(new)
        for slot in before.keys() | after.keys():
            was, now = before.get(slot), after.get(slot)
            if was is not now:
                for listener in self.listeners:
                    listener(was, now)
        for record_listener in self.record_listeners:
            record_listener(old, new)


def _serving(record: FunctionRecord | None) -> dict[str, FunctionVersion]:
    return {} if record is None else {LATEST: record.serving, **record.versions}
