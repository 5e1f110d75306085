"""The table of differences names things that exist."""

from __future__ import annotations

import pytest

from lambent.aws.model import load_model
from lambent.aws.overrides import quirks_of


@pytest.mark.parametrize("service", ["lambda", "logs", "sns", "sqs", "dynamodb"])
def test_shapes_members_and_errors_are_in_the_model(service: str) -> None:
    model, quirks = load_model(service), quirks_of(service)
    assert set(quirks.shapes) <= set(model.shape_models)
    for member in quirks.members:
        operation, _, name = member.partition(".")
        shape = model.operation(operation).input
        assert shape is not None
        assert name in shape.members
    # SQS modelled two of its codes only in older versions of its API, and that of refused callers in none.
    assert {code for code in quirks.query_error_codes if model.error(code) is None} <= {
        "AccessDeniedException",
        "InvalidParameterValueException",
        "MissingRequiredParameterException",
    }


def test_other_services_are_plain() -> None:
    assert quirks_of("scheduler").validation_code == "ValidationException"
    assert quirks_of("nonsense").shapes == {}
