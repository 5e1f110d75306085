"""MOCK integrations: answers that a configuration has in it.

Templates with directives or references in them need Velocity, which is not here: only plain text is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambent.gateway.apis.records import Integration, IntegrationResponse


class TemplateUnsupported(Exception):
    """A template is more than plain text."""

    def __init__(self, text: str) -> None:
        super().__init__(f"templates with references or directives are not supported: {text[:80]!r}")


def mocked(integration: Integration, responses: Sequence[IntegrationResponse]) -> tuple[int, str]:
    """The status and the body of a mock's answer. Raises TemplateUnsupported."""
    status = _status(_chosen(integration.request_templates, integration.template_selection_expression))
    for key in (f"/{status}/", "$default"):
        for response in responses:
            if response.integration_response_key == key:
                text = _chosen(response.response_templates, response.template_selection_expression)
                return status, _plain(text)
    return status, ""


def _chosen(templates: Mapping[str, str] | None, expression: str | None) -> str:
    if not templates:
        return ""
    wanted = (expression or "$default").replace("\\", "")
    found = templates.get(wanted)
    return next(iter(templates.values())) if found is None else found


def _status(template: str) -> int:
    try:
        value: Any = msgspec.json.decode(_plain(template) or "{}")
    except msgspec.DecodeError:
        raise TemplateUnsupported(template) from None
    status = value.get("statusCode", 200) if isinstance(value, dict) else 200
    return status if status.__class__ is int and 100 <= status <= 599 else 200


def _plain(text: str) -> str:
    if "$" in text or "#" in text:
        raise TemplateUnsupported(text)
    return text
