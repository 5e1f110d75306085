"""What can be wrong with a request about HTTP and WebSocket APIs.

ApiError
├── ApiNotFound     what a path names does not exist
├── BadApiRequest   a member that is not allowed, a combination of members, or what they refer to
│   └── ApiManaged  what quick create made cannot be deleted by itself
├── ApiConflict     a key that is taken
└── ApiForbidden    an operation that nobody may call on this resource
"""

from __future__ import annotations


class ApiError(Exception):
    """Any refusal. Its text is complete."""


class ApiNotFound(ApiError):
    """What a path names does not exist."""


class BadApiRequest(ApiError):
    """A member that is not allowed, a combination of members, or what they refer to."""


class ApiConflict(ApiError):
    """A key that is taken."""


class ApiManaged(BadApiRequest):
    """What quick create made: it is changed, never deleted by itself."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"{kind} is managed by API Gateway: it was made by quick create and cannot be deleted"
        )


class ApiForbidden(ApiError):
    """An operation that nobody may call on this resource."""
