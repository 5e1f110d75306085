"""Settings of asynchronous invocation, as AWS answered in the scenarios of TestLambdaEventInvokeConfig."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOWHERE: dict[str, Any] = {"OnSuccess": {}, "OnFailure": {}}
OPERATIONS = ["put", "update", "get", "delete"]


@pytest.fixture
def arn(client: Any, create: Callable[..., Any]) -> str:
    """A function with a version and an alias."""
    created = create("hello")
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    return str(created["FunctionArn"])


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    assert isinstance(answer["LastModified"], datetime.datetime)
    return {key: value for key, value in answer.items() if key not in ("LastModified", "ResponseMetadata")}


def test_life_of_settings(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    put = client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=0)
    latest = {"FunctionArn": f"{arn}:$LATEST", "DestinationConfig": NOWHERE}
    assert plain(put) == {**latest, "MaximumRetryAttempts": 0}
    # Put replaces, update adds.
    put = client.put_function_event_invoke_config(FunctionName="hello", MaximumEventAgeInSeconds=60)
    assert plain(put) == {**latest, "MaximumEventAgeInSeconds": 60}
    updated = client.update_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=1)
    whole = {**latest, "MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1}
    assert plain(updated) == whole
    assert plain(client.get_function_event_invoke_config(FunctionName="hello", Qualifier="$LATEST")) == whole

    for name in ("1", "live"):
        client.put_function_event_invoke_config(FunctionName=f"hello:{name}", MaximumRetryAttempts=2)
    pages = list(
        client.get_paginator("list_function_event_invoke_configs").paginate(
            FunctionName="hello", PaginationConfig={"PageSize": 2}
        )
    )
    arns = [config["FunctionArn"] for page in pages for config in page["FunctionEventInvokeConfigs"]]
    assert (len(pages), arns) == (2, [f"{arn}:$LATEST", f"{arn}:1", f"{arn}:live"])

    gone = client.delete_function_event_invoke_config(FunctionName="hello")
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    again = refused(client.delete_function_event_invoke_config, FunctionName="hello")
    assert again == {
        "code": "ResourceNotFoundException",
        "status": 404,
        "message": f"The function {arn}:$LATEST doesn't have an EventInvokeConfig",
        "type": "User",
    }


def test_destinations(client: Any, arn: str, create: Callable[..., Any], refused: Callable[..., Any]) -> None:
    def put(**destinations: Any) -> dict[str, Any]:
        return {"FunctionName": "hello", "DestinationConfig": destinations}

    other = create("other")["FunctionArn"]
    made = client.put_function_event_invoke_config(**put(OnSuccess={"Destination": other}))
    assert made["DestinationConfig"] == {"OnSuccess": {"Destination": other}, "OnFailure": {}}
    empty = client.put_function_event_invoke_config(**put(OnSuccess={}))
    assert empty["DestinationConfig"] == NOWHERE
    queue = "arn:aws:sqs:us-east-1:000000000000:failed"
    made = client.put_function_event_invoke_config(**put(OnFailure={"Destination": queue}))
    assert made["DestinationConfig"]["OnFailure"] == {"Destination": queue}

    for destinations, message in [
        ({"OnSuccess": {"Destination": f"{arn}x"}}, f"The destination ARN {arn}x is invalid."),
        ({"OnSuccess": {"Destination": arn}}, "You can't specify the function as a destination for itself."),
        (
            {"OnSuccess": {"Destination": arn.replace(":lambda:", ":iam:")}},
            (
                "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination="
                f"{arn.replace(':lambda:', ':iam:')}), onFailure=null) is invalid."
            ),
        ),
    ]:
        answer = refused(client.put_function_event_invoke_config, **put(**destinations))
        assert (answer["code"], answer["message"]) == ("InvalidParameterValueException", message)


def test_something_must_be_set(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    # Recorded for a function that is not there (test_lambda_eventinvokeconfig_exceptions).
    for name in ("hello", "doesnotexist"):
        answer = refused(client.put_function_event_invoke_config, FunctionName=name)
        assert answer["message"] == "You must specify at least one of error handling or destination setting."


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("named", "missing"),
    [
        ({"FunctionName": "nobody"}, "nobody:$LATEST"),
        ({"FunctionName": "hello", "Qualifier": "nothing"}, "hello:nothing"),
        ({"FunctionName": "hello", "Qualifier": "live"}, "hello:live"),
        ({"FunctionName": "hello"}, "hello:$LATEST"),
    ],
    ids=["function", "qualifier", "alias without", "function without"],
)
def test_what_is_not_there(
    client: Any,
    arn: str,
    refused: Callable[..., Any],
    operation: str,
    named: dict[str, str],
    missing: str,
) -> None:
    method = getattr(client, f"{operation}_function_event_invoke_config")
    members = {**named, "MaximumRetryAttempts": 1} if operation in ("put", "update") else named
    nothing_set = f"The function {arn.rpartition(':')[0]}:{missing} doesn't have an EventInvokeConfig"
    wanted = nothing_set
    if operation == "put":
        wanted = "The function doesn't exist."
        if missing in ("hello:live", "hello:$LATEST"):
            method(**members)
            return
    elif operation == "update" and missing.startswith("nobody"):
        wanted = "The function doesn't exist."
    assert refused(method, **members)["message"] == wanted


def test_a_list_of_nothing(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    assert client.list_function_event_invoke_configs(FunctionName="hello")["FunctionEventInvokeConfigs"] == []
    answer = refused(client.list_function_event_invoke_configs, FunctionName="nobody")
    assert answer["message"] == "The function doesn't exist."
