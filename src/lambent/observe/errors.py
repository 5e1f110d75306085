"""What can be wrong with a log operation. `lambent.aws` words these as CloudWatch Logs does."""

from __future__ import annotations


class ObserveError(Exception):
    """Base of this floor's errors; `name` is the log group or log stream that it is about."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class LogGroupNotFound(ObserveError):
    """No log group of that name in the account and region."""


class LogGroupExists(ObserveError):
    """A log group of that name is there already."""


class FilterNotFound(ObserveError):
    """The log group has no subscription filter of that name."""


class TooManyFilters(ObserveError):
    """The log group has as many subscription filters as one may have."""


class LogStreamNotFound(ObserveError):
    """The log group has no log stream of that name."""


class LogStreamExists(ObserveError):
    """The log group has a log stream of that name already."""
