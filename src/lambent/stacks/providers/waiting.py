"""AWS::CloudFormation::WaitCondition and WaitConditionHandle: a stack waits for signals that somebody sends.

Behaviour: AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html,
AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-waitcondition.html. Its words for failures are
those that users have met: aws-samples/immersive-media-refarch#7 (time-out),
aws-quickstart/quickstart-trendmicro-deepsecurity#29 (a failure signal),
aws-cloudformation/cloudformation-coverage-roadmap#2088 (a signal that cannot be read).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.provider import Made, Provider, Work
from lambent.stacks.responses import MAX_BODY

if TYPE_CHECKING:
    from lambent.stacks.responses import Responses

_LONGEST_S: Final = 43_200


class WaitConditionHandleProvider(Provider):
    """Ref is the URL to which signals are sent."""

    type: ClassVar[str] = "AWS::CloudFormation::WaitConditionHandle"
    needs: ClassVar[tuple[str, ...]] = ("responses",)

    def __init__(self, responses: Responses) -> None:
        self._responses = responses

    async def create(self, work: Work) -> Made:
        url = await self._responses.make(f"handle/{work.token}/{work.logical_id}", several=True)
        text = self._responses.public(url)
        return Made(text, {"Id": text})

    async def update(self, work: Work) -> Made:
        # It has no properties.
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        found = self._responses.at(work.physical_id)
        if found is not None:
            await self._responses.forget(found.token)


class WaitConditionProvider(Provider):
    """Ref is its name below the stack's, the attribute Data what the signals say."""

    type: ClassVar[str] = "AWS::CloudFormation::WaitCondition"
    needs: ClassVar[tuple[str, ...]] = ("responses",)

    def __init__(self, responses: Responses) -> None:
        self._responses = responses

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        handle = wanted.get("Handle")
        if not handle:
            if work.update_policy.get("ResourceSignal"):
                raise _failure(
                    "A CreationPolicy with a ResourceSignal is not supported by this platform: give the wait condition "
                    "a Handle.",
                    "InvalidRequest",
                )
            return _made(f"{work.stack.id}/{work.logical_id}", {})
        url = self._responses.at(str(handle))
        if url is None:
            raise _failure(f"Invalid wait condition handle: {handle}", "InvalidRequest")
        count, seconds = (
            _number(wanted.get("Count", 1), "Count", 1_000),
            _number(wanted.get("Timeout"), "Timeout", _LONGEST_S),
        )
        made = _made(f"{work.stack.id}/{url.token.rpartition('/')[2]}", {})
        if not work.physical_id:
            await work.initiated(made.physical_id, made.attributes)
        if not url.asked_ms:
            await self._responses.asked(url)
        while True:
            data = _signals(url.answers)
            if len(data) >= count:
                return _made(made.physical_id, data)
            if not await self._responses.more_within(work, url, len(url.answers), seconds):
                raise _failure(
                    f"WaitCondition timed out. Received {len(data)} conditions when expecting {count}",
                    "NotStabilized",
                )

    async def update(self, work: Work) -> Made:
        if work.properties != work.old:
            raise _failure(f"Update to resource type {self.type} is not supported.", "NotUpdatable")
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        """Nothing is left of it."""


def _signals(answers: dict[str, bytes]) -> dict[str, Any]:
    """The data of the signals by their ids. Raises ResourceFailure for the first that tells of a failure."""
    found = {}
    for body in answers.values():
        try:
            said = msgspec.json.decode(body) if len(body) <= MAX_BODY else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            said = None
        if not isinstance(said, dict) or not isinstance(said.get("UniqueId"), str):
            raise _failure("Unparsable WaitCondition data")
        if said.get("Status") == "FAILURE":
            raise _failure(
                f"WaitCondition received failed message: '{said.get('Reason', '')}' for uniqueId: {said['UniqueId']}"
            )
        if said.get("Status") != "SUCCESS":
            raise _failure("Unparsable WaitCondition data")
        found[said["UniqueId"]] = said.get("Data", "")
    return found


def _number(value: Any, name: str, most: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if not (0 if name == "Timeout" else 1) <= number <= most:
        raise _failure(
            f"Invalid {name} [{value}] of a WaitCondition: it is at most {most}.", "InvalidRequest"
        )
    return number


def _made(physical_id: str, data: dict[str, Any]) -> Made:
    return Made(physical_id, {"Id": physical_id, "Data": json.dumps(data, separators=(",", ":"))})


def _failure(reason: str, code: str = "GeneralServiceException") -> ResourceFailure:
    return ResourceFailure(reason, code, reason=reason)
