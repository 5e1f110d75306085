"""What may be provisioned, what it counts against, and which versions it goes to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from lambent.functions import FunctionNotFound, FunctionRegistry, provisioned
from lambent.functions import alias as aliases
from lambent.functions.attachments import Alias, ProvisionedConcurrency
from lambent.functions.errors import (
    AliasNotFound,
    ConcurrencyUnavailable,
    ProvisionedElsewhere,
    ProvisioningRefused,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tests.functions.conftest import Home

    from lambent.functions import Reference
    from lambent.functions.settings import Settings

    Open = Callable[..., Awaitable[FunctionRegistry]]


@pytest.fixture
def opened(home: Home, reference: Reference, package: Callable[..., bytes], settings: Settings) -> Open:
    """Opens a registry with functions that have versions 1 and 2."""

    async def open_(names: Iterable[str] = ("hello",)) -> FunctionRegistry:
        registry = await home.open()
        for name in names:
            one = reference._replace(name=name)
            await registry.create(one, package(), settings, publish=True)
            await registry.settled(one)
            await registry.update_code(one, package("# other"), publish=True)
            await registry.settled(one)
        return registry

    return open_


async def alias(
    registry: FunctionRegistry, reference: Reference, name: str, version: str, **weights: float
) -> None:
    """Point an alias at a version; weights as v2=0.5."""
    split = {number[1:]: weight for number, weight in weights.items()}
    entry = Alias(name=name, version=version, revision_id="r", weights=split)
    await registry.change(reference, lambda record: replace(record, aliases={**record.aliases, name: entry}))


@pytest.mark.parametrize(
    ("version", "weights", "requested", "expected"),
    [
        ("1", {}, 3, {"1": 3}),
        ("1", {"2": 0.1}, 10, {"1": 9, "2": 1}),
        ("1", {"2": 0.5}, 1, {"1": 1}),
        ("1", {"2": 0.5}, 5, {"2": 2, "1": 3}),
        ("1", {"2": 0.75}, 2, {"2": 1, "1": 1}),
        ("1", {"2": 1.0}, 4, {"2": 4}),
        ("1", {"2": 0.0}, 4, {"1": 4}),
        ("1", {"2": 0.04}, 10, {"1": 10}),
    ],
)
async def test_an_alias_with_weights_splits_what_it_has(
    opened: Open,
    reference: Reference,
    home: Home,
    version: str,
    weights: dict[str, float],
    requested: int,
    expected: dict[str, int],
) -> None:
    registry = await opened()
    await alias(registry, reference, "live", version)
    await provisioned.put(registry, reference._replace(qualifier="live"), requested)
    await alias(registry, reference, "live", version, **{f"v{n}": weight for n, weight in weights.items()})
    record = registry.record(reference)
    assert provisioned.shares(record, "live") == expected
    assert provisioned.wanted(record) == expected
    await home.close()


def refusals() -> Iterable[tuple[str, type[Exception], str]]:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:hello"
    yield "10", FunctionNotFound, f"Function not found: {arn}:10"
    yield "noalias", AliasNotFound, f"Cannot find alias arn: {arn}:noalias"
    # AWS-recorded: test_lambda_provisioned_lifecycle.
    yield (
        "on-1",
        ProvisionedElsewhere,
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
    )
    yield "2", ProvisionedElsewhere, "Version is pointed by a Provisioned Concurrency alias"
    yield (
        "also-on-2",
        ProvisionedElsewhere,
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
    )
    yield "split", ProvisioningRefused, "Alias with weights can not be used with Provisioned Concurrency"
    yield (
        "latest",
        ProvisioningRefused,
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
    )


@pytest.mark.parametrize(("qualifier", "error", "message"), list(refusals()))
async def test_refusals_say_what_is_in_the_way(
    opened: Open, reference: Reference, home: Home, qualifier: str, error: type[Exception], message: str
) -> None:
    registry = await opened()
    for name, version in (("on-1", "1"), ("on-2", "2"), ("also-on-2", "2"), ("latest", "$LATEST")):
        await alias(registry, reference, name, version)
    await alias(registry, reference, "split", "1", v2=0.5)
    await provisioned.put(registry, reference._replace(qualifier="1"), 1)
    await provisioned.put(registry, reference._replace(qualifier="on-2"), 1)
    before = registry.record(reference)
    with pytest.raises(error) as caught:
        await provisioned.put(registry, reference._replace(qualifier=qualifier), 1)
    assert str(caught.value) == message
    assert registry.record(reference) is before
    await home.close()


@pytest.mark.parametrize(
    ("qualifier", "error"), [("1", FunctionNotFound), ("live", AliasNotFound), ("$LATEST", FunctionNotFound)]
)
async def test_a_missing_function_is_missed_by_the_name_it_was_given(
    opened: Open, reference: Reference, home: Home, qualifier: str, error: type[Exception]
) -> None:
    registry = await opened(())
    one = reference._replace(name="doesnotexist", qualifier=qualifier)
    for call in (provisioned.put(registry, one, 1), provisioned.delete(registry, one)):
        with pytest.raises(error, match=f":doesnotexist:{qualifier.replace('$', '.')}$"):
            await call
    await home.close()


async def test_what_is_provisioned_comes_out_of_what_the_account_shares(
    opened: Open, reference: Reference, home: Home
) -> None:
    registry = await opened(("hello", "other"))
    one = reference._replace(qualifier="1")
    other = reference._replace(name="other", qualifier="1")

    def left() -> int:
        return registry.unreserved_limit(reference.account, reference.region)

    # AWS-recorded: test_provisioned_concurrency_limits.
    with pytest.raises(ConcurrencyUnavailable) as caught:
        await provisioned.put(registry, one, 1001)
    assert str(caught.value) == (
        "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."
    )
    with pytest.raises(ConcurrencyUnavailable) as caught:
        await provisioned.put(registry, one, 901)
    assert str(caught.value) == (
        "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
        "minimum value of [100]."
    )
    await provisioned.put(registry, one, 600)
    assert left() == 400
    for too_many in (301, 500):
        with pytest.raises(ConcurrencyUnavailable):
            await provisioned.put(registry, other, too_many)
        with pytest.raises(ConcurrencyUnavailable):
            await registry.put_concurrency(other, too_many)
    # What it has itself does not stand in its way.
    await provisioned.put(registry, one, 900)
    assert left() == 100
    await provisioned.put(registry, one, 10)
    await registry.put_concurrency(other, 890)
    assert left() == 100
    await provisioned.put(registry, other, 890)  # a part of what is reserved
    assert left() == 100
    await provisioned.delete(registry, one)
    await provisioned.delete(registry, one)
    assert left() == 110
    await home.close()
    registry = await home.open()
    assert left() == 110
    await home.close()


async def test_a_reservation_bounds_what_all_versions_have_together(
    opened: Open, reference: Reference, home: Home
) -> None:
    # AWS-recorded: test_reserved_provisioned_overlap.
    registry = await opened()
    one, two = (reference._replace(qualifier=number) for number in ("1", "2"))
    await provisioned.put(registry, one, 2)
    for reserved in (0, 1):
        with pytest.raises(ConcurrencyUnavailable) as caught:
            await registry.put_concurrency(reference, reserved)
        assert str(caught.value) == (
            f" ReservedConcurrentExecutions  {reserved} should not be lower than function's total provisioned "
            "concurrency [2]."
        )
    await registry.put_concurrency(reference, 2)
    for which, count in ((two, 1), (one, 3)):
        with pytest.raises(ProvisioningRefused) as refused:
            await provisioned.put(registry, which, count)
        assert str(refused.value) == (
            "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for "
            "function"
        )
    await provisioned.put(registry, one, 1)
    await provisioned.put(registry, two, 1)
    assert provisioned.wanted(registry.record(reference)) == {"1": 1, "2": 1}
    await home.close()


async def test_two_nodes_do_not_give_the_same_concurrency_away_twice(
    opened: Open, reference: Reference, home: Home
) -> None:
    one = await opened(("hello", "other"))
    two = await home.open()
    outcomes = await asyncio.gather(
        provisioned.put(one, reference._replace(qualifier="1"), 500),
        provisioned.put(two, reference._replace(name="other", qualifier="1"), 500),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [
        ConcurrencyUnavailable
    ]
    await home.close()


async def test_a_version_gets_another_revision(opened: Open, reference: Reference, home: Home) -> None:
    # AWS-recorded: test_lambda_provisioned_concurrency_moves_with_alias.
    registry = await opened()
    await alias(registry, reference, "live", "1")
    before = registry.record(reference)
    await provisioned.put(registry, reference._replace(qualifier="live"), 1)
    after = registry.record(reference)
    assert after.versions["1"].revision_id != before.versions["1"].revision_id
    assert after.versions["1"].uid == before.versions["1"].uid
    assert after.versions["2"] == before.versions["2"]
    await home.close()


async def test_it_goes_with_its_version_or_alias(opened: Open, reference: Reference, home: Home) -> None:
    registry = await opened()
    await alias(registry, reference, "live", "2")
    for qualifier in ("1", "live"):
        await provisioned.put(registry, reference._replace(qualifier=qualifier), 3)
    await registry.delete(reference._replace(qualifier="1"))
    assert registry.record(reference).provisioned.keys() == {"live"}
    await registry.change(reference, lambda record: aliases.deleted(record, "live"))
    assert registry.record(reference).provisioned == {}
    assert registry.unreserved_limit(reference.account, reference.region) == 1000
    await home.close()
    assert (await home.open()).record(reference).provisioned == {}
    await home.close()


async def test_an_alias_that_moves_must_not_meet_another(
    opened: Open, reference: Reference, home: Home
) -> None:
    registry = await opened()
    await alias(registry, reference, "live", "1")
    await alias(registry, reference, "next", "2")
    await provisioned.put(registry, reference._replace(qualifier="live"), 1)
    record = registry.record(reference)
    provisioned.check_alias(record, "live")
    moved = replace(record, aliases={**record.aliases, "live": replace(record.aliases["live"], version="2")})
    provisioned.check_alias(moved, "live")
    both = replace(
        moved,
        provisioned={**moved.provisioned, "next": ProvisionedConcurrency(requested=1, modified_ms=1)},
    )
    with pytest.raises(ProvisionedElsewhere):
        provisioned.check_alias(both, "live")
    await home.close()
