"""OpenAPI documents as text: JSON or YAML."""

from __future__ import annotations

import importlib
from typing import Any, Final, Literal

import msgspec

from lambent.gateway.apis.errors import BadApiRequest

_INVALID: Final = "Invalid OpenAPI input."
_LENGTH: Final = 6 << 20
# How often an alias may be used: what a few of them hold can be large beyond measure when it is written out.
_ALIASES: Final = 10_000


def decoded(text: str) -> dict[str, Any]:
    """The document that `text` holds. Raises BadApiRequest.

    Scalars of YAML stay text, so that a version 1.0 is no number and a date no date.
    """
    if len(text) > _LENGTH:
        raise BadApiRequest(f"{_INVALID} The definition is larger than {_LENGTH >> 20} MB")
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        document = _decoded_yaml(text)
    except RecursionError:
        raise BadApiRequest(f"{_INVALID} It is nested too deeply") from None
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise BadApiRequest(_INVALID)
    return document


def encoded(document: dict[str, Any], form: Literal["JSON", "YAML"]) -> bytes:
    """A document as text."""
    if form == "JSON":
        return msgspec.json.format(msgspec.json.encode(document), indent=2)
    text: str = _yaml().safe_dump(document, sort_keys=False, allow_unicode=True, default_style=None)
    return text.encode()


def _decoded_yaml(text: str) -> Any:
    yaml = _yaml()
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    if text.count("*") > _ALIASES:
        raise BadApiRequest(f"{_INVALID} It has too many aliases")
    try:
        return yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "it is neither JSON nor YAML"
        raise BadApiRequest(f"{_INVALID} {problem}") from None
    except (RecursionError, ValueError):
        raise BadApiRequest(f"{_INVALID} It is neither JSON nor YAML") from None


def _yaml() -> Any:
    # Only documents in YAML need it, and it takes a while to import.
    return importlib.import_module("yaml")
