"""Renderings by name: those that come with Lambent, and those that other distributions add."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, Protocol

from lambent.deploy.errors import RenderError
from lambent.deploy.render.template import template_of

if TYPE_CHECKING:
    from lambent.deploy.manifest import Manifest
    from lambent.deploy.render.target import Target

GROUP: Final = "lambent.renderers"
"""The entry points of others' renderings: a class, or a function without arguments, that makes a Renderer."""


class Renderer(Protocol):
    """A way to write down an app for a deployment tool."""

    name: str

    def render(self, manifest: Manifest, target: Target) -> dict[str, bytes]:
        """The files by their names, relative to one folder. Raises RenderError."""


class CloudFormation:
    """The template that `apply` sends, as JSON."""

    name = "cloudformation"

    def render(self, manifest: Manifest, target: Target) -> dict[str, bytes]:
        """`template.json`. Raises RenderError."""
        return {"template.json": json.dumps(template_of(manifest, target), indent=2).encode() + b"\n"}


_OWN: Final = {"cloudformation": CloudFormation}


def renderer_names() -> list[str]:
    """All that there are."""
    return sorted({*_OWN, *(one.name for one in entry_points(group=GROUP))})


def renderer_named(name: str) -> Renderer:
    """Raises RenderError where there is none of this name."""
    if name in _OWN:
        return _OWN[name]()
    for one in entry_points(group=GROUP):
        if one.name == name:
            made: Renderer = one.load()()
            return made
    raise RenderError(
        f"there is no rendering {name!r}: there are {', '.join(renderer_names())}",
        hint=f"Others are added by distributions with entry points {GROUP!r}.",
    )
