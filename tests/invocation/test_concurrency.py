"""Concurrency in numbers: what is taken from whom, and given back to whom."""

from __future__ import annotations

import pytest

from lambent.functions import FunctionNotFound
from lambent.invocation.concurrency import AccountConcurrency, ConcurrencyLedger, FunctionConcurrency
from lambent.invocation.errors import ThrottleReason

ACCOUNT, RESERVED = ThrottleReason.ACCOUNT, ThrottleReason.RESERVED


def test_functions_without_a_reservation_share_the_accounts() -> None:
    account = AccountConcurrency(3)
    one, two = FunctionConcurrency(account, None), FunctionConcurrency(account, None)
    assert [one.acquire(), one.acquire(), two.acquire()] == [None, None, None]
    assert (one.acquire(), two.acquire()) == (ACCOUNT, ACCOUNT)
    one.release()
    assert two.acquire() is None
    for function in (one, two, two):
        function.release()
    assert (account.in_use, one.in_use, two.in_use) == (0, 0, 0)


def test_a_reservation_that_comes_or_goes_meanwhile_leaves_no_trace() -> None:
    account = AccountConcurrency(10)
    function = FunctionConcurrency(account, None)
    function.acquire()
    function.reserve(2)
    assert function.acquire() is None
    assert function.acquire() is RESERVED
    function.release()
    function.release()
    assert (account.in_use, function.in_use) == (0, 0)
    function.acquire()
    function.reserve(None)
    function.release()
    assert (account.in_use, function.in_use) == (0, 0)


@pytest.mark.parametrize(
    ("reserved", "aside", "on_demand"), [(5, 0, 5), (5, 2, 3), (2, 2, 0), (2, 5, 0), (0, 0, 0)]
)
def test_what_is_set_aside_is_not_there_on_demand(reserved: int, aside: int, on_demand: int) -> None:
    for first_reserved in (True, False):
        function = FunctionConcurrency(AccountConcurrency(100), reserved if first_reserved else None)
        function.set_aside(aside)
        function.reserve(reserved)
        taken = 0
        while function.acquire() is None:
            taken += 1
        assert taken == on_demand
        function.set_aside(0)
        assert function.limit == reserved


def test_both_kinds_together_stay_within_the_reservation() -> None:
    function = FunctionConcurrency(AccountConcurrency(100), 3)
    assert [function.acquire() for _ in range(3)] == [None] * 3
    function.set_aside(2)  # while three run on demand
    assert not function.acquire_provisioned()
    function.release()
    assert function.acquire_provisioned()
    assert not function.acquire_provisioned()
    assert function.acquire() is RESERVED
    function.release()
    assert function.acquire_provisioned()
    assert function.acquire() is RESERVED
    function.release_provisioned()
    function.release_provisioned()
    function.release()
    assert (function.in_use, function.provisioned_in_use) == (0, 0)


def test_without_a_reservation_what_runs_ahead_takes_nothing_from_the_account() -> None:
    account = AccountConcurrency(1)
    function = FunctionConcurrency(account, None)
    function.set_aside(2)
    assert function.acquire_provisioned()
    assert function.acquire_provisioned()
    assert account.in_use == 0
    assert function.acquire() is None  # spilt over
    assert function.acquire() is ACCOUNT


def test_limits_are_read_anew_and_counts_stay() -> None:
    reserved: dict[str, int | None] = {"one": None, "two": 2}
    limit = 10

    def of(_account: str, _region: str, name: str) -> int | None:
        if name not in reserved:
            raise FunctionNotFound(name)
        return reserved[name]

    ledger = ConcurrencyLedger(of, lambda _account, _region: limit)
    one, two = (ledger.function("0", "r", name) for name in ("one", "two"))
    one.acquire()
    two.set_aside(1)
    limit, reserved["two"] = 1, 5
    ledger.refresh()
    assert one.acquire() is ACCOUNT
    assert two.limit == 4
    del reserved["one"]
    ledger.refresh()
    reserved["one"] = 7
    again = ledger.function("0", "r", "one")
    assert again is not one
    assert (again.limit, again.in_use) == (7, 0)
    one.release()
    assert one.account.in_use == 0
