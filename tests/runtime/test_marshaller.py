"""Marshalling beside the JSON library of the managed runtimes, on values and texts nobody thought of."""

from __future__ import annotations

from collections import namedtuple
from decimal import Decimal
from typing import Any

import pytest
import simplejson  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as some

from lambent.runtime.python.faults import Fault
from lambent.runtime.python.marshaller import marshaller

Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - what functions return
RUNTIMES = [
    None,
    "AWS_Lambda_python3.9",
    "AWS_Lambda_python3.11",
    "AWS_Lambda_python3.12",
    "AWS_Lambda_python3.14",
]


class Theirs(simplejson.JSONEncoder):  # type: ignore[misc]
    """AWS's encoder: it writes Decimals itself."""

    def default(self, value: object) -> Any:
        if isinstance(value, Decimal):
            return float("nan") if value.is_nan() else simplejson.raw_json.RawJSON(str(value))
        return super().default(value)


SCALARS = (
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text()
    | some.binary(max_size=20)
    | some.decimals()
    | some.sampled_from([set(), object, 1j, bytearray(b"x")])
)
KEYS = some.text() | some.integers() | some.floats() | some.none() | some.booleans() | some.binary(max_size=5)
VALUES = some.recursive(
    SCALARS,
    lambda inner: (
        some.lists(inner) | some.dictionaries(KEYS, inner) | some.tuples(inner, inner).map(lambda p: Pair(*p))
    ),
    max_leaves=20,
)
PLAIN = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text() | some.integers(), inner),
    max_leaves=20,
)


@given(value=VALUES | PLAIN, runtime=some.sampled_from(RUNTIMES))
def test_results_are_written_as_in_lambda(value: Any, runtime: str | None) -> None:
    encoder = Theirs(
        use_decimal=False,
        allow_nan=True,
        ensure_ascii=runtime not in ("AWS_Lambda_python3.12", "AWS_Lambda_python3.14"),
    )
    assert _outcome(marshaller(runtime).encode, value) == _outcome(encoder.encode, value)


JSON_TEXT = some.builds(
    simplejson.dumps, PLAIN, allow_nan=some.just(True), indent=some.sampled_from([None, 1])
)


@given(text=JSON_TEXT, data=some.data())
def test_events_are_read_as_in_lambda(text: str, data: some.DataObject) -> None:
    if data.draw(some.booleans()):
        # Something is missing, doubled or wrong at one place.
        at = data.draw(some.integers(0, len(text)))
        text = (
            text[:at]
            + data.draw(some.sampled_from([*'"{}[],:\\ \n', "", "nul", "-", "1", "NaN"]))
            + text[at + 1 :]
        )
    assert _outcome(marshaller(None).load, text) == _outcome(simplejson.loads, text)


def _outcome(convert: Any, value: Any) -> str:
    try:
        return repr(convert(value))
    except Fault as fault:
        return fault.message.removeprefix("Unable to unmarshal input: ")
    except (TypeError, ValueError) as error:
        return str(error)


@pytest.mark.parametrize("count", [10, 900, 3000])
def test_deep_results_say_so(count: int) -> None:
    value: Any = {"key": b"bytes"}
    for _ in range(count):
        value = [value]
    if count == 10:
        assert marshaller(None).dump(value) == "[" * 10 + '{"key": "bytes"}' + "]" * 10
    else:
        with pytest.raises(Fault, match="maximum recursion depth exceeded while encoding a JSON object"):
            marshaller(None).dump(value)
