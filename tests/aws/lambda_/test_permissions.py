"""Permissions, as AWS answered in the scenarios of TestLambdaPermissions and TestLambdaRevisions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

INVOKE = "lambda:InvokeFunction"
NO_RESOURCE = "The resource you requested does not exist."
STALE = (
    "The Revision Id provided does not match the latest Revision Id. Call the {} API to retrieve the latest "
    "Revision Id"
)


@pytest.fixture
def arn(create: Callable[..., Any]) -> str:
    """The ARN of a function."""
    return str(create("hello")["FunctionArn"])


@pytest.fixture
def versioned(client: Any, arn: str) -> str:
    """The ARN of a function with version 1 and an alias of it, `live`."""
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    return arn


@pytest.fixture
def add(client: Any) -> Callable[..., dict[str, Any]]:
    """Adds a permission for S3; the statement that it became."""

    def call(sid: str = "s3", **members: Any) -> dict[str, Any]:
        asked = {"Action": INVOKE, "Principal": "s3.amazonaws.com", **members}
        answer = client.add_permission(FunctionName="hello", StatementId=sid, **asked)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
        added: dict[str, Any] = json.loads(answer["Statement"])
        return added

    return call


def policy(client: Any, **members: Any) -> tuple[dict[str, Any], str]:
    answer = client.get_policy(FunctionName="hello", **members)
    return json.loads(answer["Policy"]), answer["RevisionId"]


def revision(client: Any, **members: Any) -> str:
    return str(client.get_function_configuration(FunctionName="hello", **members)["RevisionId"])


# test_add_lambda_permission_aws
def test_a_permission_is_shown_as_a_policy(client: Any, arn: str, add: Callable[..., Any]) -> None:
    added = add(SourceArn="arn:aws:s3:::bucket")
    assert list(added.items()) == [
        ("Sid", "s3"),
        ("Effect", "Allow"),
        ("Principal", {"Service": "s3.amazonaws.com"}),
        ("Action", INVOKE),
        ("Resource", arn),
        ("Condition", {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"}}),
    ]
    document, shown = policy(client)
    assert list(document.items()) == [("Version", "2012-10-17"), ("Id", "default"), ("Statement", [added])]
    assert shown == revision(client)


# test_add_lambda_permission_fields
@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        (
            {"Principal": "*", "SourceAccount": "111111111111"},
            {"Principal": "*", "Condition": {"StringEquals": {"AWS:SourceAccount": "111111111111"}}},
        ),
        ({"Principal": "lambda.amazonaws.com"}, {"Principal": {"Service": "lambda.amazonaws.com"}}),
        ({"Principal": "alexa-appkit.amazon.com"}, {"Principal": {"Service": "alexa-appkit.amazon.com"}}),
        ({"Principal": "111111111111"}, {"Principal": {"AWS": "arn:aws:iam::111111111111:root"}}),
        (
            {"Principal": "arn:aws:iam::111111111111:user/ann"},
            {"Principal": {"AWS": "arn:aws:iam::111111111111:user/ann"}},
        ),
        (
            {
                "Action": "lambda:InvokeFunctionUrl",
                "Principal": "*",
                "SourceArn": "arn:aws:s3:::bucket",
                "SourceAccount": "111111111111",
                "PrincipalOrgID": "o-1234567890",
                "FunctionUrlAuthType": "NONE",
            },
            {
                "Action": "lambda:InvokeFunctionUrl",
                "Principal": "*",
                "Condition": {
                    "StringEquals": {
                        "AWS:SourceAccount": "111111111111",
                        "lambda:FunctionUrlAuthType": "NONE",
                        "aws:PrincipalOrgID": "o-1234567890",
                    },
                    "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
                },
            },
        ),
        (
            {"Principal": "*", "EventSourceToken": "amzn1.ask.skill.x"},
            {
                "Principal": "*",
                "Condition": {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}},
            },
        ),
        (
            {"Principal": "*", "InvokedViaFunctionUrl": True},
            {"Principal": "*", "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}},
        ),
    ],
    ids=["everybody", "service", "alexa", "account", "arn", "url", "token", "via-url"],
)
def test_what_a_permission_becomes(
    arn: str, add: Callable[..., Any], members: dict[str, Any], wanted: dict[str, Any]
) -> None:
    said = add("one", **members)
    assert said == {"Sid": "one", "Effect": "Allow", "Action": INVOKE, "Resource": arn, **wanted}


# test_permission_exceptions
@pytest.mark.parametrize(
    ("members", "code", "status", "message"),
    [
        (
            {"StatementId": "example.com"},
            "ValidationException",
            400,
            (
                "1 validation error detected: Value 'example.com' at 'statementId' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"
            ),
        ),
        (
            {"FunctionName": "hello:other", "Qualifier": "live"},
            "InvalidParameterValueException",
            400,
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
        (
            {"Qualifier": "$LATEST"},
            "InvalidParameterValueException",
            400,
            "We currently do not support adding policies for $LATEST.",
        ),
        (
            {"Principal": "invalid.nonaws.com"},
            "InvalidParameterValueException",
            400,
            "The provided principal was invalid. Please check the principal and try again.",
        ),
        ({"FunctionName": "absent"}, "ResourceNotFoundException", 404, "Function not found: {home}:absent"),
        (
            {"Qualifier": "absent"},
            "ResourceNotFoundException",
            404,
            "Cannot find alias arn: {home}:hello:absent",
        ),
        ({"Qualifier": "42"}, "ResourceNotFoundException", 404, "Function not found: {home}:hello:42"),
        (
            {"Qualifier": "invalid-qualifier-with-?-char"},
            "ValidationException",
            400,
            (
                "1 validation error detected: Value 'invalid-qualifier-with-?-char' at 'qualifier' failed to satisfy "
                r"constraint: Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
            ),
        ),
        (
            {"Qualifier": "valid-with-$-but-doesnotexist"},
            "ResourceNotFoundException",
            404,
            "Function not found: {home}:hello:valid-with-$-but-doesnotexist",
        ),
        (
            {"StatementId": "taken"},
            "ResourceConflictException",
            409,
            (
                "The statement id (taken) provided already exists. Please provide a new statement id, or remove the "
                "existing statement."
            ),
        ),
        (
            {"FunctionUrlAuthType": "NONE"},
            "InvalidParameterValueException",
            400,
            "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
        ),
        (
            {"FunctionName": "arn:aws:lambda:eu-west-1:{account}:function:hello"},
            "ResourceNotFoundException",
            404,
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
        ),
    ],
)
def test_refused_permissions(
    client: Any,
    account: str,
    versioned: str,
    add: Callable[..., Any],
    refused: Callable[..., Any],
    members: dict[str, str],
    code: str,
    status: int,
    message: str,
) -> None:
    add("taken")
    asked = {"FunctionName": "hello", "StatementId": "s3", "Action": INVOKE, "Principal": "s3.amazonaws.com"}
    changed = {key: value.replace("{account}", account) for key, value in members.items()}
    answer = refused(client.add_permission, **{**asked, **changed})
    home = versioned.rpartition(":")[0]
    assert answer == {
        "code": code,
        "status": status,
        "message": message.replace("{home}", home),
        "type": None if code == "ValidationException" else "User",
    }
    assert [one["Sid"] for one in policy(client)[0]["Statement"]] == ["taken"]


# test_permission_exceptions
def test_what_is_not_there_to_read_or_remove(
    client: Any, versioned: str, add: Callable[..., Any], refused: Callable[..., Any]
) -> None:
    for members in ({"FunctionName": "absent"}, {"FunctionName": "hello"}):
        assert refused(client.get_policy, **members)["message"] == NO_RESOURCE
    for qualifier in ("1", "42", "live", "absent", "$LATEST"):
        answer = refused(client.get_policy, FunctionName="hello", Qualifier=qualifier)
        assert (answer["code"], answer["status"], answer["message"]) == (
            "ResourceNotFoundException",
            404,
            NO_RESOURCE,
        )
    home = versioned.rpartition(":")[0]
    removals = [
        ({"FunctionName": "hello"}, "No policy is associated with the given resource."),
        ({"FunctionName": "absent"}, f"No policy found for: {home}:absent"),
        ({"FunctionName": "hello", "Qualifier": "absent"}, f"Cannot find alias arn: {home}:hello:absent"),
        ({"FunctionName": "hello", "Qualifier": "42"}, f"Function not found: {home}:hello:42"),
        ({"FunctionName": "hello", "Qualifier": "live"}, "No policy is associated with the given resource."),
    ]
    for members, message in removals:
        answer = refused(client.remove_permission, StatementId="s3", **members)
        assert (answer["code"], answer["message"]) == ("ResourceNotFoundException", message)
    add("s3")
    answer = refused(client.remove_permission, FunctionName="hello", StatementId="non-existent")
    assert (answer["status"], answer["message"]) == (
        404,
        "Statement non-existent is not found in resource policy.",
    )


# test_remove_multi_permissions, test_create_multiple_lambda_permissions
def test_statements_keep_their_order_until_the_last_is_gone(
    client: Any, arn: str, add: Callable[..., Any], refused: Callable[..., Any]
) -> None:
    first, second = add("s3"), add("sqs", Principal="sqs.amazonaws.com", SourceArn="arn:aws:s3:::bucket")
    both, before = policy(client)
    assert both["Statement"] == [first, second]
    gone = client.remove_permission(FunctionName="hello", StatementId="sqs")
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    left, after = policy(client)
    assert (left["Statement"], after == before) == ([first], False)
    client.remove_permission(FunctionName="hello", StatementId="s3")
    assert refused(client.get_policy, FunctionName="hello")["message"] == NO_RESOURCE


# test_lambda_permission_fn_versioning
def test_each_qualifier_has_a_policy_of_its_own(client: Any, versioned: str, add: Callable[..., Any]) -> None:
    add("s3")
    for qualifier in ("1", "live"):
        assert add("s3", Qualifier=qualifier)["Resource"] == f"{versioned}:{qualifier}"
        document, _ = policy(client, Qualifier=qualifier)
        assert [one["Sid"] for one in document["Statement"]] == ["s3"]
    by_arn = client.get_policy(FunctionName=f"{versioned}:live")
    assert json.loads(by_arn["Policy"])["Statement"][0]["Resource"] == f"{versioned}:live"
    client.delete_alias(FunctionName="hello", Name="live")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    add("s3", Qualifier="live")


# test_lambda_permission_fn_versioning, test_function_revisions_permissions, test_lambda_permission_revisions
def test_revisions_of_policies(
    client: Any, arn: str, add: Callable[..., Any], refused: Callable[..., Any]
) -> None:
    add("s3", RevisionId=revision(client))
    shown = policy(client)[1]
    assert shown == revision(client)
    client.publish_version(FunctionName="hello")
    assert policy(client)[1] == shown != revision(client)
    add("s3_2", RevisionId=shown)

    untouched, before = revision(client), revision(client, Qualifier="1")
    add("s3", Qualifier="1", RevisionId=before)
    assert before != revision(client, Qualifier="1") == policy(client, Qualifier="1")[1]
    assert revision(client) == untouched

    made = client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")["RevisionId"]
    for qualifier in (None, "1", "live"):
        members = {} if qualifier is None else {"Qualifier": qualifier}
        late = refused(
            client.add_permission,
            FunctionName="hello",
            StatementId="late",
            Action=INVOKE,
            Principal="*",
            RevisionId="wrong",
            **members,
        )
        assert (late["code"], late["status"]) == ("PreconditionFailedException", 412)
        assert late["message"] == STALE.format("GetPolicy")
    add("s3", Qualifier="live", RevisionId=made)
    alias = client.get_alias(FunctionName="hello", Name="live")["RevisionId"]
    assert made != alias == policy(client, Qualifier="live")[1]

    late = refused(client.remove_permission, FunctionName="hello", StatementId="s3", RevisionId="wrong")
    assert (late["status"], late["message"]) == (412, STALE.format("GetFunction/GetAlias"))
    client.remove_permission(FunctionName="hello", StatementId="s3", RevisionId=policy(client)[1])
    assert policy(client)[1] == revision(client)


def test_a_policy_has_a_greatest_length(
    client: Any, arn: str, add: Callable[..., Any], refused: Callable[..., Any]
) -> None:
    add("first", SourceArn="arn:aws:s3:::" + "a" * 9_980)
    add("second", SourceArn="arn:aws:s3:::" + "a" * 9_980)
    answer = client.get_policy(FunctionName="hello")
    size = len(answer["Policy"])
    statement = {
        "Sid": "third",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": INVOKE,
        "Resource": arn,
    }
    expected = size + len(json.dumps(statement, separators=(",", ":"))) + 1
    refusal = refused(
        client.add_permission,
        FunctionName="hello",
        StatementId="third",
        Action=INVOKE,
        Principal="s3.amazonaws.com",
    )
    assert refusal == {
        "code": "PolicyLengthExceededException",
        "status": 400,
        "message": f"The final policy size ({expected}) is bigger than the limit (20480).",
        "type": "User",
    }
