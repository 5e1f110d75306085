"""Functions whose code is a container image, as the control plane shows them: TestLambdaImages of the recordings."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Refused(Protocol):
        def __call__(self, operation: Callable[..., Any], **members: Any) -> dict[str, Any]: ...

    class Settled(Protocol):
        def __call__(self, name: str = "hello") -> None: ...


REPOSITORY = "000000000000.dkr.ecr.us-east-1.amazonaws.com/shop"
ROLE = "arn:aws:iam::000000000000:role/lambda-role"
DIGEST = hashlib.sha256(b"the image").hexdigest()


@pytest.fixture
def create(client: Any, settled: Settled) -> Callable[..., dict[str, Any]]:
    def make(uri: str = f"{REPOSITORY}:latest", **members: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.create_function(
            FunctionName="hello", Role=ROLE, PackageType="Image", Code={"ImageUri": uri}, **members
        )
        settled()
        return answer

    return make


def code_of(client: Any, **members: Any) -> dict[str, Any]:
    code: dict[str, Any] = client.get_function(FunctionName="hello", **members)["Code"]
    return code


def test_an_image_has_neither_runtime_nor_handler(client: Any, create: Callable[..., dict[str, Any]]) -> None:
    created = create(Environment={"Variables": {"CUSTOM_ENV": "test"}})
    assert (created["PackageType"], created["State"]) == ("Image", "Pending")
    for member in ("Runtime", "Handler", "RuntimeVersionConfig", "ImageConfigResponse", "Layers"):
        assert member not in created
    assert created["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}
    found = client.get_function(FunctionName="hello")
    assert found["Configuration"]["State"] == "Active"
    assert found["Code"] == {
        "RepositoryType": "ECR",
        "ImageUri": f"{REPOSITORY}:latest",
        "ResolvedImageUri": f"{REPOSITORY}@sha256:{found['Configuration']['CodeSha256']}",
    }


def test_a_digest_in_the_uri_is_the_images(client: Any, create: Callable[..., dict[str, Any]]) -> None:
    uri = f"localhost:5000/shop@sha256:{DIGEST}"
    assert create(uri)["CodeSha256"] == DIGEST
    assert code_of(client)["ResolvedImageUri"] == uri


def test_versions_keep_their_image(
    client: Any, create: Callable[..., dict[str, Any]], settled: Settled
) -> None:
    create(Publish=True)
    first = code_of(client)
    updated = client.update_function_code(FunctionName="hello", ImageUri=f"{REPOSITORY}:next", Publish=True)
    assert (updated["Version"], updated["PackageType"]) == ("2", "Image")
    settled()
    assert code_of(client)["ImageUri"] == code_of(client, Qualifier="2")["ImageUri"] == f"{REPOSITORY}:next"
    assert code_of(client, Qualifier="1") == first


def test_image_config_is_replaced_as_a_whole(
    client: Any, create: Callable[..., dict[str, Any]], settled: Settled
) -> None:
    config = {"EntryPoint": ["sh"], "Command": ["-c", "echo test"], "WorkingDirectory": "/app1"}
    assert create(ImageConfig=config)["ImageConfigResponse"] == {"ImageConfig": config}
    other = {"Command": ["-c", "echo test1"], "WorkingDirectory": "/app1"}
    updated = client.update_function_configuration(FunctionName="hello", ImageConfig=other)
    assert updated["ImageConfigResponse"] == {"ImageConfig": other}
    settled()
    kept = client.update_function_configuration(FunctionName="hello", Timeout=9)
    assert kept["ImageConfigResponse"] == {"ImageConfig": other}
    settled()
    assert "ImageConfigResponse" not in client.update_function_configuration(
        FunctionName="hello", ImageConfig={}
    )


def test_images_and_packages_do_not_mix(
    client: Any, create: Callable[..., dict[str, Any]], refused: Refused, package: Callable[..., bytes]
) -> None:
    create()
    # test_lambda_image_crud/image-to-zipfile-error
    assert refused(client.update_function_code, FunctionName="hello", ZipFile=package()) == {
        "code": "InvalidParameterValueException",
        "status": 400,
        "message": "Please provide ImageUri when updating a function with packageType Image.",
        "type": "User",
    }
    for members, message in (
        (
            {"PackageType": "Image", "Code": {"ZipFile": package()}},
            "Please provide ImageUri when creating a function with packageType Image.",
        ),
        (
            {
                "Runtime": "python3.12",
                "Handler": "app.handler",
                "Code": {"ZipFile": package()},
                "ImageConfig": {"Command": ["sh"]},
            },
            "Please don't provide ImageConfig when the intended function PackageType is Zip.",
        ),
    ):
        answer = refused(client.create_function, FunctionName="other", Role=ROLE, **members)
        assert (answer["code"], answer["message"]) == ("InvalidParameterValueException", message)
    answer = refused(client.update_function_configuration, FunctionName="hello", Handler="app.handler")
    assert answer["code"] == "InvalidParameterValueException"
