"""BeforeContext and AfterContext: what a resource is as a whole, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.stacks.changes.details import HIDDEN, Circumstances, is_secret
from lambent.stacks.changes.values import texts
from lambent.stacks.template.functions import function_of

if TYPE_CHECKING:
    from lambent.stacks.template import Resource, Scope


def context(resource: Resource, scope: Scope, around: Circumstances) -> str:
    """The resource as the scope sees it; values that NoEcho parameters are in are hidden."""
    found: dict[str, Any] = {"Properties": _seen(resource.properties, scope, around)}
    for name, value in (
        ("Metadata", resource.metadata),
        ("CreationPolicy", resource.creation_policy),
        ("UpdatePolicy", resource.update_policy),
    ):
        if value:
            found[name] = _seen(value, scope, around)
    if resource.update_replace_policy:
        found["UpdateReplacePolicy"] = resource.update_replace_policy
    if resource.deletion_policy:
        found["DeletionPolicy"] = resource.deletion_policy
    return msgspec.json.encode(texts(found)).decode()


def _seen(raw: Any, scope: Scope, around: Circumstances) -> Any:
    return scope.resolve(_without_secrets(raw, around) if around.secret else raw)


def _without_secrets(raw: Any, around: Circumstances) -> Any:
    """The expression with each function that a secret parameter is in replaced."""
    if isinstance(raw, dict):
        function = function_of(raw)
        if function == "Fn::If" and isinstance(raw[function], list) and len(raw[function]) == 3:
            name, holds, otherwise = raw[function]
            return {function: [name, _without_secrets(holds, around), _without_secrets(otherwise, around)]}
        if function is not None:
            return HIDDEN if is_secret(raw, around) else raw
        return {name: _without_secrets(value, around) for name, value in raw.items()}
    if isinstance(raw, list):
        return [_without_secrets(item, around) for item in raw]
    return raw
