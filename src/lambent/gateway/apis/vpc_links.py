"""VPC links: there are no private networks here, so they are kept and answered, and lead nowhere of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.gateway.apis import tags
from lambent.gateway.apis.clock import now
from lambent.gateway.apis.errors import BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.layout import VpcLinkDefinition
from lambent.gateway.apis.records import VpcLink

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.gateway.apis.definition import Definition


def create(account: str, region: str, members: dict[str, Any]) -> VpcLinkDefinition:
    """A new link, available at once. Raises BadApiRequest."""
    given = {key: value for key, value in members.items() if value is not None}
    if not given["subnet_ids"]:
        raise BadApiRequest("SubnetIds for a vpc link cannot be empty")
    given.setdefault("security_group_ids", ())
    tags.check(given.get("tags", {}))
    link = VpcLink(vpc_link_id=new_id(6), account=account, region=region, created_date=now(), **given)
    return VpcLinkDefinition(_named(link, link.name))


def update(definition: VpcLinkDefinition, members: dict[str, Any]) -> tuple[VpcLinkDefinition, VpcLink]:
    """Rename a link. Raises BadApiRequest."""
    link = _named(definition.link, members.get("name", definition.link.name))
    return replace(definition, link=link), link


def retagged(definition: VpcLinkDefinition, new: dict[str, str]) -> tuple[VpcLinkDefinition, None]:
    """The link with these tags in place of its own. Raises BadApiRequest."""
    return replace(definition, link=replace(definition.link, tags=tags.check(new))), None


def check_unused(link: VpcLink, apis: Iterable[Definition]) -> None:
    """Raise BadApiRequest if an integration leads through the link, in words of
    hashicorp/terraform-provider-aws#12195.
    """
    for api in apis:
        for integration in api.content.integrations.values():
            if integration.connection_id == link.vpc_link_id:
                users = [
                    f"{integration.integration_method or 'ANY'}:{route.route_id}"
                    for route in api.content.routes.values()
                    if route.integration_id == integration.integration_id
                ]
                raise BadApiRequest(
                    f"Cannot delete vpc link. Vpc link '{link.vpc_link_id}', is referenced in "
                    f"[{', '.join(users)}] in format of [Method:Resource]."
                )


def _named(link: VpcLink, name: str) -> VpcLink:
    if not 1 <= len(name) <= 128:
        raise BadApiRequest("Name must be between 1 and 128 characters in length")
    return replace(link, name=name)
