"""The program of moto's process: `python -P moto_server.py DESCRIPTOR`.

Imports nothing of lambent. DESCRIPTOR is a UNIX socket on which the platform sends connections, as descriptors:
there is no address at which anybody else could reach this process. A request says with `X-Lambent-Service` that it
is one for moto; without, it is the platform's own: `GET /` tells that this process is well, `POST /reset` makes moto
forget everything, `GET /messages/N` tells what a request wants to be sent to functions, queues and buses: these are the
platform's, and the answer to that request has N in `X-Lambent-Messages`. The end of the socket is the end of this
process, as is the end of the platform.
"""

import ctypes
import itertools
import json
import logging
import os
import signal
import socket
import sys
import threading
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.model import OperationNotFoundError
from moto.backends import list_of_moto_modules
from moto.moto_server.werkzeug_app import (
    BackendRequest,
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import ThreadedWSGIServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask

_log = logging.getLogger("lambent.neighbours.moto")

_PR_SET_PDEATHSIG = 1
_SERVICE = "HTTP_X_LAMBENT_SERVICE"
_RESTORED = "HTTP_X_LAMBENT_RESTORED"
_FAULT = "X-Lambent-Fault"
_MESSAGES = "X-Lambent-Messages"
_SENDERS = frozenset({"s3", "sns"})
_TABLES = frozenset({"dynamodb", "dynamodbstreams"})
# Services that neither wait for anything nor read bodies as they come.
_ALONE = frozenset({"cognito-idp", "cognitoidp", "dynamodb", "iam", "kms", "ssm"})
_DEFAULT_HOST = "s3.us-east-1.amazonaws.com"


class ObjectRequest(BackendRequest):
    """A request to S3, in which a body that calls itself a form is an object like any other.

    Clients such as curl say so of everything that they send; moto would store nothing.
    """

    @property
    def want_form_data_parsed(self) -> bool:
        return self.mimetype == "multipart/form-data"


class FirstAlone:
    """A service whose first request is served before any other of its requests is begun.

    It loads what all of them need, the service's model above all. moto keeps that, but of many first requests at once
    each would load it: thirty roles of a stack took two seconds instead of a quarter.

    `always`: all of its requests are, as moto looks through dictionaries that another thread would be adding to.
    """

    def __init__(self, app: "Flask", *, always: bool) -> None:
        self._app = app
        self._first: threading.Lock | None = threading.Lock()
        self._always = always

    def __call__(self, environ: dict[str, Any], start_response: "Callable[..., Any]") -> "Iterable[bytes]":
        first = self._first
        if first is None:
            return self._app(environ, start_response)
        with first:
            answer = self._app(environ, start_response)
            if not self._always:
                self._first = None
            return answer


class Neighbour(DomainDispatcherApplication):
    """moto's applications, chosen by the service that a request is for and by nothing else."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._modules = frozenset(list_of_moto_modules())
        self._outgoing: Any = None
        self._numbers = itertools.count(1)
        self._messages: dict[str, bytes] = {}
        self._ids: Any = None

    def get_backend_for_host(self, host: str | None) -> Any:
        # moto lists a directory for each request; the listing does not change.
        if host in self._modules:
            return host
        for backend, pattern in self.backend_url_patterns:
            if pattern.match(f"http://{host}"):
                return backend
        return None

    def get_application(self, environ: dict[str, Any]) -> Any:
        # Unlike moto's own: no path leads to its administration or to instance metadata.
        # What comes without a scope is S3's: the platform adds one to all other requests.
        scoped = "HTTP_AUTHORIZATION" in environ
        host = (self.infer_service_region_host(environ, "") if scoped else None) or _DEFAULT_HOST
        backend = self.get_backend_for_host(host)
        if backend is None:
            raise NotImplementedError(f"no backend for {host}")
        app: Any = self.app_instances.get(backend)
        if app is not None:
            return app
        # One at a time: moto's modules import one another in circles.
        with self.lock:
            app = self.app_instances.get(backend)
            if app is None:
                app = self.create_app(backend)
                if backend == "s3":
                    app.request_class = ObjectRequest
                    _conditional_denials()
                    _neighbouring_module("moto_buckets").prepare()
                if backend in _SENDERS and self._outgoing is None:
                    self._outgoing = _neighbouring_module("moto_outgoing").watched()
                if backend == "s3":
                    _neighbouring_module("moto_notifications").prepare(self._outgoing)
                if backend in _TABLES:
                    _streams_again()
                    _expired_iterators()
                if backend == "stepfunctions":
                    _published_versions()
                app = FirstAlone(app, always=backend in _ALONE)
                self.app_instances[backend] = app
            return app

    def __call__(self, environ: dict[str, Any], start_response: "Callable[..., Any]") -> "Iterable[bytes]":
        if _SERVICE not in environ:
            return self._own(environ, start_response)
        if self._outgoing is not None:
            self._outgoing.messages = []
        restored = environ.get(_RESTORED)
        self._restore(restored)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            # What is made again has told of itself when it was made first.
            messages = self._outgoing.messages if self._outgoing is not None else []
            if messages and restored is None:
                number = str(next(self._numbers))
                self._messages[number] = json.dumps(messages).encode()
                headers.append((_MESSAGES, number))
            return start_response(status, headers, *rest)

        try:
            answer: Iterable[bytes] = super().__call__(environ, start)
        except (NotImplementedError, OperationNotFoundError, ImportError) as error:
            return _fault(start_response, "unserved", error)
        except Exception as error:  # noqa: BLE001 - logged; the client hears that something failed
            _log.exception("%s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            return _fault(start_response, "failed", error)
        return answer

    def _restore(self, restored: str | None) -> None:
        """The request that begins makes a resource again, or None: something new."""
        if restored is not None:
            with self.lock:  # it imports moto's modules
                if self._ids is None:
                    self._ids = _neighbouring_module("moto_ids")
                self._ids.restore(self._ids.Known(**json.loads(restored)))
        elif self._ids is not None:
            self._ids.restore(None)

    def _own(self, environ: dict[str, Any], start_response: "Callable[..., Any]") -> "Iterable[bytes]":
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] == "/reset":
            from moto.moto_api._internal.models import moto_api_backend

            moto_api_backend.reset()
        number = environ["PATH_INFO"].removeprefix("/messages/")
        body = self._messages.pop(number, b"")
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


def _neighbouring_module(name: str) -> Any:
    """A module of this folder, of which the program knows nothing but its place."""
    place = Path(__file__).with_name(f"{name}.py")
    specification = spec_from_file_location(name, place)
    assert specification is not None
    assert specification.loader is not None
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _conditional_denials() -> None:
    """Let a denial whose conditions nobody can evaluate deny nothing. moto takes it for one without conditions, so that
    the usual "only over TLS" (aws:SecureTransport, in the bucket that `sam deploy` makes) would deny everything.
    """
    from moto.iam.access_control import IAMPolicyStatement, PermissionResult

    permitted = IAMPolicyStatement.is_action_permitted
    if permitted.__name__ == "conditionally":
        return

    def conditionally(statement: Any, *asked: Any, **named: Any) -> Any:
        facts = statement._statement
        values = asked[3] if len(asked) > 3 else named.get("incoming_condition_values")
        if facts.get("Effect") == "Deny" and facts.get("Condition") and not values:
            return PermissionResult.NEUTRAL
        return permitted(statement, *asked, **named)

    IAMPolicyStatement.is_action_permitted = conditionally  # type: ignore[method-assign, assignment]


def _streams_again() -> None:
    """Let a table have a stream again after it has had one. moto takes the old one for one that is still on."""
    from moto.dynamodb.models import DynamoDBBackend

    update = DynamoDBBackend.update_table_streams
    if update.__name__ == "update_streams":
        return

    def update_streams(backend: Any, table: Any, specification: Any) -> None:
        if not (table.stream_specification or {}).get("StreamEnabled"):
            table.latest_stream_label = None
        update(backend, table, specification)

    DynamoDBBackend.update_table_streams = update_streams  # type: ignore[method-assign, assignment]


def _expired_iterators() -> None:
    """Say of iterators of an earlier process that they have expired. moto would fail."""
    from moto.core.exceptions import JsonRESTError
    from moto.dynamodbstreams.models import DynamoDBStreamsBackend

    get = DynamoDBStreamsBackend.get_records
    if get.__name__ == "get_unexpired":
        return

    def get_unexpired(backend: Any, iterator_arn: str, limit: int) -> dict[str, Any]:
        if iterator_arn not in backend.shard_iterators:
            raise JsonRESTError("ExpiredIteratorException", "The shard iterator has expired.")
        return get(backend, iterator_arn, limit)

    DynamoDBStreamsBackend.get_records = get_unexpired  # type: ignore[method-assign, assignment]


def _published_versions() -> None:
    """Add the operations on versions of state machines. moto makes them only in passing, with publish=true."""
    from moto.core.responses import ActionResult, EmptyResult
    from moto.stepfunctions.exceptions import StateMachineDoesNotExist
    from moto.stepfunctions.responses import StepFunctionResponse

    def publish(self: Any) -> ActionResult:
        machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
        description, latest = self._get_param("description"), machine.latest_version
        same = latest is not None and all(
            getattr(latest, name) == getattr(machine, name) for name in ("definition", "roleArn")
        )
        if not same or latest.description != description:
            machine.publish(description)
            latest = machine.latest_version
        return ActionResult({"creationDate": latest.creation_date, "stateMachineVersionArn": latest.arn})

    def listed(self: Any) -> ActionResult:
        machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
        versions = sorted(machine.versions.values(), key=lambda version: -version.version)
        return ActionResult(
            {
                "stateMachineVersions": [
                    {"stateMachineVersionArn": one.arn, "creationDate": one.creation_date} for one in versions
                ]
            }
        )

    def delete(self: Any) -> EmptyResult:
        source, _, number = self._get_param("stateMachineVersionArn").rpartition(":")
        try:
            machine = self.stepfunction_backend.describe_state_machine(source)
        except StateMachineDoesNotExist:
            return EmptyResult()
        gone = machine.versions.pop(int(number), None)
        if gone is machine.latest_version:
            machine.latest_version = None
        return EmptyResult()

    operations = {
        "publish_state_machine_version": publish,
        "delete_state_machine_version": delete,
        "list_state_machine_versions": listed,
    }
    for name, method in operations.items():
        setattr(StepFunctionResponse, name, method)


def _fault(start_response: "Callable[..., Any]", kind: str, error: Exception) -> "Iterable[bytes]":
    body = str(error).encode()
    start_response("500 Internal Server Error", [(_FAULT, kind), ("Content-Length", str(len(body)))])
    return [body]


class Handler(MotoRequestHandler):
    """moto's way of reading requests, without a line of log for each of them."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Not logged."""


class Server(ThreadedWSGIServer):
    """Takes connections from the platform instead of a listener."""

    def __init__(self, descriptor: int) -> None:
        super().__init__("unix://", 0, Neighbour(), Handler, fd=descriptor)
        self.server_address = ("localhost", 80)

    def get_request(self) -> tuple[Any, Any]:
        message, descriptors, _, _ = socket.recv_fds(self.socket, 1, 1)
        if not message:
            os._exit(0)
        return socket.socket(fileno=descriptors[0]), ("127.0.0.1", 0)


def main(descriptor: int) -> None:
    """Serve until the platform ends."""
    if sys.platform == "linux":
        # A stopped process would not see the end of the socket.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Ctrl-C in a terminal goes to every process of the group: it is the platform's to end this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    Server(descriptor).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
