"""`lambent send`."""

from __future__ import annotations

from typing import Any

import click

from lambent.cli import endpoint, payload
from lambent.cli.failure import Failure
from lambent.cli.output import json_option, print_json
from lambent.cli.resources import Resources, stage_option


@click.command("send")
@click.argument("queue")
@click.argument("message", metavar="JSON|@FILE|-")
@click.option("--delay", metavar="SECONDS", type=click.IntRange(0, 900), help="Hold it back for so long.")
@payload.message_options("queue")
@stage_option
@endpoint.options
@json_option
def command(
    queue: str,
    message: str,
    text: bool,
    delay: int | None,
    group: str | None,
    deduplication: str | None,
    attributes: tuple[str, ...],
    stage: str | None,
    endpoint_url: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Send a message to QUEUE: the code's name of it, or a physical name, ARN or URL.

    The message is JSON, a file of it, or standard input.
    """
    request: dict[str, Any] = {
        "MessageBody": payload.message_text(message, text=text),
        **payload.message_members(group=group, deduplication=deduplication, attributes=attributes),
    }
    if delay is not None:
        request["DelaySeconds"] = delay
    where = endpoint.resolve(endpoint_url, region)
    hints = {
        "InvalidParameterValue": "`lambent send --help` has the options of FIFO queues: --group and --deduplication."
    }
    with endpoint.api_errors(where, hints=hints):
        client = where.client("sqs")
        url = _url(client, Resources(where, stage), queue)
        if url.endswith(".fifo"):
            request.setdefault("MessageGroupId", "default")
        answer = client.send_message(QueueUrl=url, **request)
    if as_json:
        print_json({"QueueUrl": url, "MessageId": answer["MessageId"]})
    else:
        click.echo(f"Sent to {url.rpartition('/')[2]}: {answer['MessageId']}")


def _url(client: Any, resources: Resources, queue: str) -> str:
    """Raises Failure."""
    if queue.startswith(("http://", "https://")):
        return queue
    found = resources.physical("queue", queue)
    if found is not None:
        return found
    asked = {"QueueName": queue}
    if queue.startswith("arn:"):
        parts = queue.split(":")
        if len(parts) != 6 or parts[2] != "sqs":
            raise Failure(f"{queue} is not the ARN of a queue")
        asked = {"QueueName": parts[5], "QueueOwnerAWSAccountId": parts[4]}
    try:
        url: str = client.get_queue_url(**asked)["QueueUrl"]
    except client.exceptions.QueueDoesNotExist:
        raise Failure(f"There is no queue {queue}.", hint=resources.known(["queue"])) from None
    return url
