"""Mapping templates and parameter mappings of integrations: what becomes of a request, and of an answer.

"Mapping template transformations", "Integration passthrough behaviors" and "Set up an integration response" of the
developer guide.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lambent.gateway.rest_api.context import context_value
from lambent.gateway.rest_api.event import last, query_lists
from lambent.gateway.rest_api.responding import set_header, value_of
from lambent.gateway.rest_api.time_limit import TimeLimit, TookTooLong, matches
from lambent.gateway.rest_api.velocity import Rendering
from lambent.gateway.rest_api.velocity_nodes import TemplateRefused, Text
from lambent.gateway.rest_api.velocity_objects import Context, Input, Util, as_text, at_path
from lambent.gateway.rest_api.velocity_parser import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Integration, IntegrationResponse
    from lambent.gateway.rest_api.velocity_nodes import Nodes

_JSON: Final = "application/json"
_HEADER: Final = "method.response.header."


class NoTemplate(Exception):
    """The integration takes no request of that type: it is answered 415."""


class Replied(NamedTuple):
    """What an integration's endpoint has answered. `selector` is what selection patterns are compared with."""

    selector: str
    headers: list[tuple[str, str]]
    body: bytes


class Templates:
    """Templates by content type, each read once: one that cannot be read is refused when it is used."""

    def __init__(self, templates: Mapping[str, str | None] | None) -> None:
        self._templates = {kind.lower(): text or "" for kind, text in (templates or {}).items()}
        self._read: dict[str, Nodes] = {}

    def __bool__(self) -> bool:
        return bool(self._templates)

    def kind_of(self, content_type: str | None) -> str | None:
        """The type whose template is for a body of some type; None without one."""
        kind = (content_type or _JSON).partition(";")[0].strip().lower()
        return kind if kind in self._templates else None

    @property
    def first(self) -> str | None:
        """The type of the first template."""
        return next(iter(self._templates), None)

    def render(self, kind: str, exchange: RestExchange, body: bytes) -> tuple[str, dict[str, Any]]:
        """What a template makes of a body, and the overrides that it sets. Raises TemplateRefused."""
        try:
            with TimeLimit():
                return self._render(kind, exchange, body)
        except TookTooLong as error:
            raise TemplateRefused(str(error)) from None

    def _render(self, kind: str, exchange: RestExchange, body: bytes) -> tuple[str, dict[str, Any]]:
        nodes = self._read.get(kind)
        if nodes is None:
            nodes = self._read[kind] = parsed(self._templates[kind])
        if not nodes:
            return "", {}
        if len(nodes) == 1 and isinstance(nodes[0], Text):
            return nodes[0].text, {}  # as those of CORS are
        rendering = Rendering(
            {
                "input": input_of(exchange, body),
                "util": Util(),
                "context": Context(lambda name: context_value(exchange, name)),
                "stageVariables": dict(exchange.stage.variables),
            }
        )
        return rendering.run(nodes), rendering.overrides


class RequestMapping:
    """What an integration's endpoint gets of a request."""

    def __init__(self, integration: Integration) -> None:
        self._templates = Templates(integration.request_templates)
        self._behavior = integration.passthrough_behavior
        self._parameters = dict(integration.request_parameters or {})

    def body(self, exchange: RestExchange) -> tuple[bytes, dict[str, Any]]:
        """The body, and overrides of parameters by place. Raises NoTemplate, TemplateRefused."""
        sent = exchange.call.request.body
        kind = self._templates.kind_of(exchange.call.header("content-type"))
        if kind is None:
            if self._behavior == "NEVER" or (self._behavior == "WHEN_NO_TEMPLATES" and self._templates):
                raise NoTemplate
            return sent, {}
        text, overrides = self._templates.render(kind, exchange, sent)
        return text.encode(), overrides.get("requestOverride", {})

    def parameters(self, exchange: RestExchange, place: str) -> dict[str, str]:
        """The parameters that go to one place: `header`, `querystring`, `path`."""
        start = f"integration.request.{place}."
        found: dict[str, str] = {}
        for key, expression in self._parameters.items():
            if key.startswith(start):
                value = value_of(exchange, expression)
                if value is not None:
                    found[key.removeprefix(start)] = value
        return found


class ResponseMapping:
    """What a client gets of an endpoint's answer."""

    def __init__(self, integration: Integration) -> None:
        self._chosen: list[tuple[re.Pattern[str] | None, IntegrationResponse, Templates]] = []
        for response in (integration.integration_responses or {}).values():
            pattern = None
            if response.selection_pattern:
                try:
                    # As the default it would take everything; a pattern that is none takes nothing.
                    pattern = re.compile(response.selection_pattern, re.DOTALL)
                except re.error:
                    continue
            self._chosen.append((pattern, response, Templates(response.response_templates)))

    def of(self, exchange: RestExchange, replied: Replied) -> tuple[int, list[tuple[str, str]], bytes] | None:
        """Status, headers and body; None where no integration response is for the answer. Raises TemplateRefused."""
        found = self._find(replied.selector)
        if found is None:
            return None
        response, templates = found
        headers: list[tuple[str, str]] = []
        for key, expression in (response.response_parameters or {}).items():
            value = _response_value(exchange, replied, expression)
            if key.startswith(_HEADER) and value is not None:
                set_header(headers, key.removeprefix(_HEADER), value)
        # One of 1xx says that another one follows, which there is not.
        body, status, kind = replied.body, max(200, int(response.status_code)), _JSON
        chosen = templates.kind_of(_content_type(replied.headers)) or (
            templates.kind_of(exchange.call.header("accept")) or templates.first
        )
        if chosen is not None:
            text, overrides = templates.render(chosen, exchange, replied.body)
            body, kind = text.encode(), chosen
            status = _overridden(overrides.get("responseOverride", {}), headers, status)
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", kind))
        return status, headers, body

    def _find(self, selector: str) -> tuple[IntegrationResponse, Templates] | None:
        default = None
        for pattern, response, templates in self._chosen:
            if pattern is None:
                default = default or (response, templates)
            elif matches(pattern, selector):
                return response, templates
        return default


def input_of(exchange: RestExchange, body: bytes) -> Input:
    """`$input` of a template: the parameters are always the request's."""
    call = exchange.call
    return Input(
        body.decode("utf-8", "replace"),
        path=dict(exchange.parameters),
        query=last(query_lists(call.query)),
        header=last(call.spelled),
    )


def _response_value(exchange: RestExchange, replied: Replied, expression: str) -> str | None:
    if not expression.startswith("integration.response."):
        return value_of(exchange, expression)
    place, _, name = expression.removeprefix("integration.response.").partition(".")
    if place in ("header", "multivalueheader"):
        found = [value for key, value in replied.headers if key.lower() == name.lower()]
        return ",".join(found) if found else None
    body = Input(replied.body.decode("utf-8", "replace"))
    if place != "body" or not name:
        return body.body if place == "body" else None
    try:
        value = at_path(body.path("$"), f"$.{name}")
    except (TemplateRefused, RecursionError):
        return None
    return None if value is None else as_text(value)


def _overridden(given: dict[str, Any], headers: list[tuple[str, str]], status: int) -> int:
    for name, value in (given.get("header") or {}).items():
        headers[:] = [one for one in headers if one[0].lower() != name.lower()]
        set_header(headers, name, as_text(value))
    wanted = given.get("status")
    text = as_text(wanted)
    return int(text) if text.isdigit() and 200 <= int(text) <= 599 else status


def _content_type(headers: list[tuple[str, str]]) -> str | None:
    return next((value for name, value in headers if name.lower() == "content-type"), None)
