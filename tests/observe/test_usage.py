from __future__ import annotations

from typing import Any

import pytest

ACCOUNT, REGION = "000000000000", "us-east-1"


def test_the_estimate_is_what_the_price_list_says(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            usage = logs.store.usage.function(ACCOUNT, REGION, "f")
            # AWS's own example: 3 million requests of 120 ms at 1,536 MB.
            usage.requests = 2_999_999
            usage.billed_ms = 2_999_999 * 120
            usage.billed_mb_ms = 2_999_999 * 120 * 1536
            usage.invoked(120, 1536, error=True)
            usage.throttled()
            assert usage.gb_seconds == pytest.approx(540_000)
            assert usage.cost_usd == pytest.approx(0.60 + 9.00, abs=0.001)
            assert usage.snapshot() == {
                "name": "f",
                "account": ACCOUNT,
                "region": REGION,
                "since_ms": usage.since_ms,
                "requests": 3_000_000,
                "errors": 1,
                "throttles": 1,
                "billed_ms": 360_000_000,
                "gb_seconds": 540_000.0,
                "cost_usd": pytest.approx(9.600018),
            }

    run(scenario)


def test_figures_survive_a_restart(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            for number in range(1200):
                logs.store.usage.function(ACCOUNT, REGION, f"f{number}").invoked(5, 128, error=False)
            logs.store.usage.function(ACCOUNT, "eu-west-1", "f0").throttled()
            since = logs.store.usage.function(ACCOUNT, REGION, "f7").since_ms
        async with open_logs() as logs:
            usage = logs.store.usage.function(ACCOUNT, REGION, "f7")
            assert (usage.requests, usage.billed_ms, usage.since_ms) == (1, 5, since)
            usage.invoked(6, 128, error=True)
        async with open_logs() as logs:
            snapshot = logs.store.usage.snapshot()
            assert len(snapshot["functions"]) == 1201
            assert snapshot["requests"] == 1201
            (f7,) = [row for row in snapshot["functions"] if row["name"] == "f7"]
            assert (f7["requests"], f7["errors"], f7["billed_ms"]) == (2, 1, 11)

    run(scenario)


def test_a_handle_is_shared(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            meter = logs.store.usage
            assert meter.function(ACCOUNT, REGION, "f") is meter.function(ACCOUNT, REGION, "f")
            assert not meter.unsaved

    run(scenario)
