"""JSON, both ways."""

from __future__ import annotations

from typing import Any

import msgspec


def plain(value: Any) -> Any:
    """What msgspec does not know, as something that it knows. Raises NotImplementedError for the rest."""
    dump = getattr(value, "model_dump", None)  # pydantic
    if dump is not None:
        return dump(mode="json")
    raise NotImplementedError(f"Objects of type {type(value).__qualname__} cannot be sent as JSON")


_encoder = msgspec.json.Encoder(enc_hook=plain)
encode = _encoder.encode
"""A value as JSON. Raises TypeError or NotImplementedError for what JSON cannot hold."""
