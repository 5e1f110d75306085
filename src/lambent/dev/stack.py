"""The app's stack on the embedded platform: created, updated, looked into; and the code of its functions."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.app.preloaded import MODULES
from lambent.aws.service_calls import ServiceCalls
from lambent.deploy.errors import ProviderError
from lambent.dev.front import Served
from lambent.dev.pipeline import LINKED, with_code, without_code
from lambent.execution.engines import Preload
from lambent.functions import FunctionNotFound, Reference
from lambent.functions.linked import LinkedCode
from lambent.neighbours.service_calls import ServiceCall, ServiceFailure

if TYPE_CHECKING:
    from lambent.dev.pipeline import Ready
    from lambent.node.platform import Platform

_SESSION: Final = "LambentDev"
_ROLE: Final = "lambent-dev"
_BODY_LIMIT: Final = 51_200
"""Bytes of a template that is sent as it is; larger ones come out of S3 (CloudFormation's quotas)."""

_NONE: Final = "lambent-dev-none"
_TEMPLATES: Final = "lambent-dev-templates"
_HANDLED: Final = re.compile(
    r'Resource handler returned message: "(.*?)(?: \(Service: .*)?" \(RequestToken: .*', re.DOTALL
)
_GONE: Final = frozenset({"", "DELETE_COMPLETE"})
_HOPELESS: Final = frozenset(
    {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS"}
)
"""Of stacks that can only be deleted: they never were complete."""


class Stack:
    """One stack of one platform, and what is known of it. Every method raises ProviderError."""

    def __init__(self, platform: Platform, region: str) -> None:
        self._platform = platform
        self.region = region
        self._account = platform.settings.account
        self._calls = ServiceCalls(platform.credentials, lambda: platform.inside_url, _SESSION)
        self._shape = b""
        self._said: dict[str, str] = {}
        """The code of functions as the stack's template says it: always what it was at first, so that neither an update
        nor the way back from one that fails is about code.
        """
        self.functions: dict[str, str] = {}
        """The names of the functions by logical id."""
        self.resources: dict[str, tuple[str, str]] = {}
        """Type and physical id of everything, by logical id."""
        self.served = Served()

    def close(self) -> None:
        """Cut its connections."""
        self._calls.close()

    async def warm(self) -> None:
        """Have everything there that the first question needs: models, and the parts of the platform that answer."""
        with contextlib.suppress(ProviderError):
            await self._status(_NONE)

    async def bring(self, ready: Ready) -> bool:
        """Make the platform have what is `ready`. Whether more than code has changed."""
        if ready.packages is not None:
            # Importing the framework would be most of what the first request after a save waits for.
            runtime, folders = ready.packages
            self._platform.fleet.preload(Preload(runtime, folders, MODULES))
        changed = ready.shape != self._shape and await self._bring_stack(ready)
        if ready.shape != self._shape:
            await self._look(ready)
            self._shape = ready.shape
            self._said = {logical: self._said.get(logical, folder) for logical, folder in ready.code.items()}
        await self._bring_code(ready.code)
        return changed

    # ------------------------------------------------------------ the stack

    async def _bring_stack(self, ready: Ready) -> bool:
        """Create or update the stack, unless it is as it should be already. Whether that was needed."""
        status, stack_id = await self._status(ready.stack)
        if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            # An earlier session was killed; the platform goes on with what that had begun.
            await self._finished(stack_id)
            status, stack_id = await self._status(ready.stack)
        if status in _HOPELESS:
            await self._delete(stack_id)
            self._said = {}
            status = ""
        if status in _GONE:
            await self._create(ready)
            return True
        if status == "UPDATE_ROLLBACK_FAILED":
            with contextlib.suppress(ProviderError):
                await self._ask("cloudformation", "ContinueUpdateRollback", {"StackName": stack_id})
                await self._finished(stack_id)
        return await self._update(ready, stack_id)

    async def _create(self, ready: Ready) -> None:
        answer = await self._ask(
            "cloudformation",
            "CreateStack",
            {**await self._request(ready), "OnFailure": "DELETE"},
        )
        await self._succeeded(answer["StackId"], "CREATE_COMPLETE")

    async def _update(self, ready: Ready, stack_id: str) -> bool:
        if not self._shape:
            shape, self._said = await self._deployed(stack_id)
            if shape == ready.shape:
                return False
        try:
            await self._ask("cloudformation", "UpdateStack", await self._request(ready))
        except ProviderError as error:
            if "No updates are to be performed" in error.message:
                return False
            raise
        await self._succeeded(stack_id, "UPDATE_COMPLETE")
        return True

    async def _deployed(self, stack_id: str) -> tuple[bytes, dict[str, str]]:
        """Shape and code of the stack as an earlier session has left it; nothing where they cannot be told."""
        answer = await self._ask(
            "cloudformation", "GetTemplate", {"StackName": stack_id, "TemplateStage": "Original"}
        )
        body = answer.get("TemplateBody", "")
        try:
            template = msgspec.json.decode(body) if isinstance(body, str) else body
            return without_code(template)
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            return b"", {}

    async def _delete(self, stack_id: str) -> None:
        await self._ask("cloudformation", "DeleteStack", {"StackName": stack_id})
        await self._succeeded(stack_id, "DELETE_COMPLETE")

    async def _request(self, ready: Ready) -> dict[str, Any]:
        request: dict[str, Any] = {
            "StackName": ready.stack,
            "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        body = msgspec.json.encode(with_code(ready.template, self._said))
        if len(body) <= _BODY_LIMIT:
            request["TemplateBody"] = body.decode()
            return request
        key = f"{ready.stack}.json"
        with contextlib.suppress(ProviderError):  # it is there already
            await self._ask("s3", "CreateBucket", {"Bucket": _TEMPLATES})
        await self._ask("s3", "PutObject", {"Bucket": _TEMPLATES, "Key": key, "Body": body})
        request["TemplateURL"] = f"{self._platform.inside_url}/{_TEMPLATES}/{key}"
        return request

    async def _status(self, name: str) -> tuple[str, str]:
        """Status and id of the stack; empty where there is none."""
        try:
            answer = await self._ask("cloudformation", "DescribeStacks", {"StackName": name})
        except ProviderError as error:
            if "does not exist" in error.message:
                return "", ""
            raise
        found = answer["Stacks"][0]
        return found["StackStatus"], found["StackId"]

    async def _finished(self, stack_id: str) -> None:
        parts = await self._platform.stack_parts()
        await parts.stacks.operations.finished(stack_id)

    async def _succeeded(self, stack_id: str, wanted: str) -> None:
        """Wait for the operation that runs. Raises ProviderError with its first cause."""
        await self._finished(stack_id)
        status, _ = await self._status(stack_id)
        if status != wanted:
            raise await self._cause(stack_id)

    async def _cause(self, stack_id: str) -> ProviderError:
        """Why the last operation has failed: the first resource that did, in its own words."""
        answer = await self._ask("cloudformation", "DescribeStackEvents", {"StackName": stack_id})
        first: dict[str, Any] = {}
        for event in answer["StackEvents"]:  # the newest first
            if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
                first = event
            if event["LogicalResourceId"] == event["StackName"] and event["ResourceStatus"] in (
                "CREATE_IN_PROGRESS",
                "UPDATE_IN_PROGRESS",
            ):
                break
        if not first:
            return ProviderError("The resources of the app could not be made")
        return ProviderError(
            f"{first['LogicalResourceId']} ({first.get('ResourceType', '')}): {_said(first['ResourceStatusReason'])}"
        )

    # ------------------------------------------------------------ what is in it

    async def _look(self, ready: Ready) -> None:
        """See what the stack has: functions, APIs."""
        found: dict[str, tuple[str, str]] = {}
        request = {"StackName": ready.stack}
        while True:
            answer = await self._ask("cloudformation", "ListStackResources", request)
            for resource in answer["StackResourceSummaries"]:
                if "PhysicalResourceId" in resource and resource["ResourceStatus"] != "DELETE_COMPLETE":
                    found[resource["LogicalResourceId"]] = (
                        resource["ResourceType"],
                        resource["PhysicalResourceId"],
                    )
            if not answer.get("NextToken"):
                break
            request["NextToken"] = answer["NextToken"]
        self.resources = found
        self.functions = {
            logical: physical
            for logical, (kind, physical) in found.items()
            if kind == "AWS::Lambda::Function"
        }
        self.served = await self._apis(ready.channels)

    async def _apis(self, names_of_channels: dict[str, str]) -> Served:
        http: tuple[str, str] | None = None
        channels: dict[str, tuple[str, str]] = {}
        for logical, (kind, physical) in self.resources.items():
            if kind == "AWS::ApiGateway::RestApi" and http is None:
                stages = await self._ask("apigateway", "GetStages", {"restApiId": physical})
                if stages.get("item"):
                    http = physical, stages["item"][0]["stageName"]
            if kind != "AWS::ApiGatewayV2::Api":
                continue
            api = await self._ask("apigatewayv2", "GetApi", {"ApiId": physical})
            stages = await self._ask("apigatewayv2", "GetStages", {"ApiId": physical})
            names = [stage["StageName"] for stage in stages["Items"]]
            if not names:
                continue
            if api["ProtocolType"] == "WEBSOCKET":
                channels[names_of_channels.get(logical, logical)] = physical, names[0]
            else:
                http = physical, "$default" if "$default" in names else names[0]
        return Served(http=http, channels=channels, urls=await self._urls())

    async def _urls(self) -> dict[str, str]:
        urls = {}
        for kind, physical in self.resources.values():
            if kind == "AWS::Lambda::Url":
                answer = await self._ask("lambda", "GetFunctionUrlConfig", {"FunctionName": physical})
                urls[physical.rpartition(":")[2]] = answer["FunctionUrl"].rstrip("/")
        return urls

    # ------------------------------------------------------------ code

    async def _bring_code(self, code: dict[str, str]) -> None:
        """What the stack has set may be older than what a function has had since, so the functions are looked at."""
        await asyncio.gather(
            *(
                self._set_code(self.functions[logical], folder)
                for logical, folder in code.items()
                if logical in self.functions
            )
        )

    async def _set_code(self, name: str, folder: str) -> None:
        reference = Reference(self._account, self.region, name, None)
        try:
            _, version = self._platform.registry.version(reference)
        except FunctionNotFound:
            raise ProviderError(
                f"The function {name} of the stack is gone", hint="Begin anew: lambent dev --fresh"
            ) from None
        if version.code_sha256 == LinkedCode(Path(folder)).sha256:
            return
        await self._ask(
            "lambda", "UpdateFunctionCode", {"FunctionName": name, "S3Bucket": LINKED, "S3Key": folder}
        )
        await self._platform.registry.settled(reference)

    async def ask(self, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """What a service answers. Raises ProviderError."""
        return await self._ask(service, operation, parameters)

    async def _ask(self, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        role = f"arn:aws:iam::{self._account}:role/{_ROLE}"
        call = ServiceCall(service, operation, parameters, self.region, self._account, role)
        try:
            return await self._calls.ask(call)
        except ServiceFailure as error:
            raise ProviderError(error.message or error.code) from error
        except ValueError as error:
            raise ProviderError(str(error)) from error


def _said(reason: str) -> str:
    """What a service has said, without the numbers of requests around it."""
    found = _HANDLED.fullmatch(reason)
    return found[1] if found is not None else reason
