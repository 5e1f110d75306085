from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_life_of_a_reservation(client: Any, create: Callable[..., Any]) -> None:
    create()
    put, get = client.put_function_concurrency, client.get_function_concurrency
    assert "ReservedConcurrentExecutions" not in get(FunctionName="hello")
    for reserved in (0, 3):
        answer = put(FunctionName="hello", ReservedConcurrentExecutions=reserved)
        assert answer["ReservedConcurrentExecutions"] == reserved
        assert get(FunctionName="hello")["ReservedConcurrentExecutions"] == reserved
        assert client.get_function(FunctionName="hello")["Concurrency"] == {
            "ReservedConcurrentExecutions": reserved
        }
    deleted = client.delete_function_concurrency(FunctionName="hello")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "ReservedConcurrentExecutions" not in get(FunctionName="hello")
    assert "Concurrency" not in client.get_function(FunctionName="hello")


def test_a_hundred_must_remain(
    client: Any, create: Callable[..., Any], refused: Callable[..., dict[str, Any]]
) -> None:
    create()
    for reserved in (901, 1001, 100_000):
        answer = refused(
            client.put_function_concurrency, FunctionName="hello", ReservedConcurrentExecutions=reserved
        )
        assert answer == {
            "code": "InvalidParameterValueException",
            "status": 400,
            "message": "Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of [100].",
            "type": None,
        }
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=900)


@pytest.mark.parametrize("reserved", [1, 1_000_000])
def test_a_missing_function_is_named_with_its_version(
    client: Any, account: str, refused: Callable[..., dict[str, Any]], reserved: int
) -> None:
    answer = refused(
        client.put_function_concurrency, FunctionName="doesnotexist", ReservedConcurrentExecutions=reserved
    )
    assert (answer["code"], answer["status"]) == ("ResourceNotFoundException", 404)
    assert answer["message"] == (
        f"Function not found: arn:aws:lambda:us-east-1:{account}:function:doesnotexist:$LATEST"
    )
    answer = refused(client.get_function_concurrency, FunctionName="doesnotexist")
    assert (
        answer["message"] == f"Function not found: arn:aws:lambda:us-east-1:{account}:function:doesnotexist"
    )


def test_versions_have_no_reservation(
    client: Any, create: Callable[..., Any], refused: Callable[..., dict[str, Any]]
) -> None:
    arn = create(Publish=True)["FunctionArn"]
    for operation, members in (
        (client.put_function_concurrency, {"ReservedConcurrentExecutions": 1}),
        (client.delete_function_concurrency, {}),
    ):
        assert refused(operation, FunctionName=f"{arn}:1", **members) == {
            "code": "InvalidParameterValueException",
            "status": 400,
            "message": "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
            "operation. Please specify either a function name or an unqualified function ARN.",
            "type": "User",
        }
