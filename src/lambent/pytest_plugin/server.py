"""The platform's process: `python -m lambent.pytest_plugin.server`.

It prints one line of JSON when it listens, `{"url": …}`, and ends when its standard input does: whoever started it
holds the other end, so it ends with him, however he ends. Where another process has inherited that end, a child that a
test has forked and that outlives it, it sees that its parent is another.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from lambent.node.platform import Platform

_LOOK_SECONDS: Final = 0.5
_GRACE_SECONDS: Final = 2.0
"""For what still runs: nobody waits for it any more."""


def main() -> None:
    """Run a platform that keeps nothing, until standard input ends."""
    from lambent.node.run import run
    from lambent.node.settings import Settings

    told = msgspec.json.decode(sys.argv[1]) if len(sys.argv) > 1 else {}
    parent = os.getppid()
    for work in (_until_input_ends, lambda: _until_orphaned(parent)):
        threading.Thread(target=_ending_after, args=(work,), daemon=True).start()

    def ready(platform: Platform) -> None:
        print(msgspec.json.encode({"url": platform.url}).decode(), flush=True)

    settings = {
        "port": 0,
        "ephemeral": True,
        "durability": "normal",
        "linked_code": True,
        "runtime_fallback": True,
        "update_in_progress_s": 0.0,
        "provisioning_in_progress_s": 0.0,
        # What fails asynchronously is tried twice more, as ever; tests have no minutes to wait for that.
        "async_retry_seconds": (0.1, 0.2),
        **told,
    }
    run(msgspec.convert(settings, Settings), on_ready=ready)


def _until_input_ends() -> None:
    while os.read(0, 4096):
        pass


def _until_orphaned(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)


def _ending_after(work: object) -> None:
    assert callable(work)
    work()
    # Once ends it, twice without waiting for what runs.
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
