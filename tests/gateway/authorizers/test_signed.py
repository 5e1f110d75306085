"""AWS_IAM: who has signed is found out elsewhere; here it is decided what he may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.gateway.authorizers.conftest import ACCOUNT, Door, opened

from lambent.gateway.apis.records import Route
from lambent.gateway.callers import Caller

if TYPE_CHECKING:
    from lambent.gateway.authorizers import Verdict

OWNER = Caller(ACCOUNT, "AKIAOWNER", f"arn:aws:iam::{ACCOUNT}:root")
STRANGER = Caller("111111111111", "AKIASTRANGER", "arn:aws:iam::111111111111:root")


async def judged(caller: Caller | None, protocol: str) -> Verdict:
    key = "$connect" if protocol == "WEBSOCKET" else "GET /pets"
    door = Door(
        Route(route_id="r1", route_key=key, authorization_type="AWS_IAM"), protocol=protocol, caller=caller
    )
    async with opened(door):
        found = await door.ask()
    assert found.at_once
    return found.verdict


@pytest.mark.parametrize("protocol", ["HTTP", "WEBSOCKET"])
async def test_who_may(protocol: str) -> None:
    verdict = await judged(OWNER, protocol)
    assert verdict.allowed
    assert verdict.caller is OWNER
    assert verdict.context == {"iam": OWNER.facts()}
    assert verdict.context_v1 is None


@pytest.mark.parametrize("protocol", ["HTTP", "WEBSOCKET"])
@pytest.mark.parametrize("caller", [None, STRANGER])
async def test_who_may_not(caller: Caller | None, protocol: str) -> None:
    verdict = await judged(caller, protocol)
    assert (verdict.allowed, verdict.status, verdict.message) == (False, 403, "Forbidden")
    assert verdict.context is None


async def test_open_routes() -> None:
    async with opened(Door(Route(route_id="r1", route_key="GET /pets"))) as door:
        found = await door.ask()
    assert found.at_once
    assert found.verdict.allowed
