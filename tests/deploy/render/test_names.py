"""What things are called where they are deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.deploy import names
from lambent.deploy.errors import RenderError

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = st.text("abcXYZ019-_./{}+$ ", min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (names.stack_name("my_shop", "dev"), "my-shop-dev"),
        (names.function_name("shop", "dev", "app"), "shop-dev-app"),
        (names.log_group_name("shop", "dev", "app"), "/aws/lambda/shop-dev-app"),
        (names.queue_name("shop", "dev", "receipts"), "shop-dev-receipts"),
        (names.queue_name("shop", "dev", "orders.fifo", fifo=True), "shop-dev-orders.fifo"),
        (names.queue_name("shop", "dev", "orders", fifo=True), "shop-dev-orders.fifo"),
        (names.dead_letters_name("shop", "dev", "orders.fifo", fifo=True), "shop-dev-orders-dlq.fifo"),
        (names.dead_letters_name("shop", "dev", "receipts"), "shop-dev-receipts-dlq"),
        (names.topic_name("shop", "dev", "first.fifo", fifo=True), "shop-dev-first.fifo"),
        (
            names.bucket_name("shop", "dev", "My_Uploads"),
            "shop-dev-my-uploads-${AWS::AccountId}-${AWS::Region}",
        ),
        (names.schedule_name("shop", "prod", "clean_up"), "shop-prod-clean_up"),
        (names.logical_id("queue", "receipts"), "ReceiptsQueue"),
        (names.logical_id("function", "send_receipt"), "SendReceiptFunction"),
        (names.logical_id("queue", "orders.fifo"), "OrdersFifoQueue"),
        (names.logical_id("api", "http"), "HttpApi"),
    ],
)
def test_names(made: str, expected: str) -> None:
    assert made == expected


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: names.function_name("shop", "dev", "f" * 60), "takes 64"),
        (lambda: names.queue_name("shop", "dev", "q" * 75), "takes 80"),
        (lambda: names.dead_letters_name("shop", "dev", "q" * 68), "takes 80"),
        (lambda: names.schedule_name("shop", "dev", "s" * 60), "takes 64"),
        (lambda: names.bucket_name("shop", "dev", "b" * 30), "takes 35 characters"),
        (lambda: names.bucket_name("shop", "dev", "a.-b"), "both sides of a dot"),
        (lambda: names.stack_name("shop", "s" * 128), "takes 128"),
        (lambda: names.stack_name("9lives", "dev"), "'9lives' cannot be the name of an app"),
        (lambda: names.stack_name("shop", "my stage"), "'my stage' cannot be the name of a stage"),
        (lambda: names.function_name("shop", "dev", "a b"), "'a b' cannot be the name of a function"),
        (lambda: names.queue_name("shop", "dev", "a.b"), "dot"),
        (lambda: names.table_name("shop", "dev", "${AWS::Region}"), "cannot be the name of a table"),
    ],
)
def test_names_that_nobody_takes(make: Callable[[], str], told: str) -> None:
    with pytest.raises(RenderError, match=told) as caught:
        make()
    assert caught.value.hint


def test_the_longest_names_are_taken() -> None:
    assert len(names.function_name("shop", "dev", "f" * 55)) == 64
    name = names.bucket_name("shop", "dev", "b" * 26)
    deployed = name.replace("${AWS::AccountId}", "111122223333").replace("${AWS::Region}", "ap-southeast-1")
    assert len(deployed) == 63


@settings(max_examples=50)
@given(st.lists(NAMES, min_size=2, max_size=3), st.lists(NAMES, min_size=2, max_size=3))
def test_ids_of_joined_names_differ_as_the_names_do(one: list[str], other: list[str]) -> None:
    made = names.logical_id("route", *one)
    assert made.isalnum()
    assert made.isascii()
    assert len(made) <= 255
    assert (made == names.logical_id("route", *other)) == (one == other)
