"""Which rows a definition is made of: documents by kind and id below one root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import msgspec

from lambent.gateway.apis.definition import Content, Definition
from lambent.gateway.apis.records import (
    Api,
    ApiMapping,
    Authorizer,
    Deployment,
    DomainName,
    Integration,
    IntegrationResponse,
    Model,
    Record,
    Route,
    RouteResponse,
    Stage,
    VpcLink,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

D = TypeVar("D")
Documents: TypeAlias = "Mapping[str, Mapping[str, Record]]"
"""Records by kind and id."""


class Layout(msgspec.Struct, Generic[D], frozen=True):
    """How definitions of one kind become rows and back.

    `history` names the kinds of which earlier states are kept for as long as a deployment refers to them.
    """

    kind: str
    kinds: dict[str, type[Record]]
    history: frozenset[str]
    documents: Callable[[D], Documents]
    build: Callable[[int, dict[str, dict[str, Any]]], D]
    version: Callable[[D], int]
    frozen: Callable[[D], int]
    """The newest version that a deployment refers to; -1 without any."""


class DomainDefinition(msgspec.Struct, frozen=True):
    """A custom domain name with its mappings by id."""

    domain: DomainName
    version: int = 1
    mappings: dict[str, ApiMapping] = {}


class VpcLinkDefinition(msgspec.Struct, frozen=True):
    """A VPC link."""

    link: VpcLink
    version: int = 1


CONTENT: dict[str, type[Record]] = {
    "api": Api,
    "routes": Route,
    "integrations": Integration,
    "authorizers": Authorizer,
    "route_responses": RouteResponse,
    "integration_responses": IntegrationResponse,
    "models": Model,
}


def content_of(documents: dict[str, dict[str, Any]]) -> Content:
    """Content from its documents by kind."""
    (api,) = documents["api"].values()
    return Content(api, **{kind: documents[kind] for kind in CONTENT if kind != "api" and kind in documents})


def _api_documents(definition: Definition) -> Documents:
    content = definition.content
    found: dict[str, Mapping[str, Record]] = {"api": {content.api.api_id: content.api}}
    for kind in CONTENT:
        if kind != "api":
            found[kind] = getattr(content, kind)
    found["stages"] = definition.stages
    found["deployments"] = definition.deployments
    return found


def _api_build(version: int, documents: dict[str, dict[str, Any]]) -> Definition:
    return Definition(
        content_of(documents),
        version,
        stages=documents.get("stages", {}),
        deployments=documents.get("deployments", {}),
    )


APIS: Layout[Definition] = Layout(
    kind="api",
    kinds={**CONTENT, "stages": Stage, "deployments": Deployment},
    history=frozenset(CONTENT),
    documents=_api_documents,
    build=_api_build,
    version=lambda definition: definition.version,
    frozen=lambda definition: max((one.version for one in definition.deployments.values()), default=-1),
)


def _domain_build(version: int, documents: dict[str, dict[str, Any]]) -> DomainDefinition:
    (domain,) = documents["domain"].values()
    return DomainDefinition(domain, version, documents.get("mappings", {}))


DOMAINS: Layout[DomainDefinition] = Layout(
    kind="domain",
    kinds={"domain": DomainName, "mappings": ApiMapping},
    history=frozenset(),
    documents=lambda one: {"domain": {one.domain.domain_name: one.domain}, "mappings": one.mappings},
    build=_domain_build,
    version=lambda one: one.version,
    frozen=lambda one: -1,
)


def _link_build(version: int, documents: dict[str, dict[str, Any]]) -> VpcLinkDefinition:
    (link,) = documents["link"].values()
    return VpcLinkDefinition(link, version)


VPC_LINKS: Layout[VpcLinkDefinition] = Layout(
    kind="vpc_link",
    kinds={"link": VpcLink},
    history=frozenset(),
    documents=lambda one: {"link": {one.link.vpc_link_id: one.link}},
    build=_link_build,
    version=lambda one: one.version,
    frozen=lambda one: -1,
)
