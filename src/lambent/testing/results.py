"""What comes of events that are not requests, as whoever sent them learns it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Failure(msgspec.Struct, frozen=True):
    """A message or record that is delivered again: its place in the batch, its id, and what the test had sent."""

    index: int
    id: str
    message: Any


class BatchResult:
    """What Lambda does after a batch: `failures` come again, `successes` do not.

    Of a stream everything comes again from the first failed record on. `result` is what the function itself returned,
    `state` that of a tumbling window.
    """

    __slots__ = ("failures", "result", "successes")

    def __init__(self, sent: Sequence[Any], ids: Sequence[str], result: Any, *, ordered: bool) -> None:
        self.result = result
        failed = _failed(ids, result)
        if ordered and failed:
            failed = set(range(min(failed), len(ids)))
        self.failures = [Failure(index, ids[index], sent[index]) for index in sorted(failed)]
        self.successes = [message for index, message in enumerate(sent) if index not in failed]

    @property
    def ok(self) -> bool:
        """Whether nothing comes again."""
        return not self.failures

    @property
    def failed(self) -> list[int]:
        """The places of what comes again."""
        return [failure.index for failure in self.failures]

    @property
    def state(self) -> dict[str, Any]:
        """The state of the tumbling window after the batch."""
        return (self.result or {}).get("state") or {}

    def __repr__(self) -> str:
        return f"<BatchResult {len(self.successes)} handled, again: {self.failures}>"


def _failed(ids: Sequence[str], result: Any) -> set[int]:
    """Places of what a result reports as failed: everything, if it names what was not in the batch.

    Source: "Implementing partial batch responses" of the Lambda developer guide.
    """
    reported = result.get("batchItemFailures") if isinstance(result, dict) else None
    places = {each: index for index, each in enumerate(ids)}
    failed = set()
    for item in reported or ():
        index = places.get(str(item.get("itemIdentifier"))) if isinstance(item, dict) else None
        if index is None:
            return set(range(len(ids)))
        failed.add(index)
    return failed


class ResourceAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    """What CloudFormation is told of a custom resource. `status` is "SUCCESS" or "FAILED", `data` its attributes."""

    status: str
    physical_resource_id: str
    reason: str | None = None
    no_echo: bool = False
    data: dict[str, Any] = {}

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.status == "SUCCESS"


class Authorization:
    """What API Gateway makes of an authorizer's answer: `status` is 200, 401 or 403.

    `principal` and `context` are what the API's functions are told. `result` is what the function itself returned.
    """

    __slots__ = ("context", "principal", "result", "status")

    def __init__(self, event: dict[str, Any], result: Any) -> None:
        """`result` is the function's, None when it raised "Unauthorized"."""
        self.result = result
        answer = result or {}
        self.context: dict[str, Any] = answer.get("context") or {}
        self.principal: str | None = answer.get("principalId") or self.context.get("principalId")
        if result is None:
            self.status = 401
        elif "policyDocument" in answer:
            asked = event.get("methodArn") or event.get("routeArn") or ""
            self.status = 200 if _allows(answer["policyDocument"], asked) else 403
        else:
            self.status = 200 if answer.get("isAuthorized") is True else 403

    @property
    def allowed(self) -> bool:
        """Whether the request goes on to the API's function."""
        return self.status == 200

    def __repr__(self) -> str:
        return f"<Authorization {self.status} {self.principal or ''} {self.context}>"


def _allows(policy: dict[str, Any], asked: str) -> bool:
    """Whether a policy allows a method: some statement does, and none denies it."""
    effects = set()
    for statement in _several(policy.get("Statement")):
        actions, resources = _several(statement.get("Action")), _several(statement.get("Resource"))
        if any(_fits(one, "execute-api:Invoke", re.IGNORECASE) for one in actions) and any(
            _fits(one, asked) for one in resources
        ):
            effects.add(statement.get("Effect"))
    return effects == {"Allow"}


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _fits(pattern: str, text: str, flags: int = 0) -> bool:
    """Whether a text fits IAM's wildcards, `*` and `?`."""
    translated = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(translated, text, flags | re.DOTALL) is not None
