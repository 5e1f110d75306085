"""The errors of stacks."""

from __future__ import annotations


class StackError(Exception):
    """Base; str() of it is what AWS says."""


class ValidationError(StackError):
    """A template, a parameter or a request that is not acceptable: `ValidationError` on the wire, HTTP 400."""


class UnsupportedType(ValidationError):
    """Nobody makes resources of that type here."""


class StackNotFound(ValidationError):
    """There is no such stack."""


class StackExists(StackError):
    """A stack of that name is there: `AlreadyExistsException`."""


class ChangeSetNotFound(StackError):
    """There is no such change set."""


class InvalidChangeSetStatus(StackError):
    """The change set cannot be executed or deleted as it is."""


class InsufficientCapabilities(StackError):
    """What the template makes has to be acknowledged first: CAPABILITY_IAM, _NAMED_IAM, _AUTO_EXPAND."""


class LimitExceeded(StackError):
    """More than CloudFormation's quotas allow."""


class TokenExists(StackError):
    """The same ClientRequestToken with another request."""


class ResourceFailure(StackError):
    """A resource could not be made, changed or removed.

    `code`: a HandlerErrorCode of CloudFormation's resource types ("AlreadyExists", "NotFound", "InvalidRequest",
    "NotStabilized", "GeneralServiceException"…). `reason`: the whole ResourceStatusReason when the usual words around
    the message do not fit.
    """

    def __init__(
        self, message: str, code: str = "GeneralServiceException", *, reason: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason


class ReplacementNeeded(StackError):
    """Raised by a provider's update: this change cannot be made in place, the engine replaces the resource."""
