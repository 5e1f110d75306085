"""MOCK integrations, as frameworks write them for CORS, and templates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.gateway.rest_api.conftest import invocation_uri, mock

from lambent.gateway.apis.errors import BadApiRequest
from lambent.gateway.rest_api.velocity import Rendering
from lambent.gateway.rest_api.velocity_nodes import TemplateRefused
from lambent.gateway.rest_api.velocity_objects import Context, Input, Util
from lambent.gateway.rest_api.velocity_parser import parsed

if TYPE_CHECKING:
    from tests.gateway.rest_api.conftest import Gateway

ORIGIN = "method.response.header.Access-Control-Allow-Origin"
CORS = {ORIGIN: "'*'", "method.response.header.Access-Control-Allow-Methods": "'GET,POST'"}
# What AWS CDK writes for several origins, and osls much the same.
CHOSEN = """#set($origin = $input.params().header.get("Origin"))
#if($origin == "")
  #set($origin = $input.params().header.get("origin"))
#end
#if($origin.matches("https://a.example") || $origin.matches("https://b.example"))
  #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)
#end"""


@pytest.mark.parametrize(
    ("template", "response", "status", "body"),
    [
        # SAM
        (
            '{\n  "statusCode" : 200\n}\n',
            {"statusCode": "200", "responseTemplates": {"application/json": "{}\n"}},
            200,
            b"{}\n",
        ),
        # CDK
        ("{ statusCode: 204 }", {"statusCode": "204"}, 204, b""),
        # osls
        ("{statusCode:200}", {"statusCode": "200", "responseTemplates": {"application/json": ""}}, 200, b""),
        # Terraform's modules
        ("{ 'statusCode': 200 }", {"statusCode": "200"}, 200, b""),
    ],
)
def test_cors_of_frameworks(
    gateway: Gateway, template: str, response: dict[str, Any], status: int, body: bytes
) -> None:
    api = gateway.api(
        {"paths": {"/a": {"options": mock(template, {**response, "responseParameters": CORS})}}}
    )
    answer = api("OPTIONS", "/a", Origin="https://x.example", Access_Control_Request_Method="GET")
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET,POST"


def test_one_of_several_origins(gateway: Gateway) -> None:
    response = {
        "statusCode": "204",
        "responseParameters": {ORIGIN: "'https://a.example'"},
        "responseTemplates": {"application/json": CHOSEN},
    }
    api = gateway.api({"paths": {"/a": {"options": mock("{ statusCode: 204 }", response)}}})
    for origin, allowed in (
        ("https://b.example", "https://b.example"),
        ("https://c.example", "https://a.example"),
    ):
        answer = api("OPTIONS", "/a", Origin=origin)
        assert answer.headers["access-control-allow-origin"] == allowed


@pytest.mark.parametrize("template", ["", "nothing", '{"no": 1}', '{"statusCode": "x"}', "#macro(a)#end"])
def test_templates_that_say_no_status(gateway: Gateway, template: str) -> None:
    answer = gateway.api({"paths": {"/a": {"get": mock(template, {"statusCode": "200"})}}})("GET", "/a")
    assert (answer.status, answer.json) == (500, {"message": "Internal server error"})


def test_interim_statuses_are_none_of_answers(gateway: Gateway) -> None:
    api = gateway.api({"paths": {"/a": {"get": mock('{"statusCode": 100}', {"statusCode": "100"})}}})
    assert api("GET", "/a").status == 200


@pytest.mark.parametrize("status", ["abc", "999", "20", "٢٠٠"])
def test_statuses_that_are_none(gateway: Gateway, status: str) -> None:
    document = {"paths": {"/a": {"get": mock('{"statusCode": 200}', {"statusCode": status})}}}
    with pytest.raises(BadApiRequest, match="Invalid status code"):
        gateway.api(document)
    responses = {"DEFAULT_4XX": {"statusCode": status}}
    with pytest.raises(BadApiRequest, match="Invalid status code"):
        gateway.api({"x-amazon-apigateway-gateway-responses": responses, "paths": {}})


def test_statuses_are_chosen_by_pattern(gateway: Gateway) -> None:
    method = mock('{"statusCode": $input.params("s")}', {"statusCode": "200"})
    method["x-amazon-apigateway-integration"]["responses"]["4\\d{2}"] = {
        "statusCode": "400",
        "responseTemplates": {"application/json": '{"path": "$context.resourcePath"}'},
    }
    api = gateway.api({"paths": {"/a": {"get": method}}})
    assert api("GET", "/a?s=204").status == 200
    answer = api("GET", "/a?s=404")
    assert (answer.status, answer.json) == (400, {"path": "/a"})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$input.body", '{"a": [1, {"b": "c"}], "n": null}'),
        ("$input.json('$.a')", '[1,{"b":"c"}]'),
        ("$input.path('$.a[1].b')", "c"),
        ("$input.path('$.a').size()", "2"),
        ("$input.params('q') $input.params('id') $input.params('X-Own')", "x 7 own"),
        ("#foreach($one in $input.params().querystring.keySet())$one#if($foreach.hasNext),#end#end", "q"),
        ("#set($x = 1 + 2 * 3)$x", "7"),
        ("#set($m = {'k': [1, 2]})$m.k.get(1)", "2"),
        ("#if($input.params('q') == 'x' && !$nothing)yes#else no#end", "yes"),
        ("#if(1 > 2)a#elseif(2 >= 2)b#end", "b"),
        ("${context.stage}-${stageVariables.v}-$!{nothing}-$nothing", "dev-w--$nothing"),
        ("$util.escapeJavaScript('a\"b')|$util.base64Encode('hi')|$util.urlEncode('a b')", 'a\\"b|aGk=|a+b'),
        ("## gone\n#* and\nthis *#left", "left"),
        ("#set($a = \"$input.params('q')!\")$a.toUpperCase().substring(0, 1)", "X"),
        ("#foreach($n in [1..3])$velocityCount#end", "123"),
        ("$context.identity.sourceIp $context.httpMethod", "127.0.0.1 POST"),
        ("price: $5 and #hash", "price: $5 and #hash"),
    ],
)
def test_templates(template: str, expected: str) -> None:
    facts = {"stage": "dev", "identity.sourceIp": "127.0.0.1", "httpMethod": "POST"}
    given = Input(
        '{"a": [1, {"b": "c"}], "n": null}', path={"id": "7"}, query={"q": "x"}, header={"X-Own": "own"}
    )
    rendering = Rendering(
        {"input": given, "util": Util(), "context": Context(facts.get), "stageVariables": {"v": "w"}}
    )
    assert rendering.run(parsed(template)) == expected


@pytest.mark.parametrize(
    "template",
    [
        "#if(1",
        "#end",
        "#set($x = )",
        "#foreach($x of [1])#end",
        "#parse('x')",
        "$input.path('$..[?(@.a)]')",
        "#if(true)" * 100,
    ],
)
def test_templates_that_are_refused(template: str) -> None:
    with pytest.raises(TemplateRefused):
        Rendering({"input": Input("{}")}).run(parsed(template))


def test_functions_with_templates(gateway: Gateway) -> None:
    def work(event: Any) -> Any:
        if event.get("fail"):
            raise RuntimeError(f"[{event['fail']}] broken")
        return {"got": event}

    gateway.functions.handlers["work"] = work
    integration = {
        "type": "aws",
        "httpMethod": "POST",
        "uri": invocation_uri("work"),
        "requestTemplates": {
            "application/json": '{"fail": "$input.params(\'fail\')", "body": $input.json(\'$\')}'
        },
        "passthroughBehavior": "never",
        "responses": {
            "default": {"statusCode": "200"},
            "\\[404\\].*": {
                "statusCode": "404",
                "responseTemplates": {"application/json": '{"error": "$input.path(\'$.errorMessage\')"}'},
                "responseParameters": {"method.response.header.X": "integration.response.body.errorMessage"},
            },
        },
    }
    api = gateway.api({"paths": {"/a": {"post": {"x-amazon-apigateway-integration": integration}}}})
    assert api("POST", "/a", b'{"x": 1}').json == {"got": {"fail": "", "body": {"x": 1}}}
    answer = api("POST", "/a?fail=404", b"{}")
    assert (answer.status, answer.json) == (404, {"error": "[404] broken"})
    assert answer.headers["x"] == "[404] broken"
    assert api("POST", "/a?fail=500", b"{}").status == 200
    assert api("POST", "/a", b"x", Content_Type="text/plain").status == 415


def test_what_is_not_served_says_so(gateway: Gateway) -> None:
    integration = {
        "type": "aws",
        "httpMethod": "POST",
        "uri": "arn:aws:apigateway:us-east-1:sqs:action/SendMessage",
    }
    answer = gateway.api({"paths": {"/a": {"get": {"x-amazon-apigateway-integration": integration}}}})(
        "GET", "/a"
    )
    assert answer.status == 500
    assert "not served by this platform" in json.loads(answer.body)["message"]
