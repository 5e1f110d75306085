"""Signed requests: who may call, from where, and what functions may do with their own credentials."""

from __future__ import annotations

import http.client
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from lambent.cli.endpoint import Endpoint
from lambent.cli.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.platform.conftest import Platform

KEY, SECRET = "AKIALAMBENTTEST00001", "kept/very+secret"

INSIDE = """
import boto3, json, os
def handler(event, context):
    if event == "leak":
        return dict(os.environ)
    if event != "call":
        return event
    client = boto3.client("lambda")
    answer = client.invoke(FunctionName=context.function_name, Payload=json.dumps("from inside"))
    return [answer["Payload"].read().decode(), boto3.client("lambda", region_name="us-east-1").get_account_settings()
            ["AccountLimit"]["ConcurrentExecutions"]]
"""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Iterator[Platform]:
    """A platform that asks for signatures, on all interfaces."""
    running = type(platform)(
        tmp_path_factory.mktemp("secured"), host="0.0.0.0", credentials=f"{KEY}:{SECRET},AKIAOTHER:other"
    ).start()
    yield running
    assert running.stop() == 0
    assert SECRET not in running.printed


@pytest.fixture(scope="module")
def client(secured: Platform) -> Any:
    return secured.client(aws_access_key_id=KEY, aws_secret_access_key=SECRET)


@pytest.fixture(scope="module")
def inside(secured: Platform, client: Any) -> str:
    return secured.create(INSIDE, client=client, Timeout=30, MemorySize=256)


def refusal(call: Callable[..., Any], **members: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_other_machines_are_not_let_in_without_credentials(own: Callable[..., Platform]) -> None:
    for host in ("0.0.0.0", "::"):
        platform = own(start=False, host=host)
        process = platform.launch()
        assert process.wait(20) == 2
        assert "needs credentials" in platform.printed
        assert "Traceback" not in platform.printed


def test_the_right_signature_works(client: Any, inside: str) -> None:
    assert json.load(client.invoke(FunctionName=inside, Payload=b'"x"')["Payload"]) == "x"
    assert inside in [one["FunctionName"] for one in client.list_functions()["Functions"]]
    largest = b'"' + b"x" * 6_000_000 + b'"'
    assert client.invoke(FunctionName=inside, Payload=largest)["Payload"].read() == largest


@pytest.mark.parametrize(
    ("key", "secret", "token", "code"),
    [
        (KEY, "wrong", None, "InvalidSignatureException"),
        ("AKIANOBODY", SECRET, None, "UnrecognizedClientException"),
        ("AKIAOTHER", SECRET, None, "InvalidSignatureException"),
        ("000000000000", "lambent", "lambent", "UnrecognizedClientException"),
        (KEY, SECRET, "a-token-of-nobody", "UnrecognizedClientException"),
    ],
)
def test_wrong_credentials(
    secured: Platform, inside: str, key: str, secret: str, token: str | None, code: str
) -> None:
    wrong = secured.client(aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token)
    for call, members in (
        (wrong.list_functions, {}),
        (wrong.invoke, {"FunctionName": inside}),
        (wrong.invoke, {"FunctionName": "doesnotexist"}),
    ):
        status, found = refusal(call, **members)
        assert status == 403
        assert found == code


def test_unsigned_requests_are_refused(secured: Platform, inside: str) -> None:
    for kind in (None, "Event", "DryRun"):
        answer = secured.invoke(inside, 1, kind=kind)
        assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (
            403,
            "MissingAuthenticationTokenException",
        )
    assert secured.request("GET", "/2015-03-31/functions").status == 403
    assert secured.request("GET", "/_lambent/health").status == 200


@pytest.mark.parametrize("what", ["body", "path", "query", "host", "header"])
def test_a_signature_holds_for_one_request(secured: Platform, client: Any, inside: str, what: str) -> None:
    """What was signed is changed on the way."""

    def tamper(request: Any, **_: Any) -> None:
        if what == "body":
            request.body = b'"changed"'
            request.headers["Content-Length"] = "9"
        elif what == "path":
            request.url = request.url.replace(inside, f"{inside}:$LATEST")
        elif what == "query":
            request.url += "?Qualifier=$LATEST"
        elif what == "host":
            request.headers["Host"] = "elsewhere"
        else:
            request.headers["X-Amz-Invocation-Type"] = "Event"

    tampering = secured.client(aws_access_key_id=KEY, aws_secret_access_key=SECRET)
    tampering.meta.events.register("before-send.lambda.Invoke", tamper)
    status, code = refusal(
        tampering.invoke, FunctionName=inside, Payload=b'"sent"', InvocationType="RequestResponse"
    )
    assert (status, code) == (403, "InvalidSignatureException")


def test_an_old_signature_is_refused(secured: Platform, inside: str) -> None:
    headers = {
        "X-Amz-Date": "20200101T000000Z",
        "Authorization": (
            f"AWS4-HMAC-SHA256 Credential={KEY}/20200101/us-east-1/lambda/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
        ),
    }
    answer = secured.invoke(inside, 1, headers=headers)
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")
    assert "Signature expired" in answer.json["message"]


def test_presigned_requests(secured: Platform, inside: str) -> None:
    url = f"{secured.url}/2015-03-31/functions/{inside}"
    for secret, status in ((SECRET, 200), ("wrong", 403)):
        request = AWSRequest(method="GET", url=url)
        SigV4QueryAuth(Credentials(KEY, secret), "lambda", "us-east-1", expires=60).add_auth(request)
        answer = secured.request("GET", request.url.removeprefix(secured.url))
        assert answer.status == status, answer.body
    request = AWSRequest(method="GET", url=url)
    SigV4QueryAuth(Credentials(KEY, SECRET), "lambda", "us-east-1", expires=60).add_auth(request)
    other = request.url.removeprefix(secured.url).replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
    assert secured.request("GET", other).status == 403


def test_credentials_inside_functions_work(client: Any, inside: str) -> None:
    answer = json.load(client.invoke(FunctionName=inside, Payload=b'"call"')["Payload"])
    assert answer == ['"from inside"', 1000]


def test_credentials_inside_are_temporary_and_of_that_function_alone(
    secured: Platform, client: Any, inside: str
) -> None:
    variables = json.load(client.invoke(FunctionName=inside, Payload=b'"leak"')["Payload"])
    assert variables["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    text = json.dumps(variables)
    assert SECRET not in text
    assert KEY not in text
    taken = {
        "aws_access_key_id": variables["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": variables["AWS_SECRET_ACCESS_KEY"],
    }
    token = variables["AWS_SESSION_TOKEN"]
    assert secured.client(**taken, aws_session_token=token).list_functions()["Functions"]
    for wrong in (None, token[:-4] + "AAAA"):
        assert refusal(secured.client(**taken, aws_session_token=wrong).list_functions)[0] == 403


def test_it_listens_everywhere(secured: Platform) -> None:
    """The machine's own address, as other machines would use it."""
    port = int(secured.url.rpartition(":")[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("no other address than loopback here")
        address = probe.getsockname()[0]
    connection = http.client.HTTPConnection(address, port, timeout=30)
    connection.request("GET", "/2015-03-31/functions")
    assert connection.getresponse().status == 403
    connection.close()


def test_the_platforms_own_pages_ask_for_the_same_credentials(
    secured: Platform,
) -> None:
    assert secured.request("GET", "/_lambent/health").status == 200
    for method, path in (("GET", "/_lambent/usage"), ("POST", "/_lambent/reset")):
        refused = secured.request(method, path)
        assert (refused.status, refused.json) == (403, {"message": "Missing Authentication Token"})
        for secret, status in ((SECRET, 200 if method == "GET" else 403), ("wrong", 403)):
            where = Endpoint(secured.url, "us-east-1", KEY, secret)
            headers = where.signed_headers("lambda", secured.url + path, b"", {}, method)
            answer = secured.request(method, path, b"", headers)
            assert answer.status == status
            assert ("--ephemeral" in answer.json.get("message", "")) == (
                method == "POST" and secret == SECRET
            )
    assert "functions" in Endpoint(secured.url, "us-east-1", KEY, SECRET).get_json(
        "/_lambent/usage", signed=True
    )
    with pytest.raises(Failure, match="refuses: The request signature we calculated does not match"):
        Endpoint(secured.url, "us-east-1", KEY, "wrong").get_json("/_lambent/usage", signed=True)


def test_web_pages_of_others_neither_reset_nor_read_the_usage(platform: Platform) -> None:
    for method, path in (("GET", "/_lambent/usage"), ("POST", "/_lambent/reset")):
        answer = platform.request(method, path, headers={"Origin": "https://example.com"})
        assert answer.status == 403
        assert "example.com" in answer.json["message"]


def test_on_loopback_any_credentials_choose_account_and_region(platform: Platform) -> None:
    other = platform.client(aws_access_key_id="111122223333", region_name="eu-west-1")
    name = platform.create(
        "def handler(event, context):\n    return context.invoked_function_arn\n", client=other
    )
    answer = json.load(other.invoke(FunctionName=name)["Payload"])
    assert answer == f"arn:aws:lambda:eu-west-1:111122223333:function:{name}"
    assert refusal(platform.aws.invoke, FunctionName=name)[0] == 404
