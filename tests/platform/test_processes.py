"""Functions that start processes, threads and sockets, and what is left of them."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Gate, Platform


def printed_pids(platform: Platform, name: str) -> list[int]:
    """The pids that a function printed as `pid N`."""
    return [int(line.split()[1]) for line in platform.logs(name) if line.startswith("pid ")]


def test_a_forked_child_may_come_back_from_the_handler(platform: Platform) -> None:
    name = platform.create(
        "import os\n"
        "count = 0\n"
        "def handler(event, context):\n"
        "    global count\n"
        "    count += 1\n"
        "    mother = os.getpid()\n"
        "    pid = os.fork()\n"
        "    print('pid', os.getpid() if pid == 0 else pid)\n"
        "    if event == 'raise' and pid == 0:\n"
        "        raise ValueError('in the child')\n"
        "    return [pid != 0, os.getpid() == mother, count]\n"
    )
    assert platform.invoke(name, "return").json == [True, True, 1]
    assert platform.invoke(name, "raise").json == [True, True, 2]
    assert platform.invoke(name, "return").json == [True, True, 3]


def test_multiprocessing_works(platform: Platform) -> None:
    name = platform.create(
        "import multiprocessing\n"
        "def square(pipe, number):\n"
        "    pipe.send(number * number)\n"
        "    pipe.close()\n"
        "def handler(event, context):\n"
        "    started = []\n"
        "    for number in event:\n"
        "        ours, theirs = multiprocessing.get_context('fork').Pipe()\n"
        "        child = multiprocessing.get_context('fork').Process(target=square, args=(theirs, number))\n"
        "        child.start()\n"
        "        started.append((ours, child))\n"
        "    answers = [ours.recv() for ours, _ in started]\n"
        "    for _, child in started:\n"
        "        child.join()\n"
        "    return answers\n"
    )
    assert platform.invoke(name, [1, 2, 3]).json == [1, 4, 9]


STUBBORN = """
import os, signal, subprocess, sys, time

count = 0

# Ignores SIGTERM, leaves session and process group, forks twice: nothing that killpg would find.
DAEMON = '''
import os, signal, time
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
os.write(1, b"pid %d" % os.getpid() + bytes([10]))
time.sleep(600)
'''

def handler(event, context):
    global count
    count += 1
    if event == "keep":
        with open("/tmp/kept", "w") as file:
            file.write("kept")
    if event == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for _ in range(2):
            # With an environment of their own: no mark in it by which they could be found.
            subprocess.run([sys.executable, "-S", "-c", DAEMON], env={}, check=True)
        if os.fork() == 0:
            os.setsid()
            os.write(1, b"pid %d" % os.getpid() + bytes([10]))
            time.sleep(600)
        os.write(1, b"pid %d" % os.getpid() + bytes([10]))
        time.sleep(600)
    with open("/tmp/kept") as file:
        return [count, file.read()]
"""


def test_a_timeout_ends_everything_that_was_started(
    platform: Platform, living: Callable[[int], bool], poll: Callable[..., Any]
) -> None:
    name = platform.create(STUBBORN, Timeout=1)
    assert platform.invoke(name, "keep").json == [1, "kept"]
    answer = platform.invoke(name, "hang", tail=True)
    request_id = answer.headers["x-amzn-RequestId"]
    assert answer.headers["X-Amz-Function-Error"] == "Unhandled"
    # AWS-recorded: test_lambda_invoke_with_timeout.
    assert answer.json == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 1.00 seconds",
    }
    pids = printed_pids(platform, name)
    assert len(pids) == 4
    poll(lambda: not any(map(living, pids)), seconds=2)
    lines = platform.logs(name)
    assert any(line.endswith(f"Z {request_id} Task timed out after 1.00 seconds\n\n") for line in lines)
    assert lines[-1].startswith(f"REPORT RequestId: {request_id}\tDuration: 1")
    assert lines[-1].endswith("Status: timeout\n")
    # The same environment in a new process: /tmp is there, module state is new.
    assert platform.invoke(name, 1).json == [1, "kept"]
    assert len({event["logStreamName"] for event in platform.log_events(name)}) == 1


def test_a_timeout_while_others_wait(platform: Platform, background: Callable[..., Any]) -> None:
    name = platform.create(
        "import time\ndef handler(event, context):\n    time.sleep(600 * event)\n    return event\n",
        Timeout=1,
    )
    calls = [background(lambda hang=hang: platform.invoke(name, hang)) for hang in (1, 0, 1, 0)]
    kinds = [call.result().json for call in calls]
    assert kinds[1] == kinds[3] == 0
    assert kinds[0]["errorType"] == kinds[2]["errorType"] == "Sandbox.Timedout"


@pytest.mark.parametrize("body", ["while True: pass", "__import__('threading').Event().wait()"])
def test_the_clock_stops_any_handler(platform: Platform, body: str) -> None:
    name = platform.create(f"def handler(event, context):\n    if event:\n        {body}\n", Timeout=1)
    assert platform.invoke(name, 1).json["errorType"] == "Sandbox.Timedout"
    assert platform.invoke(name, 0).json is None


def test_standard_input_is_empty(platform: Platform) -> None:
    name = platform.create("import sys\ndef handler(event, context):\n    return sys.stdin.read()\n")
    assert platform.invoke(name, 1).json == ""


def test_what_a_crashed_runtime_had_started_ends_with_it(
    platform: Platform, living: Callable[[int], bool], poll: Callable[..., Any]
) -> None:
    name = platform.create(
        "import os, subprocess\n"
        "def handler(event, context):\n"
        "    if event:\n"
        "        child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "        print('pid', child.pid, flush=True)\n"
        "        os._exit(1)\n"
    )
    assert platform.invoke(name, 1).json["errorType"] == "Runtime.ExitError"
    (pid,) = printed_pids(platform, name)
    poll(lambda: not living(pid), seconds=2)
    assert platform.invoke(name, 0).json is None


def test_children_outlive_the_invocation_but_not_the_environment(
    platform: Platform, living: Callable[[int], bool], poll: Callable[..., Any], zipped: Callable[..., bytes]
) -> None:
    name = platform.create(
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "def handler(event, context):\n"
        "    return child.poll(), child.pid\n"
    )
    status, pid = platform.invoke(name, 1).json
    assert status is None
    assert platform.invoke(name, 1).json == [None, pid]
    platform.aws.delete_function(FunctionName=name)
    poll(lambda: not living(pid), seconds=5)


def test_threads_and_sockets_may_stay_open(platform: Platform) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        name = platform.create(
            "import itertools, socket, threading, time\n"
            "kept = []\n"
            "def talk():\n"
            "    for number in itertools.count():\n"
            "        print('still here', number)\n"
            "        time.sleep(0.01)\n"
            "def handler(event, context):\n"
            "    for daemon in (True, False):\n"
            "        thread = threading.Thread(target=talk, daemon=daemon)\n"
            "        thread.start()\n"
            "    kept.append(socket.create_connection(('127.0.0.1', event)))\n"
            "    kept.append(socket.create_server(('127.0.0.1', 0)))\n"
            "    return threading.active_count()\n"
        )
        port = listener.getsockname()[1]
        assert [platform.invoke(name, port).json for _ in range(3)] == [3, 5, 7]
        # They end with the environment: the other ends of the sockets see it.
        ends = [listener.accept()[0] for _ in range(3)]
        platform.aws.delete_function(FunctionName=name)
        for end in ends:
            with end:
                end.settimeout(10)
                assert end.recv(1) == b""


def test_all_usual_file_descriptors_may_be_closed(platform: Platform) -> None:
    name = platform.create(
        "import os\n"
        "count = 0\n"
        "def handler(event, context):\n"
        "    global count\n"
        "    count += 1\n"
        "    print('seen once')\n"
        "    os.closerange(0, 1024)\n"
        "    return count\n"
    )
    assert platform.invoke(name, 1).json == 1
    # Printing fails from now on, which is the function's own doing; the runtime goes on.
    answer = platform.invoke(name, 1).json
    assert answer["errorType"] == "OSError"
    assert platform.logs(name).count("seen once\n") == 1


def test_closing_the_platforms_socket_ends_the_environment_only(platform: Platform) -> None:
    name = platform.create(
        "import os\ncount = 0\n"
        "def handler(event, context):\n"
        "    global count\n"
        "    count += 1\n"
        "    if event:\n"
        "        os.closerange(3, 65536)\n"
        "    return count\n",
        Timeout=5,
    )
    assert platform.invoke(name, 0).json == 1
    answer = platform.invoke(name, 1)
    assert answer.json["errorType"] == "Runtime.ExitError"
    assert platform.invoke(name, 0).json == 1


# What is found on the platform's end of the environment's socket when a function writes there.
GARBAGE = {
    "noise": b"\xff" * 100_000,
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "zeros": b"\0" * 1000,
    "huge result": b"O\xff\xff\xff\xff" + b"x" * 1000,
    "huge log": b"L\xff\xff\xff\xff" + b"x" * 1000,
    "short result": b"O\0\0\0\1x",
    "short log": b"L\0\0\0\0",
    "log from far away": b"L\0\0\0\x0a" + b"\xff" * 8 + b"hi",
    "log from long ago": b"L\0\0\0\x0a" + b"\0" * 8 + b"hi",
    "init error": b"I\0\0\0\2{}",
    "no init error": b"I\0\0\0\1{",
    "ready": b"R\0\0\0\4\0\0\0\1R\0\0\0\0",
    "half a frame": b"O\0\0",
    "wrong memory": b"O\0\0\0\6\xff\xff\xff\xff{}",
}


# Some end with what they hide, and that takes the whole timeout; enough if that is seen once.
MOMENTS = [
    *(("handler", kind) for kind in GARBAGE),
    *(
        ("init", kind)
        for kind in ("noise", "zeros", "huge result", "short log", "init error", "log from far away")
    ),
    *(("between", kind) for kind in ("noise", "huge result", "short result", "init error", "ready")),
]


@pytest.mark.parametrize(("moment", "kind"), MOMENTS)
def test_garbage_on_the_platforms_socket_hurts_nobody_else(
    platform: Platform, moment: str, kind: str
) -> None:
    garbage = GARBAGE[kind]
    name = platform.create(
        "import os, stat, threading, time\n"
        "garbage = bytes.fromhex(os.environ['GARBAGE'])\n"
        "def write():\n"
        "    for number in map(int, os.listdir('/proc/self/fd')):\n"
        "        try:\n"
        "            if number > 2 and stat.S_ISSOCK(os.fstat(number).st_mode):\n"
        "                os.write(number, garbage)\n"
        "        except OSError:\n"
        "            pass\n"
        "once = not os.path.exists('/tmp/once')\n"
        "open('/tmp/once', 'w').close()\n"
        "if once and os.environ['MOMENT'] == 'init':\n"
        "    write()\n"
        "def handler(event, context):\n"
        "    if once and os.environ['MOMENT'] == 'handler':\n"
        "        write()\n"
        "    if once and os.environ['MOMENT'] == 'between':\n"
        "        threading.Timer(0.05, write).start()\n"
        "    return 'fine'\n",
        Timeout=1,
        Environment={"Variables": {"GARBAGE": garbage[:1000].hex(), "MOMENT": moment}},
    )
    platform.invoke(name, 1)
    if moment == "between":
        platform.invoke(name, 1)
    answers = [platform.invoke(name, 1) for _ in range(3)]
    assert answers[-1].json == "fine"
    assert platform.request("GET", "/_lambent/health").json["status"] == "ok"
    assert platform.logs(name)  # can still be read


def test_recursion_without_end(platform: Platform) -> None:
    name = platform.create(
        "def deeper(n):\n    return deeper(n + 1)\n"
        "def handler(event, context):\n    return deeper(0) if event else 'fine'\n"
    )
    assert platform.invoke(name, 1).json["errorType"] == "RecursionError"
    assert platform.invoke(name, 0).json == "fine"


def test_a_very_deep_result(platform: Platform) -> None:
    name = platform.create(
        "def handler(event, context):\n"
        "    deep = []\n"
        "    for _ in range(event):\n"
        "        deep = [deep]\n"
        "    return deep\n"
    )
    assert platform.invoke(name, 100_000).json["errorType"] == "Runtime.MarshalError"
    assert platform.invoke(name, 0).json == []


def test_functions_have_a_process_group_of_their_own(platform: Platform) -> None:
    name = platform.create(
        "import os\ndef handler(event, context):\n    return os.getpgid(0) == os.getpid()\n"
    )
    assert platform.invoke(name, 1).json is True


def test_a_zygote_that_is_killed_is_replaced(
    own: Callable[..., Platform], gate: Gate, background: Any
) -> None:
    platform = own()
    name = platform.create(gate.source)
    assert (
        platform.invoke(name, payload=json.dumps({"port": gate.port}).encode(), kind="DryRun").status == 204
    )
    call = background(lambda: platform.invoke(name, {"port": gate.port}))
    gate.wait()
    (zygote,) = platform.zygotes()
    os.kill(zygote, signal.SIGKILL)
    assert call.result().json["errorType"] == "Runtime.ExitError"
    call = background(lambda: platform.invoke(name, {"port": gate.port}))
    gate.wait()
    gate.release("back again")
    assert call.result().json == "back again"
    assert platform.zygotes() != [zygote]


def test_without_a_private_view(
    own: Callable[..., Platform], living: Callable[[int], bool], poll: Callable[..., Any]
) -> None:
    platform = own(isolation="none")
    name = platform.create(
        "import os, tempfile, time\n"
        "def handler(event, context):\n"
        "    if event == 'hang':\n"
        "        if os.fork() == 0:\n"
        "            os.setsid()\n"
        "        os.write(1, b'pid %d' % os.getpid() + bytes([10]))\n"
        "        time.sleep(600)\n"
        "    with open(os.path.join(tempfile.gettempdir(), 'kept'), 'a') as file:\n"
        "        file.write('x')\n"
        "    try:\n"
        "        open(os.path.join(os.environ['LAMBDA_TASK_ROOT'], 'new'), 'w')\n"
        "    except OSError:\n"
        "        pass\n"
        "    return os.getcwd(), os.environ['LAMBDA_TASK_ROOT'], tempfile.gettempdir(), file.name\n",
        Timeout=1,
    )
    here, root, temporary, file = platform.invoke(name, 1).json
    assert here == root
    assert Path(root).parent == platform.data / "code"
    assert Path(temporary).parent == platform.data / "environments"
    assert platform.invoke(name, "hang").json["errorType"] == "Sandbox.Timedout"
    pids = printed_pids(platform, name)
    assert len(pids) == 2
    poll(lambda: not any(map(living, pids)), seconds=2)
    assert platform.invoke(name, 1).json == [here, root, temporary, file]
    assert Path(file).read_text() == "xx"
    platform.aws.delete_function(FunctionName=name)
    poll(lambda: not Path(temporary).exists())
