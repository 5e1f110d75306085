"""Authorizers of an API.

Refusals are worded as API Gateway does where that is known: recorded by badmintoncryer/cdk-preflight
(rules/apigatewayv2), unless another source is named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.merging import cleared
from lambent.gateway.apis.records import Authorizer

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content

_HTTP_SOURCE: Final = re.compile(
    r"\$(?:request\.(?:header|querystring)|context|stageVariables)\.\S+"
    r"|\$\{(?:request\.(?:header|querystring)|context|stageVariables)\.[^\s{}]+\}"
)
_WEBSOCKET_SOURCE: Final = re.compile(
    r"(?:route\.request\.(?:header|querystring)|context|stageVariables)\.\S+"
)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_MOST_TTL_S: Final = 3600


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
        _check_jwt(content, authorizer)
    else:
        _check_request(content, authorizer)
    authorizers = {**content.authorizers, authorizer.authorizer_id: authorizer}
    return replace(content, authorizers=authorizers), authorizer


def _check_jwt(content: Content, authorizer: Authorizer) -> None:
    if content.api.protocol_type == "WEBSOCKET":
        raise BadApiRequest("Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis.")
    jwt = authorizer.jwt_configuration
    if jwt is None:
        raise BadApiRequest("JwtConfiguration must not be null for JWT Authorizer")
    if not jwt.audience:
        raise BadApiRequest("Audience list must have at least 1 item for JWT Authorizer")
    if not _is_issuer(jwt.issuer or ""):
        raise BadApiRequest("Invalid issuer: Issuer is not a valid URL for JWT Authorizer")
    if len(authorizer.identity_source or ()) != 1:
        raise BadApiRequest("JWT Authorizer must have exactly 1 identity source")
    _check_sources(_HTTP_SOURCE, "Invalid identity source expression", authorizer)


def _is_issuer(issuer: str) -> bool:
    """As on AWS an issuer has https; without it only those of this machine, such as a test's."""
    try:
        url = urlsplit(issuer)
    except ValueError:
        return False
    here = url.hostname in _LOOPBACK or (url.hostname or "").endswith(".localhost")
    return bool(url.hostname) and (url.scheme == "https" or (url.scheme == "http" and here))


def _check_request(content: Content, authorizer: Authorizer) -> None:
    if authorizer.authorizer_uri is None:
        raise BadApiRequest("AuthorizerUri is a required field in an Authorizer")
    ttl = authorizer.authorizer_result_ttl_in_seconds
    if ttl is not None and not 0 <= ttl <= _MOST_TTL_S:
        raise BadApiRequest(
            f"Authorizer result TTL outside allowable range. TTL must be between 0 and {_MOST_TTL_S} seconds."
        )
    version = authorizer.authorizer_payload_format_version
    if content.api.protocol_type == "WEBSOCKET":
        if version is not None:
            raise BadApiRequest("AuthorizerPayloadFormatVersion is not supported for WEBSOCKET protocolType")
        _check_sources(_WEBSOCKET_SOURCE, "Invalid request identity source expression", authorizer)
        return
    if version is None:
        raise BadApiRequest("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer")
    if version not in ("1.0", "2.0"):
        raise BadApiRequest(f"Unsupported AuthorizerPayloadFormatVersion: {version}")
    if authorizer.enable_simple_responses and version != "2.0":
        raise BadApiRequest('EnableSimpleResponses can only be set for AuthorizerPayloadFormatVersion "2.0".')
    if ttl and not authorizer.identity_source:
        raise BadApiRequest(
            "Identity source must be set if authorizer caching is enabled (TTL is greater than 0)"
        )
    _check_sources(_HTTP_SOURCE, "Invalid identity source expression", authorizer)


def _check_sources(form: re.Pattern[str], refusal: str, authorizer: Authorizer) -> None:
    for source in authorizer.identity_source or ():
        if not form.fullmatch(source):
            raise BadApiRequest(f"{refusal}: {source}")
