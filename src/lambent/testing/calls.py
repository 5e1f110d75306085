"""What functions ask of AWS while they are tested: other functions called, messages sent, connections written to.

    with capture_calls(answers={"pricing": {"amount": 12.5}}) as calls:
        client.post("/orders", json={"item": "tea"})
    assert calls.sent["receipts"][0].body == {"order": 1}

A listener in this process stands for Lambda, SQS and the management API of WebSocket APIs. It is found through the
environment (AWS_ENDPOINT_URL_LAMBDA and its like), so that it makes no difference which client is used.

Sources: the Lambda API's Invoke operation; the SQS API's GetQueueUrl, SendMessage and SendMessageBatch, in the AWS JSON
protocol; "Error handling in Python" of the Lambda developer guide for what a function's error looks like.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from lambent.app.client.errors import AWSError
from lambent.app.encoding import encode
from lambent.app.functions import CORRELATION as CORRELATION_OF_CALLS
from lambent.app.queues import CORRELATION as CORRELATION_OF_MESSAGES
from lambent.testing.environment import Environment
from lambent.testing.events.values import ACCOUNT, REGION, new_digits, new_uuid
from lambent.testing.gateway import gateway
from lambent.testing.listener import Listener, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lambent.testing.listener import Asked

_T = TypeVar("_T")

_FUNCTION = re.compile(
    r"(?:(?:arn:[^:]+:lambda:[^:]+:)?\d{12}:)?(?:function:)?(?P<name>[^:]+)(?::(?P<qualifier>.+))?"
)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A function was called. `payload` is decoded from JSON, `name` the function's, without ARN and qualifier.

    `type` is "RequestResponse", "Event" of calls that nobody waits for, or "DryRun".
    """

    name: str
    payload: Any
    type: str = "RequestResponse"
    qualifier: str | None = None
    correlation_id: str | None = None
    """Of calls that wait for the result: an asynchronous one cannot carry it."""


class SentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message was sent to a queue. `body` is decoded where it is JSON; `text` is as it was sent."""

    body: Any
    text: str
    attributes: dict[str, Any]
    """What the sender set, as `Message.message_attributes` has it."""
    delay: int | None = None
    """In seconds."""
    group: str | None = None
    deduplication: str | None = None
    correlation_id: str | None = None
    message_id: str = ""

    def json(self, type: type[_T]) -> _T:  # noqa: A002 - what it is
        """The text decoded from JSON as `type`: `message.json(Receipt)`. Raises msgspec.ValidationError."""
        return msgspec.json.decode(self.text, type=type)


class _Lists(dict[str, list[_T]]):
    """Lists by name; what there is nothing of is an empty list."""

    def __missing__(self, name: str) -> list[_T]:
        return []


class Calls:
    """What AWS was asked for, and has taken: neither what it refused, nor functions that there are not."""

    def __init__(self, answers: Mapping[str, Any], gone: Iterable[str]) -> None:
        self.invoked: list[Call] = []
        """Functions, in the order of their calls."""
        self.sent: dict[str, list[SentMessage]] = _Lists()
        """Messages by their queue's name."""
        self.posted: dict[str, list[Any]] = _Lists()
        """Messages by connection id, as `WebSocket.received` has them."""
        self.closed: list[str] = []
        """Ids of connections that the app has ended."""
        self.gone = set(gone)
        """Ids of connections that have ended: sending to them is ConnectionGone."""
        self._answers = answers

    # ------------------------------------------------------------ connections

    def posted_to(self, connection_id: str, message: Any) -> None:
        """A message was sent to a connection."""
        self.posted.setdefault(connection_id, []).append(message)

    def closed_one(self, connection_id: str) -> None:
        """A connection was ended."""
        self.closed.append(connection_id)

    # ------------------------------------------------------------ AWS

    def answer(self, asked: Asked) -> Reply:
        """As Lambda and SQS would."""
        try:
            url = urlsplit(asked.target)
            found = re.fullmatch(r"/2015-03-31/functions/([^/]+)/invocations", url.path)
            if found is not None:
                return self._invoke(unquote(found[1]), parse_qs(url.query).get("Qualifier"), asked)
            service, _, operation = asked.headers.get("x-amz-target", "").partition(".")
            if service == "AmazonSQS" and operation in _OPERATIONS:
                members = msgspec.json.decode(asked.body or b"{}")
                return _reply(_OPERATIONS[operation](self, members))
            what = asked.headers.get("x-amz-target") or f"{asked.method} {url.path}"
            raise AWSError("UnsupportedOperation", f"capture_calls has no answer to {what}", 400)
        except AWSError as error:
            return _refusal(error)

    def _invoke(self, told: str, qualifiers: list[str] | None, asked: Asked) -> Reply:
        parts = _FUNCTION.fullmatch(told)
        name, qualifier = (told, None) if parts is None else (parts["name"], parts["qualifier"])
        kind = asked.headers.get("x-amz-invocation-type", "RequestResponse")
        answer = self._answers.get(told, self._answers.get(name, _MISSING))
        if isinstance(answer, AWSError):
            raise answer
        if answer is _MISSING and kind == "RequestResponse":
            raise AWSError(
                "ResourceNotFoundException",
                f"Function not found: arn:aws:lambda:{_region()}:{ACCOUNT}:function:{name} "
                "(capture_calls was given no answer of it)",
                404,
            )
        call = Call(
            name=name,
            payload=msgspec.json.decode(asked.body) if asked.body else None,
            type=kind,
            qualifier=qualifiers[0] if qualifiers else qualifier,
            correlation_id=_correlation(asked.headers.get("x-amz-client-context")),
        )
        headers = {"x-amz-executed-version": "$LATEST", "x-amzn-requestid": new_uuid()}
        result: Any = None
        failed = False
        if kind == "RequestResponse":
            try:
                if isinstance(answer, BaseException):
                    raise answer
                result = encode(answer(call.payload) if callable(answer) else answer)
            except AWSError:
                raise
            except Exception as error:  # noqa: BLE001 - it is the function that has failed
                failed, result = True, _error(error, headers["x-amzn-requestid"])
        self.invoked.append(call)
        if kind != "RequestResponse":
            return Reply(202 if kind == "Event" else 204, b"", headers)
        if failed:
            headers["x-amz-function-error"] = "Unhandled"
        return Reply(200, result, headers)

    def _queue_url(self, members: dict[str, Any]) -> dict[str, Any]:
        name, owner = members["QueueName"], members.get("QueueOwnerAWSAccountId", ACCOUNT)
        answer = self._answers.get(name)
        if isinstance(answer, AWSError):
            raise answer
        return {"QueueUrl": f"https://sqs.{_region()}.amazonaws.com/{owner}/{name}"}

    def _send(self, members: dict[str, Any]) -> dict[str, Any]:
        return self._take(members["QueueUrl"].rpartition("/")[2], members)

    def _send_batch(self, members: dict[str, Any]) -> dict[str, Any]:
        queue = members["QueueUrl"].rpartition("/")[2]
        answer = self._answers.get(queue)
        if isinstance(answer, AWSError):
            raise answer
        taken, refused = [], []
        for entry in members["Entries"]:
            try:
                taken.append({"Id": entry["Id"], **self._take(queue, entry)})
            except AWSError as error:
                refused.append(
                    {
                        "Id": entry["Id"],
                        "Code": error.code,
                        "Message": error.message,
                        "SenderFault": 400 <= error.status < 500,
                    }
                )
        return {"Successful": taken, "Failed": refused}

    def _take(self, queue: str, entry: dict[str, Any]) -> dict[str, Any]:
        """A message; what SQS says of it. Raises AWSError."""
        from hashlib import md5

        text = entry["MessageBody"]
        attributes = {name: _value(one) for name, one in (entry.get("MessageAttributes") or {}).items()}
        correlation = attributes.pop(CORRELATION_OF_MESSAGES, None)
        message = SentMessage(
            body=_decoded(text),
            text=text,
            attributes=attributes,
            delay=entry.get("DelaySeconds"),
            group=entry.get("MessageGroupId"),
            deduplication=entry.get("MessageDeduplicationId"),
            correlation_id=correlation,
            message_id=new_uuid(),
        )
        answer = self._answers.get(queue)
        if isinstance(answer, AWSError):
            raise answer
        if callable(answer):
            answer(message)
        self.sent.setdefault(queue, []).append(message)
        said = {
            "MessageId": message.message_id,
            "MD5OfMessageBody": md5(text.encode(), usedforsecurity=False).hexdigest(),
        }
        if queue.endswith(".fifo"):
            said["SequenceNumber"] = new_digits(20)
        return said


_MISSING: Any = object()
_OPERATIONS = {
    "GetQueueUrl": Calls._queue_url,
    "SendMessage": Calls._send,
    "SendMessageBatch": Calls._send_batch,
}


@contextmanager
def capture_calls(answers: Mapping[str, Any] | None = None, *, gone: Iterable[str] = ()) -> Iterator[Calls]:
    """Catch calls of functions, messages to queues and to WebSocket connections within the `with` block.

    `answers` are by name. Of a function: its result, anything that is JSON; a callable that makes it of the payload; or
    an exception, which is then the function's error (`FunctionCallError`). A function without answer is not found
    unless nobody waits for it. Queues are there without answers; a callable is given each `SentMessage`. An
    `AWSError`, as an answer or raised by one, is the refusal of Lambda or SQS itself.

    `gone` are connections that have ended; all others are there.

    Within the block the environment has credentials that are good for nothing, and a region if it had none. Clients of
    boto3 look at the environment when they are made: those made before go where they went before. Other services of
    AWS are left alone.
    """
    calls = Calls(answers or {}, gone)
    listener = Listener(calls.answer)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION
    environment = Environment(
        {
            "AWS_ENDPOINT_URL_LAMBDA": listener.url,
            "AWS_ENDPOINT_URL_SQS": listener.url,
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": None,
            "AWS_SECURITY_TOKEN": None,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION") or region,
        }
    )
    gateway.open()
    gateway.watchers.append(calls)
    try:
        yield calls
    finally:
        gateway.watchers.remove(calls)
        gateway.close()
        environment.restore()
        listener.close()


def _region() -> str:
    return os.environ.get("AWS_REGION", REGION)


def _reply(document: Any) -> Reply:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": new_uuid()}
    return Reply(200, msgspec.json.encode(document), headers)


def _refusal(error: AWSError) -> Reply:
    headers = {"x-amzn-errortype": error.code, "x-amzn-requestid": error.request_id or new_uuid()}
    if "." in error.code:  # SQS's codes of its Query protocol
        headers["x-amzn-query-error"] = f"{error.code};Sender"
    document = {"__type": error.code, "message": error.message}
    return Reply(error.status or 400, msgspec.json.encode(document), headers)


def _error(error: BaseException, request_id: str) -> bytes:
    """A function's error as Lambda's runtime for Python tells it."""
    from traceback import format_tb

    return msgspec.json.encode(
        {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": request_id,
            # Without the frame of this module.
            "stackTrace": format_tb(error.__traceback__)[1:],
        }
    )


def _correlation(context: str | None) -> str | None:
    """The correlation id of a client context."""
    from binascii import a2b_base64

    if not context:
        return None
    try:
        found = msgspec.json.decode(a2b_base64(context))["custom"][CORRELATION_OF_CALLS]
    except (ValueError, KeyError, TypeError):
        return None
    return str(found)


def _value(attribute: dict[str, Any]) -> Any:
    kind = attribute["DataType"].partition(".")[0]
    if kind == "Binary":
        from binascii import a2b_base64

        return a2b_base64(attribute["BinaryValue"])
    if kind == "Number":
        from lambent.app.attribute_values import number

        return number(attribute["StringValue"])
    return attribute["StringValue"]


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return text
