"""A bus, a rule and a target, each at one moment."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lambent.functions.names import partition_of

DEFAULT: Final = "default"


class EventBus(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A bus. `policy` is the text of its resource policy; times in milliseconds since the epoch.

    `log` is kept as it was given: nothing is logged by it.
    """

    account: str
    region: str
    name: str
    created_ms: int
    modified_ms: int
    description: str | None = None
    policy: str | None = None
    kms_key: str | None = None
    dead_letter_arn: str | None = None
    log: dict[str, Any] | None = None
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """The bus's ARN."""
        return bus_arn(self.account, self.region, self.name)


class Target(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a rule sends what it matches, and what of it: `input` (a constant, as text), what `input_path` selects,
    or `template` with what `paths` select (None for no transformer); without any of them the event itself.

    `max_attempts` after the first and `max_age_s`: None for EventBridge's. `parameters` belong to kinds of targets and
    keep the names that they have in EventBridge's model.
    """

    id: str
    arn: str
    role_arn: str | None = None
    input: str | None = None
    input_path: str | None = None
    paths: dict[str, str] | None = None
    template: str | None = None
    max_attempts: int | None = None
    max_age_s: int | None = None
    dead_letter_arn: str | None = None
    parameters: dict[str, Any] = {}


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A rule on a bus, which is that of `account` and `region`. `pattern` is JSON, `schedule` an expression.

    `created_by` is the account that made it.
    """

    account: str
    region: str
    bus: str
    name: str
    created_by: str
    pattern: str | None = None
    schedule: str | None = None
    state: str = "ENABLED"
    description: str | None = None
    role_arn: str | None = None
    targets: tuple[Target, ...] = ()
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """The rule's ARN; the name of the default bus is not part of it."""
        return rule_arn(self.account, self.region, self.bus, self.name)

    @property
    def enabled(self) -> bool:
        """Whether it does anything."""
        return self.state != "DISABLED"


def bus_arn(account: str, region: str, name: str) -> str:
    """The ARN of a bus."""
    return f"arn:{partition_of(region)}:events:{region}:{account}:event-bus/{name}"


def rule_arn(account: str, region: str, bus: str, name: str) -> str:
    """The ARN of a rule."""
    path = name if bus == DEFAULT else f"{bus}/{name}"
    return f"arn:{partition_of(region)}:events:{region}:{account}:rule/{path}"
