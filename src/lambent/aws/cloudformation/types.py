"""Operations on resource types: those that this platform makes, from AWS's published schemas.

Members and their forms: AWSCloudFormation/latest/APIReference/API_DescribeType.html; schemas as the registry tells
them (cloudformation-cli, provider.definition.schema.v1.json).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.aws.cloudformation.paging import page_of
from lambent.aws.errors import ServiceError
from lambent.stacks.providers.catalogue import CUSTOM, PROVIDERS
from lambent.stacks.schemas import schema_of

if TYPE_CHECKING:
    from lambent.aws.cloudformation.requests import Members
    from lambent.aws.context import RequestContext
    from lambent.stacks.schemas import Schema

_OTHERS: Final = frozenset({"THIRD_PARTY", "ACTIVATED", "REGISTERED"})
_SERVED: Final = tuple(name for name in PROVIDERS if name != CUSTOM)


class TypeOperations:
    """Describe and list."""

    async def list_types(self, context: RequestContext, request: Members) -> Members:
        """Public ones: nobody registers types of his own here, which is what is told without a Visibility."""
        filters = request.get("Filters") or {}
        nothing = (
            request.get("Visibility", "PRIVATE") != "PUBLIC"
            or request.get("Type", "RESOURCE") != "RESOURCE"
            or request.get("DeprecatedStatus") == "DEPRECATED"
            or request.get("ProvisioningType") in ("NON_PROVISIONABLE", "IMMUTABLE")
            or filters.get("Category") in _OTHERS
            or filters.get("PublisherId")
        )
        prefix = filters.get("TypeNamePrefix") or ""
        names = () if nothing else (name for name in _SERVED if name.startswith(prefix))
        page, more = page_of(names, request, str, request.get("MaxResults") or 100)
        return {
            "TypeSummaries": [
                {"Type": "RESOURCE", "TypeName": name, "TypeArn": _arn(context, name), "IsActivated": True}
                for name in page
            ],
            "NextToken": more,
        }

    async def describe_type(self, context: RequestContext, request: Members) -> Members:
        """One of them, with its schema."""
        arn, name = request.get("Arn"), request.get("TypeName")
        if arn:
            name = arn.rpartition("/")[2].replace("-", "::")
        if not name or (not arn and not request.get("Type")):
            raise ServiceError(
                "CFNRegistryException", "Either Arn or both TypeName and Type must be specified."
            )
        schema = schema_of(name) if name in PROVIDERS else None
        if schema is None or request.get("Type", "RESOURCE") != "RESOURCE":
            raise ServiceError("TypeNotFoundException", f"The type '{name}' cannot be found.")
        return {
            "Arn": _arn(context, name),
            "Type": "RESOURCE",
            "TypeName": name,
            "Schema": msgspec.json.encode(_document(schema)).decode(),
            "ProvisioningType": "FULLY_MUTABLE",
            "DeprecatedStatus": "LIVE",
            "Visibility": "PUBLIC",
            "IsActivated": True,
        }


def _arn(context: RequestContext, name: str) -> str:
    return f"arn:{context.partition}:cloudformation:{context.region}::type/resource/{name.replace('::', '-')}"


def _document(schema: Schema) -> dict[str, Any]:
    """A schema as the registry tells it."""
    document: dict[str, Any] = {
        "typeName": schema.type,
        "properties": _referring(schema.properties),
        "additionalProperties": schema.open,
        "primaryIdentifier": [f"/properties/{name}" for name in schema.primary_identifier],
    }
    lists = {"readOnlyProperties": schema.read_only, "writeOnlyProperties": schema.write_only}
    for key, paths in lists.items():
        if paths:
            document[key] = sorted(f"/properties/{'/'.join(path)}" for path in paths)
    replacing = {"Always": "createOnlyProperties", "Conditionally": "conditionalCreateOnlyProperties"}
    for name in schema.properties:
        key = replacing.get(schema.replaces((name,)), "")
        if key:
            document.setdefault(key, []).append(f"/properties/{name}")
    if schema.definitions:
        document["definitions"] = _referring(schema.definitions)
    if schema.required:
        document["required"] = list(schema.required)
    if schema.tag_property:
        document["tagging"] = {"taggable": True, "tagProperty": f"/properties/{schema.tag_property}"}
    return document


def _referring(node: Any) -> Any:
    """With references as JSON pointers."""
    if isinstance(node, dict):
        return {
            key: f"#/definitions/{value}"
            if key == "$ref" and isinstance(value, str) and not value.startswith("#")
            else _referring(value)
            for key, value in node.items()
        }
    return [_referring(value) for value in node] if isinstance(node, list) else node
