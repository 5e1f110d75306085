"""What the operations on provisioned concurrency answer; the environments themselves are in tests/platform."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable

ZERO = (
    "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: "
    "Member must have value greater than or equal to 1"
)
PUBLISHED_ONLY = "The function resource provided must be an alias or a published version."


@pytest.fixture
def function(client: Any, create: Callable[..., Any]) -> str:
    """A function with version 1 and the alias `live` on it; its ARN."""
    arn: str = create(Publish=True)["FunctionArn"]
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    return arn


def put(client: Any, qualifier: str, count: int = 1) -> dict[str, Any]:
    answer: dict[str, Any] = client.put_provisioned_concurrency_config(
        FunctionName="hello", Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )
    return answer


@pytest.mark.parametrize("qualifier", ["1", "live"])
def test_its_life(client: Any, function: str, qualifier: str) -> None:
    # AWS-recorded: test_lambda_provisioned_lifecycle.
    answer = put(client, qualifier, 2)
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 202
    modified = answer.pop("LastModified")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", modified)
    assert answer == {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "AvailableProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
    }
    got = client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier=qualifier)
    assert got.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    assert got == {**answer, "LastModified": modified}
    listed = client.list_provisioned_concurrency_configs(FunctionName="hello")
    assert listed["ProvisionedConcurrencyConfigs"] == [{"FunctionArn": f"{function}:{qualifier}", **got}]
    assert "NextMarker" not in listed
    for _ in range(2):
        deleted = client.delete_provisioned_concurrency_config(FunctionName="hello", Qualifier=qualifier)
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(client.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier=qualifier)
    assert (
        client.list_provisioned_concurrency_configs(FunctionName="hello")["ProvisionedConcurrencyConfigs"]
        == []
    )


def test_the_function_may_be_named_by_its_arn(client: Any, function: str) -> None:
    for name in (f"{function}:live", function):
        client.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=1
        )
    assert client.list_provisioned_concurrency_configs(FunctionName=function)["ProvisionedConcurrencyConfigs"]


def cases() -> list[tuple[str, dict[str, Any], tuple[str, int, str, str | None]]]:
    """Operation, members, and (code, status, message, type): AWS-recorded test_provisioned_concurrency_exceptions."""
    arn = "arn:aws:lambda:us-east-1:ACCOUNT:function:"

    def missing(kind: str, tail: str) -> tuple[str, int, str, str]:
        return "ResourceNotFoundException", 404, f"{kind}: {arn}{tail}", "User"

    no_alias, no_function = "Cannot find alias arn", "Function not found"
    latest = ("InvalidParameterValueException", 400, PUBLISHED_ONLY, "User")
    none = (
        "ProvisionedConcurrencyConfigNotFoundException",
        404,
        "No Provisioned Concurrency Config found for this function",
        "User",
    )
    found: list[tuple[str, dict[str, Any], tuple[str, int, str, str | None]]] = []
    for operation in ("get", "delete", "put"):
        for name, qualifier, refusal in (
            ("doesnotexist", "noalias", missing(no_alias, "doesnotexist:noalias")),
            ("doesnotexist", "1", missing(no_function, "doesnotexist:1")),
            ("hello", "noalias", missing(no_alias, "hello:noalias")),
            ("hello", "10", missing(no_function, "hello:10")),
        ):
            found.append((operation, {"FunctionName": name, "Qualifier": qualifier}, refusal))
    hello = {"FunctionName": "hello"}
    found += [
        ("get", {**hello, "Qualifier": "1"}, none),
        ("get", {**hello, "Qualifier": "live"}, none),
        ("get", {**hello, "Qualifier": "$LATEST"}, latest),
        ("get", {"FunctionName": "doesnotexist", "Qualifier": "$LATEST"}, latest),
        ("delete", {**hello, "Qualifier": "$LATEST"}, latest),
        (
            "put",
            {**hello, "Qualifier": "$LATEST"},
            (
                "InvalidParameterValueException",
                400,
                "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
                "User",
            ),
        ),
        (
            "put",
            {**hello, "Qualifier": "1", "ProvisionedConcurrentExecutions": 0},
            (
                "ValidationException",
                400,
                ZERO,
                None,
            ),
        ),
        (
            "get",
            {"FunctionName": f"{arn}hello:live", "Qualifier": "1"},
            (
                "InvalidParameterValueException",
                400,
                "The derived qualifier from the function name does not match the specified qualifier.",
                "User",
            ),
        ),
        (
            "put",
            {"FunctionName": f"{arn}hello".replace("us-east-1", "eu-west-1"), "Qualifier": "1"},
            (
                "ResourceNotFoundException",
                404,
                "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
                "User",
            ),
        ),
    ]
    return found


@pytest.mark.parametrize(("operation", "members", "expected"), cases())
def test_refusals(
    plane: Any,
    account: str,
    function: str,
    refused: Callable[..., dict[str, Any]],
    operation: str,
    members: dict[str, Any],
    expected: tuple[str, int, str, str | None],
) -> None:
    members = {**members, "FunctionName": members["FunctionName"].replace("ACCOUNT", account)}
    if operation == "put":
        members = {"ProvisionedConcurrentExecutions": 1, **members}
    client = boto3.client(
        "lambda",
        endpoint_url=plane.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=account,
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )
    answer = refused(getattr(client, f"{operation}_provisioned_concurrency_config"), **members)
    code, status, message, kind = expected
    assert answer == {
        "code": code,
        "status": status,
        "message": message.replace("ACCOUNT", account),
        "type": kind,
    }


def test_a_missing_function_has_no_list(
    client: Any, account: str, refused: Callable[..., dict[str, Any]]
) -> None:
    assert refused(client.list_provisioned_concurrency_configs, FunctionName="doesnotexist") == {
        "code": "ResourceNotFoundException",
        "status": 404,
        "message": f"Function not found: arn:aws:lambda:us-east-1:{account}:function:doesnotexist",
        "type": "User",
    }


def test_a_version_and_an_alias_of_it_do_not_both_have_some(
    client: Any, function: str, refused: Callable[..., dict[str, Any]]
) -> None:
    # AWS-recorded: test_lambda_provisioned_lifecycle.
    for first, second, message in (
        (
            "1",
            "live",
            "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
        ),
        ("live", "1", "Version is pointed by a Provisioned Concurrency alias"),
    ):
        put(client, first)
        assert refused(lambda name=second: put(client, name)) == {
            "code": "ResourceConflictException",
            "status": 409,
            "message": message,
            "type": "User",
        }
        client.delete_provisioned_concurrency_config(FunctionName="hello", Qualifier=first)
    put(client, "live")
    client.delete_alias(FunctionName="hello", Name="live")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Cannot find alias arn"):
        client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier="live")
    assert (
        client.list_provisioned_concurrency_configs(FunctionName="hello")["ProvisionedConcurrencyConfigs"]
        == []
    )


def test_limits(client: Any, function: str, refused: Callable[..., dict[str, Any]]) -> None:
    # AWS-recorded: test_provisioned_concurrency_limits, test_reserved_provisioned_overlap.
    refusal = {"code": "InvalidParameterValueException", "status": 400, "type": None}
    assert refused(lambda: put(client, "1", 1001)) == {
        **refusal,
        "message": "Specified ConcurrentExecutions for function is greater than account's unreserved "
        "concurrency [1000].",
    }
    assert refused(lambda: put(client, "1", 901)) == {
        **refusal,
        "message": "Specified ConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100].",
    }
    put(client, "1", 2)
    limits = client.get_account_settings()["AccountLimit"]
    assert (limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]) == (1000, 998)
    reserve = client.put_function_concurrency
    assert refused(reserve, FunctionName="hello", ReservedConcurrentExecutions=1) == {
        **refusal,
        "message": " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned "
        "concurrency [2].",
    }
    reserve(FunctionName="hello", ReservedConcurrentExecutions=2)
    assert refused(lambda: put(client, "1", 3)) == {
        **refusal,
        "type": "User",
        "message": "Requested Provisioned Concurrency should not be greater than the "
        "reservedConcurrentExecution for function",
    }


def test_it_is_listed_in_pages(
    client: Any, function: str, package: Callable[..., bytes], settled: Callable[..., None]
) -> None:
    put(client, "1")
    for number in (2, 3):
        client.update_function_code(FunctionName="hello", ZipFile=package(str(number)))
        settled()
        client.publish_version(FunctionName="hello")
        put(client, str(number))
    first = client.list_provisioned_concurrency_configs(FunctionName="hello", MaxItems=2)
    rest = client.list_provisioned_concurrency_configs(FunctionName="hello", Marker=first["NextMarker"])
    assert "NextMarker" not in rest
    pages = [page["ProvisionedConcurrencyConfigs"] for page in (first, rest)]
    assert [[entry["FunctionArn"] for entry in page] for page in pages] == [
        [f"{function}:1", f"{function}:2"],
        [f"{function}:3"],
    ]
