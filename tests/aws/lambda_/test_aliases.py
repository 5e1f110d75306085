"""Aliases, as AWS answered in the scenarios of TestLambdaAlias and TestLambdaRevisions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

WEIGHTS_RULE = (
    "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "
    "Member must have value greater than or equal to 0.0, Member must not be null]"
)


@pytest.fixture
def arn(client: Any, create: Callable[..., Any]) -> str:
    """The ARN of a function with two versions."""
    created = create("hello")
    for number in "12":
        client.update_function_configuration(FunctionName="hello", Description=number)
        client.get_waiter("function_updated_v2").wait(FunctionName="hello", WaiterConfig={"Delay": 0})
        client.publish_version(FunctionName="hello")
    return str(created["FunctionArn"])


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what changes from run to run."""
    assert re.fullmatch(r"[0-9a-f-]{36}", answer["RevisionId"])
    return {key: value for key, value in answer.items() if key not in ("RevisionId", "ResponseMetadata")}


def test_life_of_an_alias(client: Any, arn: str) -> None:
    routing = {"AdditionalVersionWeights": {"2": 0.2}}
    made = client.create_alias(
        FunctionName="hello", Name="one", FunctionVersion="1", Description="d", RoutingConfig=routing
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    described = {
        "AliasArn": f"{arn}:one",
        "Name": "one",
        "FunctionVersion": "1",
        "Description": "d",
        "RoutingConfig": routing,
    }
    assert plain(made) == described
    got = client.get_alias(FunctionName=arn, Name="one")
    assert (plain(got), got["RevisionId"]) == (described, made["RevisionId"])

    other = client.create_alias(FunctionName="hello", Name="2024-01-02", FunctionVersion="2")
    assert plain(other)["Description"] == ""
    assert "RoutingConfig" not in other
    listed = client.list_aliases(FunctionName="hello")["Aliases"]
    assert [alias["Name"] for alias in listed] == ["2024-01-02", "one"]
    of_two = client.list_aliases(FunctionName="hello", FunctionVersion="2")["Aliases"]
    assert [alias["Name"] for alias in of_two] == ["2024-01-02"]

    changed = client.update_alias(FunctionName="hello", Name="one", RoutingConfig={})
    del described["RoutingConfig"]
    assert plain(changed) == described
    assert changed["RevisionId"] != made["RevisionId"]
    moved = client.update_alias(
        FunctionName="hello", Name="one", FunctionVersion="2", RevisionId=changed["RevisionId"]
    )
    assert plain(moved) == {**described, "FunctionVersion": "2"}

    gone = client.delete_alias(FunctionName="hello", Name="one")
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    again = client.delete_alias(FunctionName="hello", Name="one")
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_a_function_is_shown_under_the_name_of_its_alias(client: Any, arn: str) -> None:
    client.create_alias(FunctionName="hello", Name="one", FunctionVersion="1")
    for options in ({"FunctionName": "hello", "Qualifier": "one"}, {"FunctionName": f"{arn}:one"}):
        configuration = client.get_function(**options)["Configuration"]
        assert (configuration["FunctionArn"], configuration["Version"]) == (f"{arn}:one", "1")
        assert client.get_function_configuration(**options)["FunctionArn"] == f"{arn}:one"


def test_aliases_come_in_pages(client: Any, arn: str) -> None:
    names = [f"alias{number}" for number in range(5)]
    for name in names:
        client.create_alias(FunctionName="hello", Name=name, FunctionVersion="1")
    pages = list(
        client.get_paginator("list_aliases").paginate(FunctionName="hello", PaginationConfig={"PageSize": 2})
    )
    assert [[alias["Name"] for alias in page["Aliases"]] for page in pages] == [
        names[:2],
        names[2:4],
        names[4:],
    ]


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1, "2": 0.2}}},
            "InvalidParameterValueException",
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
        ),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"2": 2.0}}},
            "ValidationException",
            (
                "1 validation error detected: Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to "
                f"satisfy constraint: {WEIGHTS_RULE}"
            ),
        ),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}},
            "InvalidParameterValueException",
            "Invalid function version 1. Function version 1 is already included in routing configuration.",
        ),
        ({"FunctionVersion": "10"}, "ResourceNotFoundException", "Function not found: {arn}:10"),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"10": 0.5}}},
            "ResourceNotFoundException",
            "Function not found: {arn}:10",
        ),
        (
            {"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}},
            "InvalidParameterValueException",
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.5}}},
            "ValidationException",
            (
                "1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed "
                "to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal "
                "to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression "
                "pattern: [0-9]+]"
            ),
        ),
        (
            {"Name": "2024"},
            "ValidationException",
            (
                "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: Member must satisfy "
                "regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
            ),
        ),
        (
            {"FunctionName": "nobody"},
            "ResourceNotFoundException",
            "Function not found: {region}:function:nobody:1",
        ),
        ({"Name": "taken"}, "ResourceConflictException", "Alias already exists: {arn}:taken"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_refused_aliases(
    client: Any, arn: str, refused: Callable[..., Any], members: dict[str, Any], code: str, message: str
) -> None:
    client.create_alias(FunctionName="hello", Name="taken", FunctionVersion="1")
    answer = refused(
        client.create_alias, **{"FunctionName": "hello", "Name": "custom", "FunctionVersion": "1", **members}
    )
    wanted = message.replace("{arn}", arn).replace("{region}", arn.partition(":function")[0])
    assert (answer["code"], answer["message"]) == (code, wanted)


def test_the_answer_about_latest_has_no_type(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    answer = refused(
        client.create_alias,
        FunctionName="hello",
        Name="custom",
        FunctionVersion="$LATEST",
        RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}},
    )
    assert (answer["status"], answer["type"]) == (400, None)
    alone = client.create_alias(FunctionName="hello", Name="custom", FunctionVersion="$LATEST")
    assert alone["FunctionVersion"] == "$LATEST"


def test_missing_aliases(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    got = refused(client.get_alias, FunctionName="hello", Name="non-existent")
    assert got == {
        "code": "ResourceNotFoundException",
        "status": 404,
        "message": f"Cannot find alias arn: {arn}:non-existent",
        "type": "User",
    }
    changed = refused(client.update_alias, FunctionName="hello", Name="non-existent", Description="x")
    assert changed["message"] == f"Alias not found: {arn}:non-existent"
    function = refused(client.get_function, FunctionName="hello", Qualifier="non-existent")
    assert function["message"] == f"Function not found: {arn}:non-existent"
    invoked = refused(client.delete_function, FunctionName="hello", Qualifier="non-existent")
    assert invoked["message"] == "Deletion of aliases is not currently supported."


def test_revisions_guard_changes(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    first = client.create_alias(FunctionName="hello", Name="one", FunctionVersion="1")["RevisionId"]
    client.update_alias(FunctionName="hello", Name="one", Description="x", RevisionId=first)
    late = refused(client.update_alias, FunctionName="hello", Name="one", RevisionId=first)
    assert (late["code"], late["status"]) == ("PreconditionFailedException", 412)


def test_a_version_that_an_alias_needs_stays(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    client.create_alias(
        FunctionName="hello",
        Name="one",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )
    for number in "12":
        answer = refused(client.delete_function, FunctionName="hello", Qualifier=number)
        assert (answer["code"], answer["status"]) == ("ResourceConflictException", 409)
        assert answer["message"] == (
            "Unable to delete version because the following aliases reference it: [one]"
        )
    client.delete_alias(FunctionName="hello", Name="one")
    client.delete_function(FunctionName="hello", Qualifier="1")
    versions = client.list_versions_by_function(FunctionName="hello")["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "2"]
