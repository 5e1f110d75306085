"""Operations on another account's function, as permitted in the scenario TestLambdaMultiAccounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from lambent.aws.lambda_.other_accounts import OPERATIONS
from lambent.aws.model import snake_case

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.lambda_.conftest import ControlPlane

CALLS: dict[str, dict[str, Any]] = {
    "GetFunction": {},
    "GetFunctionConfiguration": {},
    "ListVersionsByFunction": {},
    "PutFunctionConcurrency": {"ReservedConcurrentExecutions": 1},
    "DeleteFunctionConcurrency": {},
    "PublishVersion": {},
    "CreateAlias": {"Name": "live", "FunctionVersion": "$LATEST"},
    "GetAlias": {"Name": "live"},
    "ListAliases": {},
    "UpdateAlias": {"Name": "live", "Description": "theirs"},
    "DeleteAlias": {"Name": "live"},
    "TagResource": {"Tags": {"team": "theirs"}},
    "ListTags": {},
    "UntagResource": {"TagKeys": ["team"]},
    "GetPolicy": {},
    "UpdateFunctionCode": {"DryRun": True},
    "DeleteFunction": {},
}
"""In an order in which each finds what it needs."""


@pytest.fixture
def arn(create: Callable[..., Any]) -> str:
    """The ARN of the function that another account is to use."""
    return str(create("shared")["FunctionArn"])


@pytest.fixture
def stranger(account: str) -> str:
    """An account that is not the function's."""
    return str(int(account) // 10).zfill(12)


@pytest.fixture
def call(
    plane: ControlPlane, arn: str, stranger: str, package: Callable[..., bytes]
) -> Callable[..., dict[str, Any]]:
    """Calls an operation on the function in the name of the other account."""
    other = plane.client(stranger)

    def do(operation: str, **members: Any) -> dict[str, Any]:
        named = "Resource" if operation.endswith(("Tags", "tagResource", "TagResource")) else "FunctionName"
        if operation == "UpdateFunctionCode":
            members["ZipFile"] = package("theirs")
        answer: dict[str, Any] = getattr(other, snake_case(operation))(**{named: arn}, **members)
        return answer

    return do


@pytest.fixture
def permit(client: Any, arn: str, stranger: str) -> Callable[..., None]:
    """Lets the other account do an operation."""

    def add(operation: str, **members: Any) -> None:
        client.add_permission(
            FunctionName=arn,
            StatementId=operation,
            Action=f"lambda:{operation}",
            Principal=stranger,
            **members,
        )

    return add


def denied(call: Callable[..., Any], operation: str, **members: Any) -> str:
    """What the other account is told when it may not do something."""
    with pytest.raises(ClientError) as raised:
        call(operation, **members)
    assert raised.value.response["Error"]["Code"] == "AccessDeniedException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return str(raised.value.response["Error"]["Message"])


def test_each_operation_is_open_to_whom_the_policy_permits_it(
    call: Callable[..., Any], permit: Callable[..., None], arn: str, stranger: str
) -> None:
    assert set(CALLS) == OPERATIONS
    for operation, members in CALLS.items():
        told = denied(call, operation, **members)
        assert f"arn:aws:iam::{stranger}:root is not authorized to perform: lambda:{operation}" in told
        permit(operation)
        call(operation, **members)


def test_what_is_done_from_elsewhere_happens_to_the_function(
    client: Any, call: Callable[..., Any], permit: Callable[..., None], arn: str
) -> None:
    for operation in ("TagResource", "PutFunctionConcurrency", "GetFunction"):
        permit(operation)
    call("TagResource", Tags={"team": "theirs"})
    call("PutFunctionConcurrency", ReservedConcurrentExecutions=3)
    ours = client.get_function(FunctionName="shared")
    assert ours["Tags"] == {"team": "theirs"}
    assert ours["Concurrency"] == {"ReservedConcurrentExecutions": 3}
    assert call("GetFunction")["Configuration"]["FunctionArn"] == arn


def test_a_permission_for_everything_does_not_open_what_aws_keeps_to_the_owner(
    client: Any, call: Callable[..., Any], stranger: str
) -> None:
    client.add_permission(FunctionName="shared", StatementId="all", Action="lambda:*", Principal=stranger)
    assert call("GetFunction")["Configuration"]["FunctionName"] == "shared"
    denied(call, "UpdateFunctionConfiguration", Timeout=9)


def test_a_permission_of_a_version_does_not_open_the_function(
    client: Any, call: Callable[..., Any], permit: Callable[..., None]
) -> None:
    version = client.publish_version(FunctionName="shared")["Version"]
    permit("GetFunction", Qualifier=version)
    assert call("GetFunction", Qualifier=version)["Configuration"]["Version"] == version
    denied(call, "GetFunction")


def test_a_function_that_is_not_there_is_nobodys(plane: ControlPlane, stranger: str, arn: str) -> None:
    other = plane.client(stranger)
    with pytest.raises(ClientError) as raised:
        other.get_function(FunctionName=arn + "-gone")
    assert raised.value.response["Error"]["Code"] == "AccessDeniedException"


def test_nobody_creates_functions_elsewhere(
    client: Any, stranger: str, package: Callable[..., bytes], refused: Callable[..., Any]
) -> None:
    # Recorded without a text: TestLambdaFunction.
    answer = refused(
        client.create_function,
        FunctionName=f"arn:aws:lambda:us-east-1:{stranger}:function:theirs",
        Role=f"arn:aws:iam::{stranger}:role/any",
        Runtime="python3.12",
        Handler="app.handle",
        Code={"ZipFile": package()},
    )
    assert answer == {"code": "AccessDeniedException", "status": 403, "message": None, "type": None}
