"""REST APIs over a real server, registry and database; functions are callables of the test's own."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import uvloop

from lambent.execution.invocation import Invocation
from lambent.gateway.addresses import Addresses, domain_of
from lambent.gateway.apis import ApiRegistry
from lambent.gateway.callers import Caller
from lambent.gateway.errors import NoFunction, NotPermitted
from lambent.gateway.http_api import Domains
from lambent.gateway.rest_api import RestApiRegistry, RestApis, base_paths, deployments, keys
from lambent.gateway.rest_api.authorizing import RestAuthorizers
from lambent.gateway.rest_api.openapi_import import imported
from lambent.gateway.rest_api.records import PlanStage
from lambent.gateway.rest_api.usage import Usage
from lambent.http import HttpServer
from lambent.invocation.errors import Throttled, ThrottleReason
from lambent.observe import open_log_store
from lambent.store import open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from pathlib import Path

    from lambent.http import Request

HERE = ("000000000000", "us-east-1")
STAGE = "dev"
SIGNED = Caller("000000000000", "AKIDEXAMPLE", "arn:aws:iam::000000000000:user/ann")


def invocation_uri(name: str) -> str:
    """How an integration names a function."""
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"


class Functions:
    """In place of the functions of a platform: `handlers` by name say what one does with its event.

    One that raises RuntimeError fails with its text, one that returns bytes answers those.
    """

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Any], Any]] = {}
        self.events: list[Any] = []
        self.sources: list[str] = []
        self.throttled = False
        self.forbidden = False
        self.asleep = False

    # ------------------------------------------------------------ as FunctionCaller

    patience_s = 0.0

    def permitted(self, uri: str, source_arn: str) -> Any:
        callee = self.assumed(uri)
        if self.forbidden:
            raise NotPermitted(uri, source_arn)
        self.sources.append(source_arn)
        return callee

    def assumed(self, uri: str) -> Any:
        name = uri.rpartition(":function:")[2].partition("/")[0]
        if name not in self.handlers:
            raise NoFunction(uri)
        return SimpleNamespace(target=SimpleNamespace(invoked_arn=name), handler=self.handlers[name])

    def call(
        self, callee: Any, payload: bytes, trace: str | None, finished: Callable[[Invocation], None], **_: Any
    ) -> None:
        if self.throttled:
            raise Throttled(ThrottleReason.RESERVED)
        event = json.loads(payload)
        self.events.append(event)
        invocation = Invocation(payload, b"", b"", b"", finished)
        try:
            result = callee.handler(event)
            invocation.result = result if isinstance(result, bytes) else json.dumps(result).encode()
        except RuntimeError as error:
            invocation.function_error = True
            invocation.result = json.dumps({"errorMessage": str(error)}).encode()
        if not self.asleep:
            asyncio.get_running_loop().call_soon(finished, invocation)

    async def acall(self, callee: Any, payload: bytes, trace: str | None, timeout_s: float) -> Invocation:
        waiting: asyncio.Future[Invocation] = asyncio.get_running_loop().create_future()
        self.call(callee, payload, trace, waiting.set_result)
        return await asyncio.wait_for(waiting, timeout_s)


class Answer(NamedTuple):
    """An HTTP answer; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Gateway:
    """A server of REST APIs on a loop in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.functions = Functions()
        self.documents: dict[str, bytes] = {}
        self.caller: Caller | None = None
        self.now = 1_800_000_000.0
        self.wait(self._start())

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _start(self) -> None:
        self._database = await open_database(self._path / "lambent.db", "normal")
        self.logs = await open_log_store(self._path / "logs.db")
        self.domains = await ApiRegistry.open(self._database)
        self.registry = await RestApiRegistry.open(self._database, self.domains)
        self.usage = await Usage.open(self.registry, self._database, lambda: self.now)
        functions: Any = self.functions
        self.authorizers = RestAuthorizers(
            functions, self._fetch, lambda request: self.caller, clock=lambda: self.now
        )
        self.registry.on_authorizers_reset = self.authorizers.reset_cache
        self.apis = RestApis(
            self.registry, functions, authorizers=self.authorizers, usage=self.usage, logs=self.logs
        )
        self._addresses, self._named = Addresses(), Domains(self.domains)
        self.server = HttpServer(self._handle)
        await self.server.start("127.0.0.1", 0)
        self.address: tuple[str, int] = self.server.address

    async def _fetch(self, url: str) -> bytes:
        return self.documents[url]

    def _handle(self, request: Request) -> None:
        host = request.header(b"host") or b""
        path = request.path.decode("latin-1")
        name = self._named.name_of(domain_of(host))
        if name is not None:
            mapped = self._named.mapped(name, path)
            assert mapped is not None
            self.apis.handle_mapped(request, mapped.api_id, mapped.stage, host.decode(), mapped.path, path)
            return
        found = self._addresses.of(host, request.target)
        assert found is not None
        self.apis.handle(request, found.id, host.decode(), path[found.skip :])

    async def _stop(self) -> None:
        await self.server.drain(1)
        self.apis.close()
        await self.usage.close()
        await self.logs.close()
        await self._database.close()

    def close(self) -> None:
        """Stop."""
        self.wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def api(self, document: dict[str, Any], **members: Any) -> Api:
        """An API of a document, deployed to the stage `dev`; `members` are those of the deployment."""
        return self.wait(self._api(document, members))  # type: ignore[no-any-return]

    async def _api(self, document: dict[str, Any], members: dict[str, Any]) -> Api:
        text = json.dumps({"swagger": "2.0", "info": {"title": "t", "version": "1"}, **document})
        made = await self.registry.import_api(*HERE, text, fail_on_warnings=True, parameters={})
        api = Api(self, made.api.id)
        await self.registry.change(
            *HERE, api.id, lambda one: deployments.create(one, {"stage_name": STAGE, **members})
        )
        return api

    def key(self, api: Api, **members: Any) -> str:
        """The value of an API key with a usage plan of the API's stage; `members` are those of the plan."""
        return self.wait(self._key(api, members))  # type: ignore[no-any-return]

    async def _key(self, api: Api, members: dict[str, Any]) -> str:
        key = await self.registry.create_key(*HERE, {"name": "k", "enabled": True})
        plan = await self.registry.create_plan(
            *HERE, {"name": "p", "api_stages": (PlanStage(api_id=api.id, stage=STAGE),), **members}
        )
        await self.registry.plans.change(
            plan.id,
            lambda: self.registry.plan(*HERE, plan.id),
            lambda one: keys.add_key(one, key.id, "API_KEY"),
        )
        return key.value

    def request(
        self,
        host: str,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask the server."""
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        try:
            connection.request(
                method, target, body, {"Host": host, "Accept-Encoding": "identity", **(headers or {})}
            )
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()


class Api(NamedTuple):
    """A deployed API."""

    gateway: Gateway
    id: str

    @property
    def host(self) -> str:
        return f"{self.id}.execute-api.us-east-1.localhost"

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        stage: str = STAGE,
        **headers: str,
    ) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gateway.request(self.host, method, f"/{stage}{path}", body, named)

    def redeploy(self, document: dict[str, Any]) -> None:
        """Put a document in place of what the API has, and deploy it."""
        text = json.dumps({"swagger": "2.0", "info": {"title": "t"}, **document})

        async def change() -> None:
            registry = self.gateway.registry
            await registry.change(
                *HERE,
                self.id,
                lambda one: (
                    imported(one, text, mode="overwrite", fail_on_warnings=False, parameters={}),
                    None,
                ),
            )
            await registry.change(*HERE, self.id, lambda one: deployments.create(one, {"stage_name": STAGE}))

        self.gateway.wait(change())

    def map(self, domain: str, base_path: str) -> None:
        """Have a custom domain name lead to the stage."""

        async def change() -> None:
            domains = self.gateway.domains
            new = base_paths.create(
                *HERE, {"domain_name": domain, "certificate_arn": "arn:aws:acm:us-east-1:0:x"}
            )
            await domains.domains.insert(domain, *HERE, new)
            await domains.change_domain(
                *HERE,
                domain,
                lambda one: base_paths.map_path(one, base_path, self.id, STAGE, lambda api, stage: True),
            )

        self.gateway.wait(change())


def proxy(name: str = "echo", **members: Any) -> dict[str, Any]:
    """A method with a function behind it."""
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": invocation_uri(name)}
    return {"x-amazon-apigateway-integration": integration, **members}


def mock(template: str, response: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A method that answers by itself; `response` is its integration response."""
    integration = {
        "type": "mock",
        "requestTemplates": {"application/json": template},
        "responses": {"default": response},
    }
    return {"x-amazon-apigateway-integration": {**integration, **members}}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The gateway of a module's tests."""
    gateway = Gateway(tmp_path_factory.mktemp("gateway"))
    yield gateway
    gateway.close()


@pytest.fixture
def gateway(shared: Gateway) -> Gateway:
    """The same, as if nothing had happened."""
    functions = shared.functions
    functions.handlers.clear()
    functions.handlers["echo"] = lambda event: {"statusCode": 200, "body": json.dumps(event)}
    functions.events.clear()
    functions.sources.clear()
    functions.throttled = functions.forbidden = functions.asleep = False
    shared.caller = None
    shared.documents.clear()
    return shared
