"""Refusals of buses as EventBridge words them on the wire."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from lambent.aws.errors import ServiceError
from lambent.events.bus import errors as refused
from lambent.store import StorageFull, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODES: Final[dict[type[refused.BusError], str]] = {
    refused.InvalidRequest: "ValidationException",
    refused.InvalidRulePattern: "InvalidEventPatternException",
    refused.BusNotFound: "ResourceNotFoundException",
    refused.BusExists: "ResourceAlreadyExistsException",
    refused.SourceNotFound: "ResourceNotFoundException",
    refused.RuleNotFound: "ResourceNotFoundException",
    refused.StatementNotFound: "ResourceNotFoundException",
    refused.PolicyTooLong: "PolicyLengthExceededException",
    refused.TooMany: "LimitExceededException",
    refused.AccessDenied: "AccessDeniedException",
}


@contextlib.contextmanager
def translating() -> Iterator[None]:
    """Turn what buses and the store raise into ServiceError."""
    try:
        yield
    except refused.BusError as error:
        raise ServiceError(_CODES[type(error)], str(error)) from error
    except StoreError as error:
        raise unavailable(error) from error


def unavailable(error: StoreError) -> ServiceError:
    """The answer when something cannot be stored."""
    what = "disk is full" if isinstance(error, StorageFull) else "store has failed"
    message = f"The platform's {what}: {error}. Nothing was changed."
    return ServiceError("InternalException", message, status=500, fault="server")


def invalid(message: str) -> ServiceError:
    """ValidationException."""
    return ServiceError("ValidationException", message)
