"""Runtime management, recursion (recorded: TestLambdaRecursion) and scaling configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_runtime_is_updated_by_itself_until_told_otherwise(
    client: Any, create: Callable[..., Any], refused: Callable[..., Any]
) -> None:
    created = create("hello")
    client.publish_version(FunctionName="hello")
    runtime = created["RuntimeVersionConfig"]["RuntimeVersionArn"]
    got = client.get_runtime_management_config(FunctionName="hello")
    assert (got["UpdateRuntimeOn"], got["RuntimeVersionArn"]) == ("Auto", runtime)
    assert got["FunctionArn"] == f"{created['FunctionArn']}:$LATEST"

    put = client.put_runtime_management_config(FunctionName="hello", UpdateRuntimeOn="FunctionUpdate")
    assert (put["UpdateRuntimeOn"], put.get("RuntimeVersionArn")) == ("FunctionUpdate", None)
    put = client.put_runtime_management_config(
        FunctionName="hello", Qualifier="1", UpdateRuntimeOn="Manual", RuntimeVersionArn=runtime
    )
    assert (put["UpdateRuntimeOn"], put["RuntimeVersionArn"]) == ("Manual", runtime)
    for qualifier, mode in (("$LATEST", "FunctionUpdate"), ("1", "Manual")):
        got = client.get_runtime_management_config(FunctionName="hello", Qualifier=qualifier)
        assert got["UpdateRuntimeOn"] == mode

    for members in (
        {"UpdateRuntimeOn": "Manual"},
        {"UpdateRuntimeOn": "Auto", "RuntimeVersionArn": runtime},
        {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": f"{runtime[:-4]}0000"},
    ):
        answer = refused(client.put_runtime_management_config, FunctionName="hello", **members)
        assert answer["code"] == "InvalidParameterValueException"


def test_loops_are_ended_unless_allowed(
    client: Any, create: Callable[..., Any], refused: Callable[..., Any]
) -> None:
    create("hello")
    assert client.get_function_recursion_config(FunctionName="hello")["RecursiveLoop"] == "Terminate"
    put = client.put_function_recursion_config(FunctionName="hello", RecursiveLoop="Allow")
    assert put["RecursiveLoop"] == "Allow"
    assert client.get_function_recursion_config(FunctionName="hello")["RecursiveLoop"] == "Allow"
    answer = refused(client.put_function_recursion_config, FunctionName="hello", RecursiveLoop="InvalidValue")
    assert answer["message"] == (
        "1 validation error detected: Value 'InvalidValue' at 'recursiveLoop' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Terminate, Allow]"
    )


@pytest.mark.parametrize("operation", ["get_runtime_management_config", "get_function_recursion_config"])
def test_missing_functions(client: Any, account: str, refused: Callable[..., Any], operation: str) -> None:
    answer = refused(getattr(client, operation), FunctionName="nobody")
    assert answer["message"].startswith(
        f"Function not found: arn:aws:lambda:us-east-1:{account}:function:nobody"
    )


def test_no_function_has_managed_instances_to_scale(
    client: Any, create: Callable[..., Any], refused: Callable[..., Any]
) -> None:
    created = create("hello")
    client.publish_version(FunctionName="hello")
    got = client.get_function_scaling_config(FunctionName="hello", Qualifier="1")
    assert got["FunctionArn"] == f"{created['FunctionArn']}:1"
    answer = refused(
        client.put_function_scaling_config,
        FunctionName="hello",
        Qualifier="1",
        FunctionScalingConfig={"MinExecutionEnvironments": 1},
    )
    assert answer["code"] == "InvalidParameterValueException"
