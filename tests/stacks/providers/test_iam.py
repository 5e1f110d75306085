"""AWS::IAM::* against a running platform."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.service_calls import ServiceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World

ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
LESS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
MANAGED = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def test_a_role(world: World) -> None:
    role = world.resource("AWS::IAM::Role", "Executor", team="blue")
    role.create(
        AssumeRolePolicyDocument=TRUST,
        ManagedPolicyArns=[MANAGED],
        Policies=[
            {"PolicyName": "one", "PolicyDocument": ALLOW},
            {"PolicyName": "two", "PolicyDocument": ALLOW},
        ],
        Tags=[{"Key": "own", "Value": "yes"}],
    )
    role.again()
    role.lost()
    name = role.id
    assert name.startswith("shop-Executor-")
    assert role.attributes["Arn"] == f"arn:aws:iam::000000000000:role/{name}"
    assert role.attributes["RoleId"].startswith("AROA")
    tags = world.ask("iam", "ListRoleTags", RoleName=name)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "blue", "own": "yes"}
    assert set(world.ask("iam", "ListRolePolicies", RoleName=name)["PolicyNames"]) == {"one", "two"}
    made = role.made
    assert role.adopt(RoleName=name).made == made

    role.update_twice(
        AssumeRolePolicyDocument=json.dumps({**TRUST, "Statement": TRUST["Statement"] * 2}),
        Description="new",
        MaxSessionDuration=7200,
        Policies=[{"PolicyName": "two", "PolicyDocument": LESS}],
        Tags=[{"Key": "other", "Value": "1"}],
    )
    assert role.read() == {
        "RoleName": name,
        "Path": "/",
        "AssumeRolePolicyDocument": {**TRUST, "Statement": TRUST["Statement"] * 2},
        "Description": "new",
        "MaxSessionDuration": 7200,
        "Policies": [{"PolicyName": "two", "PolicyDocument": LESS}],
        "Tags": [{"Key": "team", "Value": "blue"}, {"Key": "other", "Value": "1"}],
    }
    assert world.ask("iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"] == []

    role.update(AssumeRolePolicyDocument=TRUST)
    live = role.read()
    assert live is not None
    assert (live["Description"], live["MaxSessionDuration"]) == ("", 3600)
    role.delete_twice()
    assert role.read() is None


def test_a_role_of_somebody_else_is_not_taken(world: World) -> None:
    world.ask(
        "iam",
        "CreateRole",
        RoleName="theirs",
        AssumeRolePolicyDocument=json.dumps(TRUST),
        Description="theirs",
    )
    role = world.resource("AWS::IAM::Role")
    for again in (False, True):
        with pytest.raises(ServiceFailure, match="already exists"):
            role.create(again=again, RoleName="theirs", AssumeRolePolicyDocument=TRUST)
