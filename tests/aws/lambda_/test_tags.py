from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_life_of_tags(client: Any, create: Callable[..., Any]) -> None:
    arn = create(Tags={"key_a": "value_a"})["FunctionArn"]

    def tags() -> dict[str, str]:
        listed: dict[str, str] = client.list_tags(Resource=arn)["Tags"]
        got = client.get_function(FunctionName="hello")
        # GetFunction leaves the member out when there are none; ListTags answers an empty map.
        assert got.get("Tags", {}) == listed
        assert ("Tags" in got) == bool(listed)
        revisions.append(got["Configuration"]["RevisionId"])
        return listed

    revisions: list[str] = []
    assert tags() == {"key_a": "value_a"}
    answer = client.tag_resource(Resource=arn, Tags={"key_b": "value_b", "key_c": "value_c"})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert tags() == {"key_a": "value_a", "key_b": "value_b", "key_c": "value_c"}
    client.tag_resource(Resource=arn, Tags={"key_c": "value_x"})
    assert tags() == {"key_a": "value_a", "key_b": "value_b", "key_c": "value_x"}
    answer = client.untag_resource(Resource=arn, TagKeys=["key_c", "missing"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert tags() == {"key_a": "value_a", "key_b": "value_b"}
    client.untag_resource(Resource=arn, TagKeys=["key_a", "key_b"])
    assert tags() == {}
    assert len(set(revisions)) == 5


def test_a_function_carries_fifty_tags(
    client: Any, create: Callable[..., Any], refused: Callable[..., dict[str, Any]]
) -> None:
    arn = create()["FunctionArn"]
    limit = {
        "code": "InvalidParameterValueException",
        "status": 400,
        "message": "Number of tags exceeds resource tag limit.",
        "type": "User",
    }
    many = {f"{number}_key": f"{number}_value" for number in range(51)}
    assert refused(client.tag_resource, Resource=arn, Tags=many) == limit
    del many["50_key"]
    client.tag_resource(Resource=arn, Tags=many)
    assert client.list_tags(Resource=arn)["Tags"] == many
    assert refused(client.tag_resource, Resource=arn, Tags={"one": "more"}) == limit


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("function:missing", "Function not found: {arn}"),
        (
            "event-source-mapping:01234567-89ab-cdef-0123-456789abcdef",
            "Event source mapping not found: {arn}",
        ),
        ("capacity-provider:missing", "Capacity provider not found: {arn}"),
    ],
)
def test_missing_resources(
    client: Any, account: str, refused: Callable[..., dict[str, Any]], tail: str, message: str
) -> None:
    arn = f"arn:aws:lambda:us-east-1:{account}:{tail}"
    for operation, members in (
        (client.tag_resource, {"Tags": {"a": "b"}}),
        (client.untag_resource, {"TagKeys": ["a"]}),
        (client.list_tags, {}),
    ):
        assert refused(operation, Resource=arn, **members) == {
            "code": "ResourceNotFoundException",
            "status": 404,
            "message": message.format(arn=arn),
            "type": "User",
        }


def test_only_functions_themselves_carry_tags(
    client: Any, create: Callable[..., Any], refused: Callable[..., dict[str, Any]]
) -> None:
    arn = create(Publish=True)["FunctionArn"]
    for qualifier in ("1", "$LATEST", "live", "missing"):
        assert refused(client.tag_resource, Resource=f"{arn}:{qualifier}", Tags={"a": "b"}) == {
            "code": "InvalidParameterValueException",
            "status": 400,
            "message": "Tags on function aliases and versions are not supported. Please specify a function ARN.",
            "type": "User",
        }


def test_no_tags_at_all_are_refused(
    client: Any, create: Callable[..., Any], refused: Callable[..., dict[str, Any]]
) -> None:
    arn = create()["FunctionArn"]
    answer = refused(client.tag_resource, Resource=arn, Tags={})
    assert (answer["code"], answer["message"]) == (
        "InvalidParameterValueException",
        "An error occurred and the request cannot be processed.",
    )
    answer = refused(client.untag_resource, Resource=arn, TagKeys=[])
    assert (answer["code"], answer["message"]) == (
        "ValidationException",
        "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
    )


def test_a_foreign_arn_is_refused(client: Any, refused: Callable[..., dict[str, Any]]) -> None:
    answer = refused(client.list_tags, Resource="arn:aws:something")
    assert answer["code"] == "ValidationException"
    assert answer["message"].startswith(
        "1 validation error detected: Value 'arn:aws:something' at 'resource' failed"
    )
