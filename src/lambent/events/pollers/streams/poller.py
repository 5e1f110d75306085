"""The poller of one mapping that reads a stream: finds its shards and reads each, parents before their children.

Shards that were there when the mapping was first enabled are read from its starting position on, all later ones from
their beginning. Where reading has come to is kept in the database (see progress): a poller that is started again, with
changed settings or after a crash, goes on there. A stream that was deleted and made anew is read from its beginning.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from lambent.events.errors import InvalidMapping
from lambent.events.pollers.filters import filters_of
from lambent.events.pollers.streams import dynamodb, kinesis
from lambent.events.pollers.streams.progress import Progress, ShardProgress
from lambent.events.pollers.streams.service import StreamError, StreamMissing
from lambent.events.pollers.streams.shard import ShardReader
from lambent.events.pollers.streams.source import Cadence, Pause, Source
from lambent.store import StoreClosed, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.events.mapping import Mapping
    from lambent.events.pollers.poller import Parts
    from lambent.events.pollers.streams.service import Listing, Shard, StreamService

NOT_FOUND: Final = "PROBLEM: Stream not found"

# Kinesis permits five reads a second and shard, to all who read it together. What is served here says when something
# was written to it (`wake`), so that it need not be asked often.
_ELSEWHERE: Final = Cadence(apart=220, first=250, last=1_000)
_HERE: Final = Cadence(apart=20, first=250, last=5_000)

_REFRESH_MS: Final = 30_000
_FIRST_PAUSE_MS: Final = 500
_LAST_PAUSE_MS: Final = 30_000
_START_MS: Final = 5_000

_log = logging.getLogger(__name__)


async def check_stream(mapping: Mapping, parts: Parts) -> None:
    """Raise InvalidMapping unless the stream is there (recorded: `test_esm_with_not_existing_kinesis_stream`).

    A stream at a real endpoint is not asked, nor is one whose service cannot be reached now waited for.
    """
    if _is_elsewhere(mapping, parts):
        return
    try:
        await _service(mapping, parts, str).shards()
    except StreamMissing:
        raise InvalidMapping(f"Stream not found: {mapping.source_arn}") from None
    except StreamError as error:
        _log.warning("%s is not known to be there: %s", mapping.source_arn, error)


def _is_elsewhere(mapping: Mapping, parts: Parts) -> bool:
    names = {"kinesis"} if mapping.source_kind == "kinesis" else {"dynamodb", "dynamodbstreams"}
    return not parts.elsewhere.isdisjoint(names)


def _service(mapping: Mapping, parts: Parts, role: Callable[[], str]) -> StreamService:
    arn = mapping.source_arn or ""
    if mapping.source_kind == "kinesis":
        return kinesis.KinesisStream(arn, parts.call_service, role)
    return dynamodb.TableStream(arn, parts.call_service, role)


class StreamPoller:
    """Reads one stream for one mapping. See Poller."""

    def __init__(self, mapping: Mapping, parts: Parts) -> None:
        self.mapping = mapping
        self._source = Source(
            mapping,
            parts,
            _service(mapping, parts, self._role),
            Progress(parts.database, mapping.id),
            filters_of(mapping.settings.filters),
            (kinesis if mapping.source_kind == "kinesis" else dynamodb).filtered_view,
            self._role,
            _ELSEWHERE if _is_elsewhere(mapping, parts) else _HERE,
            self._refresh,
        )
        self._readers: dict[str, ShardReader] = {}
        self._missed: set[str] = set()
        self._again = Pause(parts.clock)
        self._begun = Pause(parts.clock)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See Poller. When it comes back soon, the starting position LATEST means: from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        await self._begun.until(self._source.clock.steady_ms() + _START_MS)

    async def stop(self) -> None:
        """See Poller."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*(reader.stop() for reader in self._readers.values()))

    def wake(self, *, shards: bool = False) -> None:
        """Something was written to the stream; `shards`: its shards may have changed as well."""
        for reader in self._readers.values():
            reader.wake()
        if shards:
            self._refresh()

    def _refresh(self) -> None:
        self._again.wake()

    def _role(self) -> str:
        target = self._source.calls.target(self.mapping)
        return "" if target is None else target.version.role

    # ------------------------------------------------------------ shards

    async def _run(self) -> None:
        clock, failures = self._source.clock, 0
        while True:
            try:
                await self._look()
            except StreamError as error:
                if isinstance(error, StreamMissing):
                    self._source.processed(NOT_FOUND)
                elif failures > 1:
                    self._source.processed(f"PROBLEM: {error}")
                self._complain(error, failures)
            except StoreClosed:
                return
            except StoreError as error:
                self._complain(error, failures)
            except Exception:  # noqa: BLE001 - logged; the mapping must not stand still for ever
                _log.exception("%s: its shards could not be looked for", self.mapping.arn)
            else:
                failures = 0
                self._begun.wake()
                await self._again.until(clock.steady_ms() + _REFRESH_MS)
                continue
            self._begun.wake()
            failures += 1
            pause_ms = min(_LAST_PAUSE_MS, _FIRST_PAUSE_MS << min(failures - 1, 16))
            await self._again.until(clock.steady_ms() + pause_ms)

    def _complain(self, error: Exception, failures: int) -> None:
        if failures in (0, 10) or failures % 100 == 0:
            _log.warning("%s: %s cannot be read: %s", self.mapping.arn, self.mapping.source_arn, error)

    async def _look(self) -> None:
        """Read what is to be read now. Raises StreamError, StoreError."""
        progress = self._source.progress
        listing = await self._source.service.shards()
        known = await progress.read()
        latest: set[str] = set()
        if any(one.stream != listing.stream for one in known.values()):
            await self._begin_anew(known, listing)
        else:
            latest = await self._add_new(known, listing)
        known = await progress.read()  # shards may have ended meanwhile
        listed = {shard.id: shard for shard in listing.shards}
        for shard in listing.shards:
            reader = self._readers.get(shard.id)
            if reader is not None:
                if reader.shard != shard:
                    reader.shard = shard
                    reader.wake()
            elif not known[shard.id].finished and all(
                parent not in listed or known[parent].finished for parent in shard.parents
            ):
                reader = ShardReader(
                    self._source, shard, known[shard.id], self._shard_finished, latest=shard.id in latest
                )
                if shard.id in latest:
                    await reader.open()
                self._readers[shard.id] = reader
                reader.start()

    async def _add_new(self, known: dict[str, ShardProgress], listing: Listing) -> set[str]:
        """Begin with what is new and forget what is gone. Which shards are to be read from now on."""
        first = not known
        listed = {shard.id for shard in listing.shards}
        new = [self._beginning(shard, listing, first) for shard in listing.shards if shard.id not in known]
        missing = {one.shard_id for one in known.values() if one.shard_id not in listed}
        # A shard that was not read to its end must be missing twice: listings may lag behind.
        gone = [one for one in missing if known[one].finished or one in self._missed]
        self._missed = missing
        for shard_id in gone:
            await self._drop(shard_id)
            if not known[shard_id].finished:
                _log.warning("%s: the shard %s is gone before it was read", self.mapping.arn, shard_id)
        await self._source.progress.begin(new, gone)
        if not first or self.mapping.starting_position != "LATEST":
            return set()
        return {one.shard_id for one in new if not one.finished}

    async def _begin_anew(self, known: dict[str, ShardProgress], listing: Listing) -> None:
        """Another stream has taken the place of the one that was read: all of it came after the mapping."""
        _log.warning("%s: %s was made anew", self.mapping.arn, self.mapping.source_arn)
        for shard_id in list(self._readers):
            await self._drop(shard_id)
        await self._source.progress.begin(
            [self._beginning(shard, listing, False) for shard in listing.shards], known
        )

    def _beginning(self, shard: Shard, listing: Listing, first: bool) -> ShardProgress:
        position, since_ms, finished = self.mapping.starting_position, None, False
        if position == "AT_TIMESTAMP":
            since_ms = int((self.mapping.starting_timestamp or 0) * 1000)
        elif position == "LATEST" and first:
            since_ms, finished = self._source.clock.wall_ms(), shard.closed
        return ShardProgress(shard_id=shard.id, stream=listing.stream, since_ms=since_ms, finished=finished)

    async def _drop(self, shard_id: str) -> None:
        reader = self._readers.pop(shard_id, None)
        if reader is not None:
            await reader.stop()

    def _shard_finished(self, reader: ShardReader) -> None:
        self._readers.pop(reader.shard.id, None)
        self._refresh()
