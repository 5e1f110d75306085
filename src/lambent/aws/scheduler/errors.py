"""The refusals of schedules as Scheduler words them on the wire."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from lambent.aws.errors import ServiceError
from lambent.events.schedules.errors import InvalidSchedule, ScheduleConflict, ScheduleError, ScheduleNotFound
from lambent.store import StorageFull, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODES: Final[dict[type[ScheduleError], str]] = {
    ScheduleNotFound: "ResourceNotFoundException",
    ScheduleConflict: "ConflictException",
    InvalidSchedule: "ValidationException",
}


@contextlib.contextmanager
def translating() -> Iterator[None]:
    """Turn what schedules and the store raise into ServiceError."""
    try:
        yield
    except ScheduleError as error:
        raise ServiceError(_CODES[type(error)], str(error)) from error
    except StoreError as error:
        what = "disk is full" if isinstance(error, StorageFull) else "store has failed"
        raise ServiceError(
            "InternalServerException",
            f"The platform's {what}: {error}. Nothing was changed.",
            status=500,
            fault="server",
        ) from error
