"""What AWS's refusals, and botocore's own errors, mean for a person, and what to do about each.

Codes: "Common Errors" of the API references of CloudFormation, STS, S3 and Lambda; exceptions: botocore.exceptions.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final

from lambent.deploy.errors import ProviderError
from lambent.deploy.providers.mends import mend_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.exceptions import ClientError

    from lambent.deploy.providers.access import Access

_EXPIRED: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "ExpiredCredentials"}
)
_UNKNOWN_KEYS: Final = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "AuthFailure",
        "InvalidToken",
    }
)
_WRONG_SECRET: Final = frozenset(
    {"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"}
)
_CLOCK: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})
_DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}
)
_THROTTLED: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
    }
)
_NOT_OPEN: Final = frozenset({"OptInRequired", "SubscriptionRequiredException"})
_NOT_SERVED: Final = frozenset(
    {
        "UnknownOperationException",
        "InvalidAction",
        "NotImplemented",
        "UnsupportedOperation",
        "UnknownOperation",
    }
)
_BUSY: Final = re.compile(r"is in [A-Z_]+_IN_PROGRESS state|OperationInProgress", re.IGNORECASE)
_MISSING: Final = re.compile(r"is not authorized to perform: ([\w:*-]+)")

_IS_IT: Final = "Is the endpoint the right one? Not everything that speaks AWS's protocols serves all of it."


@contextlib.contextmanager
def refusals(access: Access) -> Iterator[None]:
    """Turns botocore's errors in the block into ProviderError."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    try:
        yield
    except exceptions.ClientError as error:
        raise _refused(access, error) from error
    except (exceptions.BotoCoreError, ResponseParserError, ValueError) as error:
        found = _not_sent(access, error)
        if found is None:
            raise
        raise found from error


def _refused(access: Access, error: ClientError) -> ProviderError:
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "Unknown")), told.get("Message") or "no message"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    operation = error.operation_name
    if code in _EXPIRED or (code in _WRONG_SECRET and "expired" in message.lower()):
        return ProviderError(
            f"the credentials{_of_profile(access)} have expired ({code})", hint=_renewal(access)
        )
    if code in _UNKNOWN_KEYS:
        return ProviderError(
            f"{access.where} does not know the credentials{_of_profile(access)} ({code}: {message})",
            hint="Check the access key (AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, or ~/.aws/credentials), and that the "
            f"account has the region {access.region} enabled. `aws sts get-caller-identity` says who you are.",
        )
    if code in _WRONG_SECRET:
        return ProviderError(
            f"the secret access key{_of_profile(access)} is not the one of the access key ({code})",
            hint="Check AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials: both keys have to be copied whole.",
        )
    if code in _CLOCK:
        return ProviderError(
            f"{access.where} finds the clock of this machine wrong ({code})",
            hint="Set the clock, then repeat.",
        )
    if code in _DENIED:
        missing = _MISSING.search(message)
        return ProviderError(
            f"the credentials{_of_profile(access)} may not do {operation}: {message}",
            hint=f"Have {missing[1] if missing else 'the permission'} added to whom they belong to, or use others "
            "(--profile).",
        )
    if code in _THROTTLED:
        return ProviderError(
            f"{access.where} throttles {operation}, also after several attempts ({code})",
            hint="Repeat the command in a minute; it goes on where it stopped.",
        )
    if code in _NOT_OPEN:
        return ProviderError(
            f"the account cannot use the service for {operation} in {access.region} ({code}: {message})",
            hint="Enable the region or the service in the account, or deploy to another region (--region).",
        )
    if code in _NOT_SERVED:
        return ProviderError(
            f"{access.where} does not serve {operation} ({code})",
            hint=_IS_IT,
        )
    if code == "LimitExceededException":
        return ProviderError(
            f"a quota of the account is used up: {message}",
            hint="Have it raised in Service Quotas, or delete something.",
        )
    if _BUSY.search(message):
        return ProviderError(
            f"something else has begun to change the stack: {message}",
            hint="Repeat the command: it waits for that.",
        )
    if status >= 500:
        return ProviderError(
            f"{access.where} failed at {operation}: {message} ({code}, {status})",
            hint="Repeat the command; it goes on where it stopped.",
        )
    return ProviderError(
        f"{access.where} refuses {operation}: {message} ({code})", hint=mend_for(f"{code}: {message}")
    )


def _not_sent(access: Access, error: Exception) -> ProviderError | None:
    """What went wrong on this side, or on the way."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    if isinstance(error, exceptions.NoCredentialsError):
        return ProviderError(
            "there are no credentials for AWS",
            hint="Give some: `aws configure` (or `aws configure sso`), --profile NAME, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY. `--provider local` needs none.",
        )
    if isinstance(error, exceptions.PartialCredentialsError):
        return ProviderError(
            f"the credentials are not complete: {error}", hint="Set both the access key and its secret."
        )
    if isinstance(error, exceptions.ProfileNotFound):
        return ProviderError(
            f"there is no profile {access.profile or error.kwargs.get('profile')} in the AWS settings",
            hint="`aws configure list-profiles` lists those that are there.",
        )
    if isinstance(
        error,
        (
            exceptions.UnauthorizedSSOTokenError,
            exceptions.SSOTokenLoadError,
            exceptions.TokenRetrievalError,
            exceptions.SSOError,
        ),
    ):
        return ProviderError(f"the login{_of_profile(access)} is over: {error}", hint=_renewal(access))
    if isinstance(error, exceptions.CredentialRetrievalError):
        return ProviderError(
            f"the credentials{_of_profile(access)} cannot be had: {error}",
            hint="Run what `credential_process` or the role in ~/.aws/config names by hand to see why.",
        )
    if isinstance(error, (exceptions.NoRegionError, exceptions.InvalidRegionError)):
        return ProviderError(f"{error}", hint="Name a region: --region eu-central-1.")
    if isinstance(error, exceptions.ProxyConnectionError):
        return ProviderError(f"the proxy does not answer: {error}", hint="Check HTTPS_PROXY, or unset it.")
    if isinstance(error, exceptions.SSLError):
        return ProviderError(
            f"{access.where} cannot be trusted: {error}",
            hint="Behind a proxy that reads along, AWS_CA_BUNDLE names its certificate.",
        )
    if isinstance(
        error,
        (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError, exceptions.ConnectionError),
    ):
        if access.endpoint_url is None:
            hint = f"Check the network, and whether {access.region} is a region of AWS."
        elif access.near:
            hint = "Start a platform with `lambent up`, or name another endpoint with --endpoint-url."
        else:
            hint = "Check the address and the network, or name another endpoint with --endpoint-url."
        return ProviderError(f"nobody answers at {access.where}", hint=hint)
    if isinstance(error, (exceptions.ConnectionClosedError, exceptions.ReadTimeoutError)):
        return ProviderError(
            f"{access.where} broke off", hint="Repeat the command: it goes on where it has stopped."
        )
    if isinstance(error, exceptions.HTTPClientError):
        return ProviderError(f"{access.where} cannot be spoken to: {error}", hint="Check the address.")
    if isinstance(error, ValueError):
        # botocore says so of URLs that have no host, or one that cannot be.
        if not str(error).startswith("Invalid endpoint"):
            return None
        return ProviderError(f"{access.endpoint_url} is no endpoint URL", hint="Check the address.")
    if isinstance(error, ResponseParserError):
        return ProviderError(
            f"{access.where} gives an answer that is none of AWS's: {str(error).splitlines()[0]}", hint=_IS_IT
        )
    if isinstance(error, exceptions.BotoCoreError):
        return ProviderError(f"{error}")
    return None


def _of_profile(access: Access) -> str:
    return f" of the profile {access.profile}" if access.profile else ""


def _renewal(access: Access) -> str:
    profile = f" --profile {access.profile}" if access.profile else ""
    return (
        f"Get new ones: `aws sso login{profile}` where you log in so, else those of AWS_ACCESS_KEY_ID, "
        "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. Then repeat the command: it goes on where it has stopped."
    )
