"""The registry of APIs, custom domain names and VPC links: reads from memory, changes through the database.

A change and the deployments that it makes are one transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from lambent.gateway.apis import apis, domain_names, rows, stages, vpc_links
from lambent.gateway.apis.deployed import Deployed, deployed
from lambent.gateway.apis.deployments import auto_deployed
from lambent.gateway.apis.errors import ApiNotFound, BadApiRequest
from lambent.gateway.apis.layout import APIS, DOMAINS, VPC_LINKS, DomainDefinition, VpcLinkDefinition
from lambent.gateway.apis.ledger import Ledger
from lambent.gateway.apis.openapi_import import imported

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lambent.gateway.apis.definition import Content, Definition
    from lambent.gateway.apis.records import Api, ApiMapping, DomainName, VpcLink
    from lambent.store import Database

R = TypeVar("R")


class ApiRegistry:
    """All APIs of the platform. Open it with `open`. Used from one event loop.

    `generation` grows with each change of anything; what is compiled from `deployed(…)` may be kept for as long as
    that gives the same object. `on_change`, if set, is called with the id of an API that has changed or gone,
    `on_authorizers_reset` with the id of an API and the name of a stage whose authorizers must decide anew.
    """

    def __init__(self, database: Database) -> None:
        self.generation = 0
        self.on_change: Callable[[str], None] | None = None
        self.on_authorizers_reset: Callable[[str, str], None] | None = None
        self.elsewhere: Callable[[str], Any] | None = None
        """Finds APIs of another kind, which domain names may lead to: with `api` and `stages` as definitions have."""
        self.apis: Ledger[Definition] = Ledger(
            database, APIS, complete=self._with_served, changed=self._api_changed
        )
        self.domains: Ledger[DomainDefinition] = Ledger(database, DOMAINS, changed=self._domain_changed)
        self.vpc_links: Ledger[VpcLinkDefinition] = Ledger(database, VPC_LINKS, changed=self._link_changed)
        self._database = database
        self._deployed: dict[str, dict[str, Deployed]] = {}
        self._mappings: dict[str, tuple[ApiMapping, ...]] = {}
        self._changed_at: dict[str, int] = {}

    @classmethod
    async def open(cls, database: Database) -> ApiRegistry:
        """Load everything. Raises StoreError."""
        registry = cls(database)
        registry._changed_at = await rows.changed_at(database)
        await registry.apis.load()
        await registry.domains.load()
        await registry.vpc_links.load()
        registry._changed_at = {}
        return registry

    # What serves requests reads

    def api(self, api_id: str) -> Api | None:
        """The API with this id, of any account and region, as it is being edited."""
        definition = self.apis.all.get(api_id)
        return None if definition is None else definition.content.api

    def deployed(self, api_id: str, stage_name: str) -> Deployed | None:
        """What a stage serves; None without such a stage, or before anything was deployed to it."""
        stages = self._deployed.get(api_id)
        return None if stages is None else stages.get(stage_name)

    def domain(self, name: str) -> DomainName | None:
        """A custom domain name, written as it was registered: in lower case."""
        definition = self.domains.all.get(name)
        return None if definition is None else definition.domain

    def mappings(self, name: str) -> tuple[ApiMapping, ...]:
        """The API mappings of a custom domain name, longest key first."""
        return self._mappings.get(name, ())

    # What the control plane reads

    def definition(self, account: str, region: str, api_id: str) -> Definition:
        """An API with all that belongs to it. Raises ApiNotFound."""
        definition = self.apis.all.get(api_id)
        if definition is None or (definition.api.account, definition.api.region) != (account, region):
            raise ApiNotFound(f"Invalid API identifier specified {account}:{api_id}")
        return definition

    def definitions(self, account: str, region: str) -> list[Definition]:
        """All APIs of an account in a region, by id."""
        found = (
            one for one in self.apis.all.values() if (one.api.account, one.api.region) == (account, region)
        )
        return sorted(found, key=lambda one: one.api.api_id)

    # Changing

    async def create_api(
        self, account: str, region: str, members: dict[str, Any], *, api_id: str | None = None
    ) -> Definition:
        """Add an API; `members` are those of CreateApi in snake case. Raises ApiError, StoreError."""
        while True:
            new = apis.create(account, region, members, api_id=api_id)
            if await self.apis.insert(new.api.api_id, account, region, new):
                return new

    async def change(
        self,
        account: str,
        region: str,
        api_id: str,
        change: Callable[[Definition], tuple[Definition, R]],
        *,
        deploys: bool = True,
    ) -> R:
        """Change an API with a function of its definition, which returns the new one and a result: its stages and
        deployments too. Returns the result. Unless `deploys` is false, stages that deploy by themselves serve what has
        changed. Raises ApiError, StoreError.
        """

        def deploying(draft: Definition) -> tuple[Definition, R]:
            new, result = change(draft)
            if deploys and new.content is not draft.content:
                new = auto_deployed(new)
            return new, result

        return await self.apis.change(api_id, lambda: self.definition(account, region, api_id), deploying)

    async def edit(
        self, account: str, region: str, api_id: str, change: Callable[[Content], tuple[Content, R]]
    ) -> R:
        """Change what an API's deployments freeze, as `change` does. Raises ApiError, StoreError."""

        def edited(draft: Definition) -> tuple[Definition, R]:
            content, result = change(draft.content)
            return (draft if content is draft.content else replace(draft, content=content)), result

        return await self.change(account, region, api_id, edited)

    async def import_api(
        self, account: str, region: str, text: str, *, base_path: str, fail_on_warnings: bool
    ) -> Definition:
        """Add an HTTP API that an OpenAPI document describes. Raises ApiError, StoreError."""
        while True:
            new = apis.create(account, region, {"name": "imported", "protocol_type": "HTTP"})
            found = imported(new.api, text, base_path=base_path, fail_on_warnings=fail_on_warnings)
            new = replace(new, content=found.content)
            if await self.apis.insert(new.api.api_id, account, region, new):
                return new

    async def reimport_api(
        self, account: str, region: str, api_id: str, text: str, *, base_path: str, fail_on_warnings: bool
    ) -> Api:
        """Put what an OpenAPI document describes in place of what an HTTP API has. Raises ApiError, StoreError."""

        def replaced(content: Content) -> tuple[Content, Api]:
            if content.api.protocol_type != "HTTP":
                raise BadApiRequest("Only HTTP APIs can be imported")
            found = imported(content.api, text, base_path=base_path, fail_on_warnings=fail_on_warnings)
            return found.content, found.content.api

        return await self.edit(account, region, api_id, replaced)

    async def delete_api(self, account: str, region: str, api_id: str) -> None:
        """Delete an API with everything that belongs to it. Raises ApiError, StoreError."""
        await self.apis.remove(
            api_id,
            lambda: self.definition(account, region, api_id),
            lambda definition: self._check_unmapped(api_id),
        )

    async def delete_stage(self, account: str, region: str, api_id: str, stage_name: str) -> None:
        """Delete a stage to which no domain name leads. Raises ApiError, StoreError."""

        def without(definition: Definition) -> tuple[Definition, None]:
            stages.get(definition, stage_name)
            self._check_unmapped(api_id, stage_name)
            return stages.delete(definition, stage_name)

        await self.change(account, region, api_id, without)

    def authorizers_reset(self, api_id: str, stage_name: str) -> None:
        """Let who caches the decisions of a stage's authorizers forget them."""
        if self.on_authorizers_reset is not None:
            self.on_authorizers_reset(api_id, stage_name)

    def _check_unmapped(self, api_id: str, stage_name: str | None = None) -> None:
        for mappings in self._mappings.values():
            for mapping in mappings:
                if mapping.api_id == api_id and stage_name in (None, mapping.stage):
                    what = "API" if stage_name is None else "stage"
                    raise BadApiRequest(
                        f"Deleting {what} failed. Please remove all base path mappings related to the {what} "
                        "in your domains"
                    )

    # Custom domain names

    def domain_definition(self, account: str, region: str, name: str) -> DomainDefinition:
        """A domain name with its mappings. Raises ApiNotFound."""
        definition = self.domains.all.get(name.lower())
        if definition is None or (definition.domain.account, definition.domain.region) != (account, region):
            raise ApiNotFound("Invalid domain name identifier specified")
        return definition

    def domain_definitions(self, account: str, region: str) -> list[DomainDefinition]:
        """All domain names of an account in a region, by name."""
        here = (account, region)
        found = (one for one in self.domains.all.values() if (one.domain.account, one.domain.region) == here)
        return sorted(found, key=lambda one: one.domain.domain_name)

    async def create_domain(self, account: str, region: str, members: dict[str, Any]) -> DomainName:
        """Add a domain name; `members` are those of CreateDomainName in snake case. Raises ApiError, StoreError."""
        new = domain_names.create(account, region, members)
        if not await self.domains.insert(new.domain.domain_name, account, region, new):
            # aws/serverless-application-model#2208
            raise BadApiRequest("The domain name you provided already exists.")
        return new.domain

    async def change_domain(
        self,
        account: str,
        region: str,
        name: str,
        change: Callable[[DomainDefinition], tuple[DomainDefinition, R]],
    ) -> R:
        """Change a domain name and its mappings, as `change` does. Raises ApiError, StoreError."""
        return await self.domains.change(
            name.lower(), lambda: self.domain_definition(account, region, name), change
        )

    async def delete_domain(self, account: str, region: str, name: str) -> None:
        """Delete a domain name with its mappings. Raises ApiError, StoreError."""
        await self.domains.remove(
            name.lower(), lambda: self.domain_definition(account, region, name), lambda definition: None
        )

    # VPC links

    def vpc_link(self, account: str, region: str, link_id: str) -> VpcLinkDefinition:
        """A VPC link. Raises ApiNotFound."""
        definition = self.vpc_links.all.get(link_id)
        if definition is None or (definition.link.account, definition.link.region) != (account, region):
            raise ApiNotFound(f"Invalid VpcLink identifier specified {link_id}")
        return definition

    def vpc_link_records(self, account: str, region: str) -> list[VpcLink]:
        """All VPC links of an account in a region, by id."""
        found = (one.link for one in self.vpc_links.all.values())
        return sorted(
            (link for link in found if (link.account, link.region) == (account, region)),
            key=lambda link: link.vpc_link_id,
        )

    async def create_vpc_link(self, account: str, region: str, members: dict[str, Any]) -> VpcLink:
        """Add a VPC link. Raises ApiError, StoreError."""
        while True:
            new = vpc_links.create(account, region, members)
            if await self.vpc_links.insert(new.link.vpc_link_id, account, region, new):
                return new.link

    async def change_vpc_link(
        self,
        account: str,
        region: str,
        link_id: str,
        change: Callable[[VpcLinkDefinition], tuple[VpcLinkDefinition, R]],
    ) -> R:
        """Change a VPC link, as `change` does. Raises ApiError, StoreError."""
        return await self.vpc_links.change(link_id, lambda: self.vpc_link(account, region, link_id), change)

    async def delete_vpc_link(self, account: str, region: str, link_id: str) -> None:
        """Delete a VPC link that no integration uses. Raises ApiError, StoreError."""
        await self.vpc_links.remove(
            link_id,
            lambda: self.vpc_link(account, region, link_id),
            lambda definition: vpc_links.check_unused(definition.link, self.definitions(account, region)),
        )

    # Reset

    async def clear(self) -> None:
        """Forget everything."""
        await self._database.write(*rows.clearing())
        self.apis.forget()
        self.domains.forget()
        self.vpc_links.forget()

    # Keeping

    async def _with_served(self, old: Definition | None, new: Definition) -> Definition:
        """`new` with the contents that its stages serve."""
        kept = new.served if old is None else {**old.served, **new.served}
        served: dict[str, Content] = {}
        for stage in new.stages.values():
            if stage.deployment_id is None or stage.deployment_id in served:
                continue
            content = kept.get(stage.deployment_id)
            if content is None:
                content = await self._content(new, new.deployments[stage.deployment_id].version)
            served[stage.deployment_id] = content
        return replace(new, served=served)

    async def _content(self, definition: Definition, version: int) -> Content:
        """What `definition` was at `version`."""
        if version == definition.version:
            return definition.content
        api_id = definition.api.api_id
        if version >= self._changed_at.get(api_id, version + 1):
            return definition.content  # nothing that a deployment freezes has changed since
        return await rows.content_at(self._database, api_id, version)

    def _api_changed(self, api_id: str, definition: Definition | None) -> None:
        self.generation += 1
        before = self._deployed.pop(api_id, {})
        if definition is not None:
            after = {}
            for name, stage in definition.stages.items():
                content = None if stage.deployment_id is None else definition.served[stage.deployment_id]
                if content is None:
                    continue
                known = before.get(name)
                same = known is not None and known.stage is stage and known.source is content
                after[name] = known if known is not None and same else deployed(content, stage)
            self._deployed[api_id] = after
        if self.on_change is not None:
            self.on_change(api_id)

    def _domain_changed(self, name: str, definition: DomainDefinition | None) -> None:
        self.generation += 1
        self._mappings.pop(name, None)
        if definition is not None:
            longest_first = sorted(definition.mappings.values(), key=lambda one: -len(one.api_mapping_key))
            self._mappings[name] = tuple(longest_first)

    def _link_changed(self, name: str, definition: VpcLinkDefinition | None) -> None:
        self.generation += 1
