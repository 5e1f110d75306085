"""The registry's refusals as Lambda words them on the wire."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lambent.aws.errors import ServiceError
from lambent.functions import errors as refused
from lambent.invocation.errors import RuntimeMissing
from lambent.store import StorageFull, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.aws.context import RequestContext

_CODES: dict[type[Exception], str] = {
    refused.FunctionNotFound: "ResourceNotFoundException",
    refused.NoSuchFunction: "ResourceNotFoundException",
    refused.UnknownFunction: "ResourceNotFoundException",
    refused.NoFunctionUrl: "ResourceNotFoundException",
    refused.FunctionUrlExists: "ResourceConflictException",
    refused.NoEventInvokeConfig: "ResourceNotFoundException",
    refused.WrongRegion: "ResourceNotFoundException",
    refused.InvalidName: "ValidationException",
    refused.QualifierMismatch: "InvalidParameterValueException",
    refused.FunctionExists: "ResourceConflictException",
    refused.UpdateInProgress: "ResourceConflictException",
    refused.NotReady: "ResourceConflictException",
    refused.RevisionMismatch: "PreconditionFailedException",
    refused.CodeMismatch: "InvalidParameterValueException",
    refused.InvalidConfiguration: "InvalidParameterValueException",
    refused.LimitExceeded: "ValidationException",
    refused.CodeRejected: "InvalidParameterValueException",
    refused.CodeStorageExceeded: "CodeStorageExceededException",
    refused.ProvisioningRefused: "InvalidParameterValueException",
    refused.ProvisionedElsewhere: "ResourceConflictException",
    refused.AliasNotFound: "ResourceNotFoundException",
    refused.UpdatedAliasNotFound: "ResourceNotFoundException",
    refused.AliasExists: "ResourceConflictException",
    refused.VersionInUse: "ResourceConflictException",
    refused.TooManyTags: "InvalidParameterValueException",
    refused.LayerNotFound: "ResourceNotFoundException",
    refused.LayerRevisionMismatch: "PreconditionFailedException",
    refused.PolicyRevisionMismatch: "PreconditionFailedException",
    refused.InvalidPolicy: "InvalidParameterValueException",
    refused.PublicPolicy: "PublicPolicyException",
    refused.NoPolicy: "ResourceNotFoundException",
    refused.StatementNotFound: "ResourceNotFoundException",
    refused.StatementExists: "ResourceConflictException",
    refused.PolicyTooLong: "PolicyLengthExceededException",
    refused.SigningConfigDeleted: "CodeSigningConfigNotFoundException",
    refused.SigningConfigInUse: "ResourceConflictException",
    refused.CodeNotSigned: "CodeVerificationFailedException",
}


def translated(error: Exception, context: RequestContext) -> ServiceError:
    """The answer for a refusal of the registry or a failure of the store."""
    code = _CODES.get(type(error))
    if code is not None:
        return ServiceError(code, str(error))
    if isinstance(error, refused.WrongAccount):
        denied = _denied(context, context.operation, error.arn)
        if context.operation == "CreateFunction":
            denied.members["message"] = None  # Recorded: null, nothing else
        return denied
    if isinstance(error, refused.LayerAccessDenied):
        return _denied(context, error.action, error.arn)
    if isinstance(error, refused.SigningConfigNotFound):
        # Recorded without the Type member too.
        return ServiceError("ResourceNotFoundException", str(error), members={"Type": None})
    if isinstance(error, refused.CodeTooLarge):
        return ServiceError("RequestEntityTooLargeException", str(error), status=413)
    if isinstance(error, refused.ConcurrencyUnavailable | refused.UnversionedWeights):
        # Recorded without the Type member that Lambda's errors have otherwise.
        return ServiceError("InvalidParameterValueException", str(error), members={"Type": None})
    if isinstance(error, StorageFull):
        return ServiceError("ServiceException", f"The platform's disk is full: {error}. Nothing was changed.")
    return ServiceError("ServiceException", f"The platform's store has failed: {error}")


def _denied(context: RequestContext, action: str, arn: str) -> ServiceError:
    return ServiceError(
        "AccessDeniedException",
        f"User: arn:{context.partition}:iam::{context.account}:root is not authorized to perform: "
        f"lambda:{action} on resource: {arn} because no resource-based policy allows the "
        f"lambda:{action} action",
        status=403,
    )


def not_run(failure: Exception) -> ServiceError:
    """The answer for an invocation that the platform could not run."""
    if isinstance(failure, RuntimeMissing):
        return ServiceError("InvalidRuntimeException", str(failure), status=502, fault="server")
    return ServiceError("ServiceException", str(failure), status=500, fault="server")


@contextlib.contextmanager
def translating(context: RequestContext) -> Iterator[None]:
    """Turn what the registry and the store raise into ServiceError."""
    try:
        yield
    except (refused.FunctionError, StoreError) as error:
        raise translated(error, context) from error


def invalid_parameter(message: str) -> ServiceError:
    """InvalidParameterValueException."""
    return ServiceError("InvalidParameterValueException", message)


def not_found(message: str) -> ServiceError:
    """ResourceNotFoundException."""
    return ServiceError("ResourceNotFoundException", message)
