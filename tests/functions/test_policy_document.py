"""Policy documents: what is one, and what is wrong with all others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambent.functions.errors import InvalidPolicy, PublicPolicy
from lambent.functions.policy_document import read

ARN = "arn:aws:lambda:us-east-1:000000000000:function:hello"


def statement(**members: Any) -> dict[str, Any]:
    said = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
        **members,
    }
    return {key: value for key, value in said.items() if value is not None}


def test_all_of_a_document_is_kept() -> None:
    said = [
        statement(Sid="one", Action=["lambda:InvokeFunction", "lambda:Get*"], Resource=[ARN]),
        statement(Principal=None, NotPrincipal={"AWS": ["111111111111"]}, Effect="Deny"),
        statement(Condition={"ForAnyValue:StringLikeIfExists": {"aws:SourceAccount": ["1*", 2, True]}}),
    ]
    policy = read(json.dumps({"Version": "2012-10-17", "Id": "mine", "Statement": said}), ARN)
    assert (policy.version, policy.id, list(policy.statements)) == ("2012-10-17", "mine", said)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "it is not JSON"),
        ("{'Statement': []}", "it is not JSON"),
        ("[" * 10_000, "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ("{}", "Statement is missing"),
        ({"Statement": []}, "Statement is empty"),
        ({"Statement": "all"}, "statement 1 is not an object"),
        (
            {"Version": "2020-01-01", "Statement": statement()},
            "Version must be one of 2012-10-17, 2008-10-17",
        ),
        ({"Id": 1, "Statement": statement()}, "Id must be a string"),
        ({"Sid": "x", "Statement": statement()}, "Sid is not an element of the policy"),
        ([statement(), statement(Effect=None)], "Effect of statement 2 must be Allow or Deny"),
        ([statement(Effect="allow")], "Effect of statement 1 must be Allow or Deny"),
        (
            [statement(Sid="a.b")],
            "Sid of statement 1 must be 1 to 100 letters, digits, hyphens and underscores",
        ),
        ([statement(Sid="a"), statement(Sid="a")], "the statement id a is not unique"),
        ([statement(Principals="*")], "Principals is not an element of statement 1"),
        ([statement(Principal=None)], "Principal of statement 1 is missing"),
        ([statement(NotPrincipal="*")], "statement 1 has both Principal and NotPrincipal"),
        (
            [statement(Principal="111111111111")],
            "Principal of statement 1 must be * or name one of AWS, CanonicalUser, Federated, Service",
        ),
        (
            [statement(Principal={"User": "ann"})],
            "Principal of statement 1 must be * or name one of AWS, CanonicalUser, Federated, Service",
        ),
        (
            [statement(Principal={"AWS": []})],
            "Principal AWS of statement 1 must be a string or a list of strings",
        ),
        ([statement(Action=None)], "Action of statement 1 is missing"),
        ([statement(Action=[1])], "Action of statement 1 must be a string or a list of strings"),
        ([statement(Action="s3:GetObject")], "s3:GetObject in statement 1 is not an action of Lambda"),
        ([statement(Resource=None)], "Resource of statement 1 is missing"),
        (
            [statement(Resource=[ARN, f"{ARN}:1"])],
            f"Resource of statement 1 must be the resource that the policy is for: {ARN}",
        ),
        ([statement(Condition=[])], "Condition of statement 1 is not an object"),
        ([statement(Condition={"Resembles": {}})], "Resembles in statement 1 is not a condition operator"),
        ([statement(Condition={"Bool": {}})], "Bool in statement 1 has no condition keys"),
        (
            [statement(Condition={"Bool": {"aws:ViaAWSService": None}})],
            "aws:ViaAWSService in statement 1 must be compared with a value or a list of values",
        ),
    ],
)
def test_invalid_documents(document: Any, reason: str) -> None:
    if isinstance(document, list):
        document = {"Statement": document}
    with pytest.raises(InvalidPolicy) as caught:
        read(document if isinstance(document, str) else json.dumps(document), ARN)
    assert str(caught.value) == f"The policy document is invalid: {reason}."


@pytest.mark.parametrize(
    ("members", "public"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ["111111111111", "*"]}}, True),
        ({"Principal": None, "NotPrincipal": {"AWS": "111111111111"}}, True),
        ({"Principal": "*", "Effect": "Deny"}, False),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, False),
        ({"Principal": "*", "Condition": {"StringEquals": {"AWS:SourceAccount": "111111111111"}}}, False),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalArn": "*"}}}, True),
        ({"Principal": "*", "Condition": {"StringNotEquals": {"aws:SourceAccount": "111111111111"}}}, True),
        ({"Principal": "*", "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": "1"}}}, True),
        ({"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
        ({"Principal": "*", "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}}, False),
        ({"Principal": "*", "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}}, False),
    ],
)
def test_what_lets_everybody_in(members: dict[str, Any], public: bool) -> None:
    text = json.dumps({"Statement": statement(**members)})
    if public:
        with pytest.raises(PublicPolicy):
            read(text, ARN)
    else:
        assert read(text, ARN).statements
