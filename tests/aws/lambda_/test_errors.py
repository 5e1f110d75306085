from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from lambent.aws.context import RequestContext
from lambent.aws.errors import ServiceError
from lambent.aws.lambda_.errors import translated, translating
from lambent.functions import errors as refused
from lambent.store import Conflict, StorageFull, StoreClosed, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT = RequestContext(
    account="000000000000",
    region="us-east-1",
    partition="aws",
    request_id="id",
    service="lambda",
    operation="GetFunction",
    access_key=None,
    endpoint_url="http://127.0.0.1:4566",
)


def _kinds(base: type[Exception]) -> Iterator[type[Exception]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


# ActivationFailed ends in a function's state, never in an answer.
ANSWERED = [kind for kind in _kinds(refused.FunctionError) if kind is not refused.ActivationFailed]


@pytest.mark.parametrize("kind", ANSWERED)
def test_every_refusal_is_the_callers_fault(kind: type[Exception]) -> None:
    wanted = inspect.signature(kind.__init__).parameters.values()
    given = ["text" for one in wanted if one.default is one.empty and one.kind is not one.VAR_KEYWORD]
    # Without `self`.
    answer = translated(kind(*given[1:]), CONTEXT)
    assert answer.code != "ServiceException"
    assert answer.message


@pytest.mark.parametrize("error", [StoreError("x"), Conflict("x"), StoreClosed("x")])
def test_failures_of_the_store_are_not(error: StoreError) -> None:
    with (
        pytest.raises(ServiceError, match=r"ServiceException: The platform's store has failed: x"),
        translating(CONTEXT),
    ):
        raise error


def test_a_full_disk_says_so() -> None:
    answer = translated(StorageFull("no space left for a blob of 5 bytes"), CONTEXT)
    assert str(answer) == (
        "ServiceException: The platform's disk is full: no space left for a blob of 5 bytes. Nothing was changed."
    )


def test_another_account_is_answered_as_by_iam() -> None:
    answer = translated(refused.WrongAccount("arn:aws:lambda:us-east-1:111111111111:function:f"), CONTEXT)
    assert (answer.code, answer.status) == ("AccessDeniedException", 403)
    assert "is not authorized to perform: lambda:GetFunction on resource: arn:aws:lambda" in answer.message
