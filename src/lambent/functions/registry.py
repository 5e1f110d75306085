"""The registry of functions: reads from memory, changes through the database."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import replace

from lambent.functions import rows
from lambent.functions.activation import Activations
from lambent.functions.alias import without_version
from lambent.functions.attachments import Options
from lambent.functions.catalog import Catalog, Listener, RecordListener
from lambent.functions.code_signing import SigningRegistry
from lambent.functions.code_store import Code
from lambent.functions.errors import (
    CodeMismatch,
    CodeStorageExceeded,
    ConcurrencyUnavailable,
    FunctionExists,
    FunctionNotFound,
    InvalidConfiguration,
)
from lambent.functions.image import Image
from lambent.functions.layers import LayerRegistry
from lambent.functions.ledger import Ledger
from lambent.functions.limits import Limits
from lambent.functions.linked import LinkedCode
from lambent.functions.names import Reference
from lambent.functions.record import FunctionRecord, Target
from lambent.functions.settings import Settings, check_settings, check_tags, configured
from lambent.functions.transitions import (
    check_changeable,
    new_id,
    now_ms,
    published,
    retagged,
    updating,
    with_code,
    with_latest,
)
from lambent.functions.version import LATEST, FunctionVersion
from lambent.store import Conflict, Database

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.functions.activation import Activate
    from lambent.functions.code_store import CodeStore
    from lambent.store import Statement


class FunctionRegistry:
    """All functions of the platform.

    Records are immutable: a change writes the database, guarded by the record's revision, and then replaces
    the record in memory. `activate` is the hook that prepares versions; without one they become Active at
    once. Open it with `open`, set the hook, then call `resume`.
    """

    def __init__(
        self,
        database: Database,
        code: CodeStore,
        limits: Limits,
        records: list[FunctionRecord],
        update_s: float,
    ) -> None:
        self.limits = limits
        self.code = code
        self._database = database
        self._catalog = Catalog(records)
        self._ledger = Ledger(database, self._catalog)
        self._activations = Activations(self._ledger, update_s)
        self.signing = SigningRegistry(database)
        self.layers = LayerRegistry(
            database, code, limits, lambda account, region: self._catalog.region(account, region).code_size
        )

    @classmethod
    async def open(
        cls, database: Database, code_store: CodeStore, *, limits: Limits | None = None, update_s: float = 0.0
    ) -> FunctionRegistry:
        """Load every function, layer and code signing configuration. Raises StoreError.

        `update_s`: how many seconds an update counts as in progress at least; as soon as it is prepared it serves.
        """
        registry = cls(database, code_store, limits or Limits(), await rows.load_all(database), update_s)
        await registry.layers.load()
        await registry.signing.load()
        return registry

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

    def exists(self, reference: Reference) -> bool:
        """Whether the function, and the version or alias that the reference names, is there."""
        record = self._catalog.get(reference)
        return record is not None and (
            reference.qualifier in (None, LATEST, *record.versions, *record.aliases)
        )

    def version(self, reference: Reference) -> tuple[FunctionRecord, FunctionVersion]:
        """The function and the version as configured: $LATEST, or the one that a number or alias names.

        Raises FunctionNotFound.
        """
        record = self._catalog.get(reference)
        if record is not None:
            qualifier = reference.qualifier or LATEST
            alias = record.aliases.get(qualifier)
            number = qualifier if alias is None else alias.version
            if number == LATEST:
                return record, record.latest
            version = record.versions.get(number)
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
        """How many functions there are, and the bytes of code of all their versions and of all layers."""
        found = self._catalog.region(account, region)
        return len(found.functions), found.code_size + self.layers.code_size(account, region)

    def reserved_concurrency(self, account: str, region: str, name: str) -> int | None:
        """What is reserved for a function, or None. Raises FunctionNotFound."""
        return self.record(Reference(account, region, name, None)).reserved_concurrency

    def unreserved_limit(self, account: str, region: str) -> int:
        """The concurrency that is left to share: neither reserved nor provisioned."""
        return self.limits.concurrency - self._catalog.region(account, region).claimed

    def subscribe(self, listener: Listener) -> None:
        """Have `listener(old, new)` called, once durable, as each serving version comes, changes or goes."""
        self._catalog.listeners.append(listener)

    def watch(self, listener: RecordListener) -> None:
        """Have `listener(old, new)` called, once durable, as each function comes, changes or goes."""
        self._catalog.record_listeners.append(listener)

    # Changing

    async def create(
        self,
        reference: Reference,
        package: bytes | LinkedCode | Image,
        settings: Settings,
        *,
        code_signing_config: str | None = None,
        tags: dict[str, str] | None = None,
        publish: bool = False,
    ) -> FunctionVersion:
        """Create a function. Returns $LATEST, or version 1 when it is published at once; both Pending.

        Raises InvalidConfiguration, LimitExceeded, LayerAccessDenied, CodeRejected,
        CodeStorageExceeded, TooManyTags, FunctionExists, SigningConfigDeleted, CodeNotSigned, StoreError.
        """
        check_settings(settings, self.limits)
        layers = self.layers.used(settings.layers or (), reference)
        if code_signing_config is not None:
            self.signing.check_package_type("Image" if isinstance(package, Image) else "Zip")
            self.signing.check_known(code_signing_config, reference.account, reference.region)
        check_tags(tags or {}, self.limits)
        if settings.role is UNSET:
            raise InvalidConfiguration("A function needs a role.")
        blank = FunctionVersion(
            account=reference.account,
            region=reference.region,
            name=reference.name,
            version=LATEST,
            uid=new_id(),
            revision_id=new_id(),
            last_modified=now_ms(),
            role=settings.role,
            code_sha256="",
            code_hash="",
            code_size=0,
            package_type="Image" if isinstance(package, Image) else "Zip",
            log_group=f"/aws/lambda/{reference.name}",
        )
        draft = configured(blank, settings, layers)
        if self._catalog.get(reference) is not None:
            raise FunctionExists(reference.name)
        self.signing.check_deployable(code_signing_config, reference.name)
        async with self._stored(reference, package) as code, self.code.held(draft.layer_hashes):
            await self.layers.check_size(code.hash, layers)
            latest = with_code(draft, code, _image(package))
            record = FunctionRecord(
                id=new_id(),
                account=reference.account,
                region=reference.region,
                name=reference.name,
                revision=1,
                latest=latest,
                serving=latest,
                versions={},
                tags=dict(tags or {}),
                options={"": Options(code_signing_config=code_signing_config)} if code_signing_config else {},
            )
            if publish:
                record = published(record, None)
            await self._ledger.insert(record, reference)
        self._activations.begin(record)
        return record.versions["1"] if publish else latest

    async def change(
        self,
        reference: Reference,
        change: Callable[[FunctionRecord], FunctionRecord],
        guards: Callable[[FunctionRecord], list[Statement]] | None = None,
    ) -> FunctionRecord:
        """Replace a function's record by what `change` makes of it, durably. Returns the new record.

        `change` is a pure function: it may run again when another node was faster, and raises what is wrong;
        nothing is written when it returns the record it was given. `guards` gives statements that must hold
        in the same transaction. Raises FunctionNotFound, StoreError and what `change` raises.
        """
        record = await self._ledger.change(reference, change, guards)
        self._activations.begin(record)
        return record

    async def update_code(
        self,
        reference: Reference,
        package: bytes | LinkedCode | Image,
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
        current = self.record(reference)
        check_changeable(current, revision_id)
        self.signing.check_deployable(current.settings.code_signing_config, current.arn)
        async with self._stored(reference, package) as code:
            await self.layers.check_size(code.hash, current.latest.layers)

            def change(record: FunctionRecord) -> FunctionRecord:
                check_changeable(record, revision_id)
                latest = with_code(record.latest, code, _image(package))
                if architectures:
                    latest = replace(latest, architectures=architectures)
                if dry_run:
                    return replace(record, latest=latest)
                changed = updating(record, latest)
                return published(changed, None) if publish else changed

            if dry_run:
                return change(self.record(reference)).latest
            record = await self._ledger.change(reference, change)
        self._activations.begin(record)
        return record.versions[str(record.last_version)] if publish else record.latest

    async def update_configuration(
        self, reference: Reference, settings: Settings, *, revision_id: str | None = None
    ) -> FunctionVersion:
        """Apply settings to $LATEST. Raises as `update_code`, without the errors of code."""
        check_settings(settings, self.limits)
        current = self.record(reference)
        layers = settings.layers if settings.layers is UNSET else self.layers.used(settings.layers, reference)
        if layers:
            self.signing.check_deployable(current.settings.code_signing_config, current.arn)
            await self.layers.check_size(current.latest.code_hash, layers)

        def change(record: FunctionRecord) -> FunctionRecord:
            check_changeable(record, revision_id)
            return updating(record, configured(record.latest, settings, layers))

        async with self.code.held([layer.code_hash for layer in layers or ()]):
            record = await self._ledger.change(reference, change)
        self._activations.begin(record)
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
            check_changeable(record, revision_id)
            if code_sha256 and code_sha256 != record.latest.code_sha256:
                raise CodeMismatch(code_sha256, record.latest.code_sha256)
            last = record.versions.get(str(record.last_version))
            if last is not None and last.source_digest == record.latest.digest():
                return record
            self._check_code_storage(record.account, record.region, record.latest.code_size)
            return with_latest(published(record, description), replace(record.latest, revision_id=new_id()))

        record = await self._ledger.change(reference, change)
        self._activations.begin(record)
        return record.versions[str(record.last_version)]

    async def delete(self, reference: Reference) -> None:
        """Delete a function with all its versions, or the one version that the qualifier names.

        A version that is not there is no error. Raises FunctionNotFound, InvalidConfiguration, VersionInUse,
        StoreError.
        """
        qualifier = reference.qualifier
        if qualifier == LATEST:
            raise InvalidConfiguration("$LATEST version cannot be deleted without deleting the function.")
        if qualifier is not None:
            await self._ledger.change(reference, lambda record: without_version(record, qualifier))
            return
        await self._ledger.remove(reference)

    async def put_concurrency(self, reference: Reference, reserved: int) -> int:
        """Reserve concurrency for a function; 0 switches it off. Returns what is reserved.

        Raises FunctionNotFound, ConcurrencyUnavailable, StoreError.
        """
        minimum = self.limits.minimum_unreserved
        available = self.limits.concurrency - minimum
        too_much = ConcurrencyUnavailable.below_minimum("ReservedConcurrentExecutions", minimum)

        def change(record: FunctionRecord) -> FunctionRecord:
            others = self._catalog.region(record.account, record.region).claimed - record.claimed_concurrency
            if reserved and others + reserved > available:
                raise too_much
            if reserved < record.provisioned_concurrency:
                raise ConcurrencyUnavailable(
                    f" ReservedConcurrentExecutions  {reserved} should not be lower than function's total "
                    f"provisioned concurrency [{record.provisioned_concurrency}]."
                )
            return replace(record, reserved_concurrency=reserved)

        try:
            await self._ledger.change(
                reference,
                change,
                lambda record: [rows.claim_guard(record, available)] if reserved else [],
            )
        except Conflict:
            # What is left is reserved by functions that another node has changed.
            raise too_much from None
        return reserved

    async def bind_signing(self, reference: Reference, arn: str | None) -> None:
        """Bind a function to a code signing configuration, or with None to none.

        Raises FunctionNotFound, SigningConfigDeleted, StoreError.
        """

        def change(record: FunctionRecord) -> FunctionRecord:
            self.signing.check_package_type(record.latest.package_type)
            if arn is not None:
                self.signing.check_known(arn, record.account, record.region)
            if record.settings.code_signing_config == arn:
                return record
            changed = replace(record.settings, code_signing_config=arn)
            return replace(record, options={**record.options, "": changed})

        await self._ledger.change(reference, change, lambda _: [self.signing.guard(arn)] if arn else [])

    async def delete_concurrency(self, reference: Reference) -> None:
        """Give up a function's reservation. Raises FunctionNotFound, StoreError."""
        await self._ledger.change(reference, lambda record: replace(record, reserved_concurrency=None))

    async def tag(self, reference: Reference, tags: dict[str, str]) -> None:
        """Add or overwrite tags. Raises FunctionNotFound, TooManyTags, StoreError."""

        def change(record: FunctionRecord) -> FunctionRecord:
            merged = {**record.tags, **tags}
            check_tags(merged, self.limits)
            return retagged(record, merged)

        await self._ledger.change(reference, change)

    async def untag(self, reference: Reference, keys: list[str]) -> None:
        """Remove tags; those that are not there are no error. Raises FunctionNotFound, StoreError."""

        def change(record: FunctionRecord) -> FunctionRecord:
            return retagged(record, {key: value for key, value in record.tags.items() if key not in keys})

        await self._ledger.change(reference, change)

    # Life

    @property
    def activate(self) -> Activate | None:
        """The hook that prepares versions; None: they become Active at once."""
        return self._activations.activate

    @activate.setter
    def activate(self, hook: Activate | None) -> None:
        self._activations.activate = hook

    def resume(self) -> None:
        """Begin anew the activations that a stop has interrupted. Call it once `activate` is set."""
        for record in self._catalog.records():
            self._activations.begin(record)

    async def settled(self, reference: Reference) -> FunctionRecord:
        """The function once none of its versions is being activated. Raises FunctionNotFound."""
        while True:
            record = self.record(reference)
            if not await self._activations.wait(record):
                return record

    async def collect_code(self, older_than_s: float = 3600.0) -> int:
        """Remove code that no version refers to any more. Returns how many packages were removed."""
        return await self.code.collect(lambda: rows.referred_code(self._database), older_than_s)

    async def close(self) -> None:
        """End activations; they resume when the registry is opened again."""
        await self._activations.close()

    # Inside

    def _stored(
        self, reference: Reference, package: bytes | LinkedCode | Image
    ) -> contextlib.AbstractAsyncContextManager[Code]:
        """Keep a package; it is safe from collection while the context is entered. An image is kept elsewhere."""
        if isinstance(package, Image):
            return contextlib.nullcontext(Code("", package.digest, 0))
        if not isinstance(package, LinkedCode):
            self._check_code_storage(reference.account, reference.region, len(package))
        return self.code.added(package)

    def _check_code_storage(self, account: str, region: str, size: int) -> None:
        if self.usage(account, region)[1] + size > self.limits.code_storage:
            raise CodeStorageExceeded("Code storage limit exceeded.")


def _image(package: bytes | LinkedCode | Image) -> Image | None:
    return package if isinstance(package, Image) else None
