"""The registry of layers: reads from memory, changes through the database."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.functions import layer_rows
from lambent.functions.errors import (
    CodeStorageExceeded,
    InvalidConfiguration,
    InvalidName,
    LayerAccessDenied,
    LayerNotFound,
)
from lambent.functions.layer import LayerReference, LayerVersion, parse_layer
from lambent.functions.layer_policy import readable
from lambent.functions.linked import LinkedCode
from lambent.functions.transitions import now_ms
from lambent.functions.turns import Turns
from lambent.functions.version import LayerUse
from lambent.store import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.functions.code_store import CodeStore
    from lambent.functions.limits import Limits
    from lambent.functions.names import Reference
    from lambent.store import Database

# How often a change is computed anew because another writer was faster.
_ATTEMPTS = 5


class _Layer:
    __slots__ = ("last", "versions")

    def __init__(self, last: int) -> None:
        self.last = last
        self.versions: dict[int, LayerVersion] = {}


class LayerRegistry:
    """All layers of the platform. Versions are immutable but for their policies.

    `function_code(account, region)` is how many bytes of code the functions of an account have: layers share
    its quota.
    """

    def __init__(
        self,
        database: Database,
        code: CodeStore,
        limits: Limits,
        function_code: Callable[[str, str], int],
    ) -> None:
        self._database = database
        self._code = code
        self._limits = limits
        self._function_code = function_code
        self._regions: dict[tuple[str, str], dict[str, _Layer]] = {}
        self._sizes: Counter[tuple[str, str]] = Counter()
        self._turns: Turns[LayerReference] = Turns()

    async def load(self) -> None:
        """Read every layer. Raises StoreError."""
        layers, versions = await layer_rows.load_all(self._database)
        for layer, last in layers.items():
            self._region(layer)[layer.name] = _Layer(last)
        for version in versions:
            self._region(version.layer)[version.name].versions[version.version] = version
            self._sizes[version.account, version.region] += version.code_size

    # Reading

    def get(self, layer: LayerReference, number: int) -> LayerVersion:
        """One version. Raises LayerNotFound."""
        found = self._find(layer)
        version = found.versions.get(number) if found else None
        if version is None:
            raise LayerNotFound(layer.version_arn(number))
        return version

    def versions(self, layer: LayerReference) -> list[LayerVersion]:
        """All versions of a layer, the newest first; none of one that there is not."""
        found = self._find(layer)
        return [found.versions[number] for number in sorted(found.versions, reverse=True)] if found else []

    def layers(self, account: str, region: str) -> list[LayerReference]:
        """The layers of an account in a region that have versions, by name."""
        found = self._regions.get((account, region), {})
        return [LayerReference(account, region, name) for name in sorted(found) if found[name].versions]

    def code_size(self, account: str, region: str) -> int:
        """The bytes of code of all versions of an account's layers: each counts its own archive."""
        return self._sizes[account, region]

    def used(self, arns: Iterable[str], function: Reference) -> tuple[LayerUse, ...]:
        """What a function gets of the layer versions that it names.

        Raises InvalidConfiguration for too many, those of other regions, those that do not exist and several
        of one layer; LayerAccessDenied for another account's without its permission.
        """
        arns = tuple(arns)
        if len(arns) > self._limits.layers:
            raise InvalidConfiguration(f"Cannot reference more than {self._limits.layers} layers.")
        uses: dict[LayerReference, LayerUse] = {}
        for arn in arns:
            try:
                layer, number = parse_layer(function.account, function.region, arn)
            except InvalidName:
                # AWS's own layers have another form of ARN; there are none here.
                raise InvalidConfiguration(str(LayerNotFound(arn))) from None
            version = self._usable(layer, number or 0, arn, function)
            if layer in uses:
                raise InvalidConfiguration(
                    "Two different versions of the same layer are not allowed to be referenced "
                    "in the same function. "
                    f"{uses[layer].arn} and {arn} are versions of the same layer."
                )
            uses[layer] = LayerUse(arn=arn, code_hash=version.code_hash, code_size=version.code_size)
        return tuple(uses.values())

    def _usable(self, layer: LayerReference, number: int, arn: str, function: Reference) -> LayerVersion:
        own = layer.account == function.account
        if layer.region != function.region:
            if not own:
                raise LayerAccessDenied(arn)
            raise InvalidConfiguration(
                "Layers are not in the same region as the function. "
                f"Layers are expected to be in region {function.region}."
            )
        found = self._find(layer)
        version = found.versions.get(number) if found else None
        if version is not None and version.arn == arn and readable(version, function.account):
            return version
        # Who may not read it is not told whether it exists.
        raise InvalidConfiguration(str(LayerNotFound(arn))) if own else LayerAccessDenied(arn)

    async def check_size(self, code_hash: str, layers: tuple[LayerUse, ...]) -> None:
        """Raise InvalidConfiguration when code and layers together are more than a function may have, unpacked."""
        if not layers:
            return
        hashes = [code_hash, *(layer.code_hash for layer in layers)]
        size = sum([await self._code.unpacked_size(each) for each in hashes])
        if size > self._limits.unzipped:
            raise InvalidConfiguration(
                "Function code combined with layers exceeds the maximum allowed size of "
                f"{self._limits.unzipped} bytes. The actual size is {size} bytes."
            )

    # Changing

    async def publish(
        self,
        layer: LayerReference,
        package: bytes | LinkedCode,
        *,
        description: str = "",
        license_info: str | None = None,
        runtimes: tuple[str, ...] | None = None,
        architectures: tuple[str, ...] | None = None,
    ) -> LayerVersion:
        """Publish a version, the first one of a new layer. Returns it.

        Raises CodeRejected, CodeStorageExceeded, StoreError.
        """
        used = self._function_code(*layer[:2]) + self.code_size(*layer[:2])
        size = 0 if isinstance(package, LinkedCode) else len(package)
        if used + size > self._limits.code_storage:
            raise CodeStorageExceeded("Code storage limit exceeded.")
        async with self._code.added(package) as code, self._turns.take(layer):
            for _ in range(_ATTEMPTS):
                found = self._find(layer)
                version = LayerVersion(
                    **layer._asdict(),
                    version=(found.last if found else 0) + 1,
                    created_ms=now_ms(),
                    code_hash=code.hash,
                    code_sha256=code.sha256,
                    code_size=code.size,
                    description=description,
                    license_info=license_info,
                    runtimes=runtimes,
                    architectures=architectures,
                )
                try:
                    await self._database.write(*layer_rows.publication(version))
                except Conflict:
                    await self._reload(layer)
                    continue
                kept = self._region(layer).setdefault(layer.name, _Layer(0))
                kept.last = version.version
                kept.versions[version.version] = version
                self._sizes[layer.account, layer.region] += version.code_size
                return version
        raise Conflict(f"{layer.arn} keeps changing")

    async def change(
        self, layer: LayerReference, number: int, change: Callable[[LayerVersion], LayerVersion]
    ) -> LayerVersion:
        """Replace a version by what `change`, a pure function, makes of it. Returns the new one.

        Raises LayerNotFound, StoreError and what `change` raises.
        """
        async with self._turns.take(layer):
            for _ in range(_ATTEMPTS):
                old = self.get(layer, number)
                new = replace(change(old), revision=old.revision + 1)
                try:
                    await self._database.write(layer_rows.change(old, new))
                except Conflict:
                    await self._reload(layer)
                    continue
                self._region(layer)[layer.name].versions[number] = new
                return new
        raise Conflict(f"{layer.version_arn(number)} keeps changing")

    async def delete(self, layer: LayerReference, number: int) -> None:
        """Delete a version; one that is not there is no error. Functions that use it keep it.

        Its number is not used again. Raises StoreError.
        """
        async with self._turns.take(layer):
            found = self._find(layer)
            if found is None or number not in found.versions:
                return
            await self._database.write(layer_rows.removal(layer, number))
            self._sizes[layer.account, layer.region] -= found.versions.pop(number).code_size

    async def clear(self) -> None:
        """Forget every layer, and the numbers of their versions too. Raises StoreError."""
        await self._database.write(*layer_rows.clearance())
        self._regions.clear()
        self._sizes.clear()

    # Inside

    def _region(self, layer: LayerReference) -> dict[str, _Layer]:
        return self._regions.setdefault((layer.account, layer.region), {})

    def _find(self, layer: LayerReference) -> _Layer | None:
        return self._regions.get((layer.account, layer.region), {}).get(layer.name)

    async def _reload(self, layer: LayerReference) -> None:
        last, versions = await layer_rows.load(self._database, layer)
        known, found = self._find(layer), _Layer(last)
        found.versions = {version.version: version for version in versions}
        self._region(layer)[layer.name] = found
        self._sizes[layer.account, layer.region] += _size(found) - (_size(known) if known else 0)


def _size(layer: _Layer) -> int:
    return sum(version.code_size for version in layer.versions.values())
