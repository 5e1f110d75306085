"""CORS of HTTP APIs, as it is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lambent.gateway.apis.errors import BadApiRequest

if TYPE_CHECKING:
    from lambent.gateway.apis.records import Cors

_METHODS: Final = frozenset({"*", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "DELETE"})
_MAX_AGE_S: Final = 86_400


def over(old: Cors | None, given: Cors | None) -> Cors | None:
    """`given` laid over `old`, as UpdateApi means it (AWS CLI's example of update-api); empty lists take away."""
    if old is None or given is None:
        return given
    members = {name: getattr(given, name) for name in given.__struct_fields__}
    return replace(old, **{name: value for name, value in members.items() if value is not None})


def checked(cors: Cors) -> Cors | None:
    """`cors` as API Gateway keeps it: methods in upper, headers and origins in lower case; None when it is empty.

    Raises BadApiRequest; the message about credentials is API Gateway's own (aws/aws-cdk#9076).
    """
    cors = replace(cors, **{name: None for name in cors.__struct_fields__ if getattr(cors, name) == ()})
    if all(getattr(cors, name) is None for name in cors.__struct_fields__):
        return None
    origins = _lower(cors.allow_origins)
    if cors.allow_credentials and origins is not None and "*" in origins:
        raise BadApiRequest("allow-credentials is not supported if 'allow-origin' is *")
    for origin in origins or ():
        if origin != "*" and "://" not in origin:
            raise BadApiRequest(f"Invalid format for origin {origin}: it must be * or begin with a scheme")
    methods = None if cors.allow_methods is None else tuple(one.upper() for one in cors.allow_methods)
    for method in methods or ():
        if method not in _METHODS:
            raise BadApiRequest(f"Invalid method in allow-methods: {method}")
    if cors.max_age is not None and not -1 <= cors.max_age <= _MAX_AGE_S:
        raise BadApiRequest(f"max-age must be between -1 and {_MAX_AGE_S}")
    return replace(
        cors,
        allow_credentials=bool(cors.allow_credentials),
        allow_origins=origins,
        allow_methods=methods,
        allow_headers=_lower(cors.allow_headers),
        expose_headers=_lower(cors.expose_headers),
    )


def _lower(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(name.lower() for name in names)
