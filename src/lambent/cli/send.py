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
@click.option("--text", is_flag=True, help="Send the message as it is, JSON or not.")
@click.option("--delay", metavar="SECONDS", type=click.IntRange(0, 900), help="Hold it back for so long.")
@click.option("--group", metavar="ID", help="The message group, of a FIFO queue.  [default: default]")
@click.option("--deduplication", metavar="ID", help="What makes it the same message, of a FIFO queue.")
@click.option(
    "--attribute",
    "attributes",
    metavar="NAME[:Number]=VALUE",
    multiple=True,
    help="A message attribute; repeatable.",
)
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
    hint = "Text in quotes is JSON, too: '\"hello\"'. With --text it is sent as it is."
    request: dict[str, Any] = {
        "MessageBody": payload.read_text(message) if text else payload.read_json(message, hint=hint)
    }
    if attributes:
        request["MessageAttributes"] = payload.read_attributes(attributes)
    if delay is not None:
        request["DelaySeconds"] = delay
    if deduplication is not None:
        request["MessageDeduplicationId"] = deduplication
    where = endpoint.resolve(endpoint_url, region)
    hints = {
        "InvalidParameterValue": "`lambent send --help` has the options of FIFO queues: --group and --deduplication."
    }
    with endpoint.api_errors(where, hints=hints):
        client = where.client("sqs")
        url = _url(client, Resources(where, stage), queue)
        if group is not None or url.endswith(".fifo"):
            request["MessageGroupId"] = group or "default"
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
