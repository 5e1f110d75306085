from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def test_no_function_is_bound_to_code_signing(
    client: Any, account: str, create: Callable[..., Any], refused: Callable[..., dict[str, Any]]
) -> None:
    create()
    assert client.get_function_code_signing_config(FunctionName="hello").keys() == {"ResponseMetadata"}
    answer = refused(client.get_function_code_signing_config, FunctionName="missing")
    assert (answer["code"], answer["message"]) == (
        "ResourceNotFoundException",
        f"Function not found: arn:aws:lambda:us-east-1:{account}:function:missing",
    )


@pytest.mark.parametrize("operation", ["get_policy", "get_function_url_config"])
@pytest.mark.parametrize("name", ["hello", "missing"])
def test_no_function_has_a_policy_or_a_url(
    client: Any,
    create: Callable[..., Any],
    refused: Callable[..., dict[str, Any]],
    operation: str,
    name: str,
) -> None:
    create()
    assert refused(getattr(client, operation), FunctionName=name) == {
        "code": "ResourceNotFoundException",
        "status": 404,
        "message": "The resource you requested does not exist.",
        "type": "User",
    }


@pytest.mark.parametrize(("members", "tail"), [({}, "$LATEST"), ({"Qualifier": "1221"}, "1221")])
def test_no_function_has_settings_for_asynchronous_invocation(
    client: Any,
    account: str,
    create: Callable[..., Any],
    refused: Callable[..., dict[str, Any]],
    members: dict[str, str],
    tail: str,
) -> None:
    create()
    answer = refused(client.get_function_event_invoke_config, FunctionName="hello", **members)
    assert (answer["code"], answer["message"]) == (
        "ResourceNotFoundException",
        f"The function arn:aws:lambda:us-east-1:{account}:function:hello:{tail} doesn't have an EventInvokeConfig",
    )


def test_the_runtime_is_updated_by_itself(client: Any, create: Callable[..., Any]) -> None:
    created = create()
    answer = client.get_runtime_management_config(FunctionName="hello")
    assert answer["UpdateRuntimeOn"] == "Auto"
    assert answer["FunctionArn"] == f"{created['FunctionArn']}:$LATEST"
    assert answer["RuntimeVersionArn"] == created["RuntimeVersionConfig"]["RuntimeVersionArn"]


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("list_aliases", {"FunctionName": "hello"}),
        ("put_function_recursion_config", {"FunctionName": "hello", "RecursiveLoop": "Allow"}),
    ],
)
def test_what_is_not_there_yet_names_itself(
    client: Any, refused: Callable[..., dict[str, Any]], operation: str, members: dict[str, str]
) -> None:
    answer = refused(getattr(client, operation), **members)
    assert answer["status"] == 501
    assert client.meta.method_to_api_mapping[operation] in answer["message"]
