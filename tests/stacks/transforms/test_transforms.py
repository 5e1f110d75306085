"""Includes, macros, their order, and templates in S3: what AWS does was recorded by LocalStack's tests
(tests/aws/services/cloudformation: test_template_engine, test_change_set_fn_transform) or is in the User Guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambent.stacks.errors import ValidationError
from lambent.stacks.transforms import Transforms

if TYPE_CHECKING:
    from tests.stacks.transforms.conftest import World

ACCOUNT = "000000000000"
MACRO = """
import json

def handler(event, context):
    params, fragment = event["params"], event["fragment"]
    answer = {"requestId": event["requestId"], "status": "success", "fragment": fragment}
    do = params.get("Do", "replace")
    if do == "replace":
        answer["fragment"] = json.loads(
            json.dumps(fragment).replace("<replace-this>", params.get("Input", "x") + " <replace-this>")
        )
    elif do == "tell":
        answer["fragment"] = {"Told": event}
    elif do == "text":
        answer["fragment"] = "text"
    elif do == "refuse":
        answer.update(status="failed", errorMessage="failed because it is a test")
    elif do == "refuse silently":
        answer["status"] = "failed"
    elif do == "raise":
        raise ValueError("no")
    elif do == "forget":
        del answer["fragment"]
    elif do == "another":
        answer["requestId"] = "another"
    elif do == "list":
        return [1]
    return answer
"""


@pytest.fixture(scope="module", autouse=True)
def prepared(world: World) -> None:
    world.ask("s3", "CreateBucket", Bucket="templates")
    world.function("macro", MACRO)
    world.macros["Replace"] = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:macro"
    world.macros["Gone"] = "nothing"


def refusal(world: World, template: dict[str, Any], **parameters: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        world.apply(template, **parameters)
    return str(caught.value)


def parameter(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", **properties}}


def embedded(name: str, /, **parameters: Any) -> dict[str, Any]:
    return {"Fn::Transform": {"Name": name, "Parameters": parameters}}


def test_a_template_without_transforms_is_itself(world: World) -> None:
    template = {"Resources": {"P": parameter(Value="foo")}}
    assert world.run(_apply_itself(world, template)) is template


async def _apply_itself(world: World, template: dict[str, Any]) -> dict[str, Any]:
    return await world.transforms.apply(
        template, account=ACCOUNT, region="us-east-1", stack_name="s", parameters={}
    )


@pytest.mark.parametrize(
    ("template", "needed"),
    [
        ({"Resources": {}}, False),
        ({"Transform": "AWS::Serverless-2016-10-31"}, True),
        ({"Transform": {"Name": "AWS::Include"}}, True),
        ({"Resources": {"P": {"Properties": {"A": [{"Fn::Transform": "M"}]}}}}, True),
        ({"Resources": {"P": {"Properties": {"A": "Fn::Transform"}}}}, False),
    ],
)
def test_what_needs_to_be_acknowledged(template: dict[str, Any], needed: bool) -> None:
    assert Transforms.needs_auto_expand(template) is needed


# --- templates in S3 ------------------------------------------------------------------------------------------------


def test_templates_are_fetched_by_every_kind_of_url(world: World) -> None:
    world.put("dir/t 1.yaml", "Resources: {}\n# ü")
    for url in (
        "https://s3.amazonaws.com/templates/dir/t%201.yaml",
        "https://templates.s3.eu-west-1.amazonaws.com/dir/t%201.yaml",
        f"{world.platform.inside_url}/templates/dir/t%201.yaml",
    ):
        assert world.run(world.fetcher.text(url, ACCOUNT, "us-east-1")) == "Resources: {}\n# ü"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://example.com/templates/t.yaml", "TemplateURL must be a supported URL."),
        (
            "https://s3.amazonaws.com/templates/none.yaml",
            "S3 error: The specified key does not exist.\nFor more",
        ),
        (
            "https://s3.amazonaws.com/nowhere/none.yaml",
            "S3 error: The specified bucket does not exist\nFor more",
        ),
        ("https://s3.amazonaws.com/templates/large", "Template may not exceed 1000000 bytes in size."),
        ("https://s3.amazonaws.com/templates/binary", "Template format error: unsupported structure."),
    ],
)
def test_templates_that_cannot_be_fetched(world: World, url: str, message: str) -> None:
    world.put("large", b"#" * 1_000_001)
    world.put("binary", b"\xff\xfe\x00")
    with pytest.raises(ValidationError) as caught:
        world.run(world.fetcher.text(url, ACCOUNT, "us-east-1"))
    assert str(caught.value).startswith(message)


# --- AWS::Include ---------------------------------------------------------------------------------------------------


def test_a_snippet_is_put_among_its_siblings_and_wins(world: World) -> None:
    location = world.put("more.yaml", "P:\n  Type: Other\nQ:\n  Type: AWS::SQS::Queue\n")
    template = {
        "Resources": {"P": parameter(Value="foo"), "R": {}, **embedded("AWS::Include", Location=location)}
    }
    assert world.apply(template) == {
        "Resources": {"P": {"Type": "Other"}, "R": {}, "Q": {"Type": "AWS::SQS::Queue"}}
    }


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ('{"openapi": "3.0.1", "paths": {}}', {"openapi": "3.0.1", "paths": {}}),
        ("swagger: '2.0'\ndate: 2012-10-17\n", {"swagger": "2.0", "date": "2012-10-17"}),
        ("Ref: AWS::Region", {"Ref": "AWS::Region"}),
        ('[1, {"a": 2}]', [1, {"a": 2}]),
        ('"text"', "text"),
    ],
)
def test_a_snippet_alone_is_the_value(world: World, content: str, value: Any) -> None:
    world.put("api", content)
    resource = {"Properties": {"Body": embedded("AWS::Include", Location={"Fn::Sub": "s3://${Bucket}/api"})}}
    processed = world.apply({"Resources": {"A": resource}}, Bucket="templates")
    assert processed == {"Resources": {"A": {"Properties": {"Body": value}}}}


def test_where_a_snippet_is_may_be_computed(world: World) -> None:
    world.put("us-east-1/api", '"here"')
    for location in (
        {"Fn::Join": ["/", ["s3://templates", {"Ref": "AWS::Region"}, "api"]]},
        {"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "at"]},
        {"Fn::Sub": ["s3://templates/${R}/${Name}", {"R": {"Ref": "AWS::Region"}}]},
        {"Ref": "Whole"},
    ):
        template = {
            "Mappings": {"M": {"us-east-1": {"at": "s3://templates/us-east-1/api"}}},
            "Outputs": {"O": {"Value": embedded("AWS::Include", Location=location)}},
        }
        processed = world.apply(template, Name="api", Whole="s3://templates/us-east-1/api")
        assert processed["Outputs"] == {"O": {"Value": "here"}}


def test_a_snippet_for_the_whole_template(world: World) -> None:
    location = world.put("sections.json", '{"Outputs": {"O": {"Value": 1}}, "Resources": {"Q": {}}}')
    template = {
        "Transform": {"Name": "AWS::Include", "Parameters": {"Location": location}},
        "Resources": {"P": parameter(Value="foo")},
    }
    assert world.apply(template) == {
        "Resources": {"P": parameter(Value="foo"), "Q": {}},
        "Outputs": {"O": {"Value": 1}},
    }


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("s3://templates/short.yaml", "The specified S3 object's content should be valid Yaml/JSON"),
        ("s3://templates/broken.json", "The specified S3 object's content should be valid Yaml/JSON"),
        ("s3://templates/bomb.yaml", "The specified S3 object's content should be valid Yaml/JSON"),
        ("s3://nowhere/a.yaml", "S3 bucket [nowhere] does not exist."),
        ("/etc/passwd", "The location parameter is not a valid S3 uri."),
        ("http://169.254.169.254/a/b", "The location parameter is not a valid S3 uri."),
    ],
)
def test_snippets_that_cannot_be_included(world: World, location: str, message: str) -> None:
    world.put("short.yaml", "P:\n  Value: !Ref Q\n")
    world.put("broken.json", '{"P": ')
    world.put("bomb.yaml", "a: &a [1]\nb: [*a, *a]\n")
    template = {"Resources": embedded("AWS::Include", Location=location)}
    assert refusal(world, template) == f"Transform AWS::Include failed with: {message}"


def test_a_snippet_is_there_before_sam_sees_the_template(world: World) -> None:
    world.put(
        "swagger.yaml",
        "swagger: '2.0'\ninfo: {title: t}\npaths:\n  /a:\n    get:\n      responses: {}\n"
        "      x-amazon-apigateway-integration: {type: mock}\n",
    )
    api = {
        "Type": "AWS::Serverless::Api",
        "Properties": {
            "StageName": "v1",
            "DefinitionBody": embedded("AWS::Include", Location="s3://templates/swagger.yaml"),
        },
    }
    processed = world.apply({"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Api": api}})
    body = processed["Resources"]["Api"]["Properties"]["Body"]
    assert body["paths"]["/a"]["get"]["x-amazon-apigateway-integration"] == {"type": "mock"}


def test_language_extensions_come_in_their_place(world: World) -> None:
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {"InlineCode": "x", "Handler": "a.b", "Runtime": "python3.12"},
    }
    template = {
        "Transform": ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"],
        "Parameters": {"Names": {"Type": "CommaDelimitedList"}},
        "Resources": {"Fn::ForEach::Each": ["Name", {"Ref": "Names"}, {"F${Name}": function}]},
    }
    processed = world.apply(template, Names=["A", "B"])
    assert set(processed["Resources"]) == {"FA", "FARole", "FB", "FBRole"}
    assert "Transform" not in processed


@pytest.mark.parametrize("name", ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"])
def test_transforms_of_whole_templates_stand_at_the_top(world: World, name: str) -> None:
    template = {"Resources": {"P": {"Fn::Transform": name}}}
    assert refusal(world, template) == f"Transform {name} is not supported in Fn::Transform."


# --- macros ---------------------------------------------------------------------------------------------------------


def test_what_a_macro_is_told(world: World) -> None:
    template = {
        "Transform": [{"Name": "Replace", "Parameters": {"Do": "tell", "Input": {"Ref": "P"}}}],
        "Parameters": {"P": {"Type": "String"}},
        "Resources": {"P": parameter(Value={"Ref": "P"})},
    }
    told = world.apply(template, P="example-value")["Told"]
    assert len(told.pop("requestId")) == 36
    assert told == {
        "accountId": ACCOUNT,
        "region": "us-east-1",
        "transformId": f"{ACCOUNT}::Replace",
        "params": {"Do": "tell", "Input": "example-value"},
        "templateParameterValues": {"P": "example-value"},
        "fragment": {name: part for name, part in template.items() if name != "Transform"},
    }


def test_a_macro_inside_is_told_of_its_siblings(world: World) -> None:
    properties = {"Value": "foo", **embedded("Replace", Do="tell")}
    processed = world.apply({"Resources": {"P": {"Properties": properties}, "Q": {}}})
    told = processed["Resources"]["P"]["Properties"]["Told"]
    assert told["fragment"] == {"Value": "foo"}
    assert processed["Resources"]["Q"] == {}


def test_order(world: World) -> None:
    def replace(text: str) -> dict[str, Any]:
        return {"Name": "Replace", "Parameters": {"Input": text}}

    template = {
        "Resources": {
            "Fn::Transform": replace("outer"),
            "P": parameter(
                Value="<replace-this>",
                **{"Fn::Transform": [replace("snippet-transform"), replace("second-snippet-transform")]},
            ),
        },
        "Transform": [replace("global-transform"), replace("second-global-transform")],
    }
    assert world.apply(template) == {
        "Resources": {
            "P": parameter(
                Value="snippet-transform second-snippet-transform outer global-transform second-global-transform "
                "<replace-this>"
            )
        }
    }


def test_a_macro_by_its_name_alone(world: World) -> None:
    processed = world.apply(
        {"Transform": "Replace", "Resources": {"P": {"Fn::Transform": "Replace", "A": "<replace-this>"}}}
    )
    assert processed == {"Resources": {"P": {"A": "x x <replace-this>"}}}


def test_lists_of_transforms_in_lists(world: World) -> None:
    template = {"Transform": [["Replace"], "Replace"], "Resources": {"P": "<replace-this>"}}
    assert world.apply(template) == {"Resources": {"P": "x x <replace-this>"}}


def test_a_macro_may_give_a_text_for_a_value(world: World) -> None:
    template = {"Resources": {"P": parameter(Value=embedded("Replace", Do="text"))}}
    assert world.apply(template) == {"Resources": {"P": parameter(Value="text")}}


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ("refuse", f"Transform {ACCOUNT}::Replace failed with: failed because it is a test"),
        ("refuse silently", f"Transform {ACCOUNT}::Replace failed without an error message."),
        ("text", "Template format error: unsupported structure."),
        ("raise", f"Received malformed response from transform {ACCOUNT}::Replace"),
        ("forget", f"Received malformed response from transform {ACCOUNT}::Replace"),
        ("another", f"Received malformed response from transform {ACCOUNT}::Replace"),
        ("list", f"Received malformed response from transform {ACCOUNT}::Replace"),
    ],
)
def test_macros_that_fail(world: World, do: str, message: str) -> None:
    template = {"Transform": {"Name": "Replace", "Parameters": {"Do": do}}, "Resources": {}}
    assert refusal(world, template) == message


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ({"Name": {"Ref": "P"}}, "Key Name of transform definition must be a string."),
        ([{"Parameters": {}}], "Key Name of transform definition must be a string."),
        (3, "Key Name of transform definition must be a string."),
        ("Unknown", f"No transform named {ACCOUNT}::Unknown found."),
        ("AWS::Unknown", "No transform named AWS::Unknown found."),
        (
            "AWS::SecretsManager-2024-09-16",
            "Transform AWS::SecretsManager-2024-09-16 failed with: this transform of AWS is not served here.",
        ),
        (
            {"Name": "Replace", "Parameters": {"A": {"Fn::ImportValue": "x"}}},
            (
                "The value of parameter A under transform Replace must resolve to a string, number, boolean or a list "
                "of any of these."
            ),
        ),
        (
            {"Name": "Replace", "Parameters": {"A": {"Ref": "Nothing"}}},
            (
                "The value of parameter A under transform Replace must resolve to a string, number, boolean or a list "
                "of any of these."
            ),
        ),
    ],
)
def test_transforms_that_there_are_not(world: World, transform: Any, message: str) -> None:
    for template in ({"Transform": transform}, {"Resources": {"Fn::Transform": transform}}):
        assert refusal(world, template) == message


def test_what_a_transform_makes_has_no_transforms(world: World) -> None:
    location = world.put("nested.json", '{"Q": {"Fn::Transform": {"Name": "Replace"}}}')
    assert refusal(world, {"Resources": embedded("AWS::Include", Location=location)}).startswith(
        "Template format error: Resources/Q has a Fn::Transform that a transform has made"
    )


def test_a_macro_whose_function_is_gone(world: World) -> None:
    assert refusal(world, {"Transform": "Gone"}).startswith(
        f"Transform {ACCOUNT}::Gone failed with: Function not found"
    )


def test_a_deep_template_is_walked(world: World) -> None:
    deep: Any = {"Fn::Transform": {"Name": "Replace", "Parameters": {"Do": "text"}}}
    for _ in range(90):
        deep = {"a": [deep]}
    found: Any = world.apply({"Resources": deep})["Resources"]
    for _ in range(90):
        found = found["a"][0]
    assert found == "text"
