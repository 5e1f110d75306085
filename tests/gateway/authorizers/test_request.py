"""REQUEST authorizers of HTTP APIs: what functions get, what their answers mean, what is kept."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.gateway.authorizers.conftest import ACCOUNT, API, REGION, asking, opened, request_door, served

from lambent.gateway.authorizers.decisions import Decision
from lambent.gateway.authorizers.kept import KeptDecisions
from lambent.gateway.authorizers.request import kept_seconds

if TYPE_CHECKING:
    from lambent.gateway.authorizers import Verdict

ARN = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API}"
TOKEN = ("$request.header.Authorization",)
SENT = ("Authorization", "secret")


def is_broken(verdict: Verdict) -> bool:
    return (verdict.allowed, verdict.status, verdict.message) == (False, 500, "Internal Server Error")


def is_denied(verdict: Verdict) -> bool:
    return (verdict.allowed, verdict.status, verdict.message) == (False, 403, "Forbidden")


def policy(effect: str, resource: Any, **members: Any) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {
        "principalId": "ann",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        **members,
    }


# ---------------------------------------------------------------- events


async def test_payload_2() -> None:
    door = request_door(
        route={"route_key": "POST /pets/{kind}"},
        stage="test",
        variables={"colour": "blue"},
        identity_source=("$request.header.authorization", "$request.querystring.who"),
    )
    door.path_parameters = {"kind": "dog"}
    async with opened(door):
        judged = await door.ask(
            SENT,
            ("Cookie", "a=1; b=2"),
            ("X-Several", "1"),
            ("X-Several", "2"),
            ("User-Agent", "test"),
            target="/pets/dog?who=J%C3%BCrgen&tag=a&tag=b",
            method="POST",
            body=b"not for the authorizer",
        )
    assert judged.verdict.allowed
    assert not judged.at_once
    (event,) = door.functions.events
    context = event.pop("requestContext")
    headers = event.pop("headers")
    assert event == {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": f"{ARN}/test/POST/pets/dog",
        "identitySource": ["secret", "Jürgen"],
        "routeKey": "POST /pets/{kind}",
        "rawPath": "/pets/dog",
        "rawQueryString": "who=J%C3%BCrgen&tag=a&tag=b",
        "cookies": ["a=1", "b=2"],
        "queryStringParameters": {"who": "Jürgen", "tag": "a,b"},
        "pathParameters": {"kind": "dog"},
        "stageVariables": {"colour": "blue"},
    }
    assert headers["x-several"] == "1,2"
    assert isinstance(context.pop("timeEpoch"), int)
    assert context.pop("time").endswith(" +0000")
    assert context == {
        "accountId": ACCOUNT,
        "apiId": API,
        "domainName": "abcdef1234.execute-api.us-east-1.localhost",
        "domainPrefix": "abcdef1234",
        "http": {
            "method": "POST",
            "path": "/pets/dog",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "test",
        },
        "requestId": "id=",
        "routeKey": "POST /pets/{kind}",
        "stage": "test",
    }
    assert door.functions.sources == [f"{ARN}/authorizers/a1"]


async def test_payload_1() -> None:
    door = request_door(
        route={"route_key": "ANY /pets/{kind}"},
        identity_source=("$request.header.authorization", "$context.routeKey"),
        authorizer_payload_format_version="1.0",
        enable_simple_responses=None,
    )
    door.functions.handler = lambda event: policy("Allow", event["methodArn"])
    door.path_parameters = {"kind": "dog"}
    async with opened(door):
        assert (await door.ask(SENT, target="/pets/dog?a=1")).verdict.allowed
    (event,) = door.functions.events
    context = event.pop("requestContext")
    headers = event.pop("headers")
    assert (headers["authorization"], headers["Host"]) == (
        "secret",
        "abcdef1234.execute-api.us-east-1.localhost",
    )
    assert event == {
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": f"{ARN}/$default/GET/pets/dog",
        "identitySource": "secret,ANY /pets/{kind}",
        "authorizationToken": "secret,ANY /pets/{kind}",
        "resource": "/pets/{kind}",
        "path": "/pets/dog",
        "httpMethod": "GET",
        "queryStringParameters": {"a": "1"},
        "pathParameters": {"kind": "dog"},
        "stageVariables": {},
    }
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert (context["httpMethod"], context["resourcePath"], context["stage"]) == (
        "GET",
        "/pets/{kind}",
        "$default",
    )


async def test_without_identity_sources() -> None:
    door = request_door()
    async with opened(door):
        for _ in range(2):
            judged = await door.ask()
            assert judged.verdict.allowed
            assert not judged.at_once  # without them nothing is kept
    assert [event["identitySource"] for event in door.functions.events] == [None, None]
    assert "cookies" not in door.functions.events[0]


# ---------------------------------------------------------------- answers


async def test_simple_responses() -> None:
    door = request_door(identity_source=TOKEN, authorizer_result_ttl_in_seconds=0)
    context = {"text": "a", "number": 1, "truth": True, "list": [1], "map": {"b": 2}, "nothing": None}
    async with opened(door):
        door.functions.handler = lambda event: {"isAuthorized": True, "context": context}
        verdict = (await door.ask(SENT)).verdict
        assert verdict.allowed
        assert verdict.context == {"lambda": context}
        assert verdict.context_v1 == context
        assert verdict.variables == {
            "text": "a",
            "number": "1",
            "truth": "true",
            "list": "[1]",
            "map": '{"b":2}',
        }
        door.functions.handler = lambda event: {"isAuthorized": True}
        assert (await door.ask(SENT)).verdict.context == {"lambda": None}
        door.functions.handler = lambda event: {"isAuthorized": False, "context": {"why": "x"}}
        verdict = (await door.ask(SENT)).verdict
        assert is_denied(verdict)
        assert verdict.variables == {"why": "x"}


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense",
        b"\xff",
        b"[" * 100_000,
        [],
        "Allow",
        None,
        {},
        {"isAuthorized": "true"},
        {"isAuthorized": 1},
        {"isAuthorized": None},
        {"isAuthorized": True, "context": "x"},
        {"isAuthorized": True, "context": []},
        policy("Allow", "*"),
    ],
)
async def test_what_is_no_simple_response(answer: Any) -> None:
    door = request_door(identity_source=TOKEN)
    door.functions.handler = lambda event: answer
    async with opened(door):
        for _ in range(2):
            judged = await door.ask(SENT)
            assert is_broken(judged.verdict)
            assert not judged.at_once  # it is not kept
            assert "no decision" in judged.verdict.error


def _statement(**changed: Any) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*", **changed}
    given = {name: value for name, value in statement.items() if value is not None}
    return {"principalId": "ann", "policyDocument": {"Statement": [given]}}


@pytest.mark.parametrize(
    "answer",
    [
        {"isAuthorized": True},
        {"principalId": "ann"},
        {"principalId": 7, "policyDocument": {"Statement": []}},
        {"principalId": "ann", "policyDocument": []},
        {"principalId": "ann", "policyDocument": {}},
        {"principalId": "ann", "policyDocument": {"Statement": "x"}},
        {"principalId": "ann", "policyDocument": {"Statement": [7]}},
        {**policy("Allow", "*"), "context": 7},
        _statement(Effect="allow"),
        _statement(Effect=None),
        _statement(Effect=["Allow"]),
        _statement(Action=None),
        _statement(Action=[]),
        _statement(Action=[7]),
        _statement(Resource=None),
        _statement(Condition="x"),
        _statement(Condition={"StringEquals": "x"}),
        _statement(Condition={"StringEqualz": {"aws:SourceIp": "x"}}),
    ],
)
async def test_what_is_no_policy(answer: Any) -> None:
    door = request_door(enable_simple_responses=None)
    door.functions.handler = lambda event: answer
    async with opened(door):
        assert is_broken((await door.ask(SENT)).verdict)


HERE = f"{ARN}/$default/GET/pets"
IN_HERE = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
ELSEWHERE = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([("Allow", HERE, {})], True),
        ([("Allow", "*", {})], True),
        ([("Allow", f"{ARN}/*", {})], True),
        ([("Allow", f"{ARN}/*/GET/*", {})], True),
        ([("Allow", f"{ARN}/$default/???/pets", {})], True),
        ([("Allow", [f"{ARN}/other/*", HERE], {})], True),
        ([("Allow", f"{ARN}/$default/POST/pets", {})], False),
        ([("Allow", f"{ARN}/$default/GET/pet", {})], False),
        ([("Allow", f"{ARN}/$default/GET/pets/", {})], False),
        ([("Allow", f"{ARN}/$default/get/pets", {})], False),
        ([("Deny", HERE, {})], False),
        ([("Allow", "*", {}), ("Deny", HERE, {})], False),
        ([("Allow", "*", {}), ("Deny", f"{ARN}/$default/GET/dogs", {})], True),
        ([], False),
        ([("Allow", HERE, {"Action": "EXECUTE-API:invoke"})], True),
        ([("Allow", HERE, {"Action": ["s3:*", "execute-api:*"]})], True),
        ([("Allow", HERE, {"Action": "*"})], True),
        ([("Allow", HERE, {"Action": "execute-api:ManageConnections"})], False),
        ([("Allow", HERE, {"Condition": IN_HERE})], True),
        ([("Allow", HERE, {"Condition": ELSEWHERE})], False),
        ([("Allow", "*", {}), ("Deny", HERE, {"Condition": IN_HERE})], False),
        ([("Allow", HERE, {"NotPrincipal": "*", "Principal": {"AWS": "nobody"}})], True),
    ],
)
async def test_policies(statements: list[tuple[str, Any, dict[str, Any]]], allowed: bool) -> None:
    door = request_door(enable_simple_responses=None)
    door.functions.handler = lambda event: {
        "principalId": "ann",
        "policyDocument": {
            "Statement": [
                {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource, **more}
                for effect, resource, more in statements
            ]
        },
        "context": {"a": 1},
    }
    async with opened(door):
        verdict = (await door.ask(SENT)).verdict
    assert verdict.allowed is allowed
    if allowed:
        assert verdict.principal_id == "ann"
        assert verdict.context == {"lambda": {"a": 1}}
        assert verdict.context_v1 == {"a": 1, "principalId": "ann"}
        assert verdict.variables == {"a": "1", "principalId": "ann"}
    else:
        assert is_denied(verdict)


# ---------------------------------------------------------------- functions that do not decide


async def test_a_function_that_fails() -> None:
    door = request_door(identity_source=TOKEN)

    def fail(event: Any) -> None:
        raise RuntimeError("Unauthorized")

    door.functions.handler = fail
    async with opened(door):
        assert is_broken((await door.ask(SENT)).verdict)
        door.functions.handler = lambda event: {"isAuthorized": True}
        assert (await door.ask(SENT)).verdict.allowed  # a failure is not kept


async def test_a_function_that_may_not_be_called(caplog: pytest.LogCaptureFixture) -> None:
    door = request_door()
    door.functions.permits = False
    async with opened(door):
        assert is_broken((await door.ask()).verdict)
    assert f"--source-arn '{ARN}/authorizers/a1'" in caplog.text


async def test_a_function_that_takes_too_long() -> None:
    door = request_door(decide_s=0.05)
    door.functions.handler = lambda event: asyncio.sleep(60)
    async with opened(door):
        assert is_broken((await door.ask()).verdict)


async def test_routes_without_their_authorizer() -> None:
    door = request_door(route={"authorizer_id": "gone"})
    async with opened(door):
        assert is_broken((await door.ask()).verdict)
        wrong = msgspec.structs.replace(door.route, authorizer_id="a1", authorization_type="JWT")
        door.deployed = served(wrong, authorizers=tuple(door.deployed.authorizers.values()))
        assert is_broken((await door.ask()).verdict)


# ---------------------------------------------------------------- identity sources and what is kept


async def test_missing_identity() -> None:
    door = request_door(
        identity_source=(
            "$request.header.a",
            "$request.querystring.b",
            "$stageVariables.c",
            "$context.stage",
        ),
        variables={"c": "1"},
    )
    async with opened(door):
        for headers, target in (
            ([], "/pets?b=1"),
            ([("a", "")], "/pets?b=1"),
            ([("a", "1")], "/pets"),
            ([("a", "1")], "/pets?B=1"),
            ([("a", "1")], "/pets?b="),
        ):
            judged = await door.ask(*headers, target=target)
            assert judged.at_once
            assert (judged.verdict.status, judged.verdict.message) == (401, "Unauthorized")
            assert judged.verdict.headers == ()
        assert door.functions.events == []
        assert (await door.ask(("A", "1"), target="/pets?b=1")).verdict.allowed
    assert door.functions.events[0]["identitySource"] == ["1", "1", "1", "$default"]


async def test_decisions_are_kept() -> None:
    door = request_door(identity_source=TOKEN)
    door.functions.handler = lambda event: {
        "isAuthorized": event["identitySource"] == ["good"],
        "context": {"n": len(door.functions.events)},
    }
    good, bad = ("Authorization", "good"), ("Authorization", "bad")
    async with opened(door):
        first = await door.ask(good)
        again = await door.ask(good, target="/pets?other=1")
        assert (first.at_once, again.at_once) == (False, True)
        assert again.verdict.context == first.verdict.context == {"lambda": {"n": 1}}
        assert again.verdict.latency_ms == 0
        assert is_denied((await door.ask(bad)).verdict)
        denied = await door.ask(bad)
        assert denied.at_once
        assert is_denied(denied.verdict)
        door.ticks.now += 299
        assert (await door.ask(good)).at_once
        door.ticks.now += 1
        renewed = await door.ask(good)
        assert not renewed.at_once
        assert renewed.verdict.context == {"lambda": {"n": 3}}


@pytest.mark.parametrize("seconds", [1, 60, 3600])
async def test_how_long_decisions_are_kept(seconds: int) -> None:
    door = request_door(identity_source=TOKEN, authorizer_result_ttl_in_seconds=seconds)
    async with opened(door):
        await door.ask(SENT)
        door.ticks.now += seconds - 0.5
        assert (await door.ask(SENT)).at_once
        door.ticks.now += 0.5
        assert not (await door.ask(SENT)).at_once


async def test_nothing_is_kept_for_no_time() -> None:
    door = request_door(identity_source=TOKEN, authorizer_result_ttl_in_seconds=0)
    async with opened(door):
        assert [(await door.ask(SENT)).at_once for _ in range(3)] == [False] * 3


async def test_a_kept_policy_is_applied_to_each_route() -> None:
    door = request_door(identity_source=TOKEN, enable_simple_responses=None)
    door.functions.handler = lambda event: policy("Allow", f"{ARN}/$default/GET/pets")
    async with opened(door):
        assert (await door.ask(SENT)).verdict.allowed
        other = await door.ask(SENT, target="/dogs")
        assert other.at_once
        assert is_denied(other.verdict)
        assert is_denied((await door.ask(SENT, method="POST")).verdict)
        assert (await door.ask(SENT)).verdict.allowed


async def test_conditions_of_a_kept_policy_are_asked_each_time() -> None:
    door = request_door(identity_source=TOKEN, enable_simple_responses=None)
    only = {"StringEquals": {"aws:UserAgent": "browser"}}
    document = {
        "Statement": {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*", "Condition": only}
    }
    door.functions.handler = lambda event: {"principalId": "ann", "policyDocument": document}
    async with opened(door):
        for _ in range(2):
            assert (await door.ask(SENT, ("User-Agent", "browser"))).verdict.allowed
            assert is_denied((await door.ask(SENT, ("User-Agent", "else"))).verdict)
    assert len(door.functions.events) == 1


@pytest.mark.parametrize(
    ("protocol", "sources", "given", "seconds"),
    [
        ("HTTP", TOKEN, None, 300),
        ("HTTP", TOKEN, 7, 7),
        ("HTTP", TOKEN, 0, 0),
        ("HTTP", None, None, 0),
        ("HTTP", (), None, 0),
        ("WEBSOCKET", TOKEN, None, 0),
    ],
)
def test_what_is_kept(
    protocol: str, sources: tuple[str, ...] | None, given: int | None, seconds: int
) -> None:
    authorizer = asking(identity_source=sources, authorizer_result_ttl_in_seconds=given)
    assert kept_seconds(served(protocol=protocol).api, authorizer) == seconds


async def test_identity_is_not_mixed_up() -> None:
    """Values that look alike when they are joined are different callers."""
    door = request_door(identity_source=("$request.header.a", "$request.header.b"))
    door.functions.handler = lambda event: {"isAuthorized": event["identitySource"] == ["1,2", "3"]}
    async with opened(door):
        assert (await door.ask(("a", "1,2"), ("b", "3"))).verdict.allowed
        assert is_denied((await door.ask(("a", "1"), ("b", "2,3"))).verdict)


async def test_forgetting() -> None:
    door = request_door(identity_source=TOKEN)
    async with opened(door):
        await door.ask(SENT)
        door.authorizers.reset_cache(API, "other")
        door.authorizers.reset_cache("other", "$default")
        assert (await door.ask(SENT)).at_once
        door.authorizers.reset_cache(API, "$default")
        assert not (await door.ask(SENT)).at_once
        door.authorizers.clear()
        assert not (await door.ask(SENT)).at_once
        # Deployed again as it was, what was decided still holds; changed, it does not.
        (authorizer,) = door.deployed.authorizers.values()
        door.deployed = served(door.route, authorizers=(msgspec.structs.replace(authorizer),))
        assert (await door.ask(SENT)).at_once
        changed = msgspec.structs.replace(authorizer, authorizer_result_ttl_in_seconds=60)
        door.deployed = served(door.route, authorizers=(changed,))
        assert not (await door.ask(SENT)).at_once


def test_strangers_do_not_fill_the_memory() -> None:
    kept = KeptDecisions(60, lambda: 0.0)
    for number in range(10_000):
        kept.put((str(number),), Decision(everywhere=True))
    left = [number for number in range(10_000) if kept.get((str(number),)) is not None]
    assert left == list(range(10_000 - len(left), 10_000))
    assert 1_000 < len(left) < 5_000


# ---------------------------------------------------------------- WebSocket APIs


async def test_websocket_handshakes() -> None:
    door = request_door(
        protocol="WEBSOCKET",
        stage="dev",
        identity_source=("route.request.header.Auth", "route.request.querystring.who", "context.stage"),
    )
    door.functions.handler = lambda event: policy("Allow", event["methodArn"], context={"n": 1, "t": True})
    async with opened(door):
        missing = await door.ask(("Auth", "a"))
        assert missing.at_once
        assert missing.verdict.status == 401
        for _ in range(2):
            judged = await door.ask(("Auth", "a"), target="/dev?who=me")
            assert not judged.at_once  # never kept
            assert judged.verdict.allowed
            assert judged.verdict.context_v1 == {"n": "1", "t": "true", "principalId": "ann"}
    assert door.functions.events[0] == {
        "type": "REQUEST",
        "methodArn": f"{ARN}/dev/$connect",
        "requestContext": {"routeKey": "$connect"},
    }


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (policy("Deny", "*"), 403),
        (policy("Allow", f"{ARN}/dev/$default"), 403),
        ({**policy("Allow", "*"), "principalId": None}, 500),
        (policy("Allow", "*", context={"list": []}), 500),
        (policy("Allow", "*", context={"map": {}}), 500),
        ({"isAuthorized": True}, 500),
    ],
)
async def test_websocket_refusals(answer: Any, status: int) -> None:
    door = request_door(protocol="WEBSOCKET", stage="dev")
    door.functions.handler = lambda event: json.dumps(answer).encode()
    async with opened(door):
        assert (await door.ask()).verdict.status == status


@pytest.mark.parametrize(("message", "status"), [("Unauthorized", 401), ("unauthorized", 500), ("x", 500)])
async def test_websocket_functions_that_fail(message: str, status: int) -> None:
    def fail(event: Any) -> None:
        raise RuntimeError(message)

    door = request_door(protocol="WEBSOCKET", stage="dev")
    door.functions.handler = fail
    async with opened(door):
        assert (await door.ask()).verdict.status == status
