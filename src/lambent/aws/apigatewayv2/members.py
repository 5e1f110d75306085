"""Records and the members of requests and answers, which have the same names."""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.aws.errors import ServiceError

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.apis.records import Record

# What names the resource, or what only the platform sets.
_NOT_GIVEN = frozenset(
    {
        "account",
        "region",
        "api_id",
        "route_id",
        "integration_id",
        "authorizer_id",
        "deployment_id",
        "api_gateway_managed",
        "created_date",
        "last_updated_date",
        "import_info",
        "warnings",
        "auto_deployed",
    }
)


def given(record: type[Record], request: dict[str, Any], *also: str) -> dict[str, Any]:
    """The members of `request` that `record` has, in snake case and with its types; `also` names more of them.

    Identifiers are not among them unless named in `also`. Raises ServiceError.
    """
    found: dict[str, Any] = {}
    for wire_name, name, kind in _fields(record):
        if wire_name in request and (name not in _NOT_GIVEN or name in also):
            try:
                found[name] = msgspec.convert(request[wire_name], kind)
            except msgspec.ValidationError as error:
                raise ServiceError("BadRequestException", f"Invalid {wire_name} specified: {error}") from None
    return found


def described(record: Record) -> dict[str, Any]:
    """The members of an answer that shows `record`."""
    return {
        wire_name: msgspec.to_builtins(value, builtin_types=(dt.datetime,))
        for wire_name, name, _ in _fields(type(record))
        if (value := getattr(record, name)) is not None
    }


def place(context: RequestContext, request: dict[str, Any]) -> tuple[str, str, str]:
    """The account, the region and the id of the API that `request` is about."""
    return context.account, context.region, request["ApiId"]


@functools.cache
def _fields(record: type[Record]) -> tuple[tuple[str, str, Any], ...]:
    return tuple((field.encode_name, field.name, field.type) for field in msgspec.structs.fields(record))
