"""Function URL configurations, as AWS answered in the scenarios of TestLambdaUrl and TestLambdaURL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
QUALIFIER = (
    "1 validation error detected: Value '{}' at 'qualifier' failed to satisfy constraint: Member must satisfy "
    r"regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)"
)
OPERATIONS = ["create", "get", "update", "delete"]


@pytest.fixture
def arn(client: Any, create: Callable[..., Any]) -> str:
    """A function with a version and an alias."""
    created = create("hello")
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    return str(created["FunctionArn"])


def call(client: Any, operation: str, **members: Any) -> tuple[Any, dict[str, Any]]:
    if operation == "create":
        members["AuthType"] = "NONE"
    return getattr(client, f"{operation}_function_url_config"), members


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what changes from run to run."""
    assert re.fullmatch(r"http://[a-z0-9]{32}\.lambda-url\.us-east-1\.localhost:\d+/", answer["FunctionUrl"])
    for member in ("CreationTime", "LastModifiedTime"):
        assert re.fullmatch(TIME, answer.get(member, "2025-01-01T00:00:00.000Z"))
    left_out = ("FunctionUrl", "CreationTime", "LastModifiedTime", "ResponseMetadata")
    return {key: value for key, value in answer.items() if key not in left_out}


def test_life_of_a_url(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    made = client.create_function_url_config(FunctionName="hello", AuthType="NONE")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert plain(made) == {"FunctionArn": arn, "AuthType": "NONE"}
    assert "LastModifiedTime" not in made
    again = refused(client.create_function_url_config, FunctionName="hello", AuthType="NONE")
    assert (again["code"], again["status"]) == ("ResourceConflictException", 409)
    assert again["message"] == (
        f"Failed to create function url config for [functionArn = {arn}]. Error message:  "
        "FunctionUrlConfig exists for this Lambda function"
    )
    got = client.get_function_url_config(FunctionName="hello")
    assert plain(got) == {"FunctionArn": arn, "AuthType": "NONE", "InvokeMode": "BUFFERED"}
    assert got["FunctionUrl"] == made["FunctionUrl"]
    changed = client.update_function_url_config(FunctionName="hello", AuthType="AWS_IAM")
    assert plain(changed) == {"FunctionArn": arn, "AuthType": "AWS_IAM"}
    gone = client.delete_function_url_config(FunctionName="hello")
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_function_url_config, FunctionName="hello") == {
        "code": "ResourceNotFoundException",
        "status": 404,
        "message": "The resource you requested does not exist.",
        "type": "User",
    }


def test_the_invoke_mode_is_told_once_it_has_been_set(client: Any, arn: str) -> None:
    made = client.create_function_url_config(FunctionName="hello", AuthType="NONE", InvokeMode="BUFFERED")
    assert made["InvokeMode"] == "BUFFERED"
    assert client.update_function_url_config(FunctionName="hello", InvokeMode="RESPONSE_STREAM")[
        "InvokeMode"
    ] == ("RESPONSE_STREAM")
    assert client.update_function_url_config(FunctionName="hello")["InvokeMode"] == "RESPONSE_STREAM"
    assert client.get_function_url_config(FunctionName="hello")["InvokeMode"] == "RESPONSE_STREAM"


def test_cross_origin_settings_come_back_as_given(client: Any, arn: str) -> None:
    cors = {
        "AllowCredentials": True,
        "AllowHeaders": ["x-a", "x-b"],
        "AllowMethods": ["GET"],
        "AllowOrigins": ["https://example.com"],
        "ExposeHeaders": ["x-c"],
        "MaxAge": 600,
    }
    assert client.create_function_url_config(FunctionName="hello", AuthType="NONE", Cors=cors)["Cors"] == cors
    assert client.get_function_url_config(FunctionName="hello")["Cors"] == cors
    assert client.update_function_url_config(FunctionName="hello", AuthType="AWS_IAM")["Cors"] == cors
    fewer = client.update_function_url_config(FunctionName="hello", Cors={"AllowOrigins": ["*"]})
    assert fewer["Cors"] == {"AllowOrigins": ["*"]}


def test_an_alias_has_a_url_of_its_own(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    assert client.list_function_url_configs(FunctionName="hello")["FunctionUrlConfigs"] == []
    own = client.create_function_url_config(FunctionName="hello", AuthType="NONE")
    alias = client.create_function_url_config(FunctionName="hello", AuthType="NONE", Qualifier="live")
    assert alias["FunctionArn"] == f"{arn}:live"
    assert alias["FunctionUrl"] != own["FunctionUrl"]
    listed = client.list_function_url_configs(FunctionName="hello")["FunctionUrlConfigs"]
    assert [url["FunctionArn"] for url in listed] == [arn, f"{arn}:live"]
    pages = client.get_paginator("list_function_url_configs").paginate(
        FunctionName="hello", PaginationConfig={"PageSize": 1}
    )
    assert [page["FunctionUrlConfigs"][0]["FunctionArn"] for page in pages] == [arn, f"{arn}:live"]
    client.delete_function_url_config(FunctionName="hello")
    kept = client.get_function_url_config(FunctionName="hello", Qualifier="live")
    assert kept["FunctionUrl"] == alias["FunctionUrl"]
    # The URL outlives its alias and is there for the next one of that name.
    client.delete_alias(FunctionName="hello", Name="live")
    assert len(client.list_function_url_configs(FunctionName="hello")["FunctionUrlConfigs"]) == 1


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("qualifier", ["1", "2", "$LATEST"])
def test_versions_have_no_urls(
    client: Any, arn: str, refused: Callable[..., Any], operation: str, qualifier: str
) -> None:
    method, members = call(client, operation, FunctionName="hello", Qualifier=qualifier)
    answer = refused(method, **members)
    assert (answer["code"], answer["message"]) == ("ValidationException", QUALIFIER.format(qualifier))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "named",
    [{"FunctionName": "nobody"}, {"FunctionName": "hello", "Qualifier": "nothing"}],
    ids=["function", "alias"],
)
def test_what_is_not_there(
    client: Any, arn: str, refused: Callable[..., Any], operation: str, named: dict[str, str]
) -> None:
    method, members = call(client, operation, **named)
    answer = refused(method, **members)
    assert (answer["code"], answer["status"]) == ("ResourceNotFoundException", 404)
    assert answer["message"] == (
        "Function does not exist"
        if operation in ("create", "update")
        else "The resource you requested does not exist."
    )


def test_a_list_of_nothing(client: Any, refused: Callable[..., Any]) -> None:
    answer = refused(client.list_function_url_configs, FunctionName="nobody")
    assert answer["message"] == "Function does not exist"


def test_an_update_needs_a_url(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    answer = refused(client.update_function_url_config, FunctionName="hello", AuthType="NONE")
    assert answer["message"] == "The resource you requested does not exist."


def test_qualifiers_must_agree(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    answer = refused(
        client.create_function_url_config, FunctionName=f"{arn}:live", AuthType="NONE", Qualifier="other"
    )
    assert answer["message"] == (
        "The derived qualifier from the function name does not match the specified qualifier."
    )
