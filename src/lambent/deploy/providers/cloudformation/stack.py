"""A stack's state, as CloudFormation tells it, and waiting for what goes on there.

The states and what each allows: "Stack status codes" and "Update behaviors" of the CloudFormation user guide.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.deploy.deployed import described
from lambent.deploy.errors import ProviderError
from lambent.deploy.providers.cloudformation.failures import told_of
from lambent.deploy.providers.provider import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.deploy.providers.access import Access
    from lambent.deploy.providers.provider import Watch

REVIEW: Final = "REVIEW_IN_PROGRESS"
"""A stack of which there is nothing but change sets."""
DELETED: Final = "DELETE_COMPLETE"
LOST: Final = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
"""States of a stack that can only be deleted."""
STUCK: Final = "UPDATE_ROLLBACK_FAILED"
"""The state of a stack whose rollback has to be continued before anything else."""

_HANDLER: Final = re.compile(r'(?s)^Resource handler returned message: "(.*)" \(RequestToken: [^)]*\)$')
"""What CloudFormation puts around the words of a resource's service."""
_NEAR_S: Final = 0.1
_FAR_S: Final = 1.5
"""How often is looked: CloudFormation throttles DescribeStackEvents at a few a second and account."""
_BEGINNING_S: Final = 30
"""How long an operation that was accepted may take to show its first event."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A stack. `id` is its ARN; times are ISO 8601."""

    name: str
    id: str
    status: str
    reason: str = ""
    changed: str = ""
    outputs: dict[str, str] = {}
    tags: dict[str, str] = {}
    terminable: bool = True
    """Whether it can be deleted: not with termination protection."""

    @property
    def busy(self) -> bool:
        """Whether an operation goes on."""
        return self.status.endswith("_IN_PROGRESS") and self.status != REVIEW

    @property
    def succeeded(self) -> bool:
        """Whether the last operation did what was wanted."""
        return self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", DELETED)


def state_of(access: Access, stack: str) -> State | None:
    """A stack by name or ARN; None when there is none, or when it is deleted."""
    found = described(access.client("cloudformation"), stack)
    if found is None or found["StackStatus"] == DELETED:
        return None
    return _read(found)


def newest_event(access: Access, stack: str) -> str | None:
    """The id of a stack's newest event: what comes after it belongs to the next operation."""
    for event in access.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]:
        found: str = event["EventId"]
        return found
    return None


class Following:
    """An operation of a stack, watched until it ends. `steps` are all that have happened in it."""

    def __init__(self, access: Access, stack_id: str, watch: Watch, *, after: str | None) -> None:
        self._access = access
        self._id = stack_id
        self._watch = watch
        self._last = after
        self._interrupted = False
        self._awaited = False
        self._deadline = 0.0
        self.steps: list[Step] = []

    def until_over(
        self, *, going_on: str, before: str | None = None, begin: Callable[[], object] | None = None
    ) -> State:
        """Waits until nothing goes on any more. A first Ctrl-C says `going_on`; a second raises KeyboardInterrupt.

        `before` is said first. `begin` is what begins the operation; when Ctrl-C comes while it is asked for, and
        it has not begun, KeyboardInterrupt is raised at once. A stack that is deleted has the status DELETE_COMPLETE.
        """
        self._awaited = begin is not None
        self._deadline = time.monotonic() + _BEGINNING_S
        while True:
            try:
                if before is not None:
                    text, before = before, None
                    self._watch.note(text)
                if begin is not None:
                    begin()
                    begin = None
                state = self._looked()
                if state is not None:
                    return state
                time.sleep(_NEAR_S if self._access.near else _FAR_S)
            except KeyboardInterrupt:
                if self._interrupted or (begin is not None and not self._begun()):
                    raise
                begin = None
                self._interrupted = True
                self._watch.interrupted(going_on)

    def _begun(self) -> bool:
        found = described(self._access.client("cloudformation"), self._id)
        return found is None or _read(found).busy

    def _looked(self) -> State | None:
        # The state first: when it says that all is over, all events are there to be read.
        found = described(self._access.client("cloudformation"), self._id)
        for event in _events_since(self._access, self._id, self._last):
            self._last = event["EventId"]
            step = _step(event)
            self.steps.append(step)
            self._watch.step(step)
            if step.own:
                self._awaited = False
        if found is None:
            return State(name="", id=self._id, status=DELETED)
        state = _read(found)
        if self._awaited and state.status != DELETED and time.monotonic() < self._deadline:
            # What has been asked for has not begun yet: this is still how the operation before it has ended.
            return None
        return None if state.busy else state


def _events_since(access: Access, stack: str, known: str | None) -> list[dict[str, Any]]:
    """Oldest first."""
    from botocore.exceptions import ClientError

    found: list[dict[str, Any]] = []
    pages = access.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack)
    try:
        for page in pages:
            for event in page["StackEvents"]:
                if event["EventId"] == known:
                    return found[::-1]
                found.append(event)
    except ClientError as error:
        if "does not exist" not in error.response["Error"].get("Message", ""):
            raise
    return found[::-1]


def _step(event: dict[str, Any]) -> Step:
    return Step(
        logical=event["LogicalResourceId"],
        physical=event.get("PhysicalResourceId", ""),
        type=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        reason=_HANDLER.sub(r"\1", event.get("ResourceStatusReason") or ""),
        time=event["Timestamp"].timestamp(),
        own=event.get("PhysicalResourceId") == event["StackId"],
    )


def _read(found: dict[str, Any]) -> State:
    moment = found.get("LastUpdatedTime") or found.get("CreationTime")
    return State(
        name=found["StackName"],
        id=found["StackId"],
        status=found["StackStatus"],
        reason=found.get("StackStatusReason") or "",
        changed="" if moment is None else moment.isoformat(timespec="seconds"),
        outputs={output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs") or ()},
        tags={tag["Key"]: tag["Value"] for tag in found.get("Tags") or ()},
        terminable=not found.get("EnableTerminationProtection"),
    )


def deleted(access: Access, state: State, watch: Watch) -> Following:
    """Deletes a stack and waits. Raises ProviderError when something of it stays that was to go."""
    if not state.terminable:
        raise ProviderError(
            f"{state.name} has termination protection, so it cannot be deleted",
            hint=f"Turn it off: aws cloudformation update-termination-protection --no-enable-termination-protection "
            f"--stack-name {state.name}",
        )
    client = access.client("cloudformation")
    following = Following(access, state.id, watch, after=newest_event(access, state.id))
    ended = following.until_over(
        begin=lambda: client.delete_stack(StackName=state.id),
        going_on=f"{access.of} goes on deleting {state.name}. Ctrl-C again leaves it alone; "
        "`lambent deploy destroy` waits for its end.",
    )
    if ended.status != DELETED:
        raise ProviderError(
            f"{state.name} could not be deleted: {told_of(following.steps, ended)}",
            hint="What is said there has to go first; then repeat the command: it goes on where it has stopped.",
        )
    return following
