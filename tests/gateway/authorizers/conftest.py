"""Authorizers behind a real server, with identity providers on sockets of their own.

Functions are callables of the test's own; those of a platform are in tests/platform/test_authorizers.py.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import inspect
import json
import time
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lambent.execution.invocation import Invocation
from lambent.gateway.apis.definition import Content
from lambent.gateway.apis.deployed import Deployed, deployed
from lambent.gateway.apis.records import Api, Authorizer, JwtConfiguration, Route, Stage
from lambent.gateway.authorizers import Authorizers, Fetcher, Verdict
from lambent.gateway.call import Call
from lambent.gateway.errors import NotPermitted
from lambent.http import HttpServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lambent.gateway.callers import Caller
    from lambent.http import Request

ACCOUNT = "000000000000"
REGION = "us-east-1"
API = "abcdef1234"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests to their end, each on a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
    return True


# ---------------------------------------------------------------- tokens


@cache
def private_key(number: int = 0) -> rsa.RSAPrivateKey:
    """One of several keys; making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(kid: str, number: int = 0, **members: Any) -> dict[str, Any]:
    """The public half of a key, as identity providers publish it."""
    numbers = private_key(number).public_key().public_numbers()
    modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    return {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": b64(modulus), "e": "AQAB", **members}


_HASHES: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}


def signed(
    claims: dict[str, Any] | bytes,
    kid: str | None = "one",
    number: int = 0,
    alg: str = "RS256",
    **header: Any,
) -> str:
    """A token, signed with RSA."""
    head = {"alg": alg, **({"kid": kid} if kid is not None else {}), **header}
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    text = f"{b64(json.dumps(head).encode())}.{b64(body)}"
    digest = _HASHES[alg[2:]]
    pad: padding.AsymmetricPadding = padding.PKCS1v15()
    if alg.startswith("PS"):
        pad = padding.PSS(padding.MGF1(digest), digest.digest_size)
    return f"{text}.{b64(private_key(number).sign(text.encode(), pad, digest))}"


class Issuer:
    """An identity provider on a socket. `documents` is what it answers, by path; `asked` what it was asked for."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.asked: list[str] = []
        self.documents: dict[str, bytes | tuple[int, dict[str, str], bytes]] = {}
        self.silent = False
        self.server = HttpServer(self._handle)
        self._keys = keys

    async def start(self) -> None:
        await self.server.start("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.address[1]}"
        self.documents["/.well-known/openid-configuration"] = json.dumps(
            {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        ).encode()
        self.publish(*self._keys)

    def publish(self, *keys: dict[str, Any]) -> None:
        """Publish these keys instead of those before."""
        self.documents["/keys"] = json.dumps({"keys": keys}).encode()

    def _handle(self, request: Request) -> None:
        path = request.path.decode()
        self.asked.append(path)
        if self.silent:
            return
        found = self.documents.get(path, (404, {}, b""))
        status, headers, body = (200, {}, found) if isinstance(found, bytes) else found
        request.respond(status, [("Content-Type", "application/json"), *headers.items()], body)

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Claims that hold, with some changed; None leaves one out."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": "ann", "aud": "shop", "iat": now - 10, "exp": now + 600, **changed}
        return {name: value for name, value in claims.items() if value is not None}

    async def stop(self) -> None:
        self.server.stop_accepting()
        await self.server.drain(0)


# ---------------------------------------------------------------- functions


class Functions:
    """In place of a platform's functions. A handler gets the event; `events` are those that were sent.

    A handler may be a coroutine function; it fails by raising RuntimeError, whose text is the error's message.
    """

    def __init__(self) -> None:
        self.handler: Callable[[dict[str, Any]], Any] = lambda event: {"isAuthorized": True}
        self.events: list[dict[str, Any]] = []
        self.sources: list[str] = []
        self.permits = True

    def permitted(self, uri: str, source_arn: str) -> Any:
        self.sources.append(source_arn)
        if not self.permits:
            raise NotPermitted(uri, source_arn)
        return None

    async def acall(self, callee: Any, payload: bytes, trace: str | None, timeout_s: float) -> Invocation:
        event = json.loads(payload)
        self.events.append(event)
        invocation = Invocation(payload, b"", b"", b"", lambda _: None)
        try:
            result = self.handler(event)
            if inspect.isawaitable(result):
                async with asyncio.timeout(timeout_s):
                    result = await result
            invocation.result = result if isinstance(result, bytes) else json.dumps(result).encode()
        except RuntimeError as error:
            invocation.function_error = True
            invocation.result = json.dumps({"errorMessage": str(error)}).encode()
        return invocation


# ---------------------------------------------------------------- the door


class Judged(NamedTuple):
    """What came of a request."""

    verdict: Verdict
    at_once: bool


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Door:
    """A server that judges the requests of one API's stage, and lets nobody in."""

    def __init__(
        self,
        *routes: Route,
        authorizers: tuple[Authorizer, ...] = (),
        protocol: Any = "HTTP",
        stage: str = "$default",
        variables: dict[str, str] | None = None,
        caller: Caller | None = None,
        timeout_s: float = 0.5,
        decide_s: float = 10.0,
    ) -> None:
        self.functions = Functions()
        self.ticks = Clock(1000.0)
        self.caller = caller
        self.authorizers = Authorizers(
            self.functions,  # type: ignore[arg-type]
            Fetcher(timeout_s=timeout_s),
            lambda request: self.caller,
            ticks=self.ticks,
            decide_s=decide_s,
        )
        self.deployed = served(
            *routes, authorizers=authorizers, protocol=protocol, stage=stage, variables=variables
        )
        self.server = HttpServer(self._handle)
        self._judged: asyncio.Queue[asyncio.Task[Judged]] = asyncio.Queue()
        self.path_parameters: dict[str, str] | None = None

    @property
    def route(self) -> Route:
        return self.deployed.routes[0]

    def _handle(self, request: Request) -> None:
        self._judged.put_nowait(asyncio.get_running_loop().create_task(self._judge(request)))

    async def _judge(self, request: Request) -> Judged:
        path = request.path.decode("latin-1")
        call = Call(request, "abcdef1234.execute-api.us-east-1.localhost", path, "id=")
        try:
            if self.deployed.api.protocol_type == "WEBSOCKET":
                found = self.authorizers.authorize_connect(
                    call, self.deployed, self.route, lambda: {"requestContext": {"routeKey": "$connect"}}
                )
            else:
                found = self.authorizers.authorize(
                    call, self.deployed, self.route, path=path, path_parameters=self.path_parameters
                )
            at_once = isinstance(found, Verdict)
            return Judged(found if isinstance(found, Verdict) else await found, at_once)
        finally:
            request.respond(204, [])

    async def ask(
        self, *headers: tuple[str, str], target: str = "/pets", method: str = "GET", body: bytes = b""
    ) -> Judged:
        """Send a request over a socket; what was judged of it."""
        reader, writer = await asyncio.open_connection(*self.server.address)
        lines = [f"{method} {target} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers)]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        writer.write("\r\n".join((*lines, "", "")).encode("latin-1") + body)
        judged = await (await self._judged.get())
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return judged

    async def ask_with(self, token: str) -> Judged:
        """Send a request with a token."""
        return await self.ask(("Authorization", f"Bearer {token}"))


def served(
    *routes: Route,
    authorizers: tuple[Authorizer, ...] = (),
    protocol: Any = "HTTP",
    stage: str = "$default",
    variables: dict[str, str] | None = None,
) -> Deployed:
    """A stage of an API."""
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    content = Content(
        api=Api(
            api_id=API,
            account=ACCOUNT,
            region=REGION,
            name="shop",
            protocol_type=protocol,
            created_date=day,
            route_selection_expression="$request.method $request.path",
        ),
        routes={route.route_id: route for route in routes},
        authorizers={one.authorizer_id: one for one in authorizers},
    )
    return deployed(
        content,
        Stage(stage_name=stage, created_date=day, last_updated_date=day, stage_variables=variables or {}),
    )


@contextlib.asynccontextmanager
async def opened(door: Door, *issuers: Issuer) -> AsyncIterator[Door]:
    """A door that serves; issuers are stopped with it."""
    await door.server.start("127.0.0.1", 0)
    try:
        yield door
    finally:
        for one in (door.server, *(issuer.server for issuer in issuers)):
            one.stop_accepting()
            await one.drain(0)


def request_door(
    *,
    route: dict[str, Any] | None = None,
    protocol: str = "HTTP",
    stage: str = "$default",
    variables: dict[str, str] | None = None,
    decide_s: float = 10.0,
    **members: Any,
) -> Door:
    """A door where a function decides; `members` are those of its authorizer."""
    return Door(
        Route(
            **{
                "route_id": "r1",
                "route_key": "$connect" if protocol == "WEBSOCKET" else "GET /pets",
                "authorization_type": "CUSTOM",
                "authorizer_id": "a1",
                **(route or {}),
            }
        ),
        authorizers=(asking(**({} if protocol == "WEBSOCKET" else HTTP_DEFAULTS) | members),),
        protocol=protocol,
        stage=stage,
        variables=variables,
        decide_s=decide_s,
    )


HTTP_DEFAULTS = {"authorizer_payload_format_version": "2.0", "enable_simple_responses": True}


def asking(**members: Any) -> Authorizer:
    """An authorizer with a function."""
    return Authorizer(
        authorizer_id="a1",
        authorizer_type="REQUEST",
        name="asks",
        authorizer_uri="arn:of:function",
        **members,
    )


def jwt_door(
    issuer: Issuer, *, scopes: tuple[str, ...] | None = None, source: str = "$request.header.Authorization"
) -> Door:
    """A door that takes tokens of an issuer for the audience `shop`."""
    route = Route(
        route_id="r1",
        route_key="GET /pets",
        authorization_type="JWT",
        authorizer_id="a1",
        authorization_scopes=scopes,
    )
    authorizer = Authorizer(
        authorizer_id="a1",
        authorizer_type="JWT",
        name="tokens",
        identity_source=(source,),
        jwt_configuration=JwtConfiguration(audience=("shop", "bar"), issuer=issuer.url),
    )
    return Door(route, authorizers=(authorizer,))
