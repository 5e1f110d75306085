"""What an API brings with it may take neither all time nor all memory."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from tests.gateway.rest_api.conftest import mock

from lambent.gateway.rest_api.records import Method, Model, RequestValidator
from lambent.gateway.rest_api.time_limit import TimeLimit, TookTooLong, matches
from lambent.gateway.rest_api.validation import RequestValidation
from lambent.gateway.rest_api.velocity import Rendering
from lambent.gateway.rest_api.velocity_nodes import TemplateRefused
from lambent.gateway.rest_api.velocity_objects import Input
from lambent.gateway.rest_api.velocity_parser import parsed

if TYPE_CHECKING:
    from tests.gateway.rest_api.conftest import Gateway

DEEP = '{"a":' * 400 + "1" + "}" * 400
GROWING = "#set($t = 'xxxxxxxx')" + "#set($t = $t + $t)" * 60
TURNS = "#foreach($a in [1..1000])"


@pytest.mark.parametrize(
    "template",
    [
        GROWING,
        "#set($t = 'xxxxxxxx')" + "#set($t = $t.concat($t))" * 60,
        "#set($t = 'xxxxxxxx')" + '#set($t = "$t$t")' * 60,
        "#set($t = 'xxxxxxxx')" + "#set($t = $t.replace('x', $t))" * 60,
        "#set($t = 'xxxxxxxx')" + "#set($t = $t.replaceAll('x', $t))" * 60,
        "#set($n = 10)" + "#set($n = $n * $n)" * 60,
        "#set($n = " + "9" * 5000 + ")",
        "#set($l = [1, 2])" + "#set($x = $l.addAll($l))" * 60,
        "#set($l = [1, 2])" + "#set($l = [$l, $l])" * 60 + "$l",
        "#set($l = [1])#set($x = $l.add($l))$l",
        "#set($m = {})#set($x = $m.put('m', $m))$m",
        "#set($l = [1])#set($k = [1])" + "#set($l = [$l, $l])#set($k = [$k, $k])" * 40 + "#if($l == $k)#end",
        "#set($l = [1])" + "#set($l = [$l, $l])" * 40 + "#set($x = [$l].contains([$l]))",
        TURNS * 3 + "#end" * 3,
        TURNS + "#foreach($b in [1..100000])#end#end",
        TURNS + "#set($l = [1..100000])#end",
        "$input.json('$" + "..a" * 12 + "')",
        "#set($m = {[1]: 2})",
        "#set($context.responseOverride = 'x')",
        "#set($context.responseOverride.header = 'x')",
        "#set($context.responseOverride.header.X.Y = 'x')",
        "#set($x = '" + "x" * 307_200 + "')",
        "$input.path('$').substring('a')",
    ],
)
def test_templates_come_to_an_end(template: str) -> None:
    before = time.process_time()
    with pytest.raises(TemplateRefused):
        Rendering({"input": Input(DEEP)}).run(parsed(template))
    assert time.process_time() - before < 2


def test_loops_have_a_thousand_turns() -> None:
    assert Rendering({}).run(parsed("#foreach($a in [1..1500])x#end")) == "x" * 1000


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$t.replaceAll('(a)(b)', '$2$1')", "ba,ba,"),
        (r"$t.replaceAll('a', '\$')", "$b,$b,"),
        ("$t.split(',').size()", "2"),
        ("$t.split('x').get(0)", "ab,ab,"),
        ("$t.split('').size()", "6"),
    ],
)
def test_expressions_are_those_of_java(template: str, expected: str) -> None:
    assert Rendering({"t": "ab,ab,"}).run(parsed(template)) == expected


def spin(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_the_time_limit() -> None:
    before = time.process_time()
    assert not matches(re.compile("(a+)+$"), "a" * 40 + "b")
    with pytest.raises(TookTooLong), TimeLimit(0.01):
        spin(10)
    with TimeLimit(0.01):
        pass
    spin(0.05)  # nothing rings any more
    assert matches(re.compile("a+"), "aaa")
    assert time.process_time() - before < 2


def test_other_threads_have_no_limit() -> None:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(matches(re.compile("a+"), "aaa")))
    thread.start()
    thread.join()
    assert found == [True]


def test_schemas_have_the_limit_too() -> None:
    model = Model(
        id="m", name="M", content_type="application/json", schema='{"type": "string", "pattern": "^(a+)+$"}'
    )
    method = Method(
        http_method="POST",
        authorization_type="NONE",
        api_key_required=False,
        request_models={"application/json": "M"},
    )
    validator = RequestValidator(
        id="v", name="v", validate_request_body=True, validate_request_parameters=False
    )
    validation = RequestValidation(validator, method, {"M": model})

    def found(body: bytes) -> str | None:
        request = SimpleNamespace(body=body)
        call = SimpleNamespace(request=request, header=lambda name: None)
        exchange: Any = SimpleNamespace(call=call, method=SimpleNamespace(key="POST /"))
        problem = asyncio.run(validation.acheck(exchange))
        return None if problem is None else problem[0].type

    assert found(b'"aaa"') is None
    assert found(b'"b"') == "BAD_REQUEST_BODY"
    assert found(b'"' + b"a" * 40 + b'b"') == "API_CONFIGURATION_ERROR"


def test_bodies_that_are_nested_deeply(gateway: Gateway) -> None:
    responses = {"statusCode": "200", "responseTemplates": {"application/json": "$input.json('$')"}}
    method: dict[str, Any] = mock('{"statusCode": 200, "x": $input.json("$")}', responses)
    api = gateway.api({"paths": {"/a": {"post": method}}})
    for depth in (500, 900, 990, 2000):
        body = b"[" * depth + b"]" * depth
        assert api("POST", "/a", body, Content_Type="application/json").status in (200, 500)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Content-Length", "3"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("X\r\nSet-Cookie", "a=b"),
        ("X: y", "z"),
    ],
)
def test_answers_are_framed_by_the_server(gateway: Gateway, header: str, value: str) -> None:
    template = f'#set($context.responseOverride.header["{header}"] = "{value}"){{"m": 1}}'
    responses = {
        "statusCode": "200",
        "responseTemplates": {"application/json": template},
        "responseParameters": {f"method.response.header.{header}": f"'{value}'"},
    }
    api = gateway.api(
        {
            "x-amazon-apigateway-gateway-responses": {
                "DEFAULT_4XX": {"responseParameters": {f"gatewayresponse.header.{header}": f"'{value}'"}}
            },
            "paths": {"/a": {"get": mock('{"statusCode": 200}', responses)}},
        }
    )
    for path, body in (("/a", b'{"m": 1}'), ("/none", b'{"message":"Missing Authentication Token"}')):
        answer = api("GET", path)
        assert answer.status in (200, 403, 500)
        assert "set-cookie" not in answer.headers
        assert answer.headers.get("x") is None
        if answer.status != 500:
            assert answer.body == body
            assert answer.headers["content-length"] == str(len(body))
