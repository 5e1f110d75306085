"""Functions with a runtime of their own: a `bootstrap` on the Runtime API."""

from __future__ import annotations

import base64
import io
import json
import shutil
import stat
import subprocess
import zipfile
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from tests.platform.conftest import PYTHON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.platform.conftest import Answer, Platform

# What a bootstrap in Python begins with. Not http.client's keep-alive, so that each request is as plain as can be.
CLIENT = f"""#!{PYTHON} -IS
import http.client, json, os, sys, time
def ask(method, path, body=None, headers={{}}):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request(method, "/2018-06-01/runtime/" + path, body, headers)
    response = api.getresponse()
    return response.status, response.headers, response.read()
def next():
    status, headers, body = ask("GET", "invocation/next")
    return headers["Lambda-Runtime-Aws-Request-Id"], headers, json.loads(body)
def answer(request, value, kind="response", headers={{}}):
    return ask("POST", f"invocation/{{request}}/{{kind}}", json.dumps(value), headers)
"""

ECHO = (
    CLIENT
    + """
while True:
    request, headers, event = next()
    answer(request, event)
"""
)


def packed(files: Mapping[str, str | bytes], mode: int = 0o755) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(info, content)
    return target.getvalue()


@pytest.fixture
def custom(platform: Platform) -> Callable[..., str]:
    """Makes functions of these files."""

    def make(files: Mapping[str, str | bytes] | str, mode: int = 0o755, **members: Any) -> str:
        package = packed({"bootstrap": files} if isinstance(files, str) else files, mode)
        defaults = {"Runtime": "provided.al2023", "Handler": "some.thing", "Code": {"ZipFile": package}}
        return platform.create("", **{**defaults, **members})

    return make


def failure(answer: Answer) -> tuple[str, str]:
    """Type and message of a function error, without the request id."""
    assert answer.status == 200
    assert answer.headers["X-Amz-Function-Error"] == "Unhandled"
    request_id = answer.headers["X-Amzn-RequestId"]
    return answer.json["errorType"], answer.json["errorMessage"].replace(request_id, "<id>")


# ---------------------------------------------------------------- what it sees


@pytest.mark.parametrize("runtime", ["provided.al2", "provided.al2023"])
def test_a_bootstrap_runs(platform: Platform, custom: Callable[..., str], runtime: str) -> None:
    name = custom(ECHO, Runtime=runtime)
    for event in ({"a": [1, "ä"]}, None, 7):
        assert platform.invoke(name, event).json == event
    logs = platform.logs(name)
    assert logs[0].startswith(f"INIT_START Runtime Version: provided:{runtime.partition('.')[2]}.")
    assert "Init Duration" in logs[3]
    assert sum("INIT_START" in line for line in logs) == 1


def test_what_a_bootstrap_sees(platform: Platform, custom: Callable[..., str], private_view: None) -> None:
    name = custom(
        CLIENT
        + """
while True:
    request, headers, event = next()
    answer(request, {"env": dict(os.environ), "argv": sys.argv, "cwd": os.getcwd(), "headers": dict(headers)})
""",
        Environment={"Variables": {"MINE": "ä b"}},
        Timeout=7,
    )
    seen = platform.invoke(name, headers={"X-Amzn-Trace-Id": "Root=1-2-3;Sampled=1"}).json
    env = seen["env"]
    assert seen["argv"] == ["/var/task/bootstrap"]
    assert seen["cwd"] == "/var/task"
    assert env["_HANDLER"] == "some.thing"
    assert env["LAMBDA_TASK_ROOT"] == "/var/task"
    assert env["MINE"] == "ä b"
    assert env["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert "AWS_EXECUTION_ENV" not in env
    assert env["AWS_LAMBDA_RUNTIME_API"].startswith("127.0.0.1:")
    headers = {key.lower(): value for key, value in seen["headers"].items()}
    assert headers["lambda-runtime-invoked-function-arn"].endswith(f":function:{name}")
    assert headers["lambda-runtime-trace-id"].startswith("Root=1-2-3;Sampled=1")
    assert headers["content-type"] == "application/json"


def test_the_client_context_and_an_alias(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(
        CLIENT
        + """
while True:
    request, headers, event = next()
    answer(request, [headers["Lambda-Runtime-Client-Context"], headers["Lambda-Runtime-Invoked-Function-Arn"]])
"""
    )
    version = platform.aws.publish_version(FunctionName=name)["Version"]
    platform.aws.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    context = base64.b64encode(json.dumps({"custom": {"k": "ü"}}, ensure_ascii=False).encode()).decode()
    told, arn = platform.invoke(name, qualifier="live", headers={"X-Amz-Client-Context": context}).json
    assert json.loads(told) == {"custom": {"k": "ü"}}
    assert arn.endswith(f":function:{name}:live")


# ---------------------------------------------------------------- other languages


def test_a_shell_script(platform: Platform, custom: Callable[..., str]) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    name = custom(
        """#!/bin/sh
set -eu
while true; do
  headers="$(mktemp)"
  event="$(curl -sS -LD "$headers" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next")"
  id="$(grep -Fi Lambda-Runtime-Aws-Request-Id "$headers" | tr -d '[:space:]' | cut -d: -f2)"
  echo "handling $event"
  curl -sS -o /dev/null "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response" -d "[$event]"
done
"""
    )
    assert platform.invoke(name, {"n": 1}).json == [{"n": 1}]
    assert platform.invoke(name, 2).json == [2]
    assert 'handling {"n": 1}\n' in platform.logs(name)


C_PROGRAM = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static char data[1 << 16];

static char *receive(int api) {
    size_t filled = 0;
    for (;;) {
        ssize_t count = read(api, data + filled, sizeof data - 1 - filled);
        if (count <= 0) exit(9);
        data[filled += count] = 0;
        char *body = strstr(data, "\r\n\r\n"), *length = strcasestr(data, "content-length:");
        if (body && length && data + filled >= body + 4 + atoi(length + 15)) return body + 4;
    }
}

int main(void) {
    char *address = getenv("AWS_LAMBDA_RUNTIME_API"), *colon = strchr(address, ':');
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int api = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(api, (struct sockaddr *)&to, sizeof to)) return 8;
    for (;;) {
        dprintf(api, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n");
        char *event = receive(api), id[37] = {0}, answer[1 << 12];
        memcpy(id, strcasestr(data, "request-id: ") + 12, 36);
        int length = snprintf(answer, sizeof answer, "{\"c\":%s}", event);
        dprintf(api, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: api\r\n"
                     "Content-Length: %d\r\n\r\n%s", id, length, answer);
        receive(api);
    }
}
"""


def test_a_compiled_program(platform: Platform, custom: Callable[..., str], tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler on this machine")
    (tmp_path / "bootstrap.c").write_text("#define _GNU_SOURCE\n" + C_PROGRAM)
    subprocess.run([compiler, "-o", "bootstrap", "bootstrap.c"], cwd=tmp_path, check=True)
    name = custom({"bootstrap": (tmp_path / "bootstrap").read_bytes()})
    for number in range(3):
        assert platform.invoke(name, number).json == {"c": number}


OFFICIAL = f"""#!{PYTHON} -IS
import os, sys
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
from awslambdaric.__main__ import main
main(["bootstrap", os.environ["_HANDLER"]])
"""

HANDLERS = """
def handle(event, context):
    print("printed")
    if event == "fail":
        raise ValueError("no")
    return [event, context.aws_request_id, context.invoked_function_arn, context.get_remaining_time_in_millis()]
"""


def with_client(handlers: str) -> dict[str, str | bytes]:
    """A package with the official client and what it needs, as `pip install --target` would make it."""
    files: dict[str, str | bytes] = {"bootstrap": OFFICIAL, "app.py": handlers}
    for name in ("awslambdaric", "simplejson", "snapshot-restore-py"):
        for file in metadata.files(name) or ():
            if ".." not in file.parts and file.suffix in (".py", ".so"):
                files[str(file)] = file.read_binary()
    return files


def test_the_official_python_client(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(with_client(HANDLERS), Handler="app.handle", Timeout=5)
    answer = platform.invoke(name, "x")
    event, request_id, arn, left = answer.json
    assert (event, request_id) == ("x", answer.headers["X-Amzn-RequestId"])
    assert arn.endswith(f":{name}")
    assert 3000 < left <= 5000
    assert "printed\n" in platform.logs(name)
    failed = platform.invoke(name, "fail")
    assert failed.headers["X-Amz-Function-Error"] == "Unhandled"
    assert (failed.json["errorType"], failed.json["errorMessage"]) == ("ValueError", "no")
    assert failed.json["stackTrace"][0].endswith('raise ValueError("no")\n')


def test_the_official_python_client_fails_in_init(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(with_client("1 / 0"), Handler="app.handle")
    answer = platform.invoke(name)
    assert answer.json["errorType"] == "ZeroDivisionError"
    assert any("Phase: init" in line and "Status: error" in line for line in platform.logs(name))


# ---------------------------------------------------------------- programs that are none

MISSING = "RequestId: <id> Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
NOT_STARTED = "RequestId: <id> Error: fork/exec /var/task/bootstrap: "


@pytest.mark.parametrize(
    ("files", "mode", "message"),
    [
        ({"other": "x"}, 0o755, MISSING),
        ({"bootstrap/file": "x"}, 0o755, MISSING),
        ({"bootstrap": ECHO}, 0o644, NOT_STARTED + "permission denied"),
        ({"bootstrap": "no program"}, 0o755, NOT_STARTED + "exec format error"),
        ({"bootstrap": b"\x7fELF\x02\x01\x01" + bytes(100)}, 0o755, NOT_STARTED + "exec format error"),
        ({"bootstrap": b""}, 0o755, NOT_STARTED + "exec format error"),
        ({"bootstrap": "#!/no/such/interpreter\n"}, 0o755, NOT_STARTED + "no such file or directory"),
        ({"bootstrap": "#!/bin/sh\r\necho\r\n"}, 0o755, NOT_STARTED + "no such file or directory"),
    ],
    ids=["missing", "directory", "not executable", "text", "elf", "empty", "no interpreter", "dos"],
)
def test_what_cannot_be_started(
    platform: Platform,
    custom: Callable[..., str],
    private_view: None,
    files: Mapping[str, str | bytes],
    mode: int,
    message: str,
) -> None:
    name = custom(files, mode)
    for _ in range(2):
        assert failure(platform.invoke(name)) == ("Runtime.InvalidEntrypoint", message)
    reports = [line for line in platform.logs(name) if line.startswith("INIT_REPORT")]
    assert "Phase: init\tStatus: error\tError Type: Runtime.InvalidEntrypoint" in reports[0]
    assert "Phase: invoke\tStatus: error\tError Type: Runtime.InvalidEntrypoint" in reports[1]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 0", "Runtime exited without providing a reason"),
        ("echo last words; exit 3", "Runtime exited with error: exit status 3"),
        ("exec /no/such/program", "Runtime exited with error: exit status 127"),
        ("kill -9 $$", "Runtime exited with error: signal: killed"),
        ("kill -SEGV $$", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_one_that_ends_at_once(
    platform: Platform, custom: Callable[..., str], script: str, reason: str
) -> None:
    name = custom(f"#!/bin/sh\nulimit -c 0\n{script}\n")
    assert failure(platform.invoke(name)) == ("Runtime.ExitError", f"RequestId: <id> Error: {reason}")
    if "words" in script:
        assert "last words\n" in platform.logs(name)


def test_one_that_never_asks(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom("#!/bin/sh\nexec sleep 100\n", Timeout=1)
    kind, message = failure(platform.invoke(name))  # init has ten seconds before the timeout's one
    assert (kind, message) == ("Sandbox.Timedout", "RequestId: <id> Error: Task timed out after 1.00 seconds")
    assert any("Phase: init\tStatus: timeout" in line for line in platform.logs(name))


# ---------------------------------------------------------------- how invocations end


def test_errors_and_ends_within_an_invocation(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(
        CLIENT
        + """
while True:
    request, headers, event = next()
    if event == "fail":
        answer(request, {"errorMessage": "m", "errorType": "T", "stackTrace": ["l"]}, "error")
    elif event == "exit":
        sys.exit(5)
    elif event == "sleep":
        time.sleep(100)
    elif event == "garbage":
        ask("POST", f"invocation/{request}/response", b"\\xff no json")
    elif event == "cut":
        import socket
        host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
        with socket.create_connection((host, int(port))) as api:
            head = f"POST /2018-06-01/runtime/invocation/{request}/response HTTP/1.1"
            api.sendall(head.encode() + b"\\r\\nContent-Length: 100\\r\\n\\r\\nhalf")
    else:
        answer(request, os.getpid())
""",
        Timeout=2,
    )
    pid = platform.invoke(name).json
    failed = platform.invoke(name, "fail")
    assert failed.json == {"errorMessage": "m", "errorType": "T", "stackTrace": ["l"]}
    assert failed.headers["X-Amz-Function-Error"] == "Unhandled"
    assert platform.invoke(name, "garbage").body == b"\xff no json"
    assert failure(platform.invoke(name, "cut"))[0] == "Runtime.TruncatedResponse"
    assert platform.invoke(name).json == pid
    exit_error = "RequestId: <id> Error: Runtime exited with error: exit status 5"
    assert failure(platform.invoke(name, "exit")) == ("Runtime.ExitError", exit_error)
    assert failure(platform.invoke(name, "sleep"))[0] == "Sandbox.Timedout"
    assert platform.invoke(name).json != pid


def test_an_answer_that_is_too_large(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(
        CLIENT
        + """
said = None
while True:
    request, headers, event = next()
    said = answer(request, "x" * event if event else [said[0], json.loads(said[2])["errorType"]])
"""
    )
    assert failure(platform.invoke(name, 6_291_557)) == (
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    )
    assert platform.invoke(name, 0).json == [413, "RequestEntityTooLarge"]
    assert len(platform.invoke(name, 6_291_554).body) == 6_291_556


def test_one_that_misbehaves_hurts_nobody_else(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(
        CLIENT
        + """
while True:
    request, headers, event = next()
    other = "00000000-0000-4000-8000-000000000000"
    seen = [answer(other, 1)[0], ask("GET", "unknown")[0], ask("PUT", "invocation/next")[0]]
    answer(request, event)
    seen += [answer(request, 2)[0], answer(request, 3, "error")[0], ask("POST", "init/error", "{}")[0]]
    print(seen, flush=True)
"""
    )
    for event in range(3):
        assert platform.invoke(name, event).json == event
    assert platform.logs(name).count("[400, 404, 405, 403, 403, 403]\n") >= 2


def test_one_that_takes_a_new_process_each_time(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(CLIENT + "request, headers, event = next()\nanswer(request, event)\n")
    for event in range(8):
        assert platform.invoke(name, event).json == event


def test_one_that_answers_and_is_gone(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(
        CLIENT
        + """
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
api.request("GET", "/2018-06-01/runtime/invocation/next")
response = api.getresponse()
request, event = response.headers["Lambda-Runtime-Aws-Request-Id"], response.read()
api.request("POST", f"/2018-06-01/runtime/invocation/{request}/response", event)
os._exit(1)
"""
    )
    for event in range(8):
        assert platform.invoke(name, event).json == event


def test_what_is_done_after_the_answer_delays_nobody(
    platform: Platform, custom: Callable[..., str], background: Callable[..., Any]
) -> None:
    name = custom(
        CLIENT
        + """
while True:
    request, headers, event = next()
    answer(request, os.getpid())
    if event:
        time.sleep(event)
        print("done", flush=True)
""",
        Timeout=20,
    )
    first = platform.invoke(name, 1.5).json
    # The first environment is busy with something else: another one serves this.
    assert platform.invoke(name, 0).json != first
    assert "done\n" not in platform.logs(name)


def test_many_at_once(platform: Platform, custom: Callable[..., str], background: Callable[..., Any]) -> None:
    name = custom(ECHO)
    calls = [background(lambda n=number: platform.invoke(name, n).json) for number in range(24)]
    assert [call.result() for call in calls] == list(range(24))


# ---------------------------------------------------------------- streams

STREAM = (
    CLIENT
    + """
import socket
def stream(request, content_type, pieces, end=b"0\\r\\n\\r\\n"):
    host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
    api = socket.create_connection((host, int(port)))
    api.sendall(
        f"POST /2018-06-01/runtime/invocation/{request}/response HTTP/1.1\\r\\nContent-Type: {content_type}"
        "\\r\\nLambda-Runtime-Function-Response-Mode: streaming"
        "\\r\\nHost: a\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n".encode()
    )
    for piece in pieces:
        api.sendall(b"%x\\r\\n%s\\r\\n" % (len(piece), piece))
    if end is None:
        os.kill(os.getpid(), 9)
    api.sendall(end)
    return api.recv(1000)
while True:
    request, headers, event = next()
    if event == "fail":
        import base64
        body = base64.b64encode(json.dumps({"errorType": "Late", "errorMessage": "oh"}).encode()).decode()
        trailers = f"Lambda-Runtime-Function-Error-Type: Late\\r\\nLambda-Runtime-Function-Error-Body: {body}\\r\\n"
        stream(request, "text/plain", [b"one"], f"0\\r\\n{trailers}\\r\\n".encode())
    elif event == "exit":
        stream(request, "text/plain", [b"one"], None)
    else:
        stream(request, "text/event-stream", [b"x" * event, b"two"])
"""
)


def streamed(platform: Platform, name: str, event: Any) -> tuple[bytes, dict[str, Any]]:
    answer = platform.aws.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event))
    body, end = b"", dict[str, Any]()
    for part in answer["EventStream"]:
        body += part.get("PayloadChunk", {}).get("Payload", b"")
        end = part.get("InvokeComplete", end)
    return body, end


def test_a_streamed_answer(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(STREAM)
    assert platform.invoke(name, 3).body == b"xxxtwo"
    body, end = streamed(platform, name, 1_000_000)
    assert len(body) == 1_000_003
    assert "ErrorCode" not in end


def test_a_streamed_answer_that_fails(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(STREAM)
    body, end = streamed(platform, name, "fail")
    assert body == b"one"
    assert (end["ErrorCode"], json.loads(end["ErrorDetails"])["errorMessage"]) == ("Late", "oh")
    body, end = streamed(platform, name, "exit")
    assert body == b"one"
    assert json.loads(end["ErrorDetails"])["errorType"] == "Runtime.ExitError"
    assert platform.invoke(name, 1).body == b"xtwo"


# ---------------------------------------------------------------- layers


def test_a_bootstrap_from_a_layer(platform: Platform, custom: Callable[..., str]) -> None:
    layer = platform.aws.publish_layer_version(
        LayerName=f"runtime-{custom.__name__}", Content={"ZipFile": packed({"bootstrap": ECHO})}
    )
    name = custom({"app": "any"}, Layers=[layer["LayerVersionArn"]])
    assert platform.invoke(name, 5).json == 5


def test_wrappers_are_not_for_custom_runtimes(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(ECHO, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/no/such/wrapper"}})
    assert platform.invoke(name, 5).json == 5


# ---------------------------------------------------------------- among others

ADDRESS = (
    CLIENT
    + """
while True:
    request, headers, event = next()
    answer(request, [os.environ["AWS_LAMBDA_RUNTIME_API"], os.getpid()])
"""
)


def test_other_functions_cannot_reach_its_runtime_api(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(ADDRESS)
    address = platform.invoke(name).json[0]
    thief = platform.create("""
import http.client

def handler(event, context):
    connection = http.client.HTTPConnection(event, timeout=5)
    try:
        connection.request("GET", "/2018-06-01/runtime/invocation/next")
        return connection.getresponse().status
    except ConnectionError as error:
        return type(error).__name__
""")
    assert platform.invoke(thief, address).json in ("RemoteDisconnected", "ConnectionResetError")
    assert platform.invoke(name).json[0] == address


def test_nothing_outlives_the_platform(
    own: Callable[..., Platform], poll: Callable[..., Any], living: Callable[[int], bool]
) -> None:
    platform = own()
    package = {"ZipFile": packed({"bootstrap": ADDRESS})}
    name = platform.create("", Runtime="provided.al2023", Handler="any", Code=package)
    pid = platform.invoke(name).json[1]
    assert living(pid)
    platform.kill()
    poll(lambda: not living(pid))


def test_without_a_view_of_its_own(own: Callable[..., Platform]) -> None:
    platform = own(isolation="none")
    package = {"ZipFile": packed({"bootstrap": ADDRESS, "other": ""})}
    name = platform.create("", Runtime="provided.al2023", Handler="any", Code=package)
    assert platform.invoke(name).json[0].startswith("127.0.0.1:")
    missing = platform.create(
        "", Runtime="provided.al2023", Handler="any", Code={"ZipFile": packed({"other": ""})}
    )
    assert failure(platform.invoke(missing)) == ("Runtime.InvalidEntrypoint", MISSING)
    assert platform.stop() == 0


def test_too_much_memory(platform: Platform, custom: Callable[..., str]) -> None:
    name = custom(
        CLIENT
        + """
while True:
    request, headers, event = next()
    kept = b"x" * (event * 1_000_000)
    time.sleep(0.5)
    answer(request, event)
"""
    )
    assert platform.invoke(name, 1).json == 1
    killed = "RequestId: <id> Error: Runtime exited with error: signal: killed"
    assert failure(platform.invoke(name, 300)) == ("Runtime.ExitError", killed)
    assert any("Error Type: Runtime.OutOfMemory" in line for line in platform.logs(name))
    reports = [line for line in platform.logs(name) if line.startswith("REPORT")]
    assert 5 < int(reports[0].rpartition("Max Memory Used: ")[2].split()[0]) < 60
