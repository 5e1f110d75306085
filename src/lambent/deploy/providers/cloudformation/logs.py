"""The logs of all functions of an app, as one."""

from __future__ import annotations

import functools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy.deployed import Deployed
from lambent.deploy.errors import ProviderError
from lambent.deploy.providers.provider import LogLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.deploy.providers.access import Access
    from lambent.deploy.providers.provider import LogQuery

_AT_ONCE: Final = 4
_NEAR_S: Final = 0.3
_FAR_S: Final = 2.0
_EACH_FAR_S: Final = 0.2
"""FilterLogEvents is throttled at a few requests a second and account (CloudWatch Logs' quotas)."""
_LATE_MS: Final = 10_000
"""How far back is looked again: CloudWatch shows events some time after others that happened later."""


def lines(access: Access, app: str, stage: str, query: LogQuery) -> Iterator[LogLine]:
    """Lines in order of time; with `follow` without end. Raises ProviderError."""
    groups = _groups(access, app, stage, query.units)
    client = access.client("logs")
    pause = _NEAR_S if access.near else max(_FAR_S, _EACH_FAR_S * len(groups))
    since = query.since_ms
    seen: dict[str, int] = {}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="logs") as pool:
        while True:
            look = functools.partial(_events, client, pattern=query.pattern, since_ms=since)
            found = [
                (event, group)
                for group, events in zip(groups, pool.map(look, groups), strict=True)
                for event in events
            ]
            found.sort(key=lambda item: (item[0]["timestamp"], item[0].get("ingestionTime", 0)))
            for event, group in found:
                moment, identifier, unit = event["timestamp"], event["eventId"], groups[group]
                if identifier in seen:
                    continue
                seen[identifier] = moment
                yield LogLine(
                    time_ms=moment,
                    unit=unit,
                    group=group,
                    stream=event["logStreamName"],
                    message=event["message"].rstrip("\n"),
                )
            if not query.follow:
                return
            since = max(query.since_ms, max(seen.values(), default=0) - _LATE_MS)
            seen = {identifier: moment for identifier, moment in seen.items() if moment >= since}
            time.sleep(pause)


def _groups(access: Access, app: str, stage: str, units: tuple[str, ...]) -> dict[str, str]:
    """The names of functions without app and stage, by log group. Raises ProviderError for units that are not there."""
    deployed = Deployed.find(access, app, stage)
    prefix = f"{app}-{stage}-"
    names = {
        resource.physical.removeprefix(prefix): resource.physical
        for resource in deployed.of_type("AWS::Lambda::Function")
    }
    unknown = [unit for unit in units if unit not in names]
    if unknown:
        raise ProviderError(
            f"{deployed.stack} has no function {', '.join(unknown)}",
            hint=f"It has {', '.join(sorted(names)) or 'none at all'}.",
        )
    return {f"/aws/lambda/{names[unit]}": unit for unit in (units or sorted(names))}


def _events(client: Any, group: str, *, since_ms: int, pattern: str | None) -> list[dict[str, Any]]:
    request: dict[str, Any] = {"logGroupName": group, "startTime": since_ms}
    if pattern is not None:
        request["filterPattern"] = pattern
    found: list[dict[str, Any]] = []
    while True:
        try:
            page = client.filter_log_events(**request)
        except client.exceptions.ResourceNotFoundException:
            return found  # the group comes into being with the first event
        found += page["events"]
        if not page.get("nextToken"):
            return found
        request["nextToken"] = page["nextToken"]
