"""Gateway responses at work: what clients get instead of an integration's answer.

"Gateway responses in API Gateway" of the developer guide: templates of gateway responses have variables in them and no
directives; parameters are headers, from texts, the request and the context.
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from lambent.gateway.rest_api.context import context_value
from lambent.gateway.rest_api.gateway_responses import TEMPLATES, fallback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import GatewayResponse
    from lambent.gateway.rest_api.refusals import Refusal

_VARIABLE: Final = re.compile(
    r"\$\{?(context|stageVariables)\.([A-Za-z0-9_]+(?:\.[A-Za-z0-9_-]+)*)\}?"
    r"|\$\{?(method\.request\.(?:header|querystring|path)\.[A-Za-z0-9_-]+)\}?"
)
_HEADER: Final = "gatewayresponse.header."
_JSON: Final = "application/json"
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token: RFC 9110, section 5.6.2
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING: Final = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"})

_log = logging.getLogger(__name__)


class GatewayResponses:
    """The gateway responses of one stage."""

    def __init__(self, responses: Mapping[str, GatewayResponse]) -> None:
        self._responses = responses

    def answer(self, exchange: RestExchange, refusal: Refusal) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body for what is refused."""
        response = fallback(self._responses, refusal.type)
        headers = [("x-amzn-ErrorType", refusal.error_type)]
        if response is None:
            return refusal.status, [("Content-Type", _JSON), *headers], _default(refusal)
        status = refusal.status
        if response.status_code is not None and 200 <= int(response.status_code) <= 599:
            status = int(response.status_code)
        for key, expression in response.response_parameters.items():
            if key.startswith(_HEADER):
                value = value_of(exchange, expression)
                if value is not None:
                    set_header(headers, key.removeprefix(_HEADER), value)
        kind, template = _chosen(exchange, response.response_templates or TEMPLATES)
        if not response.response_templates:
            body = _default(refusal)
        else:
            body = _VARIABLE.sub(lambda found: _text(_variable(exchange, found)), template).encode()
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.insert(0, ("Content-Type", kind))
        return status, headers, body


def set_header(headers: list[tuple[str, str]], name: str, value: str) -> None:
    """Give an answer another header, on one line; those that frame the answer are the server's, and what is no name of
    a header cannot be one.
    """
    if _NAME.fullmatch(name) is None or name.lower() in _FRAMING:
        _log.warning("answers cannot have a header %r", name)
        return
    headers.append((name, _CONTROL.sub(" ", value)))


def _default(refusal: Refusal) -> bytes:
    message = json.dumps(refusal.message, ensure_ascii=False)
    space = " " if refusal.spaced else ""
    return f'{{"{refusal.member}":{space}{message}}}'.encode()


def _chosen(exchange: RestExchange, templates: Mapping[str, str]) -> tuple[str, str]:
    """The template of a type that the client accepts, or else that of JSON, or the first."""
    accepted = exchange.call.header("accept") or ""
    for kind in (one.partition(";")[0].strip() for one in accepted.split(",")):
        if kind in templates:
            return kind, templates[kind]
    if _JSON in templates:
        return _JSON, templates[_JSON]
    return next(iter(templates.items()))


def _variable(exchange: RestExchange, found: re.Match[str]) -> Any:
    if found[3] is not None:
        return value_of(exchange, found[3])
    if found[1] == "stageVariables":
        return exchange.stage.variables.get(found[2])
    return context_value(exchange, found[2])


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def value_of(exchange: RestExchange, expression: str) -> str | None:
    """A value of the request: `'text'`, `method.request.header.Name`, `context.stage`, `stageVariables.name`.

    The mapping expressions of "API Gateway request and response data mapping reference" of the developer guide.
    """
    if len(expression) >= 2 and expression[0] == expression[-1] == "'":
        return expression[1:-1]
    if expression.startswith("context."):
        value = context_value(exchange, expression.removeprefix("context."))
        return None if value is None else _text(value)
    if expression.startswith("stageVariables."):
        return exchange.stage.variables.get(expression.removeprefix("stageVariables."))
    if not expression.startswith("method.request."):
        return None
    place, _, name = expression.removeprefix("method.request.").partition(".")
    if place in ("header", "multivalueheader"):
        return exchange.call.header(name)
    if place == "path":
        return exchange.parameters.get(name)
    if place in ("querystring", "multivaluequerystring"):
        found = [
            value for key, value in parse_qsl(exchange.call.query, keep_blank_values=True) if key == name
        ]
        return found[-1] if found else None
    if place == "body":
        return _of_body(exchange.call.request.body, name)
    return None


def _of_body(body: bytes, path: str) -> str | None:
    text = body.decode("utf-8", "replace")
    if not path:
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for step in re.findall(r"[^.\[\]]+", path.removeprefix("$")):
        if isinstance(found, list):
            found = found[int(step)] if step.isdigit() and int(step) < len(found) else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return None if found is None else _text(found)
