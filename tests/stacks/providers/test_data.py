"""SSM, Secrets Manager, KMS, ECR: made, changed, removed, also twice, and read for drift."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World

REGION_AND_ACCOUNT = "us-east-1:000000000000"
POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}


def test_a_parameter(world: World) -> None:
    parameter = world.resource("AWS::SSM::Parameter", "Level", team="a").create(
        Type="String", Value="info", Description="how much", AllowedPattern="[a-z]+", Tags={"kind": "x"}
    )
    parameter.again()
    assert parameter.id.startswith("shop-Level-")
    assert parameter.attributes == {"Type": "String", "Value": "info"}
    live = parameter.read()
    assert live is not None
    assert (live["Value"], live["Description"]) == ("info", "how much")
    assert live["Tags"] == {"team": "a", "kind": "x"}

    parameter.update_twice(Type="String", Value="debug", Tags={"kind": "y"})
    live = parameter.read()
    assert live is not None
    assert live == {
        "Name": parameter.id,
        "Type": "String",
        "Value": "debug",
        "DataType": "text",
        "Tier": "Standard",
        "Tags": {"team": "a", "kind": "y"},
    }
    with pytest.raises(ResourceFailure, match="SecureString"):
        parameter.update(Type="SecureString", Value="debug")
    assert world.ask("ssm", "GetParameter", Name=parameter.id)["Parameter"]["Version"] >= 2
    assert world.resource("AWS::SSM::Parameter").adopt(Name=parameter.id).attributes["Value"] == "debug"
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::SSM::Parameter").create(Name=parameter.id, Type="String", Value="x")
    parameter.delete_twice()
    assert parameter.read() is None


def test_a_parameter_that_is_secret_is_refused(world: World) -> None:
    with pytest.raises(ResourceFailure, match="SecureString"):
        world.resource("AWS::SSM::Parameter").create(Type="SecureString", Value="x")


def test_a_secret(world: World) -> None:
    secret = world.resource("AWS::SecretsManager::Secret", "Login").create(
        GenerateSecretString={
            "SecretStringTemplate": '{"user": "shop"}',
            "GenerateStringKey": "password",
            "PasswordLength": 20,
            "ExcludePunctuation": True,
        }
    )
    secret.again()
    assert secret.id.startswith(f"arn:aws:secretsmanager:{REGION_AND_ACCOUNT}:secret:shop-Login-")
    value = json.loads(_secret(world, secret.id))
    assert value["user"] == "shop"
    assert len(value["password"]) == 20
    assert value["password"].isalnum()

    secret.update_twice(SecretString="told", Description="by hand", Tags=[{"Key": "a", "Value": "b"}])
    assert _secret(world, secret.id) == "told"
    live = secret.read()
    assert live is not None
    assert (live["Description"], live["Tags"]) == ("by hand", [{"Key": "a", "Value": "b"}])
    secret.update(SecretString="told", KmsKeyId="alias/own")
    assert (secret.read() or {})["KmsKeyId"] == "alias/own"
    secret.update_twice(SecretString="told")
    assert "KmsKeyId" not in (secret.read() or {})

    policy: dict[str, Any] = {
        **POLICY,
        "Statement": [{**POLICY["Statement"][0], "Action": "secretsmanager:*"}],
    }
    attached = world.resource("AWS::SecretsManager::ResourcePolicy").create(
        SecretId=secret.id, ResourcePolicy=policy
    )
    attached.again()
    live = attached.read()
    assert live is not None
    assert live["ResourcePolicy"] == policy
    attached.delete_twice()
    assert attached.read() is None
    secret.delete_twice()
    assert secret.read() is None
    # Its name can be used again at once.
    name = secret.id.rpartition(":")[2][:-7]
    world.resource("AWS::SecretsManager::Secret").create(Name=name, SecretString="x").delete()


def test_what_a_secret_cannot_be(world: World) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"SecretString": "x", "GenerateSecretString": {}}, "both"),
        ({"GenerateSecretString": {"GenerateStringKey": "x"}}, "together"),
        ({"GenerateSecretString": {"GenerateStringKey": "x", "SecretStringTemplate": "[]"}}, "JSON object"),
        ({"ReplicaRegions": [{"Region": "eu-west-1"}]}, "ReplicaRegions"),
    ]
    for wrong, said in cases:
        with pytest.raises(ResourceFailure, match=said):
            world.resource("AWS::SecretsManager::Secret").create(**wrong)


def test_a_key_and_its_alias(world: World) -> None:
    key = world.resource("AWS::KMS::Key", "Key").create(
        Description="of the shop", KeyPolicy=POLICY, EnableKeyRotation=True
    )
    key.again()
    assert key.attributes["Arn"] == f"arn:aws:kms:{REGION_AND_ACCOUNT}:key/{key.id}"
    live = key.read()
    assert live is not None
    assert (live["Description"], live["EnableKeyRotation"], live["Enabled"]) == ("of the shop", True, True)
    assert live["KeyPolicy"] == POLICY
    assert "Tags" not in live

    key.update_twice(KeyPolicy=POLICY, Enabled=False, Tags=[{"Key": "a", "Value": "b"}])
    live = key.read()
    assert live is not None
    assert (live["Enabled"], live["Tags"], "Description" in live) == (
        False,
        [{"Key": "a", "Value": "b"}],
        False,
    )
    key.update_twice(KeyPolicy=POLICY)
    assert (key.read() or {})["Enabled"] is True
    key.update_twice()
    default = (key.read() or {})["KeyPolicy"]
    assert (default["Id"], [one["Sid"] for one in default["Statement"]]) == (
        "key-default-1",
        ["Enable IAM User Permissions"],
    )
    # As its schema says, CloudFormation puts no tags of its own on a key.
    assert world.ask("kms", "ListResourceTags", KeyId=key.id)["Tags"] == []

    alias = world.resource("AWS::KMS::Alias").create(AliasName="alias/shop", TargetKeyId=key.id)
    alias.again()
    assert alias.read() == {"AliasName": "alias/shop", "TargetKeyId": key.id}
    other = world.resource("AWS::KMS::Key", "Other").create(KeyPolicy=POLICY)
    alias.update_twice(AliasName="alias/shop", TargetKeyId=other.attributes["Arn"])
    assert alias.drift() == []
    alias.update_twice(AliasName="alias/shop", TargetKeyId=other.id)
    assert (alias.read() or {})["TargetKeyId"] == other.id
    alias.delete_twice()
    assert alias.read() is None
    key.delete_twice()
    assert key.read() is None
    state = world.ask("kms", "DescribeKey", KeyId=key.id)["KeyMetadata"]["KeyState"]
    assert state == "PendingDeletion"


def test_a_key_that_was_begun_is_found_again(world: World) -> None:
    key = world.resource("AWS::KMS::Key", "Lost").create()
    world.ask(
        "kms",
        "TagResource",
        KeyId=key.id,
        Tags=[{"TagKey": "lambent:step", "TagValue": key.work.token}],
    )
    key.lost()


def test_a_repository(world: World) -> None:
    rules = json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "imageCountMoreThan",
                        "countNumber": 3,
                    },
                    "action": {"type": "expire"},
                }
            ]
        }
    )
    repository = world.resource("AWS::ECR::Repository", "Images").create(
        ImageTagMutability="IMMUTABLE",
        ImageScanningConfiguration={"ScanOnPush": True},
        LifecyclePolicy={"LifecyclePolicyText": rules},
    )
    repository.again()
    assert repository.id.startswith("shop-images-")
    assert repository.attributes == {
        "Arn": f"arn:aws:ecr:{REGION_AND_ACCOUNT}:repository/{repository.id}",
        "RepositoryUri": f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{repository.id}",
    }
    live = repository.read()
    assert live is not None
    assert (live["ImageTagMutability"], live["ImageScanningConfiguration"]) == (
        "IMMUTABLE",
        {"ScanOnPush": True},
    )
    excluded: Any = [
        {"ImageTagMutabilityExclusionFilterType": "WILDCARD", "ImageTagMutabilityExclusionFilterValue": "a*"}
    ]
    repository.update_twice(
        ImageTagMutability="MUTABLE_WITH_EXCLUSION", ImageTagMutabilityExclusionFilters=excluded
    )
    repository.update_twice(Tags=[{"Key": "a", "Value": "b"}])
    live = repository.read()
    assert live is not None
    assert (live["ImageTagMutability"], "LifecyclePolicy" in live, live["Tags"]) == (
        "MUTABLE",
        False,
        [{"Key": "a", "Value": "b"}],
    )
    repository.delete_twice()
    assert repository.read() is None


def _secret(world: World, secret: str) -> str:
    value: str = world.ask("secretsmanager", "GetSecretValue", SecretId=secret)["SecretString"]
    return value


def test_an_alarm(world: World) -> None:
    metric: dict[str, Any] = {
        "Namespace": "Shop",
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    alarm = world.resource("AWS::CloudWatch::Alarm", "Errors", team="a").create(**metric, Threshold=1)
    alarm.again()
    assert alarm.id.startswith("shop-Errors-")
    assert alarm.attributes == {"Arn": f"arn:aws:cloudwatch:{REGION_AND_ACCOUNT}:alarm:{alarm.id}"}
    live = alarm.read()
    assert live is not None
    assert metric.items() <= live.items()
    assert (live["Threshold"], live["Tags"]) == (1, [{"Key": "team", "Value": "a"}])
    alarm.update_twice(**metric, Threshold=5, AlarmDescription="too many")
    live = alarm.read()
    assert live is not None
    assert (live["Threshold"], live["AlarmDescription"]) == (5, "too many")

    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::CloudWatch::Alarm").create(**metric, Threshold=1, AlarmName=alarm.id)
    for member in ("EvaluationWindow", "ActionConfiguration"):
        with pytest.raises(ResourceFailure, match=f"The property {member} is not served"):
            alarm.update(**metric | {"Threshold": 1, member: "x"})
    alarm.delete_twice()
    assert alarm.read() is None


def test_a_dashboard(world: World) -> None:
    dashboard = world.resource("AWS::CloudWatch::Dashboard").create(DashboardBody='{"widgets": []}')
    dashboard.again()
    assert dashboard.read() == {"DashboardName": dashboard.id, "DashboardBody": {"widgets": []}}
    widget = {"type": "text", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"markdown": "hello"}}
    dashboard.update_twice(DashboardBody=json.dumps({"widgets": [widget]}))
    assert (dashboard.read() or {})["DashboardBody"] == {"widgets": [widget]}
    dashboard.delete_twice()
    assert dashboard.read() is None
