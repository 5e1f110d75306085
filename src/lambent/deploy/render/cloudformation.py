"""The CloudFormation template as a file, for `aws cloudformation package` and `deploy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.deploy.render.template import template_of
from lambent.deploy.render.text import yaml_text

if TYPE_CHECKING:
    from lambent.deploy.manifest import Manifest
    from lambent.deploy.render.target import Target


class CloudFormation:
    """The template that `apply` sends, as text that people read."""

    name = "cloudformation"

    def render(self, manifest: Manifest, target: Target) -> dict[str, bytes]:
        """`template.yaml`. Raises RenderError."""
        return {"template.yaml": yaml_text(template_of(manifest, target)).encode()}
