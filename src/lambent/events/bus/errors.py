"""What can be wrong with a request about event buses.

BusError
├── InvalidRequest     a value that is not allowed, or a combination of them
├── InvalidRulePattern an event pattern that is none
├── BusNotFound        no such bus
├── BusExists          the name of the bus is taken
├── SourceNotFound     no such partner event source
├── RuleNotFound       no such rule on the bus
├── StatementNotFound  the bus's policy has no such statement
├── PolicyTooLong      the bus's policy would be too long
├── TooMany            more than there may be
└── AccessDenied       the bus is another account's, whose policy does not allow it

Words are recorded ones (`tests/aws/services/events`) where there are any.
"""

from __future__ import annotations


class BusError(Exception):
    """Any refusal. Its text is complete."""


class InvalidRequest(BusError):
    """A value that is not allowed."""


class InvalidRulePattern(BusError):
    """An event pattern that is none."""

    def __init__(self, reason: object) -> None:
        super().__init__(f"Event pattern is not valid. Reason: {reason}")


class BusNotFound(BusError):
    """No such bus."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Event bus {name} does not exist.")


class BusExists(BusError):
    """The name is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Event bus {name} already exists.")


class SourceNotFound(BusError):
    """No such partner event source: there are none here."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Event source {name} does not exist.")


class RuleNotFound(BusError):
    """No such rule on the bus."""

    def __init__(self, name: str, bus: str) -> None:
        super().__init__(f"Rule {name} does not exist on EventBus {bus}.")


class StatementNotFound(BusError):
    """The bus's policy has no such statement."""

    def __init__(self) -> None:
        super().__init__("Statement with the provided id does not exist.")


class PolicyTooLong(BusError):
    """The bus's policy would be too long."""

    def __init__(self) -> None:
        super().__init__("The policy exceeds the maximum length of 10240 characters.")


class TooMany(BusError):
    """More than there may be."""

    def __init__(self) -> None:
        super().__init__("The requested resource exceeds the maximum number allowed.")


class AccessDenied(BusError):
    """The bus is another account's, whose policy does not allow it."""

    def __init__(self, principal: str, action: str, resource: str) -> None:
        super().__init__(
            f"User: {principal} is not authorized to perform: {action} on resource: {resource} because no"
            f" resource-based policy allows the {action} action"
        )
