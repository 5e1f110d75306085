"""Renderings by name: those that come with Lambent, and those that other distributions add."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, Protocol

from lambent.deploy.errors import RenderError
from lambent.deploy.render.sam import Sam
from lambent.deploy.render.template import template_of
from lambent.deploy.render.text import yaml_text

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
    """The template that `apply` sends, as text that people read."""

    name = "cloudformation"

    def render(self, manifest: Manifest, target: Target) -> dict[str, bytes]:
        """`template.yaml`. Raises RenderError."""
        return {"template.yaml": yaml_text(template_of(manifest, target)).encode()}


_OWN: Final[dict[str, type[Renderer]]] = {"cloudformation": CloudFormation, "sam": Sam}


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
