"""What building gives: packages, and where each file of them comes from."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - msgspec reads the annotations
from typing import Literal

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a package consists of: the app's own code, the framework, or a distribution. Sizes in bytes."""

    name: str
    version: str = ""
    kind: Literal["code", "framework", "package"]
    files: int
    unpacked: int
    packed: int


class Artefact(msgspec.Struct, frozen=True, kw_only=True):
    """A zip. `size` is the zip's, `unpacked` that of all its files, in bytes.

    `sha256` is that of the zip (hex), which Lambda tells as CodeSha256. `fingerprint` is that of names, modes and
    contents: the same wherever it is built, also where another zlib packs to other bytes.
    """

    path: Path
    sha256: str
    fingerprint: str
    size: int
    unpacked: int
    parts: tuple[Part, ...] = ()


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """The packages of an app. `unit_layers` are the names of layers, in the order that units have them.

    `reused` are the units and layers whose package was there already. `unneeded` are distributions that the project
    declares and no unit imports, so that they are in none. `notes` are sentences for people.
    """

    units: dict[str, Artefact]
    layers: dict[str, Artefact] = {}
    unit_layers: dict[str, tuple[str, ...]] = {}
    reused: frozenset[str] = frozenset()
    unneeded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """Folders that run instead of packages. `folders` by unit; what they import beyond is found in `search_path`."""

    folders: dict[str, Path]
    search_path: tuple[str, ...]
