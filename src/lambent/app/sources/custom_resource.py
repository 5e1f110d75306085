"""Custom resources of CloudFormation.

CloudFormation waits, for an hour or more, until an answer is put to the request's ResponseURL. So there always is one:
the handler's, or FAILED with the reason when it raises, when its answer cannot be sent, or when Lambda is about to end
the invocation. The exception itself is logged and not raised, since Lambda would call the function again.

- A handler gives the resource's attributes (`Fn::GetAtt`), or None. `request.physical_id` is what it sets the id of the
  real thing to; a new id in an update makes CloudFormation delete the old thing afterwards. In a deletion it stays.
- Without one, a creation's id is made of stack, logical id and request id: the same if Lambda calls again.
- When a creation fails before the id is set, CloudFormation deletes under an id that says that there is nothing: no
  handler is called for that.
- Without a handler for deletion there is nothing to delete. Without one for updates an update fails.
- Properties arrive as texts; types convert them: `"5"` to int, `"true"` to bool.

Source: "Custom resource request types", "request objects" and "response objects" of the CloudFormation user guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app import current
from lambent.app.conversion import from_text
from lambent.app.encoding import encode
from lambent.app.errors import AppError, UnknownEvent
from lambent.app.request import Invocation
from lambent.app.signature import described
from lambent.app.sources.chain import PayloadResolver, explained
from lambent.app.sources.record import as_json, chain_of, converted, members
from lambent.app.sources.understood import understood

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.app import App
    from lambent.app.endpoint import Getter
    from lambent.app.onion import Middleware
    from lambent.app.signature import Parameter
    from lambent.app.sources.chain import Chain

LARGEST = 4096
"""Bytes of an answer."""

_NOTHING = "lambent:not-created:"
_OURS = ("ServiceToken", "ServiceTimeout")
_EARLIER = 2.0
_ATTEMPTS = 4
_LONGEST_ID = 1024


class ResourceRequest(Invocation):
    """What CloudFormation asks: `type` is "Create", "Update" or "Delete".

    `properties` are those of the template, `old_properties` those before an update. `physical_id` may be set, and so
    may `no_echo`, which hides the attributes, and `reason`, which people see in the stack's events.
    """

    kind = "custom_resource"

    def __init__(self, event: dict[str, Any], context: Any) -> None:
        self.event = event
        self.context = context
        self.type: str = event["RequestType"]
        self.resource_type: str = event.get("ResourceType") or ""
        self.logical_id: str = event["LogicalResourceId"]
        self.stack_id: str = event["StackId"]
        self.request_id: str = event["RequestId"]
        self.physical_id: str | None = event.get("PhysicalResourceId")
        self.no_echo = False
        self.reason: str | None = None

    @property
    def properties(self) -> dict[str, Any]:
        """The resource's properties, without those that are for CloudFormation itself."""
        return _properties(self.event.get("ResourceProperties"))

    @property
    def old_properties(self) -> dict[str, Any]:
        """The properties before an update; otherwise none."""
        return _properties(self.event.get("OldResourceProperties"))


_MEMBERS: dict[str, Any] = {
    "resource_type": str,
    "logical_id": str,
    "stack_id": str,
    "request_id": str,
    "physical_id": str,
}


class CustomResources:
    """The handlers of resource types."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.handlers: dict[tuple[str, str], Chain] = {}

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        kind: str = options["type"]
        if not kind.startswith("Custom::") and kind != "AWS::CloudFormation::CustomResource":
            raise AppError(
                f"{described(handler)}: {kind!r} is no type of a custom resource: it is Custom::<Name>, or "
                "AWS::CloudFormation::CustomResource"
            )
        chain = chain_of(self._app, handler, layers, options, _resolver(handler), ResourceRequest)
        for asked in options["on"]:
            there = self.handlers.setdefault((kind, asked), chain)
            if there is not chain:
                raise AppError(
                    f"{asked} of {kind}: both {described(there.endpoint.handler)} and {described(handler)} are for "
                    "it: one handler has to do"
                )

    @understood
    def handle(self, event: Any, context: Any) -> None:
        """Have the request handled, and answer it. Raises UnknownEvent after the answer, and OSError without one."""
        request = ResourceRequest(event, context)
        current.correlation_id.set(request.request_id)
        answer = _Answer(request)
        if request.type == "Delete" and (request.physical_id or "").startswith(_NOTHING):
            answer.succeed(None)
            return
        chain = self.handlers.get((request.resource_type, request.type))
        if chain is None:
            self._without_handler(request, answer)
            return
        timer = _timer(answer, context)
        try:
            result = chain.once(self._app, request)
        except BaseException as error:
            explained(error)
            self._app.report(error, f"{request.type} of {request.logical_id} failed")
            answer.fail(str(error) or type(error).__name__)
            if not isinstance(error, Exception):
                raise
        else:
            answer.succeed(result)
        finally:
            if timer is not None:
                timer.cancel()

    def _without_handler(self, request: ResourceRequest, answer: _Answer) -> None:
        types = sorted({kind for kind, _ in self.handlers})
        if request.resource_type in types:
            if request.type == "Delete":
                answer.succeed(None)
            else:
                answer.fail(f"{self._app.name}: no handler is for {request.type} of {request.resource_type}")
            return
        reason = (
            f"{self._app.name}: no handler is for resources of type {request.resource_type!r}: there are handlers for "
            f"{', '.join(types)}"
        )
        answer.fail(reason)
        raise UnknownEvent(reason)


class _Answer:
    """The answer to a request: whichever comes first is sent, and no other."""

    def __init__(self, request: ResourceRequest) -> None:
        from _thread import allocate_lock

        self._request = request
        self._lock = allocate_lock()
        self._given = False

    def succeed(self, result: Any) -> None:
        """The resource is as it was asked for; its attributes may turn out to be none, though."""
        request = self._request
        if request.type == "Delete":
            request.physical_id = request.event.get(
                "PhysicalResourceId"
            )  # what is gone has no other name than before
        if request.physical_id is not None and len(request.physical_id.encode()) > _LONGEST_ID:
            size, request.physical_id = len(request.physical_id.encode()), _made_up(request)
            self.fail(f"The physical id has {size} bytes; {_LONGEST_ID} are allowed")
            return
        # The thing is there: if the answer cannot be sent, what is deleted afterwards is this.
        request.physical_id = request.physical_id or _made_up(request)
        try:
            attributes = as_json(result)
        except (TypeError, NotImplementedError, ValueError) as error:
            self.fail(f"The handler's attributes cannot be sent as JSON: {error}")
            return
        if attributes is not None and not isinstance(attributes, dict):
            self.fail(f"The handler gave {type(result).__name__}: attributes are members and their values")
            return
        document = self._document("SUCCESS", request.physical_id)
        if request.reason:
            document["Reason"] = request.reason
        if request.no_echo:
            document["NoEcho"] = True
        if attributes:
            document["Data"] = attributes
        size = len(encode(document))
        if size > LARGEST:
            self.fail(
                f"The answer would have {size} bytes; CloudFormation takes {LARGEST}: give fewer attributes"
            )
            return
        self._send(document)

    def give_up(self) -> None:
        """The handler has not ended. What it makes may be there nevertheless, and is to be deleted."""
        self._request.physical_id = self._request.physical_id or _made_up(self._request)
        self.fail("The handler has not ended before the function's timeout")

    def fail(self, reason: str) -> None:
        """It is not."""
        request = self._request
        physical_id = request.physical_id or f"{_NOTHING}{request.request_id}"
        document = self._document("FAILED", physical_id)
        document["Reason"] = reason
        while len(encode(document)) > LARGEST and reason:
            # Characters beyond ASCII take several bytes, so it may take several rounds.
            reason = reason[: len(reason) - max(1, (len(encode(document)) - LARGEST) // 4)]
            document["Reason"] = reason + "…"
        self._send(document)

    def _document(self, status: str, physical_id: str) -> dict[str, Any]:
        event = self._request.event
        return {
            "Status": status,
            "PhysicalResourceId": physical_id,
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        }

    def _send(self, document: dict[str, Any]) -> None:
        with self._lock:
            if self._given:
                return
            self._given = True
        _put(self._request.event["ResponseURL"], encode(document))


def _resolver(handler: Callable[..., Any]) -> Any:
    known = members(_MEMBERS)

    def others(parameter: Parameter) -> Getter | None:
        if parameter.name == "old_properties":
            return converted(
                parameter.type, lambda request: request.old_properties, from_text, "old_properties"
            )
        return known(parameter)

    return PayloadResolver(
        handler,
        lambda parameter: converted(
            parameter.type, lambda request: request.properties, from_text, "properties"
        ),
        others,
    )


def _properties(given: Any) -> dict[str, Any]:
    return {name: value for name, value in (given or {}).items() if name not in _OURS}


def _made_up(request: ResourceRequest) -> str:
    """An id for a resource that has none of its own."""
    stack = request.stack_id.split("/")[1] if request.stack_id.count("/") else request.stack_id
    return f"{stack}-{request.logical_id}-{request.request_id}"


def _timer(answer: _Answer, context: Any) -> Any:
    """Answers when the invocation is about to end, two seconds before or, of short ones, at four fifths."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    if remaining is None:
        return None
    from threading import Timer

    seconds = remaining() / 1000
    timer = Timer(
        max(seconds - _EARLIER, seconds * 0.8 if seconds < 5 * _EARLIER else 0),
        answer.give_up,
    )
    timer.daemon = True
    timer.start()
    return timer


def _put(url: str, body: bytes) -> None:
    """Send an answer. Raises OSError when it does not arrive.

    There is no content type, as the URL is signed without one.
    """
    import http.client
    from time import sleep
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    connect = http.client.HTTPConnection if parts.scheme == "http" else http.client.HTTPSConnection
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    failure = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            sleep(0.2 * 2**attempt)
        connection = connect(parts.hostname or "", parts.port, timeout=10)
        try:
            connection.request("PUT", target, body)
            response = connection.getresponse()
            response.read()
            if response.status < 300:
                return
            failure = f"{response.status} {response.reason}"
            if response.status < 500 and response.status != 429:
                break  # it would be no other if it were asked again
        except (OSError, http.client.HTTPException) as error:
            failure = str(error) or type(error).__name__
        finally:
            connection.close()
    raise OSError(f"CloudFormation has not got the answer, and will wait until it gives up: {failure}")
