from __future__ import annotations

from lambent.events.mapping import Settings
from lambent.events.pollers.scaling import Scaling


def test_five_to_begin_with_and_300_more_a_minute() -> None:
    scaling = Scaling(Settings())
    assert scaling.limit == 5
    for _ in range(60):
        scaling.grow()
    assert scaling.limit == 305
    for _ in range(1_000):
        scaling.grow()
    assert scaling.limit == 1_250
    assert not scaling.may_grow


def test_a_maximum_is_never_passed() -> None:
    scaling = Scaling(Settings(maximum_concurrency=2))
    assert scaling.limit == 2
    scaling.grow()
    assert scaling.limit == 2
    scaling.shrink()
    assert scaling.limit == 2
    scaling = Scaling(Settings(maximum_concurrency=7))
    scaling.grow()
    assert scaling.limit == 7


def test_failures_and_rest_take_it_back() -> None:
    scaling = Scaling(Settings())
    for _ in range(10):
        scaling.grow()
    scaling.shrink()
    assert scaling.limit == 27
    scaling.rest()
    assert scaling.limit == 5


def test_provisioned_pollers_run_ten_each() -> None:
    scaling = Scaling(Settings(pollers={"MinimumPollers": 3, "MaximumPollers": 4}))
    assert scaling.limit == 30
    for _ in range(10):
        scaling.grow()
    assert scaling.limit == 40
    scaling.shrink()
    assert scaling.limit == 30
    assert Scaling(Settings(pollers={"MaximumPollers": 2})).limit == 20


def grown(scaling: Scaling, duration_ms: int) -> int:
    """The limit after a step in which batches took so long."""
    for _ in range(20):
        scaling.ended(duration_ms)
    scaling.grow()
    return scaling.limit


def test_there_are_no_more_when_they_only_get_slower() -> None:
    scaling = Scaling(Settings())
    assert [grown(scaling, duration_ms) for duration_ms in (100, 110, 190, 230, 400)] == [10, 15, 20, 20, 20]
    assert grown(scaling, 150) == 25  # something else has kept the machine busy
    scaling.grow()  # nothing has ended yet: that says nothing
    assert scaling.limit == 30


def test_short_ones_are_not_compared() -> None:
    scaling = Scaling(Settings())
    assert [grown(scaling, duration_ms) for duration_ms in (0, 4, 9, 11)] == [10, 15, 20, 20]


def test_a_function_that_has_become_slower_is_scaled_again_in_time() -> None:
    scaling = Scaling(Settings())
    grown(scaling, 100)
    limits = [grown(scaling, 300) for _ in range(700)]
    assert limits[100] == 10
    assert limits[-1] > 10
