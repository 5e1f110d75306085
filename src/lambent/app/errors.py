"""What a handler raises to be answered with, and what is wrong with an app itself.

HTTPError                       status, code, message, details, headers
├── BadRequest                  400
├── Unauthorized                401
├── PaymentRequired             402
├── Forbidden                   403
├── NotFound                    404
├── MethodNotAllowed            405
├── NotAcceptable               406
├── RequestTimeout              408
├── Conflict                    409
├── Gone                        410
├── LengthRequired              411
├── PreconditionFailed          412
├── ContentTooLarge             413
├── URITooLong                  414
├── UnsupportedMediaType        415
├── RangeNotSatisfiable         416
├── ExpectationFailed           417
├── MisdirectedRequest          421
├── UnprocessableContent        422
│   └── ValidationFailed            the request does not fit the handler's type hints
├── Locked                      423
├── FailedDependency            424
├── TooEarly                    425
├── UpgradeRequired             426
├── PreconditionRequired        428
├── TooManyRequests             429
├── HeadersTooLarge             431
├── UnavailableForLegalReasons  451
├── InternalServerError         500
├── NotImplementedYet           501
├── BadGateway                  502
├── ServiceUnavailable          503
└── GatewayTimeout              504
AppError                        something is wrong with the app: raised where it is put together
└── UnknownEvent                an event that nothing in the app handles

Names and statuses are those of RFC 9110 and of the IANA registry of HTTP status codes.
"""

from __future__ import annotations

from typing import Any, ClassVar


class HTTPError(Exception):
    """An error that is answered: `{"error": message, "code": code}`, with `details` if there are any.

    `raise NotFound(f"no order {number}")`. `code` is for programs and stays the same when texts change; without one
    it is the class's own. `details` is anything that JSON can hold. `headers` are added to the answer.
    """

    status: ClassVar[int] = 500
    code: str = "INTERNAL_SERVER_ERROR"
    message: str = "Internal server error"

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        details: Any = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        if message is not None:
            self.message = message
        if code is not None:
            self.code = code
        self.details = details
        self.headers = headers
        super().__init__(self.message)

    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        if self.details is None:
            return {"error": self.message, "code": self.code}
        return {"error": self.message, "code": self.code, "details": self.details}


class BadRequest(HTTPError):
    status = 400
    code = "BAD_REQUEST"
    message = "Bad request"


class Unauthorized(HTTPError):
    status = 401
    code = "UNAUTHORIZED"
    message = "Unauthorized"


class PaymentRequired(HTTPError):
    status = 402
    code = "PAYMENT_REQUIRED"
    message = "Payment required"


class Forbidden(HTTPError):
    status = 403
    code = "FORBIDDEN"
    message = "Forbidden"


class NotFound(HTTPError):
    status = 404
    code = "NOT_FOUND"
    message = "Not found"


class MethodNotAllowed(HTTPError):
    """`allow` are the methods that there are; they become the answer's Allow header."""

    status = 405
    code = "METHOD_NOT_ALLOWED"
    message = "Method not allowed"

    def __init__(self, message: str | None = None, *, allow: tuple[str, ...] = (), **members: Any) -> None:
        super().__init__(message, **members)
        if allow:
            self.headers = {"allow": ", ".join(allow), **(self.headers or {})}


class NotAcceptable(HTTPError):
    status = 406
    code = "NOT_ACCEPTABLE"
    message = "Not acceptable"


class RequestTimeout(HTTPError):
    status = 408
    code = "REQUEST_TIMEOUT"
    message = "Request timeout"


class Conflict(HTTPError):
    status = 409
    code = "CONFLICT"
    message = "Conflict"


class Gone(HTTPError):
    status = 410
    code = "GONE"
    message = "Gone"


class LengthRequired(HTTPError):
    status = 411
    code = "LENGTH_REQUIRED"
    message = "Length required"


class PreconditionFailed(HTTPError):
    status = 412
    code = "PRECONDITION_FAILED"
    message = "Precondition failed"


class ContentTooLarge(HTTPError):
    status = 413
    code = "CONTENT_TOO_LARGE"
    message = "Content too large"


class URITooLong(HTTPError):
    status = 414
    code = "URI_TOO_LONG"
    message = "URI too long"


class UnsupportedMediaType(HTTPError):
    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    message = "Unsupported media type"


class RangeNotSatisfiable(HTTPError):
    status = 416
    code = "RANGE_NOT_SATISFIABLE"
    message = "Range not satisfiable"


class ExpectationFailed(HTTPError):
    status = 417
    code = "EXPECTATION_FAILED"
    message = "Expectation failed"


class MisdirectedRequest(HTTPError):
    status = 421
    code = "MISDIRECTED_REQUEST"
    message = "Misdirected request"


class UnprocessableContent(HTTPError):
    status = 422
    code = "UNPROCESSABLE_CONTENT"
    message = "Unprocessable content"


class ValidationFailed(UnprocessableContent):
    """`details` lists each error: {"in": "path" | "query" | "header" | "cookie" | "body", "name": …, "message": …}.

    `name` is the parameter's, or where in the body it is: `items[0].sku`.
    """

    code = "VALIDATION_FAILED"
    message = "Validation failed"


class Locked(HTTPError):
    status = 423
    code = "LOCKED"
    message = "Locked"


class FailedDependency(HTTPError):
    status = 424
    code = "FAILED_DEPENDENCY"
    message = "Failed dependency"


class TooEarly(HTTPError):
    status = 425
    code = "TOO_EARLY"
    message = "Too early"


class UpgradeRequired(HTTPError):
    status = 426
    code = "UPGRADE_REQUIRED"
    message = "Upgrade required"


class PreconditionRequired(HTTPError):
    status = 428
    code = "PRECONDITION_REQUIRED"
    message = "Precondition required"


class TooManyRequests(HTTPError):
    status = 429
    code = "TOO_MANY_REQUESTS"
    message = "Too many requests"


class HeadersTooLarge(HTTPError):
    status = 431
    code = "HEADERS_TOO_LARGE"
    message = "Request header fields too large"


class UnavailableForLegalReasons(HTTPError):
    status = 451
    code = "UNAVAILABLE_FOR_LEGAL_REASONS"
    message = "Unavailable for legal reasons"


class InternalServerError(HTTPError):
    pass


class NotImplementedYet(HTTPError):
    status = 501
    code = "NOT_IMPLEMENTED"
    message = "Not implemented"


class BadGateway(HTTPError):
    status = 502
    code = "BAD_GATEWAY"
    message = "Bad gateway"


class ServiceUnavailable(HTTPError):
    status = 503
    code = "SERVICE_UNAVAILABLE"
    message = "Service unavailable"


class GatewayTimeout(HTTPError):
    status = 504
    code = "GATEWAY_TIMEOUT"
    message = "Gateway timeout"


class AppError(Exception):
    """Something is wrong with the app. The text names the handler and what mends it."""


class UnknownEvent(AppError):
    """An event that nothing in the app handles."""
