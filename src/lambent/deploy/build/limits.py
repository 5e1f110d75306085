"""Lambda's limits of packages, before anything is sent.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 250 MB unpacked with all layers, five layers.
50 MB is the limit of a package that is sent within a request; those that go by way of a bucket may have more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.deploy.build.layers import LAYERS_PER_FUNCTION
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from lambent.deploy.build.artefacts import Build
    from lambent.deploy.manifest import Unit

UNPACKED_BYTES: Final = 262_144_000


def check_limits(unit: Unit, build: Build) -> None:
    """Raises BuildError where Lambda would refuse the unit."""
    layers = build.unit_layers.get(unit.name, ())
    count = len(layers) + len(unit.layers)
    if count > LAYERS_PER_FUNCTION:
        raise BuildError(
            f"unit {unit.name} has {count} layers, and a function may have {LAYERS_PER_FUNCTION}",
            hint="Name fewer in `layers`.",
        )
    artefacts = [build.units[unit.name], *(build.layers[name] for name in layers)]
    unpacked = sum(artefact.unpacked for artefact in artefacts)
    if unpacked <= UNPACKED_BYTES:
        return
    parts = sorted((part for one in artefacts for part in one.parts), key=lambda part: -part.unpacked)
    largest = ", ".join(f"{part.name} {megabytes(part.unpacked)}" for part in parts[:4])
    raise BuildError(
        f"unit {unit.name} has {megabytes(unpacked)} unpacked with its layers, and Lambda takes"
        f" {megabytes(UNPACKED_BYTES)}: {largest}",
        hint='Divide the app: with unit = "router" or "function" each packs only what it imports. Or leave out what a'
        f' layer of yours has: packages = ["!{parts[0].name}"].',
    )


def megabytes(size: int) -> str:
    """For people: "3.4 MB", "12 kB". Lambda counts 1024 kB to the MB."""
    if size >= 1024 * 1024:
        return f"{size / 1024 / 1024:.1f} MB"
    return f"{max(1, round(size / 1024))} kB" if size else "0 kB"
