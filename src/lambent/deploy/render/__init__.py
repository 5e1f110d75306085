"""Rendering: a manifest and where it goes become the files that a deployment tool reads.

It imports the manifest and the names, nothing that is deployed with. `template_of` is what `apply` sends; further
renderings are found by the entry points "lambent.renderers".
"""

from lambent.deploy.render.renderers import Renderer, renderer_named, renderer_names
from lambent.deploy.render.target import CodeLocation, Target
from lambent.deploy.render.template import template_of

__all__ = ["CodeLocation", "Renderer", "Target", "renderer_named", "renderer_names", "template_of"]
