"""Renderings by name: those that come with Lambent, and those that other distributions add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from lambent.deploy.errors import RenderError

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


_OWN: Final = {"cloudformation": "cloudformation:CloudFormation", "sam": "sam:Sam"}
"""Modules of this package and their classes: imported when they are asked for."""


def renderer_names() -> list[str]:
    """All that there are."""
    from importlib.metadata import entry_points

    return sorted({*_OWN, *(one.name for one in entry_points(group=GROUP))})


def renderer_named(name: str) -> Renderer:
    """Raises RenderError where there is none of this name."""
    from importlib import import_module
    from importlib.metadata import entry_points

    made: Renderer
    if name in _OWN:
        module, _, kind = _OWN[name].partition(":")
        made = getattr(import_module(f"{__package__}.{module}"), kind)()
        return made
    for one in entry_points(group=GROUP):
        if one.name == name:
            made = one.load()()
            return made
    raise RenderError(
        f"there is no rendering {name!r}: there are {', '.join(renderer_names())}",
        hint=f"Others are added by distributions with entry points {GROUP!r}.",
    )
