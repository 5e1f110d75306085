"""What belongs to functions: URLs, settings of async invocations, mappings, layers, policies, code signing."""

from __future__ import annotations

import io
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ReplacementNeeded, ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import Resource, World

ROLE = "arn:aws:iam::000000000000:role/any"
RUNTIME = f"python3.{min(sys.version_info[1], 14)}"
PUBLISHER = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/profile/abcdefgh"


@pytest.fixture(scope="module")
def function(world: World) -> Resource:
    """A function of the stack's."""
    return world.resource("AWS::Lambda::Function", "Shared").create(
        Runtime=RUNTIME, Handler="index.handler", Role=ROLE, Code={"ZipFile": "def handler(e, c): return 1"}
    )


def queue(world: World, name: str) -> str:
    world.ask("sqs", "CreateQueue", QueueName=name)
    return f"arn:aws:sqs:us-east-1:000000000000:{name}"


def adopted(resource: Resource, **identifier: str) -> None:
    """Taken by its identifier, it is what its creation has said."""
    made = resource.made
    assert resource.adopt(**identifier).made == made


def gone(resource: Resource) -> None:
    resource.delete_twice()
    assert resource.read() is None


def test_urls(world: World, function: Resource) -> None:
    url = world.resource("AWS::Lambda::Url", "Address")
    wanted: dict[str, Any] = {
        "TargetFunctionArn": function.id,
        "AuthType": "NONE",
        "Cors": {"AllowOrigins": ["*"]},
    }
    url.create(**wanted)
    url.again()
    url.lost()
    assert url.id == function.attributes["Arn"]
    assert url.attributes["FunctionArn"] == url.id
    assert ".lambda-url.us-east-1." in url.attributes["FunctionUrl"]
    assert url.read() == {**wanted, "InvokeMode": "BUFFERED"}
    adopted(url, FunctionArn=url.id)
    other = world.resource("AWS::Lambda::Url", "Other")
    for again in (False, True):
        with pytest.raises(ServiceFailure, match="FunctionUrlConfig exists for this Lambda function"):
            other.create(TargetFunctionArn=function.id, AuthType="AWS_IAM", again=again)
    url.update_twice(TargetFunctionArn=function.id, AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM")
    assert url.read() == url.properties
    url.update(TargetFunctionArn=function.id, AuthType="AWS_IAM")
    assert url.read() == {**url.properties, "InvokeMode": "BUFFERED"}
    gone(url)


def test_event_invoke_configs(world: World, function: Resource) -> None:
    config = world.resource("AWS::Lambda::EventInvokeConfig", "Async")
    failed = queue(world, "lambda-failed")
    wanted: dict[str, Any] = {
        "FunctionName": function.id,
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": failed}},
    }
    config.create(**wanted)
    config.again()
    config.lost()
    assert config.id == f"{function.id}|$LATEST"
    assert config.read() == wanted
    adopted(config, FunctionName=function.id, Qualifier="$LATEST")
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::Lambda::EventInvokeConfig", "Other").create(**wanted)
    changed = {"FunctionName": function.id, "Qualifier": "$LATEST", "MaximumEventAgeInSeconds": 60}
    config.update_twice(**changed)
    assert config.read() == changed
    gone(config)


def test_event_source_mappings(world: World, function: Resource) -> None:
    source = queue(world, "lambda-orders")
    mapping = world.resource("AWS::Lambda::EventSourceMapping", "Orders", team="blue")
    wanted: dict[str, Any] = {
        "FunctionName": function.id,
        "EventSourceArn": source,
        "BatchSize": 3,
        "MaximumBatchingWindowInSeconds": 5,
        "FilterCriteria": {"Filters": [{"Pattern": '{"body": ["a"]}'}]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 4},
    }
    mapping.create(**wanted)
    mapping.again()
    mapping.lost()
    arn = f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{mapping.id}"
    assert mapping.attributes == {"Id": mapping.id, "EventSourceMappingArn": arn}
    live = mapping.read()
    assert live is not None
    assert {"Key": "team", "Value": "blue"} in live.pop("Tags")
    assert live == {**wanted, "Enabled": True}
    adopted(mapping, Id=mapping.id)
    with pytest.raises(ServiceFailure, match="already exist"):
        world.resource("AWS::Lambda::EventSourceMapping", "Other").create(again=True, **wanted)

    mapping.update_twice(FunctionName=function.id, EventSourceArn=source, Enabled=False)
    found = world.ask("lambda", "GetEventSourceMapping", UUID=mapping.id)
    assert (found["State"], found["BatchSize"], found["MaximumBatchingWindowInSeconds"]) == (
        "Disabled",
        10,
        0,
    )
    assert not {"FilterCriteria", "ScalingConfig"} & found.keys()
    live = mapping.read()
    assert live is not None
    assert (live["Enabled"], live["FunctionResponseTypes"]) == (False, [])
    with pytest.raises(ReplacementNeeded):
        mapping.update(FunctionName=function.id, EventSourceArn=source, Topics=["other"])
    mapping.update(FunctionName=function.id, EventSourceArn=source)
    assert world.ask("lambda", "GetEventSourceMapping", UUID=mapping.id)["State"] == "Enabled"
    gone(mapping)


def test_layers(world: World) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("python/shared.py", "A = 1\n")
    world.ask("s3", "CreateBucket", Bucket="lambda-layers")
    world.ask("s3", "PutObject", Bucket="lambda-layers", Key="a.zip", Body=package.getvalue())
    content = {"S3Bucket": "lambda-layers", "S3Key": "a.zip"}
    layer = world.resource("AWS::Lambda::LayerVersion", "Deps")
    layer.create(LayerName="deps", Content=content, CompatibleRuntimes=[RUNTIME], Description="first")
    layer.again()
    assert layer.id == "arn:aws:lambda:us-east-1:000000000000:layer:deps:1"
    assert layer.attributes == {"LayerVersionArn": layer.id}
    assert layer.read() == {
        "LayerName": "deps",
        "CompatibleRuntimes": [RUNTIME],
        "Description": "first",
    }
    adopted(layer, LayerVersionArn=layer.id)
    named = world.resource("AWS::Lambda::LayerVersion", "Unnamed").create(Content=content)
    assert ":layer:shop-Unnamed-" in named.id

    allowed = world.resource("AWS::Lambda::LayerVersionPermission", "Everybody")
    wanted: dict[str, Any] = {
        "LayerVersionArn": layer.id,
        "Action": "lambda:GetLayerVersion",
        "Principal": "123456789012",
    }
    allowed.create(**wanted)
    allowed.again()
    allowed.lost()
    assert allowed.id.startswith(f"{layer.id}#shop-Everybody-")
    assert allowed.read() == wanted
    adopted(allowed, Id=allowed.id)
    organization = world.resource("AWS::Lambda::LayerVersionPermission", "Organization")
    organization.create(**wanted | {"Principal": "*", "OrganizationId": "o-abcdefghij"})
    assert organization.read() == organization.properties
    gone(organization)
    gone(allowed)
    gone(layer)
    allowed.delete()


def test_resource_policies(world: World) -> None:
    own = world.resource("AWS::Lambda::Function", "Policed").create(
        Runtime=RUNTIME, Handler="index.handler", Role=ROLE, Code={"ZipFile": "def handler(e, c): return 1"}
    )
    arn = own.attributes["Arn"]
    statement: dict[str, Any] = {
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn,
    }
    wanted = {"ResourceArn": arn, "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    policy = world.resource("AWS::Lambda::ResourcePolicy", "Policy")
    policy.create(**wanted)
    policy.again()
    policy.lost()
    assert policy.id == arn
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::Lambda::ResourcePolicy", "Other").create(**wanted)
    adopted(policy, ResourceArn=arn)
    other = {"Version": "2012-10-17", "Statement": [{**statement, "Sid": "two"}]}
    policy.update_twice(ResourceArn=arn, PolicyDocument=other)
    live = policy.read()
    assert live is not None
    assert [each["Sid"] for each in live["PolicyDocument"]["Statement"]] == ["two"]
    gone(policy)


def test_code_signing(world: World) -> None:
    config = world.resource("AWS::Lambda::CodeSigningConfig", "Signed", team="blue")
    publishers = {"SigningProfileVersionArns": [PUBLISHER]}
    config.create(
        AllowedPublishers=publishers, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"}
    )
    config.again()
    config.lost()
    assert config.id == config.attributes["CodeSigningConfigArn"]
    assert config.attributes["CodeSigningConfigId"].startswith("csc-")
    adopted(config, CodeSigningConfigArn=config.id)
    config.update_twice(AllowedPublishers=publishers, Description="mine", Tags=[{"Key": "own", "Value": "1"}])
    live = config.read()
    assert live is not None
    assert live["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    assert (live["AllowedPublishers"], live["Description"]) == (publishers, "mine")
    assert {"Key": "own", "Value": "1"} in live["Tags"]
    gone(config)
