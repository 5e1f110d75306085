"""The errors of this floor: what a service method, or the protocol layer itself, answers with."""

from __future__ import annotations

from typing import Any, Literal

Fault = Literal["client", "server"]


class ServiceError(Exception):
    """An error answer, in the terms of the service's model.

    `code` is the name of a modelled error shape (`ResourceNotFoundException`) or any other code that AWS
    answers with. For a modelled error the model's HTTP status and fault win over `status` and `fault` unless
    these are given. `members` are further modelled members (`{"Reason": …}`); `message` goes to the member
    that the shape spells `message` or `Message`. A member given as None is left out, so `{"Type": None}`
    suppresses Lambda's `Type`; only the `message` of an error that the model does not have is sent as null then.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        fault: Fault | None = None,
        members: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.fault = fault
        self.members = members or {}

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class SerializationError(ServiceError):
    """The request cannot be read as what the model says it is; AWS answers before any validation."""

    def __init__(self, message: str, *, code: str = "SerializationException", status: int = 400) -> None:
        super().__init__(code, message, status=status)


class MalformedBodyError(SerializationError):
    """The body is not JSON at all; some services have a code of their own for that."""


class AuthError(ServiceError):
    """A request whose signature, credentials or signing time AWS refuses.

    `code` is spelled as the JSON protocols spell it; `lambent.aws.serialize` translates it for the others.
    """

    def __init__(self, code: str, message: str, *, status: int = 403) -> None:
        super().__init__(code, message, status=status)


class ModelError(Exception):
    """botocore's data holds no such service or operation: a mistake of the caller, not of the client."""
