"""The project's app on a platform for tests, as its tests see it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.pytest_plugin.deployment import Deployment
from lambent.pytest_plugin.waiting import wait_for
from lambent.testing import events
from lambent.testing.answers import Answer
from lambent.testing.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from lambent.pytest_plugin.sockets import Socket

    _T = TypeVar("_T")


class FunctionFailed(Exception):
    """A function has raised, timed out or died. `type`, `error` and `trace` are what Lambda says of it."""

    def __init__(self, unit: str, document: Any) -> None:
        told = document if isinstance(document, dict) else {"errorMessage": str(document)}
        self.unit = unit
        self.type = str(told.get("errorType", "Unhandled"))
        self.error = str(told.get("errorMessage", ""))
        self.trace = [str(line).rstrip("\n") for line in told.get("stackTrace") or ()]
        super().__init__("\n".join([f"{unit}: {self.type}: {self.error}", *self.trace]))


class DeployedApp(Verbs, Deployment):
    """An app that is deployed. Names are those of the code: "receipts", not "shop-test-receipts".

    `url` is that of its HTTP API, `manifest` what it consists of, `platform` where it runs.
    """

    def client(self, service: str) -> Any:
        """A client of boto3 for the platform."""
        return self.platform.client(service)

    def wait_for(self, condition: Callable[[], _T], *, timeout: float = 10.0, what: str | None = None) -> _T:
        """Ask `condition` until it is true, or has raised no AssertionError; what it gave.

        Raises AssertionError after `timeout` seconds.
        """
        return wait_for(condition, timeout=timeout, what=what)

    # ------------------------------------------------------------ calling it

    @property
    def url(self) -> str:
        """Of the HTTP API, for clients of any kind: by path, which needs no name to resolve."""
        return f"{self.platform.url}/_aws/execute-api/{self.physical('api', 'http')}/$default"

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        body: str | bytes | None = None,
        timeout: float = 30.0,
    ) -> Answer:
        """A request to the HTTP API; `path` is encoded and may have a query. `json` is anything msgspec encodes."""
        from http.client import HTTPConnection
        from urllib.parse import urlsplit

        fields = {"host": f"{self.physical('api', 'http')}.execute-api.localhost", **(headers or {})}
        if json is not None:
            if body is not None:
                raise TypeError("a request has one body: give json or body")
            body = msgspec.json.encode(json)
            fields.setdefault("content-type", "application/json")
        where = urlsplit(self.platform.url)
        connection = HTTPConnection(where.hostname or "", where.port, timeout=timeout)
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            found: dict[str, list[str]] = {}
            for name, value in answer.getheaders():
                found.setdefault(name.lower(), []).append(value)
            return Answer(answer.status, found, answer.read(), None)
        finally:
            connection.close()

    def invoke(self, unit: str, payload: Any = None) -> Any:
        """Call a function of the app by its unit's name; what it returns. Raises FunctionFailed."""
        answer = self.client("lambda").invoke(
            FunctionName=self.physical("function", unit), Payload=msgspec.json.encode(payload)
        )
        document = msgspec.json.decode(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise FunctionFailed(unit, document)
        return document

    def send(self, queue: str, message: Any, *, delay: int = 0, group: str | None = None) -> str:
        """Send a message to a queue; its id. `message` is text, or anything msgspec encodes."""
        options: dict[str, Any] = {"DelaySeconds": delay}
        if group is not None:
            options = {"MessageGroupId": group, "MessageDeduplicationId": uuid.uuid4().hex}
        answer = self.client("sqs").send_message(
            QueueUrl=self.physical("queue", queue), MessageBody=_text(message), **options
        )
        return str(answer["MessageId"])

    def publish(self, topic: str, message: Any) -> str:
        """A message to a topic; its id."""
        answer = self.client("sns").publish(TopicArn=self.physical("topic", topic), Message=_text(message))
        return str(answer["MessageId"])

    def put_object(self, bucket: str, key: str, content: str | bytes) -> None:
        """An object into a bucket."""
        self.client("s3").put_object(Bucket=self.physical("bucket", bucket), Key=key, Body=content)

    def fire(self, schedule: str) -> None:
        """The time of a schedule has come: its function is called, and not waited for, as the scheduler does it."""
        physical = self.physical("schedule", schedule)
        (trigger,) = (one for one in self.manifest.schedules if one.name == schedule)
        self.client("lambda").invoke(
            FunctionName=self.physical("function", trigger.unit),
            InvocationType="Event",
            Payload=msgspec.json.encode(events.scheduler(physical)),
        )

    def messages(self, queue: str, *, dead: bool = False) -> list[Any]:
        """Take what is in a queue, decoded where it is JSON; with `dead` what is in its dead-letter queue.

        For queues that no function takes messages from: these would be quicker.
        """
        url = self.physical("dead_letters" if dead else "queue", queue)
        sqs = self.client("sqs")
        found: list[Any] = []
        while True:
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
            if not messages:
                return found
            for message in messages:
                found.append(_decoded(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def connect(self, channel: str, *, query: str = "", headers: Mapping[str, str] | None = None) -> Socket:
        """A WebSocket connection to a channel: `with lambent_app.connect("counter") as screen: …`.

        Raises ConnectionRefused when the channel, or its authorizer, does not take it.
        """
        from lambent.pytest_plugin.sockets import Socket

        return Socket.open(
            self.platform.url, self.physical("channel", channel), self.stage, query, headers or {}
        )

    # ------------------------------------------------------------ what it has said

    def logs(self, unit: str | None = None, *, message: str | None = None) -> list[Any]:
        """What a function, or all of them, have logged, in order; each line decoded where it is JSON.

        With `message` those lines that say exactly this. Without what Lambda itself writes (START, END, REPORT).
        """
        lines = [_decoded(text) for _, _, text in self._lines(unit)]
        if message is None:
            return lines
        return [
            line for line in lines if (line.get("message") if isinstance(line, dict) else line) == message
        ]

    def told_since(self, seconds: float) -> str:
        """What the functions have logged since a time (of `time.time()`), for people to read; the last of it."""
        lines = [f"{name} │ {_readable(text)}" for _, name, text in self._lines(None, int(seconds * 1000))]
        return "\n".join(lines[-_SHOWN:])

    def _lines(self, unit: str | None, since: int = 0) -> list[tuple[int, str, str]]:
        """Lines in order: when, in milliseconds; which unit's; the text."""
        names = [unit] if unit is not None else [one.name for one in self.manifest.units]
        client = self.client("logs")
        lines: list[tuple[int, str, str]] = []
        for name in names:
            group = f"/aws/lambda/{self.physical('function', name)}"
            pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
            try:
                for page in pages:
                    lines += [
                        (event["timestamp"], name, event["message"].rstrip("\n"))
                        for event in page["events"]
                        if not event["message"].startswith(_OF_LAMBDA)
                    ]
            except client.exceptions.ResourceNotFoundException:
                continue  # it has not run yet
        lines.sort(key=lambda line: line[0])
        return lines

    def __repr__(self) -> str:
        name = "" if self._manifest is None else f" {self._manifest.app}-{self.stage}"
        return f"<DeployedApp{name} on {self.platform.url}>"


_SHOWN: Final = 200
_TRACE: Final = "exception"
_OF_EACH: Final = frozenset(
    {
        "level",
        "location",
        "message",
        "timestamp",
        "service",
        "cold_start",
        "function_name",
        "function_memory_size",
        "function_arn",
        "function_request_id",
        "correlation_id",
        "xray_trace_id",
        "exception_name",
        _TRACE,
    }
)
"""Members of log lines that the framework's logger writes: those that are not shown to people beside the message."""

_OF_LAMBDA: Final = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


def _text(message: Any) -> str:
    return message if isinstance(message, str) else msgspec.json.encode(message).decode()


def _readable(text: str) -> str:
    """A line of JSON as a person reads it: its message, and what else it has to say."""
    line = _decoded(text)
    if not isinstance(line, dict) or "message" not in line:
        return text
    said = f"{line.get('level', '')} {line['message']}".lstrip()
    said += "".join(f"  {key}={value}" for key, value in line.items() if key not in _OF_EACH)
    return f"{said}\n{line[_TRACE]}" if line.get(_TRACE) else said


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
