"""How large packages are, and what makes them so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.deploy.build.artefacts import Build


class PartSize(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution, the framework or the app's own code, in bytes."""

    name: str
    version: str
    unpacked: int
    packed: int


class PackageSize(msgspec.Struct, frozen=True, kw_only=True):
    """A unit's package or a layer. `total` is what Lambda counts: unpacked, for a unit with its layers. In bytes."""

    name: str
    kind: Literal["unit", "layer"]
    size: int
    unpacked: int
    total: int
    layers: tuple[str, ...] = ()
    parts: tuple[PartSize, ...] = ()
    """The largest first."""
    reused: bool = False


def report(build: Build) -> list[PackageSize]:
    """Of all packages: units by name, then layers."""
    return [*_rows(build, "unit"), *_rows(build, "layer")]


def _rows(build: Build, kind: Literal["unit", "layer"]) -> Iterable[PackageSize]:
    for name, artefact in sorted((build.units if kind == "unit" else build.layers).items()):
        layers = build.unit_layers.get(name, ()) if kind == "unit" else ()
        yield PackageSize(
            name=name,
            kind=kind,
            size=artefact.size,
            unpacked=artefact.unpacked,
            total=artefact.unpacked + sum(build.layers[layer].unpacked for layer in layers),
            layers=layers,
            parts=tuple(
                PartSize(name=part.name, version=part.version, unpacked=part.unpacked, packed=part.packed)
                for part in sorted(artefact.parts, key=lambda part: (-part.unpacked, part.name))
            ),
            reused=name in build.reused,
        )
