"""Stacks as they would be deployed, compared with what is to become of them."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from lambent.stacks.changes import Deployed, Difference, Side, changes
from lambent.stacks.template import Pseudo, ResourceValues, Scope, Template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambent.stacks.changes.sides import LookUp

ACCOUNT = "111111111111"
STACK = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/shop/1"


class Compare(Protocol):
    """Deploys one template, compares it with another."""

    def __call__(
        self,
        old: dict[str, Any] | None,
        new: dict[str, Any],
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        *,
        old_tags: Mapping[str, str] | None = None,
        new_tags: Mapping[str, str] | None = None,
        importing: Mapping[str, Mapping[str, str]] | None = None,
        attributes: Mapping[str, Mapping[str, Any]] | None = None,
        exports: Sequence[dict[str, str]] = ({}, {}),
    ) -> Difference: ...


def side(
    document: dict[str, Any],
    given: Mapping[str, Any],
    tags: Mapping[str, str],
    exports: Mapping[str, str] = MappingProxyType({}),
) -> Side:
    """The template with its parameters' values and defaults."""
    template = Template.read(document)
    values = {name: given.get(name, parameter.default) for name, parameter in template.parameters.items()}
    pseudo = Pseudo.of("111111111111", "us-east-1", STACK, "shop")

    def scope(resources: LookUp) -> Scope:
        return Scope(template, values, pseudo, resources=resources, imports=lambda name: exports[name])

    return Side(template, values, scope, tags)


def deploy(stack: Side, attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Deployed]:
    """What would be deployed: topics are named by their ARNs, all else by its name or its logical id.

    `attributes`: what resources give besides their ARNs and properties, by logical id.
    """
    made: dict[str, Deployed] = {}

    def there(logical_id: str) -> ResourceValues:
        if logical_id not in made:
            resource = stack.template.resources[logical_id]
            properties = scope.resolve(resource.properties)
            name = str(next((properties[key] for key in properties if key.endswith("Name")), logical_id))
            if resource.type == "AWS::SNS::Topic":
                name = f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}"
            arn = f"arn:aws:made:us-east-1:{ACCOUNT}:{name}"
            made[logical_id] = Deployed(
                resource.type, name, properties, {"Arn": arn, **attributes.get(logical_id, {})}
            )
        return ResourceValues(
            made[logical_id].physical_id, {**made[logical_id].properties, **made[logical_id].attributes}
        )

    scope = stack.scope(there)
    for logical_id in scope.active:
        there(logical_id)
    return made


@pytest.fixture
def compare() -> Compare:
    """Both templates' differences, the first being deployed; None for a new stack."""

    def compared(
        old: dict[str, Any] | None,
        new: dict[str, Any],
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        *,
        old_tags: Mapping[str, str] | None = None,
        new_tags: Mapping[str, str] | None = None,
        importing: Mapping[str, Mapping[str, str]] | None = None,
        attributes: Mapping[str, Mapping[str, Any]] | None = None,
        exports: Sequence[dict[str, str]] = ({}, {}),
    ) -> Difference:
        said = dict(exports[0])
        old_side = None if old is None else side(old, before or {}, old_tags or {}, said)
        new_side = side(new, after or {}, new_tags or {}, said)
        deployed = {} if old_side is None else deploy(old_side, attributes or {})
        said.update(exports[1])
        return asyncio.run(changes(deployed, old_side, new_side, importing=importing))

    return compared
