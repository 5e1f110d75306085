"""AWS::Lambda::Function, Version, Alias and Permission against a running platform."""

from __future__ import annotations

import io
import json
import sys
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import Resource, World

ROLE = "arn:aws:iam::000000000000:role/any"
RUNTIME = f"python3.{min(sys.version_info[1], 14)}"
BASE: dict[str, Any] = {"Runtime": RUNTIME, "Handler": "index.handler", "Role": ROLE}

MOUNT = {
    "Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0",
    "LocalMountPath": "/mnt/a",
}


def says(text: str) -> dict[str, str]:
    """Code in the template that answers `text`."""
    return {"ZipFile": f"def handler(event, context):\n    return {text!r}\n"}


def invoke(world: World, name: str, **members: Any) -> Any:
    answer = world.ask("lambda", "Invoke", FunctionName=name, **members)
    return json.loads(answer["Payload"])


def configuration(world: World, name: str, **members: Any) -> dict[str, Any]:
    return world.ask("lambda", "GetFunctionConfiguration", FunctionName=name, **members)


@pytest.fixture
def function(world: World, request: pytest.FixtureRequest) -> Resource:
    """A function that answers "one"."""
    return world.resource("AWS::Lambda::Function", request.node.name[:20]).create(**BASE, Code=says("one"))


def test_a_function(world: World) -> None:
    function = world.resource("AWS::Lambda::Function", "Hello", team="blue")
    function.create(
        **BASE,
        Code=says("one"),
        Environment={"Variables": {"AA": "1"}},
        MemorySize=256,
        Timeout=7,
        Description="greets",
        ReservedConcurrentExecutions=5,
        RecursiveLoop="Allow",
        Tags=[{"Key": "own", "Value": "yes"}],
    )
    function.again()
    function.lost()
    name = function.id
    assert name.startswith("shop-Hello-")
    assert function.attributes == {
        "Arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
        "SnapStartResponse": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "SnapStartResponse.ApplyOn": "None",
        "SnapStartResponse.OptimizationStatus": "Off",
    }
    assert invoke(world, name) == "one"
    found = world.ask("lambda", "GetFunction", FunctionName=name)
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert found["Tags"] == {
        "own": "yes",
        "team": "blue",
        "aws:cloudformation:stack-name": "shop",
        "aws:cloudformation:stack-id": world.stack.id,
        "aws:cloudformation:logical-id": "Hello",
    }
    made = function.made
    assert function.adopt(FunctionName=name).made == made

    function.update_twice(
        **BASE,
        Code=says("two"),
        Environment={"Variables": {"BB": "2"}},
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN"},
        Architectures=["x86_64"],
        SnapStart={"ApplyOn": "None"},
        Tags=[{"Key": "other", "Value": "1"}],
    )
    assert function.drift() == []
    assert invoke(world, name) == "two"
    live = function.read()
    assert live is not None
    assert live["Environment"] == {"Variables": {"BB": "2"}}
    assert (live["MemorySize"], live["Timeout"], live["Description"]) == (128, 3, "")
    assert live["LoggingConfig"]["LogFormat"] == "JSON"
    assert live["LoggingConfig"]["ApplicationLogLevel"] == "WARN"
    assert {"Key": "other", "Value": "1"} in live["Tags"]
    assert {"Key": "own", "Value": "yes"} not in live["Tags"]
    assert "ReservedConcurrentExecutions" not in live
    recursion = world.ask("lambda", "GetFunctionRecursionConfig", FunctionName=name)
    assert recursion["RecursiveLoop"] == "Terminate"

    world.ask("lambda", "TagResource", Resource=function.attributes["Arn"], Tags={"of others": "stays"})
    function.update(**BASE, Code=says("two"), LoggingConfig={"LogFormat": "JSON"})
    live = function.read()
    assert live is not None
    assert live["LoggingConfig"]["ApplicationLogLevel"] == "INFO"
    function.update(**BASE, Code=says("two"))
    live = function.read()
    assert live is not None
    assert {"Key": "of others", "Value": "stays"} in live["Tags"]
    assert "Environment" not in live or live["Environment"] == {"Variables": {}}
    assert live["LoggingConfig"]["LogFormat"] == "Text"
    function.delete_twice()
    assert function.read() is None


def test_new_code_alone_is_there_within_half_a_second(world: World, function: Resource) -> None:
    begin = time.monotonic()
    function.update(**BASE, Code=says("new"))
    assert time.monotonic() - begin < 0.5
    assert invoke(world, function.id) == "new"


def test_code_in_s3(world: World) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", says("from S3")["ZipFile"])
    world.ask("s3", "CreateBucket", Bucket="lambda-code")
    world.ask("s3", "PutObject", Bucket="lambda-code", Key="a.zip", Body=package.getvalue())
    function = world.resource("AWS::Lambda::Function", "Stored")
    function.create(**BASE, Code={"S3Bucket": "lambda-code", "S3Key": "a.zip"})
    assert invoke(world, function.id) == "from S3"
    with pytest.raises(ServiceFailure, match=r"S3 Error Code: NoSuchKey"):
        function.update(**BASE, Code={"S3Bucket": "lambda-code", "S3Key": "b.zip"})
    function.delete_twice()


def test_a_function_of_somebody_else_is_not_taken(world: World, function: Resource) -> None:
    other = world.resource("AWS::Lambda::Function", "Other")
    for again in (False, True):
        with pytest.raises(ServiceFailure, match=f"Function already exist: {function.id}"):
            other.create(**BASE, FunctionName=function.id, MemorySize=512, Code=says("mine"), again=again)
    assert invoke(world, function.id) == "one"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Code": {"ImageUri": "x"}}, "Please don't provide ImageUri when creating a function with packageType Zip."),
        ({"Runtime": "java21"}, "ZipFile can only be used when Runtime is set to either of nodejs or python"),
        ({"Code": {"ZipFile": "#" * 4_194_305}}, "Member must have length less than or equal to 4194304"),
        ({"FileSystemConfigs": [MOUNT]}, "FileSystemConfigs is not supported"),
    ],
)  # fmt: skip
def test_what_cannot_be_made(world: World, members: dict[str, Any], message: str) -> None:
    function = world.resource("AWS::Lambda::Function", "Wrong")
    with pytest.raises((ServiceFailure, ResourceFailure), match=message):
        function.create(**{**BASE, "Code": says("one"), **members})


def test_versions(world: World, function: Resource) -> None:
    version = world.resource("AWS::Lambda::Version", "V1")
    version.create(FunctionName=function.id, Description="first")
    version.again()
    version.lost()
    arn = f"{function.attributes['Arn']}:1"
    assert version.id == arn
    assert version.attributes == {"Version": "1", "FunctionArn": arn}
    assert configuration(world, function.id, Qualifier="1")["State"] == "Active"
    assert version.read() == {"FunctionName": function.id, "Description": "first"}
    made = version.made
    assert version.adopt(FunctionArn=arn).made == made

    second = world.resource("AWS::Lambda::Version", "V2")
    with pytest.raises(ResourceFailure, match=r"A version for this Lambda function exists \( 1 \)\. Modify"):
        second.create(FunctionName=function.id, Description="first")
    function.update(**BASE, Code=says("two"))
    second.create(
        FunctionName=function.id, ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": 1}
    )
    assert second.attributes["Version"] == "2"
    provisioned = world.ask(
        "lambda", "GetProvisionedConcurrencyConfig", FunctionName=function.id, Qualifier="2"
    )
    assert (provisioned["Status"], provisioned["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 1)
    assert invoke(world, function.id, Qualifier="1") == "one"
    for each in (version, second):
        each.delete_twice()
        assert each.read() is None


def test_aliases(world: World, function: Resource) -> None:
    first = world.resource("AWS::Lambda::Version", "V1").create(FunctionName=function.id)
    function.update(**BASE, Code=says("two"))
    second = world.resource("AWS::Lambda::Version", "V2").create(FunctionName=function.id)
    alias = world.resource("AWS::Lambda::Alias", "Live")
    alias.create(FunctionName=function.id, Name="live", FunctionVersion=first.attributes["Version"])
    alias.again()
    alias.lost()
    assert alias.id == f"{function.attributes['Arn']}:live"
    assert alias.attributes == {"AliasArn": alias.id}
    assert invoke(world, function.id, Qualifier="live") == "one"
    made = alias.made
    assert alias.adopt(AliasArn=alias.id).made == made

    shares = {"AdditionalVersionWeights": [{"FunctionVersion": "1", "FunctionWeight": 0.25}]}
    changed = {
        "FunctionName": function.id,
        "Name": "live",
        "FunctionVersion": second.attributes["Version"],
        "Description": "mixed",
        "RoutingConfig": shares,
    }
    alias.update_twice(**changed)
    assert alias.read() == changed
    alias.update(
        FunctionName=function.id,
        Name="live",
        FunctionVersion="2",
        ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": 1},
    )
    assert alias.read() == {
        "FunctionName": function.id,
        "Name": "live",
        "FunctionVersion": "2",
        "Description": "",
        "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1},
    }
    alias.update(FunctionName=function.id, Name="live", FunctionVersion="2")
    assert invoke(world, function.id, Qualifier="live") == "two"
    alias.delete_twice()
    assert alias.read() is None


def test_an_alias_of_somebody_else_is_not_taken(world: World, function: Resource) -> None:
    world.resource("AWS::Lambda::Version", "V1").create(FunctionName=function.id)
    world.ask("lambda", "CreateAlias", FunctionName=function.id, Name="live", FunctionVersion="1")
    alias = world.resource("AWS::Lambda::Alias", "Live")
    for again in (False, True):
        with pytest.raises(ServiceFailure, match="Alias already exists"):
            alias.create(FunctionName=function.id, Name="live", FunctionVersion="$LATEST", again=again)


def test_permissions(world: World, function: Resource) -> None:
    permission = world.resource("AWS::Lambda::Permission", "Allow")
    wanted = {
        "FunctionName": function.attributes["Arn"],
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::pictures",
        "SourceAccount": "000000000000",
    }
    permission.create(**wanted)
    permission.again()
    permission.lost()
    assert permission.id.startswith("shop-Allow-")
    assert permission.attributes == {"Id": permission.id}
    assert permission.read() == wanted
    made = permission.made
    assert permission.adopt(FunctionName=function.id, Id=permission.id).made == made
    url = world.resource("AWS::Lambda::Permission", "Public").create(
        FunctionName=function.id,
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    assert url.read() == url.properties
    permission.delete_twice()
    assert permission.read() is None
    function.delete()
    url.delete_twice()
