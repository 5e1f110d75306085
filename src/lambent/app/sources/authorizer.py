"""Lambda authorizers of API Gateway: REST (TOKEN and REQUEST), HTTP (formats 1.0 and 2.0) and WebSocket APIs.

A handler says who may: True or False, `Allow(…)` or `Deny(…)`. What API Gateway wants to hear depends on the event:

- Format 2.0: `{"isAuthorized": …, "context": …}`, or with `simple=False` a policy, for authorizers without simple
  responses. The context may have lists and objects.
- All others: an IAM policy for the resources asked for. The context's values are texts, numbers and booleans; lists and
  objects become their JSON, and what is None is left out.

`raise Unauthorized` is 401 to the caller, whatever its text: API Gateway knows it by the error's text, "Unauthorized".
`raise Forbidden` is a denial: 403. Any other exception is 500 to the caller.

A policy allows exactly what was asked for. API Gateway caches policies by the caller's identity and applies them to
other requests too; an authorizer whose answers do not depend on the request says so with `Allow(resources=["*"])`.

Source: "Input to", "Output from an API Gateway Lambda authorizer", "Control access to HTTP APIs with AWS Lambda
authorizers" of the API Gateway developer guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app import current
from lambent.app.encoding import encode
from lambent.app.errors import AppError, Forbidden, Unauthorized, UnknownEvent
from lambent.app.request import Headers, Invocation, Request, Values
from lambent.app.signature import described
from lambent.app.sources.chain import explained
from lambent.app.sources.record import Named, chain_of, first_known, itself, members
from lambent.app.sources.understood import understood

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.app.app import App
    from lambent.app.onion import Middleware


class MethodArn:
    """What is asked for: `arn:aws:execute-api:<region>:<account>:<api_id>/<stage>/<method>/<path>`.

    `path` begins with a slash. Of a WebSocket API `method` is the route, `$connect`, and `path` "/".
    """

    __slots__ = ("account", "api_id", "arn", "method", "path", "region", "stage")

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self.region, self.account, resource = ([*arn.split(":", 5)[3:], "", "", ""])[:3]
        self.api_id, self.stage, self.method, path = ([*resource.split("/", 3), "", "", ""])[:4]
        self.path = f"/{path}"

    def within(self, resource: str) -> str:
        """The ARN of a resource of the same API: `GET/orders/*` of the stage asked for, `*` for all of the stage."""
        if resource.startswith("arn:"):
            return resource
        start = ":".join(self.arn.split(":", 5)[:5])
        return f"{start}:{self.api_id}/{self.stage}/{resource.lstrip('/')}"

    def __str__(self) -> str:
        return self.arn


class Allow:
    """Yes. `principal` is who asks, `context` what the API's functions are told of it.

    `resources` are what a policy allows, as `MethodArn.within` has them; without any it is what was asked for.
    `usage_key` is the API key of a usage plan, for REST APIs that take it from the authorizer.
    """

    __slots__ = ("context", "principal", "resources", "usage_key")
    effect = "Allow"

    def __init__(
        self,
        principal: str | None = None,
        *,
        context: dict[str, Any] | None = None,
        resources: Iterable[str] = (),
        usage_key: str | None = None,
    ) -> None:
        self.principal = principal
        self.context = context or {}
        self.resources = tuple(resources)
        self.usage_key = usage_key


class Deny(Allow):
    """No: 403 to the caller."""

    __slots__ = ()
    effect = "Deny"


class AuthorizerRequest(Invocation):
    """What an authorizer is asked. `kind` is "token", or "request", whichever API it comes from."""

    _request: Request | None = None
    _arn: MethodArn | None = None

    @property
    def token(self) -> str | None:
        """What the caller has sent to be known by: the token, else the first identity source, else Authorization."""
        token = self.event.get("authorizationToken")
        if token is None:
            token = next((one for one in self.identity_sources if one), None)
        return token if token is not None else self.headers.get("authorization")

    @property
    def bearer(self) -> str | None:
        """The token without `Bearer`; None when it is of another scheme."""
        scheme, space, token = (self.token or "").partition(" ")
        return token.strip() if space and scheme.lower() == "bearer" else None

    @property
    def arn(self) -> MethodArn:
        """What is asked for."""
        if self._arn is None:
            self._arn = MethodArn(self.method_arn)
        return self._arn

    @property
    def method_arn(self) -> str:
        """What is asked for, as text."""
        return self.event.get("methodArn") or self.event.get("routeArn") or ""

    @property
    def method(self) -> str:
        """The request's method; of a WebSocket API the route."""
        return self.arn.method

    @property
    def path(self) -> str:
        """The request's path, without the stage where the event tells it so."""
        return self.arn.path

    @property
    def identity_sources(self) -> list[str]:
        """The values by which the caller is known, as the authorizer is configured (HTTP APIs)."""
        given = self.event.get("identitySource")
        if given is None:
            return []
        return given if isinstance(given, list) else given.split(",")

    @property
    def headers(self) -> Headers:
        """The header fields; TOKEN authorizers are told none."""
        return self._as_request().headers

    @property
    def query(self) -> Values:
        """The decoded query parameters."""
        return self._as_request().query

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        return self._as_request().cookies

    @property
    def path_parameters(self) -> dict[str, str]:
        """The parameters of the route."""
        return self.event.get("pathParameters") or {}

    @property
    def stage_variables(self) -> dict[str, str]:
        """The variables of the stage."""
        return self.event.get("stageVariables") or {}

    @property
    def source_ip(self) -> str | None:
        """Who has sent it, as far as the gateway knows."""
        return self._as_request().source_ip

    def _as_request(self) -> Request:
        if self._request is None:
            self._request = Request(self.event, self.context)
        return self._request


_MEMBERS: dict[str, Any] = {
    "token": str,
    "bearer": str,
    "arn": MethodArn,
    "method_arn": str,
    "method": str,
    "path": str,
    "identity_sources": list[str],
    "headers": Headers,
    "query": Values,
    "cookies": dict[str, str],
    "path_parameters": dict[str, str],
    "stage_variables": dict[str, str],
    "source_ip": str,
}


class Authorizers:
    """The handler for all APIs, or one for each."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.handlers = Named("api")

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        resolve = first_known(members(_MEMBERS), itself)
        self.handlers.add(
            options["api"], chain_of(self._app, handler, layers, options, resolve, AuthorizerRequest)
        )

    @understood
    def handle(self, event: Any, context: Any) -> dict[str, Any]:
        """The answer for API Gateway. Raises UnknownEvent and what handlers raise."""
        request = AuthorizerRequest(event, context)
        request.kind = "token" if event.get("type") == "TOKEN" else "request"
        chain = self.handlers.find(request.arn.api_id)
        if chain is None:
            raise UnknownEvent(
                f"{self._app.name}: no authorizer is for the API {request.arn.api_id!r}: there are handlers for "
                f"{self.handlers.told()}. LAMBENT_API_<NAME> can tell the id of one of them"
            )
        correlation = (event.get("requestContext") or {}).get("requestId")
        if correlation:
            current.correlation_id.set(correlation)
        try:
            answer = chain.once(self._app, request)
        except Unauthorized as error:
            raise Exception("Unauthorized") from error
        except Forbidden:
            answer = Deny()
        except Exception as error:
            explained(error)
            raise
        if not isinstance(answer, Allow):
            if not isinstance(answer, bool):
                raise AppError(
                    f"{described(chain.endpoint.handler)}: it gave {type(answer).__name__}: an authorizer gives True, "
                    "False, Allow(…) or Deny(…)"
                )
            answer = Allow() if answer else Deny()
        if event.get("version") == "2.0" and chain.options["simple"]:
            return _simple(answer)
        asked = request.arn.arn.partition("/")[2]
        if (
            not answer.resources
            and answer.effect == "Allow"
            and any(one in asked for one in ("*", "?", "${"))
        ):
            # In a policy it would allow more than was asked for, and policies are kept for other requests.
            answer = Deny()
        if event.get("version") == "2.0":
            return _policy(answer, request.arn, _members(answer.context))
        return _policy(answer, request.arn, _scalars(answer.context))


def _simple(answer: Allow) -> dict[str, Any]:
    context = _members(answer.context)
    if answer.principal is not None:
        context.setdefault("principalId", answer.principal)
    return {"isAuthorized": answer.effect == "Allow", **({"context": context} if context else {})}


def _policy(answer: Allow, arn: MethodArn, context: dict[str, Any]) -> dict[str, Any]:
    resources = [arn.within(one) for one in answer.resources] or [arn.arn]
    result: dict[str, Any] = {
        "principalId": answer.principal or "user",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": answer.effect, "Resource": resources}],
        },
    }
    if context:
        result["context"] = context
    if answer.usage_key is not None:
        result["usageIdentifierKey"] = answer.usage_key
    return result


def _members(context: dict[str, Any]) -> dict[str, Any]:
    """A context with what JSON knows."""
    import msgspec

    return msgspec.json.decode(encode(context))  # type: ignore[no-any-return]


def _scalars(context: dict[str, Any]) -> dict[str, Any]:
    """A context with texts, numbers and booleans alone."""
    return {
        name: encode(value).decode() if isinstance(value, (dict, list)) else value
        for name, value in _members(context).items()
        if value is not None
    }
