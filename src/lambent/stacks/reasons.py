"""Why a resource or a stack is in its status, in CloudFormation's words.

Those of handlers are told as its documentation and the events in public issues show them: `Resource handler returned
message: "…" (RequestToken: …, HandlerErrorCode: …)`, the message of a service in the form of AWS's SDK for Java.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.neighbours.service_calls import ServiceFailure, ServiceMissing
from lambent.stacks.errors import ResourceFailure, StackError

if TYPE_CHECKING:
    from collections.abc import Collection

INITIATED: Final = "Resource creation Initiated"
REPLACING: Final = "Requested update requires the creation of a new physical resource; hence creating one."
USER: Final = "User Initiated"
TAGGING: Final = "Apply stack-level tags to imported resource if applicable."
TRANSFORMED: Final = "Transformation succeeded"
CREATION_CANCELLED: Final = "Resource creation cancelled"
UPDATE_CANCELLED: Final = "Resource update cancelled"
DELETION_CANCELLED: Final = "Resource deletion cancelled"
INTERNAL: Final = "Internal Failure"
UNCLEAN: Final = "Update successful. One or more resources could not be deleted."
TIMED_OUT: Final = "Stack creation time exceeded the specified timeout"

_SDK_NAMES: Final = {
    "apigateway": "ApiGateway",
    "apigatewayv2": "ApiGatewayV2",
    "cloudwatch": "CloudWatch",
    "codedeploy": "CodeDeploy",
    "cognito-identity": "CognitoIdentity",
    "cognito-idp": "CognitoIdentityProvider",
    "dynamodb": "DynamoDb",
    "events": "EventBridge",
    "lambda": "Lambda",
    "logs": "CloudWatchLogs",
    "secretsmanager": "SecretsManager",
    "stepfunctions": "Sfn",
}
_SERVER_ERROR: Final = 500


def handler_message(message: str, token: str, code: str) -> str:
    """What CloudFormation says when a resource type's handler has failed."""
    return f'Resource handler returned message: "{message}" (RequestToken: {token}, HandlerErrorCode: {code})'


def of_error(error: Exception, token: str) -> str:
    """The ResourceStatusReason of a step that has failed with that."""
    if isinstance(error, ResourceFailure):
        return error.reason or handler_message(error.message, token, error.code)
    if isinstance(error, ServiceFailure):
        name = _SDK_NAMES.get(error.service, error.service[:1].upper() + error.service[1:])
        message = (
            f"{error.message or error.code} (Service: {name}, Status Code: {error.status}, "
            f"Request ID: {error.request_id}) (SDK Attempt Count: 1)"
        )
        return handler_message(message, token, handler_code(error))
    if isinstance(error, StackError):
        return str(error)
    if isinstance(error, ServiceMissing | ValueError):
        return handler_message(str(error), token, "InvalidRequest")
    return handler_message(INTERNAL, token, "InternalFailure")


def handler_code(failure: ServiceFailure) -> str:
    """The HandlerErrorCode that a resource type tells for a service's error (cloudformation-cli: error codes)."""
    code = failure.code
    if "AlreadyExist" in code or code in {
        "ResourceConflictException",
        "ResourceInUseException",
        "QueueNameExists",
    }:
        return "AlreadyExists"
    if "NotFound" in code or code in {"NoSuchEntity", "NoSuchBucket", "404"}:
        return "NotFound"
    if "AccessDenied" in code or code in {"AuthorizationError", "UnauthorizedOperation", "403"}:
        return "AccessDenied"
    if "Throttl" in code or "TooManyRequests" in code:
        return "Throttling"
    if "LimitExceeded" in code or "QuotaExceeded" in code:
        return "ServiceLimitExceeded"
    if failure.status >= _SERVER_ERROR:
        return "ServiceInternalError"
    return "GeneralServiceException" if failure.service == "s3" else "InvalidRequest"


def failed_resources(created: Collection[str], updated: Collection[str] = ()) -> str:
    """Which resources an operation has failed at, as the stack's reason says it."""
    said = ""
    if created:
        said += f"The following resource(s) failed to create: [{', '.join(created)}]. "
    if updated:
        said += f"The following resource(s) failed to update: [{', '.join(updated)}]. "
    return said


def failed_deletions(deleted: Collection[str]) -> str:
    """The same for what could not be removed."""
    return f"The following resource(s) failed to delete: [{', '.join(deleted)}]. "


def requested(failure: str, what: str) -> str:
    """`… Rollback requested by user.`, as the event says that begins going back from a creation."""
    failure = failure.rstrip()
    return f"{failure}{'' if failure.endswith('.') else '.'} {what} requested by user."
