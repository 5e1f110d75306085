"""What CodeDeploy knows, and which configurations it comes with."""

from __future__ import annotations

from typing import Any, Final

import msgspec

LAMBDA: Final = "Lambda"
ALL_AT_ONCE: Final = "CodeDeployDefault.LambdaAllAtOnce"
EVENTS: Final = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic")
"""The lifecycle of a deployment for functions, in order; the first and the last may have a hook."""


class Application(msgspec.Struct, frozen=True):
    """`owner`: the stack and the resource that made it. `id`: a UUID."""

    account: str
    region: str
    name: str
    id: str
    platform: str
    owner: str
    created_ms: int
    tags: dict[str, str] = {}

    kind = "application"


class Group(msgspec.Struct, frozen=True):
    """`properties`: as its template has them."""

    account: str
    region: str
    application: str
    group: str
    id: str
    owner: str
    properties: dict[str, Any]
    tags: dict[str, str] = {}

    kind = "group"

    @property
    def name(self) -> str:
        return f"{self.application}/{self.group}"

    @property
    def config(self) -> str:
        """The name of its deployment configuration."""
        return str(self.properties.get("DeploymentConfigName") or ALL_AT_ONCE)

    @property
    def alarms(self) -> list[str]:
        """The alarms that stop its deployments."""
        alarms = self.properties.get("AlarmConfiguration") or {}
        if alarms.get("Enabled") is False:
            return []
        return [str(each["Name"]) for each in alarms.get("Alarms") or () if each.get("Name")]


class Config(msgspec.Struct, frozen=True):
    """How traffic is shifted: `percent` of it every `minutes`; all of it at once where `percent` is 100.

    `linear`: again and again; otherwise once, and the rest after `minutes`.
    """

    account: str
    region: str
    name: str
    percent: int
    minutes: int
    linear: bool
    owner: str = ""
    properties: dict[str, Any] = {}

    kind = "config"

    def steps(self) -> list[tuple[int, int]]:
        """Minutes since the beginning, and the percentage of traffic that the new version gets from then on."""
        if not 0 < self.percent < 100:
            return [(0, 100)]
        if not self.linear:
            return [(0, self.percent), (self.minutes, 100)]
        shares = [*range(self.percent, 100, self.percent), 100]
        return [(number * self.minutes, share) for number, share in enumerate(shares)]


class Hook(msgspec.Struct):
    """A function that is asked whether to go on. `status`: as CodeDeploy has it; "Pending" before it is asked."""

    event: str
    function: str
    execution: str
    status: str = "Pending"
    asked_ms: int = 0
    ended_ms: int = 0


class Deployment(msgspec.Struct):
    """One alias on its way from one version to another. Times are those of the wall's clock, 0 for not yet."""

    account: str
    region: str
    name: str
    """`d-` and nine letters and digits."""
    application: str
    group: str
    config: str
    function: str
    alias: str
    before: str
    after: str
    created_ms: int
    hooks: list[Hook] = []
    status: str = "Created"
    shifting_ms: int = 0
    """When traffic began to be shifted."""
    shifted_ms: int = 0
    completed_ms: int = 0
    percent: int = 0
    """Of the traffic, for the new version."""
    error_code: str = ""
    error: str = ""

    kind = "deployment"

    @property
    def ended(self) -> bool:
        return self.status in ("Succeeded", "Failed", "Stopped")

    def hook(self, event: str) -> Hook | None:
        """The hook of that event, where there is one."""
        return next((hook for hook in self.hooks if hook.event == event), None)


def predefined(account: str, region: str, name: str) -> Config | None:
    """One of those that CodeDeploy comes with (codedeploy/latest/userguide/deployment-configurations.html)."""
    found = _PREDEFINED.get(name.removeprefix("CodeDeployDefault.Lambda"))
    if found is None or not name.startswith("CodeDeployDefault.Lambda"):
        return None
    percent, minutes, linear = found
    return Config(account, region, name, percent, minutes, linear)


_PREDEFINED: Final = {
    "AllAtOnce": (100, 0, False),
    "Canary10Percent5Minutes": (10, 5, False),
    "Canary10Percent10Minutes": (10, 10, False),
    "Canary10Percent15Minutes": (10, 15, False),
    "Canary10Percent30Minutes": (10, 30, False),
    "Linear10PercentEvery1Minute": (10, 1, True),
    "Linear10PercentEvery2Minutes": (10, 2, True),
    "Linear10PercentEvery3Minutes": (10, 3, True),
    "Linear10PercentEvery10Minutes": (10, 10, True),
}
