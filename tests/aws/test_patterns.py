"""Java's regular expressions in Python."""

from __future__ import annotations

import pytest

from lambent.aws.model import load_model
from lambent.aws.patterns import ASCII, ASSIGNED, compile_pattern, matcher


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", ["größe", "日本語 2", "a=b", "½"], ["a;b", "a#b", "😀"]),
        (r"\p{Lu}\p{Ll}+", ["Éa"], ["éa", "ÉA"]),
        (r"[^\p{L}]+", ["12"], ["a"]),
        (r"\P{L}+", ["12"], ["1a"]),
        (r"[\p{Alnum}-]+", ["a-1"], ["é"]),
        (r"\pL", ["é"], ["1"]),
        (r"((?!^\d+$)^[0-9a-zA-Z-_]+$)", ["a1", "1a"], ["1", "$LATEST", ""]),
        (r"[a-zA-Z0-9-_]+", ["a-_9"], ["a.b", "a\n"]),
        (r"\S+\z", ["a"], ["a b"]),
        (r"[\\\p{L}]", ["\\", "p"], ["1"]),
    ],
)
def test_whole_values_match(pattern: str, matching: list[str], others: list[str]) -> None:
    matches = matcher(pattern)
    for value in matching:
        assert matches(value), value
    for value in others:
        assert not matches(value), value


@pytest.mark.parametrize("category", ["L", "Lu", "M", "N", "Z", "S", "P", "Cc", "Alnum"])
@pytest.mark.parametrize("pattern", [r"\p{%s}", r"\P{%s}", r"[\p{%s}]", r"[^\p{%s}]", r"[.\p{%s}-]"])
def test_what_is_compiled_for_ascii_matches_the_same_of_it(pattern: str, category: str) -> None:
    narrow, wide = (compile_pattern(pattern % category, limit) for limit in (ASCII, ASSIGNED))
    assert narrow is not None
    assert wide is not None
    for character in map(chr, range(ASCII)):
        assert bool(narrow.fullmatch(character)) == bool(wide.fullmatch(character)), character


def test_a_pattern_that_python_cannot_express_is_no_constraint() -> None:
    assert matcher(r"[a-z&&[^b]]++(")("anything")


@pytest.mark.parametrize(
    "service", ["lambda", "logs", "sqs", "sns", "events", "scheduler", "pipes", "s3", "iam"]
)
def test_every_pattern_of_our_models_compiles(service: str) -> None:
    patterns = {model["pattern"] for model in load_model(service).shape_models.values() if "pattern" in model}
    for limit in (ASCII, ASSIGNED):
        assert [pattern for pattern in patterns if compile_pattern(pattern, limit) is None] == []
