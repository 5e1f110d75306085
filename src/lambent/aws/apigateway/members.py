"""Records and the members of requests and answers, which have the same names."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.aws.errors import ServiceError

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.rest_api.patches import Operation
    from lambent.gateway.rest_api.records import Record

from lambent.gateway.rest_api.patches import operations_of

# What names the resource, or what only the platform sets.
_NOT_GIVEN = frozenset({"account", "region", "id", "created_date", "last_updated_date"})
# The platform's own, which answers do not show.
_NOT_SHOWN = frozenset({"account", "region"})


def given(record: type[Record], request: dict[str, Any], *but: str) -> dict[str, Any]:
    """The members of `request` that `record` has, in snake case and with its types, without those of `but`.

    Raises ServiceError.
    """
    found: dict[str, Any] = {}
    for wire_name, name, kind in _fields(record):
        if request.get(wire_name) is None or name in _NOT_GIVEN or name in but:
            continue
        try:
            found[name] = msgspec.convert(request[wire_name], kind)
        except msgspec.ValidationError as error:
            raise ServiceError("BadRequestException", f"Invalid {wire_name} specified: {error}") from None
    return found


def described(value: Any) -> Any:
    """What an answer shows of a record, and of what is in it: members that are None are left out."""
    if isinstance(value, msgspec.Struct):
        return {
            wire_name: described(member)
            for wire_name, name, _ in _fields(type(value))
            if name not in _NOT_SHOWN and (member := getattr(value, name)) is not None
        }
    if isinstance(value, dict):
        return {key: described(member) for key, member in value.items()}
    if isinstance(value, tuple | list):
        return [described(member) for member in value]
    return value


def place(context: RequestContext, request: dict[str, Any]) -> tuple[str, str, str]:
    """The account, the region and the id of the API that `request` is about."""
    return context.account, context.region, request["restApiId"]


def operations(request: dict[str, Any]) -> list[Operation]:
    """The patch operations of an update."""
    return operations_of(request.get("patchOperations"))


@functools.cache
def _fields(record: type[Any]) -> tuple[tuple[str, str, Any], ...]:
    return tuple((field.encode_name, field.name, field.type) for field in msgspec.structs.fields(record))
