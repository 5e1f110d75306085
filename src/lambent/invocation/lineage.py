"""The chain of invocations that one event has set off, as trace headers carry it, and where it is cut.

AWS's SDKs put the trace header of the running invocation on each request that a function sends; services keep it
with the message and hand it to the next function. Its field `Lineage` counts the invocations as
`{hops}:{function}:{again}` (`Lineage=1:8adfd012:0`, then `Lineage=2:…`), where `function` is a hash of the one that
was invoked last and `again` how often it had been invoked in this chain before. Where a chain goes through several
functions, the others follow, latest first: `3:8adfd012:1|c512fbe3:0`, as the X-Ray header had them before hops were
added.

A function that has run 16 times in a chain is not run by it once more, unless its RecursiveLoop is `Allow`
("Use Lambda recursive loop detection to prevent infinite loops", developer guide).
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from lambent.invocation.errors import RecursiveInvocation
from lambent.invocation.request_id import new_trace_header

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.functions import Target

MAX_RUNS: Final = 16
"""How often one function runs in one chain of invocations."""

_FIELD: Final = "Lineage="
_FIRST: Final = "Lineage=1:"
_MAX_HEADER: Final = 2000
_MAX_FUNCTIONS: Final = 32
_NUMBER: Final = re.compile("[0-9]{1,9}")


class Lineage(NamedTuple):
    """Where a chain has been."""

    hops: int
    """Invocations so far."""
    functions: tuple[tuple[str, int], ...]
    """Their hashes with how often each was invoked again, latest first."""

    def again(self, function: str) -> int:
        """How often a function was invoked in the chain."""
        return next((times + 1 for name, times in self.functions if name == function), 0)

    def through(self, function: str) -> Lineage:
        """The chain with one more invocation."""
        others = tuple(one for one in self.functions if one[0] != function)[: _MAX_FUNCTIONS - 1]
        return Lineage(self.hops + 1, ((function, self.again(function)), *others))

    def __str__(self) -> str:
        return f"{self.hops}:" + "|".join(f"{name}:{times}" for name, times in self.functions)


START: Final = Lineage(0, ())


@lru_cache(4096)
def function_hash(function_id: str) -> str:
    """Eight hexadecimal digits that stand for a function, whatever its version."""
    return hashlib.sha256(function_id.encode()).hexdigest()[:8]


def first(function_id: str) -> str:
    """The Lineage of a chain that begins with a function."""
    return f"1:{function_hash(function_id)}:0"


def lineage_of(trace: str) -> Lineage:
    """The Lineage in a trace header; one without invocations when it has none that can be read."""
    at = trace.find(_FIELD)
    if at < 0:
        return START
    text = trace[at + len(_FIELD) :].partition(";")[0]
    hops, _, rest = unquote(text).partition(":")
    functions = []
    if ":" not in rest.partition("|")[0]:
        # Without hops, as it was written until 2024: `a87bd80c:1|68fd508a:5`.
        rest, hops = f"{hops}:{rest}", ""
    for one in rest.split("|")[:_MAX_FUNCTIONS]:
        name, _, times = one.rpartition(":")
        if not name or _NUMBER.fullmatch(times) is None:
            return START
        functions.append((name, int(times)))
    if _NUMBER.fullmatch(hops) is not None:
        return Lineage(int(hops), tuple(functions))
    return Lineage(sum(times + 1 for _, times in functions), tuple(functions))


def continued(trace: str, target: Target) -> str:
    """The trace header of an invocation that a request or message with the header `trace` ("" for none) leads to.

    Raises RecursiveInvocation when the chain ends here.
    """
    header = with_hop(trace, target.function.id)
    if ends(header, target):
        raise RecursiveInvocation(target.invoked_arn)
    return header


def ends(header: str, target: Target) -> bool:
    """Whether an invocation of `target` with this header, its own hop included, is one more than may be."""
    if _FIRST in header or _FIELD not in header:
        return False
    function = target.function
    return (
        lineage_of(header).again(function_hash(function.id)) > MAX_RUNS
        and function.settings.recursive_loop != "Allow"
    )


def with_hop(trace: str, function_id: str) -> str:
    """A trace header with one more invocation of a function; a new one where there was none."""
    if not trace:
        return new_trace_header(first(function_id))
    if len(trace) > _MAX_HEADER:
        return trace  # nobody's: what it is sent with is not read either
    if _FIELD not in trace:
        return f"{trace};{_FIELD}{first(function_id)}"
    came = lineage_of(trace)
    fields = [field for field in trace.split(";") if not field.startswith(_FIELD)]
    return ";".join((*fields, f"{_FIELD}{came.through(function_hash(function_id))}"))


def farthest(headers: Iterable[str], target: Target) -> str:
    """Of the headers of several messages that are handed over together, the one whose chain was most often here.

    Empty when there is none.
    """
    name = function_hash(target.function.id)

    def rank(header: str) -> tuple[int, int]:
        lineage = lineage_of(header)
        return lineage.again(name), lineage.hops

    return max(dict.fromkeys(filter(None, headers)), key=rank, default="")
