"""What is secret of a deployment, where others than its events tell of it: drift and change sets.

Secret are values of parameters with NoEcho, and what custom resources have answered with NoEcho.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.stacks.records import Deployment


def masks_of(deployed: Deployment) -> dict[str, str]:
    """Texts in its properties that are told otherwise, and how."""
    return {} if deployed.shown is None else dict(_secrets(deployed.properties, deployed.shown))


def masked(value: Any, masks: dict[str, str]) -> Any:
    """A value whose texts are told as they may be."""
    if isinstance(value, dict):
        return {name: masked(inner, masks) for name, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, masks) for inner in value]
    return masks.get(value, value) if isinstance(value, str) else value


def masked_json(text: str, masks: dict[str, str]) -> str:
    """The same of a text, which may be JSON."""
    if not masks:
        return text
    if text[:1] not in ("{", "["):
        return masks.get(text, text)
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return masks.get(text, text)
    return msgspec.json.encode(masked(document, masks)).decode()


def masked_change(document: dict[str, Any], masks: dict[str, str]) -> dict[str, Any]:
    """A ResourceChange as it may be told."""
    if not masks:
        return document
    told = {name: _told(value, masks) for name, value in document.items()}
    for detail in told.get("Details", ()):
        if isinstance(detail.get("Target"), dict):
            detail["Target"] = {name: _told(value, masks) for name, value in detail["Target"].items()}
    return told


def _told(value: Any, masks: dict[str, str]) -> Any:
    return masked_json(value, masks) if isinstance(value, str) else masked(value, masks)


def _secrets(value: Any, shown: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and isinstance(shown, dict):
        for name, inner in value.items():
            yield from _secrets(inner, shown.get(name))
    elif isinstance(value, list) and isinstance(shown, list):
        for inner, other in zip(value, shown, strict=False):
            yield from _secrets(inner, other)
    elif isinstance(value, str) and isinstance(shown, str) and value and value != shown:
        yield value, shown
