"""Neighbours on a loop of their own, and requests as the platform passes them on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import pytest
import uvloop

from lambent.neighbours.call import Call

Scenario: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture
def run() -> Callable[[Scenario], None]:
    """Run a scenario on uvloop, as the platform does."""

    def run_scenario(scenario: Scenario) -> None:
        async def bounded() -> None:
            await asyncio.wait_for(scenario(), 40)

        uvloop.run(bounded())

    return run_scenario


def _call(service: str = "s3", *, anonymous: bool = False, **changes: Any) -> Call:
    account, region = changes.get("account", "000000000000"), changes.get("region", "us-east-1")
    scope = f"{account}/20260101/{region}/{service}/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none".encode()
    call = Call(
        service,
        service,
        account,
        region,
        None if anonymous else account,
        b"GET",
        b"/",
        [] if anonymous else [(b"authorization", signed)],
        b"",
        b"127.0.0.1:4566",
    )
    more = changes.pop("more", [])
    return call._replace(**{"headers": [*call.headers, *more], **changes})


@pytest.fixture
def call() -> Callable[..., Call]:
    """Makes calls, to S3's list of buckets unless told otherwise; `more`: headers that are added."""
    return _call
