"""Invoking functions of other accounts: as far as their policies permit, and not a step further."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

SOURCE = """
def handler(event, context):
    print("ran for", event)
    return context.invoked_function_arn
"""
FRIEND, STRANGER = "111111111111", "222222222222"


@pytest.fixture(scope="module")
def arn(platform: Platform) -> str:
    """The ARN of a function with version 1 and an alias of it, `live`."""
    name = platform.create(SOURCE)
    platform.aws.publish_version(FunctionName=name)
    alias = platform.aws.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return str(alias["AliasArn"]).removesuffix(":live")


@pytest.fixture(scope="module")
def friend(platform: Platform) -> Any:
    return platform.client(aws_access_key_id=FRIEND)


def allow(platform: Platform, arn: str, **members: Any) -> None:
    said = {"StatementId": "friend", "Action": "lambda:InvokeFunction", "Principal": FRIEND, **members}
    platform.aws.add_permission(FunctionName=arn, **said)


def denied(client: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as caught:
        client.invoke(**members)
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (
        "AccessDeniedException",
        403,
    )
    return str(error["Error"]["Message"])


def test_a_policy_opens_what_it_belongs_to(platform: Platform, arn: str, friend: Any) -> None:
    assert denied(friend, FunctionName=arn) == (
        f"User: arn:aws:iam::{FRIEND}:root is not authorized to perform: lambda:InvokeFunction on resource: {arn} "
        "because no resource-based policy allows the lambda:InvokeFunction action"
    )
    allow(platform, f"{arn}:live")
    said = friend.invoke(FunctionName=f"{arn}:live")
    assert (said["ExecutedVersion"], json.loads(said["Payload"].read())) == ("1", f"{arn}:live")
    with_qualifier = friend.invoke(FunctionName=arn, Qualifier="live")
    assert json.loads(with_qualifier["Payload"].read()) == f"{arn}:live"
    stream = friend.invoke_with_response_stream(FunctionName=f"{arn}:live")
    chunk, _ = list(stream["EventStream"])
    stream["EventStream"].close()
    assert json.loads(chunk["PayloadChunk"]["Payload"]) == f"{arn}:live"

    assert f"{arn}:1 " in denied(friend, FunctionName=f"{arn}:1")
    denied(friend, FunctionName=arn)
    denied(friend, FunctionName=f"{arn}:absent")
    denied(platform.client(aws_access_key_id=STRANGER), FunctionName=f"{arn}:live")

    # What is cached for a caller ends with the permission.
    platform.aws.remove_permission(FunctionName=f"{arn}:live", StatementId="friend")
    denied(friend, FunctionName=f"{arn}:live")


def test_another_action_is_no_permission_to_invoke(platform: Platform, arn: str, friend: Any) -> None:
    allow(platform, f"{arn}:1", StatementId="read", Action="lambda:GetFunction")
    allow(platform, f"{arn}:1", StatementId="organization", PrincipalOrgID="o-1234567890")
    denied(friend, FunctionName=f"{arn}:1")


def test_events_from_another_account_run_in_the_owner_s(
    platform: Platform, friend: Any, poll: Callable[..., Any]
) -> None:
    name = platform.create(SOURCE)
    arn = platform.aws.get_function_configuration(FunctionName=name)["FunctionArn"]
    allow(platform, name)
    accepted = friend.invoke(FunctionName=arn, InvocationType="Event", Payload=b'"friend"')
    assert accepted["StatusCode"] == 202
    poll(lambda: any("ran for friend" in line for line in platform.logs(name)))
    assert friend.invoke(FunctionName=arn, InvocationType="DryRun")["StatusCode"] == 204


def test_a_function_that_is_not_there_is_not_told(platform: Platform, friend: Any) -> None:
    nobody = "arn:aws:lambda:us-east-1:000000000000:function:nobody"
    assert f"on resource: {nobody} because" in denied(friend, FunctionName=nobody)
