"""Authorizers of an API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.merging import cleared
from lambent.gateway.apis.records import Authorizer

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content


def get(content: Content, authorizer_id: str) -> Authorizer:
    """One authorizer. Raises ApiNotFound."""
    authorizer = content.authorizers.get(authorizer_id)
    if authorizer is None:
        raise ApiNotFound(f"Invalid Authorizer identifier specified {authorizer_id}")
    return authorizer


def create(content: Content, members: dict[str, Any]) -> tuple[Content, Authorizer]:
    """Add an authorizer. Raises BadApiRequest, ApiConflict."""
    given = {key: value for key, value in cleared(members).items() if value is not None}
    if "name" not in given:
        raise BadApiRequest("Name is required")
    return _put(content, Authorizer(authorizer_id=new_id(6, content.authorizers), **given))


def update(content: Content, authorizer_id: str, members: dict[str, Any]) -> tuple[Content, Authorizer]:
    """Change an authorizer. Raises ApiNotFound, BadApiRequest, ApiConflict."""
    given = cleared(members)
    if given.get("name", "-") is None:
        raise BadApiRequest("Name is required")
    return _put(content, replace(get(content, authorizer_id), **given))


def delete(content: Content, authorizer_id: str) -> tuple[Content, None]:
    """Remove an authorizer that no route uses. Raises ApiNotFound, ApiConflict."""
    authorizer = get(content, authorizer_id)
    for route in content.routes.values():
        if route.authorizer_id == authorizer_id:
            # Worded as in anomalyco/sst#5586.
            raise ApiConflict(
                f"Cannot delete authorizer '{authorizer.name}', is referenced in route: {route.route_key}"
            )
    rest = {key: value for key, value in content.authorizers.items() if key != authorizer_id}
    return replace(content, authorizers=rest), None


def _put(content: Content, authorizer: Authorizer) -> tuple[Content, Authorizer]:
    if any(
        other.name == authorizer.name and other.authorizer_id != authorizer.authorizer_id
        for other in content.authorizers.values()
    ):
        raise BadApiRequest(
            f"Authorizer name must be unique. Authorizer {authorizer.name} already exists in this RestApi."
        )
    if authorizer.authorizer_type == "JWT":
        authorizer = _checked_jwt(content, authorizer)
    else:
        _check_request(content, authorizer)
    authorizers = {**content.authorizers, authorizer.authorizer_id: authorizer}
    return replace(content, authorizers=authorizers), authorizer


def _checked_jwt(content: Content, authorizer: Authorizer) -> Authorizer:
    if content.api.protocol_type == "WEBSOCKET":
        raise BadApiRequest("JWT authorizers are not supported for WEBSOCKET protocol")
    sources = authorizer.identity_source or ()
    if len(sources) != 1:
        raise BadApiRequest("JWT authorizers need exactly one identity source")
    jwt = authorizer.jwt_configuration
    if jwt is None or not jwt.issuer:
        raise BadApiRequest("JwtConfiguration with an Issuer is required for JWT authorizers")
    if not jwt.issuer.startswith(("https://", "http://")):
        raise BadApiRequest(f"Invalid issuer: {jwt.issuer}. Issuer must be a URL")
    if not jwt.audience:
        raise BadApiRequest("At least one audience is required for JWT authorizers")
    return authorizer


def _check_request(content: Content, authorizer: Authorizer) -> None:
    if authorizer.authorizer_uri is None:
        raise BadApiRequest("AuthorizerUri is a required parameter for REQUEST authorizer")
    if content.api.protocol_type == "WEBSOCKET":
        if authorizer.authorizer_payload_format_version is not None:
            raise BadApiRequest("AuthorizerPayloadFormatVersion is not supported for WEBSOCKET protocol")
        return
    version = authorizer.authorizer_payload_format_version
    if version is None:
        # getmoto/moto#5474, tried against AWS there.
        raise BadApiRequest("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer")
    if version not in ("1.0", "2.0"):
        raise BadApiRequest(f"Invalid authorizer payload format version specified: {version}")
    if authorizer.enable_simple_responses and version == "1.0":
        raise BadApiRequest("EnableSimpleResponses is supported for AuthorizerPayloadFormatVersion 2.0 only")
    if authorizer.authorizer_result_ttl_in_seconds and not authorizer.identity_source:
        raise BadApiRequest("Identity sources are required when authorizer caching is enabled")
