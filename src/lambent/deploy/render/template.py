"""The CloudFormation template of a manifest: what `apply` sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.deploy import names
from lambent.deploy.render.buckets import add_buckets
from lambent.deploy.render.channels import add_channels
from lambent.deploy.render.composition import Composition
from lambent.deploy.render.functions import add_functions
from lambent.deploy.render.http_api import add_http_api
from lambent.deploy.render.mappings import add_mappings
from lambent.deploy.render.resources import add_resources
from lambent.deploy.render.triggers import add_triggers

if TYPE_CHECKING:
    from lambent.deploy.manifest import Manifest
    from lambent.deploy.render.target import Target


def template_of(manifest: Manifest, target: Target) -> dict[str, Any]:
    """The template, which `json.dumps` takes, always in the same order.

    Raises RenderError for what a service would refuse: names and numbers out of its limits, two things of one name,
    more resources than a stack takes.
    """
    names.stack_name(manifest.app, target.stage.name)
    composition = Composition(manifest, target)
    add_functions(composition)
    add_resources(composition)
    add_buckets(composition)
    add_http_api(composition)
    add_channels(composition)
    add_mappings(composition)
    add_triggers(composition)
    return document_of(composition)


def document_of(composition: Composition, **head: Any) -> dict[str, Any]:
    """The whole document. `head` are further sections. Raises RenderError when it is too large."""
    composition.check()
    document: dict[str, Any] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        **head,
        "Description": f"{composition.app}, stage {composition.stage}",
        "Metadata": {"Lambent": {"App": composition.app, "Stage": composition.stage}},
        "Resources": composition.resources,
    }
    if composition.outputs:
        document["Outputs"] = composition.outputs
    return document
