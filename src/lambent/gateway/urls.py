"""Function URLs: requests straight to a function, buffered or streamed.

Statuses, bodies and headers are recorded (`TestLambdaURL`, `TestLambdaPermissions`); the rest follows "Invoking
Lambda function URLs" and "Control access to Lambda function URLs" of the Lambda developer guide. AWS asks new URLs
for lambda:InvokeFunction besides lambda:InvokeFunctionUrl since October 2025 and serves older ones without it; here
the second is enough, as templates of both ages have to work. CORS headers are added to
those of the function, as AWS does it (aws-powertools/powertools-lambda-python#4163).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.functions import FunctionError
from lambent.functions.authorization import permits, root_of
from lambent.gateway.answers import JSON, answer_v2
from lambent.gateway.call import Call
from lambent.gateway.cors import CorsRules
from lambent.gateway.errors import BadAnswer
from lambent.gateway.event_v2 import event_v2
from lambent.gateway.functions import MAX_EVENT, Callee, FunctionCaller
from lambent.gateway.url_stream import UrlStream
from lambent.http.request import encode_headers
from lambent.http.status import STATUS_LINES
from lambent.invocation.errors import FunctionNotReady, Throttled
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from lambent.execution.invocation import Invocation
    from lambent.functions.attachments import FunctionUrl
    from lambent.functions.record import FunctionRecord
    from lambent.gateway.callers import Caller, Identify
    from lambent.http import Request

_ACTION: Final = "lambda:InvokeFunctionUrl"
_FORBIDDEN: Final = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
_BAD_GATEWAY: Final = b"Internal Server Error"
_KEPT: Final = 20_000

_log = logging.getLogger(__name__)


class _Place(NamedTuple):
    """Which function, or alias of one, has a URL."""

    account: str
    region: str
    name: str
    alias: str


class _Served(NamedTuple):
    """A URL as it is served until the registry changes. Without a `callee` its alias is gone."""

    url: FunctionUrl
    account: str
    region: str
    callee: Callee | None
    cors: CorsRules | None
    public: bool
    """Whether everybody may use it."""


class FunctionUrls:
    """Serves the URLs of all functions. `identify` finds out who has signed a request."""

    def __init__(self, functions: FunctionCaller, identify: Identify) -> None:
        self._functions = functions
        self._identify = identify
        self._places: dict[str, _Place] = {}
        self._served: dict[str, _Served] = {}
        self._generation = -1
        registry = functions.registry
        for record in registry.all_functions():
            self._changed(None, record)
        registry.watch(self._changed)

    def _changed(self, old: FunctionRecord | None, new: FunctionRecord | None) -> None:
        for url in old.urls.values() if old is not None else ():
            self._places.pop(url.url_id, None)
        if new is not None:
            for alias, url in new.urls.items():
                self._places[url.url_id] = _Place(new.account, new.region, new.name, alias)

    def _find(self, url_id: str) -> _Served | None:
        registry = self._functions.registry
        if self._generation != registry.generation:
            self._generation = registry.generation
            self._served.clear()
        served = self._served.get(url_id)
        if served is None:
            place = self._places.get(url_id)
            if place is None:
                return None
            served = self._look_up(place)
            if len(self._served) >= _KEPT:
                self._served.clear()
            self._served[url_id] = served
        return served

    def _look_up(self, place: _Place) -> _Served:
        registry = self._functions.registry
        account, region, name, alias = place
        record = registry.resolve(account, region, name).function
        url = record.urls[alias]
        try:
            target = registry.resolve(account, region, name, alias or None)
        except FunctionError:
            return _Served(url, account, region, None, None, public=False)
        context = {"lambda:FunctionUrlAuthType": url.auth_type}
        public = url.auth_type == "NONE" and permits(target, None, _ACTION, context)
        if url.auth_type == "NONE" and not public:
            _log.warning(
                "%s has a public URL that nobody may use yet: aws lambda add-permission --function-name %s "
                "--statement-id FunctionURLAllowPublicAccess --action lambda:InvokeFunctionUrl --principal '*' "
                "--function-url-auth-type NONE",
                target.invoked_arn,
                target.invoked_arn,
            )
        cors = CorsRules.of_url(url.cors) if url.cors is not None else None
        return _Served(url, account, region, self._functions.callee(target), cors, public=public)

    # ------------------------------------------------------------ a request

    def handle(self, request: Request, url_id: str, host: str, path: str) -> None:
        """Answer a request to a URL. `path` is what follows the address, as it was sent."""
        request_id = new_request_id()
        served = self._find(url_id)
        if served is None:
            _refuse(request, request_id, 403, None, "AccessDeniedException")
            return
        callee, cors = served.callee, served.cors
        origin = request.header(b"origin") if cors is not None else None
        if (
            cors is not None
            and origin is not None
            and request.method == b"OPTIONS"
            and cors.is_preflight(request)
        ):
            headers = cors.preflight(request, origin.decode("latin-1"))
            _send(request, request_id, 200, headers, b"")
            return
        caller: Caller | None = None
        if not served.public:
            caller = self._caller(served, request)
            if caller is None:
                _refuse(request, request_id, 403, _FORBIDDEN, "AccessDeniedException")
                return
        if callee is None:
            _refuse(request, request_id, 403, _FORBIDDEN, "AccessDeniedException")
            return
        call = Call(request, host, path or "/", request_id, counts_nothing=False)
        payload = event_v2(
            call,
            api_id=url_id,
            account_id=caller.account if caller is not None else "anonymous",
            raw_path=call.path,
            authorizer={"iam": caller.facts()} if caller is not None else None,
        )
        if len(payload) > MAX_EVENT:
            _refuse(
                request,
                request_id,
                413,
                f"Request must be smaller than {MAX_EVENT} bytes for the InvokeFunction operation",
                "RequestEntityTooLargeException",
            )
            return
        more = cors.headers(origin.decode("latin-1")) if cors is not None and origin is not None else []
        trace = call.headers["x-amzn-trace-id"]
        pending = _Pending(request, request_id, callee, more)
        sink = UrlStream(request, request_id, more) if served.url.invoke_mode == "RESPONSE_STREAM" else None
        finished = pending.answered if sink is None else sink.answered
        try:
            self._functions.call(callee, payload, trace, finished, request_id=request_id, sink=sink)
        except Throttled:
            _refuse(request, request_id, 429, "Rate Exceeded.", "TooManyRequestsException")
        except FunctionNotReady as error:
            _log.warning("%s", error)
            _bad_gateway(request, request_id)

    def _caller(self, served: _Served, request: Request) -> Caller | None:
        """Who has signed the request, if he may use the URL."""
        if served.url.auth_type != "AWS_IAM" or served.callee is None:
            return None
        caller = self._identify(request)
        if caller is None:
            return None
        # What somebody of the same account may do, his own policies say, and those are not known here.
        if caller.account == served.account:
            return caller
        context = {"lambda:FunctionUrlAuthType": "AWS_IAM"}
        target = served.callee.target
        principals = (caller.arn, root_of(caller.account, served.region))
        return caller if any(permits(target, one, _ACTION, context) for one in principals) else None


class _Pending:
    """A request whose function runs, buffered."""

    __slots__ = ("_callee", "_more", "_request", "_request_id")

    def __init__(
        self, request: Request, request_id: str, callee: Callee, more: list[tuple[str, str]]
    ) -> None:
        self._request = request
        self._request_id = request_id
        self._callee = callee
        self._more = more

    def answered(self, invocation: Invocation) -> None:
        """Send what came of it."""
        request, request_id = self._request, self._request_id
        if invocation.failure is not None:
            _log.warning("%s was not run: %s", self._callee.target.invoked_arn, invocation.failure)
            _bad_gateway(request, request_id)
            return
        if invocation.function_error:
            _bad_gateway(request, request_id)
            return
        try:
            status, headers, body = answer_v2(invocation.result, JSON)
            # Beside what the function says itself: two of them are one too many for browsers.
            _send(request, request_id, status, headers + self._more, body)
        except BadAnswer as error:
            _log.warning("%s returned what is no answer: %s", self._callee.target.invoked_arn, error)
            _bad_gateway(request, request_id)
        except Exception:  # noqa: BLE001 - logged, and answered
            _log.exception("what %s returned could not be sent", self._callee.target.invoked_arn)
            if not request.answered:
                _bad_gateway(request, request_id)


def _send(
    request: Request, request_id: str, status: int, headers: list[tuple[str, str]], body: bytes
) -> None:
    head = STATUS_LINES[status] + encode_headers(headers)
    request.send(b"%sx-amzn-RequestId: %s\r\n" % (head, request_id.encode()), body, status)


def _refuse(request: Request, request_id: str, status: int, message: str | None, code: str) -> None:
    body = b'{"Message":null}' if message is None else b'{"Message":"%s"}' % message.encode()
    _send(request, request_id, status, [("Content-Type", JSON), ("x-amzn-ErrorType", code)], body)


def _bad_gateway(request: Request, request_id: str) -> None:
    _send(request, request_id, 502, [("Content-Type", JSON)], _BAD_GATEWAY)
