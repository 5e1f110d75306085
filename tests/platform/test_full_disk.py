"""No room left: an error for what cannot be kept, nothing corrupted, and all works again afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

ECHO = "def handler(event, context):\n    return event\n"

# Logs more than the memory that logs may wait in.
TALKER = """
def handler(event, context):
    line = "x" * 999
    for _ in range(event):
        print(line)
    return "said"
"""


def assert_refuses_and_recovers(
    platform: Platform, fill: Callable[[], None], empty: Callable[[], None]
) -> None:
    """While there is no room, changes are refused with an error and what needs none works; then all works."""
    client = platform.client()
    name = platform.create(ECHO, client=client)
    assert platform.invoke(name, 1).json == 1
    talker = platform.create(TALKER, client=client, Timeout=30)
    made = {name, talker}
    fill()
    # There may be room for a little more: until there is none.
    refusals: list[tuple[int, str]] = []
    source = ECHO + "#" + os.urandom(200_000).hex()
    for number in range(200):
        try:
            made.add(platform.create(source + str(number), client=client, wait=False))
        except ClientError as error:
            refusals.append(
                (error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"])
            )
            if len(refusals) == 3:
                break
    assert refusals == [(500, "ServiceException")] * 3, refusals
    event = json.dumps("x" * 900_000).encode()
    answers = [platform.invoke(name, payload=event, kind="Event").status for _ in range(12)]
    assert set(answers) <= {202, 500}
    assert answers[-1] == 500
    assert platform.invoke(name, 2).json == 2
    assert platform.invoke(talker, 80_000).json == "said"
    assert client.get_function_configuration(FunctionName=name)["FunctionName"] == name
    assert platform.request("GET", "/_lambent/health").status == 200
    empty()
    after = platform.create(ECHO + "# after", client=client)
    assert platform.invoke(after, 3).json == 3
    made.add(after)
    assert platform.invoke(name, 4, kind="Event").status == 202
    found = {
        one["FunctionName"]
        for page in client.get_paginator("list_functions").paginate()
        for one in page["Functions"]
    }
    assert found == made


def test_a_file_size_limit(own: Callable[..., Platform]) -> None:
    """Writing beyond a limit fails as on a full disk (EFBIG); works for every user."""
    platform = own()
    resource = pytest.importorskip("resource")
    pid = platform.process.pid

    def limit(size: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    if not hasattr(resource, "prlimit"):
        pytest.skip("limits of other processes can be set on Linux only")
    assert_refuses_and_recovers(platform, lambda: limit(100_000), lambda: limit(resource.RLIM_INFINITY))
    assert "Traceback" not in platform.printed
    before = {
        one["FunctionName"]
        for page in platform.client().get_paginator("list_functions").paginate()
        for one in page["Functions"]
    }
    platform.kill()
    platform.start()
    after = {
        one["FunctionName"]
        for page in platform.client().get_paginator("list_functions").paginate()
        for one in page["Functions"]
    }
    assert after == before


@pytest.fixture
def small_disk() -> tuple[str, ...]:
    """A command that runs another one with 24 MB at /mnt, or a skip."""
    command = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--map-root-user")
    mounting = (*command, "sh", "-c", 'mount -t tmpfs -o size=24m tmpfs /mnt && exec "$@"', "sh")
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("no mount namespaces here")
    if subprocess.run([*mounting, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("not permitted to mount anything here")
    return mounting


def test_a_full_disk(own: Callable[..., Platform], small_disk: tuple[str, ...]) -> None:
    platform = own(command=small_disk, data="/mnt/data")
    filler = Path(f"/proc/{platform.process.pid}/root/mnt/filler")

    def fill() -> None:
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    assert_refuses_and_recovers(platform, fill, filler.unlink)
    assert "Traceback" not in platform.printed
