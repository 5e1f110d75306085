"""What resource policies permit."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.functions.attachments import Policy
from lambent.functions.authorization import Access, allows, permits, root_of
from lambent.functions.record import FunctionRecord, Target
from lambent.functions.version import FunctionVersion

ARN = "arn:aws:lambda:us-east-1:000000000000:function:hello"
OTHER = "arn:aws:iam::111111111111"
INVOKE = "lambda:InvokeFunction"


def statement(**members: Any) -> dict[str, Any]:
    said = {"Effect": "Allow", "Principal": "*", "Action": INVOKE, "Resource": ARN, **members}
    return {key: value for key, value in said.items() if value is not None}


def policy(*statements: dict[str, Any]) -> Policy:
    return Policy(revision_id="", statements=statements)


def access(principal: str | None = "s3.amazonaws.com", **members: Any) -> Access:
    return Access(**{"principal": principal, "action": INVOKE, "resource": ARN, **members})


def test_nothing_said_is_no() -> None:
    assert not allows(None, access())
    assert not allows(policy(), access())


def test_a_deny_outweighs_every_allow() -> None:
    barred = statement(Effect="Deny", Principal={"Service": "s3.amazonaws.com"})
    for statements in ((statement(), barred), (barred, statement())):
        assert not allows(policy(*statements), access())
        assert allows(policy(*statements), access("sqs.amazonaws.com"))


@pytest.mark.parametrize(
    ("named", "principal", "allowed"),
    [
        ("*", None, True),
        ("*", "s3.amazonaws.com", True),
        ({"AWS": "*"}, None, True),
        ({"AWS": f"{OTHER}:root"}, f"{OTHER}:root", True),
        ({"AWS": f"{OTHER}:root"}, f"{OTHER}:user/ann", True),
        ({"AWS": "111111111111"}, f"{OTHER}:role/web", True),
        ({"AWS": "111111111111"}, "arn:aws:sts::111111111111:assumed-role/web/s", True),
        ({"AWS": "111111111111"}, "arn:aws:iam::222222222222:root", False),
        ({"AWS": f"{OTHER}:user/ann"}, f"{OTHER}:user/ann", True),
        ({"AWS": f"{OTHER}:user/ann"}, f"{OTHER}:user/bob", False),
        ({"AWS": f"{OTHER}:user/ann"}, f"{OTHER}:root", False),
        ({"AWS": [f"{OTHER}:user/bob", f"{OTHER}:user/ann"]}, f"{OTHER}:user/ann", True),
        ({"AWS": f"{OTHER}:role/a/web"}, "arn:aws:sts::111111111111:assumed-role/web/s", True),
        ({"AWS": f"{OTHER}:role/web"}, "arn:aws:sts::111111111111:assumed-role/website/s", False),
        ({"AWS": f"{OTHER}:user/*"}, f"{OTHER}:user/ann", False),
        ({"AWS": f"{OTHER}:root"}, None, False),
        ({"AWS": f"{OTHER}:root"}, "s3.amazonaws.com", False),
        ({"Service": "s3.amazonaws.com"}, "s3.amazonaws.com", True),
        ({"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}, "s3.amazonaws.com", True),
        ({"Service": "sns.amazonaws.com"}, "s3.amazonaws.com", False),
        ({"Service": "s3.amazonaws.com"}, None, False),
        ({"Federated": "cognito-identity.amazonaws.com"}, "s3.amazonaws.com", False),
        (["s3.amazonaws.com"], "s3.amazonaws.com", False),
    ],
)
def test_principals(named: Any, principal: str | None, allowed: bool) -> None:
    assert allows(policy(statement(Principal=named)), access(principal)) is allowed
    turned = statement(Principal=None, NotPrincipal=named)
    assert allows(policy(turned), access(principal)) is not allowed


def test_a_statement_without_principal_speaks_of_nobody() -> None:
    assert not allows(policy(statement(Principal=None)), access())


@pytest.mark.parametrize(
    ("members", "action", "resource", "allowed"),
    [
        ({}, "lambda:invokefunction", ARN, True),
        ({}, "lambda:InvokeFunctionUrl", ARN, False),
        ({"Action": "lambda:*"}, "lambda:GetFunction", ARN, True),
        ({"Action": "*"}, "lambda:GetFunction", ARN, True),
        ({"Action": "lambda:Invoke*"}, "lambda:InvokeFunctionUrl", ARN, True),
        ({"Action": "lambda:Invoke*"}, "lambda:GetFunction", ARN, False),
        ({"Action": ["lambda:GetFunction", INVOKE]}, INVOKE, ARN, True),
        ({"Action": None, "NotAction": "lambda:GetFunction"}, INVOKE, ARN, True),
        ({"Action": None, "NotAction": "lambda:*"}, INVOKE, ARN, False),
        ({"Action": None}, INVOKE, ARN, False),
        ({}, INVOKE, f"{ARN}:1", False),
        ({"Resource": f"{ARN}:*"}, INVOKE, f"{ARN}:1", True),
        ({"Resource": f"{ARN}:*"}, INVOKE, ARN, False),
        ({"Resource": ARN.replace("hello", "h?llo")}, INVOKE, ARN, True),
        ({"Resource": ARN.replace("hello", "HELLO")}, INVOKE, ARN, False),
        ({"Resource": None, "NotResource": f"{ARN}:1"}, INVOKE, ARN, True),
    ],
)
def test_actions_and_resources(members: dict[str, Any], action: str, resource: str, allowed: bool) -> None:
    assert allows(policy(statement(**members)), access(action=action, resource=resource)) is allowed


def test_what_add_permission_says_is_what_counts() -> None:
    from_bucket = statement(
        Principal={"Service": "s3.amazonaws.com"},
        Condition={
            "StringEquals": {"AWS:SourceAccount": "111111111111"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos"},
        },
    )
    context = {"aws:SourceArn": "arn:aws:s3:::photos", "aws:SourceAccount": "111111111111"}
    assert allows(policy(from_bucket), access(context=context))
    assert not allows(policy(from_bucket), access(context={**context, "aws:SourceAccount": "222222222222"}))
    assert not allows(policy(from_bucket), access(context={"aws:SourceAccount": "111111111111"}))
    assert not allows(policy(from_bucket), access())

    public = statement(
        Action="lambda:InvokeFunctionUrl",
        Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
    )
    url = {"action": "lambda:InvokeFunctionUrl"}
    assert allows(policy(public), access(None, **url, context={"lambda:FunctionUrlAuthType": "NONE"}))
    assert not allows(policy(public), access(None, **url, context={"lambda:FunctionUrlAuthType": "AWS_IAM"}))


def test_the_principal_of_an_account_is_of_the_partition_of_its_region() -> None:
    assert root_of("111111111111", "us-east-1") == f"{OTHER}:root"
    assert root_of("111111111111", "cn-north-1") == "arn:aws-cn:iam::111111111111:root"


@pytest.mark.parametrize("qualifier", [None, "1", "live"])
def test_only_the_policy_of_what_was_named_counts(qualifier: str | None) -> None:
    version = FunctionVersion(
        account="000000000000",
        region="us-east-1",
        name="hello",
        version="$LATEST",
        uid="",
        revision_id="",
        last_modified=0,
        role="",
        code_sha256="",
        code_hash="",
        code_size=0,
    )
    policies = {
        name: policy(statement(Resource="*")) for name in ("", "1", "live") if name != (qualifier or "")
    }
    record = FunctionRecord(
        id="",
        account="000000000000",
        region="us-east-1",
        name="hello",
        revision=1,
        latest=version,
        serving=version,
        versions={},
        tags={},
        policies=policies,
    )
    arn = ARN if qualifier is None else f"{ARN}:{qualifier}"
    assert not permits(Target(version, arn, record), None, INVOKE)
    policies[qualifier or ""] = policy(statement(Resource=arn))
    assert permits(Target(version, arn, record), None, INVOKE)
    assert not permits(Target(version, arn, record), None, "lambda:GetFunction")
