"""Calls: signed, kept alive, tried again, and what they end with."""

from __future__ import annotations

import concurrent.futures
import os
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.parsers import create_parser

from lambent.app.client import connection, errors, retries
from lambent.app.client.errors import AWSError, ConnectionFailed, NotConfigured, TimedOut
from lambent.app.client.service import Service, service

if TYPE_CHECKING:
    from pathlib import Path

    from tests.app.client.conftest import Asked, Backend

QUEUE = {"QueueName": "q"}


@pytest.fixture
def sqs() -> Service:
    """One with a quota of its own, and no pauses to speak of."""
    return Service("sqs", "SQS", "AmazonSQS", "1.0", query_mode=True, base=0.001)


def test_a_call_as_the_json_protocol_has_it(backend: Backend, sqs: Service) -> None:
    backend.answers = [backend.say({"QueueUrl": "http://q"})]
    assert sqs.call("GetQueueUrl", QUEUE) == {"QueueUrl": "http://q"}
    (asked,) = backend.asked
    assert (asked.method, asked.target, asked.json) == ("POST", "/", QUEUE)
    assert asked.headers["x-amz-target"] == "AmazonSQS.GetQueueUrl"
    assert asked.headers["content-type"] == "application/x-amz-json-1.0"
    assert asked.headers["x-amzn-query-mode"] == "true"
    assert asked.headers["host"] == f"127.0.0.1:{backend.port}"
    assert "/eu-west-1/sqs/aws4_request" in asked.headers["authorization"]


def test_the_trace_goes_along_within_lambda(
    backend: Backend, sqs: Service, variables: pytest.MonkeyPatch
) -> None:
    variables.setenv("_X_AMZN_TRACE_ID", "Root=1-2-3;Parent=4;Sampled=0")
    sqs.call("GetQueueUrl", QUEUE)
    variables.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
    sqs.call("GetQueueUrl", QUEUE)
    assert [one.headers.get("x-amzn-trace-id") for one in backend.asked] == [
        None,
        "Root=1-2-3;Parent=4;Sampled=0",
    ]


@pytest.mark.parametrize("body", [b"<html>", b"\xff"])
def test_an_answer_that_is_no_json(backend: Backend, sqs: Service, body: bytes) -> None:
    backend.answers = [backend.say(body)]
    with pytest.raises(AWSError, match="InvalidAnswer: X answered no JSON"):
        sqs.call("X", {})


# ---------------------------------------------------------------- connections


def test_a_connection_is_kept(backend: Backend, sqs: Service) -> None:
    for _ in range(5):
        sqs.call("GetQueueUrl", QUEUE)
    assert len({one.port for one in backend.asked}) == 1


@pytest.mark.parametrize("last_words", [b"", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"])
def test_a_connection_closed_meanwhile_is_replaced(backend: Backend, sqs: Service, last_words: bytes) -> None:
    backend.answers = [backend.say({}, hang_up=last_words)]
    sqs.call("GetQueueUrl", QUEUE)
    backend.read.set()
    assert backend.hung_up.wait(5)
    sqs.call("GetQueueUrl", QUEUE)
    assert len({one.port for one in backend.asked}) == 2


def test_a_connection_that_breaks_on_use_is_replaced_without_a_retry(
    backend: Backend, sqs: Service, variables: pytest.MonkeyPatch
) -> None:
    """The other end closes it in the moment when the request is under way."""
    variables.setenv("AWS_MAX_ATTEMPTS", "1")
    backend.answers = [backend.say({}), backend.drop, backend.say({"found": 1})]
    sqs.call("GetQueueUrl", QUEUE)
    assert sqs.request("POST", "/", repeatable=False).body == b'{"found": 1}'
    assert len(backend.asked) == 3


def test_a_new_connection_that_breaks_is_an_error(
    backend: Backend, sqs: Service, variables: pytest.MonkeyPatch
) -> None:
    variables.setenv("AWS_MAX_ATTEMPTS", "1")
    backend.answers = [backend.drop]
    with pytest.raises(ConnectionFailed, match="RemoteDisconnected") as raised:
        sqs.call("GetQueueUrl", QUEUE)
    assert raised.value.sent
    assert len(backend.asked) == 1


def test_an_answer_that_is_cut_short_is_an_error(backend: Backend, sqs: Service) -> None:
    backend.answers = [backend.say({}), backend.cut_short(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}")]
    sqs.call("X", {})
    with pytest.raises(ConnectionFailed, match="IncompleteRead"):
        sqs.request("POST", "/", repeatable=False)
    assert len(backend.asked) == 2


def test_what_may_have_happened_is_not_repeated(backend: Backend, sqs: Service) -> None:
    backend.answers = [backend.drop]
    with pytest.raises(ConnectionFailed):
        sqs.request("POST", "/", repeatable=False)
    assert len(backend.asked) == 1
    with pytest.raises(ConnectionFailed):
        sqs.request("POST", "/")
    assert len(backend.asked) == 1 + 3


def test_nobody_there(variables: pytest.MonkeyPatch, sqs: Service, backend: Backend) -> None:
    variables.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(ConnectionFailed, match=r"http://127\.0\.0\.1:1: ConnectionRefusedError") as raised:
        sqs.call("GetQueueUrl", QUEUE)
    assert (raised.value.status, raised.value.sent) == (0, False)


def test_no_answer_in_time(backend: Backend, sqs: Service) -> None:
    held = threading.Event()

    def hold(_asked: Asked) -> Any:
        held.wait(5)
        return backend.drop

    backend.answers = [hold]
    with pytest.raises(TimedOut, match=r"no answer within 0\.05 s"):
        sqs.request("POST", "/", timeout=0.05, repeatable=False)
    held.set()


def test_threads_have_connections_of_their_own(backend: Backend, sqs: Service) -> None:
    together = threading.Barrier(4)

    def meet(asked: Asked) -> Any:
        together.wait(5)
        return backend.say(asked.body)

    backend.answers = [meet]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: sqs.call("X", {"number": number}), range(8)))
    assert answers == [{"number": number} for number in range(8)]
    assert len({one.port for one in backend.asked}) == 4


def test_a_fork_does_not_speak_on_its_parents_connection(backend: Backend, sqs: Service) -> None:
    sqs.call("X", {})
    child = os.fork()
    if child == 0:
        status = 1
        try:
            sqs.call("X", {})
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    sqs.call("X", {})
    first, forked, last = (one.port for one in backend.asked)
    assert first == last != forked


def test_tls_is_verified(
    certificate: Path, variables: pytest.MonkeyPatch, sqs: Service, request: pytest.FixtureRequest
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    plain: Backend = request.getfixturevalue("backend")
    backend = type(plain)(lambda sock: context.wrap_socket(sock, server_side=True))
    variables.setenv("AWS_ENDPOINT_URL", f"https://localhost:{backend.port}")
    try:
        with pytest.raises(ConnectionFailed, match="CERTIFICATE_VERIFY_FAILED"):
            sqs.call("X", {})
        assert not backend.asked
        connection.close()
        variables.setenv("AWS_CA_BUNDLE", str(certificate))
        for _ in range(3):
            sqs.call("X", {})
        assert len({one.port for one in backend.asked}) == 1
        variables.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{backend.port}")
        with pytest.raises(ConnectionFailed, match="CERTIFICATE_VERIFY_FAILED"):
            sqs.call("X", {})
    finally:
        connection.close()
        backend.close()


# ---------------------------------------------------------------- retries

FAILURES = [
    # status, body, how often it is asked
    (500, b"{}", 3),
    (502, b"<html>", 3),
    (503, b'{"__type":"ServiceUnavailable"}', 3),
    (504, b"", 3),
    (429, b"", 3),
    (400, b'{"__type":"ThrottlingException"}', 3),
    (400, b'{"__type":"com.amazonaws.sqs#RequestThrottled"}', 3),
    (400, b'{"__type":"RequestTimeout"}', 3),
    (400, b'{"__type":"ValidationException"}', 1),
    (403, b'{"__type":"AccessDeniedException"}', 1),
    (404, b"", 1),
    (501, b"", 1),
]


@pytest.mark.parametrize(("status", "body", "times"), FAILURES)
def test_what_is_tried_again(status: int, body: bytes, times: int) -> None:
    assert retries.is_retryable(errors.parsed(status, {}, body)) is (times > 1)


@pytest.mark.parametrize(
    ("status", "body", "times"), [one for one in FAILURES if b"hrottl" not in one[1] and one[0] != 429]
)
def test_how_often_it_is_tried(backend: Backend, sqs: Service, status: int, body: bytes, times: int) -> None:
    """Without throttling, whose pauses are long."""
    backend.answers = [backend.say(body, status)]
    with pytest.raises(AWSError) as raised:
        sqs.call("X", {})
    assert raised.value.status == status
    assert len(backend.asked) == times


def test_a_retry_that_succeeds(backend: Backend, sqs: Service) -> None:
    backend.answers = [backend.say({}, 500), backend.say({}, 500), backend.say({"a": 1})]
    assert sqs.call("X", {}) == {"a": 1}
    backend.answers = [backend.say({}, 500)]
    with pytest.raises(AWSError):
        sqs.call("X", {})
    left = sqs._quota.left
    backend.answers = [backend.say({})]
    sqs.call("X", {})
    assert left < sqs._quota.left < 500


def test_the_number_of_attempts_can_be_set(
    backend: Backend, sqs: Service, variables: pytest.MonkeyPatch
) -> None:
    backend.answers = [backend.say({}, 500)]
    variables.setenv("AWS_MAX_ATTEMPTS", "2")
    with pytest.raises(AWSError):
        sqs.call("X", {})
    assert len(backend.asked) == 2
    variables.setenv("AWS_MAX_ATTEMPTS", "many")
    with pytest.raises(NotConfigured, match="AWS_MAX_ATTEMPTS is 'many'"):
        sqs.call("X", {})


def test_pauses_have_full_jitter() -> None:
    failed, throttled = AWSError("InternalError", "", 500), AWSError("Throttling", "", 400)
    for error, base in ((failed, 0.05), (throttled, 1.0)):
        for attempt in (1, 2, 3):
            pauses = [retries.delay(attempt, error) for _ in range(300)]
            longest = base * 2 ** (attempt - 1)
            assert 0 <= min(pauses) < longest * 0.1
            assert longest * 0.9 < max(pauses) <= longest
    assert max(retries.delay(20, throttled) for _ in range(300)) <= 20
    assert retries.delay(1, failed, after="200") == 0.2
    assert retries.delay(1, failed, after="60000") <= 5.05
    assert retries.delay(1, failed, after="soon") <= 0.05


def test_retries_end_when_most_calls_fail() -> None:
    quota = retries.Quota()
    failed = AWSError("InternalError", "", 500)
    assert sum(1 for _ in range(100) if quota.take(failed)) == 500 // 14
    quota.give(0)
    assert quota.left == 500 % 14 + 1
    quota.give(14)
    assert quota.take(failed) == 14


# ---------------------------------------------------------------- errors

ERRORS = [
    # headers, body
    ({}, b'{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no table"}'),
    ({}, b'{"__type":"ParameterNotFound"}'),
    ({"x-amzn-errortype": "ResourceNotFoundException:http://internal"}, b'{"Message":"no function"}'),
    ({"x-amzn-errortype": "ResourceNotFoundException"}, b'{"Type":"User","message":"no function"}'),
    ({}, b'{"code":"Code","message":"m"}'),
    ({}, b"<html>busy</html>"),
    ({}, b""),
    (
        {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"},
        b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no queue"}',
    ),
]


@pytest.mark.parametrize(("headers", "body"), ERRORS)
def test_errors_are_read_as_botocore_reads_them(headers: dict[str, str], body: bytes) -> None:
    protocol = "rest-json" if "x-amzn-errortype" in headers or b'"code"' in body else "json"
    headers = {**headers, "x-amzn-requestid": "id-1"}
    theirs = create_parser(protocol).parse({"status_code": 400, "headers": headers, "body": body}, None)
    error = errors.parsed(400, headers, body)
    assert error.code == theirs["Error"]["Code"]
    assert error.message == theirs["Error"]["Message"]
    assert (error.status, error.request_id) == (400, "id-1")
    told = f"{error.code}: {error.message}" if error.message else error.code
    assert str(error) == f"{told} (request id-1)"


def test_services_are_made_once() -> None:
    assert service("sqs") is service("sqs")
    assert service("ssm").name == "ssm"
