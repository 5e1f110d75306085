"""Log lines as they are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.dev.lines import Line, folders_of, readable

FOLDERS = {"/var/task/": "src/"}
FRAMES = """Traceback (most recent call last):
  File "/p/site-packages/lambent/app/app.py", line 2, in __call__
    return f()
           ^^^
  File "/var/task/app.py", line 9, in find
    raise KeyError(1)
KeyError: 1"""
FRAMES_OF_THE_APP = """Traceback (most recent call last):
  File "src/app.py", line 9, in find
    raise KeyError(1)
KeyError: 1"""


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("hello\n", Line("hello", "")),
        ("[WARNING] careful\n", Line("[WARNING] careful", "warning")),
        (
            "[INFO]\t2026-11-21T21:40:01.123Z\t8f1c9a52-0000-4000-8000-000000000000\tstarted\n",
            Line("[INFO] started", ""),
        ),
        (
            '[ERROR] ValueError: no\nTraceback (most recent call last):\n\xa0\xa0File "/var/task/app.py", line 3',
            Line(
                '[ERROR] ValueError: no\nTraceback (most recent call last):\n  File "src/app.py", line 3',
                "error",
            ),
        ),
        (
            '{"level":"INFO","location":"f:1","message":"Receipt sent","timestamp":"t","order":3,"to":"Ada"}',
            Line("Receipt sent  order=3  to=Ada", ""),
        ),
        (
            '{"level":"ERROR","message":"failed","timestamp":"","exception":"Traceback\\n  File \\"/var/task/a.py\\""}',
            Line('ERROR failed\nTraceback\n  File "src/a.py"', "error"),
        ),
        (
            FRAMES,
            Line(FRAMES_OF_THE_APP, "error"),
        ),
        (
            FRAMES.replace("/var/task", "/p/lambent/app"),
            Line("KeyError: 1", "error"),
        ),
        ('{"timestamp":"t","level":"DEBUG","message":{"a":1}}', Line('DEBUG {"a":1}', "debug")),
        ('{"_aws":{"Timestamp":1},"Ordered":1}', None),
        ('{"just":"data"}', Line('{"just":"data"}', "")),
        (
            "2026-11-21T21:40:01Z abc Task timed out after 3.00 seconds",
            Line("2026-11-21T21:40:01Z abc Task timed out after 3.00 seconds", "error"),
        ),
        ("[WARNING]\t2026\t\tLAMBDA_WARNING: Unhandled exception. The most likely cause …", None),
        ("", None),
    ],
)
def test_lines(message: str, shown: Line | None) -> None:
    assert readable(message, FOLDERS) == shown


def test_a_source_is_called_as_it_is_seen_from_here() -> None:
    here = Path("/home/ada/my shop")
    assert folders_of(here, None, here) == {"/var/task/": ""}
    assert folders_of(here / "src", "/x/dev/f1", here) == {"/var/task/": "src/", "/x/dev/f1/": "src/"}
    assert folders_of(Path("/elsewhere"), None, here) == {"/var/task/": "/elsewhere/"}
    assert folders_of(None, None, here) == {}
