"""The runtime loop: finds the handler, then answers invocations until the platform hangs up.

Behaviour and wording are those of Lambda's managed Python runtimes: error documents, log lines, variables.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import traceback

from .context import ContextFactory
from .custom_resources import hear
from .faults import Fault
from .logs import FunctionLog, Unbuffered
from .marshaller import marshaller
from .streaming import send_pieces, streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable

    from .channel import Channel, Invocation

_STREAMING = send_pieces.__code__.co_filename
_TRACE_VARIABLE = "_X_AMZN_TRACE_ID"

_UNHANDLED = (
    "LAMBDA_WARNING: Unhandled exception. "
    "The most likely cause is an issue in the function code. "
    "However, in rare cases, a Lambda runtime update can cause unexpected function behavior. "
    "For functions using managed runtimes, runtime updates can be triggered by a function change, "
    "or can be applied automatically. "
    "To determine if the runtime has been updated, check the runtime version in the INIT_START log entry. "
    "If this error correlates with a change in the runtime version, you may be able to mitigate this error "
    "by temporarily rolling back to the previous runtime version. "
    "For more information, see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html\r"
)


def find_handler(handler: str) -> Callable[[Any, Any], Any]:
    """The function that `handler` ("module.function", "folder/module.function") names.

    Raises `Fault`, or what the module raised while it was imported.
    """
    try:
        module_name, function_name = handler.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {error}") from error
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault(
            "Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module"
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}"
        ) from error
    except SyntaxError as error:
        raise Fault(
            "Runtime.UserCodeSyntaxError",
            f"Syntax error in module '{module_name}': {error}",
            [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'],
        ) from error
    try:
        return getattr(module, function_name)  # type: ignore[no-any-return]
    except AttributeError as error:
        raise Fault(
            "Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'"
        ) from error


def error_document(error: BaseException, request_id: str) -> dict[str, Any]:
    """What Lambda tells callers about `error`."""
    if isinstance(error, Fault):
        message, error_type, trace = error.message, error.error_type, error.trace or []
    else:
        message, error_type, trace = str(error), type(error).__name__, _format(error.__traceback__)
    return {
        "errorMessage": message,
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": trace,
    }


def _format(trace: TracebackType | None) -> list[str]:
    frames: list[Any] = [
        (frame.filename, frame.lineno, frame.name, frame.line) for frame in traceback.extract_tb(trace)
    ]
    for index, frame in enumerate(frames):
        if "/bootstrap.py" not in frame[0] and frame[0] != _STREAMING:  # these files
            frames = frames[index:]
            break
    return traceback.format_list(frames)


class Runtime:
    """The runtime of one environment.

    Created before the fork, so that only what depends on the function is left to do afterwards.
    """

    def __init__(self) -> None:
        self._trace = b""
        self._streams = False
        self._log = FunctionLog()
        sys.stdout = Unbuffered(sys.stdout, self._log.sink)
        sys.stderr = Unbuffered(sys.stderr, self._log.sink)

    def run(self, channel: Channel, init: dict[str, Any]) -> None:
        """Import the handler, then answer invocations. Returns when the platform hangs up.

        `init` is the platform's INIT object; variables and sys.path are in place. SystemExit and the like leave
        this method, as they would end any program.
        """
        self._open(channel, init)
        os.register_at_fork(after_in_child=channel.disown)
        try:
            handler = find_handler(init["handler"])
        except Exception as error:  # noqa: BLE001 - whatever the module raised is reported
            document = error_document(error, "")
            logging.warning(_UNHANDLED)  # noqa: LOG015 - the root logger's handler writes it
            self._log.error(document)
            channel.init_failed(self._encode_error(document))
            sys.exit(1)
        contexts = ContextFactory(init.get("arn"))
        self._streams = streams(handler)
        channel.ready()
        while True:
            invocation = channel.receive()
            if invocation is None:
                return
            self.handle_event_request(invocation, handler, contexts)

    def rehearse(self, channel: Channel, init: dict[str, Any]) -> None:
        """Like `run`, but without lasting effects; `channel` ends after its invocations."""
        self._open(channel, init)
        handler = find_handler(init["handler"])
        contexts = ContextFactory(None)
        while (invocation := channel.receive()) is not None:
            self.handle_event_request(invocation, handler, contexts)
        self._set_trace(b"")
        self._log.current.request_id = ""

    def _open(self, channel: Channel, init: dict[str, Any]) -> None:
        self._channel = channel
        variable = os.environ.get
        self._marshaller = marshaller(variable("AWS_EXECUTION_ENV"))
        self._log.open(
            channel,
            init.get("log_format") or variable("AWS_LAMBDA_LOG_FORMAT"),
            init.get("log_level") or variable("AWS_LAMBDA_LOG_LEVEL"),
            self._marshaller.encode,
        )

    # The name of this method and the line that calls the function show in tracebacks, as they do in Lambda.
    def handle_event_request(
        self, invocation: Invocation, request_handler: Callable[[Any, Any], Any], contexts: ContextFactory
    ) -> None:
        """Answer one invocation."""
        request_id = invocation.request_id
        current = self._log.current
        current.request_id = request_id
        if invocation.trace != self._trace:
            self._set_trace(invocation.trace)
        try:
            extra = json.loads(invocation.extra) if invocation.extra else None
            current.tenant_id = extra.get("tenant_id") if extra else None
            lambda_context = contexts.create(request_id, invocation.deadline_ms, extra)
            event = self._marshaller.load(invocation.payload)
            if type(event) is dict and "ResponseURL" in event:
                hear(event["ResponseURL"])
            invocation.payload = ""  # may be as large as the event: its memory serves the answer
            response = request_handler(event, lambda_context)
            if self._streams:
                send_pieces(response, self._channel, self._marshaller)
                payload: str | bytes = b""
            else:
                payload = self._marshaller.dump(response)
        except Exception as error:  # noqa: BLE001 - whatever the handler raised is reported
            document = error_document(error, request_id)
            self._log.error(document)
            self._channel.error(self._encode_error(document))
        else:
            # Half a surrogate pair cannot be written: like the managed runtimes, this one crashes then.
            self._channel.result(payload if isinstance(payload, bytes) else payload.encode("utf-8"))

    def _set_trace(self, trace: bytes) -> None:
        self._trace = trace
        if trace:
            os.environ[_TRACE_VARIABLE] = trace.decode("latin-1")
        else:
            os.environ.pop(_TRACE_VARIABLE, None)

    def _encode_error(self, document: dict[str, Any]) -> bytes:
        return self._marshaller.encode(document).encode("utf-8", "replace")
