"""Identity sources, with whatever a request may hold."""

from __future__ import annotations

import asyncio
from typing import Any, cast
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.gateway.authorizers.conftest import opened, request_door, served

from lambent.gateway.apis.records import Route
from lambent.gateway.authorizers.decisions import read_policy, read_simple
from lambent.gateway.authorizers.identity import reader
from lambent.gateway.call import Call
from lambent.gateway.errors import BadAnswer
from lambent.http import Request

ROUTE = Route(route_id="r", route_key="GET /pets/{id}")
STAGE = served(ROUTE, stage="test", variables={"colour": "blue"})

NAMES = some.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=1, max_size=20)
VISIBLE = some.text(some.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=50)


class Connection:
    """As much of a connection as a request asks for."""

    peer = ("10.1.2.3", 4)
    secure = False
    http_version = "1.1"


def call_of(*headers: tuple[str, str], query: str = "") -> Call:
    wire = [(name.lower().encode(), value.encode()) for name, value in headers]
    target = f"/pets/1?{query}".encode()
    request = Request(cast("Any", Connection()), b"GET", target, wire, b"", keep_alive=True)
    return Call(request, "api.localhost:4566", "/test/pets/1", "id=")


def found(source: str, call: Call) -> str:
    return reader(source)(call, STAGE, ROUTE)


@pytest.mark.parametrize("prefix", ["$request.header.", "route.request.header."])
@given(name=NAMES, value=VISIBLE)
def test_headers(prefix: str, name: str, value: str) -> None:
    call = call_of((f"X-{name}", value))
    for spelt in (f"x-{name}", f"X-{name}", f"x-{name.upper()}"):
        assert found(prefix + spelt, call) == value
    assert found(f"{prefix}x-{name}-other", call) == ""


@pytest.mark.parametrize("prefix", ["$request.querystring.", "route.request.querystring."])
@given(name=some.text(min_size=1), value=some.text(), quoted=some.sampled_from([quote, quote_plus]))
def test_queries(prefix: str, name: str, value: str, quoted: Any) -> None:
    name, value = (text.encode(errors="replace").decode() for text in (name, value))
    call = call_of(query=f"{quoted(name, safe='')}={quoted(value, safe='')}")
    assert found(prefix + name, call) == value
    assert found(f"{prefix}{name}x", call) == ""


@given(some.text(), some.text())
def test_whatever_is_asked_for(source: str, query: str) -> None:
    call = call_of(query=quote(query.encode(errors="replace")))
    assert isinstance(found(source, call), str)
    for prefix in ("$request.header.", "$request.querystring.", "$context.", "$stageVariables."):
        assert isinstance(found(prefix + source, call), str)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("$context.routeKey", "GET /pets/{id}"),
        ("$context.identity.sourceIp", "10.1.2.3"),
        ("$context.identity.userAgent", "test"),
        ("$context.httpMethod", "GET"),
        ("$context.stage", "test"),
        ("context.stage", "test"),
        ("$context.apiId", STAGE.api.api_id),
        ("$context.domainName", "api.localhost:4566"),
        ("$context.nothing", ""),
        ("$stageVariables.colour", "blue"),
        ("${stageVariables.colour}", "blue"),
        ("${request.header.several}", "1,2"),
        ("${context.stage}", "test"),
        ("stageVariables.colour", "blue"),
        ("$stageVariables.Colour", ""),
        ("$request.header.cookie", "a=1; b=2"),
        ("$request.header.several", "1,2"),
        ("$request.body.x", ""),
        ("Authorization", ""),
        ("", ""),
    ],
)
def test_sources(source: str, value: str) -> None:
    call = call_of(("User-Agent", "test"), ("Cookie", "a=1; b=2"), ("Several", "1"), ("Several", "2"))
    assert found(source, call) == value


@given(some.lists(VISIBLE.map(str.strip).filter(bool), min_size=1, max_size=4))
def test_requests_that_are_kept_apart(values: list[str]) -> None:
    """Each caller gets his own decision, whatever his identity looks like."""

    async def run() -> None:
        door = request_door(identity_source=("$request.header.who",))
        door.functions.handler = lambda event: {
            "isAuthorized": True,
            "context": {"who": event["identitySource"][0]},
        }
        async with opened(door):
            for value in (*values, *values):
                verdict = (await door.ask(("who", value))).verdict
                assert verdict.context == {"lambda": {"who": value}}
        assert len(door.functions.events) == len(set(values))

    asyncio.run(run())


# Whatever a function says is a decision or no answer, and nothing else.
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.sampled_from(
                [
                    "isAuthorized",
                    "context",
                    "principalId",
                    "policyDocument",
                    "Statement",
                    "Effect",
                    "Action",
                    "Resource",
                    "Condition",
                    "StringEquals",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
STATEMENTS = some.fixed_dictionaries(
    {"Effect": some.sampled_from(["Allow", "Deny"]), "Action": JSON | some.just("*")},
    optional={
        "Resource": JSON | some.just("*"),
        "NotResource": JSON,
        "Condition": JSON
        | some.dictionaries(some.sampled_from(["Null", "IpAddress", "Bool"]), JSON, max_size=2),
        "Principal": JSON,
    },
)


@given(JSON | some.fixed_dictionaries({"principalId": some.text(), "policyDocument": STATEMENTS | JSON}))
def test_whatever_a_function_says(answer: Any) -> None:
    result = msgspec.json.encode(answer)
    for read in (
        read_simple,
        lambda text: read_policy(text, flat=False),
        lambda text: read_policy(text, flat=True),
    ):
        try:
            decision = read(result)
        except BadAnswer:
            continue
        assert decision.allows("arn:aws:execute-api:x", call_of()) in (True, False)


@given(some.lists(STATEMENTS, max_size=3))
def test_whatever_a_policy_says(statements: list[dict[str, Any]]) -> None:
    result = msgspec.json.encode({"principalId": "x", "policyDocument": {"Statement": statements}})
    try:
        decision = read_policy(result, flat=False)
    except BadAnswer:
        return
    allowed = decision.allows("arn:aws:execute-api:x", call_of())
    if allowed:
        assert any(one["Effect"] == "Allow" for one in statements)
