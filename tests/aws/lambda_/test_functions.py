"""Functions and their versions through boto3; the expectations are what AWS was recorded to answer."""

from __future__ import annotations

import base64
import hashlib
import re
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from tests.aws.lambda_.conftest import ControlPlane

    class Create(Protocol):
        def __call__(
            self, name: str = "hello", *, wait: bool = True, content: str = "", **members: Any
        ) -> dict[str, Any]: ...

    class Package(Protocol):
        def __call__(self, content: str = "", size: int = 0) -> bytes: ...

    class Refused(Protocol):
        def __call__(self, operation: Callable[..., Any], **members: Any) -> dict[str, Any]: ...

    class Settled(Protocol):
        def __call__(self, name: str = "hello") -> None: ...


NAME_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?"
    r"(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
CREATE_NAME_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?"
    r"(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
QUALIFIER_PATTERN = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
IN_PROGRESS = {
    "State": "Active",
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}
PENDING = {
    "State": "Pending",
    "StateReason": "The function is being created.",
    "StateReasonCode": "Creating",
}
SUCCESSFUL = {"State": "Active", "LastUpdateStatus": "Successful"}
CHANGING = {"RevisionId", "LastModified", "RuntimeVersionConfig", "ResponseMetadata"}


def arn(account: str, tail: str = "hello") -> str:
    return f"arn:aws:lambda:us-east-1:{account}:function:{tail}"


def configuration(account: str, package: bytes, **changed: Any) -> dict[str, Any]:
    """What a function made by `create` looks like, without what differs from one to the next."""
    return {
        "Architectures": ["x86_64"],
        "CodeSha256": base64.b64encode(hashlib.sha256(package).digest()).decode(),
        "CodeSize": len(package),
        "Description": "",
        "EphemeralStorage": {"Size": 512},
        "FunctionArn": arn(account),
        "FunctionName": "hello",
        "Handler": "app.handler",
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/hello"},
        "MemorySize": 128,
        "PackageType": "Zip",
        "Role": "arn:aws:iam::000000000000:role/lambda-role",
        "Runtime": "python3.12",
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "Timeout": 3,
        "TracingConfig": {"Mode": "PassThrough"},
        "Version": "$LATEST",
        **changed,
    }


def stable(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in CHANGING}


def status(answer: dict[str, Any]) -> int:
    found: int = answer["ResponseMetadata"]["HTTPStatusCode"]
    return found


def test_the_life_of_a_function(
    client: Any, account: str, create: Create, package: Package, settled: Settled, refused: Refused
) -> None:
    created = create(wait=False, Environment={"Variables": {}}, Timeout=5, MemorySize=256)
    expected = configuration(account, package(), Environment={"Variables": {}}, Timeout=5, MemorySize=256)
    assert status(created) == 201
    assert stable(created) == {**expected, **PENDING}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", created["LastModified"])
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", created["RevisionId"])
    assert re.fullmatch(
        r"arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}",
        created["RuntimeVersionConfig"]["RuntimeVersionArn"],
    )
    settled()
    got = client.get_function(FunctionName="hello")
    assert stable(got["Configuration"]) == {**expected, **SUCCESSFUL}
    assert got.keys() == {"Code", "Configuration", "ResponseMetadata"}
    assert got["Code"]["RepositoryType"] == "S3"

    updated = client.update_function_configuration(
        FunctionName="hello",
        Description="Changed-Description",
        Environment={"Variables": {"ENV_A": "a"}},
        MemorySize=512,
        Runtime="python3.11",
        Timeout=10,
    )
    expected |= {
        "Description": "Changed-Description",
        "Environment": {"Variables": {"ENV_A": "a"}},
        "MemorySize": 512,
        "Runtime": "python3.11",
        "Timeout": 10,
    }
    assert stable(updated) == {**expected, **IN_PROGRESS}
    assert updated["RuntimeVersionConfig"] != created["RuntimeVersionConfig"]
    settled()
    assert stable(client.get_function_configuration(FunctionName="hello")) == {**expected, **SUCCESSFUL}

    other = package("other")
    replaced = client.update_function_code(FunctionName="hello", ZipFile=other)
    expected |= {
        "CodeSha256": base64.b64encode(hashlib.sha256(other).digest()).decode(),
        "CodeSize": len(other),
    }
    assert stable(replaced) == {**expected, **IN_PROGRESS}
    settled()
    got = client.get_function(FunctionName="hello")
    assert stable(got["Configuration"]) == {**expected, **SUCCESSFUL}
    with urllib.request.urlopen(got["Code"]["Location"]) as answer:  # noqa: S310 - the platform's own link
        assert answer.read() == other
    revisions = [answer["RevisionId"] for answer in (created, updated, replaced, got["Configuration"])]
    assert len(set(revisions)) == 4

    deleted = client.delete_function(FunctionName="hello")
    assert status(deleted) == deleted["StatusCode"] == 204
    for operation in (client.get_function, client.delete_function, client.get_function_configuration):
        assert refused(operation, FunctionName="hello") == {
            "code": "ResourceNotFoundException",
            "status": 404,
            "message": f"Function not found: {arn(account)}",
            "type": "User",
        }


def test_members_that_are_set_come_back(
    client: Any, account: str, create: Create, package: Package, settled: Settled
) -> None:
    members: dict[str, Any] = {
        "Description": "what it does",
        "Environment": {"Variables": {"KEY": "välue"}},
        "EphemeralStorage": {"Size": 1024},
        "Architectures": ["arm64"],
        "TracingConfig": {"Mode": "Active"},
        "KMSKeyArn": f"arn:aws:kms:us-east-1:{account}:key/some",
        "DeadLetterConfig": {"TargetArn": f"arn:aws:sqs:us-east-1:{account}:dead"},
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "mine", "ApplicationLogLevel": "WARN"},
    }
    vpc = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    created = create(**members, VpcConfig=vpc)
    expected = configuration(
        account,
        package(),
        **{
            **members,
            "LoggingConfig": {**members["LoggingConfig"], "SystemLogLevel": "INFO"},
            "VpcConfig": {**vpc, "VpcId": "", "Ipv6AllowedForDualStack": False},
        },
    )
    assert stable(created) == {**expected, **PENDING}
    # Recorded: `test_dead_letter_queue`.
    kept = client.update_function_configuration(FunctionName="hello", DeadLetterConfig={})
    assert kept["DeadLetterConfig"] == members["DeadLetterConfig"]
    settled()
    client.update_function_configuration(
        FunctionName="hello",
        KMSKeyArn="",
        DeadLetterConfig={"TargetArn": ""},
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        Environment={},
    )
    settled()
    expected |= {
        "Environment": {"Variables": {}},
        "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False},
    }
    del expected["KMSKeyArn"], expected["DeadLetterConfig"]
    assert stable(client.get_function_configuration(FunctionName="hello")) == {**expected, **SUCCESSFUL}


def test_the_logging_configuration_is_merged(client: Any, create: Create, settled: Settled) -> None:
    create()
    default = "/aws/lambda/hello"
    for change, levels, group in (
        ({"LogFormat": "JSON"}, ("JSON", "INFO", "INFO"), default),
        ({"SystemLogLevel": "DEBUG"}, ("JSON", "INFO", "DEBUG"), default),
        ({"LogGroup": "cool_lambda"}, ("JSON", "INFO", "DEBUG"), "cool_lambda"),
        ({"LogFormat": "Text"}, ("Text", None, None), "cool_lambda"),
    ):
        updated = client.update_function_configuration(FunctionName="hello", LoggingConfig=change)
        settled()
        members = zip(("LogFormat", "ApplicationLogLevel", "SystemLogLevel"), levels, strict=True)
        expected = {name: level for name, level in members if level is not None}
        assert updated["LoggingConfig"] == {**expected, "LogGroup": group}


@pytest.mark.parametrize(
    "runtime", ["java11", "java17", "java21", "java25", "python3.13", "dotnet8", "dotnet10"]
)
def test_snap_start_is_kept(client: Any, create: Create, settled: Settled, runtime: str) -> None:
    assert create(Runtime=runtime)["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}
    updated = client.update_function_configuration(
        FunctionName="hello", SnapStart={"ApplyOn": "PublishedVersions"}
    )
    assert updated["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    settled()
    client.publish_version(FunctionName="hello")
    published = client.get_function_configuration(FunctionName="hello", Qualifier="1")
    assert published["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    latest = client.get_function_configuration(FunctionName="hello")
    assert latest["SnapStart"]["OptimizationStatus"] == "Off"


def test_an_image_cannot_become_the_code_of_a_package(client: Any, create: Create, refused: Refused) -> None:
    # TestLambdaImages::test_lambda_zip_file_to_image/zipfile-to-image-error
    create()
    image = {"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/shop:latest"}
    assert refused(client.update_function_code, FunctionName="hello", **image) == {
        "code": INVALID,
        "status": 400,
        "message": "Please don't provide ImageUri when updating a function with packageType Zip.",
        "type": "User",
    }
    assert refused(client.update_function_code, FunctionName="nobody", **image)["status"] == 404


INVALID = "InvalidParameterValueException"
CONSTRAINT = "ValidationException"


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (
            {"Code": {"ZipFile": b"this is not a zip file"}},
            INVALID,
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        (
            {"Code": {"S3Bucket": "abc", "S3Key": "k"}},
            INVALID,
            "Code from S3 is not available: send the code as ZipFile.",
        ),
        (
            {"Code": {"ImageUri": "x"}},
            INVALID,
            "Please don't provide ImageUri when creating a function with packageType Zip.",
        ),
        (
            {"PackageType": "Image", "Code": {"ImageUri": "x"}},
            INVALID,
            (
                "Please don't provide Handler or Runtime or Layer when the intended function PackageType is "
                "Image."
            ),
        ),
        ({"Code": {}}, INVALID, "Please provide a source for function code."),
        (
            {"Code": {"ZipFile": b"x", "S3Bucket": "abc"}},
            INVALID,
            "Please do not provide other FunctionCode parameters when providing a ZipFile.",
        ),
        (
            {"Runtime": "python3.7"},
            INVALID,
            (
                "The runtime parameter of python3.7 is no longer supported for creating or "
                "updating AWS Lambda functions. "
                "We recommend you use a supported runtime while creating or updating functions."
            ),
        ),
        (
            {"FunctionName": "a" * 65},
            INVALID,
            (
                f"1 validation error detected: Value '{'a' * 65}' at 'functionName' failed to satisfy constraint: "
                "Member must have length less than or equal to 64"
            ),
        ),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x"}}},
            INVALID,
            (
                "Lambda was unable to configure your environment variables because the environment variables you have "
                "provided contains reserved keys that are currently not supported for modification. "
                "Reserved keys used in this request: AWS_REGION"
            ),
        ),
        (
            {"Environment": {"Variables": {"LARGE": "x" * 4085}}},
            INVALID,
            (
                "Lambda was unable to configure your environment variables because the environment variables you have "
                f'provided exceeded the 4KB limit. String measured: {{"LARGE":"{"x" * 4085}"}}'
            ),
        ),
        (
            {"VpcConfig": {"SubnetIds": ["subnet-1"]}},
            INVALID,
            "SecurityGroupIds and SubnetIds must coexist or be both empty list.",
        ),
        (
            {"Tags": {str(number): "" for number in range(51)}},
            INVALID,
            "Number of tags exceeds resource tag limit.",
        ),
        (
            {"MemorySize": 10241},
            CONSTRAINT,
            (
                "1 validation error detected: Value '10241' at 'memorySize' failed to satisfy constraint: "
                "Member must have value less than or equal to 10240"
            ),
        ),
        (
            {"Timeout": 901},
            CONSTRAINT,
            (
                "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: "
                "Member must have value less than or equal to 900"
            ),
        ),
        (
            {"EphemeralStorage": {"Size": 10241}},
            CONSTRAINT,
            (
                "1 validation error detected: Value '10241' at 'ephemeralStorage.size' failed to satisfy constraint: "
                "Member must have value less than or equal to 10240"
            ),
        ),
        (
            {"Role": "r1"},
            CONSTRAINT,
            (
                "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy "
                r"regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
            ),
        ),
    ],
)
def test_create_refuses_what_aws_refuses(
    client: Any, create: Create, refused: Refused, change: dict[str, Any], code: str, message: str
) -> None:
    answer = refused(create, **({"name": change["FunctionName"]} if "FunctionName" in change else change))
    assert answer == {
        "code": code,
        "status": 400,
        "message": message,
        "type": None if code == CONSTRAINT else "User",
    }
    assert client.list_functions()["Functions"] == []


@pytest.mark.parametrize("missing", ["Runtime", "Handler"])
def test_a_package_needs_runtime_and_handler(
    client: Any, package: Package, refused: Refused, missing: str
) -> None:
    members = {
        "FunctionName": "hello",
        "Role": "arn:aws:iam::000000000000:role/lambda-role",
        "Runtime": "python3.12",
        "Handler": "app.handler",
        "Code": {"ZipFile": package()},
    }
    del members[missing]
    answer = refused(client.create_function, **members)
    assert (answer["code"], answer["message"]) == (
        INVALID,
        "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
    )


@pytest.mark.parametrize("runtime", ["non-existent-runtime", "PYTHON3.9"])
def test_an_unknown_runtime_is_answered_with_those_there_are(
    client: Any, create: Create, refused: Refused, runtime: str
) -> None:
    expected = {
        "code": "InvalidParameterValueException",
        "status": 400,
        "message": f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
        "[nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, "
        "python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, "
        "dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2] or be a valid ARN",
        "type": "User",
    }
    assert refused(create, Runtime=runtime) == expected
    create()
    assert refused(client.update_function_configuration, FunctionName="hello", Runtime=runtime) == expected


def test_a_taken_name_is_a_conflict(create: Create, refused: Refused) -> None:
    create()
    assert refused(create) == {
        "code": "ResourceConflictException",
        "status": 409,
        "message": "Function already exist: hello",
        "type": "User",
    }


def test_packages_are_limited_zipped_and_unzipped(
    client: Any, package: Package, refused: Refused, create: Create
) -> None:
    assert refused(create, Code={"ZipFile": package(size=262_144_000)}) == {
        "code": "InvalidParameterValueException",
        "status": 400,
        "message": "Unzipped size must be smaller than 262144000 bytes",
        "type": "User",
    }
    create(content="small")
    for operation, members in (
        (create, {"name": "other", "Code": {"ZipFile": b"\0" * 52_428_801}}),
        (client.update_function_code, {"FunctionName": "hello", "ZipFile": b"\0" * 52_428_801}),
    ):
        assert refused(operation, **members) == {
            "code": "RequestEntityTooLargeException",
            "status": 413,
            "message": "Zipped size must be smaller than 52428800 bytes",
            "type": None,
        }


def test_a_request_that_is_too_large_is_refused_whatever_it_holds(create: Create, refused: Refused) -> None:
    assert refused(create, Code={"ZipFile": b"\0" * 53_000_000}) == {
        "code": "RequestEntityTooLargeException",
        "status": 413,
        "message": "Request must be smaller than 70167211 bytes for the CreateFunction operation",
        "type": None,
    }


def test_what_is_not_supported_is_refused_by_name(client: Any, create: Create, refused: Refused) -> None:
    mount = {"Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0"}
    answer = refused(create, FileSystemConfigs=[{**mount, "LocalMountPath": "/mnt/data"}])
    assert answer["message"] == "FileSystemConfigs is not supported by this platform."
    signing = "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdef0"
    answer = refused(create, CodeSigningConfigArn=signing)
    assert answer["code"] == "CodeSigningConfigNotFoundException"
    assert answer["message"].endswith(f"Check that the provided configuration is not deleted: {signing}.")


def test_functions_are_named_in_every_way(
    client: Any, account: str, create: Create, settled: Settled
) -> None:
    create(arn(account, "by-arn"), wait=False)
    create(f"{account}:function:by-partial-arn", wait=False)
    for name in ("by-arn", "by-partial-arn"):
        settled(name)
        for spelled in (name, arn(account, name), f"{account}:function:{name}", f"function:{name}"):
            got = client.get_function_configuration(FunctionName=spelled)
            assert (got["FunctionName"], got["FunctionArn"]) == (name, arn(account, name))
            qualified = client.get_function_configuration(FunctionName=f"{spelled}:$LATEST")
            assert qualified["FunctionArn"] == f"{arn(account, name)}:$LATEST"
    client.update_function_configuration(FunctionName=arn(account, "by-arn"), Timeout=7)
    settled("by-arn")
    client.update_function_configuration(FunctionName=arn(account, "by-arn:$LATEST"), Timeout=8)
    client.delete_function(FunctionName=arn(account, "by-partial-arn"))


@pytest.mark.parametrize(
    "operation",
    [
        "get_function",
        "get_function_configuration",
        "get_function_code_signing_config",
        "get_function_concurrency",
        "get_function_event_invoke_config",
        "get_function_url_config",
        "delete_function",
    ],
)
def test_other_regions_and_accounts_are_out_of_reach(
    client: Any, account: str, refused: Refused, operation: str
) -> None:
    elsewhere = arn(account).replace("us-east-1", "ap-southeast-1")
    assert refused(getattr(client, operation), FunctionName=elsewhere) == {
        "code": "ResourceNotFoundException",
        "status": 404,
        "message": "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')",
        "type": "User",
    }
    answer = refused(getattr(client, operation), FunctionName=arn("000000000001"))
    assert (answer["code"], answer["status"]) == ("AccessDeniedException", 403)


NOT_A_NAME = [
    "*",
    "my-function!",
    "invalid-account:function:my-function",
    "arn:aws:lambda:invalid-region:{account}:function:my-function",
    "arn:aws:ec2:us-east-1:{account}:instance:i-1234567890abcdef0",
    "arn:aws:lambda:us-east-1:{account}:function:my-function:1:2",
    "function:my-function:$LATEST:extra",
    "arn:aws:lambda::{account}:function:my-function",
    "arn:aws:lambda:us-east-1::function:my-function",
    "arn:aws:lambda:us-east-1:{account}:function:my-function:$LATES",
]


@pytest.mark.parametrize("name", NOT_A_NAME)
def test_what_is_no_name_is_refused_by_pattern(
    client: Any, account: str, create: Create, refused: Refused, name: str
) -> None:
    name = name.format(account=account)
    for operation, members, pattern in (
        (client.get_function, {"FunctionName": name}, NAME_PATTERN),
        (client.delete_function, {"FunctionName": name}, NAME_PATTERN),
        (create, {"name": name}, CREATE_NAME_PATTERN),
    ):
        assert refused(operation, **members) == {
            "code": "ValidationException",
            "status": 400,
            "message": f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {pattern}",
            "type": None,
        }


LONG = "a" * 65


@pytest.mark.parametrize(
    ("name", "qualifier", "get", "delete"),
    [
        (LONG, None, f"Function not found: {{arn}}:{LONG}", f"Function not found: {{arn}}:{LONG}"),
        (
            "my-function",
            LONG,
            f"Function not found: {{arn}}:my-function:{LONG}",
            "Deletion of aliases is not currently supported.",
        ),
        # An ARN that stops short reads as the name `function`.
        (
            "arn:aws:lambda:us-east-1:{account}:function",
            None,
            "Function not found: {arn}:function",
            "Function not found: {arn}:function",
        ),
        (
            "{arn}:my-function:$LATEST",
            "1",
            "The derived qualifier from the function name does not match the specified qualifier.",
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
        (
            "my-function",
            "$latest",
            "Function not found: {arn}:my-function:$latest",
            "Function not found: {arn}:my-function",
        ),
        (
            "{arn}:some-function:$LATEST",
            "$LATEST",
            "Function not found: {arn}:some-function:$LATEST",
            "$LATEST version cannot be deleted without deleting the function.",
        ),
        (
            "my-function",
            "a" * 129,
            (
                f"1 validation error detected: Value '{'a' * 129}' at 'qualifier' failed to satisfy constraint: "
                "Member must have length less than or equal to 128"
            ),
            (
                f"1 validation error detected: Value '{'a' * 129}' at 'qualifier' failed to satisfy constraint: "
                "Member must have length less than or equal to 128"
            ),
        ),
        (
            "my-function",
            "invalid!",
            (
                "1 validation error detected: Value 'invalid!' at 'qualifier' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {QUALIFIER_PATTERN}"
            ),
            (
                "1 validation error detected: Value 'invalid!' at 'qualifier' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {QUALIFIER_PATTERN}"
            ),
        ),
    ],
)
def test_names_and_qualifiers_that_lead_nowhere(
    client: Any, account: str, refused: Refused, name: str, qualifier: str | None, get: str, delete: str
) -> None:
    place = {"account": account, "arn": f"arn:aws:lambda:us-east-1:{account}:function"}
    members = {"FunctionName": name.format(**place)}
    if qualifier is not None:
        members["Qualifier"] = qualifier

    def filled(text: str) -> str:
        return text.replace("{arn}", place["arn"])

    assert refused(client.get_function, **members)["message"] == filled(get)
    assert refused(client.get_function_configuration, **members)["message"] == filled(get)
    assert refused(client.delete_function, **members)["message"] == filled(delete)


def test_versions_that_are_not_there(client: Any, account: str, create: Create, refused: Refused) -> None:
    create()
    for operation in (client.get_function, client.get_function_configuration):
        assert refused(operation, FunctionName="hello", Qualifier="1221") == {
            "code": "ResourceNotFoundException",
            "status": 404,
            "message": f"Function not found: {arn(account)}:1221",
            "type": "User",
        }
    # Deleting one is no error while the function exists.
    assert status(client.delete_function(FunctionName="hello", Qualifier="1221")) == 204
    client.delete_function(FunctionName="hello")
    for members in ({}, {"Qualifier": "1221"}):
        answer = refused(client.delete_function, FunctionName="hello", **members)
        assert answer["message"] == f"Function not found: {arn(account)}"


def test_redundant_updates_are_updates(client: Any, create: Create, settled: Settled) -> None:
    revisions = [create(Description="Initial description")["RevisionId"]]
    for _ in range(2):
        updated = client.update_function_configuration(
            FunctionName="hello", Description="1st update description"
        )
        assert updated["LastUpdateStatus"] == "InProgress"
        settled()
        got = client.get_function_configuration(FunctionName="hello")
        assert got["Description"] == "1st update description"
        revisions += [updated["RevisionId"], got["RevisionId"]]
    assert len(set(revisions)) == 5


def test_while_an_update_is_in_progress_no_other_is_accepted(
    plane: ControlPlane,
    client: Any,
    account: str,
    create: Create,
    package: Package,
    refused: Refused,
    settled: Settled,
) -> None:
    name = f"busy-{account}"
    create(name)
    plane.hold(name)
    try:
        assert (
            client.update_function_code(FunctionName=name, ZipFile=package("2"))["LastUpdateStatus"]
            == "InProgress"
        )
        got = client.get_function(FunctionName=name)["Configuration"]
        assert {key: got[key] for key in IN_PROGRESS} == IN_PROGRESS
        for operation, members in (
            (client.update_function_code, {"ZipFile": package("3")}),
            (client.update_function_configuration, {"Timeout": 9}),
            (client.publish_version, {}),
        ):
            assert refused(operation, FunctionName=name, **members) == {
                "code": "ResourceConflictException",
                "status": 409,
                "message": "The operation cannot be performed at this time. "
                f"An update is in progress for resource: {arn(account, name)}",
                "type": "User",
            }
    finally:
        plane.release(name)
    settled(name)
    client.publish_version(FunctionName=name)


def test_a_function_that_cannot_run_says_so(client: Any, create: Create, settled: Settled) -> None:
    create(wait=False, Environment={"Variables": {"FAIL": "1"}})
    with pytest.raises(Exception, match="Waiter FunctionActiveV2 failed"):
        client.get_waiter("function_active_v2").wait(
            FunctionName="hello", WaiterConfig={"Delay": 0, "MaxAttempts": 2000}
        )
    got = client.get_function_configuration(FunctionName="hello")
    assert (got["State"], got["StateReasonCode"], got["StateReason"]) == (
        "Failed",
        "InvalidRuntime",
        "as the test wants it",
    )
    client.update_function_configuration(FunctionName="hello", Environment={"Variables": {}})
    settled()
    got = client.get_function_configuration(FunctionName="hello")
    assert {key: got[key] for key in SUCCESSFUL} == SUCCESSFUL
    assert "StateReason" not in got


def test_a_revision_id_guards_updates(
    client: Any, create: Create, settled: Settled, package: Package, refused: Refused
) -> None:
    stale = create()["RevisionId"]
    for operation, members in (
        (client.update_function_code, {"ZipFile": package()}),
        (client.update_function_configuration, {"Runtime": "python3.13"}),
        (client.publish_version, {}),
    ):
        assert refused(operation, FunctionName="hello", RevisionId=stale, **members) == {
            "code": "PreconditionFailedException",
            "status": 412,
            "message": "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
            "type": "User",
        }
    current = client.get_function_configuration(FunctionName="hello")["RevisionId"]
    client.update_function_code(FunctionName="hello", ZipFile=package("2"), RevisionId=current)
    settled()
    current = client.get_function_configuration(FunctionName="hello")["RevisionId"]
    published = client.publish_version(FunctionName="hello", RevisionId=current)
    assert published["RevisionId"] != current
    assert client.get_function_configuration(FunctionName="hello")["RevisionId"] != current
    assert (
        client.get_function_configuration(FunctionName="hello", Qualifier="1")["RevisionId"]
        == published["RevisionId"]
    )


def test_the_life_of_versions(
    client: Any, account: str, create: Create, package: Package, settled: Settled
) -> None:
    create(Description="No version :(")

    def expected(version: str, description: str) -> dict[str, Any]:
        return configuration(
            account,
            package(),
            Version=version,
            Description=description,
            FunctionArn=f"{arn(account)}:{version}",
        )

    client.update_function_configuration(FunctionName="hello", Description="First version :)")
    settled()
    first = client.publish_version(FunctionName="hello", Description="First version description :)")
    assert status(first) == 201
    assert stable(first) == {**expected("1", "First version description :)"), **SUCCESSFUL}
    client.update_function_configuration(FunctionName="hello", Description="Second version :))")
    settled()
    got = client.get_function(FunctionName="hello", Qualifier="1")["Configuration"]
    assert {**got, "ResponseMetadata": {}} == {**first, "ResponseMetadata": {}}
    second = client.publish_version(FunctionName="hello")
    assert stable(second) == {**expected("2", "Second version :))"), **SUCCESSFUL}
    third = client.publish_version(FunctionName="hello")
    assert (third["Version"], third["RevisionId"]) == ("2", second["RevisionId"])

    listed = client.list_versions_by_function(FunctionName="hello")["Versions"]
    assert [stable(version) for version in listed] == [
        expected("$LATEST", "Second version :))"),
        expected("1", "First version description :)"),
        expected("2", "Second version :))"),
    ]
    assert all("RuntimeVersionConfig" not in version for version in listed)
    client.delete_function(FunctionName="hello", Qualifier="1")
    listed = client.list_versions_by_function(FunctionName="hello")["Versions"]
    assert [version["Version"] for version in listed] == ["$LATEST", "2"]


def test_publishing_with_create_and_update(
    client: Any, account: str, create: Create, package: Package, settled: Settled
) -> None:
    created = create(wait=False, Publish=True)
    assert stable(created) == {**configuration(account, package(), Version="1"), **PENDING}
    settled()
    unqualified = client.get_function(FunctionName="hello")["Configuration"]
    first = client.get_function(FunctionName="hello", Qualifier="1")["Configuration"]
    latest = client.get_function(FunctionName="hello", Qualifier="$LATEST")["Configuration"]
    assert (unqualified["Version"], unqualified["FunctionArn"]) == ("$LATEST", arn(account))
    assert stable(first) == {
        **configuration(account, package(), Version="1", FunctionArn=f"{arn(account)}:1"),
        **SUCCESSFUL,
    }
    assert latest == {**unqualified, "FunctionArn": f"{arn(account)}:$LATEST"}
    repeated = client.publish_version(FunctionName="hello")
    assert (repeated["Version"], repeated["RevisionId"]) == ("1", first["RevisionId"])
    assert client.get_function_configuration(FunctionName="hello")["RevisionId"] == latest["RevisionId"]

    updated = client.update_function_code(FunctionName="hello", ZipFile=package("2"), Publish=True)
    assert status(updated) == 200
    assert stable(updated) == {
        **configuration(account, package("2"), Version="2", FunctionArn=f"{arn(account)}:2"),
        **PENDING,
    }


def test_publishing_can_be_bound_to_the_code(client: Any, create: Create, refused: Refused) -> None:
    sha = create()["CodeSha256"]
    assert refused(client.publish_version, FunctionName="hello", CodeSha256="somenonexistentsha256") == {
        "code": "InvalidParameterValueException",
        "status": 400,
        "message": f"CodeSHA256 (somenonexistentsha256) is different from current CodeSHA256 in $LATEST ({sha}). "
        "Please try again with the CodeSHA256 in $LATEST.",
        "type": "User",
    }
    assert client.publish_version(FunctionName="hello", CodeSha256=sha)["Version"] == "1"


def test_a_dry_run_changes_nothing(client: Any, create: Create, package: Package, refused: Refused) -> None:
    create()
    before = client.get_function_configuration(FunctionName="hello")
    shown = client.update_function_code(FunctionName="hello", ZipFile=package("2"), DryRun=True)
    assert shown["CodeSize"] == len(package("2"))
    after = client.get_function_configuration(FunctionName="hello")
    assert stable(after) == stable(before)
    assert after["RevisionId"] == before["RevisionId"]
    assert (
        refused(client.update_function_code, FunctionName="hello", ZipFile=b"x", DryRun=True)["status"] == 400
    )


@pytest.mark.parametrize("operation", ["update_function_configuration", "publish_version"])
def test_versions_cannot_be_changed(client: Any, create: Create, refused: Refused, operation: str) -> None:
    create(Publish=True)
    assert refused(getattr(client, operation), FunctionName="hello:1") == {
        "code": "InvalidParameterValueException",
        "status": 400,
        "message": "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
        "operation. Please specify either a function name or an unqualified function ARN.",
        "type": "User",
    }


def test_listings(client: Any, account: str, create: Create, package: Package, refused: Refused) -> None:
    create("hello", content="1", Publish=True)
    create("world", content="2")
    everything = client.list_functions(FunctionVersion="ALL")
    assert [stable(function) for function in everything["Functions"]] == [
        configuration(account, package("1"), FunctionArn=f"{arn(account)}:$LATEST"),
        configuration(account, package("1"), FunctionArn=f"{arn(account)}:1", Version="1"),
        configuration(
            account,
            package("2"),
            FunctionName="world",
            FunctionArn=f"{arn(account, 'world')}:$LATEST",
            LoggingConfig={"LogFormat": "Text", "LogGroup": "/aws/lambda/world"},
        ),
    ]
    assert "NextMarker" not in everything
    plain = client.list_functions()["Functions"]
    assert [function["FunctionArn"] for function in plain] == [arn(account), arn(account, "world")]
    assert all("State" not in function and "RuntimeVersionConfig" not in function for function in plain)
    assert refused(client.list_functions, FunctionVersion="invalid")["message"] == (
        "1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: "
        "Member must satisfy enum value set: [ALL]"
    )


def test_listings_come_in_pages(client: Any, create: Create, refused: Refused) -> None:
    names = sorted(f"f{number}" for number in range(12))
    for name in reversed(names):
        create(name, wait=False)
    first = client.list_functions(MaxItems=5)
    assert [function["FunctionName"] for function in first["Functions"]] == names[:5]
    # A page begins after the last one's end, even when that function is gone.
    client.delete_function(FunctionName=names[4])
    second = client.list_functions(MaxItems=5, Marker=first["NextMarker"])
    assert [function["FunctionName"] for function in second["Functions"]] == names[5:10]
    third = client.list_functions(MaxItems=5, Marker=second["NextMarker"])
    assert [function["FunctionName"] for function in third["Functions"]] == names[10:]
    assert "NextMarker" not in third
    pages = client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    assert [function["FunctionName"] for page in pages for function in page["Functions"]] == names[
        :4
    ] + names[5:]
    assert refused(client.list_functions, Marker="nonsense")["code"] == "InvalidParameterValueException"


def test_versions_come_in_pages(
    client: Any, create: Create, settled: Settled, refused: Refused, account: str
) -> None:
    create(Publish=True)
    for number in range(2, 12):
        client.update_function_configuration(FunctionName="hello", Description=str(number))
        settled()
        client.publish_version(FunctionName="hello")
    pages = list(
        client.get_paginator("list_versions_by_function").paginate(
            FunctionName="hello", PaginationConfig={"PageSize": 5}
        )
    )
    assert [len(page["Versions"]) for page in pages] == [5, 5, 2]
    found = [version["Version"] for page in pages for version in page["Versions"]]
    assert found == ["$LATEST", *(str(number) for number in range(1, 12))]
    assert refused(client.list_versions_by_function, FunctionName="missing")["message"] == (
        f"Function not found: {arn(account, 'missing')}"
    )
