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
