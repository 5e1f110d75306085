"""The way of the operations on messages: JSON in, JSON out, no task and no future.

They are called thousands of times a second, so their requests are read into typed structs in one step, and answered
from the queue's callbacks. What cannot be read so, because it is no JSON or of the wrong types, goes the dispatcher's
way, which says what is wrong. Everything else is the same for both: `operations` has it once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from lambent.aws.errors import ServiceError
from lambent.aws.sqs import requests
from lambent.aws.sqs.callers import caller_of
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.authentication import Identity
    from lambent.aws.dispatcher import AwsDispatcher
    from lambent.aws.sqs.callers import Caller
    from lambent.aws.sqs.operations import MessageOperations
    from lambent.aws.sqs.service import SqsService
    from lambent.http import Request

_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: %s\r\n"
_TARGET: Final = b"x-amz-target"
_TRACE: Final = b"x-amzn-trace-id"
_CALLERS_KEPT: Final = 4_096

_encode: Final = msgspec.json.Encoder().encode


class _Operation(NamedTuple):
    name: str
    decode: Callable[[bytes], Any]
    run: Callable[[MessageOperations, Caller, Any, _Call], None]


class _Call:
    """One request on its way, and how it is answered."""

    __slots__ = ("_dispatcher", "_name", "_request_id", "request", "trace")

    def __init__(self, dispatcher: AwsDispatcher, request: Request, name: str, trace: str) -> None:
        self._dispatcher = dispatcher
        self._name = name
        self._request_id = new_request_id()
        self.request = request
        self.trace = trace

    def done(self, result: requests.Result | None, error: ServiceError | None) -> None:
        """Send what came of it."""
        if error is not None:
            self.refuse(error)
            return
        body = b"" if result is None else _encode(result)
        self.request.send(_HEAD % self._request_id.encode(), body)

    def refuse(self, error: ServiceError) -> None:
        """Answer with an error."""
        self._dispatcher.refuse(self.request, "sqs", self._name, self._request_id, error)

    def fail(self, fault: Exception) -> None:
        """Answer that something is wrong here."""
        self._dispatcher.fail(self.request, "sqs", self._name, self._request_id, fault)


class SqsEndpoint:
    """Answers SendMessage, ReceiveMessage, DeleteMessage, ChangeMessageVisibility and their batches in JSON.

    `handle` tells whether a request is its own; everything else belongs to the dispatcher, whose authentication and
    error answers it uses.
    """

    def __init__(self, dispatcher: AwsDispatcher, service: SqsService) -> None:
        self._dispatcher = dispatcher
        self._authenticate = dispatcher.authenticate
        self._operations = service.operations
        self._callers: dict[Identity, Caller] = {}
        self._hashing: set[asyncio.Task[None]] = set()

    def handle(self, request: Request) -> bool:
        """Take a request for one of these operations and answer it, now or later. False for any other request."""
        if request.method != b"POST":
            return False
        operation = None
        trace = ""
        for name, value in request.headers:
            if name == _TARGET:
                operation = _OPERATIONS.get(value)
                if operation is None:
                    return False
            elif name == _TRACE:
                trace = value.decode("latin-1")
        if operation is None:
            return False
        if self._dispatcher.hashes_in_thread(request):
            task = asyncio.get_running_loop().create_task(self._handle_large(request, operation, trace))
            self._hashing.add(task)
            task.add_done_callback(self._hashing.discard)
        else:
            self._handle(request, operation, trace, None)
        return True

    async def _handle_large(self, request: Request, operation: _Operation, trace: str) -> None:
        self._handle(request, operation, trace, await self._dispatcher.digest(request))

    def _handle(self, request: Request, operation: _Operation, trace: str, body_sha256: bytes | None) -> None:
        call = _Call(self._dispatcher, request, operation.name, trace)
        try:
            identity = self._authenticate(request, body_sha256)
            caller = self._callers.get(identity)
            if caller is None:
                caller = self._caller(identity)
            try:
                members = operation.decode(request.body)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                self._dispatcher.handle(request)
                return
            operation.run(self._operations, caller, members, call)
        except ServiceError as error:
            call.refuse(error)
        except Exception as fault:  # noqa: BLE001 - whatever goes wrong here, the client gets an answer
            call.fail(fault)

    def _caller(self, identity: Identity) -> Caller:
        if len(self._callers) >= _CALLERS_KEPT:
            self._callers.clear()
        caller = self._callers[identity] = caller_of(identity.account, identity.region, identity.principal)
        return caller


def _is_plain(body: bytes) -> bool:
    """Whether no text in a JSON document can hold a character that messages may not hold.

    Control characters have to be escaped in JSON, and the decoder takes no half of a surrogate pair. What is left are
    U+FFFE and U+FFFF, escaped or in UTF-8. Sure of yes; no may be wrong.
    """
    if not body.isascii() and (b"\xef\xbf\xbe" in body or b"\xef\xbf\xbf" in body):
        return False
    return b"\\" not in body or not (b"\\u" in body or b"\\b" in body or b"\\f" in body)


def _send(operations: MessageOperations, caller: Caller, members: requests.SendMessage, call: _Call) -> None:
    operations.send(caller, members, call.trace, call.done, plain=_is_plain(call.request.body))


def _send_batch(
    operations: MessageOperations, caller: Caller, members: requests.SendMessageBatch, call: _Call
) -> None:
    operations.send_batch(caller, members, call.trace, call.done, plain=_is_plain(call.request.body))


def _receive(
    operations: MessageOperations, caller: Caller, members: requests.ReceiveMessage, call: _Call
) -> None:
    operations.receive(caller, members, call.done, call.request.when_left)


def _delete(
    operations: MessageOperations, caller: Caller, members: requests.DeleteMessage, call: _Call
) -> None:
    operations.delete(caller, members, call.done)


def _delete_batch(
    operations: MessageOperations, caller: Caller, members: requests.DeleteMessageBatch, call: _Call
) -> None:
    operations.delete_batch(caller, members, call.done)


def _change(
    operations: MessageOperations, caller: Caller, members: requests.ChangeMessageVisibility, call: _Call
) -> None:
    operations.change(caller, members, call.done)


def _change_batch(
    operations: MessageOperations,
    caller: Caller,
    members: requests.ChangeMessageVisibilityBatch,
    call: _Call,
) -> None:
    operations.change_batch(caller, members, call.done)


_RUN: Final[dict[type[msgspec.Struct], Callable[[MessageOperations, Caller, Any, _Call], None]]] = {
    requests.SendMessage: _send,
    requests.SendMessageBatch: _send_batch,
    requests.ReceiveMessage: _receive,
    requests.DeleteMessage: _delete,
    requests.DeleteMessageBatch: _delete_batch,
    requests.ChangeMessageVisibility: _change,
    requests.ChangeMessageVisibilityBatch: _change_batch,
}
_OPERATIONS: Final = {
    f"AmazonSQS.{kind.__name__}".encode(): _Operation(kind.__name__, msgspec.json.Decoder(kind).decode, run)
    for kind, run in _RUN.items()
}
