from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.execution.output import MAX_EVENT_BYTES, Output


def mark(records: int) -> bytes:
    return b"\0lambent:%08x\0" % records


@pytest.mark.parametrize(
    ("pieces", "events", "rest"),
    [
        ([b"one\ntwo\n"], ["one\n", "two\n"], []),
        ([b"o", b"ne", b"\n"], ["one\n"], []),
        ([b"one\ntw"], ["one\n"], ["tw"]),
        ([b"\n\n"], ["\n", "\n"], []),
        ([b""], [], []),
        (["é".encode()[:1], "é".encode()[1:] + b"\n"], ["é\n"], []),
        ([b"\xff\0\n"], ["\ufffd\0\n"], []),
        ([b"x" * MAX_EVENT_BYTES + b"y\n"], ["x" * MAX_EVENT_BYTES, "y\n"], []),
        ([b"x" * MAX_EVENT_BYTES, b"y"], ["x" * MAX_EVENT_BYTES], ["y"]),
        # What looks like a mark and is none.
        ([b"\0lambent:xyz\0\n"], ["\0lambent:xyz\0\n"], []),
        ([b"\0lam", b"bent\n"], ["\0lambent\n"], []),
    ],
)
def test_bytes_become_lines(pieces: list[bytes], events: list[str], rest: list[str]) -> None:
    output = Output()
    assert [event for piece in pieces for event in output.feed(piece)] == events
    assert output.unfinished == bool(rest)
    assert list(output.finish()) == rest
    assert not output.unfinished


def test_what_follows_a_mark_waits_for_its_records() -> None:
    output = Output()
    assert list(output.feed(b"a\n" + mark(2) + b"b\nc")) == ["a\n"]
    assert output.unfinished
    assert list(output.record()) == []
    assert list(output.feed(b"d\n")) == []
    assert list(output.record()) == ["b\n", "cd\n"]
    assert list(output.feed(mark(2) + b"e\n")) == ["e\n"]
    assert not output.unfinished


def test_a_begun_line_is_cut_by_a_record_and_not_by_its_mark() -> None:
    output = Output()
    assert list(output.feed(b"begun" + mark(1) + b" after\n")) == []
    assert list(output.flush()) == ["begun"]
    assert list(output.record()) == [" after\n"]


def test_marks_that_nobody_keeps_lose_nothing() -> None:
    output = Output()
    assert list(output.feed(b"a" + mark(1) + b"b\n" + mark(1) + b"c")) == []
    assert list(output.finish()) == ["a", "b\n", "c"]
    # And what waits for ever cannot fill the memory.
    line = b"x" * 99 + b"\n"
    assert list(output.feed(mark(0xFFFFFFFF) + line)) == []
    assert len([event for _ in range(2_000) for event in output.feed(line)]) > 1_900


@given(st.data())
def test_order_is_that_of_the_program(data: st.DataObject) -> None:
    """Whatever arrives first: what was printed and logged comes out as it was printed and logged."""
    program = data.draw(st.lists(st.sampled_from(["print", "log", "log", "print two lines"]), max_size=12))
    expected: list[str] = []
    pipe = b""
    sent: list[tuple[str, int]] = []  # a record, and how much was in the pipe when it was sent
    unmarked = False
    for number, action in enumerate(program):
        if action == "log":
            expected.append(f"record {number}")
            sent.append((f"record {number}", len(pipe)))
            unmarked = True
            continue
        lines = [f"line {number}\n"] * (1 if action == "print" else 2)
        if unmarked:
            pipe += mark(len(sent))
            unmarked = False
        pipe += "".join(lines).encode()
        expected += lines
    inside = {
        at for found in re.finditer(rb"\0[^\0]+\0", pipe) for at in range(found.start() + 1, found.end())
    }
    whole = [at for at in range(len(pipe) + 1) if at not in inside]
    output = Output()
    came: list[str] = []
    read = 0
    while sent or read < len(pipe):
        if sent and bool(data.draw(st.integers(0, 1))):
            # The platform empties the pipe before it takes a record. Marks are written in one piece.
            until = data.draw(st.sampled_from([at for at in whole if at >= max(read, sent[0][1])]))
            came += output.feed(pipe[read:until])
            read = until
            came += output.flush()
            came.append(sent.pop(0)[0])
            came += output.record()
        else:
            until = data.draw(st.integers(read, len(pipe)))
            came += output.feed(pipe[read:until])
            read = until
    came += output.finish()
    assert came == expected
