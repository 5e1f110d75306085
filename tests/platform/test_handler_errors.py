"""Functions that fail before, in and after their handler: what callers and logs are told."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.platform.conftest import Platform

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

# What the official runtime client says: its own functions, run in a process of their own.
OFFICIAL_INIT = """
import base64, json, sys
sys.path.insert(0, "")
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_exception import FaultException
try:
    bootstrap._get_handler(sys.argv[1])
except FaultException as fault:
    document = bootstrap.make_error(fault.msg, fault.exception_type, fault.trace)
except Exception:
    document = bootstrap.build_fault_result(sys.exc_info(), None)
print("\\n" + base64.b16encode(json.dumps(document).encode()).decode())
"""
OFFICIAL_CALL = """
import base64, sys
sys.path.insert(0, "")
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller
class Client:
    marshaller = LambdaMarshaller()
    def post_invocation_error(self, invoke_id, error, fault, *rest):
        self.answer = error
    def post_invocation_result(self, invoke_id, result, *rest):
        self.answer = result
class Sink:
    def log_error(self, lines): pass
client = Client()
handler = bootstrap._get_handler("app.handler")
bootstrap.handle_event_request(client, handler, "the-id", b"{}", None, None, None, "arn", 0, None, Sink())
answer = client.answer if isinstance(client.answer, bytes) else client.answer.encode()
print("\\n" + base64.b16encode(answer).decode())
"""


def officially(program: str, directory: Path, source: str, *arguments: str) -> bytes:
    """What the official client answers, as if everything lay where it lies in Lambda."""
    (directory / "app.py").write_text(source)
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=directory, capture_output=True, text=True, check=True
    )
    answer = base64.b16decode(ended.stdout.splitlines()[-1])
    return answer.replace(str(directory).encode(), b"/var/task").replace(
        sys.base_prefix.encode(), b"/var/lang"
    )


@pytest.mark.parametrize(
    ("handler", "source"),
    [
        ("nowhere.handler", ""),
        ("app.missing", ""),
        ("handler", ""),
        ("sys.exit", ""),
        ("folder/nowhere.handler", ""),
        ("app.handler", "import not_there\n"),
        ("app.handler", "from os import not_there\n"),
        ("app.handler", "def handler(event, context):\n    return )\n"),
        ("app.handler", "def handler(event, context):\nreturn 1\n"),
        ("app.handler", "x = 'unfinished\n"),
    ],
)
@pytest.mark.usefixtures("private_view")
def test_handlers_that_cannot_be_found(platform: Platform, tmp_path: Path, handler: str, source: str) -> None:
    expected = json.loads(officially(OFFICIAL_INIT, tmp_path, source, handler))
    name = platform.create(source, Handler=handler)
    answer = platform.invoke(name, 1, tail=True)
    assert (answer.status, answer.headers["X-Amz-Function-Error"]) == (200, "Unhandled")
    assert answer.json == expected


@pytest.mark.usefixtures("private_view")
def test_a_module_that_raises_is_tried_once_more_within_the_invocation(platform: Platform) -> None:
    name = platform.create("print('loading')\nraise Exception('Runtime startup fails')\n")
    answer = platform.invoke(name, 1)
    document = answer.json
    # AWS-recorded: test_lambda_runtime_error.
    assert document["errorMessage"] == "Runtime startup fails"
    assert document["errorType"] == "Exception"
    assert document["requestId"] == ""
    assert document["stackTrace"][-1] == (
        "  File \"/var/task/app.py\", line 2, in <module>\n    raise Exception('Runtime startup fails')\n"
    )
    assert "bootstrap.py" not in "".join(document["stackTrace"])
    lines = platform.logs(name)
    reports = [line for line in lines if line.startswith("INIT_REPORT")]
    assert [re.sub(r"[\d.]+ ms", "T", line) for line in reports] == [
        "INIT_REPORT Init Duration: T\tPhase: init\tStatus: error\tError Type: Exception\n",
        "INIT_REPORT Init Duration: T\tPhase: invoke\tStatus: error\tError Type: Exception\n",
    ]
    assert lines.count("loading\n") == 2
    assert sum(line.startswith("[ERROR] Exception: Runtime startup fails\n") for line in lines) == 2
    request_id = answer.headers["x-amzn-RequestId"]
    assert sum(line.startswith(f"START RequestId: {request_id}") for line in lines) == 1
    assert sum(line == f"END RequestId: {request_id}\n" for line in lines) == 1
    (report,) = [line for line in lines if line.startswith(f"REPORT RequestId: {request_id}")]
    assert report.endswith("Status: error\tError Type: Exception\n")
    # The next invocation tries again.
    assert platform.invoke(name, 1).json["errorMessage"] == "Runtime startup fails"
    assert platform.logs(name).count("loading\n") == 3


def test_an_init_that_works_the_second_time(platform: Platform) -> None:
    name = platform.create(
        "import os\n"
        "if not os.path.exists('/tmp/tried'):\n"
        "    open('/tmp/tried', 'w').close()\n"
        "    raise Exception('not yet')\n"
        "def handler(event, context):\n"
        "    return os.listdir('/tmp')\n"
    )
    answer = platform.invoke(name, 1)
    assert answer.json == ["tried"]
    assert answer.headers["X-Amz-Function-Error"] is None


@pytest.mark.parametrize(
    ("source", "ends"),
    [
        ("import sys\nsys.exit(0)\n", "Runtime exited without providing a reason"),
        ("import sys\nsys.exit(7)\n", "Runtime exited with error: exit status 7"),
        ("import os\nos._exit(127)\n", "Runtime exited with error: exit status 127"),
        ("import os\nos.abort()\n", "Runtime exited with error: signal: aborted"),
        ("raise KeyboardInterrupt\n", "Runtime exited with error: "),
    ],
)
def test_modules_that_end_the_runtime(platform: Platform, source: str, ends: str) -> None:
    answer = platform.invoke(platform.create(source), 1)
    request_id = answer.headers["x-amzn-RequestId"]
    assert answer.json["errorType"] == "Runtime.ExitError"
    assert answer.json["errorMessage"].startswith(f"RequestId: {request_id} Error: {ends}")


def test_an_init_of_more_than_ten_seconds(platform: Platform) -> None:
    name = platform.create(
        "import os, time\n"
        "if not os.path.exists('/tmp/slow'):\n"
        "    open('/tmp/slow', 'w').close()\n"
        "    time.sleep(600)\n"
        "def handler(event, context):\n"
        "    return 'at last'\n"
    )
    answer = platform.invoke(name, 1)
    assert answer.json == "at last"
    (report,) = [line for line in platform.logs(name) if line.startswith("INIT_REPORT")]
    found = re.fullmatch(r"INIT_REPORT Init Duration: ([\d.]+) ms\tPhase: init\tStatus: timeout\n", report)
    assert found is not None
    assert 9_990 < float(found[1]) < 13_000


def test_an_init_that_never_ends_is_covered_by_the_timeout(platform: Platform) -> None:
    # The first init ends at once, the one within the invocation does not.
    name = platform.create(
        "import os, time\n"
        "if not os.path.exists('/tmp/tried'):\n"
        "    open('/tmp/tried', 'w').close()\n"
        "    raise Exception('now it gets slow')\n"
        "time.sleep(600)\n",
        Timeout=1,
    )
    answer = platform.invoke(name, 1)
    request_id = answer.headers["x-amzn-RequestId"]
    assert answer.json == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 1.00 seconds",
    }
    last = [line for line in platform.logs(name) if line.startswith("INIT_REPORT")][-1]
    assert re.fullmatch(r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: invoke\tStatus: timeout\n", last)


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('wrong')",
        "raise ValueError('wrong') from KeyError('why')",
        "raise ValueError",
        "raise ValueError('a\\nb', 1, '\\U0001f600 \\udc80')",
        "return object()",
        "return {1, 2}",
        "return b'bytes'",
        "return {object(): 1}",
        "return float('nan')",
        "return {(1, 2): 3}",
        "return {None: 1, True: 2, 1.5: 3}",
        "return __import__('decimal').Decimal('1.10')",
        "return __import__('datetime').datetime(2020, 1, 1)",
        "return '\\ud800'",
        "return {'a': ['\\u00e9', '\\u2028']}",
        "x = []; x.append(x); return x",
        "return 1 / 0",
        "return exec('def broken(:')",
        "return handler(event, context)",
    ],
)
@pytest.mark.usefixtures("private_view")
def test_what_a_handler_raises_or_returns(platform: Platform, tmp_path: Path, body: str) -> None:
    source = f"def handler(event, context):\n    {body}\n"
    expected = officially(OFFICIAL_CALL, tmp_path, source)
    name = platform.create(source)
    answer = platform.invoke(name, {})
    if b"errorMessage" not in expected:
        assert answer.headers["X-Amz-Function-Error"] is None
        assert answer.body == expected
    else:
        assert answer.headers["X-Amz-Function-Error"] == "Unhandled"
        ours, theirs = answer.json, json.loads(expected)
        assert ours.pop("requestId") == answer.headers["x-amzn-RequestId"]
        del theirs["requestId"]
        if "recursion" in theirs["errorMessage"]:
            # How soon the limit is reached depends on who calls.
            ours["stackTrace"], theirs["stackTrace"] = ours["stackTrace"][:2], theirs["stackTrace"][:2]
        assert ours == theirs
    assert platform.invoke(name, {}).status == 200


@pytest.mark.usefixtures("private_view")
def test_a_function_error_in_the_log(platform: Platform) -> None:
    name = platform.create(
        "class CustomException(Exception):\n"
        "    pass\n"
        "def handler(event, context):\n"
        "    raise CustomException('some error occurred')\n"
    )
    request_id = platform.invoke(name, 1).headers["x-amzn-RequestId"]
    # AWS-recorded: test_invocation_type_event_error.
    error = (
        "[ERROR] CustomException: some error occurred\nTraceback (most recent call last):\n"
        '\u00a0\u00a0File "/var/task/app.py", line 4, in handler\n'
        "\u00a0\u00a0\u00a0\u00a0raise CustomException('some error occurred')"
    )
    report = (
        f"REPORT RequestId: {request_id}\tDuration: N ms\tBilled Duration: N ms\tMemory Size: N MB\t"
        "Max Memory Used: N MB\tInit Duration: N ms\t\n"
    )
    lines = [re.sub(r"[\d.]+ (ms|MB)", r"N \1", line) for line in platform.logs(name)]
    assert re.fullmatch(
        r"INIT_START Runtime Version: python:3\.\d+\.\S+\t"
        r"Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n",
        lines[0],
    )
    assert lines[1:] == [
        f"START RequestId: {request_id} Version: $LATEST\n",
        error,
        f"END RequestId: {request_id}\n",
        report,
    ]


@pytest.mark.parametrize(
    ("body", "ends"),
    [
        ("sys.exit(0)", "Runtime exited without providing a reason"),
        ("sys.exit()", "Runtime exited without providing a reason"),
        ("sys.exit(1)", "Runtime exited with error: exit status 1"),
        ("sys.exit('a reason')", "Runtime exited with error: exit status 1"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os.abort()", "Runtime exited with error: signal: aborted"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "Runtime exited with error: signal: killed"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "Runtime exited with error: signal: terminated"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "Runtime exited with error: signal: segmentation fault"),
        ("os.killpg(0, signal.SIGKILL)", "Runtime exited with error: signal: killed"),
        ("raise Stop", "Runtime exited with error: exit status 1"),
        ("raise GeneratorExit", "Runtime exited with error: exit status 1"),
        ("os.execv('/bin/false', ['false'])", "Runtime exited with error: exit status 1"),
    ],
)
def test_handlers_that_end_the_runtime(platform: Platform, body: str, ends: str) -> None:
    name = platform.create(
        "import os, signal, sys\n"
        "class Stop(BaseException):\n"
        "    pass\n"
        "count = 0\n"
        "def handler(event, context):\n"
        "    global count\n"
        "    count += 1\n"
        "    print('said before', end='')\n"
        "    if event == 'end':\n"
        f"        {body}\n"
        "    return count\n"
    )
    assert platform.invoke(name, 1).json == 1
    answer = platform.invoke(name, "end")
    request_id = answer.headers["x-amzn-RequestId"]
    assert (answer.status, answer.headers["X-Amz-Function-Error"]) == (200, "Unhandled")
    assert answer.json == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: {ends}",
    }
    lines = platform.logs(name)
    start = lines.index(f"START RequestId: {request_id} Version: $LATEST\n")
    assert lines[start + 1].startswith("said before")
    assert f"RequestId: {request_id} Error: {ends}\nRuntime.ExitError\n" in lines
    assert lines[-1].endswith("Status: error\tError Type: Runtime.ExitError\n")
    assert platform.invoke(name, 1).json == 1  # in a new process


def test_an_error_that_cannot_be_shown(platform: Platform) -> None:
    name = platform.create(
        "class Rude(Exception):\n"
        "    def __str__(self):\n"
        "        raise RuntimeError('no words')\n"
        "def handler(event, context):\n"
        "    if event:\n"
        "        raise Rude\n"
    )
    answer = platform.invoke(name, 1)
    assert (answer.status, answer.headers["X-Amz-Function-Error"]) == (200, "Unhandled")
    assert answer.json["errorType"]
    assert platform.invoke(name, 0).json is None
