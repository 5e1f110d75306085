"""Environments as functions and the platform meet them, on every interpreter there is."""

from __future__ import annotations

import array
import fcntl
import json
import os
import signal
import struct
import sys
import termios
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from tests.runtime.conftest import listening

from lambent.execution.interpreters import Interpreters

if TYPE_CHECKING:
    import socket

    from tests.runtime.conftest import Start

RUNTIMES = [interpreter.runtime for interpreter in Interpreters()]
OWN = f"python3.{sys.version_info[1]}"
ECHO = "def handler(event, context):\n    return event\n"
RUN = "import os, sys\ndef handler(event, context):\n    return eval(event)\n"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_answers_on_every_interpreter(start: Start, runtime: str) -> None:
    source = """
import logging, os, sys
from decimal import Decimal
def handler(event, context):
    if event == "fail":
        return [][0]
    logging.getLogger().setLevel("INFO")
    logging.info("told")
    print("printed")
    return {"version": list(sys.version_info[:2]), "price": Decimal("1.10"), "context": context.aws_request_id,
            "left": context.get_remaining_time_in_millis() > 0}
"""
    environment = start(source, runtime=runtime, view=True)
    answer = environment.invoke({})
    assert answer.kind == b"O"
    assert answer.value["version"] == [3, int(runtime.rpartition(".")[2])]
    assert answer.value["left"]
    assert b'"price": 1.10' in answer.body
    assert answer.logs[0].startswith("[INFO]\t")
    assert answer.logs[0].endswith(f"Z\t{answer.value['context']}\ttold\n")
    assert environment.printed(b"printed\n") == b"printed\n"
    failed = environment.invoke("fail")
    assert failed.kind == b"E"
    assert failed.value["errorType"] == "IndexError"
    assert failed.value["stackTrace"][0].startswith(
        '  File "/var/task/app.py", line 6, in handler\n    return'
    )
    assert "\u00a0\u00a0File" in failed.logs[0]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_init_errors_on_every_interpreter(start: Start, runtime: str) -> None:
    environment, answer = start.attempt({"app.py": "import nothing\n"}, runtime=runtime)
    assert answer.kind == b"I"
    assert answer.value == {
        "errorMessage": "Unable to import module 'app': No module named 'nothing'",
        "errorType": "Runtime.ImportModuleError",
        "requestId": "",
        "stackTrace": [],
    }
    assert answer.logs[0].startswith("[WARNING]\t")
    assert "\tLAMBDA_WARNING: Unhandled exception. The most likely cause is" in answer.logs[0]
    assert answer.logs[1].startswith("[ERROR] Runtime.ImportModuleError: Unable to import")
    assert environment.gone() == 1 << 8


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_six_megabytes_both_ways(start: Start, runtime: str) -> None:
    environment = start(ECHO, runtime=runtime)
    for text in ("x" * 6_291_000, "é" * 3_000_000):
        payload = json.dumps(text, ensure_ascii=False).encode()
        environment.send(payload)
        assert json.loads(environment.receive().body) == text
    assert environment.invoke(1).body == b"1"


@pytest.mark.parametrize("size", [0, 1, 65_000, 65_482, 65_483, 65_536, 65_537, 200_000, 1_000_000])
def test_payloads_of_every_size(start: Start, size: int) -> None:
    environment = start(ECHO)
    payload = b'"' + b"x" * size + b'"'
    for _ in range(2):
        environment.send(payload, trace=b"Root=1", extra={"tenant_id": "t"})
        assert environment.receive().body == payload


@pytest.mark.parametrize("cut", [1, 20, 53, 54, 55, 58, 70, 80])
def test_request_in_pieces(start: Start, cut: int) -> None:
    environment = start(ECHO)
    payload = b'{"key": "value"}'
    request = struct.pack(">IQ36sHI", len(payload), 0, b"x" * 36, 6, 0) + b"Root=1" + payload
    environment.socket.sendall(request[:cut])
    # The environment has taken the first piece before the second is sent.
    start.lab.until(lambda: _unread(environment.socket) == 0, "the first piece was not read")
    environment.socket.sendall(request[cut:])
    assert environment.receive().body == payload


def _unread(sent: socket.socket) -> int:
    """Bytes that the other end has not taken yet."""
    waiting = array.array("i", [0])
    fcntl.ioctl(sent, termios.TIOCOUTQ, waiting)
    return waiting[0]


def test_variables_are_those_of_init_alone(start: Start) -> None:
    environment = start(RUN, variables={"A": "1", "B": "é=x"})
    assert environment.invoke("dict(os.environ)").value == {"TZ": ":UTC", "A": "1", "B": "é=x"}
    code = "__import__('subprocess').check_output(['/usr/bin/env']).decode()"
    assert sorted(environment.invoke(code).value.split()) == ["A=1", "B=é=x", "TZ=:UTC"]


def test_process_is_set_up(start: Start) -> None:
    environment = start(RUN, view=True)

    def evaluate(code: str) -> Any:
        return environment.invoke(code).value

    assert evaluate("os.getpgid(0) == os.getpid()")
    assert evaluate("sys.stdin.read()") == ""
    assert evaluate("[sys.stdout.encoding, sys.stderr.encoding]") == ["utf-8", "utf-8"]
    assert evaluate("__import__('resource').getrlimit(__import__('resource').RLIMIT_NOFILE)") == [1024, 1024]
    assert evaluate("__import__('resource').getrlimit(__import__('resource').RLIMIT_STACK)[0]") == 8_388_608
    assert evaluate("__import__('time').tzname") == ["UTC", "UTC"]
    assert evaluate("os.umask(0o22)") == 0o22
    assert evaluate("__import__('gc').isenabled()")
    assert evaluate("[__import__('signal').getsignal(n) == 0 for n in (15, 17)]") == [True, True]
    assert evaluate("__import__('locale').getpreferredencoding(False)") == "UTF-8"
    assert evaluate("sys.argv") == ["/var/runtime/bootstrap.py", "app.handler"]
    assert evaluate("[m for m in sys.modules if 'asyncio' in m or 'boto' in m]") == []
    # 0, 1, 2, the directory that is being listed, and those to the platform: socket and output.
    assert evaluate("sorted(map(int, os.listdir('/proc/self/fd')))") == [0, 1, 2, 3, 1024, 1025]
    child = "__import__('subprocess').check_output(['ls', '/proc/self/fd'], close_fds=False).split()"
    assert evaluate(f"len({child})") == 4


def test_peak_memory_is_told(start: Start) -> None:
    environment = start("def handler(event, context):\n    bytearray(b'x' * event)\n")
    before = environment.invoke(1).peak_kib
    assert 5_000 < before < 60_000
    assert environment.invoke(50_000_000).peak_kib > before + 40_000


def test_output_is_unbuffered_and_may_be_anything(start: Start) -> None:
    environment = start(
        "import os, sys\n"
        "def handler(event, context):\n"
        "    print('text é', flush=False)\n"
        "    sys.stdout.buffer.write(bytes(range(256)))\n"
        "    sys.stdout.flush()\n"
        "    sys.stderr.write('\\udcff')\n"
        "    sys.stdout.writelines(['a', 'b'])\n"
        "    os.write(1, b'L\\0\\0\\0\\5junk!')\n"
        "    return 'fine'\n"
    )
    assert environment.invoke().value == "fine"
    assert environment.invoke().value == "fine"
    expected = "text é\n".encode() + bytes(range(256)) + b"\\udcff" + b"abL\0\0\0\5junk!"
    assert environment.printed(expected * 2) == expected * 2


def test_print_of_half_a_surrogate_pair_is_an_error(start: Start) -> None:
    answer = start("def handler(event, context):\n    print('\\udcff')\n").invoke()
    assert answer.value["errorType"] == "UnicodeEncodeError"


def test_closing_all_descriptors_does_no_harm(start: Start) -> None:
    environment = start(
        "import os\ndef handler(event, context):\n    os.closerange(0, 1024)\n    return 'here'\n"
    )
    for _ in range(3):
        assert environment.invoke().value == "here"


def test_closing_the_socket_ends_the_environment(start: Start) -> None:
    environment = start("import os\ndef handler(event, context):\n    os.closerange(0, 5000)\n")
    environment.send(b"1")
    assert environment.gone() != 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("sys.exit()", 0),
        ("sys.exit(0)", 0),
        ("sys.exit(7)", 7 << 8),
        ("sys.exit('words')", 1 << 8),
        ("exit(3)", 3 << 8),
        ("quit()", 0),
        ("os._exit(9)", 9 << 8),
        ("raise KeyboardInterrupt", int(signal.SIGINT)),
        ("raise GeneratorExit", 1 << 8),
        ("os.kill(os.getpid(), 15)", int(signal.SIGTERM)),
        ("os.abort()", int(signal.SIGABRT)),
    ],
)
@pytest.mark.parametrize("where", ["handler", "module"])
def test_ways_to_end(start: Start, body: str, status: int, where: str) -> None:
    if where == "handler":
        source = f"import atexit, os, sys\natexit.register(print, 'bye')\ndef handler(e, c):\n    {body}\n"
        environment = start(source)
        environment.send(b"1")
    else:
        environment = start.begin(
            {"app.py": f"import atexit, os, sys\natexit.register(print, 'bye')\n{body}\n"}
        )
    assert environment.gone() & 0xFF7F == status
    with pytest.raises(EOFError) as ended:
        environment.receive()
    by_interpreter = status not in (9 << 8, int(signal.SIGTERM), int(signal.SIGABRT))
    assert ("bye" in str(ended.value)) is by_interpreter
    assert ("words" in str(ended.value)) is ("words" in body)


def test_result_that_cannot_be_written_ends_the_environment(start: Start) -> None:
    # As on AWS: the text is marshalled, then cannot be sent.
    environment = start(
        "def handler(event, context):\n    return '\\udcff'\n",
        variables={"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"},
    )
    environment.send(b"1")
    assert environment.gone() == 1 << 8
    assert b"UnicodeEncodeError" in environment.output()


def test_a_forked_child_that_returns_answers_nothing(start: Start) -> None:
    environment = start(
        "import logging, os\n"
        "def handler(event, context):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        logging.error('from the child')\n"
        "        return 'child'\n"
        "    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\n"
    )
    for _ in range(3):
        answer = environment.invoke()
        assert (answer.value, answer.logs) == (0, [])
    assert environment.printed(b"from the child\n").startswith(b"[ERROR]\t")


def test_processes_of_the_handler_work(start: Start) -> None:
    environment = start(
        "import logging, multiprocessing, subprocess, sys\n"
        "def work(connection):\n"
        "    logging.error('working')\n"
        "    connection.send(5)\n"
        "def handler(event, context):\n"
        "    here, there = multiprocessing.Pipe()\n"
        "    process = multiprocessing.get_context(event).Process(target=work, args=(there,))\n"
        "    process.start()\n"
        "    value = here.recv()\n"
        "    process.join()\n"
        "    return value\n"
    )
    for method in ("fork", "spawn"):
        assert environment.invoke(method).value == 5


def test_threads_log_while_the_handler_answers(start: Start) -> None:
    environment = start(
        "import logging, threading\n"
        "log = logging.getLogger()\n"
        "def work():\n"
        "    while True:\n"
        "        log.error('x' * 3000)\n"
        "threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]\n"
        "def handler(event, context):\n"
        "    if event == 'go':\n"
        "        [thread.start() for thread in threads]\n"
        "    return event\n"
    )
    environment.invoke("go")
    seen = 0
    for _ in range(50):
        answer = environment.invoke("y" * 100_000)
        assert answer.value == "y" * 100_000
        assert all(log.endswith("\t" + "x" * 3000 + "\n") for log in answer.logs)
        seen += len(answer.logs)
    assert seen


def test_a_thread_that_never_ends_keeps_the_process_as_in_any_program(start: Start) -> None:
    environment = start(
        "import sys, threading, time\n"
        "def handler(event, context):\n"
        "    threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "    print('ending', flush=True)\n"
        "    sys.exit(0)\n"
    )
    environment.send(b"1")
    environment.printed(b"ending\n")
    environment.kill()
    assert os.WTERMSIG(environment.gone()) == signal.SIGKILL


def test_large_and_many_log_events(start: Start) -> None:
    environment = start(
        "import logging\n"
        "def handler(event, context):\n"
        "    for number in range(event):\n"
        "        logging.error('%s', 'é' * number)\n"
        "    logging.error('z' * 1_000_000)\n"
    )
    logs = environment.invoke(1000).logs
    assert [log.split("\t", 3)[3] for log in logs[:-1]] == ["é" * number + "\n" for number in range(1000)]
    assert logs[-1].endswith("z" * 1_000_000 + "\n")


def test_custom_resources_answer_by_https_although_the_platform_speaks_http(start: Start) -> None:
    source = """
        from http.client import HTTPSConnection
        from urllib.parse import urlsplit

        def handler(event, context):
            url = urlsplit(event["ResponseURL"])
            answers = []
            for host in (url.netloc, url.hostname):
                connection = HTTPSConnection(host)
                connection.request("PUT", url.path, body="{}", headers={"content-type": ""})
                answers.append(connection.getresponse().status)
                connection.close()
            return answers
    """
    environment = start(textwrap.dedent(source))
    with listening() as (url, asked):
        answer = environment.invoke({"ResponseURL": f"{url}/_lambent/responses/secret"})
    assert json.loads(answer.body) == [200, 200]
    assert asked == ["PUT /_lambent/responses/secret {}"] * 2


def test_trace_header_comes_and_goes(start: Start) -> None:
    environment = start(RUN)
    code = "os.environ.get('_X_AMZN_TRACE_ID')"
    child = "__import__('subprocess').check_output(['sh', '-c', 'echo $_X_AMZN_TRACE_ID']).decode().strip()"
    assert environment.invoke(code).value is None
    assert environment.invoke(code, trace=b"Root=1").value == "Root=1"
    assert environment.invoke(child, trace=b"Root=2").value == "Root=2"
    assert environment.invoke(code).value is None


def test_state_stays_between_invocations(start: Start) -> None:
    environment = start(
        "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count\n"
    )
    assert [environment.invoke().value for _ in range(3)] == [1, 2, 3]


def test_asyncio_works(start: Start) -> None:
    source = (
        "import asyncio\n"
        "async def work():\n"
        "    process = await asyncio.create_subprocess_exec('true')\n"
        "    return await process.wait()\n"
        "def handler(event, context):\n"
        "    return asyncio.run(work())\n"
    )
    environment = start(source, view=True)
    assert [environment.invoke().value for _ in range(2)] == [0, 0]


def test_settings_of_init_rule_the_log(start: Start) -> None:
    source = "import logging\ndef handler(event, context):\n    logging.debug('d')\n    logging.error('e')\n"
    answer = start(source, log_format="JSON", log_level="DEBUG").invoke()
    assert [json.loads(log)["level"] for log in answer.logs] == ["DEBUG", "ERROR"]
    answer = start(source, log_format="Text", log_level="ERROR").invoke()
    assert [log.split("\t")[0] for log in answer.logs] == ["[ERROR]"]


def test_modules_of_the_runtime_do_not_stand_in_the_way(start: Start) -> None:
    names = [
        "bootstrap",
        "channel",
        "context",
        "environment",
        "faults",
        "forkserver",
        "logs",
        "marshaller",
        "mounts",
        "sandbox",
        "zygote",
    ]
    files = {f"{name}.py": f"NAME = {name!r}\n" for name in names}
    files["app.py"] = (
        f"import {', '.join(names)}\ndef handler(e, c): return [m.NAME for m in ({', '.join(names)},)]\n"
    )
    environment, _ = start.attempt(files)
    assert environment.invoke().value == names


def test_garbage_of_the_platform_ends_the_environment(start: Start) -> None:
    environment = start.lab.zygote(view=False).fork()
    environment.socket.sendall(b"\0\0\0\5nojsn")
    assert environment.gone() != 0


def test_environments_differ_in_randomness(start: Start) -> None:
    source = (
        "import random, uuid\ndef handler(event, context):\n    return [random.random(), str(uuid.uuid4())]\n"
    )
    values: list[Any] = [start(source).invoke().value for _ in range(3)]
    assert len({value for pair in values for value in pair}) == 6
