"""AWS::CloudFormation::CustomResource and Custom::*: resources that a function or a topic makes.

Requests, answers and their limits: AWSCloudFormation/latest/TemplateReference/crpg-ref-requests.html and
crpg-ref-responses.html; ServiceTimeout: aws-resource-cloudformation-customresource.html there. The words for answers
that cannot be taken are those that users have met: "Response object is too long." (aws/aws-cdk#2825; 4096 bytes may be:
awsdocs/aws-cloudformation-user-guide#262), "Invalid PhysicalResourceId"
(aws-cloudformation/custom-resource-helper#67), "Modifying service token is not allowed." (serverless/serverless#9240).
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.provider import Made, Properties, Provider, Work
from lambent.stacks.providers.work import StepCancelled
from lambent.stacks.responses import MAX_BODY

if TYPE_CHECKING:
    from lambent.stacks.responses import Responses

_LONGEST_S: Final = 3600
_MAX_ID: Final = 1024
_MAKER: Final = " ServiceToken"
"""An attribute that no template names: who has made the resource, where an update to another was refused."""

NO_ECHO: Final = " NoEcho"
"""An attribute that no template names: its resource's attributes are not to be shown, in events for instance."""

_SUBJECT: Final = "AWS CloudFormation custom resource request"
_REQUESTS: Final = uuid.UUID("5e0e4a3c-1b64-5d3c-9f1e-0b8f6f2a7c11")


class CustomResourceProvider(Provider):
    """Ref is what the answer calls PhysicalResourceId, GetAtt gives the members of its Data."""

    type: ClassVar[str] = "AWS::CloudFormation::CustomResource"
    needs: ClassVar[tuple[str, ...]] = ("responses",)

    def __init__(self, responses: Responses) -> None:
        self._responses = responses

    async def create(self, work: Work) -> Made:
        request = _Request(work, "Create")
        try:
            answer = await self._answer(request)
        except (ResourceFailure, StepCancelled) as failure:
            # What has been begun is deleted in the roll-back, under the name that it gave itself.
            if request.asked:
                await work.initiated(getattr(failure, "physical_id", "") or work.name(_MAX_ID))
            raise
        made = Made(answer["PhysicalResourceId"], _attributes(answer))
        await work.initiated(made.physical_id, made.attributes)
        return made

    async def update(self, work: Work) -> Made:
        maker = work.attributes.get(_MAKER) or work.old.get("ServiceToken")
        if work.properties.get("ServiceToken") != maker:
            # What goes back from here is told that nobody has been asked.
            await work.initiated(work.physical_id, {**work.attributes, _MAKER: maker})
            raise _failure("Modifying service token is not allowed.", "InvalidRequest")
        if work.old.get("ServiceToken") != maker:
            return Made(
                work.physical_id, {name: value for name, value in work.attributes.items() if name != _MAKER}
            )
        answer = await self._answer(
            _Request(
                work,
                "Update",
                PhysicalResourceId=work.physical_id,
                OldResourceProperties=strings(work.old),
            )
        )
        return Made(answer["PhysicalResourceId"], _attributes(answer))

    async def delete(self, work: Work) -> None:
        if work.physical_id:
            await self._answer(_Request(work, "Delete", PhysicalResourceId=work.physical_id))

    async def _answer(self, request: _Request) -> dict[str, Any]:
        """Send the request, where that was not done before, and wait for its answer."""
        work, responses = request.work, self._responses
        seconds = _timeout(work)
        url = await responses.make(request.token)
        if not url.asked_ms:
            await request.send(responses.inside(url))
            await responses.asked(url)
        request.asked = True
        if not await responses.more_within(work, url, 0, seconds):
            raise _failure(
                "CloudFormation did not receive a response from your Custom Resource. Please check your logs for "
                f"requestId [{request.id}]. If you are using the Python cfn-response module, you may need to update "
                "your Lambda function code so that CloudFormation can attach the updated version.",
                "NotStabilized",
            )
        return _read(url.answers[""], request)


class _Failed(ResourceFailure):
    """An answer that says FAILED; `physical_id` is what it names."""

    physical_id = ""


class _Request:
    """One request to whoever makes the resource; the same again for the same step."""

    def __init__(self, work: Work, kind: str, **members: Any) -> None:
        self.work = work
        self.kind = kind
        self.members = members
        self.token = f"custom/{work.token}/{work.logical_id}/{kind}"
        self.id = str(uuid.uuid5(_REQUESTS, self.token))
        self.asked = False

    async def send(self, response_url: str) -> None:
        """Hand it to the function or the topic that ServiceToken names. Raises ServiceFailure, ResourceFailure."""
        work = self.work
        service = str(work.properties.get("ServiceToken") or "")
        message = json.dumps(
            {
                "RequestType": self.kind,
                "ServiceToken": service,
                "ResponseURL": response_url,
                "StackId": work.stack.id,
                "RequestId": self.id,
                "LogicalResourceId": work.logical_id,
                "ResourceType": work.type,
                "ResourceProperties": strings(work.properties),
                **self.members,
            }
        )
        target = service.split(":")
        if target[0] == "arn" and target[2:3] == ["lambda"]:
            await work.call(
                "lambda", "Invoke", FunctionName=service, InvocationType="Event", Payload=message.encode()
            )
        elif target[0] == "arn" and target[2:3] == ["sns"]:
            await work.call("sns", "Publish", TopicArn=service, Subject=_SUBJECT, Message=message)
        else:
            raise _failure(f"Invalid service token: {service}", "InvalidRequest")


def strings(value: Any) -> Any:
    """Properties as requests carry them: every number and truth value is text."""
    if isinstance(value, dict):
        return {key: strings(each) for key, each in value.items()}
    if isinstance(value, list):
        return [strings(each) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) or value is None else str(value)


def _timeout(work: Work) -> int:
    given = work.properties.get("ServiceTimeout", _LONGEST_S)
    try:
        seconds = int(given)
    except (TypeError, ValueError):
        seconds = 0
    if not 1 <= seconds <= _LONGEST_S:
        raise _failure(
            f"Invalid ServiceTimeout [{given}]: it must be an integer between 1 and {_LONGEST_S}.",
            "InvalidRequest",
        )
    return seconds


def _read(body: bytes, request: _Request) -> dict[str, Any]:
    """The answer's members. Raises ResourceFailure for one that says so, or cannot be taken."""
    if len(body) > MAX_BODY:
        raise _failure("Response object is too long.")
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise _failure("Response is not valid JSON")
    physical_id = answer.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not physical_id or len(physical_id.encode()) > _MAX_ID:
        raise _failure("Invalid PhysicalResourceId")
    if not isinstance(answer.get("Reason", ""), str):
        raise _failure("Value of property Reason must be of type String")
    status = answer.get("Status")
    if status == "FAILED":
        failed = _Failed(
            "",
            reason=(
                "Received response status [FAILED] from custom resource. Message returned: "
                f"{answer.get('Reason', '')} (RequestId: {request.id})"
            ),
        )
        failed.physical_id = physical_id
        raise failed
    if status != "SUCCESS":
        raise _failure(f"Invalid response status [{status}]")
    if not isinstance(answer.get("Data") or {}, dict):
        raise _failure("Value of property Data must be an object")
    return answer


def _attributes(answer: dict[str, Any]) -> Properties:
    attributes: Properties = strings(answer.get("Data") or {})
    if answer.get("NoEcho") in (True, "true"):
        attributes[NO_ECHO] = True
    return attributes


def _failure(reason: str, code: str = "GeneralServiceException") -> ResourceFailure:
    return ResourceFailure(reason, code, reason=reason)
