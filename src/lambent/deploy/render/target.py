"""Where a rendering is for: a stage, and where the code of its units is."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from lambent.deploy.project import Stage  # noqa: TC001 - msgspec reads the annotations

LINKED: Final = "hot-reload"
"""The bucket that stands for folders of this machine: a key in it is an absolute path."""


class CodeLocation(msgspec.Struct, frozen=True):
    """A package in S3; with the bucket LINKED a folder, and with none (`""`) a file beside the template, which
    `aws cloudformation package` and SAM upload.
    """

    bucket: str
    key: str


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest is rendered for.

    `code` is by unit, `layers` by name, and `unit_layers` tells which of these a unit has. `roles` "none" gives all
    functions one role by its name instead of roles of their own, for the platform, which asks no role. `environment` is
    added to that of all units. With `debug` functions have all the time that Lambda gives: 15 minutes.
    """

    stage: Stage
    code: dict[str, CodeLocation]
    layers: dict[str, CodeLocation] = {}
    unit_layers: dict[str, tuple[str, ...]] = {}
    roles: Literal["own", "none"] = "own"
    environment: dict[str, str] = {}
    debug: bool = False
