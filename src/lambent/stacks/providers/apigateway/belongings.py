"""What belongs to a REST API and has an id of its own: resources, request validators, authorizers."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.apigateway.patching import NOT_THERE, SERVICE, every, items, members
from lambent.stacks.providers.base import ServiceProvider, told, unless
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 128


class BelongingProvider(ServiceProvider):
    """One type of what the service names by an id below its API.

    `noun` is what its operations are called by, `id_member` what requests call its id, `ref` the attribute of the same.
    """

    noun: ClassVar[str]
    listing: ClassVar[str]
    id_member: ClassVar[str]
    ref: ClassVar[str]

    @abstractmethod
    def given(self, work: Work) -> dict[str, Any]:
        """The members of a creation."""

    @abstractmethod
    def operations(self, work: Work) -> list[dict[str, str]]:
        """What an update changes."""

    @abstractmethod
    def shown(self, found: dict[str, Any]) -> Properties:
        """An answer as properties."""

    def is_own(self, work: Work, found: dict[str, Any]) -> bool:
        """Whether something is what this step has made before a restart."""
        return bool(found.get("name") == self.given(work).get("name"))

    async def create(self, work: Work) -> Made:
        made_id = work.physical_id
        if not made_id and work.again:
            for one in await every(work, self.listing, restApiId=work.properties["RestApiId"]):
                if self.is_own(work, one):
                    made_id = str(one["id"])
        if not made_id:
            answer = await work.call(
                SERVICE, f"Create{self.noun}", restApiId=work.properties["RestApiId"], **self.given(work)
            )
            made_id = str(answer["id"])
        return await self.made(work, made_id)

    async def update(self, work: Work) -> Made:
        # Looked at as it is: a restart may find the update done.
        live = await work.call(SERVICE, f"Get{self.noun}", **self._named(work))
        operations = [*self.operations(work), *self.listed(work, live)]
        if operations:
            await work.call(SERVICE, f"Update{self.noun}", **self._named(work), patchOperations=operations)
        return await self.made(work, work.physical_id)

    def listed(self, work: Work, live: dict[str, Any]) -> list[dict[str, str]]:
        """What an update changes of lists, which are changed by what is in them now."""
        return []

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, f"Delete{self.noun}", **self._named(work)), *NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, f"Get{self.noun}", **self._named(work)), *NOT_THERE)
        if found is None:
            return None
        own = {"RestApiId": work.properties["RestApiId"], self.ref: work.physical_id}
        return told({**own, **self.shown(found)})

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {self.ref: physical_id})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        work.properties = {**work.properties, "RestApiId": identifier["RestApiId"]}
        return identifier[self.ref]

    def _named(self, work: Work) -> dict[str, Any]:
        return {"restApiId": work.properties["RestApiId"], self.id_member: work.physical_id}


class ResourceProvider(BelongingProvider):
    """`AWS::ApiGateway::Resource`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGateway::Resource"
    noun = "Resource"
    listing = "GetResources"
    id_member = "resourceId"
    ref = "ResourceId"

    def given(self, work: Work) -> dict[str, Any]:
        return {"parentId": work.properties["ParentId"], "pathPart": work.properties["PathPart"]}

    def operations(self, work: Work) -> list[dict[str, str]]:
        return []  # every property replaces it

    def is_own(self, work: Work, found: dict[str, Any]) -> bool:
        given = self.given(work)
        return bool(found.get("parentId") == given["parentId"] and found.get("pathPart") == given["pathPart"])

    def shown(self, found: dict[str, Any]) -> Properties:
        return {"ParentId": found.get("parentId"), "PathPart": found.get("pathPart")}


class RequestValidatorProvider(BelongingProvider):
    """`AWS::ApiGateway::RequestValidator`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGateway::RequestValidator"
    noun = "RequestValidator"
    listing = "GetRequestValidators"
    id_member = "requestValidatorId"
    ref = "RequestValidatorId"

    def given(self, work: Work) -> dict[str, Any]:
        properties = work.properties
        return told(
            {
                "name": properties.get("Name") or work.name(_NAME_LIMIT),
                "validateRequestBody": properties.get("ValidateRequestBody"),
                "validateRequestParameters": properties.get("ValidateRequestParameters"),
            }
        )

    def operations(self, work: Work) -> list[dict[str, str]]:
        return members(
            work.old,
            work.properties,
            {
                "ValidateRequestBody": "/validateRequestBody",
                "ValidateRequestParameters": "/validateRequestParameters",
            },
        )

    def shown(self, found: dict[str, Any]) -> Properties:
        return {
            "Name": found.get("name"),
            "ValidateRequestBody": found["validateRequestBody"],
            "ValidateRequestParameters": found["validateRequestParameters"],
        }


class AuthorizerProvider(BelongingProvider):
    """`AWS::ApiGateway::Authorizer`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGateway::Authorizer"
    noun = "Authorizer"
    listing = "GetAuthorizers"
    id_member = "authorizerId"
    ref = "AuthorizerId"

    _members: ClassVar[dict[str, str]] = {
        "Name": "name",
        "Type": "type",
        "AuthType": "authType",
        "AuthorizerCredentials": "authorizerCredentials",
        "AuthorizerResultTtlInSeconds": "authorizerResultTtlInSeconds",
        "AuthorizerUri": "authorizerUri",
        "IdentitySource": "identitySource",
        "IdentityValidationExpression": "identityValidationExpression",
    }

    def given(self, work: Work) -> dict[str, Any]:
        properties = work.properties
        found = {wire: properties[name] for name, wire in self._members.items() if name in properties}
        if properties.get("ProviderARNs"):
            found["providerARNs"] = properties["ProviderARNs"]
        return found

    def operations(self, work: Work) -> list[dict[str, str]]:
        return members(work.old, work.properties, {name: f"/{wire}" for name, wire in self._members.items()})

    def listed(self, work: Work, live: dict[str, Any]) -> list[dict[str, str]]:
        pools = items("/providerARNs", live.get("providerARNs"), work.properties.get("ProviderARNs"))
        # Those that come before those that go: there has to be one always.
        return sorted(pools, key=lambda one: one["op"] != "add")

    def shown(self, found: dict[str, Any]) -> Properties:
        shown = {name: found.get(wire) for name, wire in self._members.items()}
        return {**shown, "ProviderARNs": found.get("providerARNs")}
