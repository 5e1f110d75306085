"""Targets of schedules and rules, called in place of the scheduler.

Which parameters of a target go where: "Targets" in the API references of EventBridge and EventBridge Scheduler.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lambent.cli.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.cli.endpoint import Endpoint


class Delivered(NamedTuple):
    """What became of one target. `answer` is what a function that was waited for returned, `error` how it failed."""

    arn: str
    said: str
    id: str | None = None
    answer: str | None = None
    error: str | None = None

    def document(self) -> dict[str, Any]:
        """For scripts."""
        found: dict[str, Any] = {"Arn": self.arn, "Id": self.id}
        if self.answer is not None:
            found["Answer"] = _decoded(self.answer)
        if self.error is not None:
            found["FunctionError"] = self.error
        return found


def deliver(where: Endpoint, target: dict[str, Any], text: str, *, wait: bool = False) -> Delivered:
    """Call a target with `text`. `wait`: for what a function returns.

    Raises Failure for targets that cannot be called from here, and botocore's errors.
    """
    arn = target["Arn"]
    service = arn.split(":", 3)[2]
    if service == "lambda":
        return _function(where, arn, text, wait=wait)
    call = _CALLS.get(service)
    if call is None:
        raise Failure(
            f"Its target {arn} is of a kind that cannot be called from here.",
            hint=f"Functions can, and targets of {', '.join(sorted(_CALLS))}.",
        )
    said, identity = call(where, target, text)
    return Delivered(arn, said, identity)


def _function(where: Endpoint, arn: str, text: str, *, wait: bool) -> Delivered:
    name = arn.split(":", 6)[6]
    answer = where.client("lambda").invoke(
        FunctionName=arn, Payload=text.encode(), InvocationType="RequestResponse" if wait else "Event"
    )
    identity = answer["ResponseMetadata"].get("RequestId")
    if not wait:
        return Delivered(arn, f"{name} is called ({identity})", identity)
    body = answer["Payload"].read().decode(errors="replace")
    return Delivered(arn, f"{name} was called ({identity})", identity, body, answer.get("FunctionError"))


def _queue(where: Endpoint, target: dict[str, Any], text: str) -> tuple[str, str]:
    client = where.client("sqs")
    account, name = target["Arn"].split(":")[4:6]
    url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
    group = target.get("SqsParameters", {}).get("MessageGroupId")
    found = client.send_message(
        QueueUrl=url, MessageBody=text, **({"MessageGroupId": group} if group else {})
    )["MessageId"]
    return f"sent to {name} ({found})", found


def _topic(where: Endpoint, target: dict[str, Any], text: str) -> tuple[str, str]:
    arn = target["Arn"]
    found = where.client("sns").publish(TopicArn=arn, Message=text)["MessageId"]
    return f"published to {arn.rpartition(':')[2]} ({found})", found


def _bus(where: Endpoint, target: dict[str, Any], text: str) -> tuple[str, str]:
    arn = target["Arn"]
    parameters = target.get("EventBridgeParameters")
    if parameters is None:
        raise Failure(
            f"Its target {arn} gets the whole event, which only a bus can pass on.",
            hint="`lambent emit` puts an event of your own on it.",
        )
    entry = {**parameters, "EventBusName": arn, "Detail": text}
    (outcome,) = where.client("events").put_events(Entries=[entry])["Entries"]
    if outcome.get("ErrorCode"):
        raise Failure(f"{outcome.get('ErrorMessage')} ({outcome['ErrorCode']})")
    return f"put on {arn.rpartition('/')[2]} ({outcome['EventId']})", outcome["EventId"]


def _state_machine(where: Endpoint, target: dict[str, Any], text: str) -> tuple[str, str]:
    found = where.client("stepfunctions").start_execution(stateMachineArn=target["Arn"], input=text)
    return f"started {target['Arn'].rpartition(':')[2]}", found["executionArn"]


def _stream(where: Endpoint, target: dict[str, Any], text: str) -> tuple[str, str]:
    arn = target["Arn"]
    key = target.get("KinesisParameters", {}).get("PartitionKey") or str(uuid.uuid4())
    found = where.client("kinesis").put_record(StreamARN=arn, Data=text.encode(), PartitionKey=key)
    return f"put into {arn.rpartition('/')[2]}", found["SequenceNumber"]


_CALLS: Final[dict[str, Callable[[Endpoint, dict[str, Any], str], tuple[str, str]]]] = {
    "events": _bus,
    "kinesis": _stream,
    "sns": _topic,
    "sqs": _queue,
    "states": _state_machine,
}


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
