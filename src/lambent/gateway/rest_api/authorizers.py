"""Authorizers of an API.

Messages are API Gateway's own, recorded in localstack/localstack and, of what both kinds of APIs refuse, by
badmintoncryer/cdk-preflight.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.rest_api import patches
from lambent.gateway.rest_api.patches import Patches
from lambent.gateway.rest_api.records import Authorizer

if TYPE_CHECKING:
    from lambent.gateway.rest_api.definition import Definition
    from lambent.gateway.rest_api.patches import Operation

DEFAULT_TTL_S: Final = 300
"""For how long decisions are kept where the authorizer does not say."""

_TYPES: Final = ("TOKEN", "REQUEST", "COGNITO_USER_POOLS")
_MOST_TTL_S: Final = 3600
_TTL: Final = (
    f"Authorizer result TTL outside allowable range. TTL must be between 0 and {_MOST_TTL_S} seconds."
)
_SOURCE: Final = re.compile(r"(method\.request\.(header|querystring)|context|stageVariables)\.\S+")
_POOL: Final = re.compile(r"arn:[a-z-]+:cognito-idp:[a-z0-9-]+:\d{12}:userpool/[\w-]+")


def get(definition: Definition, authorizer_id: str) -> Authorizer:
    """One authorizer. Raises ApiNotFound."""
    found = definition.authorizers.get(authorizer_id)
    if found is None:
        raise ApiNotFound("Invalid Authorizer identifier specified")
    return found


def create(definition: Definition, members: dict[str, Any]) -> tuple[Definition, Authorizer]:
    """Add an authorizer. Raises BadApiRequest."""
    given = {key: value for key, value in members.items() if value not in (None, ())}
    if not given.get("name"):
        raise BadApiRequest("Authorizer name cannot be blank")
    given.setdefault("auth_type", "cognito_user_pools" if given.get("type") == _TYPES[2] else "custom")
    return _put(definition, Authorizer(id=new_id(6, definition.authorizers), **given))


def update(
    definition: Definition, authorizer_id: str, operations: list[Operation]
) -> tuple[Definition, Authorizer]:
    """Change an authorizer. Raises ApiNotFound, BadApiRequest."""
    return _put(definition, _PATCHES.apply(get(definition, authorizer_id), operations))


def delete(definition: Definition, authorizer_id: str) -> tuple[Definition, None]:
    """Remove an authorizer that no method uses. Raises ApiNotFound, ApiConflict."""
    authorizer = get(definition, authorizer_id)
    for resource in definition.resources.values():
        for method in resource.methods.values():
            if method.authorizer_id == authorizer_id:
                raise ApiConflict(
                    f"Cannot delete authorizer '{authorizer.name}', is referenced in method: "
                    f"{resource.path}/{method.http_method}"
                )
    rest = {key: value for key, value in definition.authorizers.items() if key != authorizer_id}
    return replace(definition, authorizers=rest), None


def _put(definition: Definition, authorizer: Authorizer) -> tuple[Definition, Authorizer]:
    for other in definition.authorizers.values():
        if other.name == authorizer.name and other.id != authorizer.id:
            raise BadApiRequest(
                f"Authorizer name must be unique. Authorizer {authorizer.name} already exists in this RestApi."
            )
    authorizer = checked(authorizer)
    return replace(definition, authorizers={**definition.authorizers, authorizer.id: authorizer}), authorizer


def checked(authorizer: Authorizer) -> Authorizer:
    """`authorizer`, unless it cannot be one. Raises BadApiRequest, ApiConflict."""
    ttl = authorizer.authorizer_result_ttl_in_seconds
    if ttl is not None and not 0 <= ttl <= _MOST_TTL_S:
        raise BadApiRequest(_TTL)
    if authorizer.type == "COGNITO_USER_POOLS":
        if not authorizer.provider_arns:
            raise BadApiRequest("Invalid Cognito User Pool ARN: at least one is required")
        for arn in authorizer.provider_arns:
            if not _POOL.fullmatch(arn):
                raise BadApiRequest(f"Invalid Cognito User Pool ARN: {arn}")
        if not authorizer.identity_source:
            return replace(authorizer, identity_source="method.request.header.Authorization")
    elif not (authorizer.authorizer_uri or "").startswith("arn:"):
        raise BadApiRequest(f"Invalid Authorizer URI: {authorizer.authorizer_uri}")
    if authorizer.type == "TOKEN" and not authorizer.identity_source:
        return replace(authorizer, identity_source="method.request.header.Authorization")
    if authorizer.type == "REQUEST" and not authorizer.identity_source and ttl != 0:
        raise BadApiRequest(
            "Identity source must be set if authorizer caching is enabled (TTL is greater than 0)"
        )
    for source in (authorizer.identity_source or "").split(","):
        if source and not _SOURCE.fullmatch(source.strip()):
            raise BadApiRequest("Invalid request identity source expression")
    if authorizer.identity_validation_expression:
        try:
            re.compile(authorizer.identity_validation_expression)
        except re.error:
            raise BadApiRequest("Invalid regular expression in identityValidationExpression") from None
    return authorizer


_PATCHES: Final = Patches(
    {
        "/name": patches.text("name", required="Authorizer name cannot be blank"),
        "/type": patches.choice("type", _TYPES, "Invalid authorizer type specified"),
        "/authType": patches.text("auth_type"),
        "/authorizerUri": patches.text("authorizer_uri"),
        "/authorizerCredentials": patches.text("authorizer_credentials", remove=True),
        "/identitySource": patches.text("identity_source"),
        "/identityValidationExpression": patches.text("identity_validation_expression", remove=True),
        "/authorizerResultTtlInSeconds": patches.number(
            "authorizer_result_ttl_in_seconds", 0, _MOST_TTL_S, _TTL
        ),
        "/providerARNs": patches.added("provider_arns"),
        "/providerARNs/*": patches.item("provider_arns"),
    }
)
