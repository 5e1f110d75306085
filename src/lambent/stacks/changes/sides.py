"""What is compared: what is deployed, and two templates with their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping  # noqa: TC003  msgspec reads them
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    from lambent.stacks.template import ResourceValues, Scope, Template

LookUp: TypeAlias = "Callable[[str], ResourceValues | None]"
"""What Ref and Fn::GetAtt of a resource give, by its logical id; None while that is not known."""


class Deployed(msgspec.Struct, frozen=True):
    """A resource that is there.

    `properties`: as its provider was given them, but with dynamic references in their own words. `attributes`: what
    Fn::GetAtt gives.
    """

    type: str
    physical_id: str
    properties: dict[str, Any] = {}
    attributes: dict[str, Any] = {}


class Side(msgspec.Struct, frozen=True):
    """A template and what it is evaluated with.

    `template`: after its transforms. `parameters`: their resolved values. `scope`: makes a scope of them that sees
    resources by the look-up it is given. `tags`: the stack's. `given`: what parameters of SSM types were given, the
    names whose values `parameters` has.
    """

    template: Template
    parameters: Mapping[str, Any]
    scope: Callable[[LookUp], Scope]
    tags: Mapping[str, str] = {}
    given: Mapping[str, str] = {}
