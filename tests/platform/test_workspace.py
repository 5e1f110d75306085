"""The private directories of environments on disk: made, and gone with their environment."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

ECHO = "def handler(event, context):\n    return event\n"

BUSY = """
import os, threading

def write():
    number = 0
    while True:
        open(f"/tmp/{number}", "w").close()
        number += 1
        if number > 1000:
            try:
                os.unlink(f"/tmp/{number - 1000}")
            except OSError:
                pass

threading.Thread(target=write, daemon=True).start()

def handler(event, context):
    return event
"""


def test_an_environment_that_has_no_directory_is_an_error_at_once(own: Callable[..., Platform]) -> None:
    platform = own()
    name = platform.create(ECHO)
    directories = platform.data / "environments"
    shutil.rmtree(directories)
    for _ in range(2):
        answer = platform.invoke(name, 1)
        assert answer.status == 500
        assert answer.headers["x-amzn-ErrorType"] == "ServiceException"
        assert "No such file or directory" in answer.json["Message"]
    directories.mkdir()
    assert platform.invoke(name, 1).json == 1
    assert platform.stop() == 0
    assert "Traceback" not in platform.printed


def test_directories_go_even_if_something_wrote_to_the_last(
    own: Callable[..., Platform], poll: Callable[..., Any], private_view: None
) -> None:
    platform = own()
    name = platform.create(BUSY)
    for seconds in range(10, 20):
        platform.invoke(name, 1)
        platform.aws.update_function_configuration(FunctionName=name, Timeout=seconds)
        platform.settle(name)
    platform.aws.delete_function(FunctionName=name)
    poll(lambda: not list((platform.data / "environments").iterdir()))
