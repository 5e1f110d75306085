"""A REST API as it is being edited, and how it is kept: rows of the gateway's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.gateway.apis.layout import Layout
from lambent.gateway.rest_api.records import (
    Account,
    ApiKey,
    Authorizer,
    ClientCertificate,
    Deployment,
    DocumentationPart,
    DocumentationVersion,
    GatewayResponse,
    Model,
    RequestValidator,
    Resource,
    RestApi,
    Snapshot,
    Stage,
    UsagePlan,
    UsagePlanKey,
    VpcLink,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class Definition(msgspec.Struct, frozen=True):
    """An API with all that belongs to it, each kind by id; models and stages by name, gateway responses by type.

    `version` grows with every change. `snapshots` hold what each deployment has frozen. Changes replace the dicts.
    """

    api: RestApi
    version: int = 1
    resources: dict[str, Resource] = {}
    authorizers: dict[str, Authorizer] = {}
    models: dict[str, Model] = {}
    validators: dict[str, RequestValidator] = {}
    gateway_responses: dict[str, GatewayResponse] = {}
    parts: dict[str, DocumentationPart] = {}
    documentation: dict[str, DocumentationVersion] = {}
    deploys: dict[str, Deployment] = {}
    snapshots: dict[str, Snapshot] = {}
    stages: dict[str, Stage] = {}

    def snapshot(self) -> Snapshot:
        """What a deployment of this moment freezes."""
        return Snapshot(
            api=self.api,
            resources=self.resources,
            authorizers=self.authorizers,
            models=self.models,
            validators=self.validators,
            gateway_responses=self.gateway_responses,
        )


class PlanDefinition(msgspec.Struct, frozen=True):
    """A usage plan with its keys by id."""

    plan: UsagePlan
    version: int = 1
    keys: dict[str, UsagePlanKey] = {}


class Kept(msgspec.Struct, frozen=True):
    """Something of one record: a key, an account's settings, a VPC link, a certificate."""

    record: Any
    version: int = 1


_KINDS: dict[str, type[Any]] = {
    "resources": Resource,
    "authorizers": Authorizer,
    "models": Model,
    "validators": RequestValidator,
    "gateway_responses": GatewayResponse,
    "parts": DocumentationPart,
    "documentation": DocumentationVersion,
    "deploys": Deployment,
    "snapshots": Snapshot,
    "stages": Stage,
}


def _documents(definition: Definition) -> Mapping[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {"rest_api": {definition.api.id: definition.api}}
    for kind in _KINDS:
        found[kind] = getattr(definition, kind)
    return found


def _build(version: int, documents: dict[str, dict[str, Any]]) -> Definition:
    (api,) = documents["rest_api"].values()
    return Definition(api, version, **{kind: documents[kind] for kind in _KINDS if kind in documents})


REST_APIS: Layout[Definition] = Layout(
    kind="rest_api",
    kinds={"rest_api": RestApi, **_KINDS},
    history=frozenset(),
    documents=_documents,
    build=_build,
    version=lambda one: one.version,
    frozen=lambda one: -1,
)


def _plan_build(version: int, documents: dict[str, dict[str, Any]]) -> PlanDefinition:
    (plan,) = documents["usage_plan"].values()
    return PlanDefinition(plan, version, documents.get("keys", {}))


USAGE_PLANS: Layout[PlanDefinition] = Layout(
    kind="usage_plan",
    kinds={"usage_plan": UsagePlan, "keys": UsagePlanKey},
    history=frozenset(),
    documents=lambda one: {"usage_plan": {one.plan.id: one.plan}, "keys": one.keys},
    build=_plan_build,
    version=lambda one: one.version,
    frozen=lambda one: -1,
)


def _single(kind: str, record: type[Any]) -> Layout[Kept]:
    def build(version: int, documents: dict[str, dict[str, Any]]) -> Kept:
        (one,) = documents[kind].values()
        return Kept(one, version)

    return Layout(
        kind=kind,
        kinds={kind: record},
        history=frozenset(),
        documents=lambda one: {kind: {"": one.record}},
        build=build,
        version=lambda one: one.version,
        frozen=lambda one: -1,
    )


API_KEYS = _single("api_key", ApiKey)
ACCOUNTS = _single("rest_account", Account)
VPC_LINKS = _single("rest_vpc_link", VpcLink)
CERTIFICATES = _single("client_certificate", ClientCertificate)
