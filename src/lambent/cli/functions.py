"""`lambent functions`."""

from __future__ import annotations

from typing import Any, Final

import click

from lambent.cli import endpoint
from lambent.cli.output import json_option, plain, print_json, print_table

_STATE_COLOURS: Final = {"Active": "green", "Pending": "yellow", "Inactive": "yellow", "Failed": "red"}


@click.command("functions")
@click.argument("name", required=False)
@click.option("--usage", is_flag=True, help="Show invocations, errors, GB-seconds and what AWS would charge.")
@endpoint.options
@json_option
def command(
    name: str | None, usage: bool, endpoint_url: str | None, region: str | None, as_json: bool
) -> None:
    """List the functions of the platform, or show the function NAME."""
    where = endpoint.resolve(endpoint_url, region)
    if usage:
        _show_usage(where, name, as_json=as_json)
        return
    hints = {"ResourceNotFoundException": "`lambent functions` lists those that are there."}
    with endpoint.api_errors(where, hints=hints):
        client = where.client("lambda")
        if name is not None:
            _show_function(client.get_function(FunctionName=name), as_json=as_json)
            return
        functions = [
            function
            for page in client.get_paginator("list_functions").paginate()
            for function in page["Functions"]
        ]
    if as_json:
        print_json(functions)
    elif not functions:
        click.echo(
            "No functions yet: `lambent up --load DIR` loads a folder, `aws lambda create-function` creates one."
        )
    else:
        print_table(
            ("NAME", "RUNTIME", "HANDLER", "MEMORY", "TIMEOUT", "STATE", "MODIFIED"),
            [_row(function) for function in functions],
            right=("MEMORY", "TIMEOUT"),
        )


def _row(function: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"[bold]{plain(function['FunctionName'])}[/]",
        function.get("Runtime", "-"),
        plain(function.get("Handler", "-")),
        f"{function['MemorySize']} MB",
        f"{function['Timeout']} s",
        _state(function),
        function["LastModified"][:19].replace("T", " "),
    )


def _state(function: dict[str, Any]) -> str:
    # ListFunctions leaves the state out for functions that have long been active, as AWS does.
    state = function.get("State", "Active")
    return f"[{_STATE_COLOURS.get(state, 'white')}]{state}[/]"


def _show_function(answer: dict[str, Any], *, as_json: bool) -> None:
    function = answer["Configuration"]
    if as_json:
        answer.pop("ResponseMetadata", None)
        print_json(answer)
        return
    facts: dict[str, str] = {
        "Name": function["FunctionName"],
        "ARN": function["FunctionArn"],
        "State": function.get("State", "Active"),
        "Reason": function.get("StateReason", ""),
        "Last update": function.get("LastUpdateStatus", ""),
        "Update reason": function.get("LastUpdateStatusReason", ""),
        "Runtime": function.get("Runtime", ""),
        "Handler": function.get("Handler", ""),
        "Memory": f"{function['MemorySize']} MB",
        "Timeout": f"{function['Timeout']} s",
        "Version": function["Version"],
        "Description": function.get("Description", ""),
        "Code": f"{function['CodeSize']:,} bytes, sha256 {function['CodeSha256']}",
        "Environment": ", ".join(sorted(function.get("Environment", {}).get("Variables", {}))),
        "Reserved": str(answer.get("Concurrency", {}).get("ReservedConcurrentExecutions", "")),
        "Logs": function.get("LoggingConfig", {}).get("LogGroup", ""),
        "Modified": function["LastModified"],
        "Tags": ", ".join(f"{key}={value}" for key, value in sorted(answer.get("Tags", {}).items())),
    }
    for label, fact in facts.items():
        if fact:
            click.echo(f"{click.style(f'{label:<14}', bold=True)}{fact}")


def _show_usage(where: endpoint.Endpoint, name: str | None, *, as_json: bool) -> None:
    with endpoint.api_errors(where):
        report = where.get_json("/_lambent/usage", signed=True)
    functions = [row for row in report["functions"] if name is None or row["name"] == name]
    if as_json:
        print_json({**report, "functions": functions})
        return
    if not functions:
        click.echo("Nothing has been invoked yet.")
        return
    columns = ("NAME", "INVOCATIONS", "ERRORS", "THROTTLES", "BILLED", "GB-SECONDS", "COST AT AWS")
    print_table(
        columns,
        [
            (
                f"[bold]{plain(row['name'])}[/]",
                f"{row['requests']:,}",
                f"[red]{row['errors']:,}[/]" if row["errors"] else "0",
                f"[yellow]{row['throttles']:,}[/]" if row["throttles"] else "0",
                f"{row['billed_ms']:,} ms",
                f"{row['gb_seconds']:,.3f}",
                f"${row['cost_usd']:,.6f}",
            )
            for row in functions
        ],
        right=columns[1:],
    )
