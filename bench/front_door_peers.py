"""Others that serve an HTTP API to Python functions on a machine of one's own, with the same route and function."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import boto3

from bench import load, peers
from bench.targets import KEY, ROLE, RUNTIME, archive, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_WHERE: Final = "/orders/7"
_ROUTE: Final = "GET /orders/{id}"
_ANSWER: Final = {"id": "7", "state": "paid"}


class Speed(NamedTuple):
    """Answers with 200 a second at 16 connections, and the median at one in ms."""

    rate: float
    p50: float


def measure(data: Path, source: str, rounds: int, seconds: float) -> dict[str, Speed]:
    """By name; those that are not there and cannot be installed take no part.

    `source` is the function's module, whose `handler` answers `/orders/{id}`.
    """
    found = {}
    for name, serve in (("serverless-offline", _serverless_offline), ("MiniStack", _ministack)):
        folder = data / name.lower()
        folder.mkdir()
        with serve(folder, source) as served:
            if served is None:
                print(f"{name} takes no part: it cannot be installed here", file=sys.stderr)
                continue
            url, headers = served
            status, body = load.get(url, headers)
            assert (status, json.loads(body)) == (200, _ANSWER), (name, status, body[:300])
            runs = []
            for connections in (16, 1):
                load.run(url, connections, seconds, headers, None)
                runs.append([load.run(url, connections, seconds, headers, None) for _ in range(rounds)])
            # Some refuse under load, which is quick: only what is an answer counts.
            found[name] = Speed(
                statistics.median(one.rate - one.errors / seconds for one in runs[0]),
                statistics.median(one.p50 for one in runs[1]),
            )
    return found


@contextlib.contextmanager
def _serverless_offline(folder: Path, source: str) -> Iterator[tuple[str, dict[str, str]] | None]:
    """Its answer to a request goes through one Python process for each function, kept between them."""
    installed = peers.serverless_offline()
    if installed is None:
        yield None
        return
    ports = free_port(), free_port(), free_port()
    service = {
        "service": "bench",
        "frameworkVersion": "3",
        "provider": {"name": "aws", "runtime": RUNTIME},
        "functions": {"orders": {"handler": "app.handler", "events": [{"httpApi": _ROUTE}]}},
        "plugins": ["serverless-offline"],
        "custom": {
            "serverless-offline": {
                "host": "127.0.0.1",
                "httpPort": ports[0],
                "websocketPort": ports[1],
                "lambdaPort": ports[2],
            }
        },
    }
    (folder / "serverless.yml").write_text(json.dumps(service))  # JSON is YAML
    (folder / "app.py").write_text(source)
    (folder / "node_modules").symlink_to(installed / "node_modules")
    environment = {
        **os.environ,
        "SLS_TELEMETRY_DISABLED": "1",
        "SLS_NOTIFICATIONS_MODE": "off",
        "SLS_INTERACTIVE_SETUP_ENABLE": "0",
    }
    command = ["node", "node_modules/.bin/serverless", "offline", "start"]
    with _running(command, folder, ports[0], environment):
        yield f"http://127.0.0.1:{ports[0]}{_WHERE}", {}


@contextlib.contextmanager
def _ministack(folder: Path, source: str) -> Iterator[tuple[str, dict[str, str]] | None]:
    """Reached by Host, as ours."""
    installed = peers.ministack()
    if installed is None:
        yield None
        return
    port = free_port()
    environment = {**os.environ, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "LOG_LEVEL": "WARNING"}
    with _running([installed.python, "-m", "ministack"], folder, port, environment):
        functions, apis = (
            boto3.client(
                service,
                endpoint_url=f"http://127.0.0.1:{port}",
                region_name="us-east-1",
                aws_access_key_id=KEY[0],
                aws_secret_access_key=KEY[1],
            )
            for service in ("lambda", "apigatewayv2")
        )
        made = functions.create_function(
            FunctionName="f",
            Runtime=RUNTIME,
            Handler="app.handler",
            Role=ROLE,
            Code={"ZipFile": archive(source)},
        )
        api = apis.create_api(Name="bench", ProtocolType="HTTP")
        integration = apis.create_integration(
            ApiId=api["ApiId"],
            IntegrationType="AWS_PROXY",
            IntegrationUri=made["FunctionArn"],
            PayloadFormatVersion="2.0",
        )
        target = f"integrations/{integration['IntegrationId']}"
        apis.create_route(ApiId=api["ApiId"], RouteKey=_ROUTE, Target=target)
        apis.create_stage(ApiId=api["ApiId"], StageName="$default", AutoDeploy=True)
        host = f"{api['ApiId']}.execute-api.localhost:{port}"
        yield f"http://127.0.0.1:{port}{_WHERE}", {"Host": host}


@contextlib.contextmanager
def _running(
    command: Sequence[str | Path], folder: Path, port: int, environment: dict[str, str]
) -> Iterator[None]:
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        wait_for(port, process, 60)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
