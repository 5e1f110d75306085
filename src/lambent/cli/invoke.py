"""`lambent invoke`."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import click

from lambent.cli import endpoint
from lambent.cli.failure import FUNCTION_FAILED, Failure
from lambent.cli.output import json_option, print_json
from lambent.cli.resources import call_function, stage_option
from lambent.cli.stream import HttpHead, receive


@click.command("invoke")
@click.argument("name")
@click.option(
    "-d", "--data", metavar="JSON|@FILE|-", help="The event: JSON, a file, or standard input.  [default: {}]"
)
@click.option("--event", "asynchronous", is_flag=True, help="Queue the event and do not wait for a result.")
@click.option("--stream", is_flag=True, help="Print the answer piece by piece, as the function writes it.")
@click.option("--tail", is_flag=True, help="Also print the last 4 KB of the invocation's log, to stderr.")
@click.option("--qualifier", metavar="VERSION|ALIAS", help="Which version.  [default: $LATEST]")
@click.option("--client-context", metavar="JSON", help="What the function finds in context.client_context.")
@stage_option
@endpoint.options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    name: str,
    data: str | None,
    asynchronous: bool,
    stream: bool,
    tail: bool,
    qualifier: str | None,
    client_context: str | None,
    stage: str | None,
    endpoint_url: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Invoke the function NAME (a name or an ARN, or the name of a unit of the app) and print what it returns.

    The exit code is 0 when the function returned, 1 when it failed, 2 when it could not be invoked,
    3 when no platform answers.
    """
    payload = read_event(data)
    if asynchronous and tail:
        raise click.UsageError("--tail needs a result to wait for: leave out --event")
    if asynchronous and stream:
        raise click.UsageError("--stream needs a result to wait for: leave out --event")
    request: dict[str, Any] = {"Payload": payload}
    if asynchronous:
        request["InvocationType"] = "Event"
    if tail:
        request["LogType"] = "Tail"
    if qualifier is not None:
        request["Qualifier"] = qualifier
    if client_context is not None:
        request["ClientContext"] = base64.b64encode(_json(client_context, "--client-context")).decode()
    where = endpoint.resolve(endpoint_url, region)
    hints = {"ResourceNotFoundException": "`lambent functions` lists those that are there."}
    with endpoint.api_errors(where, hints=hints):
        client = where.client("lambda")

        def called(function: str) -> tuple[dict[str, Any], Any]:
            if stream:
                return _streamed(client, {**request, "FunctionName": function}, show=not as_json)
            answer = client.invoke(**{**request, "FunctionName": function})
            return answer, answer["Payload"].read()

        answer, body = call_function(where, stage, name, called)
    log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
    failed = answer.get("FunctionError")
    if as_json:
        print_json(_summary(answer, body, log if tail else None))
    else:
        if log:
            click.secho(log.rstrip("\n"), err=True, dim=True)
        if asynchronous:
            click.echo(f"Queued as {answer['ResponseMetadata'].get('RequestId')}", err=True)
        elif body:
            click.echo(body)
        if failed:
            click.secho(f"The function failed ({failed}).", err=True, fg="red")
    ctx.exit(FUNCTION_FAILED if failed else 0)


def _streamed(client: Any, request: dict[str, Any], *, show: bool) -> tuple[dict[str, Any], bytes]:
    """Invoke and print what comes. The answer, and as its body what was not printed."""
    output = sys.stdout.buffer

    def printed(chunk: bytes) -> None:
        output.write(chunk)
        output.flush()

    pieces: list[bytes] = []
    head = HttpHead(printed, lambda text: click.secho(text.decode(errors="replace"), err=True, dim=True))
    answer = receive(client, request, head.write if show else pieces.append)
    if show:
        head.close()
    return answer, answer.get("ErrorDetails", "").encode() or b"".join(pieces)


def read_event(data: str | None) -> bytes:
    """The payload that `--data` stands for. Raises Failure when it cannot be read or is no JSON."""
    if data is None:
        return b"{}"
    if data == "-":
        return _json(sys.stdin.buffer.read(), "standard input")
    if data.startswith("@"):
        path = Path(data[1:])
        try:
            return _json(path.read_bytes(), str(path))
        except OSError as error:
            raise Failure(f"{path}: {error.strerror}") from error
    return _json(data, "--data")


def _json(text: str | bytes, place: str) -> bytes:
    try:
        json.loads(text)
    except ValueError as error:
        raise Failure(f"{place} is not JSON: {error}") from error
    return text.encode() if isinstance(text, str) else text


def _summary(answer: dict[str, Any], body: bytes, log: str | None) -> dict[str, Any]:
    summary: dict[str, Any] = {"StatusCode": answer["StatusCode"]}
    for member in ("FunctionError", "ExecutedVersion"):
        if member in answer:
            summary[member] = answer[member]
    summary["RequestId"] = answer["ResponseMetadata"].get("RequestId")
    if log is not None:
        summary["LogResult"] = log
    if body:
        try:
            summary["Payload"] = json.loads(body)
        except ValueError:
            summary["Payload"] = body.decode("utf-8", "replace")
    return summary
