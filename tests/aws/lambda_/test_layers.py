"""Layers and their policies, as AWS answered in the scenarios of TestLambdaLayer."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import random
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NO_RESOURCE = "The resource you requested does not exist."
BELOW_ONE = "Layer Version Cannot be less than 1"

# runtimes0 to runtimes2 of test_layer_compatibilities: deprecated ones are taken.
RUNTIMES = [
    (
        "nodejs24.x nodejs22.x nodejs20.x nodejs18.x nodejs16.x nodejs14.x nodejs12.x python3.14 python3.13 "
        "python3.12 python3.11 python3.10 python3.9 python3.8 python3.7"
    ),
    (
        "java25 java21 java17 java11 java8.al2 java8 dotnet10 dotnet8 dotnet6 dotnetcore3.1 go1.x ruby3.4 "
        "ruby3.3 ruby3.2 ruby2.7"
    ),
    "provided.al2023 provided.al2 provided",
]


@pytest.fixture
def publish(client: Any, package: Callable[..., bytes]) -> Callable[..., dict[str, Any]]:
    """Publishes a version of the layer `numbers`; what PublishLayerVersion answered."""

    def make(content: str = "", **members: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.publish_layer_version(
            **{"LayerName": "numbers", "Content": {"ZipFile": package(content)}, **members}
        )
        return answer

    return make


def other() -> str:
    return f"{random.SystemRandom().randrange(10**11, 10**12)}"


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


# test_layer_lifecycle
def test_lifecycle(client: Any, publish: Any, account: str, package: Callable[..., bytes]) -> None:
    content = package("layer")
    described = {
        "CompatibleRuntimes": ["python3.12"],
        "CompatibleArchitectures": ["x86_64"],
        "Description": "a layer",
        "LicenseInfo": "MIT",
    }
    first = publish("layer", **described)
    assert first["ResponseMetadata"]["HTTPStatusCode"] == 201
    arn = f"arn:aws:lambda:us-east-1:{account}:layer:numbers"
    location = first["Content"].pop("Location")
    created = first.pop("CreatedDate")
    assert without_metadata(first) == {
        **described,
        "Content": {
            "CodeSha256": base64.b64encode(hashlib.sha256(content).digest()).decode(),
            "CodeSize": len(content),
        },
        "LayerArn": arn,
        "LayerVersionArn": f"{arn}:1",
        "Version": 1,
    }
    datetime.datetime.strptime(created, "%Y-%m-%dT%H:%M:%S.%f%z")
    with urllib.request.urlopen(location) as download:  # noqa: S310 - the platform's own link
        assert download.read() == content

    assert publish("layer", **described)["Version"] == 2
    got = client.get_layer_version(LayerName="numbers", VersionNumber=1)
    by_arn = client.get_layer_version_by_arn(Arn=f"{arn}:1")
    for answer in (got, by_arn):
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        answer["Content"].pop("Location")
        assert without_metadata(answer) == {**without_metadata(first), "CreatedDate": created}
    listed = client.list_layer_versions(LayerName="numbers")["LayerVersions"]
    assert [version["Version"] for version in listed] == [2, 1]
    assert listed[1] == {
        **described,
        "CreatedDate": created,
        "LayerVersionArn": f"{arn}:1",
        "Version": 1,
    }
    assert client.list_layers()["Layers"] == [
        {"LayerName": "numbers", "LayerArn": arn, "LatestMatchingVersion": listed[0]}
    ]
    for number in (1, 2):
        answer = client.delete_layer_version(LayerName="numbers", VersionNumber=number)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.list_layer_versions(LayerName="numbers")["LayerVersions"] == []
    assert client.list_layers()["Layers"] == []
    assert publish("layer")["Version"] == 3


# test_layer_lifecycle: the function keeps a layer that is deleted
def test_functions_show_their_layers(
    client: Any, publish: Any, create: Callable[..., Any], settled: Callable[..., None]
) -> None:
    create()
    assert "Layers" not in client.get_function_configuration(FunctionName="hello")
    layer = publish("layer")
    shown = [{"Arn": layer["LayerVersionArn"], "CodeSize": layer["Content"]["CodeSize"]}]
    updated = client.update_function_configuration(FunctionName="hello", Layers=[layer["LayerVersionArn"]])
    assert updated["Layers"] == shown
    assert updated["LastUpdateStatus"] == "InProgress"
    settled()
    client.delete_layer_version(LayerName="numbers", VersionNumber=1)
    assert client.get_function(FunctionName="hello")["Configuration"]["Layers"] == shown
    assert client.list_functions()["Functions"][0]["Layers"] == shown
    assert client.publish_version(FunctionName="hello")["Layers"] == shown
    client.update_function_configuration(FunctionName="hello", Layers=[])
    settled()
    assert "Layers" not in client.get_function_configuration(FunctionName="hello")


def test_members_that_were_not_given_are_not_shown(publish: Any) -> None:
    # test_layer_s3_content
    plain = publish()
    assert plain["Description"] == ""
    assert {"CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"}.isdisjoint(plain)
    # test_layer_exceptions/publish_empty_result
    empty = publish(CompatibleRuntimes=[], CompatibleArchitectures=[])
    assert (empty["CompatibleRuntimes"], empty["CompatibleArchitectures"]) == ([], [])


@pytest.mark.parametrize("runtimes", RUNTIMES)
def test_compatible_runtimes_may_be_deprecated(publish: Any, runtimes: str) -> None:
    answer = publish(CompatibleRuntimes=runtimes.split(), CompatibleArchitectures=["arm64", "x86_64"])
    assert answer["CompatibleRuntimes"] == runtimes.split()
    assert answer["CompatibleArchitectures"] == ["arm64", "x86_64"]


# test_layer_exceptions
@pytest.mark.parametrize(
    ("operation", "members", "expected"),
    [
        (
            "get_layer_version",
            {"LayerName": "no", "VersionNumber": 1},
            ("ResourceNotFoundException", 404, NO_RESOURCE),
        ),
        (
            "get_layer_version",
            {"LayerName": "numbers", "VersionNumber": -1},
            ("InvalidParameterValueException", 400, BELOW_ONE),
        ),
        (
            "get_layer_version",
            {"LayerName": "numbers", "VersionNumber": 0},
            ("InvalidParameterValueException", 400, BELOW_ONE),
        ),
        (
            "get_layer_version",
            {"LayerName": "numbers", "VersionNumber": 2},
            ("ResourceNotFoundException", 404, NO_RESOURCE),
        ),
        (
            "get_layer_version_by_arn",
            {"Arn": "arn:aws:lambda:us-east-1:{account}:layer:numbers:2"},
            ("ResourceNotFoundException", 404, NO_RESOURCE),
        ),
        (
            "get_layer_version_by_arn",
            {"Arn": "arn:aws:lambda:eu-west-1:{account}:layer:numbers:1"},
            ("ResourceNotFoundException", 404, NO_RESOURCE),
        ),
        (
            "get_layer_version_by_arn",
            {"Arn": "arn:aws:lambda:::awslayer:numbers"},
            ("ResourceNotFoundException", 404, NO_RESOURCE),
        ),
        (
            "delete_layer_version",
            {"LayerName": "numbers", "VersionNumber": -1},
            ("InvalidParameterValueException", 400, BELOW_ONE),
        ),
    ],
)
def test_versions_that_are_not_there(
    client: Any,
    publish: Any,
    refused: Callable[..., dict[str, Any]],
    account: str,
    operation: str,
    members: dict[str, Any],
    expected: tuple[str, int, str],
) -> None:
    publish()
    if "Arn" in members:
        members = {"Arn": members["Arn"].format(account=account)}
    answer = refused(getattr(client, operation), **members)
    assert (answer["code"], answer["status"], answer["message"]) == expected
    assert answer["type"] == "User"


def test_what_is_not_there_can_be_deleted_and_listed(client: Any, publish: Any) -> None:
    publish()
    for name, number in (("no", 1), ("numbers", 5), ("numbers", 1), ("numbers", 1)):
        answer = client.delete_layer_version(LayerName=name, VersionNumber=number)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.list_layer_versions(LayerName="no")["LayerVersions"] == []


def test_lists_are_filtered_by_what_is_compatible(client: Any, publish: Any) -> None:
    publish(CompatibleRuntimes=["python3.12"], CompatibleArchitectures=["x86_64"])
    publish(CompatibleRuntimes=["nodejs22.x", "python3.12"], CompatibleArchitectures=["x86_64", "arm64"])
    publish(CompatibleRuntimes=["nodejs22.x"])
    publish()
    publish(LayerName="another", CompatibleRuntimes=["java21"])

    def numbers(**members: str) -> list[int]:
        found = client.list_layer_versions(LayerName="numbers", **members)["LayerVersions"]
        return [version["Version"] for version in found]

    def latest(**members: str) -> dict[str, int]:
        found = client.list_layers(**members)["Layers"]
        return {layer["LayerName"]: layer["LatestMatchingVersion"]["Version"] for layer in found}

    assert numbers() == [4, 3, 2, 1]
    assert numbers(CompatibleRuntime="python3.12") == [2, 1]
    assert numbers(CompatibleRuntime="nodejs22.x") == [3, 2]
    assert numbers(CompatibleArchitecture="arm64") == [2]
    assert numbers(CompatibleRuntime="nodejs22.x", CompatibleArchitecture="x86_64") == [2]
    assert numbers(CompatibleRuntime="ruby3.4") == []
    assert latest() == {"another": 1, "numbers": 4}
    assert latest(CompatibleRuntime="python3.12") == {"numbers": 2}
    assert latest(CompatibleRuntime="java21") == {"another": 1}
    assert latest(CompatibleArchitecture="arm64") == {"numbers": 2}


def test_lists_come_in_pages(client: Any, publish: Any) -> None:
    names = ["a", "b", "c", "d", "e"]
    for name in names:
        publish(LayerName=name)
    for _ in range(4):
        publish(LayerName="a")
    layers = client.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 2})
    assert [[layer["LayerName"] for layer in page["Layers"]] for page in layers] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]
    versions = client.get_paginator("list_layer_versions").paginate(
        LayerName="a", PaginationConfig={"PageSize": 2}
    )
    assert [[one["Version"] for one in page["LayerVersions"]] for page in versions] == [[5, 4], [3, 2], [1]]
    page = client.list_layer_versions(LayerName="a", MaxItems=2)
    client.delete_layer_version(LayerName="a", VersionNumber=4)
    rest = client.list_layer_versions(LayerName="a", Marker=page["NextMarker"])
    assert [one["Version"] for one in rest["LayerVersions"]] == [3, 2, 1]
    assert "NextMarker" not in rest


def test_markers_are_checked(client: Any, publish: Any, refused: Callable[..., dict[str, Any]]) -> None:
    publish()
    for operation, members in (
        (client.list_layers, {}),
        (client.list_layer_versions, {"LayerName": "numbers"}),
    ):
        answer = refused(operation, Marker="wild", **members)
        assert answer["code"] == "InvalidParameterValueException"


# test_layer_policy_lifecycle
def test_policies(client: Any, publish: Any, account: str) -> None:
    publish()
    arn = f"arn:aws:lambda:us-east-1:{account}:layer:numbers:1"

    def add(sid: str, **members: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.add_layer_version_permission(
            **{
                "LayerName": "numbers",
                "VersionNumber": 1,
                "StatementId": sid,
                "Action": "lambda:GetLayerVersion",
                "Principal": "*",
                **members,
            }
        )
        return answer

    def policy() -> tuple[str, dict[str, Any]]:
        answer = client.get_layer_version_policy(LayerName="numbers", VersionNumber=1)
        return answer["RevisionId"], json.loads(answer["Policy"])

    def said(sid: str) -> dict[str, Any]:
        return {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": "*",
            "Action": "lambda:GetLayerVersion",
            "Resource": arn,
        }

    first = add("s1")
    assert first["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert list(json.loads(first["Statement"]).items()) == list(said("s1").items())
    assert policy() == (
        first["RevisionId"],
        {"Version": "2012-10-17", "Id": "default", "Statement": [said("s1")]},
    )
    second = add("s2", RevisionId=first["RevisionId"])
    assert policy()[0] == second["RevisionId"] != first["RevisionId"]
    assert policy()[1]["Statement"] == [said("s1"), said("s2")]
    removed = client.remove_layer_version_permission(
        LayerName="numbers", VersionNumber=1, StatementId="s2", RevisionId=second["RevisionId"]
    )
    assert removed["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert policy()[1]["Statement"] == [said("s1")]
    assert policy()[0] not in (first["RevisionId"], second["RevisionId"])
    # The examples of the developer guide.
    account_statement = json.loads(add("xaccount", Principal="111122223333")["Statement"])
    assert account_statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    organization = json.loads(add("engineering-org", OrganizationId="o-t194hfs8cz")["Statement"])
    assert organization["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-t194hfs8cz"}}


# test_layer_policy_exceptions
def test_refused_permissions(
    client: Any, publish: Any, refused: Callable[..., dict[str, Any]], account: str
) -> None:
    publish()
    statement: dict[str, Any] = {"StatementId": "s1", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    mismatch = (
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the GetLayerPolicy API to retrieve the latest Revision Id"
    )

    def answered(operation: str, name: str = "numbers", version: int = 1, **members: Any) -> tuple[Any, ...]:
        answer = refused(getattr(client, operation), LayerName=name, VersionNumber=version, **members)
        return answer["code"], answer["status"], answer["message"]

    def missing(arn: str) -> tuple[Any, ...]:
        full = f"arn:aws:lambda:us-east-1:{account}:layer:{arn}"
        return "ResourceNotFoundException", 404, f"Layer version {full} does not exist."

    no_policy = "ResourceNotFoundException", 404, "No policy is associated with the given resource."
    assert answered("get_layer_version_policy") == no_policy
    assert answered("remove_layer_version_permission", StatementId="s1") == no_policy
    client.add_layer_version_permission(LayerName="numbers", VersionNumber=1, **statement)
    assert answered("add_layer_version_permission", **statement) == (
        "ResourceConflictException",
        409,
        (
            "The statement id (s1) provided already exists. "
            "Please provide a new statement id, or remove the existing statement."
        ),
    )
    assert answered(
        "add_layer_version_permission", **{**statement, "StatementId": "s2"}, RevisionId="wrong"
    ) == ("PreconditionFailedException", 412, mismatch)
    for name, version in (("no", 1), ("numbers", 2)):
        arn = f"{name}:{version}"
        assert answered("add_layer_version_permission", name, version, **statement) == missing(arn)
        assert answered("get_layer_version_policy", name, version) == missing(arn)
        assert answered("remove_layer_version_permission", name, version, StatementId="s1") == missing(arn)
    assert answered("remove_layer_version_permission", StatementId="doesnotexist") == (
        "ResourceNotFoundException",
        404,
        "Statement doesnotexist is not found in resource policy.",
    )
    assert answered("remove_layer_version_permission", StatementId="s1", RevisionId="wrong") == (
        "PreconditionFailedException",
        412,
        mismatch,
    )
    client.remove_layer_version_permission(LayerName="numbers", VersionNumber=1, StatementId="s1")
    assert answered("get_layer_version_policy") == no_policy


def test_policies_end_at_20_kb(client: Any, publish: Any, refused: Callable[..., dict[str, Any]]) -> None:
    publish()

    def add(number: int) -> dict[str, Any]:
        return {
            "LayerName": "numbers",
            "VersionNumber": 1,
            "StatementId": f"{number:0100}",
            "Action": "lambda:GetLayerVersion",
            "Principal": "*",
            "OrganizationId": f"o-{'a' * 32}",
        }

    room = 20_480 // 350
    for number in range(room):
        client.add_layer_version_permission(**add(number))
    size = len(client.get_layer_version_policy(LayerName="numbers", VersionNumber=1)["Policy"])
    each = len(client.add_layer_version_permission(**add(room))["Statement"]) + 1
    for number in range(room + 1, room + 1 + (20_480 - size - each) // each):
        client.add_layer_version_permission(**add(number))
    answer = refused(client.add_layer_version_permission, **add(999))
    assert (answer["code"], answer["status"]) == ("PolicyLengthExceededException", 400)
    assert answer["message"].endswith("is bigger than the limit (20480).")


def test_layers_of_other_accounts(
    plane: Any,
    client: Any,
    publish: Any,
    refused: Callable[..., dict[str, Any]],
    package: Callable[..., bytes],
) -> None:
    layer = publish()
    publish()
    arn, version_arn = layer["LayerArn"], layer["LayerVersionArn"]
    stranger = other()
    foreign = plane.client(stranger)

    def denied(operation: str, action: str, resource: str, **members: Any) -> None:
        answer = refused(getattr(foreign, operation), **members)
        assert (answer["code"], answer["status"]) == ("AccessDeniedException", 403)
        assert answer["message"] == (
            f"User: arn:aws:iam::{stranger}:root is not authorized to perform: lambda:{action} on resource: "
            f"{resource} because no resource-based policy allows the lambda:{action} action"
        )

    function = {
        "FunctionName": "hello",
        "Runtime": "python3.12",
        "Handler": "app.handler",
        "Role": f"arn:aws:iam::{stranger}:role/r",
        "Code": {"ZipFile": package()},
        "Layers": [version_arn],
    }
    get = "GetLayerVersion"
    denied("get_layer_version", get, version_arn, LayerName=arn, VersionNumber=1)
    denied("get_layer_version_by_arn", get, version_arn, Arn=version_arn)
    # Whether there is such a version is not told.
    denied("get_layer_version_by_arn", get, f"{arn}:9", Arn=f"{arn}:9")
    denied("create_function", get, version_arn, **function)

    client.add_layer_version_permission(
        LayerName=arn,
        VersionNumber=1,
        StatementId="them",
        Action="lambda:GetLayerVersion",
        Principal=stranger,
    )
    assert foreign.get_layer_version(LayerName=arn, VersionNumber=1)["LayerVersionArn"] == version_arn
    assert foreign.get_layer_version_by_arn(Arn=version_arn)["LayerArn"] == arn
    assert foreign.create_function(**function)["Layers"][0]["Arn"] == version_arn
    denied("get_layer_version", get, f"{arn}:2", LayerName=arn, VersionNumber=2)

    # Nothing else can be given to others.
    permission = {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    one = {"LayerName": arn, "VersionNumber": 1}
    denied("list_layer_versions", "ListLayerVersions", arn, LayerName=arn)
    denied("publish_layer_version", "PublishLayerVersion", arn, LayerName=arn, Content={"ZipFile": package()})
    denied("delete_layer_version", "DeleteLayerVersion", version_arn, **one)
    denied("get_layer_version_policy", "GetLayerVersionPolicy", version_arn, **one)
    denied("add_layer_version_permission", "AddLayerVersionPermission", version_arn, **one, **permission)
    denied(
        "remove_layer_version_permission",
        "RemoveLayerVersionPermission",
        version_arn,
        **one,
        StatementId="them",
    )


# test_layer_function_exceptions/create_function_with_layer_in_different_region
def test_layers_of_other_regions(
    plane: Any, account: str, create: Callable[..., Any], refused: Callable[..., dict[str, Any]], package: Any
) -> None:
    elsewhere = plane.client(account, "eu-west-1")
    layer = elsewhere.publish_layer_version(LayerName="far", Content={"ZipFile": package()})
    answer = refused(create, Layers=[layer["LayerVersionArn"]])
    assert answer == {
        "code": "InvalidParameterValueException",
        "status": 400,
        "message": (
            "Layers are not in the same region as the function. "
            "Layers are expected to be in region us-east-1."
        ),
        "type": "User",
    }
    assert plane.client(account).list_layers()["Layers"] == []


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ({"ZipFile": b"no zip"}, "InvalidParameterValueException", "Could not unzip uploaded file."),
        ({"ZipFile": b""}, "InvalidParameterValueException", "Uploaded file must be a non-empty zip"),
        ({}, "InvalidParameterValueException", "Please provide a source for"),
    ],
)
def test_content_that_cannot_be_used(
    client: Any, refused: Callable[..., dict[str, Any]], content: dict[str, bytes], code: str, message: str
) -> None:
    answer = refused(client.publish_layer_version, LayerName="numbers", Content=content)
    assert (answer["code"], answer["status"]) == (code, 400)
    assert message in answer["message"]
    assert client.list_layers()["Layers"] == []


def test_packages_have_a_size(client: Any, refused: Callable[..., dict[str, Any]], package: Any) -> None:
    inflated = package(size=262_144_000)
    answer = refused(client.publish_layer_version, LayerName="numbers", Content={"ZipFile": inflated})
    assert answer["message"] == "Unzipped size must be smaller than 262144000 bytes"


def test_more_runtimes_than_fifteen_are_too_many(client: Any, publish: Any, refused: Any) -> None:
    answer = refused(publish, CompatibleRuntimes=[*RUNTIMES[0].split(), "java21"])
    assert answer["code"] == "ValidationException"
    assert (
        "at 'compatibleRuntimes' failed to satisfy constraint: Member must have length less than or equal to 15"
        in (answer["message"])
    )


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:lambda:us-east-1:000000000000:layer:a",
        "arn:aws:lambda:us-east-1:000000000000:layer:a:b",
        "arn:aws:lambda:us-east-1:0:layer:a:1",
        "arn:aws:s3:::bucket",
        "a:1",
        "arn:aws:lambda:us-east-1:000000000000:layer:../../etc:1",
    ],
)
def test_wild_arns(client: Any, create: Callable[..., Any], refused: Any, arn: str) -> None:
    answer = refused(create, Layers=[arn])
    assert (answer["code"], answer["status"]) == ("ValidationException", 400)
    assert f"Value '[{arn}]' at 'layers' failed to satisfy constraint" in answer["message"]


# TestLambdaAccountSettings::test_account_settings_total_code_size
def test_layers_count_as_code(client: Any, publish: Any) -> None:
    def used() -> int:
        return int(client.get_account_settings()["AccountUsage"]["TotalCodeSize"])

    first = publish("one")["Content"]["CodeSize"]
    assert used() == first
    second = publish("two")["Content"]["CodeSize"]
    assert used() == first + second
    client.delete_layer_version(LayerName="numbers", VersionNumber=1)
    assert used() == second
