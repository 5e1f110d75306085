"""One node: all parts, wired, started and stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from lambent import __version__
from lambent.aws.apigatewaymanagementapi.endpoint import ConnectionsEndpoint
from lambent.aws.context import STACKS_SESSION
from lambent.aws.credentials import Credentials, kept_master_key
from lambent.aws.dispatcher import AwsDispatcher
from lambent.aws.invoke import InvokeEndpoint
from lambent.aws.lambda_.downloads import CodeDownloads
from lambent.aws.service_calls import ServiceCalls
from lambent.aws.sqs import SqsEndpoint, SqsService
from lambent.execution.engines.machine import engines_of_this_machine
from lambent.execution.errors import ExecutionError, InterpreterMissing
from lambent.execution.fleet import Fleet
from lambent.execution.orphans import end_orphans, node_mark
from lambent.functions import (
    ActivationFailed,
    CodeStore,
    FunctionNotFound,
    FunctionRegistry,
    FunctionVersion,
    Limits,
    Reference,
)
from lambent.functions.code_store import remove_tree
from lambent.gateway.call import MAX_BODY
from lambent.http import HttpServer, Request
from lambent.invocation.invoker import Invoker
from lambent.neighbours.neighbours import Neighbours
from lambent.node.admin import AdminEndpoint
from lambent.node.events import Events
from lambent.node.gateway import Gateway
from lambent.node.hosts import host_rule
from lambent.node.later import Later, anything_kept
from lambent.node.services import Services
from lambent.node.settings import url_host
from lambent.observe import open_log_store
from lambent.store import BlobStore, StoreError, open_database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.aws.service import LaterService, Service
    from lambent.execution.spec import EnvironmentSpec
    from lambent.neighbours.moto import Moto
    from lambent.node.front import Front
    from lambent.node.settings import Settings
    from lambent.node.stacks import StackParts
    from lambent.observe import LogStream

DRAIN_SECONDS: Final = 30.0
"""How long a stop waits for invocations in flight."""

_STACKS: Final = ("stacks", "stack_response_urls", "stack_macros", "stack_deployments")
"""The tables that tell whether an earlier run has left something of stacks: the others refer to these."""

_PATIENCE_S: Final = 86_400.0
"""How long APIs wait for functions without `integration_timeouts`: while somebody looks at one in a debugger."""

_COLLECT_SECONDS: Final = 3600.0
_MAX_BODY: Final = 100_000_000
_ADMIN: Final = b"/_lambent/"

_log = logging.getLogger(__name__)


class Platform:
    """A node that is running. `await Platform.start(settings)` gives one; `await stop()` ends it.

    Everything durable is below `settings.data`; with `settings.ephemeral` below a temporary directory that
    goes with the platform.
    """

    def __init__(self, settings: Settings, front: Front | None = None, *, moto: Moto | None = None) -> None:
        self.settings = settings
        self._front = front
        self._moto = moto
        self._closing = contextlib.AsyncExitStack()
        self._resetting = asyncio.Lock()
        self._started = False
        self.server = HttpServer(
            self.handle if front is None else self._receive,
            streams=self._streams,
            limit=self._limit,
            request_type=Request if front is None else front.request_type,
        )
        self._inside: HttpServer | None = None
        """For functions and the platform itself, where the listener speaks TLS or has a front: they need not trust its
        certificate, and nothing holds them up.
        """

    @classmethod
    async def start(cls, settings: Settings, front: Front | None = None, *, moto: Moto | None = None) -> Self:
        """Build and start every part, bottom up.

        `front` sees every request from outside first; `moto` is one that is on its way already.

        Raises OSError when the address is taken, DirectoryInUse when another platform has the data directory,
        StoreError when what is there cannot be opened.
        """
        platform = cls(settings, front, moto=moto)
        try:
            await platform._build()
        except BaseException:
            await platform._closing.aclose()
            raise
        return platform

    async def _build(self) -> None:
        settings, closing = self.settings, self._closing
        if settings.ephemeral:
            data = Path(tempfile.mkdtemp(prefix="lambent-"))
            closing.callback(remove_tree, data)
        else:
            data = settings.data.resolve()
            data.mkdir(parents=True, exist_ok=True)
        executor = ThreadPoolExecutor(2, "lambent-files")
        closing.callback(executor.shutdown, wait=False)

        # store
        database = await open_database(data / "lambent.db", settings.durability)
        closing.push_async_callback(database.close)
        mark = node_mark(data)
        end_orphans(mark)

        # functions and observe
        limits = Limits(concurrency=settings.concurrency)
        blobs = BlobStore(data / "blobs")
        code = CodeStore(data / "code", blobs, limits)
        self.logs = await open_log_store(data / "logs.db", group_limit_bytes=settings.log_retention_mb << 20)
        closing.push_async_callback(self.logs.close)
        self.registry = await FunctionRegistry.open(
            database, code, limits=limits, update_s=settings.update_in_progress_s
        )
        closing.push_async_callback(self.registry.close)

        # execution
        self.credentials = Credentials(
            settings.credentials, account=settings.account, master_key=kept_master_key(data / "master-key")
        )
        self.fleet = Fleet(
            data=data,
            code=code,
            engines=engines_of_this_machine(java_client=settings.java_client),
            open_log=self.open_log,
            mark=mark,
            credentials=self._environment_credentials,
            endpoint_url=lambda: self.inside_url,
            executor=executor,
            private_view=settings.isolation != "none",
            runtime_fallback=settings.runtime_fallback,
            idle_seconds=settings.idle_timeout_s,
        )
        self.fleet.start()
        closing.push_async_callback(self.fleet.close)
        self.registry.activate = self.activate

        # invocation
        invoker = Invoker(
            self.registry, self.fleet, self.logs.usage, provisioning_s=settings.provisioning_in_progress_s
        )
        closing.callback(invoker.provisioning.close)

        # neighbours: nothing of them is started yet
        self.neighbours = Neighbours(settings.neighbours, moto=self._moto)
        closing.push_async_callback(self.neighbours.close)

        # events
        calls = ServiceCalls(self.credentials, lambda: self.inside_url)
        closing.callback(calls.close)
        self.events = await Events.open(
            database,
            invoker,
            self.logs,
            calls,
            settings.neighbours,
            closing,
            retry_seconds=settings.async_retry_seconds,
            enforce=bool(settings.credentials),
        )

        self.neighbours.send_messages = self.events.send_messages
        self.neighbours.refuse = self.events.refuse

        # gateway: what it keeps
        self.gateway = await Gateway.open(database)

        # stacks: read now only where there are any
        stack_calls = ServiceCalls(self.credentials, lambda: self.inside_url, STACKS_SESSION)
        closing.callback(stack_calls.close)
        # With connections of its own: those of steps may all be waiting for it.
        restoring_calls = ServiceCalls(self.credentials, lambda: self.inside_url, STACKS_SESSION)
        closing.callback(restoring_calls.close)
        closing_stacks = await closing.enter_async_context(contextlib.AsyncExitStack())

        async def make_stacks() -> StackParts:
            from lambent.node.stacks import StackParts

            parts = await StackParts.open(
                database,
                self.events.clock,
                stack_calls.ask,
                closing_stacks,
                inside_url=lambda: self.inside_url,
                public_url=lambda: self.url,
                ignore_unsupported=settings.ignore_unsupported,
                shifting_minute_s=settings.traffic_shifting_minute_s,
                neighbours=self.neighbours,
                ask_with=restoring_calls.ask,
            )
            if self._started:
                await parts.start()
            return parts

        self._stacks = Later(make_stacks)
        if await anything_kept(database, *_STACKS):
            await self._stacks.get()

        # aws
        downloads = CodeDownloads(code)
        sqs = SqsService(self.events.queues)
        later = Services(
            settings,
            registry=self.registry,
            downloads=downloads,
            credentials=self.credentials,
            invoker=invoker,
            neighbours=self.neighbours,
            events=self.events,
            logs=self.logs,
            gateway=self.gateway,
            stacks=self._stacks.get,
            ask=stack_calls.ask,
        ).later()
        services: list[Service | LaterService] = [sqs, *later]
        services = [service for service in services if service.name not in settings.neighbours]
        self.services = [service.name for service in services]
        self.dispatcher = AwsDispatcher(
            services,
            credentials=self.credentials,
            enforce=bool(settings.credentials),
            account=settings.account,
            default_region=settings.region,
            endpoint_url=lambda: self.url,
            neighbours=self.neighbours,
            written=self.events.pollers.written,
        )
        self._invoke = InvokeEndpoint(self.dispatcher, invoker, self.events.async_queue)
        self._sqs = SqsEndpoint(self.dispatcher, sqs) if "sqs" in self.services else None
        self._admin = AdminEndpoint(self, downloads)

        self._connections = ConnectionsEndpoint(self.dispatcher, self.gateway.clients)

        # gateway: built here, as who signs a request is for the floor above it to say
        await self.gateway.build(
            closing,
            invoker,
            self.neighbours,
            calls,
            self.logs,
            authenticate=functools.partial(self.dispatcher.authenticate, public=True),
            connections=self._connections,
            host_rule=host_rule(settings),
            drain_s=DRAIN_SECONDS,
            patience_s=0.0 if settings.integration_timeouts else _PATIENCE_S,
        )

        context = None
        if settings.tls_certificate is not None and settings.tls_key is not None:
            from lambent.node.tls import server_context

            context = server_context(settings.tls_certificate, settings.tls_key)
        if context is not None or self._front is not None:
            self._inside = HttpServer(self.handle, streams=self._streams, limit=self._limit)
            await self._inside.start("127.0.0.1", 0)
            closing.push_async_callback(self._inside.drain, DRAIN_SECONDS)
        await self.server.start(settings.host, settings.port, ssl=context)
        closing.push_async_callback(self._drain)
        closing.callback(sqs.operations.close)
        self.registry.resume()
        invoker.provisioning.restore(self.registry.all_functions())
        await self.events.start()
        self._started = True
        if self._stacks.now is not None:
            await self._stacks.now.start()
        collecting = asyncio.get_running_loop().create_task(self._collect_code())
        closing.callback(collecting.cancel)

    @property
    def url(self) -> str:
        """Where clients on this machine reach the platform, without a trailing slash."""
        scheme = "http" if self.settings.tls_certificate is None else "https"
        return f"{scheme}://{url_host(self.settings.host)}:{self.server.address[1]}"

    @property
    def inside_url(self) -> str:
        """Where functions and the platform itself reach it: without TLS and front, from this machine alone."""
        return self.url if self._inside is None else f"http://127.0.0.1:{self._inside.address[1]}"

    @property
    def version(self) -> str:
        """The version of lambent."""
        return __version__

    @property
    def stacks(self) -> StackParts:
        """The parts of stacks, for who knows that they have been needed before: there is one, or has been."""
        assert self._stacks.now is not None
        return self._stacks.now

    async def stack_parts(self) -> StackParts:
        """The parts of stacks, opened now if nobody has needed them before. Raises StoreError."""
        return await self._stacks.get()

    async def stop(self) -> None:
        """Take no new requests, let what runs end, close every part, top down."""
        await self._closing.aclose()

    async def _drain(self) -> None:
        """Begin nothing more; wait for requests and events that are being processed."""
        # Before all else: their steps ask services over the platform's own port.
        self._started = False
        stacks = await self._stacks.settled()
        if stacks is not None:
            await stacks.drain(DRAIN_SECONDS)
        self.server.stop_accepting()
        await asyncio.gather(self.server.drain(DRAIN_SECONDS), self.events.drain(DRAIN_SECONDS))

    async def _collect_code(self) -> None:
        """Remove packages that nothing refers to any more, now and then."""
        while True:
            await asyncio.sleep(_COLLECT_SECONDS)
            try:
                await self.registry.collect_code()
            except (OSError, StoreError) as error:
                _log.warning("unused deployment packages were not removed: %s", error)

    async def reset(self) -> None:
        """Forget all functions, layers, mappings, events and logs: a new platform in place of the old one.

        One after the other: who asks while another one is under way has his own after it.
        """
        async with self._resetting:
            await self._forget()

    async def _forget(self) -> None:
        stacks = await self._stacks.settled()
        if stacks is not None:
            await stacks.clear()
        for record in self.registry.all_functions():
            reference = Reference(record.account, record.region, record.name, None)
            with contextlib.suppress(FunctionNotFound):  # others may be deleting it, too
                await self.registry.settled(reference)
                await self.registry.delete(reference)
        await self.events.clear()
        await self.gateway.clear()
        await self.registry.layers.clear()
        await self.registry.signing.clear()
        await self.logs.clear()
        await self.neighbours.reset()

    # ------------------------------------------------------------ requests

    def _receive(self, request: Request) -> None:
        """A request from outside, where there is a front."""
        assert self._front is not None
        # A page that has had its name lead here gets nothing of the app either.
        if not self.gateway.door.refuses(request) and not self._front.handle(request):
            self.handle(request)

    def handle(self, request: Request) -> None:
        """Answer a request, now or later, as the platform does that has no front."""
        # The door first: what is public must not be a way to the Lambda API, whatever its path.
        if self.gateway.door.handle(request) or self._invoke.handle(request):
            return
        if self._sqs is not None and self._sqs.handle(request):
            return
        if request.target.startswith(_ADMIN):
            if self._stacks.now is not None and self._stacks.now.handle(request):
                return
            self._admin.handle(request)
        elif not self._connections.handle_path(request):
            self.dispatcher.handle(request)

    def _streams(self, request: Request) -> bool:
        return not self._is_public(request) and self.dispatcher.streams(request)

    def _is_public(self, request: Request) -> bool:
        """Whether a request, of which the head is there, is for an API or a function URL."""
        return self.gateway.door.takes(request) or (self._front is not None and self._front.takes(request))

    def _limit(self, request: Request) -> tuple[int, str]:
        if self._is_public(request):
            return MAX_BODY, "Request Entity Too Large"
        return _MAX_BODY, f"Request must be smaller than {_MAX_BODY} bytes"

    # ------------------------------------------------------------ what the floors below ask for

    def open_log(self, spec: EnvironmentSpec, name: str) -> LogStream:
        """The stream that an environment's log goes to. For who embeds a platform to override."""
        return self.logs.stream(spec.account, spec.region, spec.log_group, name, json_level=spec.json_level)

    def _environment_credentials(self, function: FunctionVersion) -> Mapping[str, str]:
        role = function.role.rpartition("/")[2]
        # The session is named like the function; a session's name has two characters at least.
        session = function.name if len(function.name) > 1 else f"{function.name}@lambda_function"
        minted = self.credentials.mint(function.account, principal=f"assumed-role/{role}/{session}")
        return {
            "AWS_ACCESS_KEY_ID": minted.access_key,
            "AWS_SECRET_ACCESS_KEY": minted.secret_key,
            "AWS_SESSION_TOKEN": minted.session_token,
        }

    async def activate(self, version: FunctionVersion) -> None:
        """Make everything ready that a version needs. Raises ActivationFailed."""
        try:
            await self.fleet.prepare(version)
        except InterpreterMissing as error:
            # Lambda takes every runtime that it knows. That this machine lacks one is for who runs the platform to
            # know now and for who invokes the function then: it may be there by that time.
            _log.warning("%s cannot be invoked yet: %s", version.qualified_arn, error)
        except ExecutionError as error:
            raise ActivationFailed("InternalError", str(error)) from error
