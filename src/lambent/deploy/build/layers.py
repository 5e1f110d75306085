"""Which distributions go into layers instead of the units' own packages.

A layer costs one more resource and a name to think of; it pays where the same bytes would be sent again: with each
change of code, or once for each unit. So distributions that exactly the same units need become a layer when they have
at least 1 MB compressed and several units need them, or at least 5 MB and one does. Nobody gets with a layer what it
does not import. The largest come first where there are more than a function may have, which is five with those that the
settings name (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.deploy.build.environment import Library
    from lambent.deploy.manifest import Unit

SHARED_BYTES: Final = 1_000_000
ALONE_BYTES: Final = 5_000_000
LAYERS_PER_FUNCTION: Final = 5
FOLDER: Final = "python"
"""Where Lambda looks in a layer: https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html"""


class Layer(NamedTuple):
    """`libraries` sorted by name; `units` are those that have it."""

    name: str
    libraries: tuple[Library, ...]
    units: tuple[str, ...]


def layers_of(
    needed: Mapping[str, Mapping[str, Library]], units: Mapping[str, Unit], suffix: str
) -> list[Layer]:
    """The layers that pay for units of one target, largest first. `needed` by unit and name."""
    users: dict[str, tuple[str, ...]] = {}
    libraries: dict[str, Library] = {}
    for unit in sorted(needed):
        for name, library in needed[unit].items():
            users[name] = (*users.get(name, ()), unit)
            libraries[name] = library
    groups: dict[tuple[str, ...], list[Library]] = {}
    for name in sorted(users):
        groups.setdefault(users[name], []).append(libraries[name])
    left = {name: LAYERS_PER_FUNCTION - len(unit.layers) for name, unit in units.items()}
    found = []
    for who, group in sorted(groups.items(), key=lambda item: (-_packed(item[1]), item[0])):
        enough = SHARED_BYTES if len(who) > 1 else ALONE_BYTES
        if _packed(group) < enough or any(left[unit] < 1 for unit in who):
            continue
        for unit in who:
            left[unit] -= 1
        largest = max(group, key=lambda library: (library.pack.packed, library.name))
        found.append(Layer(_name(largest.name, suffix), tuple(group), who))
    return found


def _packed(group: list[Library]) -> int:
    return sum(library.pack.packed for library in group)


def _name(largest: str, suffix: str) -> str:
    # After what weighs most: so it keeps its name when another comes along, and tells something.
    return re.sub(r"[^A-Za-z0-9-]", "-", f"dependencies-{largest}")[:48] + suffix
