"""REST APIs: by their members, or by an OpenAPI document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.apigateway.patching import (
    NOT_THERE,
    SERVICE,
    STEP,
    items,
    left,
    own_tags,
    replacing,
    retag,
    settled,
)
from lambent.stacks.providers.apigatewayv2.api import document
from lambent.stacks.providers.base import (
    ServiceProvider,
    changed,
    document_of,
    document_text,
    invalid,
    not_served,
    tags_of,
    told,
    unless,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_CREATED: Final = {
    "Description": "description",
    "CloneFrom": "cloneFrom",
    "BinaryMediaTypes": "binaryMediaTypes",
    "MinimumCompressionSize": "minimumCompressionSize",
    "ApiKeySourceType": "apiKeySource",
    "DisableExecuteApiEndpoint": "disableExecuteApiEndpoint",
    "SecurityPolicy": "securityPolicy",
    "EndpointAccessMode": "endpointAccessMode",
    "Version": "version",
}
_PATCHED: Final = {
    "Name": "name",
    "Description": "description",
    "ApiKeySourceType": "apiKeySource",
    "DisableExecuteApiEndpoint": "disableExecuteApiEndpoint",
    "MinimumCompressionSize": "minimumCompressionSize",
    "SecurityPolicy": "securityPolicy",
    "EndpointAccessMode": "endpointAccessMode",
    "Version": "version",
}
_DEFAULTS: Final[dict[str, Any]] = {"ApiKeySourceType": "HEADER", "DisableExecuteApiEndpoint": False}
_OF_BODY: Final = ("Body", "BodyS3Location", "Mode", "Parameters", "FailOnWarnings")


class RestApiProvider(ServiceProvider):
    """`AWS::ApiGateway::RestApi`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGateway::RestApi"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        body = await document(work)
        api = work.physical_id or (await left(work, "GetRestApis") if work.again else None)
        if not api:
            name = properties.get("Name") or (None if body is None else body.title)
            if not name:
                raise invalid("Name or Body is required for a REST API")
            given = {wire: properties[name] for name, wire in _CREATED.items() if name in properties}
            if "binaryMediaTypes" in given:
                given["binaryMediaTypes"] = _media_types(properties)
            policy = properties.get("Policy")
            made = await work.call(
                SERVICE,
                "CreateRestApi",
                name=name,
                **given,
                endpointConfiguration=_endpoint(properties),
                policy=None if policy is None else document_text(policy),
                tags={**tags_of(work), STEP: work.token},
            )
            api = str(made["id"])
        await work.initiated(api, (await self.made(work, api)).attributes)
        if body is not None:
            await self._put(work, api, body.text, overwrites=True)
        await settled(work, f"restapis/{api}")
        return await self.made(work, api)

    async def update(self, work: Work) -> Made:
        api = work.physical_id
        if "CloneFrom" in work.properties and changed(work, "CloneFrom"):
            raise not_served("CloneFrom")
        if changed(work, *_OF_BODY):
            body = await document(work)
            if body is not None:
                mode = work.properties.get("Mode", "overwrite")
                await self._put(work, api, body.text, overwrites=mode == "overwrite")
        await self._settle(work, api)
        await retag(work, f"restapis/{api}")
        return await self.made(work, api)

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, "DeleteRestApi", restApiId=work.physical_id), *NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, "GetRestApi", restApiId=work.physical_id), *NOT_THERE)
        if found is None:
            return None
        endpoint = found["endpointConfiguration"]
        kinds = found.get("binaryMediaTypes")
        if kinds and kinds == _media_types(work.properties):
            kinds = work.properties["BinaryMediaTypes"]
        return told(
            {
                "RestApiId": work.physical_id,
                "RootResourceId": found["rootResourceId"],
                **{name: found.get(wire) for name, wire in _PATCHED.items()},
                "BinaryMediaTypes": kinds,
                "EndpointConfiguration": told(
                    {
                        "Types": endpoint.get("types"),
                        "IpAddressType": endpoint.get("ipAddressType"),
                        "VpcEndpointIds": endpoint.get("vpcEndpointIds"),
                    }
                ),
                "Policy": document_of(_unquoted(found.get("policy"))),
                "Tags": own_tags(found),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await work.call(SERVICE, "GetRestApi", restApiId=physical_id)
        return Made(physical_id, {"RestApiId": physical_id, "RootResourceId": found["rootResourceId"]})

    async def _put(self, work: Work, api: str, body: str, *, overwrites: bool) -> None:
        properties = work.properties
        await work.call(
            SERVICE,
            "PutRestApi",
            restApiId=api,
            mode="overwrite" if overwrites else "merge",
            failOnWarnings=properties.get("FailOnWarnings"),
            parameters=properties.get("Parameters"),
            body=body.encode(),
        )
        # What a template says of the API itself goes before what its document says.
        await self._settle(work, api)

    async def _settle(self, work: Work, api: str) -> None:
        """Make the API what the template says, where it is not; what was taken out of it returns to its default."""
        live = await work.call(SERVICE, "GetRestApi", restApiId=api)
        properties, old = work.properties, work.old
        operations = []
        for name, wire in _PATCHED.items():
            if name in properties:
                if live.get(wire) != properties[name]:
                    operations.append(replacing(f"/{wire}", properties[name]))
            elif name in old and name != "Name" and changed(work, name) and not _has_body(properties):
                operations.append(replacing(f"/{wire}", _DEFAULTS.get(name)))
        if "BinaryMediaTypes" in properties or ("BinaryMediaTypes" in old and not _has_body(properties)):
            operations += items("/binaryMediaTypes", live.get("binaryMediaTypes"), _media_types(properties))
        if "Policy" in properties:
            if document_of(_unquoted(live.get("policy"))) != document_of(document_text(properties["Policy"])):
                operations.append(replacing("/policy", document_text(properties["Policy"])))
        elif "Policy" in old:
            operations.append(replacing("/policy", ""))
        operations += _endpoint_operations(live["endpointConfiguration"], properties)
        if operations:
            await work.call(SERVICE, "UpdateRestApi", restApiId=api, patchOperations=operations)


def _media_types(properties: Properties) -> list[str] | None:
    """The binary media types; templates may write `~1` for their slash."""
    given = properties.get("BinaryMediaTypes")
    return None if given is None else [str(one).replace("~1", "/") for one in given]


def _endpoint(properties: Properties) -> dict[str, Any] | None:
    given = properties.get("EndpointConfiguration")
    if not given:
        return None
    return told(
        {
            "types": given.get("Types"),
            "ipAddressType": given.get("IpAddressType"),
            "vpcEndpointIds": given.get("VpcEndpointIds"),
        }
    )


def _endpoint_operations(live: dict[str, Any], properties: Properties) -> list[dict[str, str]]:
    wanted = _endpoint(properties) or {}
    operations = []
    if wanted.get("types") and wanted["types"] != live.get("types"):
        operations.append(replacing(f"/endpointConfiguration/types/{live['types'][0]}", wanted["types"][0]))
    if wanted.get("ipAddressType") and wanted["ipAddressType"] != live.get("ipAddressType"):
        operations.append(replacing("/endpointConfiguration/ipAddressType", wanted["ipAddressType"]))
    before, after = live.get("vpcEndpointIds") or [], wanted.get("vpcEndpointIds") or []
    if before != after:
        operations.append(replacing("/endpointConfiguration/vpcEndpointIds", ",".join(after)))
    return operations


def _has_body(properties: Properties) -> bool:
    return "Body" in properties or "BodyS3Location" in properties


def _unquoted(text: str | None) -> str | None:
    """A policy as it was given: the service answers it with its quotes escaped."""
    return json.loads(f'"{text}"') if text else None
