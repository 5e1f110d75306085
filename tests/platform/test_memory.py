"""The configured memory holds for everything that a function is made of."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.platform.conftest import Platform

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured through /proc")

WAYS = {
    "at once": "    hoard = b'x' * (400 * 2**20)\n",
    "slowly": (
        "    hoard = []\n    while True:\n        hoard.append(b'x' * 2**22)\n        time.sleep(0.005)\n"
    ),
    "in a child": (
        "    subprocess.run([sys.executable, '-S', '-c', "
        "'import time; hoard = b\"x\" * (200 * 2**20); time.sleep(600)'])\n"
    ),
    "in many children": (
        "    for _ in range(8):\n"
        "        if os.fork() == 0:\n"
        "            os.setsid()\n"
        "            hoard = bytearray(b'x' * (30 * 2**20))\n"
        "            time.sleep(600)\n"
        "    time.sleep(600)\n"
    ),
    "in a grandchild": (
        "    if os.fork() == 0:\n"
        "        if os.fork() == 0:\n"
        "            hoard = b'x' * (200 * 2**20)\n"
        "            time.sleep(600)\n"
        "        os._exit(0)\n"
        "    time.sleep(600)\n"
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_too_much_memory_ends_the_environment_and_says_so(platform: Platform, way: str) -> None:
    name = platform.create(
        "import os, subprocess, sys, time\n"
        "count = 0\n"
        "def handler(event, context):\n"
        "    global count\n"
        "    count += 1\n"
        "    if event:\n"
        "        hoard()\n"
        "    return count\n"
        "def hoard():\n" + WAYS[way],
        Timeout=20,
    )
    assert platform.invoke(name, 0).json == 1
    answer = platform.invoke(name, 1)
    request_id = answer.headers["x-amzn-RequestId"]
    assert answer.headers["X-Amz-Function-Error"] == "Unhandled"
    assert answer.json == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: signal: killed",
    }
    report = platform.logs(name)[-1]
    assert report.startswith(f"REPORT RequestId: {request_id}\t")
    assert "\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t" in report
    assert report.endswith("Status: error\tError Type: Runtime.OutOfMemory\n")
    assert platform.invoke(name, 0).json == 1


def test_too_much_memory_at_init(platform: Platform) -> None:
    name = platform.create("hoard = b'x' * (300 * 2**20)\nimport time\ntime.sleep(600)\n", Timeout=20)
    answer = platform.invoke(name, 1)
    assert answer.json["errorType"] == "Runtime.ExitError"
    assert answer.json["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    reports = [line for line in platform.logs(name) if line.startswith("INIT_REPORT")]
    assert [line.partition(" ms\t")[2] for line in reports] == [
        "Phase: init\tStatus: error\tError Type: Runtime.OutOfMemory\n",
        "Phase: invoke\tStatus: error\tError Type: Runtime.OutOfMemory\n",
    ]
    assert platform.logs(name)[-1].endswith("Status: error\tError Type: Runtime.OutOfMemory\n")


def test_more_memory_for_who_asks_for_it(platform: Platform) -> None:
    name = platform.create(
        "import time\n"
        "def handler(event, context):\n"
        "    hoard = b'x' * (150 * 2**20)\n"
        "    time.sleep(0.1)\n"
        "    return len(hoard)\n",
        MemorySize=256,
    )
    assert platform.invoke(name, 1).json == 150 * 2**20
    report = platform.logs(name)[-1]
    used = int(report.partition("Max Memory Used: ")[2].split()[0])
    assert 150 < used < 256
    assert "Memory Size: 256 MB" in report


def test_memory_that_is_only_shared_is_not_counted_twice(platform: Platform) -> None:
    name = platform.create(
        "import os, time\n"
        "held = b'x' * (60 * 2**20)\n"
        "def handler(event, context):\n"
        "    children = []\n"
        "    for _ in range(4):\n"
        "        child = os.fork()\n"
        "        if child == 0:\n"
        "            time.sleep(0.3)\n"
        "            os._exit(0)\n"
        "        children.append(child)\n"
        "    for child in children:\n"
        "        os.waitpid(child, 0)\n"
        "    return len(held)\n"
    )
    assert platform.invoke(name, 1).json == 60 * 2**20
