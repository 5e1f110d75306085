"""Models read from botocore's files, against botocore's own reading of them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import botocore
import pytest

from lambent.aws.errors import ModelError
from lambent.aws.model import ServiceModel, known_service, load_model, snake_case


@pytest.mark.parametrize(
    "service", ["lambda", "logs", "sqs", "sns", "s3", "dynamodb", "events", "iam", "scheduler"]
)
def test_methods_are_named_as_in_botocores_clients(service: str) -> None:
    for name in load_model(service).operation_models:
        if "PartiQL" not in name:
            assert snake_case(name) == botocore.xform_name(name)


@pytest.mark.parametrize("service", ["lambda", "sqs", "s3", "iam", "dynamodb"])
def test_the_same_as_botocore_reads(wire: Any, service: str) -> None:
    ours, theirs = load_model(service), wire(service).model
    assert (ours.signing_name, ours.api_version) == (theirs.signing_name, theirs.api_version)
    assert ours.target_prefix == theirs.metadata.get("targetPrefix")
    assert sorted(ours.operation_models) == theirs.operation_names or sorted(theirs.operation_names)
    for name in theirs.operation_names:
        operation, model = ours.operation(name), theirs.operation_model(name)
        assert (operation.method, operation.uri) == (model.http["method"], model.http["requestUri"])
        for shape, known in ((operation.input, model.input_shape), (operation.output, model.output_shape)):
            if known is None:
                assert shape is None
                continue
            assert shape is not None
            assert list(shape.members) == list(known.members)
            assert list(shape.required) == list(known.required_members)
            for member, described in known.members.items():
                assert shape.members[member].type == described.type_name
                assert shape.members[member].location == described.serialization.get("location")
                assert shape.members[member].wire_name(member) == described.serialization.get("name", member)


def test_references_without_traits_share_one_shape() -> None:
    model = load_model("lambda")
    assert model.shape({"shape": "Runtime"}) is model.shape({"shape": "Runtime"})
    labelled = {"shape": "Runtime", "location": "uri"}
    assert model.shape(labelled) is model.shape(dict(labelled))
    assert model.shape(labelled) is not model.shape({"shape": "Runtime"})


def test_errors_by_shape_name_and_by_wire_code() -> None:
    error = load_model("iam").error("NoSuchEntity")
    assert error is not None
    assert error is load_model("iam").error("NoSuchEntityException")
    assert (error.name, error.code, error.status) == ("NoSuchEntityException", "NoSuchEntity", 404)
    assert load_model("iam").error("Nonsense") is None
    throttled = load_model("lambda").error("TooManyRequestsException")
    assert throttled is not None
    assert (throttled.status, throttled.sender_fault, throttled.message_member) == (429, True, "message")


def test_documentation_is_dropped() -> None:
    model = load_model("lambda")
    assert "documentation" not in model.operation_models["Invoke"]
    assert "documentation" not in model.shape_models["CreateFunctionRequest"]
    assert "documentation" not in model.shape_models["CreateFunctionRequest"]["members"]["Runtime"]


def test_what_is_not_there() -> None:
    with pytest.raises(ModelError, match="botocore has no service nonsense"):
        load_model("nonsense")
    with pytest.raises(ModelError, match="lambda has no operation Nonsense"):
        load_model("lambda").operation("Nonsense")
    for name in ("../lambda", "", ".", "lambda/2015-03-31", "λ"):
        assert not known_service(name)


def test_botocore_itself_is_not_imported() -> None:
    code = (
        "import sys, lambent.aws.dispatcher; from lambent.aws.model import load_model; load_model('lambda'); "
        "sys.exit('botocore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_of_nothing() -> None:
    metadata = {"protocol": "json", "apiVersion": "", "endpointPrefix": "x"}
    model = ServiceModel("x", {"metadata": metadata, "operations": {}, "shapes": {}})
    assert (model.signing_name, model.json_version, model.query_compatible) == ("x", "1.0", False)
