"""The whole way: boto3 and raw sockets against a server, answered by the dispatcher and small services."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from lambent.aws.credentials import Credentials
from lambent.aws.dispatcher import AwsDispatcher
from lambent.aws.errors import ServiceError
from lambent.aws.service import Service
from lambent.http import HttpServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from lambent.aws.context import RequestContext

ACCOUNT = "000000000000"


class Functions(Service):
    """As much of Lambda as the tests of its protocol need."""

    name = "lambda"

    async def get_function_configuration(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        name = request["FunctionName"]
        if name == "broken":
            raise RuntimeError("secret detail")
        if name == "missing":
            raise ServiceError("ResourceNotFoundException", f"Function not found: {name}")
        if name == "split":
            raise ServiceError("TooManyRequestsException", "m", members={"retryAfterSeconds": "1\r\nX: y"})
        return {
            "FunctionName": name,
            "Description": f"{context.account} {context.region} {context.partition} {context.access_key}",
            "RevisionId": context.request_id,
            "State": "Active" if name == "awaited" and context.waits else "Pending",
            "CodeSha256": context.endpoint_url,
        }

    async def create_function(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        return {"FunctionName": request["FunctionName"], "CodeSize": len(request["Code"]["ZipFile"])}

    async def update_function_configuration(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        return request

    async def tag_resource(self, context: RequestContext, request: dict[str, Any]) -> None:
        return None

    async def invoke_with_response_stream(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        async def events() -> AsyncIterator[dict[str, Any]]:
            for piece in (b"a", b"b"):
                yield {"PayloadChunk": {"Payload": piece}}
            if request.get("Payload") == b'"break"':
                raise RuntimeError("in the middle")
            yield {"InvokeComplete": {}}

        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "EventStream": events()}


class Queues(Service):
    """As much of SQS as the tests of its protocols need."""

    name = "sqs"

    async def get_queue_url(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        if request["QueueName"] == "missing":
            raise ServiceError("QueueDoesNotExist", "The specified queue does not exist.")
        return {"QueueUrl": f"{context.endpoint_url}/{context.account}/{request['QueueName']}"}


class Topics(Service):
    """As much of SNS as the tests of its protocol need."""

    name = "sns"

    async def create_topic(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "TopicArn": f"arn:{context.partition}:sns:{context.region}:{context.account}:{request['Name']}"
        }


class Platform:
    """A server with a dispatcher behind it, on a loop of its own thread."""

    def __init__(self, port: int, dispatcher: AwsDispatcher) -> None:
        self.port = port
        self.dispatcher = dispatcher

    def client(self, service: str, *keys: str | None, region: str = "us-east-1", **config: Any) -> Any:
        access_key, secret_key, token = (*keys, "test", "test", None)[:3] if not keys else (*keys, None)[:3]
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def raw(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to a request made by hand."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return response.status, found, response.read()
        finally:
            connection.close()


@contextmanager
def _platform(credentials: Credentials | None, enforce: bool | None) -> Iterator[Platform]:
    loop = asyncio.new_event_loop()

    async def open_server() -> tuple[HttpServer, AwsDispatcher]:
        url = ""
        dispatcher = AwsDispatcher(
            [Functions(), Queues(), Topics()],
            credentials=credentials,
            account=ACCOUNT,
            default_region="us-east-1",
            endpoint_url=lambda: url,
            enforce=enforce,
        )
        server = HttpServer(dispatcher.handle)
        await server.start("127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.address[1]}"
        return server, dispatcher

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        server, dispatcher = asyncio.run_coroutine_threadsafe(open_server(), loop).result(10)
        yield Platform(server.address[1], dispatcher)
        asyncio.run_coroutine_threadsafe(server.drain(1), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with _platform(None, None) as opened:
        yield opened


CREDENTIALS = Credentials({"AKIDEXAMPLE": "secret", "123456789012": "other"}, master_key=bytes(32))


@pytest.fixture(scope="module")
def guarded() -> Iterator[Platform]:
    with _platform(CREDENTIALS, None) as opened:
        yield opened


def _error(call: Callable[[], Any]) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as raised:
        call()
    response: Any = raised.value.response
    return (
        response["Error"]["Code"],
        response["Error"]["Message"],
        response["ResponseMetadata"]["HTTPStatusCode"],
    )


def test_a_call_and_its_context(platform: Platform) -> None:
    answer = platform.client("lambda", "111111111111", "x", region="cn-north-1").get_function_configuration(
        FunctionName="f"
    )
    assert answer["FunctionName"] == "f"
    assert answer["Description"] == "111111111111 cn-north-1 aws-cn 111111111111"
    assert answer["CodeSha256"] == f"http://127.0.0.1:{platform.port}"
    assert answer["RevisionId"] == answer["ResponseMetadata"]["RequestId"]
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"


def test_a_waiter_is_known_as_one(platform: Platform) -> None:
    client = platform.client("lambda")
    client.get_waiter("function_active").wait(
        FunctionName="awaited", WaiterConfig={"Delay": 1, "MaxAttempts": 1}
    )
    assert client.get_function_configuration(FunctionName="awaited")["State"] == "Pending"


def test_large_bodies(platform: Platform, guarded: Platform) -> None:
    code = {"ZipFile": bytes(3_000_000)}
    for client in (platform.client("lambda"), guarded.client("lambda", "AKIDEXAMPLE", "secret")):
        answer = client.create_function(FunctionName="f", Role="arn:aws:iam::000000000000:role/r", Code=code)
        assert answer["CodeSize"] == 3_000_000
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201


def test_operations_without_an_answer(platform: Platform) -> None:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
    answer = platform.client("lambda").tag_resource(Resource=arn, Tags={"a": "b"})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_errors_of_services(platform: Platform) -> None:
    client = platform.client("lambda")
    assert _error(lambda: client.get_function_configuration(FunctionName="missing")) == (
        "ResourceNotFoundException",
        "Function not found: missing",
        404,
    )


def test_validation(platform: Platform) -> None:
    client = platform.client("lambda")
    code, message, status = _error(
        lambda: client.get_function_configuration(FunctionName="a b", Qualifier="c d")
    )
    assert (code, status) == ("ValidationException", 400)
    assert message.startswith("2 validation errors detected: Value 'a b' at 'functionName' failed to satisfy")


def test_faults_are_logged_and_not_shown(platform: Platform, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "lambent.aws"):
        status, headers, body = platform.raw("GET", "/2015-03-31/functions/broken/configuration")
    assert status == 500
    assert headers["x-amzn-errortype"] == "ServiceException"
    assert b"secret detail" not in body
    assert b"Traceback" not in body
    assert "secret detail" in caplog.text
    assert headers["x-amzn-requestid"] in caplog.text


def test_an_answer_that_cannot_be_written(platform: Platform, caplog: pytest.LogCaptureFixture) -> None:
    status, headers, _ = platform.raw("GET", "/2015-03-31/functions/split/configuration")
    assert (status, "x" in headers) == (500, False)
    assert "could not be written" in caplog.text


def test_event_streams(platform: Platform, caplog: pytest.LogCaptureFixture) -> None:
    client = platform.client("lambda")
    answer = client.invoke_with_response_stream(FunctionName="f")
    assert answer["ExecutedVersion"] == "$LATEST"
    assert list(answer["EventStream"]) == [
        {"PayloadChunk": {"Payload": b"a"}},
        {"PayloadChunk": {"Payload": b"b"}},
        {"InvokeComplete": {}},
    ]
    broken = client.invoke_with_response_stream(FunctionName="f", Payload=b'"break"')
    with pytest.raises(Exception, match="ended prematurely"):
        list(broken["EventStream"])
    assert "failed while its answer was sent" in caplog.text


def test_what_is_not_implemented_names_itself(platform: Platform) -> None:
    for service, operation, call in (
        ("lambda", "ListFunctions", lambda: platform.client("lambda").list_functions()),
        ("sqs", "ListQueues", lambda: platform.client("sqs").list_queues()),
        ("sns", "ListTopics", lambda: platform.client("sns").list_topics()),
        ("dynamodb", "ListTables", lambda: platform.client("dynamodb").list_tables()),
        ("s3", "ListBuckets", lambda: platform.client("s3").list_buckets()),
        ("iam", "ListRoles", lambda: platform.client("iam").list_roles()),
        ("scheduler", "ListSchedules", lambda: platform.client("scheduler").list_schedules()),
    ):
        code, message, status = _error(call)
        assert (code, status) == ("NotImplementedException", 501)
        assert message == f"The operation {operation} of the service {service} is not implemented by Lambent."


def test_both_protocols_of_sqs(platform: Platform) -> None:
    client = platform.client("sqs")
    url = f"http://127.0.0.1:{platform.port}/{ACCOUNT}/q"
    assert client.get_queue_url(QueueName="q")["QueueUrl"] == url
    assert (
        _error(lambda: client.get_queue_url(QueueName="missing"))[0]
        == "AWS.SimpleQueueService.NonExistentQueue"
    )
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, headers, body = platform.raw(
        "POST", "/", b"Action=GetQueueUrl&Version=2012-11-05&QueueName=q", form
    )
    assert (status, headers["content-type"]) == (200, "text/xml")
    root = ElementTree.fromstring(body)  # noqa: S314 - our own answer
    assert root.findtext(".//{*}GetQueueUrlResult/{*}QueueUrl") == url
    assert root.findtext(".//{*}RequestId") == headers["x-amzn-requestid"]
    status, _, body = platform.raw(
        "POST", "/", b"Action=GetQueueUrl&Version=2012-11-05&QueueName=missing", form
    )
    assert status == 400
    assert b"<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in body


def test_the_query_protocol(platform: Platform) -> None:
    client = platform.client("sns", region="eu-west-1")
    assert client.create_topic(Name="t")["TopicArn"] == f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"
    status, _, body = platform.raw("GET", "/?Action=CreateTopic&Version=2010-03-31")
    assert status == 400
    assert b"<Code>ValidationError</Code>" in body
    assert b"Value null at 'name' failed to satisfy constraint: Member must not be null" in body


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "status", "error_type"),
    [
        ("GET", "/nonsense", {}, b"", 404, "UnknownOperationException"),
        ("GET", "/nonsense", {"Host": "lambda.localhost"}, b"", 403, "AccessDeniedException"),
        ("PUT", "/2015-03-31/functions/f/configuration", {}, b"{", 400, "InvalidRequestContentException"),
        (
            "PUT",
            "/2015-03-31/functions/f/configuration",
            {},
            b'{"Timeout": "3"}',
            400,
            "SerializationException",
        ),
        ("GET", "/2015-03-31/functions/%ff/configuration", {}, b"", 400, "ValidationException"),
        ("GET", "/2015-03-31/functions?Marker=%ff", {}, b"", 400, "MalformedQueryString"),
        ("GET", "/", {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/aws4_request"}, b"", 403, None),
    ],
)
def test_garbage(
    platform: Platform,
    method: str,
    target: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
    error_type: str | None,
) -> None:
    found, answered, content = platform.raw(method, target, body, headers)
    assert found == status
    assert "x-amzn-requestid" in answered
    if error_type is not None:
        assert answered["x-amzn-errortype"] == error_type
    assert b"Traceback" not in content


def test_unknown_targets_are_answered_in_json(platform: Platform) -> None:
    status, headers, body = platform.raw("POST", "/", b"{}", {"X-Amz-Target": "AmazonSQS.Nonsense"})
    assert (status, headers["content-type"]) == (400, "application/x-amz-json-1.0")
    assert json.loads(body)["__type"] == "com.amazonaws.sqs#UnknownOperationException"


@given(data=st.data())
def test_any_bytes_get_an_answer(platform: Platform, data: st.DataObject) -> None:
    visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
    method = data.draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]))
    prefix = data.draw(st.sampled_from(["/", "/2015-03-31/functions/", "/?Action=", "/?X-Amz-Credential="]))
    header = data.draw(st.sampled_from(["Authorization", "X-Amz-Target", "Content-Type", "X-Amz-Date"]))
    headers = {header: data.draw(st.sampled_from(["", "AWS4-HMAC-SHA256 Credential="])) + data.draw(visible)}
    status, answered, content = platform.raw(
        method, prefix + data.draw(visible), data.draw(st.binary()), headers
    )
    assert 200 <= status < 600
    assert status != 500
    assert "x-amzn-requestid" in answered or "x-amz-request-id" in answered
    assert b"Traceback" not in content


def test_signatures(guarded: Platform) -> None:
    for keys, account in ((("AKIDEXAMPLE", "secret"), ACCOUNT), (("123456789012", "other"), "123456789012")):
        answer = guarded.client("lambda", *keys).get_function_configuration(FunctionName="f")
        assert answer["Description"].startswith(account)
    minted = CREDENTIALS.mint("999999999999")
    client = guarded.client("lambda", minted.access_key, minted.secret_key, minted.session_token)
    assert client.get_function_configuration(FunctionName="f")["Description"].startswith("999999999999")


@pytest.mark.parametrize(
    ("service", "codes"),
    [
        ("lambda", ("InvalidSignatureException", "UnrecognizedClientException", "ExpiredTokenException")),
        ("sqs", ("InvalidSignatureException", "UnrecognizedClientException", "ExpiredTokenException")),
        ("sns", ("SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken")),
        ("s3", ("SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken")),
    ],
)
def test_signatures_that_are_refused(guarded: Platform, service: str, codes: tuple[str, str, str]) -> None:
    def call(*keys: str | None) -> tuple[str, int]:
        client = guarded.client(service, *keys)
        calls = {
            "lambda": lambda: client.get_function_configuration(FunctionName="f"),
            "sqs": lambda: client.get_queue_url(QueueName="q"),
            "sns": lambda: client.create_topic(Name="t"),
            "s3": lambda: client.list_buckets(),
        }
        code, _, status = _error(calls[service])
        return code, status

    assert call("AKIDEXAMPLE", "wrong") == (codes[0], 403)
    assert call("AKIDOTHER", "secret") == (codes[1], 403)
    assert call(*CREDENTIALS.mint("000000000000", lifetime=-1)[:3]) == (codes[2], 403)


def test_unsigned_requests_are_refused_where_signatures_count(guarded: Platform) -> None:
    status, headers, body = guarded.raw("GET", "/2015-03-31/functions/f/configuration")
    assert (status, headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")
    assert json.loads(body) == {"message": "Missing Authentication Token"}


def test_presigned_urls(guarded: Platform) -> None:
    client = guarded.client("lambda", "AKIDEXAMPLE", "secret")
    url = client.generate_presigned_url("get_function_configuration", {"FunctionName": "f"}, ExpiresIn=60)
    target = url.partition(str(guarded.port))[2]
    assert guarded.raw("GET", target)[0] == 200
    assert guarded.raw("GET", target.replace("/f/", "/g/"))[0] == 403
    assert guarded.raw("DELETE", target)[0] == 403


def test_credentials_may_be_known_and_not_enforced() -> None:
    with _platform(CREDENTIALS, False) as lenient:
        minted = CREDENTIALS.mint("999999999999")
        client = lenient.client("lambda", minted.access_key, "whatever", minted.session_token)
        assert client.get_function_configuration(FunctionName="f")["Description"].startswith("999999999999")
        assert lenient.raw("GET", "/2015-03-31/functions/f/configuration")[0] == 200


def test_the_hooks_of_the_invoke_path(guarded: Platform) -> None:
    """`authenticate`, `parse` and `refuse`, as a path that bypasses `handle` uses them."""
    dispatcher = guarded.dispatcher
    seen: list[Any] = []

    def handle(request: Any) -> None:
        try:
            identity = dispatcher.authenticate(request)
            seen.append((identity.account, dispatcher.parse(request, "lambda", "Invoke")))
            raise ServiceError(
                "TooManyRequestsException", "Rate Exceeded.", members={"Reason": "CallerRateLimitExceeded"}
            )
        except ServiceError as error:
            dispatcher.refuse(request, "lambda", "Invoke", "request-1", error)

    async def open_server() -> HttpServer:
        server = HttpServer(handle)
        await server.start("127.0.0.1", 0)
        return server

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(open_server(), loop).result(10)
        client = Platform(server.address[1], dispatcher).client("lambda", "AKIDEXAMPLE", "secret")
        assert (
            _error(lambda: client.invoke(FunctionName="a:b", Payload=b"1"))[0] == "TooManyRequestsException"
        )
        assert _error(lambda: client.invoke(FunctionName="a b"))[0] == "ValidationException"
        asyncio.run_coroutine_threadsafe(server.drain(1), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
    assert seen == [(ACCOUNT, {"FunctionName": "a:b", "Payload": b"1"})]
