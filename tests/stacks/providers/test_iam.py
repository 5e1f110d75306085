"""AWS::IAM::* against a running platform."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import Resource, World

ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
LESS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
BARE = {"Statement": ALLOW["Statement"]}  # as SAM's policy templates are
MANAGED = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def test_a_role_that_has_failed_at_a_policy_goes(world: World) -> None:
    role = world.resource("AWS::IAM::Role", "Failed").create(AssumeRolePolicyDocument=TRUST)
    role.properties = {**role.properties, "ManagedPolicyArns": ["x", MANAGED]}
    role.delete_twice()
    assert role.read() is None


def test_a_role(world: World) -> None:
    role = world.resource("AWS::IAM::Role", "Executor", team="blue")
    role.create(
        AssumeRolePolicyDocument=TRUST,
        ManagedPolicyArns=[MANAGED],
        Policies=[
            {"PolicyName": "one", "PolicyDocument": ALLOW},
            {"PolicyName": "two", "PolicyDocument": BARE},
        ],
        Tags=[{"Key": "own", "Value": "yes"}],
    )
    role.again()
    role.lost()
    name = role.id
    assert name.startswith("shop-Executor-")
    assert role.attributes["Arn"] == f"arn:aws:iam::000000000000:role/{name}"
    assert role.attributes["RoleId"].startswith("AROA")
    live = role.read()
    assert live is not None
    assert live["Policies"] == role.properties["Policies"]
    tags = world.ask("iam", "ListRoleTags", RoleName=name)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "blue", "own": "yes"}
    assert set(world.ask("iam", "ListRolePolicies", RoleName=name)["PolicyNames"]) == {"one", "two"}
    made = role.made
    assert role.adopt(RoleName=name).made == made

    theirs = {"Key": "of others", "Value": "stays"}
    world.ask("iam", "TagRole", RoleName=name, Tags=[theirs])
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
        "Tags": [{"Key": "team", "Value": "blue"}, theirs, {"Key": "other", "Value": "1"}],
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


@pytest.fixture(scope="module")
def names(world: World) -> dict[str, str]:
    """A role, a user and a group that are there."""
    world.ask("iam", "CreateRole", RoleName="plain", AssumeRolePolicyDocument=json.dumps(TRUST))
    world.ask("iam", "CreateRole", RoleName="second", AssumeRolePolicyDocument=json.dumps(TRUST))
    world.ask("iam", "CreateUser", UserName="anna")
    world.ask("iam", "CreateUser", UserName="bert")
    world.ask("iam", "CreateGroup", GroupName="all")
    return {"Role": "plain", "User": "anna", "Group": "all"}


def life(
    world: World,
    type_name: str,
    wanted: dict[str, Any],
    changed: dict[str, Any],
    *,
    identifier: dict[str, str] | None = None,
) -> Resource:
    """Created, cut, changed in place, read, adopted and deleted: what is read is what was wanted."""
    resource = world.resource(type_name, "Thing")
    resource.create(**wanted)
    resource.again()
    resource.lost()
    live = resource.read()
    assert live is not None
    assert {member: live[member] for member in wanted} == wanted
    if identifier is not None:
        made = resource.made
        named = {key: value or resource.id for key, value in identifier.items()}
        assert resource.adopt(**named).id == (made and made.physical_id)
        resource.made = made
    resource.update_twice(**changed)
    live = resource.read()
    assert live is not None
    assert {member: live[member] for member in changed} == changed
    resource.delete_twice()
    assert resource.read() is None
    return resource


def test_managed_policies(world: World, names: dict[str, str]) -> None:
    policy = life(
        world,
        "AWS::IAM::ManagedPolicy",
        {"ManagedPolicyName": "ours", "PolicyDocument": ALLOW, "Roles": ["plain"], "Path": "/team/"},
        {
            "ManagedPolicyName": "ours",
            "PolicyDocument": LESS,
            "Roles": ["second"],
            "Users": ["anna"],
            "Groups": ["all"],
            "Path": "/team/",
        },
        identifier={"PolicyArn": ""},
    )
    assert policy.id == "arn:aws:iam::000000000000:policy/team/ours"
    assert policy.attributes["DefaultVersionId"] == "v2"
    assert policy.attributes["PolicyId"].startswith("A")
    assert policy.attributes["CreateDate"].endswith("Z")


def test_a_managed_policy_keeps_five_versions(world: World) -> None:
    policy = world.resource("AWS::IAM::ManagedPolicy", "Changing").create(PolicyDocument=ALLOW)
    for number in range(6):
        policy.update(PolicyDocument={**LESS, "Id": str(number)})
    versions = world.ask("iam", "ListPolicyVersions", PolicyArn=policy.id)["Versions"]
    assert [each["VersionId"] for each in versions if each["IsDefaultVersion"]] == ["v7"]
    assert len(versions) == 5
    policy.delete()


def test_inline_policies(world: World, names: dict[str, str]) -> None:
    policy = world.resource("AWS::IAM::Policy", "Rights")
    policy.create(PolicyName="rights", PolicyDocument=ALLOW, Roles=["plain"], Users=["anna"])
    policy.again()
    policy.lost()
    assert policy.id.startswith("shop-Rights-")
    assert policy.read() == policy.properties
    policy.update_twice(PolicyName="other", PolicyDocument=BARE, Groups=["all"], Users=["anna"])
    assert policy.read() == policy.properties
    assert world.ask("iam", "ListRolePolicies", RoleName="plain")["PolicyNames"] == []
    assert world.ask("iam", "ListUserPolicies", UserName="anna")["PolicyNames"] == ["other"]
    policy.delete_twice()
    assert policy.read() is None
    with pytest.raises(ResourceFailure, match=r"At least one of \[Groups,Roles,Users\] must be non-empty\."):
        policy.create(PolicyName="nobody", PolicyDocument=ALLOW)


@pytest.mark.parametrize("kind", ["Role", "User", "Group"])
def test_a_policy_of_one_principal(world: World, names: dict[str, str], kind: str) -> None:
    named: dict[str, Any] = {f"{kind}Name": names[kind], "PolicyName": "held"}
    held = life(
        world,
        f"AWS::IAM::{kind}Policy",
        {**named, "PolicyDocument": ALLOW},
        {**named, "PolicyDocument": LESS},
        identifier=named,
    )
    assert held.id == f"held|{names[kind]}"
    held.create(**named, PolicyDocument=ALLOW)
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource(held.type).create(**named, PolicyDocument=ALLOW)
    held.delete()


def test_users(world: World, names: dict[str, str]) -> None:
    user = life(
        world,
        "AWS::IAM::User",
        {
            "UserName": "carl",
            "Path": "/team/",
            "Groups": ["all"],
            "ManagedPolicyArns": [MANAGED],
            "Policies": [{"PolicyName": "own", "PolicyDocument": ALLOW}],
        },
        {"UserName": "carl", "Path": "/", "Tags": [{"Key": "team", "Value": "blue"}]},
        identifier={"UserName": "carl"},
    )
    assert user.attributes == {"Arn": "arn:aws:iam::000000000000:user/carl"}
    user.create(UserName="dora", LoginProfile={"Password": "Secret-123"})
    assert world.ask("iam", "GetLoginProfile", UserName="dora")["LoginProfile"]["UserName"] == "dora"
    user.update_twice(UserName="dora", LoginProfile={"Password": "Other-123", "PasswordResetRequired": True})
    assert user.drift() == []
    user.update_twice(UserName="dora")
    with pytest.raises(ServiceFailure, match="Login profile for dora not found"):
        world.ask("iam", "GetLoginProfile", UserName="dora")
    user.delete_twice()


def test_access_keys(world: World, names: dict[str, str]) -> None:
    key = world.resource("AWS::IAM::AccessKey", "Key").create(UserName="bert", Status="Inactive")
    key.again()
    assert key.attributes["Id"] == key.id
    assert key.attributes["SecretAccessKey"]
    assert key.read() == {"UserName": "bert", "Status": "Inactive"}
    key.update_twice(UserName="bert")
    assert key.read() == {"UserName": "bert", "Status": "Active"}
    key.delete_twice()
    assert key.read() is None


def test_groups_and_who_is_in_them(world: World, names: dict[str, str]) -> None:
    group = world.resource("AWS::IAM::Group", "Crew").create(
        GroupName="crew", Policies=[{"PolicyName": "own", "PolicyDocument": ALLOW}]
    )
    addition = life(
        world,
        "AWS::IAM::UserToGroupAddition",
        {"GroupName": "crew", "Users": ["anna"]},
        {"GroupName": "crew", "Users": ["bert"]},
    )
    assert addition.attributes == {"Id": addition.id}
    group.delete()
    life(
        world,
        "AWS::IAM::Group",
        {"GroupName": "crew", "ManagedPolicyArns": [MANAGED]},
        {"GroupName": "crew", "Policies": [{"PolicyName": "p", "PolicyDocument": LESS}]},
        identifier={"GroupName": "crew"},
    )


def test_instance_profiles(world: World, names: dict[str, str]) -> None:
    profile = life(
        world,
        "AWS::IAM::InstanceProfile",
        {"InstanceProfileName": "web", "Roles": ["plain"]},
        {"InstanceProfileName": "web", "Roles": ["second"]},
        identifier={"InstanceProfileName": "web"},
    )
    assert profile.attributes == {"Arn": "arn:aws:iam::000000000000:instance-profile/web"}


def test_identity_providers(world: World) -> None:
    thumbprint = "a" * 40
    life(
        world,
        "AWS::IAM::OIDCProvider",
        {"Url": "https://token.actions.githubusercontent.com", "ClientIdList": ["sts.amazonaws.com"]},
        {
            "Url": "https://token.actions.githubusercontent.com",
            "ClientIdList": ["sts.amazonaws.com"],
            "ThumbprintList": [thumbprint],
            "Tags": [{"Key": "team", "Value": "blue"}],
        },
        identifier={"Arn": ""},
    )
    metadata = f"<EntityDescriptor>{'x' * 1000}</EntityDescriptor>"
    life(
        world,
        "AWS::IAM::SAMLProvider",
        {"Name": "sso", "SamlMetadataDocument": metadata},
        {"Name": "sso", "SamlMetadataDocument": metadata.replace("x", "y")},
    )
    linked = world.resource("AWS::IAM::ServiceLinkedRole", "Linked")
    linked.create(AWSServiceName="autoscaling.amazonaws.com").again()
    linked.update_twice(AWSServiceName="autoscaling.amazonaws.com", Description="mine")
    assert linked.read() == {"RoleName": linked.id, "Description": "mine"}
    linked.delete_twice()
    assert linked.read() is None
