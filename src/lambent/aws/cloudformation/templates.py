"""Operations on templates."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lambent.aws.cloudformation.errors import invalid
from lambent.aws.errors import ServiceError
from lambent.stacks.schemas import schema_of
from lambent.stacks.template import Template, parse, summary

if TYPE_CHECKING:
    from lambent.aws.cloudformation.requests import Members
    from lambent.aws.context import RequestContext
    from lambent.stacks.stacks import Stacks
    from lambent.stacks.transforms import Fetcher

_BODY_LIMIT: Final = 51_200
"""Bytes of a template in a request (AWSCloudFormation/latest/UserGuide/cloudformation-limits.html)."""

_NESTED: Final = re.compile(r"""(\b(?:TemplateURL|Location)["']?\s*:\s*["']?)(https?://[^\s"',}]+)""")


class TemplateOperations:
    """Get, summarize, validate."""

    _stacks: Stacks
    _fetcher: Fetcher

    async def get_template(self, context: RequestContext, request: Members) -> Members:
        """A stack's or a change set's, as it was sent or as its transforms have made it."""
        name, change_set_name = request.get("StackName"), request.get("ChangeSetName")
        processed = request.get("TemplateStage") == "Processed"
        if change_set_name:
            if not name and not change_set_name.startswith("arn:"):
                raise invalid("StackName is a required parameter.")
            change_set = self._stacks.change_set(context.account, context.region, change_set_name, name)
            done = change_set.status == "CREATE_COMPLETE"
            if processed and not done:
                raise invalid(
                    f"ChangeSet [{change_set.id}] has no processed template: it is {change_set.status}"
                )
            body = await self._stacks.change_set_template(change_set, processed=processed)
        else:
            if not name:
                raise invalid("StackName is a required parameter.")
            stack = self._stacks.find(context.account, context.region, name)
            # A stack in REVIEW_IN_PROGRESS has none: its template is empty, which CDK counts on.
            done = True
            body = await self._stacks.template(stack, processed=processed)
        body = self._at_s3(body, context.region)
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"] if done else ["Original"]}

    async def get_template_summary(self, context: RequestContext, request: Members) -> Members:
        """What a template asks for and makes."""
        if request.get("StackSetName"):
            raise ServiceError("StackSetNotFoundException", f"StackSet {request['StackSetName']} not found")
        given = [
            name for name in ("TemplateBody", "TemplateURL", "StackName") if request.get(name) is not None
        ]
        if len(given) != 1:
            raise invalid(
                "Exactly one of TemplateBody, TemplateURL, StackName and StackSetName must be specified."
            )
        if given == ["StackName"]:
            stack = self._stacks.find(context.account, context.region, request["StackName"])
            if not stack.definition.template:
                raise invalid(f"GetTemplateSummary cannot be called on {stack.status} stacks.")
            text = await self._stacks.template(stack)
        else:
            text = await self._text(context, request)
        facts = summary(await _read(text))
        for one in facts["ResourceIdentifierSummaries"]:
            schema = schema_of(one["ResourceType"])
            if schema is not None and schema.primary_identifier:
                one["ResourceIdentifiers"] = list(schema.primary_identifier)
        return facts

    async def validate_template(self, context: RequestContext, request: Members) -> Members:
        """Whether it is one, and what it asks for."""
        template = await _read(await self._text(context, request))
        if not template.transforms:
            self._stacks.check_types(template)
        facts = summary(template)
        kept = ("Description", "Capabilities", "CapabilitiesReason", "DeclaredTransforms")
        return {
            "Parameters": [
                {
                    name: parameter[name]
                    for name in ("ParameterKey", "DefaultValue", "NoEcho", "Description")
                    if name in parameter
                }
                for parameter in facts["Parameters"]
            ],
            **{name: facts[name] for name in kept if name in facts},
        }

    async def estimate_template_cost(self, context: RequestContext, request: Members) -> Members:
        """Nothing costs anything here."""
        raise ServiceError(
            "InvalidAction",
            "EstimateTemplateCost is not served by this platform: nothing costs anything here.",
        )

    def _at_s3(self, text: str, region: str) -> str:
        """A template whose nested templates' URLs are S3's, where they are the platform's.

        SAM writes the endpoint that it was given into the template that it sends, and `sam delete` then refuses all but
        `https://s3…`.
        """

        def renamed(found: re.Match[str]) -> str:
            place = None if ".amazonaws." in found[2] else self._fetcher.place(found[2])
            if place is None:
                return found[0]
            version = f"?versionId={place.version}" if place.version else ""
            return f"{found[1]}https://s3.{region}.amazonaws.com/{place.bucket}/{quote(place.key)}{version}"

        return _NESTED.sub(renamed, text)

    async def _text(self, context: RequestContext, request: Members) -> str:
        body, url = request.get("TemplateBody"), request.get("TemplateURL")
        if body is not None and url is not None:
            raise invalid("You cannot specify both Template URL and Template Body.")
        if body is not None:
            if len(body.encode()) > _BODY_LIMIT:
                raise invalid(
                    f"1 validation error detected: Value '{body}' at 'templateBody' failed to satisfy constraint: "
                    f"Member must have length less than or equal to {_BODY_LIMIT}"
                )
            text: str = body
            return text
        if url is None:
            raise invalid("Either Template URL or Template Body must be specified.")
        return await self._fetcher.text(url, context.account, context.region)


async def _read(text: str) -> Template:
    return await asyncio.to_thread(lambda: Template.read(parse(text).document))
