"""Code signing configurations, as AWS answered in the scenarios of TestCodeSigningConfig."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PROFILE = "arn:aws:signer:us-east-1:111111111111:/signing-profiles/test"
PUBLISHERS = {"SigningProfileVersionArns": [PROFILE]}


def deleted(arn: str) -> dict[str, Any]:
    return {
        "code": "CodeSigningConfigNotFoundException",
        "status": 404,
        "message": (
            "The code signing configuration cannot be found. "
            f"Check that the provided configuration is not deleted: {arn}."
        ),
        "type": "User",
    }


def not_found(arn: str) -> dict[str, Any]:
    return {
        "code": "ResourceNotFoundException",
        "status": 404,
        "message": f"The Lambda code signing configuration {arn} can not be found.",
        "type": None,
    }


def unsigned(name: str) -> dict[str, Any]:
    return {
        "code": "CodeVerificationFailedException",
        "status": 400,
        "message": (
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that the "
            f"client is not configured to accept. Check the provided signature for {name}."
        ),
        "type": "User",
    }


@pytest.fixture
def config(client: Any) -> Callable[..., str]:
    """Creates a configuration; its ARN."""

    def make(policy: str = "Enforce", **members: Any) -> str:
        answer = client.create_code_signing_config(
            AllowedPublishers=PUBLISHERS,
            CodeSigningPolicies={"UntrustedArtifactOnDeployment": policy},
            **members,
        )
        return str(answer["CodeSigningConfig"]["CodeSigningConfigArn"])

    return make


# test_function_code_signing_config
def test_lifecycle(client: Any, create: Callable[..., Any], account: str) -> None:
    function = create()
    created = client.create_code_signing_config(
        Description="Testing CodeSigning Config",
        AllowedPublishers=PUBLISHERS,
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
    )
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    shown = created["CodeSigningConfig"]
    name, arn = shown["CodeSigningConfigId"], shown["CodeSigningConfigArn"]
    assert re.fullmatch("csc-[a-z0-9]{17}", name)
    assert arn == f"arn:aws:lambda:us-east-1:{account}:code-signing-config:{name}"
    assert {member: shown[member] for member in shown if member != "LastModified"} == {
        "AllowedPublishers": PUBLISHERS,
        "CodeSigningConfigArn": arn,
        "CodeSigningConfigId": name,
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"},
        "Description": "Testing CodeSigning Config",
    }
    updated = client.update_code_signing_config(
        CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"}
    )["CodeSigningConfig"]
    assert updated == {
        **shown,
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
        "LastModified": updated["LastModified"],
    }
    assert client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"] == updated
    bound = {"CodeSigningConfigArn": arn, "FunctionName": "hello"}
    put = client.put_function_code_signing_config(**bound)
    got = client.get_function_code_signing_config(FunctionName="hello")
    for answer in (put, got):
        assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
        assert answer == bound
    assert client.list_code_signing_configs()["CodeSigningConfigs"] == [updated]
    functions = client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)
    assert functions["FunctionArns"] == [function["FunctionArn"]]

    freed = client.delete_function_code_signing_config(FunctionName="hello")
    assert freed["ResponseMetadata"]["HTTPStatusCode"] == 204
    gone = client.delete_code_signing_config(CodeSigningConfigArn=arn)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.list_code_signing_configs()["CodeSigningConfigs"] == []


# test_code_signing_not_found_excs
def test_what_is_not_found(
    client: Any, create: Callable[..., Any], config: Callable[..., str], refused: Any, account: str
) -> None:
    create()
    arn = config()
    wrong = f"arn:aws:lambda:us-east-1:{account}:code-signing-config:csc-01234567890123456"
    assert refused(client.delete_code_signing_config, CodeSigningConfigArn=wrong) == not_found(wrong)
    nothing = client.delete_function_code_signing_config(FunctionName="hello")
    assert nothing["ResponseMetadata"]["HTTPStatusCode"] == 204
    no_function = {
        "code": "ResourceNotFoundException",
        "status": 404,
        "message": f"Function not found: arn:aws:lambda:us-east-1:{account}:function:csc-test-doesnotexist",
        "type": "User",
    }
    missing = "csc-test-doesnotexist"
    put = client.put_function_code_signing_config
    assert refused(client.delete_function_code_signing_config, FunctionName=missing) == no_function
    assert refused(put, FunctionName=missing, CodeSigningConfigArn=arn) == no_function
    assert refused(put, FunctionName="hello", CodeSigningConfigArn=wrong) == deleted(wrong)
    assert refused(put, FunctionName=missing, CodeSigningConfigArn=wrong) == deleted(wrong)
    update = client.update_code_signing_config
    assert refused(update, CodeSigningConfigArn=wrong, Description="new") == not_found(wrong)
    assert refused(update, CodeSigningConfigArn=wrong) == not_found(wrong)
    assert update(CodeSigningConfigArn=arn)["CodeSigningConfig"]["Description"] == ""
    assert refused(client.get_code_signing_config, CodeSigningConfigArn=wrong) == not_found(wrong)
    answer = client.get_function_code_signing_config(FunctionName="hello")
    assert list(answer) == ["ResponseMetadata"]
    assert refused(client.get_function_code_signing_config, FunctionName=missing) == no_function
    functions = client.list_functions_by_code_signing_config
    assert functions(CodeSigningConfigArn=arn)["FunctionArns"] == []
    assert refused(functions, CodeSigningConfigArn=wrong) == not_found(wrong)


def test_without_a_policy_untrusted_code_is_let_pass(
    client: Any, create: Callable[..., Any], settled: Callable[..., None], package: Callable[..., bytes]
) -> None:
    made = client.create_code_signing_config(AllowedPublishers=PUBLISHERS)["CodeSigningConfig"]
    assert made["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    arn = made["CodeSigningConfigArn"]
    create(CodeSigningConfigArn=arn)
    assert client.get_function_code_signing_config(FunctionName="hello")["CodeSigningConfigArn"] == arn
    client.update_function_code(FunctionName="hello", ZipFile=package("new"))
    settled()


def test_enforced_signatures(
    client: Any,
    create: Callable[..., Any],
    config: Callable[..., str],
    refused: Any,
    settled: Callable[..., None],
    package: Callable[..., bytes],
) -> None:
    arn = config()
    assert refused(create, CodeSigningConfigArn=arn) == unsigned("hello")
    assert client.list_functions()["Functions"] == []
    function = create()
    client.put_function_code_signing_config(FunctionName="hello", CodeSigningConfigArn=arn)
    for members in ({}, {"DryRun": True}, {"Publish": True}):
        answer = refused(client.update_function_code, FunctionName="hello", ZipFile=package("new"), **members)
        assert answer == unsigned(function["FunctionArn"])
    layer = client.publish_layer_version(LayerName="layer", Content={"ZipFile": package()})
    layers = [layer["LayerVersionArn"]]
    answer = refused(client.update_function_configuration, FunctionName="hello", Layers=layers)
    assert answer == unsigned(function["FunctionArn"])
    # What is there goes on, and can be configured.
    client.update_function_configuration(FunctionName="hello", Timeout=5)
    settled()
    assert client.publish_version(FunctionName="hello")["Version"] == "1"
    client.update_code_signing_config(
        CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"}
    )
    client.update_function_code(FunctionName="hello", ZipFile=package("new"))
    settled()
    client.update_function_configuration(FunctionName="hello", Layers=layers)


def test_a_new_function_needs_a_configuration_that_is_there(
    plane: Any, client: Any, create: Callable[..., Any], refused: Any, account: str
) -> None:
    wrong = f"arn:aws:lambda:us-east-1:{account}:code-signing-config:csc-01234567890123456"
    assert refused(create, CodeSigningConfigArn=wrong) == deleted(wrong)
    elsewhere = plane.client(account, "eu-west-1").create_code_signing_config(AllowedPublishers=PUBLISHERS)
    far = elsewhere["CodeSigningConfig"]["CodeSigningConfigArn"]
    assert refused(create, CodeSigningConfigArn=far) == deleted(far)
    assert refused(client.get_code_signing_config, CodeSigningConfigArn=far) == not_found(far)


def test_a_configuration_in_use_cannot_be_deleted(
    client: Any, create: Callable[..., Any], config: Callable[..., str], refused: Any
) -> None:
    arn, other = config("Warn"), config("Warn")
    create(CodeSigningConfigArn=arn)
    answer = refused(client.delete_code_signing_config, CodeSigningConfigArn=arn)
    assert (answer["code"], answer["status"]) == ("ResourceConflictException", 409)
    client.put_function_code_signing_config(FunctionName="hello", CodeSigningConfigArn=other)
    client.delete_code_signing_config(CodeSigningConfigArn=arn)
    client.delete_function(FunctionName="hello")
    client.delete_code_signing_config(CodeSigningConfigArn=other)


def test_lists_come_in_pages(client: Any, create: Callable[..., Any], config: Callable[..., str]) -> None:
    arns = sorted(config("Warn") for _ in range(5))
    pages = client.get_paginator("list_code_signing_configs").paginate(PaginationConfig={"PageSize": 2})
    found = [[one["CodeSigningConfigArn"] for one in page["CodeSigningConfigs"]] for page in pages]
    assert found == [arns[:2], arns[2:4], arns[4:]]
    functions = [create(name, CodeSigningConfigArn=arns[0])["FunctionArn"] for name in ("a", "b", "c")]
    create("d", CodeSigningConfigArn=arns[1])
    create("e")
    paginator = client.get_paginator("list_functions_by_code_signing_config")
    bound = paginator.paginate(CodeSigningConfigArn=arns[0], PaginationConfig={"PageSize": 2})
    assert [page["FunctionArns"] for page in bound] == [functions[:2], functions[2:]]


@pytest.mark.parametrize(
    ("operation", "members", "place"),
    [
        ("create_code_signing_config", {"AllowedPublishers": {"SigningProfileVersionArns": ["x"]}}, "'[x]'"),
        (
            "create_code_signing_config",
            {
                "AllowedPublishers": PUBLISHERS,
                "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Ignore"},
            },
            "codeSigningPolicies.untrustedArtifactOnDeployment",
        ),
        ("get_code_signing_config", {"CodeSigningConfigArn": "csc-0"}, "codeSigningConfigArn"),
    ],
)
def test_wild_members(client: Any, refused: Any, operation: str, members: Any, place: str) -> None:
    answer = refused(getattr(client, operation), **members)
    assert (answer["code"], answer["status"]) == ("ValidationException", 400)
    assert place in answer["message"]


def test_container_images_are_not_signed(client: Any, config: Callable[..., str], refused: Any) -> None:
    image = {
        "FunctionName": "image",
        "PackageType": "Image",
        "Role": "arn:aws:iam::000000000000:role/r",
        "Code": {"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/image:latest"},
    }
    arn = config()
    answers = [refused(client.create_function, **image, CodeSigningConfigArn=arn)]
    client.create_function(**image)
    answers += [
        refused(client.get_function_code_signing_config, FunctionName="image"),
        refused(client.put_function_code_signing_config, FunctionName="image", CodeSigningConfigArn=arn),
        refused(client.delete_function_code_signing_config, FunctionName="image"),
    ]
    for answer in answers:
        assert answer["code"] == "InvalidParameterValueException"
        assert answer["message"] == (
            "Code signing is not supported for functions created with container images."
        )
