"""What is measured of the frameworks: the scenarios, and a registry of who takes part in which."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.framework_events import ORDER_TOTAL

if TYPE_CHECKING:
    from collections.abc import Callable

    Operation = Callable[[], Any]
    Builder = Callable[[], Operation]


class NotThere(Exception):
    """A candidate cannot take part; says why."""


@dataclass(frozen=True)
class Scenario:
    """One thing that frameworks do. `limit` is what is asked of lambent, in microseconds of CPU time.

    `correct` tells from an operation's result whether it has done it. With `beyond`, the name of another scenario, what
    counts is what this one costs more than that, divided by `parts`: the two are timed in turns.
    """

    figure: str
    limit: float | None = None
    correct: Callable[[Any], bool] = lambda result: True
    beyond: str | None = None
    parts: int = 1
    candidates: dict[str, Builder] = field(default_factory=dict)


def _body(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"])


def _got(answer: Any) -> bool:
    return bool(answer["statusCode"] == 200 and _body(answer) == {"id": "42", "status": "open"})


def _created(answer: Any) -> bool:
    return answer["statusCode"] in (200, 201) and bool(_body(answer)["total"] == ORDER_TOTAL)


def _layered(answer: Any) -> bool:
    several = answer.get("multiValueHeaders") or {}
    headers = {name.lower() for name in (*(answer.get("headers") or {}), *several)}
    return _got(answer) and "x-layer" in headers


LAYERS = 3
SCENARIOS = {
    "get": Scenario("GET with a path parameter, REST API", 4, _got),
    "get-2": Scenario("GET with a path parameter, HTTP API", 4, _got),
    "last": Scenario("the last of 100 routes, REST API", 4, _got),
    "last-2": Scenario("the last of 100 routes, HTTP API", 4, _got),
    "post": Scenario("typed POST, REST API", 6, _created),
    "post-2": Scenario("typed POST, HTTP API", 6, _created),
    "missing": Scenario("404 among 100 routes, REST API", 2, lambda answer: answer["statusCode"] == 404),
    "missing-2": Scenario("404 among 100 routes, HTTP API", 2, lambda answer: answer["statusCode"] == 404),
    "layers": Scenario("each of three middlewares adds", 0.4, _layered, beyond="get", parts=LAYERS),
    "batch": Scenario("ten typed SQS records", 8, lambda answer: answer == {"batchItemFailures": []}),
    "log": Scenario("a log line with two keys", 4),
    "metrics": Scenario("EMF: 3 metrics, dimension, metadata", 4),
    "tracing": Scenario("tracing, disabled", 0.2),
}


def candidate(who: str, *scenarios: str) -> Callable[[Callable[..., Operation]], Callable[..., Operation]]:
    """A builder of what is timed. With several scenarios it is given which one it is for."""

    def add(build: Callable[..., Operation]) -> Callable[..., Operation]:
        for scenario in scenarios:
            SCENARIOS[scenario].candidates[who] = (
                build if len(scenarios) == 1 else lambda scenario=scenario: build(scenario)  # type: ignore[misc] # the default binds it
            )
        return build

    return add
