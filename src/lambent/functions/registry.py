"""The registry of functions: reads from memory, changes through the database."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec.structs import replace

from lambent.functions import rows
from lambent.functions.activation import Activate, activated, outcome
from lambent.functions.catalog import Catalog, Listener
from lambent.functions.errors import (
    CodeMismatch,
    CodeStorageExceeded,
    CodeTooLarge,
    ConcurrencyUnavailable,
    FunctionExists,
    FunctionNotFound,
    InvalidConfiguration,
    NotReady,
    RevisionMismatch,
    UpdateInProgress,
)
from lambent.functions.limits import Limits
from lambent.functions.names import Reference
from lambent.functions.record import FunctionRecord, Target
from lambent.functions.settings import Settings, check_settings, check_tags, configured
from lambent.functions.version import LATEST, FunctionVersion
from lambent.store import BlobStore, Conflict, Database, Statement, StoreError

if TYPE_CHECKING:
    from lambent.functions.code_store import Code, CodeStore

_Change: TypeAlias = Callable[[FunctionRecord], FunctionRecord]

# How often a change is computed anew because another writer was faster.
_ATTEMPTS = 5


class FunctionRegistry:
    """All functions of the platform.

    Records are immutable: a change writes the database, guarded by the record's revision, and then replaces
    the record in memory. `activate` is the hook that prepares versions; without one they become Active at
    once. Open it with `open`, set the hook, then call `resume`.
    """

    def __init__(
        self, database: Database, code: CodeStore, limits: Limits, records: list[FunctionRecord]
    ) -> None:
        self.activate: Activate | None = None
        self.limits = limits
        self.code = code
        self._database = database
        self._catalog = Catalog(records)
        self._locks: dict[tuple[str, str, str], asyncio.Lock] = {}
        self._activations: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._adding = 0

    @classmethod
    async def open(
        cls, database: Database, blobs: BlobStore, code_store: CodeStore, *, limits: Limits | None = None
    ) -> FunctionRegistry:
        """Load every function. Raises StoreError."""
        return cls(database, code_store, limits or Limits(), await rows.load_all(database))

    # Reading

    @property
    def generation(self) -> int:
        """Increases with every change: what was resolved before may no longer hold."""
        return self._catalog.generation

    def resolve(self, account: str, region: str, name: str, qualifier: str | None = None) -> Target:
        """What an invocation of `name` runs: a name, a partial or a full ARN, with or without qualifier.

        Pure and fast. Raises FunctionNotFound, InvalidName, QualifierMismatch, WrongRegion, WrongAccount.
        """
        return self._catalog.resolve(account, region, name, qualifier)

    def record(self, reference: Reference) -> FunctionRecord:
        """The function that a reference names, whatever its qualifier. Raises FunctionNotFound."""
        record = self._catalog.get(reference)
        if record is None:
            raise FunctionNotFound(reference._replace(qualifier=None).arn)
        return record

    def version(self, reference: Reference) -> tuple[FunctionRecord, FunctionVersion]:
        """The function and the version as configured, $LATEST unless named. Raises FunctionNotFound."""
        record = self._catalog.get(reference)
        if record is not None:
            if reference.qualifier in (None, LATEST):
                return record, record.latest
            version = record.versions.get(reference.qualifier or "")
            if version is not None:
                return record, version
        raise FunctionNotFound(reference.arn)

    def functions(self, account: str, region: str) -> list[FunctionRecord]:
        """All functions of an account in a region, by name."""
        functions = self._catalog.region(account, region).functions
        return [functions[name] for name in sorted(functions)]

    def all_functions(self) -> list[FunctionRecord]:
        """All functions of all accounts, in no order."""
        return self._catalog.records()

    def usage(self, account: str, region: str) -> tuple[int, int]:
        """How many functions there are, and the bytes of code of all their versions."""
        found = self._catalog.region(account, region)
        return len(found.functions), found.code_size

    def reserved_concurrency(self, account: str, region: str, name: str) -> int | None:
        """What is reserved for a function, or None. Raises FunctionNotFound."""
        return self.record(Reference(account, region, name, None)).reserved_concurrency

    def unreserved_limit(self, account: str, region: str) -> int:
        """The concurrency that functions without a reservation share."""
        return self.limits.concurrency - self._catalog.region(account, region).reserved

    def subscribe(self, listener: Listener) -> None:
        """Have `listener(old, new)` called, once durable, as each serving version comes, changes or goes."""
        self._catalog.listeners.append(listener)

    # Changing

    async def create(
        self,
        reference: Reference,
        package: bytes,
        settings: Settings,
        *,
        tags: dict[str, str] | None = None,
        publish: bool = False,
    ) -> FunctionVersion:
        """Create a function. Returns $LATEST, or version 1 when it is published at once; both Pending.

        Raises InvalidConfiguration, LimitExceeded, CodeRejected, CodeTooLarge, CodeStorageExceeded,
        TooManyTags, FunctionExists, StoreError.
        """
        check_settings(settings, reference, self.limits)
        check_tags(tags or {}, self.limits)
        if settings.role is msgspec.UNSET:
            raise InvalidConfiguration("A function needs a role.")
        blank = FunctionVersion(
            account=reference.account,
            region=reference.region,
            name=reference.name,
            version=LATEST,
            uid=_new_id(),
            revision_id=_new_id(),
            last_modified=_now(),
            role=settings.role,
            code_sha256="",
            code_hash="",
            code_size=0,
            log_group=f"/aws/lambda/{reference.name}",
        )
        draft = configured(blank, settings)
        if self._catalog.get(reference) is not None:
            raise FunctionExists(reference.name)
        async with self._adding_code():
            code = await self._add_code(reference, package)
            latest = replace(draft, code_hash=code.hash, code_sha256=code.sha256, code_size=code.size)
            record = FunctionRecord(
                id=_new_id(),
                account=reference.account,
                region=reference.region,
                name=reference.name,
                revision=1,
                latest=latest,
                serving=latest,
                versions={},
                tags=dict(tags or {}),
            )
            if publish:
                record = _published(record, None)
            try:
                await self._database.write(*rows.creation(record))
            except Conflict:
                raise FunctionExists(reference.name) from None
        self._catalog.put(self._catalog.get(reference), record)
        self._activate_pending(record)
        return record.versions["1"] if publish else latest

    async def update_code(
        self,
        reference: Reference,
        package: bytes,
        *,
        architectures: tuple[str, ...] | None = None,
        publish: bool = False,
        revision_id: str | None = None,
        dry_run: bool = False,
    ) -> FunctionVersion:
        """Replace the code of $LATEST. Returns it, or the version that was published of it.

        With `dry_run` everything is checked and nothing changes. Raises as `create`, and FunctionNotFound,
        RevisionMismatch, UpdateInProgress, NotReady.
        """
        _check_change(self.record(reference), revision_id)
        async with self._adding_code():
            code = await self._add_code(reference, package)

            def change(record: FunctionRecord) -> FunctionRecord:
                _check_change(record, revision_id)
                latest = replace(
                    record.latest,
                    code_hash=code.hash,
                    code_sha256=code.sha256,
                    code_size=code.size,
                    architectures=architectures or record.latest.architectures,
                )
                if dry_run:
                    return replace(record, latest=latest)
                changed = _updating(record, latest)
                return _published(changed, None) if publish else changed

            if dry_run:
                return change(self.record(reference)).latest
            record = await self._change(reference, change)
        self._activate_pending(record)
        return record.versions[str(record.last_version)] if publish else record.latest

    async def update_configuration(
        self, reference: Reference, settings: Settings, *, revision_id: str | None = None
    ) -> FunctionVersion:
        """Apply settings to $LATEST. Raises as `update_code`, without the errors of code."""
        check_settings(settings, reference, self.limits)

        def change(record: FunctionRecord) -> FunctionRecord:
            _check_change(record, revision_id)
            return _updating(record, configured(record.latest, settings))

        record = await self._change(reference, change)
        self._activate_pending(record)
        return record.latest

    async def publish(
        self,
        reference: Reference,
        *,
        description: str | None = None,
        code_sha256: str | None = None,
        revision_id: str | None = None,
    ) -> FunctionVersion:
        """Publish $LATEST as a version. Returns the last one when nothing has changed since it was published.

        Raises FunctionNotFound, RevisionMismatch, CodeMismatch, UpdateInProgress, NotReady, StoreError.
        """

        def change(record: FunctionRecord) -> FunctionRecord:
            _check_change(record, revision_id)
            if code_sha256 and code_sha256 != record.latest.code_sha256:
                raise CodeMismatch(code_sha256, record.latest.code_sha256)
            last = record.versions.get(str(record.last_version))
            if last is not None and last.source_digest == record.latest.digest():
                return record
            self._check_code_storage(record.account, record.region, record.latest.code_size)
            published = _published(record, description)
            return _with_latest(published, replace(published.latest, revision_id=_new_id()))

        record = await self._change(reference, change)
        self._activate_pending(record)
        return record.versions[str(record.last_version)]

    async def delete(self, reference: Reference) -> None:
        """Delete a function with all its versions, or the one version that the qualifier names.

        A version that is not there is no error. Raises FunctionNotFound, InvalidConfiguration, StoreError.
        """
        qualifier = reference.qualifier
        if qualifier == LATEST:
            raise InvalidConfiguration("$LATEST version cannot be deleted without deleting the function.")
        if qualifier is not None:

            def change(record: FunctionRecord) -> FunctionRecord:
                if qualifier not in record.versions:
                    return record
                return replace(record, versions={k: v for k, v in record.versions.items() if k != qualifier})

            await self._change(reference, change)
            return
        async with self._locked(reference):
            for _ in range(_ATTEMPTS):
                record = self.record(reference)
                try:
                    await self._database.write(*rows.removal(record))
                except Conflict:
                    await self._reload(reference)
                    continue
                self._catalog.put(record, None)
                return
        raise Conflict(f"{reference.arn} keeps changing")

    async def put_concurrency(self, reference: Reference, reserved: int) -> int:
        """Reserve concurrency for a function; 0 switches it off. Returns what is reserved.

        Raises FunctionNotFound, ConcurrencyUnavailable, StoreError.
        """
        available = self.limits.concurrency - self.limits.minimum_unreserved

        def change(record: FunctionRecord) -> FunctionRecord:
            others = self._catalog.region(record.account, record.region).reserved - (
                record.reserved_concurrency or 0
            )
            if others + reserved > available:
                raise ConcurrencyUnavailable(self.limits.minimum_unreserved)
            return replace(record, reserved_concurrency=reserved)

        await self._change(reference, change, lambda record: [rows.reservation_guard(record, available)])
        return reserved

    async def delete_concurrency(self, reference: Reference) -> None:
        """Give up a function's reservation. Raises FunctionNotFound, StoreError."""
        await self._change(reference, lambda record: replace(record, reserved_concurrency=None))

    async def tag(self, reference: Reference, tags: dict[str, str]) -> None:
        """Add or overwrite tags. Raises FunctionNotFound, TooManyTags, StoreError."""

        def change(record: FunctionRecord) -> FunctionRecord:
            merged = {**record.tags, **tags}
            check_tags(merged, self.limits)
            return _retagged(record, merged)

        await self._change(reference, change)

    async def untag(self, reference: Reference, keys: list[str]) -> None:
        """Remove tags; those that are not there are no error. Raises FunctionNotFound, StoreError."""

        def change(record: FunctionRecord) -> FunctionRecord:
            return _retagged(record, {key: value for key, value in record.tags.items() if key not in keys})

        await self._change(reference, change)

    # Life

    def resume(self) -> None:
        """Begin anew the activations that a stop has interrupted. Call it once `activate` is set."""
        for record in self._catalog.records():
            self._activate_pending(record)

    async def settled(self, reference: Reference) -> FunctionRecord:
        """The function once none of its versions is being activated. Raises FunctionNotFound."""
        while True:
            record = self.record(reference)
            tasks = [task for (owner, _), task in self._activations.items() if owner == record.id]
            if not tasks:
                return record
            await asyncio.wait(tasks)

    async def collect_code(self, older_than_s: float = 3600.0) -> int:
        """Remove code that no version refers to any more. Returns how many packages were removed."""
        if self._adding:
            return 0
        return await self.code.collect(await rows.referred_code(self._database), older_than_s)

    async def close(self) -> None:
        """End activations; they resume when the registry is opened again."""
        tasks = list(self._activations.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Inside

    async def _change(
        self,
        reference: Reference,
        change: _Change,
        guards: Callable[[FunctionRecord], list[Statement]] | None = None,
    ) -> FunctionRecord:
        """Apply `change` to the current record: in the database, guarded by its revision, then in memory."""
        async with self._locked(reference):
            for _ in range(_ATTEMPTS):
                old = self.record(reference)
                changed = change(old)
                if changed is old:
                    return old
                new = replace(changed, revision=old.revision + 1)
                try:
                    await self._database.write(*(guards(new) if guards else ()), *rows.change(old, new))
                except Conflict:
                    # Another node was faster, or another function took the last concurrency: look again.
                    await self._reload(reference)
                    continue
                self._catalog.put(old, new)
                return new
        raise Conflict(f"{reference.arn} keeps changing")

    async def _reload(self, reference: Reference) -> None:
        stored = await rows.load(self._database, reference.account, reference.region, reference.name)
        known = self._catalog.get(reference)
        if stored is None or known is None or (stored.id, stored.revision) != (known.id, known.revision):
            self._catalog.put(known, stored)

    @contextlib.asynccontextmanager
    async def _locked(self, reference: Reference) -> AsyncIterator[None]:
        """Changes of one function follow each other; a second one sees what the first has made."""
        key = (reference.account, reference.region, reference.name)
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked():
                self._locks.pop(key, None)

    @contextlib.asynccontextmanager
    async def _adding_code(self) -> AsyncIterator[None]:
        """While this is entered no code is collected: some of it may not be referred to yet."""
        self._adding += 1
        try:
            yield
        finally:
            self._adding -= 1

    async def _add_code(self, reference: Reference, package: bytes) -> Code:
        if len(package) > self.limits.zipped:
            raise CodeTooLarge(f"Zipped size must be smaller than {self.limits.zipped} bytes")
        self._check_code_storage(reference.account, reference.region, len(package))
        return await self.code.add(package)

    def _check_code_storage(self, account: str, region: str, size: int) -> None:
        if self._catalog.region(account, region).code_size + size > self.limits.code_storage:
            raise CodeStorageExceeded("Code storage limit exceeded.")

    def _activate_pending(self, record: FunctionRecord) -> None:
        for version in record.all_versions:
            key = (record.id, version.version)
            if not version.settled and key not in self._activations:
                task = asyncio.create_task(self._activate(record, version))
                self._activations[key] = task
                task.add_done_callback(lambda _, key=key: self._activations.pop(key, None))  # type: ignore[misc]

    async def _activate(self, record: FunctionRecord, version: FunctionVersion) -> None:
        failure = await outcome(version, self.activate)

        def change(current: FunctionRecord) -> FunctionRecord:
            if current.id != record.id:
                return current  # deleted, and made anew, in the meantime
            if version.version == LATEST:
                if current.latest.uid != version.uid or current.latest.settled:
                    return current
                latest = activated(current.latest, failure, _new_id())
                return replace(current, latest=latest, serving=current.serving if failure else latest)
            published = current.versions.get(version.version)
            if published is None or published.settled:
                return current
            after = activated(published, failure, _new_id())
            return replace(current, versions={**current.versions, version.version: after})

        reference = Reference(record.account, record.region, record.name, None)
        with contextlib.suppress(FunctionNotFound, StoreError):
            # Deleted meanwhile: nothing to do. Not written: still pending, resumed with the next start.
            await self._change(reference, change)


def _check_change(record: FunctionRecord, revision_id: str | None) -> None:
    if record.latest.last_update_status == "InProgress":
        raise UpdateInProgress(record.arn)
    if record.latest.state == "Pending":
        raise NotReady(record.latest.state)
    if revision_id and revision_id != record.latest.revision_id:
        raise RevisionMismatch


def _updating(record: FunctionRecord, latest: FunctionVersion) -> FunctionRecord:
    """The record with a new $LATEST in preparation; what served before serves until it is ready."""
    failed = record.latest.state == "Failed"
    new = replace(
        latest,
        uid=_new_id(),
        revision_id=_new_id(),
        last_modified=_now(),
        state="Pending" if failed else latest.state,
        state_reason="The function is being created." if failed else latest.state_reason,
        state_reason_code="Creating" if failed else latest.state_reason_code,
        last_update_status="InProgress",
        last_update_reason="The function is being created.",
        last_update_reason_code="Creating",
    )
    return replace(record, latest=new, serving=new if failed else record.serving)


def _published(record: FunctionRecord, description: str | None) -> FunctionRecord:
    """The record with $LATEST as its next version. It is Active at once when $LATEST is."""
    number = record.last_version + 1
    latest = record.latest
    ready = latest.settled and latest.state == "Active"
    version = replace(
        latest,
        version=str(number),
        uid=_new_id(),
        revision_id=_new_id(),
        description=latest.description if description is None else description,
        state="Active" if ready else "Pending",
        state_reason=None if ready else "The function is being created.",
        state_reason_code=None if ready else "Creating",
        last_update_status="Successful" if ready else None,
        last_update_reason=None,
        last_update_reason_code=None,
        source_digest=latest.digest(),
    )
    return replace(record, last_version=number, versions={**record.versions, str(number): version})


def _retagged(record: FunctionRecord, tags: dict[str, str]) -> FunctionRecord:
    # Lambda gives $LATEST a new revision id with every change of tags.
    return _with_latest(replace(record, tags=tags), replace(record.latest, revision_id=_new_id()))


def _with_latest(record: FunctionRecord, latest: FunctionVersion) -> FunctionRecord:
    """The record with another $LATEST that needs no preparation."""
    return replace(
        record, latest=latest, serving=latest if record.serving is record.latest else record.serving
    )


def _new_id() -> str:
    return str(uuid.uuid4())


def _now() -> int:
    return time.time_ns() // 1_000_000
