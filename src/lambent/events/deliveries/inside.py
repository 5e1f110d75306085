"""Targets on this platform: queues, functions and buses take what they get in the deliverer's own transaction.

Without a role it is their resource policy that lets the deliverer in, as on AWS ("Using resource-based policies for
EventBridge"); in another account it is, whoever comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from lambent.events.access import queue_admits, role_session
from lambent.events.deliveries.arns import Arn, parse_arn
from lambent.events.deliveries.message_attributes import digest_of
from lambent.events.deliveries.parcel import Undeliverable
from lambent.events.queues.errors import MissingParameter, QueueError, QueueNotFound
from lambent.events.queues.message import NewMessage
from lambent.functions import FunctionError
from lambent.functions.authorization import permits
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.events.bus import Buses
    from lambent.events.deliveries.parcel import Parcel
    from lambent.events.queues import Queues
    from lambent.events.queues.queue import Queue
    from lambent.functions import Target
    from lambent.invocation.async_queue import AsyncQueue
    from lambent.invocation.invoker import Invoker
    from lambent.store.staged import Staged

    Warn: TypeAlias = Callable[..., None]


class Inside:
    """What takes parcels here, but for the services that are `elsewhere`.

    Where policies are not to be enforced, what has none at all takes parcels of its own account, and `warn` says what
    AWS would want.
    """

    def __init__(
        self,
        queues: Queues,
        events: AsyncQueue,
        invoker: Invoker,
        *,
        elsewhere: frozenset[str],
        enforce: bool,
        warn: Warn,
    ) -> None:
        self.buses: Buses | None = None
        self._enforce = enforce
        self._warn = warn
        self._elsewhere = elsewhere
        self._queues = queues
        self._events = events
        self._invoker = invoker

    def stage(self, parcel: Parcel) -> Staged | None:
        """A parcel handed over to its target; None when that is somewhere else. Raises Undeliverable."""
        arn = parse_arn(parcel.target_arn)
        if arn is None:
            raise Undeliverable("INVALID_PARAMETER", f"{parcel.target_arn} is not an ARN")
        if arn.service in self._elsewhere:
            return None
        if arn.service == "sqs":
            return self._to_queue(parcel, arn)
        if arn.service == "lambda":
            return self._to_function(parcel, arn)
        if arn.service == "events" and arn.resource.startswith("event-bus/") and self.buses is not None:
            return self.buses.stage_delivery(parcel)
        return None

    def _refuse(self, parcel: Parcel, arn: Arn, refusal: Undeliverable, *, has_policy: bool) -> None:
        """Raise a refusal, or say that AWS would."""
        if self._enforce or has_policy or arn.account != parcel.account:
            raise refusal
        self._warn(parcel, refusal.code, "delivered, where AWS would not: %s", refusal.message)

    def check(self, parcel: Parcel) -> None:
        """Raise Undeliverable if a queue or function of this platform would not take parcels like this one."""
        arn = parse_arn(parcel.target_arn)
        if arn is None:
            raise Undeliverable("INVALID_PARAMETER", f"{parcel.target_arn} is not an ARN")
        if arn.service in self._elsewhere:
            return
        if arn.service == "sqs":
            queue = self._queue(parcel)
            if self._enforce or queue.settings.policy or arn.account != parcel.account:
                self._enter_queue(parcel, arn, queue)
        elif arn.service == "lambda":
            target = self._target(parcel, arn)
            if self._enforce or _has_policy(target) or arn.account != parcel.account:
                self._enter_function(parcel, arn, target)

    def _queue(self, parcel: Parcel) -> Queue:
        try:
            return self._queues.by_arn(parcel.target_arn)
        except QueueNotFound as error:
            raise Undeliverable(
                "NO_RESOURCE", str(error), "AWS.SimpleQueueService.NonExistentQueue"
            ) from error

    def _enter_queue(self, parcel: Parcel, arn: Arn, queue: Queue) -> None:
        who = _principal(parcel)
        if not _at_home(parcel, arn) and not queue_admits(
            queue.settings.policy or "", queue.arn, "sqs:SendMessage", who, parcel.account, parcel.source_arn
        ):
            refusal = Undeliverable(
                "NO_PERMISSIONS",
                f"the policy of the queue {queue.name} does not let {who} send messages: it needs a"
                f" statement that allows sqs:SendMessage for the principal {_stated(parcel)} on"
                f" {queue.arn}{_on_condition(parcel)}",
                "AccessDenied",
            )
            self._refuse(parcel, arn, refusal, has_policy=bool(queue.settings.policy))

    def _to_queue(self, parcel: Parcel, arn: Arn) -> Staged:
        queue = self._queue(parcel)
        self._enter_queue(parcel, arn, queue)
        options = parcel.options
        attributes = options.get("MessageAttributes")
        encoded = msgspec.json.encode(attributes) if attributes else b""
        # Also the attributes of a message count; names, types and values, which are nearly all of this.
        size = len(parcel.body.encode()) + len(encoded)
        if size > queue.settings.maximum_bytes:
            raise Undeliverable(
                "INVALID_PARAMETER",
                f"{size} bytes are more than a message of the queue {queue.name} may have"
                f" ({queue.settings.maximum_bytes})",
                "InvalidParameterValue",
            )
        message = NewMessage(
            body=parcel.body,
            attributes=encoded,
            delay_s=None,
            group=options.get("MessageGroupId"),
            deduplication_id=options.get("MessageDeduplicationId"),
            trace=_shown_trace(parcel),
            sender=parcel.principal,
            lineage=parcel.trace,
            md5_attributes=digest_of(attributes) if attributes else "",
        )
        try:
            return queue.stage([message])[1]
        except QueueError as error:
            raise Undeliverable("INVALID_PARAMETER", str(error), _sqs_code(error)) from error

    def _target(self, parcel: Parcel, arn: Arn) -> Target:
        kind, _, named = arn.resource.partition(":")
        name, _, qualifier = named.partition(":")
        if kind != "function":
            raise Undeliverable("INVALID_PARAMETER", f"{parcel.target_arn} is not the ARN of a function")
        try:
            return self._invoker.registry.resolve(arn.account, arn.region, name, qualifier or None)
        except FunctionError as error:
            raise Undeliverable("NO_RESOURCE", str(error), "ResourceNotFoundException") from error

    def _enter_function(self, parcel: Parcel, arn: Arn, target: Target) -> None:
        who = _principal(parcel)
        context = {"aws:SourceArn": parcel.source_arn, "aws:SourceAccount": parcel.account}
        if not _at_home(parcel, arn) and not permits(target, who, "lambda:InvokeFunction", context):
            name, _, qualifier = arn.resource.removeprefix("function:").partition(":")
            named = f"{name} --qualifier {qualifier}" if qualifier else name
            refusal = Undeliverable(
                "NO_PERMISSIONS",
                f"the resource policy of {parcel.target_arn} does not let {who} invoke it: allow it with"
                f" aws lambda add-permission --function-name {named} --action lambda:InvokeFunction"
                f" {_options(parcel)} --statement-id …",
                "AccessDeniedException",
            )
            self._refuse(parcel, arn, refusal, has_policy=_has_policy(target))

    def _to_function(self, parcel: Parcel, arn: Arn) -> Staged:
        target = self._target(parcel, arn)
        self._enter_function(parcel, arn, target)
        try:
            # What a transformer makes may be any text; functions are called with JSON.
            msgspec.json.decode(parcel.body, type=msgspec.Raw)
        except msgspec.DecodeError as error:
            raise Undeliverable(
                "INVALID_JSON", f"the input is not JSON: {error}", "InvalidRequestContentException"
            ) from error
        qualifier = arn.resource.removeprefix("function:").partition(":")[2]
        return self._events.stage(
            target, qualifier or None, parcel.body.encode(), new_request_id(), parcel.trace, b""
        )


def _has_policy(target: Target) -> bool:
    own = target.invoked_arn.removeprefix(target.function.arn).removeprefix(":")
    return own in target.function.policies


def _at_home(parcel: Parcel, arn: Arn) -> bool:
    """Whether somebody comes in a role of the target's own account. What the role may do is not looked at."""
    return parcel.role_arn is not None and arn.account == parcel.account


def _principal(parcel: Parcel) -> str:
    """Who delivers, as policies see it."""
    if parcel.role_arn is None:
        return parcel.principal
    return role_session(parcel.account, parcel.region, parcel.role_arn)


def _stated(parcel: Parcel) -> str:
    """The principal of a statement that lets a parcel in."""
    if parcel.role_arn is None:
        return f'{{"Service": "{parcel.principal}"}}'
    return f'{{"AWS": "{parcel.account}"}}'


def _on_condition(parcel: Parcel) -> str:
    return "" if parcel.role_arn else f", for example on condition that aws:SourceArn is {parcel.source_arn}"


def _options(parcel: Parcel) -> str:
    """The options of `add-permission` that let a parcel in."""
    if parcel.role_arn is None:
        return f"--principal {parcel.principal} --source-arn {parcel.source_arn}"
    return f"--principal {parcel.account}"


def _shown_trace(parcel: Parcel) -> str:
    """The header that receivers see. Records and dead letters of functions that are not traced have none.

    Recorded: LocalStack's `test_retries` and `test_maxeventage` of destinations, in whose messages are four system
    attributes. What the header says of the events before this one stays with the message all the same.
    """
    hidden = parcel.principal == "lambda.amazonaws.com" and "Sampled=1" not in parcel.trace
    return "" if hidden else parcel.trace


def _sqs_code(error: QueueError) -> str:
    return "MissingParameter" if isinstance(error, MissingParameter) else "InvalidParameterValue"
