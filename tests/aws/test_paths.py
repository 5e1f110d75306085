"""Methods and paths to operations."""

from __future__ import annotations

import functools

import pytest

from lambent.aws.model import load_model
from lambent.aws.parse import decode_query
from lambent.aws.paths import Match, PathRouter


@functools.cache
def _router(service: str) -> PathRouter:
    model = load_model(service)
    return PathRouter(model.operation_models, model.shape_models)


def _match(service: str, method: str, target: str, headers: dict[bytes, bytes] | None = None) -> Match | None:
    path, _, query = target.partition("?")
    return _router(service).match(method, path, decode_query(query.encode()), list((headers or {}).items()))


@pytest.mark.parametrize(
    ("request_line", "operation", "labels"),
    [
        ("GET /2015-03-31/functions", "ListFunctions", {}),
        ("GET /2015-03-31/functions/", "ListFunctions", {}),
        ("POST /2015-03-31/functions", "CreateFunction", {}),
        ("GET /2015-03-31/functions/f", "GetFunction", {"FunctionName": "f"}),
        ("GET /2015-03-31/functions/f/", "GetFunction", {"FunctionName": "f"}),
        ("GET /2015-03-31/functions/a:b", "GetFunction", {"FunctionName": "a:b"}),
        ("GET /2015-03-31/functions/a%3Ab%2Fc", "GetFunction", {"FunctionName": "a:b/c"}),
        ("GET /2015-03-31/functions/functions", "GetFunction", {"FunctionName": "functions"}),
        ("GET /2015-03-31/functions/f/configuration", "GetFunctionConfiguration", {"FunctionName": "f"}),
        ("PUT /2015-03-31/functions/f/code", "UpdateFunctionCode", {"FunctionName": "f"}),
        ("POST /2015-03-31/functions/f/versions", "PublishVersion", {"FunctionName": "f"}),
        ("GET /2018-10-31/layers?find=LayerVersion&Arn=a", "GetLayerVersionByArn", {}),
        ("GET /2018-10-31/layers?Arn=a", "ListLayers", {}),
        ("DELETE /2017-03-31/tags/arn%3Aaws?tagKeys=a", "UntagResource", {"Resource": "arn:aws"}),
        ("DELETE /2017-03-31/tags/arn%3Aaws", "UntagResource", {"Resource": "arn:aws"}),
        ("GET /2016-08-19/account-settings", "GetAccountSettings", {}),
        ("GET /2016-08-19/account-settings/", "GetAccountSettings", {}),
    ],
)
def test_lambda(request_line: str, operation: str, labels: dict[str, str]) -> None:
    method, _, target = request_line.partition(" ")
    assert _match("lambda", method, target) == Match(operation, labels)


@pytest.mark.parametrize(
    "request_line",
    [
        "PATCH /2015-03-31/functions/f",
        "GET /2015-03-31/functions//configuration",
        "GET /2015-03-31/functions/f/nonsense",
        "GET /2015-03-31/functions/f/configuration/more",
        "GET /2015-03-31",
        "GET /",
        "GET //",
        "GET /nonsense",
    ],
)
def test_what_lambda_has_not(request_line: str) -> None:
    method, _, target = request_line.partition(" ")
    assert _match("lambda", method, target) is None


@pytest.mark.parametrize(
    ("request_line", "headers", "operation", "labels"),
    [
        ("GET /", {}, "ListBuckets", {}),
        ("GET /b", {}, "ListObjects", {"Bucket": "b"}),
        ("GET /b?list-type=2", {}, "ListObjectsV2", {"Bucket": "b"}),
        ("GET /b?acl", {}, "GetBucketAcl", {"Bucket": "b"}),
        ("GET /b?notification", {}, "GetBucketNotificationConfiguration", {"Bucket": "b"}),
        ("PUT /b/k", {}, "PutObject", {"Bucket": "b", "Key": "k"}),
        ("PUT /b/k?x-id=PutObject", {}, "PutObject", {"Bucket": "b", "Key": "k"}),
        ("PUT /b/x//y/%20z/", {}, "PutObject", {"Bucket": "b", "Key": "x//y/ z/"}),
        ("PUT /b/k", {b"x-amz-copy-source": b"c"}, "CopyObject", {"Bucket": "b", "Key": "k"}),
        ("PUT /b/k?partNumber=1&uploadId=u", {}, "UploadPart", {"Bucket": "b", "Key": "k"}),
        ("GET /b/k?uploadId=u", {}, "ListParts", {"Bucket": "b", "Key": "k"}),
        ("GET /b/k", {}, "GetObject", {"Bucket": "b", "Key": "k"}),
        ("POST /b?delete", {}, "DeleteObjects", {"Bucket": "b"}),
        ("POST /b/k?uploads", {}, "CreateMultipartUpload", {"Bucket": "b", "Key": "k"}),
        ("PUT /b?lifecycle", {}, "PutBucketLifecycleConfiguration", {"Bucket": "b"}),
    ],
)
def test_s3(request_line: str, headers: dict[bytes, bytes], operation: str, labels: dict[str, str]) -> None:
    method, _, target = request_line.partition(" ")
    assert _match("s3", method, target, headers) == Match(operation, labels)


def test_labels_of_a_known_operation() -> None:
    router = _router("lambda")
    assert router.labels("Invoke", "/2015-03-31/functions/a%3Ab/invocations") == {"FunctionName": "a:b"}
    assert router.labels("Invoke", "/nonsense") == {}
    assert router.labels("Nonsense", "/") == {}


@pytest.mark.parametrize(
    "service", ["lambda", "scheduler", "pipes", "apigateway", "apigatewayv2", "s3", "route53"]
)
def test_every_operation_is_found_by_its_own_uri(service: str) -> None:
    model = load_model(service)
    for name in model.operation_models:
        operation = model.operation(name)
        path, _, query = operation.uri.partition("?")
        filled = "/".join("x" if "{" in segment else segment for segment in path.split("/"))
        members = operation.input.members if operation.input is not None else {}
        required = operation.input.required if operation.input is not None else ()
        extra = [member for member in required if members[member].location == "querystring"]
        query = "&".join([query, *(f"{members[member].wire_name(member)}=1" for member in extra)]).strip("&")
        headers = {
            members[member].wire_name(member).lower().encode(): b"1"
            for member in required
            if members[member].location == "header"
        }
        found = _match(service, operation.method, f"{filled}?{query}", headers)
        assert found is not None, name
        if name == "ListDirectoryBuckets":
            continue  # told from ListBuckets by the host alone
        assert found.operation == name or model.operation_models[name].get("deprecated"), name
