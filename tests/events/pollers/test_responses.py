from __future__ import annotations

import pytest

from lambent.events.pollers.responses import ALL, failed_ids

KNOWN = {"a", "b"}


@pytest.mark.parametrize(
    "answer",
    ["", "null", "{}", '""', '{"batchItemFailures": []}', '{"batchItemFailures": null}', '{"other": 1}'],
)
def test_a_complete_success(answer: str) -> None:
    assert failed_ids(answer.encode(), KNOWN) == frozenset()


@pytest.mark.parametrize(
    "answer",
    [
        "nothing",
        "1",
        "[1]",
        '{"batchItemFailures": {}}',
        '{"batchItemFailures": "a"}',
        '{"batchItemFailures": ["a"]}',
        '{"batchItemFailures": [{"itemIdentifier": ""}]}',
        '{"batchItemFailures": [{"itemIdentifier": null}]}',
        '{"batchItemFailures": [{"itemIdentifier": 1}]}',
        '{"batchItemFailures": [{"foo": "notvalid"}]}',
        '{"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "unknown"}]}',
        '{"batchItemFailures": ' + "[" * 100_000,
    ],
)
def test_a_complete_failure(answer: str) -> None:
    assert failed_ids(answer.encode(), KNOWN) is ALL


def test_some_have_failed() -> None:
    answer = b'{"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "b", "why": 1}]}'
    assert failed_ids(answer, KNOWN) == frozenset({"b"})
    assert failed_ids(b'{"batchItemFailures": [{"itemIdentifier": "any"}]}') == frozenset({"any"})
