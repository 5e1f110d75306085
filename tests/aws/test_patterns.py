"""Java's regular expressions in Python."""

from __future__ import annotations

import pytest

from lambent.aws.model import load_model
from lambent.aws.patterns import compile_pattern


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
    compiled = compile_pattern(pattern)
    assert compiled is not None
    for value in matching:
        assert compiled.fullmatch(value), value
    for value in others:
        assert not compiled.fullmatch(value), value


def test_a_pattern_that_python_cannot_express_is_no_constraint() -> None:
    assert compile_pattern(r"[a-z&&[^b]]++(") is None


@pytest.mark.parametrize(
    "service", ["lambda", "logs", "sqs", "sns", "events", "scheduler", "pipes", "s3", "iam"]
)
def test_every_pattern_of_our_models_compiles(service: str) -> None:
    patterns = {model["pattern"] for model in load_model(service).shape_models.values() if "pattern" in model}
    assert [pattern for pattern in patterns if compile_pattern(pattern) is None] == []
