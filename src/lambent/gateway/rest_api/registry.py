"""The registry of REST APIs, API keys and usage plans: reads from memory, changes through the database."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from lambent.gateway.apis import rows
from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.ledger import Ledger
from lambent.gateway.rest_api import apis, keys, stages
from lambent.gateway.rest_api.definition import (
    ACCOUNTS,
    API_KEYS,
    CERTIFICATES,
    REST_APIS,
    USAGE_PLANS,
    VPC_LINKS,
    Definition,
    Kept,
    PlanDefinition,
)
from lambent.gateway.rest_api.deployed import Deployed
from lambent.gateway.rest_api.openapi_import import imported

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.apis import ApiRegistry
    from lambent.gateway.rest_api.records import ApiKey, RestApi, UsagePlan
    from lambent.store import Database

R = TypeVar("R")


class RestApiRegistry:
    """All REST APIs of the platform. Open it with `open`. Used from one event loop.

    `domains` has the custom domain names, which REST APIs share with HTTP APIs. `generation` grows with each change of
    a key or a plan; what is compiled from `deployed(…)` may be kept for as long as that gives the same object.
    `on_authorizers_reset`, if set, is called with the id of an API and the name of a stage.
    """

    def __init__(self, database: Database, domains: ApiRegistry) -> None:
        self.generation = 0
        self.domains = domains
        self.on_authorizers_reset: Callable[[str, str], None] | None = None
        self.apis: Ledger[Definition] = Ledger(database, REST_APIS, changed=self._api_changed)
        self.keys: Ledger[Kept] = Ledger(database, API_KEYS, changed=self._changed)
        self.plans: Ledger[PlanDefinition] = Ledger(database, USAGE_PLANS, changed=self._changed)
        self.accounts: Ledger[Kept] = Ledger(database, ACCOUNTS, changed=self._changed)
        self.vpc_links: Ledger[Kept] = Ledger(database, VPC_LINKS, changed=self._changed)
        self.certificates: Ledger[Kept] = Ledger(database, CERTIFICATES, changed=self._changed)
        self._database = database
        self._deployed: dict[str, dict[str, Deployed]] = {}
        domains.elsewhere = self.apis.all.get

    @classmethod
    async def open(cls, database: Database, domains: ApiRegistry) -> RestApiRegistry:
        """Load everything. Raises StoreError."""
        registry = cls(database, domains)
        for ledger in registry._ledgers:
            await ledger.load()
        return registry

    @property
    def _ledgers(self) -> tuple[Ledger[Any], ...]:
        return (self.apis, self.keys, self.plans, self.accounts, self.vpc_links, self.certificates)

    # What serves requests reads

    def api(self, api_id: str) -> RestApi | None:
        """The API with this id, of any account and region, as it is being edited."""
        definition = self.apis.all.get(api_id)
        return None if definition is None else definition.api

    def deployed(self, api_id: str, stage_name: str) -> Deployed | None:
        """What a stage serves; None without such a stage."""
        found = self._deployed.get(api_id)
        return None if found is None else found.get(stage_name)

    def has_stage(self, api_id: str, stage_name: str) -> bool:
        """Whether there is such a stage."""
        definition = self.apis.all.get(api_id)
        return definition is not None and stage_name in definition.stages

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
        return sorted(found, key=lambda one: one.api.id)

    # Changing

    async def create_api(
        self, account: str, region: str, members: dict[str, Any], *, api_id: str | None = None
    ) -> Definition:
        """Add an API; `members` are those of CreateRestApi in snake case. Raises ApiError, StoreError."""
        source = members.pop("clone_from", None)
        base = self.definition(account, region, source) if source else None
        while True:
            new = apis.create(account, region, members, api_id=api_id)
            if base is not None:
                new = _cloned(base, new)
            if await self._insert(new):
                return new

    async def import_api(
        self, account: str, region: str, text: str, *, fail_on_warnings: bool, parameters: dict[str, str]
    ) -> Definition:
        """Add an API that a document describes. Raises ApiError, StoreError."""
        while True:
            new = await asyncio.to_thread(
                imported,
                apis.create(account, region, {"name": "imported"}),
                text,
                mode="overwrite",
                fail_on_warnings=fail_on_warnings,
                parameters=parameters,
            )
            if await self._insert(new):
                return new

    async def put_api(
        self,
        account: str,
        region: str,
        api_id: str,
        text: str,
        *,
        mode: str,
        fail_on_warnings: bool,
        parameters: dict[str, str],
    ) -> RestApi:
        """Lay a document over an API (`merge`), or put it in place of what it has (`overwrite`). Raises ApiError,
        StoreError.
        """
        # Documents of hundreds of methods take longer to read than other requests can wait.
        while True:
            base = self.definition(account, region, api_id)
            new = await asyncio.to_thread(
                imported, base, text, mode=mode, fail_on_warnings=fail_on_warnings, parameters=parameters
            )
            made = await self.change(account, region, api_id, functools.partial(_put, base, new))
            if made is not None:
                return made

    async def _insert(self, new: Definition) -> bool:
        if self.domains.api(new.api.id) is not None:
            return False  # hosts of both kinds are told apart by nothing else
        return await self.apis.insert(new.api.id, new.api.account, new.api.region, new)

    async def change(
        self,
        account: str,
        region: str,
        api_id: str,
        change: Callable[[Definition], tuple[Definition, R]],
    ) -> R:
        """Change an API with a function of its definition, which returns the new one and a result. Returns the result.
        Raises ApiError, StoreError.
        """
        return await self.apis.change(api_id, lambda: self.definition(account, region, api_id), change)

    async def delete_api(self, account: str, region: str, api_id: str) -> None:
        """Delete an API with everything that belongs to it. Raises ApiError, StoreError."""
        await self.apis.remove(
            api_id,
            lambda: self.definition(account, region, api_id),
            lambda definition: self._check_unused(definition),
        )

    async def delete_stage(self, account: str, region: str, api_id: str, stage_name: str) -> None:
        """Delete a stage to which no domain name leads. Raises ApiError, StoreError."""

        def without(definition: Definition) -> tuple[Definition, None]:
            stages.get(definition, stage_name)
            self._check_unused(definition, stage_name)
            return stages.delete(definition, stage_name)

        await self.change(account, region, api_id, without)

    def _check_unused(self, definition: Definition, stage_name: str | None = None) -> None:
        """Worded as API Gateway does: aws/aws-cdk#10878 and, of plans, serverless/serverless#5127."""
        api_id = definition.api.id
        for domain in self.domains.domains.all.values():
            for mapping in domain.mappings.values():
                if mapping.api_id == api_id and stage_name in (None, mapping.stage):
                    what = "API" if stage_name is None else "stage"
                    raise BadApiRequest(
                        f"Deleting {what} failed. Please remove all base path mappings related to the {what} in your "
                        "domains"
                    )
        for plan in self.plans.all.values():
            for one in plan.plan.api_stages:
                if one.api_id == api_id and stage_name in (None, one.stage):
                    what = f"API {api_id}" if stage_name is None else f"stage '{stage_name}' of API {api_id}"
                    raise BadApiRequest(f"Cannot delete {what}: it belongs to the usage plan {plan.plan.id}")

    def authorizers_reset(self, api_id: str, stage_name: str) -> None:
        """Let who keeps the decisions of a stage's authorizers forget them."""
        if self.on_authorizers_reset is not None:
            self.on_authorizers_reset(api_id, stage_name)

    # Keys and plans

    def key(self, account: str, region: str, key_id: str) -> Kept:
        """An API key. Raises ApiNotFound."""
        return self._kept(self.keys, account, region, key_id, "Invalid API Key identifier specified")

    def plan(self, account: str, region: str, plan_id: str) -> PlanDefinition:
        """A usage plan. Raises ApiNotFound."""
        definition = self.plans.all.get(plan_id)
        if definition is None or (definition.plan.account, definition.plan.region) != (account, region):
            raise ApiNotFound("Invalid Usage Plan ID specified")
        return definition

    def all_keys(self, account: str, region: str) -> list[ApiKey]:
        """All keys of an account in a region, by id."""
        found = (one.record for one in self.keys.all.values())
        return sorted(
            (one for one in found if (one.account, one.region) == (account, region)), key=lambda one: one.id
        )

    def all_plans(self, account: str, region: str) -> list[UsagePlan]:
        """All plans of an account in a region, by id."""
        found = (one.plan for one in self.plans.all.values())
        return sorted(
            (one for one in found if (one.account, one.region) == (account, region)), key=lambda one: one.id
        )

    async def create_key(self, account: str, region: str, members: dict[str, Any]) -> ApiKey:
        """Add an API key. Raises ApiError, StoreError."""
        while True:
            new = keys.create_key(account, region, members)
            record: ApiKey = new.record
            if any(one.value == record.value for one in self.all_keys(account, region)):
                raise ApiConflict("API Key already exists")
            if await self.keys.insert(record.id, account, region, new):
                return record

    async def create_plan(self, account: str, region: str, members: dict[str, Any]) -> UsagePlan:
        """Add a usage plan. Raises ApiError, StoreError."""
        while True:
            new = keys.create_plan(account, region, members, self.has_stage)
            if await self.plans.insert(new.plan.id, account, region, new):
                return new.plan

    async def delete_key(self, account: str, region: str, key_id: str) -> None:
        """Delete an API key, out of its plans too. Raises ApiError, StoreError."""
        self.key(account, region, key_id)
        for plan in list(self.plans.all.values()):
            if key_id in plan.keys:
                await self._without_key(account, region, plan.plan.id, key_id)
        await self.keys.remove(key_id, lambda: self.key(account, region, key_id), lambda one: None)

    async def _without_key(self, account: str, region: str, plan_id: str, key_id: str) -> None:
        await self.plans.change(
            plan_id, lambda: self.plan(account, region, plan_id), lambda one: keys.remove_key(one, key_id)
        )

    async def delete_plan(self, account: str, region: str, plan_id: str) -> None:
        """Delete a usage plan that no stage belongs to. Raises ApiError, StoreError."""

        def check(definition: PlanDefinition) -> None:
            if definition.plan.api_stages:
                # localstack/localstack, moto: as API Gateway refuses it.
                raise BadApiRequest(
                    f"Cannot delete Usage Plan {plan_id} because it is associated with existing API stages"
                )

        await self.plans.remove(plan_id, lambda: self.plan(account, region, plan_id), check)

    @staticmethod
    def _kept(ledger: Ledger[Kept], account: str, region: str, root_id: str, refusal: str) -> Kept:
        kept = ledger.all.get(root_id)
        if kept is None or (kept.record.account, kept.record.region) != (account, region):
            raise ApiNotFound(refusal)
        return kept

    def vpc_link(self, account: str, region: str, link_id: str) -> Kept:
        """A VPC link. Raises ApiNotFound."""
        return self._kept(self.vpc_links, account, region, link_id, "Invalid VPC Link identifier specified")

    def certificate(self, account: str, region: str, certificate_id: str) -> Kept:
        """A client certificate. Raises ApiNotFound."""
        refusal = "Invalid Client Certificate identifier specified"
        return self._kept(self.certificates, account, region, certificate_id, refusal)

    # Reset

    async def clear(self) -> None:
        """Forget everything, HTTP APIs' rows too: to be called with theirs."""
        await self._database.write(*rows.clearing())
        for ledger in self._ledgers:
            ledger.forget()

    # Keeping

    def _api_changed(self, api_id: str, definition: Definition | None) -> None:
        self.generation += 1
        before = self._deployed.pop(api_id, {})
        if definition is None:
            return
        after = {}
        for name, stage in definition.stages.items():
            snapshot = definition.snapshots[stage.deployment_id]
            known = before.get(name)
            # Keys, policies and endpoints of the API itself serve at once on AWS too, but for the policy.
            same = known is not None and known.stage is stage and known.snapshot is snapshot
            after[name] = (
                known
                if same and known is not None
                else Deployed(api=snapshot.api, stage=stage, snapshot=snapshot)
            )
        self._deployed[api_id] = after

    def _changed(self, root_id: str, definition: Any) -> None:
        self.generation += 1


def _put(base: Definition, new: Definition, draft: Definition) -> tuple[Definition, RestApi | None]:
    """What was made of `base`; None if that is not what there is any more."""
    if draft.version != base.version + 1:
        return draft, None
    return replace(new, version=draft.version), new.api


def _cloned(base: Definition, new: Definition) -> Definition:
    """A new API with what another one has."""
    root = base.api.root_resource_id
    api = replace(
        new.api,
        root_resource_id=root,
        binary_media_types=new.api.binary_media_types or base.api.binary_media_types,
        policy=new.api.policy or base.api.policy,
    )
    return replace(
        new,
        api=api,
        resources=base.resources,
        authorizers=base.authorizers,
        models=base.models,
        validators=base.validators,
        gateway_responses=base.gateway_responses,
    )
