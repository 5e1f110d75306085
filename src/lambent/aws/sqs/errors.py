"""What is wrong with a request, as SQS answers it.

Codes are those of the model (JSON); the query protocol's are in `lambent.aws.overrides`. Statuses are recorded ones;
that of ReceiptHandleIsInvalid is 404 in every answer that was ever posted, whatever the API reference says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.aws.errors import ServiceError
from lambent.aws.overrides import quirks_of
from lambent.aws.sqs.requests import FailedEntry
from lambent.events.queues import errors as queues

if TYPE_CHECKING:
    from lambent.store import StoreError

INVALID_PARAMETER: Final = "InvalidParameterValueException"
MISSING_PARAMETER: Final = "MissingRequiredParameterException"

_CODES: Final[dict[type[queues.QueueError], tuple[str, int]]] = {
    queues.QueueNotFound: ("QueueDoesNotExist", 400),
    queues.QueueNameExists: ("QueueNameExists", 400),
    queues.PurgeInProgress: ("PurgeQueueInProgress", 403),
    queues.InvalidAttributeName: ("InvalidAttributeName", 400),
    queues.InvalidAttributeValue: ("InvalidAttributeValue", 400),
    queues.InvalidParameter: (INVALID_PARAMETER, 400),
    queues.MissingParameter: (MISSING_PARAMETER, 400),
    queues.ReceiptHandleInvalid: ("ReceiptHandleIsInvalid", 404),
    # SQS models MessageNotInflight, and answers this: TestSqsProvider::test_change_visibility_on_deleted_message
    queues.MessageNotInFlight: (INVALID_PARAMETER, 400),
    queues.OverLimit: ("OverLimit", 403),
    queues.MoveNotFound: ("ResourceNotFoundException", 404),
}
_QUERY_CODES: Final = quirks_of("sqs").query_error_codes


def translated(error: queues.QueueError) -> ServiceError:
    """A refusal by the floor below, as it is answered."""
    for kind in type(error).__mro__:
        if kind in _CODES:
            code, status = _CODES[kind]
            return ServiceError(code, str(error), status=status)
    return ServiceError(INVALID_PARAMETER, str(error))


def invalid(message: str) -> ServiceError:
    """A parameter whose value cannot be."""
    return ServiceError(INVALID_PARAMETER, message)


def invalid_value(value: object, parameter: str, reason: str) -> ServiceError:
    """The same in SQS's usual words."""
    return invalid(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def missing(parameter: str) -> ServiceError:
    """A parameter that is needed, and not there or empty."""
    return ServiceError(MISSING_PARAMETER, f"The request must contain the parameter {parameter}.")


def unavailable(error: StoreError) -> ServiceError:
    """Nothing can be kept now. Clients retry this."""
    return ServiceError("ServiceUnavailable", str(error), status=503, fault="server")


def denied(caller: str, action: str, resource: str) -> ServiceError:
    """Somebody of another account whom the queue's policy does not let in."""
    return ServiceError(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: sqs:{action.lower()} on resource: {resource}"
        f" because no resource-based policy allows the sqs:{action.lower()} action",
        status=403,
    )


def failed_entry(entry_id: str, error: ServiceError) -> FailedEntry:
    """The entry of a batch that `error` refuses. Its code is the query protocol's in both protocols.

    TestSqsProvider::test_send_batch_message_size
    """
    code = _QUERY_CODES.get(error.code, error.code)
    return FailedEntry(entry_id, error.fault != "server", code, error.message)
