"""Refusals of stacks as CloudFormation words them on the wire."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from lambent.aws.errors import ServiceError
from lambent.stacks import errors as refused
from lambent.store import StorageFull, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODES: Final[tuple[tuple[type[refused.StackError], str], ...]] = (
    (refused.ValidationError, "ValidationError"),
    (refused.StackExists, "AlreadyExistsException"),
    (refused.ChangeSetNotFound, "ChangeSetNotFoundException"),
    (refused.InvalidChangeSetStatus, "InvalidChangeSetStatusException"),
    (refused.InsufficientCapabilities, "InsufficientCapabilitiesException"),
    (refused.LimitExceeded, "LimitExceededException"),
    (refused.TokenExists, "TokenAlreadyExistsException"),
)


@contextlib.contextmanager
def translating() -> Iterator[None]:
    """Turn what stacks and the store raise into ServiceError."""
    try:
        yield
    except refused.StackError as error:
        code = next((code for kind, code in _CODES if isinstance(error, kind)), "ValidationError")
        raise ServiceError(code, str(error), status=None if code != "ValidationError" else 400) from error
    except StoreError as error:
        what = "disk is full" if isinstance(error, StorageFull) else "store has failed"
        message = f"The platform's {what}: {error}. Nothing was changed."
        raise ServiceError("InternalFailure", message, status=500, fault="server") from error


def invalid(message: str) -> ServiceError:
    """ValidationError."""
    return ServiceError("ValidationError", message, status=400)
