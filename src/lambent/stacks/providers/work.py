"""What a provider is given for one step: the Work of `provider.py`, as the engine makes it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from lambent.neighbours.service_calls import ServiceCall, ServiceFailure

if TYPE_CHECKING:
    from lambent.clock import Clock
    from lambent.neighbours.service_calls import AskService
    from lambent.stacks.providers.provider import Properties, StackIdentity

Initiated: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[None]]
"""Keeps what a step has begun to make; durable when it returns."""

Result = TypeVar("Result")

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LOWER: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_RANDOM: Final = 12
_IN_DOUBT: Final = 500
_UNSERVED: Final = 501
_LOOKS: Final = ("BatchGet", "Describe", "Get", "Head", "List")
"""How operations begin that change nothing."""


class StepCancelled(Exception):
    """The step is not to go on: another has failed, or somebody has cancelled the operation."""


class StepInterrupted(Exception):
    """The step is to be done again at the next start: the platform ends, or what the step waits for does."""


class StepWork:
    """One step for one resource. Members and methods are described in `provider.Work`.

    `old_tags`: the stack's at the deployment of `old`, for an update. `touched`: it may have changed something, as
    services have been asked to and have not refused.

    A test of a provider makes it with the members that matter; `initiated` is only kept in the work then.
    """

    def __init__(
        self,
        ask: AskService,
        clock: Clock,
        stack: StackIdentity,
        logical_id: str,
        type: str,  # noqa: A002 - the member's name
        properties: Properties,
        *,
        token: str,
        old: Properties | None = None,
        physical_id: str = "",
        attributes: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
        old_tags: dict[str, str] | None = None,
        again: bool = False,
        metadata: dict[str, Any] | None = None,
        update_policy: dict[str, Any] | None = None,
        keep: Initiated | None = None,
    ) -> None:
        self.stack = stack
        self.logical_id = logical_id
        self.type = type
        self.properties = properties
        self.old: Properties = {} if old is None else old
        self.physical_id = physical_id
        self.attributes: dict[str, Any] = {} if attributes is None else attributes
        self.tags: dict[str, str] = {} if tags is None else tags
        self.old_tags = self.tags if old_tags is None else old_tags
        self.token = token
        self.again = again
        self.metadata: dict[str, Any] = {} if metadata is None else metadata
        self.update_policy: dict[str, Any] = {} if update_policy is None else update_policy
        self.clock = clock
        self._ask = ask
        self._keep = keep
        self.touched = again
        self._told = bool(physical_id)
        self._calls = 0
        self._cancelled = False
        self._interrupted = False
        self._waiting: set[asyncio.Future[None]] = set()
        self._task: asyncio.Future[Any] | None = None

    async def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        given = {name: value for name, value in parameters.items() if value is not None}
        stack = self.stack
        self._calls += 1
        refused = operation.startswith(_LOOKS)
        try:
            return await self._ask(
                ServiceCall(service, operation, given, stack.region, stack.account, stack.role)
            )
        except ServiceFailure as failure:
            refused = refused or failure.status < _IN_DOUBT or failure.status == _UNSERVED
            raise
        finally:
            self.touched = self.touched or not refused
            self._calls -= 1
            if self._cancelled or self._interrupted:
                self._give_up()

    async def run(self, doing: Coroutine[Any, Any, Result]) -> Result:
        """Await what a provider does. Raises StepCancelled, StepInterrupted when `cancel`, `interrupt` has ended it."""
        task: asyncio.Task[Result] = asyncio.ensure_future(doing)
        self._task = task
        try:
            return await task
        except asyncio.CancelledError:
            mine = asyncio.current_task()
            if mine is None or not mine.cancelling():
                if self._cancelled:
                    raise StepCancelled from None
                if self._interrupted:
                    raise StepInterrupted from None
            raise
        finally:
            task.cancel()

    def cancel(self) -> None:
        """End waiting. What a service is being asked for is awaited, so that nothing is made that nobody knows of."""
        self._cancelled = True
        for woken in self._waiting:
            _wake(woken)
        self._give_up()

    def interrupt(self) -> None:
        """End waiting as well, of what is known well enough to be gone on with when it is done again."""
        self._interrupted = True
        self._give_up()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` has been called."""
        return self._cancelled

    def _give_up(self) -> None:
        if self._told and self._calls == 0 and self._task is not None:
            self._task.cancel()

    def name(self, limit: int, *, lower: bool = False, separator: str = "-", suffix: str = "") -> str:
        return generated_name(
            self.stack.name,
            self.logical_id,
            self.token,
            limit,
            lower=lower,
            separator=separator,
            suffix=suffix,
        )

    async def initiated(self, physical_id: str, attributes: dict[str, Any] | None = None) -> None:
        self.physical_id = physical_id
        self.attributes = {} if attributes is None else attributes
        self._told = self.touched = True
        if self._keep is not None:
            await self._keep(physical_id, self.attributes)

    async def sleep(self, seconds: float) -> None:
        if self._cancelled:
            raise StepCancelled
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        timer = self.clock.at_steady(self.clock.steady_ms() + round(seconds * 1000), _wake, woken)
        try:
            await woken
        finally:
            timer.cancel()
            self._waiting.discard(woken)
        if self._cancelled:
            raise StepCancelled

    def merged_tags(self, own: Any = None) -> dict[str, str]:
        if not own:
            return dict(self.tags)
        if isinstance(own, dict):
            return {**self.tags, **{str(key): str(value) for key, value in own.items()}}
        return {**self.tags, **{str(tag["Key"]): str(tag.get("Value", "")) for tag in own}}


def generated_name(
    stack: str,
    logical_id: str,
    token: str,
    limit: int,
    *,
    lower: bool = False,
    separator: str = "-",
    suffix: str = "",
) -> str:
    """`stack-logicalId-abcdEFGH1234`, of at most `limit` characters: the longer of both names gives way first.

    As on AWS, where a generated name has twelve letters and digits at its end
    (AWSCloudFormation/latest/UserGuide/aws-properties-name.html). They are those of the token, so the same again.
    """
    digest = int.from_bytes(hashlib.sha256(f"{token}/{logical_id}".encode()).digest())
    digits = _LOWER if lower else _DIGITS
    random = ""
    for _ in range(_RANDOM):
        digest, digit = divmod(digest, len(digits))
        random += digits[digit]
    room = max(2, limit - _RANDOM - 2 * len(separator) - len(suffix))
    half = room // 2
    if len(stack) + len(logical_id) > room:
        kept = max(half, room - len(logical_id))
        stack = stack[:kept]
        logical_id = logical_id[: room - len(stack)]
    name = f"{stack}{separator}{logical_id}{separator}{random}"
    if lower:
        name = name.lower()
    return (
        (name + suffix)
        if len(name) + len(suffix) <= limit
        else name[len(name) - limit + len(suffix) :] + suffix
    )


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
