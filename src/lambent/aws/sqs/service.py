"""SQS by its model: every operation, for both protocols.

Operations on messages come this way when their request is not in plain JSON, or not as it should be; they are the
endpoint's own (`operations`). The recordings named are those of LocalStack's TestSqsProvider and test_sqs_move_task.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import msgspec

from lambent.aws.model import load_model
from lambent.aws.service import Service
from lambent.aws.sqs import message_attributes, moves, pages, permissions, requests
from lambent.aws.sqs.addresses import url_of
from lambent.aws.sqs.callers import Caller, Doors, caller_of
from lambent.aws.sqs.errors import invalid, invalid_value, missing, translated, unavailable
from lambent.aws.sqs.operations import MessageOperations
from lambent.events.queues import InvalidAttributeName, QueueError, QueueNotFound
from lambent.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.aws.context import RequestContext
    from lambent.aws.sqs.operations import Done
    from lambent.aws.sqs.requests import Result
    from lambent.events.queues import Queue, Queues

Members = dict[str, Any]
Read = TypeVar("Read", bound=msgspec.Struct)
Answer = TypeVar("Answer")

_MOST_TAGS: Final = 50


@functools.cache
def _attributes() -> frozenset[str]:
    # When it is first asked for: the model takes longer to read than everything else here.
    return frozenset(load_model("sqs").shape_models["QueueAttributeName"]["enum"])


class SqsService(Service):
    """SQS over the queues of the platform."""

    name: ClassVar[str] = "sqs"

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._doors = Doors(queues)
        self.operations = MessageOperations(self._doors)
        """Those on messages, which the endpoint has in common with this service."""

    # ------------------------------------------------------------ queues

    async def create_queue(self, context: RequestContext, request: Members) -> Members:
        """A queue; one that is there with these attributes is told as if it were new."""
        caller = _caller(context)
        name = _needed(request, "QueueName")
        attributes = _without_nulls(request.get("Attributes") or {})
        tags = request.get("tags") or {}
        _check_tags(name, tags)
        queue = await _kept(self._queues.create(caller.account, caller.region, name, attributes, tags))
        return {"QueueUrl": url_of(queue, context.reached_at)}

    async def get_queue_url(self, context: RequestContext, request: Members) -> Members:
        """A queue of the caller's account, or of another one that lets him ask."""
        caller = _caller(context)
        owner = request.get("QueueOwnerAWSAccountId") or caller.account
        try:
            queue = self._queues.queue(owner, caller.region, _needed(request, "QueueName"))
        except QueueNotFound as error:
            raise translated(error) from None
        if owner != caller.account:
            self._doors.ask(caller, queue, "GetQueueUrl")
        return {"QueueUrl": url_of(queue, context.reached_at)}

    async def list_queues(self, context: RequestContext, request: Members) -> Members:
        """The caller's queues by name, whose names begin with a prefix."""
        caller = _caller(context)
        prefix = request.get("QueueNamePrefix") or ""
        found = [
            one for one in self._queues.queues(caller.account, caller.region) if one.name.startswith(prefix)
        ]
        page, token = pages.page(found, request.get("MaxResults"), request.get("NextToken"))
        return {"QueueUrls": _urls(page, context) or None, "NextToken": token}

    async def delete_queue(self, context: RequestContext, request: Members) -> None:
        """With everything in it."""
        await _kept(self._queues.delete(self._own(context, request)))

    async def purge_queue(self, context: RequestContext, request: Members) -> None:
        """Every message goes, also those that somebody holds."""
        queue = self._doors.queue(_caller(context), request.get("QueueUrl"), "PurgeQueue")
        await _kept(self._queues.purge(queue))

    async def list_dead_letter_source_queues(self, context: RequestContext, request: Members) -> Members:
        """The queues whose dead letters go to this one."""
        queue = self._doors.queue(_caller(context), request.get("QueueUrl"), "ListDeadLetterSourceQueues")
        found = self._queues.sources(queue)
        page, token = pages.page(found, request.get("MaxResults"), request.get("NextToken"))
        return {"queueUrls": _urls(page, context), "NextToken": token}

    # ------------------------------------------------------------ attributes, tags, permissions

    async def get_queue_attributes(self, context: RequestContext, request: Members) -> Members:
        """Those that are asked for, as far as the queue has them."""
        queue = self._doors.queue(_caller(context), request.get("QueueUrl"), "GetQueueAttributes")
        names = _without_nulls(request).get("AttributeNames") or ()
        if not names:
            return {}
        for name in names:
            if name not in _attributes():
                raise translated(InvalidAttributeName(f"Unknown Attribute {name}."))
        found = queue.attributes()
        if "All" not in names:
            found = {name: found[name] for name in names if name in found}
        return {"Attributes": found or None}

    async def set_queue_attributes(self, context: RequestContext, request: Members) -> None:
        """An empty text removes an attribute where it can be removed."""
        queue = self._own(context, request)
        attributes = _without_nulls(request).get("Attributes")
        if attributes is None:
            raise missing("Attributes")
        await _kept(self._queues.set_attributes(queue, attributes))

    async def tag_queue(self, context: RequestContext, request: Members) -> None:
        """New values take the place of old ones."""
        queue = self._own(context, request)
        tags = request.get("Tags")
        if not tags:
            raise missing("Tags")

        def change(old: dict[str, str]) -> dict[str, str]:
            new: dict[str, str] = old | tags
            _check_tags(queue.name, new)
            return new

        await _kept(self._queues.retag(queue, change))

    async def untag_queue(self, context: RequestContext, request: Members) -> None:
        """Keys that are not there do not matter."""
        queue = self._own(context, request)
        keys = _without_nulls(request).get("TagKeys")
        if keys is None:
            raise missing("TagKeys")
        if not keys:
            raise invalid("Tag keys must be between 1 and 128 characters in length.")
        await _kept(
            self._queues.retag(
                queue, lambda old: {key: value for key, value in old.items() if key not in keys}
            )
        )

    async def list_queue_tags(self, context: RequestContext, request: Members) -> Members:
        """Without tags there is no member."""
        return {"Tags": self._own(context, request).tags or None}

    async def add_permission(self, context: RequestContext, request: Members) -> None:
        """A statement of the queue's policy that lets other accounts do something."""
        queue = self._own(context, request)
        said = _without_nulls(request)
        policy = permissions.with_permission(
            queue, said.get("Label"), said.get("AWSAccountIds"), said.get("Actions")
        )
        await _kept(self._queues.set_attributes(queue, {"Policy": policy}))

    async def remove_permission(self, context: RequestContext, request: Members) -> None:
        """The statement with that label goes."""
        queue = self._own(context, request)
        policy = permissions.without_permission(queue, request.get("Label"))
        await _kept(self._queues.set_attributes(queue, {"Policy": policy}))

    # ------------------------------------------------------------ moves of messages

    async def start_message_move_task(self, context: RequestContext, request: Members) -> Members:
        """From a queue for dead letters to where they came from, or to another queue."""
        return await _kept(moves.start(self._queues, _caller(context), request))

    async def cancel_message_move_task(self, context: RequestContext, request: Members) -> Members:
        """What has been moved stays where it is."""
        return await _kept(moves.cancel(self._queues, _caller(context), request))

    async def list_message_move_tasks(self, context: RequestContext, request: Members) -> Members:
        """The latest ones of a queue, at most ten."""
        return moves.listed(self._queues, _caller(context), request)

    # ------------------------------------------------------------ messages

    async def send_message(self, context: RequestContext, request: Members) -> Members:
        """One message, durable when it is answered."""
        read = _read(request, requests.SendMessage)
        return await _answered(lambda done: self.operations.send(_caller(context), read, context.trace, done))

    async def send_message_batch(self, context: RequestContext, request: Members) -> Members:
        """Up to ten messages."""
        read = _read(request, requests.SendMessageBatch)
        return await _answered(
            lambda done: self.operations.send_batch(_caller(context), read, context.trace, done)
        )

    async def receive_message(self, context: RequestContext, request: Members) -> Members:
        """Up to ten messages; waits for them as long as is asked."""
        read = _read(request, requests.ReceiveMessage)
        old_names_win = context.protocol == "query"
        return await _answered(
            lambda done: self.operations.receive(
                _caller(context), read, done, context.when_left, old_names_win=old_names_win
            )
        )

    async def delete_message(self, context: RequestContext, request: Members) -> Members:
        """Durable when it is answered."""
        read = _read(request, requests.DeleteMessage)
        return await _answered(lambda done: self.operations.delete(_caller(context), read, done))

    async def delete_message_batch(self, context: RequestContext, request: Members) -> Members:
        """Up to ten messages."""
        read = _read(request, requests.DeleteMessageBatch)
        return await _answered(lambda done: self.operations.delete_batch(_caller(context), read, done))

    async def change_message_visibility(self, context: RequestContext, request: Members) -> Members:
        """Counted from now."""
        read = _read(request, requests.ChangeMessageVisibility)
        return await _answered(lambda done: self.operations.change(_caller(context), read, done))

    async def change_message_visibility_batch(self, context: RequestContext, request: Members) -> Members:
        """Of up to ten messages."""
        read = _read(request, requests.ChangeMessageVisibilityBatch)
        return await _answered(lambda done: self.operations.change_batch(_caller(context), read, done))

    def _own(self, context: RequestContext, request: Members) -> Queue:
        return self._doors.own_queue(_caller(context), request.get("QueueUrl"), context.operation)


def _caller(context: RequestContext) -> Caller:
    return caller_of(context.account, context.region, context.principal)


def _needed(request: Members, name: str) -> str:
    value = request.get(name)
    if not value:
        raise missing(name)
    return str(value)


def _urls(queues: list[Queue], context: RequestContext) -> list[str]:
    return [url_of(queue, context.reached_at) for queue in queues]


def _check_tags(name: str, tags: dict[str, str]) -> None:
    for key, value in tags.items():
        if value is None:
            raise invalid_value("null", f"Tag.{key}", "Tag values must not be null.")
        if message_attributes.INVALID_CHARACTERS.search(key + value):
            raise invalid(message_attributes.CHARACTERS_WORDS)
    if len(tags) > _MOST_TAGS:
        raise invalid(f"Too many tags added for queue {name}.")


async def _kept(work: Awaitable[Answer]) -> Answer:
    """What comes of work below, its refusals as SQS answers them."""
    try:
        return await work
    except QueueError as error:
        raise translated(error) from None
    except StoreError as error:
        raise unavailable(error) from None


def _read(request: Members, kind: type[Read]) -> Read:
    return msgspec.convert(_without_nulls(request), kind)


def _without_nulls(value: Any) -> Any:
    """What a request says: nulls in lists and maps say nothing, as nulls elsewhere."""
    if isinstance(value, list):
        return [_without_nulls(one) for one in value if one is not None]
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return value


async def _answered(start: Callable[[Done], object]) -> Members:
    """The members of what an operation answers."""
    answer: asyncio.Future[Members] = asyncio.get_running_loop().create_future()

    def done(result: Result | None, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(_members(result))

    start(done)
    return await answer


def _members(result: Result | None) -> Members:
    if result is None:
        return {}
    attributes: list[bytes | None] = []
    if isinstance(result, requests.ReceiveMessageResult):
        for message in result.messages or ():
            raw, message.message_attributes = message.message_attributes, None
            attributes.append(bytes(raw) if raw is not None else None)
    members: Members = msgspec.to_builtins(result)
    for message, encoded in zip(members.get("Messages") or (), attributes, strict=True) if attributes else ():
        if encoded is not None:
            message["MessageAttributes"] = msgspec.to_builtins(
                message_attributes.decoded(encoded), builtin_types=(bytes,)
            )
    return members
