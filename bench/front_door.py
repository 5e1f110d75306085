"""Figures of the HTTP front door: function URLs, HTTP APIs and WebSocket APIs, and others that serve the like."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from bench import front_door_peers, front_door_sockets, load, memory
from bench.figure import Figure
from bench.targets import Platform, floor, framework_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PATH: Final = "/orders/7"
ROUTE: Final = "GET /orders/{id}"
ANSWER: Final = {"id": "7", "state": "paid"}

BARE: Final = """
import json

def handler(event, context):
    path = event["rawPath"].split("/")
    body = json.dumps({"id": path[2], "state": "paid"})
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}
"""
APP: Final = """
from lambent import App

app = App("orders")

@app.get("/orders/{id}")
def read(id: str):
    return {"id": id, "state": "paid"}
"""
_FLOOR_URL: Final = "http://127.0.0.1:{}/2015-03-31/functions/f/invocations"
_FUNCTION: Final = "arn:aws:lambda:us-east-1:000000000000:function:"


class Door(NamedTuple):
    """A URL to measure: what is connected to, and the Host to name."""

    url: str
    headers: Mapping[str, str]


def speed(data: Path, rounds: int, seconds: float) -> Iterator[Figure]:
    """GET to warm functions by wrk: the floor, then every way in; interleaved, medians."""
    with floor() as floor_port, Platform(data) as ours:
        doors = {
            "api": http_api(ours, "bare", BARE),
            "api-app": http_api(ours, "app", APP, handler="app.app"),
            "url": function_url(ours, "bare"),
            "url-app": function_url(ours, "app"),
        }
        for door in doors.values():
            check(door)
        names = ("floor", *doors)
        busy: dict[str, list[load.Load]] = {name: [] for name in names}
        single: dict[str, list[load.Load]] = {name: [] for name in names}
        for turn in range(rounds + 1):
            for name in names:
                for connections, found in ((16, busy), (1, single)):
                    if name == "floor":
                        one = load.run(_FLOOR_URL.format(floor_port), connections, seconds)
                    else:
                        door = doors[name]
                        one = load.run(door.url, connections, seconds, door.headers, None)
                    if turn:  # the first warms up
                        found[name].append(one)
    assert not sum(one.errors for runs in (*busy.values(), *single.values()) for one in runs)
    rate = {name: statistics.median(one.rate for one in busy[name]) for name in names}
    p50 = {name: statistics.median(one.p50 for one in single[name]) for name in names}
    others = front_door_peers.measure(data, BARE, rounds, seconds)
    for name, title, least in (
        ("api", "HTTP API, GET/s, 16 connections", 7000),
        ("api-app", "the same, a lambent app", 6000),
        ("url", "function URL, GET/s, 16 connections", 7000),
        ("url-app", "the same, a lambent app", 6000),
    ):
        fifth = rate["floor"] / 5 if least == 7000 else 0
        yield Figure(
            title,
            "/s",
            rate[name],
            rate["floor"],
            f">= 1/5 of the floor and {least:,}" if fifth else f">= {least:,}",
            rate[name] >= max(least, fifth),
            peers={who: one.rate for who, one in others.items()} if name == "api" else {},
        )
    for name, title in (("api", "HTTP API, p50 at one connection"), ("url", "function URL, the same")):
        yield Figure(
            title,
            "ms",
            p50[name],
            p50["floor"],
            "<= 0.35",
            p50[name] <= 0.35,
            peers={who: one.p50 for who, one in others.items()} if name == "api" else {},
        )


def steadiness(data: Path, requests: int) -> Iterator[Figure]:
    """What so many requests add to the platform's memory."""
    with Platform(data) as ours:
        door = http_api(ours, "bare", BARE)
        check(door)
        # The logs of the last requests, and what is kept of names seen, are in memory up to their limits.
        _spend(door, requests // 2)
        before = memory.share_mb(ours.process.pid)
        _spend(door, requests)
        grown = memory.share_mb(ours.process.pid) - before
    # One forgotten object for each would be 10 MB or more.
    yield Figure(f"memory that {requests:,} GETs add", "MB", grown, None, "<= 4", grown <= 4)


def _spend(door: Door, requests: int) -> None:
    left = float(requests)
    while left > 0:
        done = load.run(door.url, 16, 2, door.headers, None)
        assert not done.errors
        left -= done.rate * 2


def routes(data: Path, many: int, rounds: int, seconds: float) -> Iterator[Figure]:
    """The same request to an API with ten routes and to one with many."""
    with Platform(data) as ours:
        few = http_api(ours, "few", BARE, more_routes=9)
        lots = http_api(ours, "lots", BARE, more_routes=many - 1)
        found: dict[str, list[float]] = {"few": [], "lots": []}
        for turn in range(rounds + 1):
            for name, door in (("few", few), ("lots", lots)):
                check(door)
                one = load.run(door.url, 1, seconds, door.headers, None)
                assert not one.errors
                if turn:
                    found[name].append(one.p50)
    ten, all_of_them = (statistics.median(found[name]) for name in ("few", "lots"))
    yield Figure(
        f"p50 with {many:,} routes; beside it ten",
        "ms",
        all_of_them,
        ten,
        "<= 1.1 x ten",
        all_of_them <= 1.1 * ten,
    )


def http_api(
    ours: Platform, name: str, source: str, *, handler: str = "app.handler", more_routes: int = 0
) -> Door:
    """An HTTP API with a route to a new function, and others besides it."""
    files = {"app.py": source} | (framework_files() if source == APP else {})
    ours.create(name, files, Handler=handler, MemorySize=256)
    client = ours.client("apigatewayv2")
    document = {
        "openapi": "3.0.1",
        "info": {"title": name, "version": "1"},
        "paths": {
            "/orders/{id}": {"get": _operation(name)},
            **{f"/other{n}/{{id}}/part": {"get": _operation(name)} for n in range(more_routes)},
        },
    }
    api = client.import_api(Body=json.dumps(document))
    client.create_stage(ApiId=api["ApiId"], StageName="$default", AutoDeploy=True)
    ours.client("lambda").add_permission(
        FunctionName=name,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{api['ApiId']}/*",
    )
    return _door(ours, api["ApiEndpoint"])


def _operation(function: str) -> dict[str, Any]:
    """What the gateway is to do for a route, in its dialect of OpenAPI."""
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{_FUNCTION}{function}/invocations"
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri, "payloadFormatVersion": "2.0"}
    return {"responses": {}, "x-amazon-apigateway-integration": integration}


def function_url(ours: Platform, name: str) -> Door:
    """The public URL of a function that is there."""
    client = ours.client("lambda")
    made = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    client.add_permission(
        FunctionName=name,
        StatementId="public",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    return _door(ours, made["FunctionUrl"])


def _door(ours: Platform, url: str) -> Door:
    return Door(f"{ours.url}{PATH}", {"Host": urlsplit(url).netloc})


def check(door: Door) -> None:
    """Raise AssertionError unless the function answers what it should."""
    status, body = load.get(door.url, door.headers)
    assert (status, json.loads(body)) == (200, ANSWER), (status, body[:300])


def measure(data: Path, quick: bool) -> Iterator[Figure]:
    """All figures of the front door."""
    for part in ("speed", "memory", "routes", "sockets"):
        (data / part).mkdir()
    yield from speed(data / "speed", 1 if quick else 3, 1 if quick else 3)
    yield from steadiness(data / "memory", 20_000 if quick else 200_000)
    yield from routes(data / "routes", 1000 if quick else 10_000, 1 if quick else 3, 1 if quick else 3)
    yield from front_door_sockets.measure(data / "sockets", 200 if quick else 5000)
