"""Trace headers that count a chain of invocations; the samples were seen on AWS or in its runtime's tests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lambent.invocation.errors import RecursiveInvocation
from lambent.invocation.lineage import (
    Lineage,
    continued,
    ends,
    farthest,
    first,
    function_hash,
    lineage_of,
    with_hop,
)

HEADER = "Root=1-66393a26-0000000017acacbad335fb99;Parent=12f5e70cc905dfb7;Sampled=0"


def target(name: str = "a", loop: str = "Terminate") -> Any:
    function = SimpleNamespace(id=name, settings=SimpleNamespace(recursive_loop=loop))
    return SimpleNamespace(function=function, invoked_arn=f"arn:{name}")


@pytest.mark.parametrize(
    ("text", "hops", "functions"),
    [
        ("Lineage=1:8adfd012:0", 1, (("8adfd012", 0),)),
        ("Lineage=2:aaa9bd69:0;Self=1-67891233", 2, (("aaa9bd69", 0),)),
        ("Lineage=3:8adfd012:1|c512fbe3:0", 3, (("8adfd012", 1), ("c512fbe3", 0))),
        ("Lineage=3:8adfd012:1%7Cc512fbe3:0", 3, (("8adfd012", 1), ("c512fbe3", 0))),
        ("Lineage=a87bd80c:0", 1, (("a87bd80c", 0),)),
        ("Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2", 11, (("a87bd80c", 1), ("68fd508a", 5), ("c512fbe3", 2))),
        ("Lineage=foo:1|bar:65535", 65538, (("foo", 1), ("bar", 65535))),
        ("", 0, ()),
        ("Lineage=", 0, ()),
        ("Lineage=:::", 0, ()),
        ("Lineage=1:a:-1", 0, ()),
        ("Lineage=1:a:99999999999", 0, ()),
        ("Lineage=\u0663:a:\u0663", 0, ()),
    ],
)
def test_what_a_header_says(text: str, hops: int, functions: tuple[tuple[str, int], ...]) -> None:
    assert lineage_of(f"{HEADER};{text}" if text else HEADER) == Lineage(hops, functions)


def test_a_chain_begins_with_a_new_header() -> None:
    assert with_hop("", "a").endswith(f";Sampled=0;Lineage=1:{function_hash('a')}:0")
    assert with_hop(HEADER, "a") == f"{HEADER};Lineage={first('a')}"


def test_a_hop_replaces_the_field_and_leaves_the_others() -> None:
    a, b = function_hash("a"), function_hash("b")
    once = with_hop(f"Self=1-67891233;{HEADER}", "a")
    twice = with_hop(once + ";Other=x", "b")
    assert twice == f"Self=1-67891233;{HEADER};Other=x;Lineage=2:{b}:0|{a}:0"
    assert with_hop(twice, "a").endswith(f";Lineage=3:{a}:1|{b}:0")


def test_what_is_no_trace_header_is_left_alone() -> None:
    assert with_hop("x" * 3000, "a") == "x" * 3000


def test_a_chain_of_many_functions_stays_short() -> None:
    header = ""
    for number in range(100):
        header = with_hop(header, str(number))
    assert len(header) < 1000
    assert lineage_of(header).hops == 100


def test_the_seventeenth_run_is_one_too_many() -> None:
    header = ""
    for _ in range(16):
        header = continued(header, target())
    with pytest.raises(RecursiveInvocation, match="arn:a"):
        continued(header, target())
    assert ends(with_hop(header, "a"), target())
    assert not ends(with_hop(header, "a"), target(loop="Allow"))
    other = continued(header, target("b"))  # it has not run so often
    with pytest.raises(RecursiveInvocation):
        continued(other, target("a"))


def test_of_a_batch_the_one_that_was_here_most_often() -> None:
    once = with_hop("", "a")
    elsewhere = with_hop(with_hop(with_hop("", "b"), "b"), "b")
    twice = with_hop(once, "a")
    assert farthest(["", HEADER, once, twice, elsewhere], target()) == twice
    assert farthest(["", HEADER, elsewhere], target()) == elsewhere
    assert farthest(["", HEADER], target()) == HEADER
    assert farthest([], target()) == ""
