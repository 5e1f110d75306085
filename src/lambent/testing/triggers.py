"""The client's methods for events that are not requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from lambent.testing import events
from lambent.testing.listener import Listener, Reply
from lambent.testing.results import Authorization, BatchResult, ResourceAnswer
from lambent.testing.websocket import WebSocket

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lambent.testing.answers import Source
    from lambent.testing.listener import Asked


class Triggers:
    """What the client has besides HTTP. Options that a method does not name are those of the event's factory.

    Exceptions of the app are raised, unless its protocol reports failures otherwise.
    """

    source: Source

    def invoke(self, payload: Any = None, *, context: Any = None) -> Any:
        raise NotImplementedError

    # ------------------------------------------------------------ batches

    def send(self, queue: str, messages: Iterable[Any], **options: Any) -> BatchResult:
        """Messages of a queue, in one batch: bodies, or `SQSMessage`s. A queue is FIFO if its name ends in `.fifo`;
        `group` is the message group of those that have none of their own.
        """
        sent = list(messages)
        event = events.sqs(sent, queue=queue, **options)
        ids = [record["messageId"] for record in event["Records"]]
        return BatchResult(sent, ids, self.invoke(event), ordered=False)

    def stream(self, stream: str, records: Iterable[Any], **options: Any) -> BatchResult:
        """Records of a Kinesis stream's shard, in one batch: data, or `KinesisRecord`s. `window` is a `Window`."""
        sent = list(records)
        event = events.kinesis(sent, stream=stream, **options)
        ids = [record["kinesis"]["sequenceNumber"] for record in event["Records"]]
        return BatchResult(sent, ids, self.invoke(event), ordered=True)

    def table_change(self, table: str, *, new: Any = None, old: Any = None, **options: Any) -> BatchResult:
        """An item of a table was added (`new`), changed (both) or removed (`old`). See `table_changes`."""
        return self.table_changes(table, [(old, new)], **options)

    def table_changes(self, table: str, changes: Iterable[tuple[Any, Any]], **options: Any) -> BatchResult:
        """Changes of a table's items, each `(old, new)`, in one batch.

        Items are mappings, or anything that msgspec makes one of. `keys` names the attributes of their keys, by default
        `("id",)`.
        """
        sent = [(_item(old), _item(new)) for old, new in changes]
        event = events.dynamodb_stream(sent, table=table, **options)
        ids = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        return BatchResult(sent, ids, self.invoke(event), ordered=True)

    # ------------------------------------------------------------ single events

    def publish(self, topic: str, message: Any, **options: Any) -> Any:
        """A message of a topic. Options are `subject` and `attributes`, among others."""
        return self.invoke(events.sns(message, topic=topic, **options))

    def put_object(self, bucket: str, key: str, **options: Any) -> Any:
        """An object was put into a bucket. Options are `size` (bytes) and `etag`, among others."""
        return self.invoke(events.s3(bucket, key, **options))

    def remove_object(self, bucket: str, key: str, **options: Any) -> Any:
        """An object was removed from a bucket."""
        return self.invoke(events.s3(bucket, key, **{"event": "ObjectRemoved:Delete", **options}))

    def event(self, detail: Any = None, **options: Any) -> Any:
        """An event of a bus. Options are `source`, `detail_type` and `resources`, among others."""
        return self.invoke(events.eventbridge(detail, **options))

    def tick(self, name: str = "rule", *, scheduler: bool = False, **options: Any) -> Any:
        """The time of a schedule has come. `name` is that of the rule: the handler's, unless it was given one.

        `scheduler` is for schedules of EventBridge Scheduler.
        """
        factory = events.scheduler if scheduler else events.schedule
        return self.invoke(factory(name, **options))

    def user_pool(self, trigger: str, **options: Any) -> dict[str, Any]:
        """A trigger of a user pool, such as "PreSignUp_SignUp"; its response.

        Options are `user`, `attributes`, `request` and `client_metadata`, among others.
        """
        answer: dict[str, Any] = self.invoke(events.cognito(trigger, **options))
        return answer["response"]  # type: ignore[no-any-return]

    def alarm(self, name: str = "alarm", **options: Any) -> Any:
        """An alarm has changed its state, by default from "OK" to "ALARM": `state` and `previous`."""
        return self.invoke(events.alarm(name, **options))

    def logs(self, messages: Sequence[Any], **options: Any) -> Any:
        """Lines of a log `group`."""
        return self.invoke(events.log_subscription(messages, **options))

    def custom_resource(
        self,
        request_type: Literal["Create", "Update", "Delete"],
        properties: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> ResourceAnswer:
        """A custom resource of a stack; what CloudFormation is told of it.

        Options are `resource_type`, `old_properties` and `physical_id`, among others. Raises LookupError when the app
        has not told anything.
        """
        told: list[bytes] = []

        def answer(asked: Asked) -> Reply:
            told.append(asked.body)
            return Reply(200)

        listener = Listener(answer)
        try:
            self.invoke(
                events.custom_resource(
                    request_type, properties, **{"response_url": f"{listener.url}/answer", **options}
                )
            )
        finally:
            listener.close()
        if not told:
            raise LookupError(f"CloudFormation has got no answer to {request_type}")
        return msgspec.json.decode(told[0], type=ResourceAnswer)

    def authorize(
        self, method: str = "GET", path: str = "/", *, token: str | None = None, **options: Any
    ) -> Authorization:
        """A Lambda authorizer is asked for a request, of a REST API with `source="http.v1"`, else of an HTTP API; with
        the method "$connect" of a WebSocket API.

        `token` is the Authorization header; a REST API's authorizer is then one of type TOKEN.
        """
        event: dict[str, Any]
        if method == "$connect":
            event = events.authorizer_websocket(**_with_token(options, token))
        elif self.source == "http.v1" and token is not None:
            event = events.authorizer_token(token, method, path, **options)
        elif self.source == "http.v1":
            event = events.authorizer_request(method, path, **options)
        else:
            event = events.authorizer_http(method, path, **_with_token(options, token))
        try:
            return Authorization(event, self.invoke(event))
        except Exception as error:
            if str(error) != "Unauthorized":
                raise
            return Authorization(event, None)

    # ------------------------------------------------------------ WebSockets

    def connect(self, channel: str, **options: Any) -> WebSocket:
        """A connection to a channel: `with client.connect("chat", query={"room": "1"}) as ws: ws.send({…})`.

        Options are `query`, `headers`, `cookies` and `authorizer`, among others.
        """
        return WebSocket(self.invoke, channel, options)


def _item(item: Any) -> Any:
    """An item as a mapping of values that DynamoDB knows."""
    if item is None or isinstance(item, dict):
        return item
    from decimal import Decimal

    return msgspec.to_builtins(item, builtin_types=(bytes, bytearray, Decimal))


def _with_token(options: dict[str, Any], token: str | None) -> dict[str, Any]:
    if token is None:
        return options
    headers = options.get("headers") or {}
    return {**options, "headers": {**dict(headers), "authorization": token}}
