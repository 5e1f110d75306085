"""Resource policies as a whole, beside the permissions that change the same ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

INVOKE = "lambda:InvokeFunction"
NO_RESOURCE = "The resource you requested does not exist."
NO_REVISION = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def arn(client: Any, create: Callable[..., Any]) -> str:
    """The ARN of a function with version 1 and an alias of it, `live`."""
    arn = str(create("hello")["FunctionArn"])
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    return arn


def statement(arn: str, **members: Any) -> dict[str, Any]:
    return {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": INVOKE,
        "Resource": arn,
        **members,
    }


def document(*statements: dict[str, Any], **members: Any) -> str:
    return json.dumps({"Version": "2012-10-17", **members, "Statement": statements})


@pytest.mark.parametrize("qualifier", ["", ":1", ":live"])
def test_life_of_a_policy(
    client: Any, arn: str, refused: Callable[..., dict[str, Any]], qualifier: str
) -> None:
    named = arn + qualifier
    said = statement(named, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::photos"}})
    put = client.put_resource_policy(ResourceArn=named, Policy=document(said, Id="mine"))
    assert json.loads(put["Policy"]) == {"Version": "2012-10-17", "Id": "mine", "Statement": [said]}
    got = client.get_resource_policy(ResourceArn=named)
    assert (got["Policy"], got["RevisionId"]) == (put["Policy"], put["RevisionId"])
    shown = client.get_policy(FunctionName=named)
    assert (shown["Policy"], shown["RevisionId"]) == (put["Policy"], put["RevisionId"])
    configuration = client.get_function_configuration(FunctionName=named)
    if qualifier != ":live":
        assert configuration["RevisionId"] == put["RevisionId"]

    gone = client.delete_resource_policy(ResourceArn=named, RevisionId=put["RevisionId"])
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    for operation in (client.get_resource_policy, client.delete_resource_policy):
        answer = refused(operation, ResourceArn=named)
        assert (answer["code"], answer["status"], answer["message"]) == (
            "ResourceNotFoundException",
            404,
            NO_RESOURCE,
        )


def test_permissions_change_the_same_policy(client: Any, arn: str) -> None:
    client.add_permission(
        FunctionName="hello", StatementId="old", Action=INVOKE, Principal="sns.amazonaws.com"
    )
    added = client.get_resource_policy(ResourceArn=arn)
    assert added["Policy"] == client.get_policy(FunctionName="hello")["Policy"]
    plain = {key: value for key, value in statement(arn).items() if key != "Sid"}
    client.put_resource_policy(ResourceArn=arn, Policy=document(plain), RevisionId=added["RevisionId"])
    client.add_permission(
        FunctionName="hello", StatementId="new", Action=INVOKE, Principal="sns.amazonaws.com"
    )
    statements = json.loads(client.get_policy(FunctionName="hello")["Policy"])["Statement"]
    assert [one.get("Sid") for one in statements] == [None, "new"]
    client.remove_permission(FunctionName="hello", StatementId="new")
    left = json.loads(client.get_resource_policy(ResourceArn=arn)["Policy"])
    assert left == {"Version": "2012-10-17", "Statement": [plain]}


def test_a_single_statement_needs_no_list(client: Any, arn: str) -> None:
    text = json.dumps({"Statement": statement(arn)})
    put = client.put_resource_policy(ResourceArn=arn, Policy=text)
    assert json.loads(put["Policy"]) == {"Version": "2008-10-17", "Statement": [statement(arn)]}


def test_revisions_guard_changes(client: Any, arn: str, refused: Callable[..., dict[str, Any]]) -> None:
    text = document(statement(arn))
    stale = (
        "The Revision Id provided does not match the latest Revision Id. Call the GetResourcePolicy API to "
        "retrieve the latest Revision Id"
    )
    early = refused(client.put_resource_policy, ResourceArn=arn, Policy=text, RevisionId=NO_REVISION)
    assert (early["code"], early["status"], early["message"]) == ("PreconditionFailedException", 412, stale)
    first = client.put_resource_policy(ResourceArn=arn, Policy=text)["RevisionId"]
    second = client.put_resource_policy(ResourceArn=arn, Policy=text, RevisionId=first)["RevisionId"]
    assert first != second
    for operation, members in (
        (client.put_resource_policy, {"Policy": text}),
        (client.delete_resource_policy, {}),
    ):
        late = refused(operation, ResourceArn=arn, RevisionId=first, **members)
        assert (late["code"], late["status"], late["message"]) == ("PreconditionFailedException", 412, stale)
    assert client.get_resource_policy(ResourceArn=arn)["RevisionId"] == second


def test_refused_documents(client: Any, arn: str, refused: Callable[..., dict[str, Any]]) -> None:
    for text, message in (
        ("{", "The policy document is invalid: it is not JSON."),
        (
            document(statement(f"{arn}:1")),
            (
                f"The policy document is invalid: Resource of statement 1 must be the resource that the policy is for: "
                f"{arn}."
            ),
        ),
    ):
        answer = refused(client.put_resource_policy, ResourceArn=arn, Policy=text)
        assert answer == {
            "code": "InvalidParameterValueException",
            "status": 400,
            "message": message,
            "type": "User",
        }
    public = refused(
        client.put_resource_policy, ResourceArn=arn, Policy=document(statement(arn, Principal="*"))
    )
    assert (public["code"], public["status"]) == ("PublicPolicyException", 400)
    # A character is more than a byte here: what counts is what is kept.
    long = document(statement(arn, Condition={"StringEquals": {"aws:SourceArn": "ä" * 10_200}}))
    answer = refused(
        client.put_resource_policy, ResourceArn=arn, Policy=json.dumps(json.loads(long), ensure_ascii=False)
    )
    assert (answer["code"], answer["status"]) == ("PolicyLengthExceededException", 400)
    longer = refused(client.put_resource_policy, ResourceArn=arn, Policy=" " * 20_481)
    assert (longer["code"], longer["status"]) == ("ValidationException", 400)
    assert refused(client.get_resource_policy, ResourceArn=arn)["message"] == NO_RESOURCE


@pytest.mark.parametrize(
    ("named", "code", "status", "message"),
    [
        (
            "{home}:function:absent",
            "ResourceNotFoundException",
            404,
            "Function not found: {home}:function:absent",
        ),
        (
            "{home}:function:hello:42",
            "ResourceNotFoundException",
            404,
            "Function not found: {home}:function:hello:42",
        ),
        (
            "{home}:function:hello:absent",
            "ResourceNotFoundException",
            404,
            "Cannot find alias arn: {home}:function:hello:absent",
        ),
        (
            "{home}:function:hello:$LATEST",
            "InvalidParameterValueException",
            400,
            "We currently do not support adding policies for $LATEST.",
        ),
        (
            "{abroad}:function:hello",
            "ResourceNotFoundException",
            404,
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
        ),
        ("{home}:runtime/mine/version/1", "ResourceNotFoundException", 404, NO_RESOURCE),
        ("arn:aws:lambda:us-east-1:111111111111:function:hello", "AccessDeniedException", 403, None),
        ("hello", "ValidationException", 400, None),
        ("arn:aws:s3:::photos", "ValidationException", 400, None),
    ],
)
def test_refused_resources(
    client: Any,
    arn: str,
    refused: Callable[..., dict[str, Any]],
    named: str,
    code: str,
    status: int,
    message: str | None,
) -> None:
    home = arn.partition(":function")[0]
    abroad = home.replace("us-east-1", "eu-west-1")
    resource = named.replace("{home}", home).replace("{abroad}", abroad)
    answer = refused(client.put_resource_policy, ResourceArn=resource, Policy=document(statement(resource)))
    assert (answer["code"], answer["status"]) == (code, status)
    if message is not None:
        assert answer["message"] == message.replace("{home}", home)


def test_policies_go_with_what_they_belong_to(
    client: Any, arn: str, refused: Callable[..., dict[str, Any]], create: Callable[..., Any]
) -> None:
    client.put_resource_policy(ResourceArn=arn, Policy=document(statement(arn)))
    client.delete_function(FunctionName="hello")
    create("hello")
    assert refused(client.get_resource_policy, ResourceArn=arn)["message"] == NO_RESOURCE
