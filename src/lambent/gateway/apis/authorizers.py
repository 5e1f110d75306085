"""Authorizers of an API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiConflict, ApiNotFound
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.records import Authorizer

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content


def get(content: Content, authorizer_id: str) -> Authorizer:
    """One authorizer. Raises ApiNotFound."""
    authorizer = content.authorizers.get(authorizer_id)
    if authorizer is None:
        raise ApiNotFound(f"Invalid authorizer identifier specified {authorizer_id}")
    return authorizer


def create(content: Content, members: dict[str, Any]) -> tuple[Content, Authorizer]:
    """Add an authorizer. Raises BadApiRequest, ApiConflict."""
    authorizer = Authorizer(authorizer_id=new_id(6, content.authorizers), **members)
    return (
        replace(content, authorizers={**content.authorizers, authorizer.authorizer_id: authorizer}),
        authorizer,
    )


def update(content: Content, authorizer_id: str, members: dict[str, Any]) -> tuple[Content, Authorizer]:
    """Change an authorizer. Raises ApiNotFound, BadApiRequest, ApiConflict."""
    authorizer = replace(get(content, authorizer_id), **members)
    return replace(content, authorizers={**content.authorizers, authorizer_id: authorizer}), authorizer


def delete(content: Content, authorizer_id: str) -> tuple[Content, None]:
    """Remove an authorizer that no route uses. Raises ApiNotFound, ApiConflict."""
    get(content, authorizer_id)
    users = [route for route in content.routes.values() if route.authorizer_id == authorizer_id]
    if users:
        raise ApiConflict(
            f"Cannot delete Authorizer '{authorizer_id}'. Authorizer is referenced by Route(s) "
            f"[{', '.join(route.route_key for route in users)}]"
        )
    rest = {key: value for key, value in content.authorizers.items() if key != authorizer_id}
    return replace(content, authorizers=rest), None
