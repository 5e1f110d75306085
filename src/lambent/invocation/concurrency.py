"""Concurrency accounting: how many invocations run at once, and how many may.

A function with reserved concurrency has that many, no more and no less. All others share what the account
has left. The counters are plain integers: everything happens on the loop's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.functions import FunctionNotFound
from lambent.invocation.errors import ThrottleReason

if TYPE_CHECKING:
    from collections.abc import Callable


class AccountConcurrency:
    """What the functions of one account and region without reservation share."""

    __slots__ = ("in_use", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_use = 0


class FunctionConcurrency:
    """Concurrency of one function: all its versions together.

    `in_use` counts what runs in environments that were started on demand. Those that were started ahead have
    their own counter: what is set aside for them is not there for others, even while they are idle.
    """

    __slots__ = (
        "_set_aside",
        "account",
        "in_use",
        "limit",
        "provisioned_in_use",
        "reserved",
        "unreserved_in_use",
    )

    def __init__(self, account: AccountConcurrency, reserved: int | None) -> None:
        self.account = account
        self.in_use = 0
        self.provisioned_in_use = 0
        self.unreserved_in_use = 0
        self._set_aside = 0
        self.reserve(reserved)

    def reserve(self, reserved: int | None) -> None:
        """So much is reserved for the function; None: it shares the account's."""
        self.reserved = reserved
        self.limit = None if reserved is None else max(0, reserved - self._set_aside)

    def set_aside(self, count: int) -> None:
        """So many of what is reserved are for environments that were started ahead."""
        self._set_aside = count
        self.reserve(self.reserved)

    def acquire(self) -> ThrottleReason | None:
        """Take one unit; the reason when there is none. `release` gives it back."""
        if self.limit is not None:
            if self.in_use >= self.limit:
                return ThrottleReason.RESERVED
        else:
            account = self.account
            if account.in_use >= account.limit:
                return ThrottleReason.ACCOUNT
            account.in_use += 1
            self.unreserved_in_use += 1
        self.in_use += 1
        return None

    def release(self) -> None:
        """Give one unit back."""
        self.in_use -= 1
        # A reservation may have come or gone since: what was taken from the account goes back to it first.
        if self.unreserved_in_use:
            self.unreserved_in_use -= 1
            self.account.in_use -= 1

    def acquire_provisioned(self) -> bool:
        """Take one unit of those set aside; `release_provisioned` gives it back.

        False while more runs on demand than the reservation has left since they were set aside.
        """
        if self.reserved is not None and self.in_use + self.provisioned_in_use >= self.reserved:
            return False
        self.provisioned_in_use += 1
        return True

    def release_provisioned(self) -> None:
        """Give one unit back."""
        self.provisioned_in_use -= 1


class ConcurrencyLedger:
    """The counters of all accounts and functions.

    `reserved(account, region, name)` and `unreserved_limit(account, region)` are the registry's.
    """

    def __init__(
        self,
        reserved: Callable[[str, str, str], int | None],
        unreserved_limit: Callable[[str, str], int],
    ) -> None:
        self._reserved = reserved
        self._unreserved_limit = unreserved_limit
        self._accounts: dict[tuple[str, str], AccountConcurrency] = {}
        self._functions: dict[tuple[str, str, str], FunctionConcurrency] = {}

    def function(self, account: str, region: str, name: str) -> FunctionConcurrency:
        """The counter of a function."""
        key = (account, region, name)
        counter = self._functions.get(key)
        if counter is None:
            shared = self._accounts.get((account, region))
            if shared is None:
                shared = AccountConcurrency(self._unreserved_limit(account, region))
                self._accounts[account, region] = shared
            counter = FunctionConcurrency(shared, self._reserved(account, region, name))
            self._functions[key] = counter
        return counter

    def refresh(self) -> None:
        """Reservations have changed: read the limits anew. Counts of what runs stay."""
        for (account, region), shared in self._accounts.items():
            shared.limit = self._unreserved_limit(account, region)
        for key, counter in list(self._functions.items()):
            try:
                counter.reserve(self._reserved(*key))
            except FunctionNotFound:
                # What still runs of a deleted function keeps its own reference and gives back what it took.
                del self._functions[key]
