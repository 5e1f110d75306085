"""What a caller can get wrong, and what AWS says to it."""

from __future__ import annotations

import json
import socket
import stat
import uuid
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

ECHO = "def handler(event, context):\n    return event\n"

# The two with positions beyond the first byte are AWS's own recorded answers.
SOURCE = " at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: "
EXPECTED = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
MALFORMED = [
    (b"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt", f"Invalid UTF-8 start byte 0x87\n{SOURCE}1, column: 3]"),
    (
        b"\x99\xeb,j\x07\xa1zYh",
        f"Unexpected character ((CTRL-CHAR, code 153)): expected a valid value {EXPECTED}\n{SOURCE}1, column: 1]",
    ),
    (b"{", "Unexpected end-of-input"),
    (b'{"a": }', "Unexpected character ('}' (code 125))"),
    (b'{"a": 1} x', "Unrecognized token 'x'"),
    (b"hello", "Unrecognized token 'hello'"),
    (b"[1,]", "Unexpected character (']' (code 93))"),
    (b"NaN", "Non-standard token 'NaN'"),
    (b'"\xff"', "Invalid UTF-8 start byte 0xff"),
    (b'"a\nb"', "Illegal unquoted character ((CTRL-CHAR, code 10))"),
    (b"[" * 5000, "Document nesting depth (1001) exceeds the maximum allowed (1000"),
    (b"\x00", "Unexpected character ((CTRL-CHAR, code 0))"),
]


def refused(call: Callable[..., Any], **members: Any) -> tuple[int, str, str]:
    """Status, code and message of a call that is refused."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    answer = caught.value.response
    return (
        answer["ResponseMetadata"]["HTTPStatusCode"],
        answer["Error"]["Code"],
        answer["Error"]["Message"],
    )


@pytest.fixture(scope="module")
def echo(platform: Platform) -> str:
    return platform.create(ECHO)


@pytest.mark.parametrize(("payload", "complaint"), MALFORMED, ids=[repr(p[:12]) for p, _ in MALFORMED])
@pytest.mark.parametrize("kind", [None, "Event", "DryRun"])
def test_payloads_that_are_not_json(
    platform: Platform, echo: str, payload: bytes, complaint: str, kind: str | None
) -> None:
    answer = platform.invoke(echo, payload=payload, kind=kind)
    assert answer.status == 400
    assert answer.headers["x-amzn-ErrorType"] == "InvalidRequestContentException"
    assert answer.json["Type"] == "User"
    message = answer.json["message"]
    assert message.startswith("Could not parse request body into json: Could not parse payload into json: ")
    assert complaint in message


def test_an_empty_payload_is_an_empty_object(platform: Platform, echo: str) -> None:
    assert platform.invoke(echo, payload=b"").json == {}


@pytest.mark.parametrize(
    "payload", [b"  [1, 2]\n", b'"text"', b"null", b"1e400", b'"\\ud800"', '"\u00e9\U0001f600"'.encode()]
)
def test_any_json_is_an_event(platform: Platform, echo: str, payload: bytes) -> None:
    answer = platform.invoke(echo, payload=payload)
    assert (answer.status, answer.headers["X-Amz-Function-Error"]) == (200, None)
    assert answer.json == json.loads(payload)


# Names, qualifiers and what is said of them as recorded: test_function_name_and_qualifier_validation.
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
NAME_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?"
    r"(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
QUALIFIER_PATTERN = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "my-function!",
        "invalid-account:function:my-function",
        "arn:aws:lambda:us-east-1:123400000000@function:myfn",
        "arn:aws:lambda:invalid-region:111111111111:function:my-function",
        "arn:aws:ec2:us-east-1:111111111111:instance:i-1234567890abcdef0",
        f"{ARN}my-function:1:2",
        f"{ARN}my-function:$LATES",
        "f:\u00e9",
    ],
)
def test_names_that_cannot_be(platform: Platform, name: str) -> None:
    message = (
        f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {NAME_PATTERN}"
    )
    answer = platform.invoke(name, 1)
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert answer.json["message"] == message


@pytest.mark.parametrize(
    ("qualifier", "constraint"),
    [
        ("invalid!", f"Member must satisfy regular expression pattern: {QUALIFIER_PATTERN}"),
        ("\u00e9", f"Member must satisfy regular expression pattern: {QUALIFIER_PATTERN}"),
        ("a" * 129, "Member must have length less than or equal to 128"),
    ],
)
def test_qualifiers_that_cannot_be(platform: Platform, echo: str, qualifier: str, constraint: str) -> None:
    assert refused(platform.aws.invoke, FunctionName=echo, Qualifier=qualifier) == (
        400,
        "ValidationException",
        f"1 validation error detected: Value '{qualifier}' at 'qualifier' failed to satisfy constraint: {constraint}",
    )


@pytest.mark.parametrize(
    ("name", "qualifier", "shown"),
    [
        ("doesnotexist", None, "doesnotexist:$LATEST"),
        ("doesnotexist", "7", "doesnotexist:7"),
        ("doesnotexist", "prod", "doesnotexist:prod"),
        ("doesnotexist", "$latest", "doesnotexist:$latest"),
        (f"{ARN}doesnotexist:3", None, "doesnotexist:3"),
        ("arn:aws:lambda:us-east-1:000000000000:function", None, "function:$LATEST"),
    ],
)
def test_functions_that_are_not_there(
    platform: Platform, name: str, qualifier: str | None, shown: str
) -> None:
    answer = platform.invoke(name, 1, qualifier=qualifier)
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (404, "ResourceNotFoundException")
    assert answer.json == {"Message": f"Function not found: {ARN}{shown}", "Type": "User"}


def test_a_qualifier_that_contradicts_the_name(platform: Platform, echo: str) -> None:
    answer = platform.invoke(f"{echo}:$LATEST", 1, qualifier="1")
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (400, "InvalidParameterValueException")
    assert "The derived qualifier from the function name does not match the specified qualifier." in str(
        answer.json
    )


def test_functions_of_other_regions_are_out_of_reach(platform: Platform, echo: str) -> None:
    elsewhere = platform.client(region_name="eu-central-1")
    assert refused(elsewhere.invoke, FunctionName=echo)[:2] == (404, "ResourceNotFoundException")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{echo}"
    for call in (elsewhere.invoke, elsewhere.get_function, elsewhere.delete_function):
        assert refused(call, FunctionName=arn) == (
            404,
            "ResourceNotFoundException",
            "Functions from 'us-east-1' are not reachable in this region ('eu-central-1')",
        )


def test_regions_are_apart(platform: Platform) -> None:
    elsewhere = platform.client(region_name="eu-central-1")
    name = platform.create(
        "import os\ndef handler(e, c): return os.environ['AWS_REGION']\n", client=elsewhere
    )
    answer = json.load(elsewhere.invoke(FunctionName=name)["Payload"])
    assert answer == "eu-central-1"
    assert refused(platform.aws.invoke, FunctionName=name)[0] == 404


def test_scopes_that_name_no_region(platform: Platform, echo: str) -> None:
    odd = platform.client(region_name="moon")
    status, code, _ = refused(odd.invoke, FunctionName=echo)
    assert (status, code) == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    ("service", "operation", "members"),
    [
        ("lambda", "list_capacity_providers", {}),
        ("lambda", "list_durable_executions_by_function", {"FunctionName": "f"}),
        ("logs", "start_query", {"startTime": 1, "endTime": 2, "queryString": "fields @message"}),
        ("cloudformation", "list_stack_sets", {}),
        ("apigatewayv2", "list_portals", {}),
        ("glue", "get_databases", {}),
        ("xray", "get_groups", {}),
    ],
)
def test_operations_that_are_not_there_say_which(
    platform: Platform, service: str, operation: str, members: dict[str, Any]
) -> None:
    client = platform.client(service)
    status, code, message = refused(getattr(client, operation), **members)
    assert (status, code) == (501, "NotImplementedException")
    named = client.meta.method_to_api_mapping[operation]
    assert message == f"The operation {named} of the service {service} is not implemented by Lambent."


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/2015-03-31/functions/%ff%fe", 400),
        ("DELETE", "/2015-03-31/functions/f/invocations", 404),
        ("POST", "/2015-03-31/functions//invocations", 404),
        ("GET", "/_lambent/nothing", 404),
        ("GET", "/_lambent/../etc/passwd", 404),
        ("GET", "/_lambent/code/../../../etc/passwd", 403),
        ("PATCH", "/2015-03-31/functions", 404),
        ("POST", "/_lambent/reset", 403),
    ],
)
def test_paths_that_lead_nowhere(platform: Platform, method: str, path: str, status: int) -> None:
    answer = platform.request(method, path)
    assert answer.status == status
    assert b"root:" not in answer.body
    assert b"Traceback" not in answer.body


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\xff\xfe\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(1000)) + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n",
    ],
    ids=range(11),
)
def test_what_is_no_http_is_refused_and_hurts_nobody(platform: Platform, echo: str, data: bytes) -> None:
    host, _, port = platform.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: connection.recv(65_536), b""))
        except ConnectionError:
            received = b""  # closed with what was sent unread
    assert received == b"" or received.startswith(b"HTTP/1.1 4")
    assert platform.invoke(echo, 1).json == 1


def test_a_client_that_leaves_early_hurts_nobody(platform: Platform, echo: str, gate: Any) -> None:
    held = platform.create(gate.source)
    host, _, port = platform.url.removeprefix("http://").partition(":")
    body = json.dumps({"port": gate.port}).encode()
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"POST /2015-03-31/functions/%s/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
            % (held.encode(), len(body), body)
        )
        ((_, pid, _),) = gate.wait()
    gate.release("nobody hears this")
    assert platform.invoke(echo, 1).json == 1
    # The environment is not torn down with the connection, and not left busy.
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"POST /2015-03-31/functions/%s/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
            % (held.encode(), len(body), body)
        )
        assert gate.wait()[0][1] == pid
        gate.release()


def test_six_megabytes_go_both_ways_and_one_byte_more_does_not(platform: Platform, echo: str) -> None:
    largest = b'"' + b"x" * (6_291_456 - 2) + b'"'
    answer = platform.invoke(echo, payload=largest)
    assert answer.body == largest
    refusal = platform.invoke(echo, payload=largest + b" ")
    assert refusal.status == 413
    assert refusal.headers["x-amzn-ErrorType"] == "RequestEntityTooLargeException"
    text = "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    assert refusal.json == {"Message": text} or refusal.json == {"message": text}
    tail = platform.invoke(echo, payload=largest + b" ", tail=True)
    assert tail.status == 413


def test_events_are_limited_to_one_megabyte(platform: Platform, echo: str) -> None:
    largest = b'"' + b"x" * (1_048_576 - 2) + b'"'
    assert platform.invoke(echo, payload=largest, kind="Event").status == 202
    refusal = platform.invoke(echo, payload=largest + b" ", kind="Event")
    assert refusal.status == 413
    assert refusal.headers["x-amzn-ErrorType"] == "RequestEntityTooLargeException"
    assert (
        b"1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
        in refusal.body
    )


@pytest.mark.parametrize(
    ("size", "fits"), [(6_291_556 - 2, True), (6_291_556 - 1, False), (7_000_000, False)]
)
def test_results_that_are_too_large(platform: Platform, size: int, fits: bool) -> None:
    name = platform.create(
        "count = 0\n"
        "def handler(event, context):\n"
        "    global count\n"
        "    count += 1\n"
        "    return 'x' * event if event else count\n"
    )
    answer = platform.invoke(name, size)
    assert answer.status == 200
    if fits:
        assert len(answer.body) == size + 2
    else:
        assert answer.headers["X-Amz-Function-Error"] == "Unhandled"
        assert answer.json == {
            "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
            "errorType": "Function.ResponseSizeTooLarge",
        }
    assert platform.invoke(name, 0).json == 2  # in the same environment


@pytest.mark.parametrize("kind", ["request", "Stream", "event"])
def test_invocation_types_that_are_not_there(platform: Platform, echo: str, kind: str) -> None:
    answer = platform.invoke(echo, 1, kind=kind)
    assert answer.status == 400
    assert answer.headers["x-amzn-ErrorType"] == "ValidationException"
    assert f"Value '{kind}' at 'invocationType' failed to satisfy constraint" in answer.json["message"]


def test_log_types_that_are_not_there(platform: Platform, echo: str) -> None:
    for _ in range(2):  # the second time the function is known
        answer = platform.invoke(echo, 1, headers={"X-Amz-Log-Type": "All"})
        assert answer.status == 400
        assert "Value 'All' at 'logType' failed to satisfy constraint" in answer.json["message"]
        assert platform.invoke(echo, 1, headers={"X-Amz-Log-Type": "None"}).status == 200


@pytest.mark.parametrize(
    "context", ["%%%", "bm90IGpzb24=", "e30" * 2000, "WzFd", "IngiICA=", "W1tb" * 440 + "XV1d" * 440]
)
def test_client_contexts_that_cannot_be_read(platform: Platform, echo: str, context: str) -> None:
    answer = platform.invoke(echo, 1, headers={"X-Amz-Client-Context": context})
    assert answer.status == 400
    assert answer.headers["x-amzn-ErrorType"] == "InvalidRequestContentException"


def archive(*entries: tuple[str, bytes, int]) -> bytes:
    """A zip with members of any name and mode."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = mode << 16
            file.writestr(info, content)
    return target.getvalue()


FILE, LINK = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777


@pytest.mark.parametrize(
    "entries",
    [
        [("../evil.py", b"", FILE)],
        [("a/../../../evil.py", b"", FILE)],
        [("/evil.py", b"", FILE)],
        [("..\\evil.py", b"", FILE)],
        [("link", b"/etc/passwd", LINK)],
        [("link", b"../../outside", LINK)],
        [("d", b"..", LINK), ("d/evil.py", b"", FILE)],
        [("d", b"/tmp", LINK), ("d/evil.py", b"", FILE)],
    ],
    ids=["up", "up-and-up", "absolute", "backslash", "link", "link-up", "through-up", "through-link"],
)
def test_archives_that_reach_out(platform: Platform, entries: list[tuple[str, bytes, int]]) -> None:
    name = f"evil{uuid.uuid4().hex}"
    data = archive(("app.py", ECHO.encode(), FILE), *entries)
    try:
        platform.aws.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler="app.handler",
            Role="arn:aws:iam::000000000000:role/any",
            Code={"ZipFile": data},
        )
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidParameterValueException"  # noqa: PT017
    else:
        # What only sounds like leaving may be stored under its literal name, inside.
        platform.settle(name)
        assert platform.invoke(name, 1).json == 1
    code = platform.data / "code"
    assert all(code in path.parents for path in platform.directory.rglob("evil.py"))
    assert all(code in path.resolve().parents for path in code.rglob("*") if path.is_symlink())


@pytest.mark.parametrize(
    "data", [b"", b"no zip at all", b"PK\x05\x06" + b"\0" * 18, b"PK\x03\x04" + b"\0" * 50]
)
def test_what_is_no_archive(platform: Platform, data: bytes) -> None:
    _, code, message = refused(
        platform.aws.create_function,
        FunctionName="noarchive",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": data},
    )
    assert code == "InvalidParameterValueException"
    assert message
    assert refused(platform.aws.get_function, FunctionName="noarchive")[0] == 404
