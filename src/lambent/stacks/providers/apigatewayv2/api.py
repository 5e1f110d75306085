"""HTTP and WebSocket APIs: by their members, or by an OpenAPI document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from lambent.gateway.apis import BadApiRequest
from lambent.gateway.apis.openapi_document import decoded
from lambent.stacks.providers.apigatewayv2.part import SERVICE
from lambent.stacks.providers.base import (
    ServiceProvider,
    changed,
    chosen,
    invalid,
    tag_changes,
    tags_of,
    unless,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

STEP: Final = "aws:cloudformation:step"
"""The tag by which what a step has made is found after a restart, while the step goes on."""

_MEMBERS: Final = (
    "Name",
    "ApiKeySelectionExpression",
    "CorsConfiguration",
    "Description",
    "DisableExecuteApiEndpoint",
    "DisableSchemaValidation",
    "IpAddressType",
    "RouteSelectionExpression",
    "Version",
)
_QUICK: Final = ("Target", "RouteKey", "CredentialsArn")
_DEFAULTS: Final[dict[str, Any]] = {"DisableExecuteApiEndpoint": False, "DisableSchemaValidation": False}
_NOT_THERE: Final = ("NotFoundException",)


class ApiProvider(ServiceProvider):
    """`AWS::ApiGatewayV2::Api`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Api"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        body = await document(work)
        api = work.physical_id or (await self._left(work) if work.again else None)
        if not api:
            made = await work.call(
                SERVICE,
                "CreateApi",
                **{"Name": None if body is None else body.title, **chosen(properties, (*_MEMBERS, *_QUICK))},
                ProtocolType=properties.get("ProtocolType", "HTTP"),
                Tags={**tags_of(work), STEP: work.token},
            )
            api = str(made["ApiId"])
        result = await self.made(work, api)
        await work.initiated(api, result.attributes)
        if body is not None:
            await self._import(work, api, body.text)
        await work.call(SERVICE, "UntagResource", ResourceArn=_arn(work, api), TagKeys=[STEP])
        return result

    async def update(self, work: Work) -> Made:
        api, properties = work.physical_id, work.properties
        body = await document(work)
        if body is not None and (changed(work, "Body", "BodyS3Location") or not _has_body(work.old)):
            await self._import(work, api, body.text)
        members = (*_MEMBERS, *_QUICK)
        changes = {
            name: properties.get(name, _DEFAULTS.get(name, ""))
            for name in members
            if work.old.get(name) != properties.get(name)
            and (name in properties or (name not in ("Name", "CorsConfiguration") and body is None))
        }
        if changes:
            await work.call(SERVICE, "UpdateApi", ApiId=api, **changes)
        if "CorsConfiguration" in work.old and "CorsConfiguration" not in properties:
            await work.call(SERVICE, "DeleteCorsConfiguration", ApiId=api)
        await retag(work, _arn(work, api))
        return await self.made(work, api)

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, "DeleteApi", ApiId=work.physical_id), *_NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, "GetApi", ApiId=work.physical_id), *_NOT_THERE)
        if found is None:
            return None
        properties: Properties = {"ApiId": work.physical_id, "ProtocolType": found["ProtocolType"]}
        properties |= {name: found[name] for name in _MEMBERS if found.get(name) is not None}
        own = {key: value for key, value in found.get("Tags", {}).items() if not key.startswith("aws:")}
        return {**properties, "Tags": own} if own else properties

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await work.call(SERVICE, "GetApi", ApiId=physical_id)
        stack = work.stack
        return Made(
            physical_id,
            {
                "ApiId": physical_id,
                "ApiEndpoint": found["ApiEndpoint"],
                "ExecuteApiArn": (
                    f"arn:{stack.partition}:execute-api:{stack.region}:{stack.account}:{physical_id}"
                ),
            },
        )

    async def _import(self, work: Work, api: str, body: str) -> None:
        properties = work.properties
        await work.call(
            SERVICE,
            "ReimportApi",
            ApiId=api,
            Body=body,
            Basepath=properties.get("BasePath"),
            FailOnWarnings=properties.get("FailOnWarnings"),
        )
        # What a template says of the API itself goes before what its document says; importing takes tags away.
        await work.call(SERVICE, "TagResource", ResourceArn=_arn(work, api), Tags=tags_of(work))
        own = chosen(properties, _MEMBERS)
        if own:
            await work.call(SERVICE, "UpdateApi", ApiId=api, **own)

    async def _left(self, work: Work) -> str | None:
        """The API that this step has made before a restart."""
        token: str | None = None
        while True:
            page = await work.call(SERVICE, "GetApis", NextToken=token)
            for one in page["Items"]:
                if one.get("Tags", {}).get(STEP) == work.token:
                    return str(one["ApiId"])
            token = page.get("NextToken")
            if not token:
                return None


class Document(NamedTuple):
    """An OpenAPI document: its text, and its title."""

    text: str
    title: str | None


async def document(work: Work) -> Document | None:
    """The document of an API: in the template, or an object of S3. Raises ResourceFailure."""
    properties = work.properties
    body = properties.get("Body")
    where = properties.get("BodyS3Location")
    if body is None and where:
        answer = await work.call(
            "s3", "GetObject", Bucket=where["Bucket"], Key=where["Key"], VersionId=where.get("Version")
        )
        body = answer["Body"].decode("utf-8", "replace")
    if body is None:
        return None
    if isinstance(body, dict):
        return Document(json.dumps(body), _title(body))
    try:
        return Document(str(body), _title(decoded(str(body))))
    except BadApiRequest as error:
        raise invalid(str(error)) from None


def _title(body: dict[str, Any]) -> str | None:
    info = body.get("info")
    title = info.get("title") if isinstance(info, dict) else None
    return str(title) if title else None


def _has_body(properties: Properties) -> bool:
    return "Body" in properties or "BodyS3Location" in properties


def _arn(work: Work, api: str) -> str:
    return f"arn:{work.stack.partition}:apigateway:{work.stack.region}::/apis/{api}"


async def retag(work: Work, resource: str) -> None:
    """Change the tags of a resource to those of an update."""
    tags = tag_changes(work)
    if tags.removed:
        await work.call(SERVICE, "UntagResource", ResourceArn=resource, TagKeys=tags.removed)
    if tags.put:
        await work.call(SERVICE, "TagResource", ResourceArn=resource, Tags=tags.put)
