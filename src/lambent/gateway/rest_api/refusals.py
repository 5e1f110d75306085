"""What REST APIs refuse, and how: the type of gateway response, status, message and error type.

"Gateway response types for API Gateway" of the developer guide. Messages and x-amzn-ErrorType headers as clients of
AWS see them (among others recorded in localstack/localstack, tests/aws/services/apigateway); where AWS's default body
has a space after its colon, `spaced` says so.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Refusal(NamedTuple):
    """One kind of error. `message` None is null in the body."""

    type: str
    status: int
    message: str | None
    error_type: str
    member: str = "message"
    spaced: bool = False

    def saying(self, message: str) -> Refusal:
        """The same with another message."""
        return self._replace(message=message)


MISSING_TOKEN: Final = Refusal(
    "MISSING_AUTHENTICATION_TOKEN",
    403,
    "Missing Authentication Token",
    "MissingAuthenticationTokenException",
)
FORBIDDEN: Final = Refusal("INVALID_API_KEY", 403, "Forbidden", "ForbiddenException")
UNAUTHORIZED: Final = Refusal("UNAUTHORIZED", 401, "Unauthorized", "UnauthorizedException")
EXPIRED: Final = Refusal("UNAUTHORIZED", 401, "The incoming token has expired", "UnauthorizedException")
INVALID_SIGNATURE: Final = Refusal(
    "INVALID_SIGNATURE",
    403,
    "The security token included in the request is invalid.",
    "UnrecognizedClientException",
)
ACCESS_DENIED: Final = Refusal(
    "ACCESS_DENIED",
    403,
    "User is not authorized to access this resource",
    "AccessDeniedException",
    "Message",
)
EXPLICITLY_DENIED: Final = ACCESS_DENIED.saying(
    "User is not authorized to access this resource with an explicit deny in an identity-based policy"
)
AUTHORIZER_FAILURE: Final = Refusal("AUTHORIZER_FAILURE", 500, None, "AuthorizerFailureException")
AUTHORIZER_CONFIGURATION: Final = Refusal(
    "AUTHORIZER_CONFIGURATION_ERROR", 500, None, "AuthorizerConfigurationException"
)
BAD_BODY: Final = Refusal("BAD_REQUEST_BODY", 400, "Invalid request body", "BadRequestException", spaced=True)
BAD_PARAMETERS: Final = Refusal(
    "BAD_REQUEST_PARAMETERS", 400, "Missing required request parameters", "BadRequestException", spaced=True
)
TOO_LARGE: Final = Refusal(
    "REQUEST_TOO_LARGE", 413, "Request Too Long", "RequestEntityTooLargeException", spaced=True
)
UNSUPPORTED_TYPE: Final = Refusal(
    "UNSUPPORTED_MEDIA_TYPE", 415, "Unsupported Media Type", "BadRequestException", spaced=True
)
THROTTLED: Final = Refusal("THROTTLED", 429, "Too Many Requests", "TooManyRequestsException")
OVER_QUOTA: Final = Refusal("QUOTA_EXCEEDED", 429, "Limit Exceeded", "LimitExceededException")
INTERNAL: Final = Refusal(
    "API_CONFIGURATION_ERROR", 500, "Internal server error", "InternalServerErrorException", spaced=True
)
BAD_GATEWAY: Final = Refusal(
    "API_CONFIGURATION_ERROR", 502, "Internal server error", "InternalServerErrorException", spaced=True
)
INTEGRATION_FAILURE: Final = Refusal(
    "INTEGRATION_FAILURE", 504, "Endpoint request timed out", "InternalServerErrorException", spaced=True
)
NETWORK_ERROR: Final = Refusal(
    "INTEGRATION_FAILURE",
    504,
    "Network error communicating with endpoint",
    "InternalServerErrorException",
    spaced=True,
)
ENDPOINT_TIMED_OUT: Final = Refusal(
    "INTEGRATION_TIMEOUT", 504, "Endpoint request timed out", "InternalServerErrorException", spaced=True
)
