"""Requests that botocore's client serialiser makes are read back to the very parameters they were made of."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.aws.errors import SerializationError
from lambent.aws.model import ServiceModel, load_model
from lambent.aws.parse import InputParsers, decode_query, split_header_list
from lambent.aws.paths import PathRouter

if TYPE_CHECKING:
    from collections.abc import Callable


def _model(service: str, protocol: str) -> ServiceModel:
    return load_model(service, "query") if protocol == "query" else load_model(service)


_PARSERS = functools.cache(lambda service, protocol: InputParsers(_model(service, protocol), protocol))


@functools.cache
def _paths(service: str) -> PathRouter:
    model = load_model(service)
    return PathRouter(model.operation_models, model.shape_models)


def _read(service: str, protocol: str, operation: str, request: Any) -> dict[str, Any]:
    url = urlsplit(request.url)
    headers = [
        (name.lower().encode(), value if isinstance(value, bytes) else str(value).encode("latin-1"))
        for name, value in request.headers.items()
    ]
    body = request.body or b""
    query = decode_query(url.query.encode())
    labels: Any = {}
    if protocol.startswith("rest-"):
        match = _paths(service).match(request.method, url.path, query, headers)
        assert match is not None
        assert match.operation == operation
        labels = match.labels
    parse = _PARSERS(service, protocol).parser(_model(service, protocol).operation(operation))
    return parse(labels, query, headers, body.encode() if isinstance(body, str) else body)


def _check(
    wire: Callable[..., Any], service: str, protocol: str, operation: str, strategy: Any, data: st.DataObject
) -> None:
    client = wire(service, protocol)
    shape = client.model.operation_model(operation).input_shape
    parameters = data.draw(strategy.structure(shape)) if shape is not None else {}
    read = _read(service, protocol, operation, client.request(operation, parameters))
    if shape is not None:
        payload = shape.serialization.get("payload")
        if payload and payload not in parameters and shape.members[payload].type_name == "structure":
            # botocore sends an object that is not there as an empty one.
            assert read.pop(payload, {}) == {}
        if "ContentLength" not in parameters:
            # Members that stand for HTTP's own headers are there whether set or not.
            read.pop("ContentLength", None)
    assert read == parameters


@pytest.mark.parametrize("operation", sorted(load_model("lambda").operation_models))
@given(data=st.data())
def test_every_lambda_operation(wire: Any, drawn: Any, operation: str, data: st.DataObject) -> None:
    _check(wire, "lambda", "rest-json", operation, drawn(), data)


# Each of these has a trait of the JSON and REST protocols that Lambda's own model lacks.
_JSON_SAMPLES = [
    ("logs", "json", ["CreateLogGroup", "PutLogEvents", "FilterLogEvents", "PutMetricFilter", "StartQuery"]),
    (
        "sqs",
        "json",
        ["SendMessage", "SendMessageBatch", "ReceiveMessage", "CreateQueue", "SetQueueAttributes"],
    ),
    ("dynamodb", "json", ["PutItem", "Query", "BatchWriteItem", "TransactWriteItems", "UpdateTable"]),
    ("events", "json", ["PutEvents", "PutTargets", "PutRule"]),
    ("scheduler", "rest-json", ["CreateSchedule", "ListSchedules"]),
    ("apigatewayv2", "rest-json", ["CreateRoute", "CreateAuthorizer", "ImportApi"]),
    ("lex-runtime", "rest-json", ["PostContent"]),
    ("glacier", "rest-json", ["UploadArchive", "SetDataRetrievalPolicy"]),
    ("mediastore-data", "rest-json", ["PutObject", "GetObject"]),
]


@pytest.mark.parametrize(
    ("service", "protocol", "operation"),
    [(service, protocol, name) for service, protocol, names in _JSON_SAMPLES for name in names],
)
@given(data=st.data())
def test_json_protocols(
    wire: Any, drawn: Any, service: str, protocol: str, operation: str, data: st.DataObject
) -> None:
    _check(wire, service, protocol, operation, drawn(), data)


_QUERY_SAMPLES = [
    ("sns", ["Publish", "PublishBatch", "CreateTopic", "Subscribe", "TagResource"]),
    ("sqs", ["SendMessage", "SendMessageBatch", "ReceiveMessage", "CreateQueue", "TagQueue", "UntagQueue"]),
    ("iam", ["CreateRole", "TagRole", "SimulateCustomPolicy", "ListRoles"]),
    ("cloudformation", ["CreateStack", "CreateChangeSet"]),
    ("sts", ["AssumeRole"]),
    ("ses", ["SendEmail", "SendRawEmail"]),
]


@pytest.mark.parametrize(
    ("service", "operation"), [(service, name) for service, names in _QUERY_SAMPLES for name in names]
)
@given(data=st.data())
def test_query_protocol(wire: Any, drawn: Any, service: str, operation: str, data: st.DataObject) -> None:
    _check(wire, service, "query", operation, drawn(filled=True), data)


_XML_SAMPLES = [
    ("s3", ["PutObject", "GetObject", "CopyObject", "DeleteObjects", "PutBucketAcl", "PutBucketTagging"]),
    ("s3", ["CompleteMultipartUpload", "UploadPart", "PutBucketNotificationConfiguration", "ListObjectsV2"]),
    (
        "s3",
        [
            "PutBucketLifecycleConfiguration",
            "PutObjectRetention",
            "CreateBucket",
            "ListParts",
            "PutBucketCors",
        ],
    ),
    ("route53", ["ChangeResourceRecordSets", "CreateHostedZone", "ListHostedZones"]),
    ("cloudfront", ["CreateInvalidation", "TagResource"]),
]


@pytest.mark.parametrize(
    ("service", "operation"), [(service, name) for service, names in _XML_SAMPLES for name in names]
)
@given(data=st.data())
def test_rest_xml_protocol(wire: Any, drawn: Any, service: str, operation: str, data: st.DataObject) -> None:
    _check(wire, service, "rest-xml", operation, drawn(xml=True, filled=True), data)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", []),
        (b"a=1&a=2", [("a", "1"), ("a", "2")]),
        (b"a&b=", [("a", ""), ("b", "")]),
        (b"Qualifier=%24LATEST&x=a+b", [("Qualifier", "$LATEST"), ("x", "a b")]),
    ],
)
def test_decode_query(query: bytes, expected: list[tuple[str, str]]) -> None:
    assert decode_query(query) == expected


@pytest.mark.parametrize("query", [b"a=%ff", b"a=\xff"])
def test_decode_query_refuses_what_is_no_text(query: bytes) -> None:
    with pytest.raises(SerializationError) as raised:
        decode_query(query)
    assert raised.value.code == "MalformedQueryString"


@pytest.mark.parametrize(
    ("header", "elements"),
    [
        ("a", ["a"]),
        ("a,b , c", ["a", "b", "c"]),
        ('"a,b",c', ["a,b", "c"]),
        ('"say \\"hi\\", now",x', ['say "hi", now', "x"]),
        ("", [""]),
    ],
)
def test_split_header_list(header: str, elements: list[str]) -> None:
    assert split_header_list(header) == elements


@given(
    values=st.lists(
        st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\"), min_size=1),
        min_size=1,
    )
)
def test_header_lists_as_botocore_quotes_them(wire: Any, values: list[str]) -> None:
    request = wire("s3").request(
        "GetObjectAttributes", {"Bucket": "b", "Key": "k", "ObjectAttributes": values}
    )
    assert _read("s3", "rest-xml", "GetObjectAttributes", request)["ObjectAttributes"] == values


def _parse_lambda(operation: str, *, query: Any = (), headers: Any = (), body: bytes = b"") -> dict[str, Any]:
    parser = _PARSERS("lambda", "rest-json").parser(load_model("lambda").operation(operation))
    return parser({"FunctionName": "f"}, query, headers, body)


def test_null_members_count_as_absent() -> None:
    assert _parse_lambda("UpdateFunctionConfiguration", body=b'{"Description": null, "Timeout": 3}') == {
        "FunctionName": "f",
        "Timeout": 3,
    }


def test_unknown_members_are_ignored() -> None:
    assert _parse_lambda("PublishVersion", body=b'{"Nonsense": {"a": 1}}') == {"FunctionName": "f"}


def test_an_empty_streaming_body_is_a_required_member_still() -> None:
    assert _parse_lambda("InvokeAsync") == {"FunctionName": "f", "InvokeArgs": b""}
    assert _parse_lambda("Invoke") == {"FunctionName": "f"}


def test_header_values_in_utf8_and_in_latin1() -> None:
    for raw in ("é".encode(), "é".encode("latin-1")):
        headers = [(b"x-amz-client-context", raw)]
        assert _parse_lambda("Invoke", headers=headers)["ClientContext"] == "é"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"MemorySize": "128"}', "STRING_VALUE can not be converted to an Integer"),
        (b'{"MemorySize": 1.5}', "NUMBER_VALUE can not be converted to an Integer"),
        (b'{"MemorySize": 99999999999}', "NUMBER_VALUE can not be converted to an Integer"),
        (b'{"Description": 5}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"Description": true}', "TRUE_VALUE can not be converted to a String"),
        (b'{"Description": {}}', "Start of structure or map found where not expected."),
        (b'{"Layers": {}}', "Start of structure or map found where not expected."),
        (b'{"Description": []}', "Start of list found where not expected"),
        (b'{"Environment": {"Variables": {"A": 1}}}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"Environment": {"Variables": "A"}}', "STRING_VALUE can not be converted to a Map"),
        (b'{"Environment": "A"}', "Unexpected field type"),
        (b"[]", "Start of list found where not expected"),
        (b"5", "Unexpected field type"),
    ],
)
def test_values_of_the_wrong_type(body: bytes, message: str) -> None:
    with pytest.raises(SerializationError) as raised:
        _parse_lambda("UpdateFunctionConfiguration", body=body)
    assert (raised.value.code, raised.value.message) == ("SerializationException", message)


@pytest.mark.parametrize("body", [b"{", b"{'a': 1}", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_bodies_that_are_not_json(body: bytes) -> None:
    with pytest.raises(SerializationError, match="Could not parse request body into json"):
        _parse_lambda("UpdateFunctionConfiguration", body=body)


def test_a_number_in_the_query_string_that_is_none() -> None:
    parser = _PARSERS("lambda", "rest-json").parser(load_model("lambda").operation("ListFunctions"))
    with pytest.raises(SerializationError, match="'abc' can not be converted to an Integer"):
        parser({}, [("MaxItems", "abc")], [], b"")


@given(body=st.binary(max_size=60), query=st.binary(max_size=30))
def test_garbage_raises_nothing_else(body: bytes, query: bytes) -> None:
    for service, protocol, operation in (
        ("lambda", "rest-json", "CreateFunction"),
        ("dynamodb", "json", "PutItem"),
        ("sns", "query", "Publish"),
        ("s3", "rest-xml", "DeleteObjects"),
    ):
        parse = _PARSERS(service, protocol).parser(load_model(service).operation(operation))
        try:
            parse({}, decode_query(query), [(b"x-amz-acl", body)], body)
        except SerializationError:
            continue
