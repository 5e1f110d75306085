"""The registry of event source mappings: reads from memory, changes through the database.

A change is answered at once, with a state on its way (Creating, Updating, …); `settle` ends it when what the
mapping needs is ready. What a stop interrupts goes on with the next `resume`.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from lambent.events.errors import MappingExists, MappingInUse, MappingNotFound
from lambent.events.mapping import Mapping, Settings
from lambent.events.sources import (
    KINDS,
    SQS,
    check_position,
    check_required,
    check_settings,
    completed,
    source_of,
)
from lambent.functions.transitions import now_ms
from lambent.functions.turns import Turns
from lambent.store import Conflict, Database, Statement, StoreClosed, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Settle: TypeAlias = Callable[[Mapping], Awaitable[None]]
    Check: TypeAlias = Callable[[Mapping], Awaitable[None]]

# How often a change is computed anew because another writer was faster.
_ATTEMPTS: Final = 5
_RETRY_S: Final = 1.0
_PATIENCE_S: Final = 0.5
"""How long a change waits for the one before it, which takes milliseconds here where AWS needs many seconds."""

_decode = msgspec.json.Decoder(Mapping).decode
_encode = msgspec.json.Encoder().encode
_log = logging.getLogger(__name__)


class MappingRegistry:
    """All mappings of the platform. Open it with `open`, set `settle`, then call `resume`.

    `settle(mapping)` is awaited while a mapping is on its way, before the state that it leads to is reached:
    whoever reads the sources starts, changes or ends doing so in it. `check(mapping)` is awaited before a mapping is
    made or changed: it raises InvalidMapping for a source that cannot be read.
    """

    def __init__(self, database: Database, mappings: list[Mapping]) -> None:
        self.settle: Settle | None = None
        self.check: Check | None = None
        self._database = database
        self._mappings = {mapping.id: mapping for mapping in mappings}
        self._turns: Turns[str] = Turns()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._results: dict[str, str] = {}

    @classmethod
    async def open(cls, database: Database) -> MappingRegistry:
        """Load every mapping. Raises StoreError."""
        rows = await database.read("SELECT document FROM event_source_mappings ORDER BY id")
        return cls(database, [_decode(str(document)) for (document,) in rows])

    # Reading

    def get(self, account: str, region: str, mapping_id: str) -> Mapping:
        """One mapping. Raises MappingNotFound."""
        mapping = self._mappings.get(mapping_id)
        if mapping is None or (mapping.account, mapping.region) != (account, region):
            raise MappingNotFound
        return mapping

    def mappings(self, account: str, region: str) -> list[Mapping]:
        """All mappings of an account in a region, by id."""
        found = [one for one in self._mappings.values() if (one.account, one.region) == (account, region)]
        return sorted(found, key=lambda mapping: mapping.id)

    def all_mappings(self) -> list[Mapping]:
        """The mappings of all accounts and regions."""
        return list(self._mappings.values())

    def note(self, mapping_id: str, result: str) -> None:
        """What has come of the records that were processed last: "OK", or "PROBLEM: …"."""
        if mapping_id in self._mappings:
            self._results[mapping_id] = result

    def last_result(self, mapping_id: str) -> str:
        """What was noted last since the platform was started."""
        return self._results.get(mapping_id, "No records processed")

    # Changing

    async def create(
        self,
        account: str,
        region: str,
        function_arn: str,
        given: Settings,
        *,
        source_arn: str | None = None,
        endpoints: dict[str, tuple[str, ...]] | None = None,
        enabled: bool = True,
        tags: dict[str, str] | None = None,
        **members: Any,
    ) -> Mapping:
        """Add a mapping; `members` are those of Mapping that belong to its source. Returns it: Creating, or Disabled
        (recorded: `test_fifo_message_group_parallelism`).

        Raises InvalidMapping, MappingExists, StoreError.
        """
        source = source_of(source_arn, endpoints)
        check_position(
            source, source_arn, members.get("starting_position"), members.get("starting_timestamp")
        )
        check_required(source, given, members)
        settings = completed(source, given)
        check_settings(source, source_arn, settings, given)
        mapping = Mapping(
            id=str(uuid.uuid4()),
            account=account,
            region=region,
            source_kind=source.kind,
            source_arn=source_arn,
            endpoints=endpoints,
            function_arn=function_arn,
            settings=settings,
            state="Creating" if enabled else "Disabled",
            target="Enabled" if enabled else "Disabled",
            modified_ms=now_ms(),
            tags=tags or {},
            **members,
        )
        if source is KINDS["self-managed-kafka"] or source is KINDS["kafka"]:
            mapping = _with_consumer_group(mapping)
        if self.check is not None:
            await self.check(mapping)
        # The next check and the insertion are one step: nobody else creates mappings of this function meanwhile.
        async with self._turns.take(f"{account}:{region}:{mapping.function_name}"):
            self._check_new(mapping)
            await self._database.write(
                Statement(
                    "INSERT INTO event_source_mappings (id, account, region, revision, document)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (mapping.id, account, region, mapping.revision, _encode(mapping).decode()),
                    expect=1,
                )
            )
            self._mappings[mapping.id] = mapping
        if not mapping.settled:
            self._begin(mapping)
        return mapping

    def _check_new(self, new: Mapping) -> None:
        for old in self.mappings(new.account, new.region):
            if old.function_arn != new.function_arn or old.source_arn != new.source_arn:
                continue
            if new.source_arn is not None and (old.topics, old.queues) == (new.topics, new.queues):
                raise MappingExists(_exists(new, old))
            if new.source_arn is None and old.topics == new.topics and _bootstrap(old) & _bootstrap(new):
                raise MappingExists(_exists(new, old))

    async def update(
        self,
        account: str,
        region: str,
        mapping_id: str,
        change: Callable[[Settings], Settings],
        given: Settings,
        *,
        function_arn: str | None = None,
        enabled: bool | None = None,
    ) -> Mapping:
        """Change a mapping, after a change that ends just now. Returns it with the state of the change.

        Raises MappingNotFound, MappingInUse, InvalidMapping, StoreError.
        """

        def changed(mapping: Mapping) -> Mapping:
            if not mapping.settled:
                raise MappingInUse
            settings = change(mapping.settings)
            check_settings(KINDS[mapping.source_kind], mapping.source_arn, settings, given)
            target: Literal["Enabled", "Disabled"] = mapping.target
            if enabled is not None:
                target = "Enabled" if enabled else "Disabled"
            moving = "Enabling" if target == "Enabled" else "Disabling"
            return replace(
                mapping,
                settings=settings,
                function_arn=function_arn or mapping.function_arn,
                target=target,
                state="Updating" if target == mapping.target else moving,
                modified_ms=now_ms(),
            )

        await self._last_change(self.get(account, region, mapping_id))
        new = changed(self.get(account, region, mapping_id))
        if self.check is not None and new.target == "Enabled":
            await self.check(new)  # what is gone need not be there for its mapping to be disabled
        mapping = await self._change(account, region, mapping_id, changed)
        self._begin(mapping)
        return mapping

    async def _last_change(self, mapping: Mapping) -> None:
        running = self._running.get(mapping.id)
        if running is not None and mapping.state != "Deleting":
            await asyncio.wait({running}, timeout=_PATIENCE_S)

    async def delete(self, account: str, region: str, mapping_id: str) -> Mapping:
        """Begin to delete a mapping. Returns it, Deleting. Raises MappingNotFound, MappingInUse, StoreError."""

        def changed(mapping: Mapping) -> Mapping:
            if mapping.state == "Deleting":
                raise MappingInUse
            return replace(mapping, state="Deleting", modified_ms=now_ms())

        mapping = await self._change(account, region, mapping_id, changed)
        self._begin(mapping)
        return mapping

    async def retag(
        self, account: str, region: str, mapping_id: str, change: Callable[[dict[str, str]], dict[str, str]]
    ) -> None:
        """Change the tags of a mapping. Raises MappingNotFound, StoreError and what `change` raises."""
        await self._change(
            account, region, mapping_id, lambda mapping: replace(mapping, tags=change(mapping.tags))
        )

    async def clear(self) -> None:
        """Forget every mapping."""
        await self.close()
        await self._database.write(Statement("DELETE FROM event_source_mappings"))
        self._mappings.clear()
        self._results.clear()

    async def _change(
        self, account: str, region: str, mapping_id: str, change: Callable[[Mapping], Mapping]
    ) -> Mapping:
        async with self._turns.take(mapping_id):
            for _ in range(_ATTEMPTS):
                old = self.get(account, region, mapping_id)
                new = replace(change(old), revision=old.revision + 1)
                try:
                    await self._database.write(
                        Statement(
                            "UPDATE event_source_mappings SET revision = ?, document = ?"
                            " WHERE id = ? AND revision = ?",
                            (new.revision, _encode(new).decode(), new.id, old.revision),
                            expect=1,
                        )
                    )
                except Conflict:
                    await self._reload(mapping_id)
                    continue
                self._mappings[new.id] = new
                return new
        raise Conflict(f"event source mapping {mapping_id} keeps changing")

    async def _reload(self, mapping_id: str) -> None:
        rows = await self._database.read(
            "SELECT document FROM event_source_mappings WHERE id = ?", (mapping_id,)
        )
        self._mappings.pop(mapping_id, None)
        for (document,) in rows:
            self._mappings[mapping_id] = _decode(str(document))

    # Life

    def resume(self) -> None:
        """Go on with what was on its way when the platform stopped."""
        for mapping in list(self._mappings.values()):
            if not mapping.settled:
                self._begin(mapping)

    async def close(self) -> None:
        """End what is on its way; it goes on when the registry is opened again."""
        tasks = set(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, mapping: Mapping) -> None:
        running = self._running.pop(mapping.id, None)
        if running is not None:
            running.cancel()  # a deletion overtakes what came before it
        task = asyncio.create_task(self._settle(mapping))
        self._running[mapping.id] = task
        task.add_done_callback(lambda done: self._ended(mapping.id, done))

    def _ended(self, mapping_id: str, task: asyncio.Task[None]) -> None:
        if self._running.get(mapping_id) is task:
            del self._running[mapping_id]

    async def _settle(self, mapping: Mapping) -> None:
        if self.settle is not None:
            try:
                await self.settle(mapping)
            except Exception:  # noqa: BLE001 - whatever it was, the mapping must not stay on its way for ever
                _log.exception("event source mapping %s could not be settled", mapping.id)
        while True:
            try:
                await self._end(mapping)
            except (MappingNotFound, StoreClosed):
                return
            except StoreError:
                # A full disk, most likely: it goes on when there is room again.
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _end(self, mapping: Mapping) -> None:
        if mapping.state == "Deleting":
            async with self._turns.take(mapping.id):
                await self._database.write(
                    Statement("DELETE FROM event_source_mappings WHERE id = ?", (mapping.id,))
                )
                self._mappings.pop(mapping.id, None)
                self._results.pop(mapping.id, None)
            return

        def settled(current: Mapping) -> Mapping:
            # Something newer is on its way: that ends by itself.
            return replace(current, state=current.target) if current.state == mapping.state else current

        await self._change(mapping.account, mapping.region, mapping.id, settled)


def _bootstrap(mapping: Mapping) -> set[str]:
    return {server for servers in (mapping.endpoints or {}).values() for server in servers}


def _exists(new: Mapping, old: Mapping) -> str:
    hint = f"Please update or delete the existing mapping with UUID {old.id}"
    if new.source_arn is None:
        servers = ",".join(server for servers in (new.endpoints or {}).values() for server in servers)
        return (
            f'An event source mapping with event source ("{servers}"), function ("{new.function_arn}"), '
            f'topics ("{",".join(new.topics or ())}") already exists. {hint}'
        )
    if new.source_kind == SQS.kind:
        return (
            f'An event source mapping with SQS arn (" {new.source_arn} ") and function '
            f'(" {new.function_name} ") already exists. {hint}'
        )
    return (
        f'The event source arn (" {new.source_arn} ") and function (" {new.function_name} ") provided mapping '
        f"already exists. {hint}"
    )


def _with_consumer_group(mapping: Mapping) -> Mapping:
    """A Kafka consumer group of the mapping's own, unless one was named."""
    member = (
        "SelfManagedKafkaEventSourceConfig"
        if mapping.source_arn is None
        else "AmazonManagedKafkaEventSourceConfig"
    )
    options = mapping.settings.options
    config = {"ConsumerGroupId": mapping.id, **options.get(member, {})}
    return replace(mapping, settings=replace(mapping.settings, options={**options, member: config}))
