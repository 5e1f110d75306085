"""Regular expressions of templates, matched so that none of them can hold up the platform.

Python's matcher goes back and tries again, for ever with `(a+)+$`, and nothing else runs in the process while it does.
What may take long by the look of the expression and the lengths of the texts is matched in a process of its own, which
has a time limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_S: Final = 2.0
"""For all expressions of one request; what has not matched then does not match."""

_EASY: Final = 18.0
"""Binary logarithm of the steps that are done here: some ten milliseconds."""

_PROGRAM: Final = (
    "import json, re, sys\n"
    "for pattern, texts in json.load(sys.stdin):\n"
    "    print(int(all(re.compile(pattern, re.ASCII).fullmatch(text) for text in texts)), flush=True)\n"
)

_parser: Any = re._parser  # type: ignore[attr-defined]  # the only thing that knows what is in an expression
_REPEATS: Final = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


async def matching(wanted: Sequence[tuple[re.Pattern[str], Sequence[str]]]) -> list[bool]:
    """Whether all texts match the whole expression, for each of them. Expressions are ASCII ones."""
    found: dict[int, bool] = {}
    hard: list[int] = []
    for index, (pattern, texts) in enumerate(wanted):
        if all(_effort(pattern, len(text)) <= _EASY for text in texts):
            found[index] = all(pattern.fullmatch(text) for text in texts)
        else:
            hard.append(index)
    if hard:
        answers = await _elsewhere([wanted[index] for index in hard])
        found.update(zip(hard, answers, strict=True))
    return [found[index] for index in range(len(wanted))]


async def _elsewhere(wanted: list[tuple[re.Pattern[str], Sequence[str]]]) -> list[bool]:
    asked = json.dumps([(pattern.pattern, list(texts)) for pattern, texts in wanted]).encode()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-IS",
        "-c",
        _PROGRAM,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    answers: list[bool] = []
    try:
        async with asyncio.timeout(LONGEST_S):
            process.stdin.write(asked)
            process.stdin.write_eof()
            async for line in process.stdout:
                # What has been answered by the time limit counts.
                answers.append(line.strip() == b"1")  # noqa: PERF401
    except (TimeoutError, OSError):
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return answers + [False] * (len(wanted) - len(answers))


def _effort(pattern: re.Pattern[str], length: int) -> float:
    """The binary logarithm of how many steps it may take to match a text of that length."""
    try:
        ways = _ways(_parser.parse(pattern.pattern, pattern.flags), length)
    except (re.error, RecursionError, OverflowError):
        return math.inf
    return ways + math.log2(length + 2)


def _ways(parsed: Any, length: int) -> float:
    total = 0.0
    for operator, argument in parsed:
        name = str(operator)
        if name in _REPEATS:
            least, most, inner = argument
            most = min(int(most), length)
            total += math.log2(max(1, most - int(least) + 1)) + most * _ways(inner, length)
        elif name == "BRANCH":
            branches = argument[1]
            total += math.log2(len(branches)) + max(_ways(branch, length) for branch in branches)
        elif name in ("SUBPATTERN", "ASSERT", "ASSERT_NOT"):
            total += _ways(argument[-1], length)
        elif name == "ATOMIC_GROUP":
            total += _ways(argument, length)
        elif name == "GROUPREF_EXISTS":
            total += 1 + sum(_ways(part, length) for part in argument[1:] if part is not None)
    return total
