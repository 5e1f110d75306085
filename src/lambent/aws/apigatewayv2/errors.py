"""The registry's refusals as API Gateway V2 words them on the wire."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lambent.aws.errors import ServiceError
from lambent.gateway.apis.errors import ApiConflict, ApiError, ApiForbidden, ApiNotFound
from lambent.store import StorageFull, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODES: dict[type[ApiError], str] = {
    ApiNotFound: "NotFoundException",
    ApiConflict: "ConflictException",
    ApiForbidden: "AccessDeniedException",
}


@contextlib.contextmanager
def translating() -> Iterator[None]:
    """Turn what the registry and the store raise into ServiceError."""
    try:
        yield
    except ApiError as error:
        raise ServiceError(_CODES.get(type(error), "BadRequestException"), str(error)) from error
    except StoreError as error:
        what = "disk is full" if isinstance(error, StorageFull) else "store has failed"
        raise ServiceError(
            "InternalServerErrorException",
            f"The platform's {what}: {error}. Nothing was changed.",
            status=500,
            fault="server",
        ) from error
