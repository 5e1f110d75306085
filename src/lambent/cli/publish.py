"""`lambent publish`."""

from __future__ import annotations

from typing import Any

import click

from lambent.cli import endpoint, payload
from lambent.cli.failure import Failure
from lambent.cli.output import json_option, print_json
from lambent.cli.resources import Resources, stage_option


@click.command("publish")
@click.argument("topic")
@click.argument("message", metavar="JSON|@FILE|-")
@click.option("--subject", metavar="TEXT", help="The subject, which e-mails show.")
@payload.message_options("topic")
@stage_option
@endpoint.options
@json_option
def command(
    topic: str,
    message: str,
    text: bool,
    subject: str | None,
    group: str | None,
    deduplication: str | None,
    attributes: tuple[str, ...],
    stage: str | None,
    endpoint_url: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Publish a message to TOPIC: the code's name of it, or a physical name or ARN.

    The message is JSON, a file of it, or standard input.
    """
    request: dict[str, Any] = {
        "Message": payload.message_text(message, text=text),
        **payload.message_members(group=group, deduplication=deduplication, attributes=attributes),
    }
    if subject is not None:
        request["Subject"] = subject
    where = endpoint.resolve(endpoint_url, region)
    with endpoint.api_errors(where):
        client = where.client("sns")
        resources = Resources(where, stage)
        arn = _arn(client, resources, topic)
        if arn.endswith(".fifo"):
            request.setdefault("MessageGroupId", "default")
        try:
            answer = client.publish(TopicArn=arn, **request)
        except client.exceptions.NotFoundException:
            raise Failure(f"There is no topic {topic}.", hint=resources.known(["topic"])) from None
    if as_json:
        print_json({"TopicArn": arn, "MessageId": answer["MessageId"]})
    else:
        click.echo(f"Published to {arn.rpartition(':')[2]}: {answer['MessageId']}")


def _arn(client: Any, resources: Resources, topic: str) -> str:
    """Raises Failure."""
    if topic.startswith("arn:"):
        return topic
    found = resources.physical("topic", topic)
    if found is not None:
        return found
    for page in client.get_paginator("list_topics").paginate():
        for one in page["Topics"]:
            arn: str = one["TopicArn"]
            if arn.rpartition(":")[2] == topic:
                return arn
    raise Failure(f"There is no topic {topic}.", hint=resources.known(["topic"]))
