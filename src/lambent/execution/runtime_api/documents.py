"""Error documents that runtimes send, and those that are made for them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final

import msgspec

_encode = msgspec.json.encode

WITH_CAUSE: Final = b"application/vnd.aws.lambda.error.cause+json"
"""Content type of a function error with its X-Ray cause in one document."""
_OF_THE_ERROR: Final = ("errorMessage", "errorType", "stackTrace")


def error_document(error_type: str, message: str) -> bytes:
    """An error document."""
    return _encode({"errorMessage": message, "errorType": error_type})


def reported(body: bytes, error_type: bytes, content_type: bytes) -> bytes:
    """The error that a runtime has posted, as callers get it: as it was sent, without an X-Ray cause.

    `error_type` is that of the header, for a runtime that sends nothing else.
    """
    if content_type == WITH_CAUSE:
        try:
            document = json.loads(body)
            return _encode({name: document[name] for name in _OF_THE_ERROR if name in document})
        except (ValueError, TypeError, RecursionError):
            return b'"Invalid error body"'
    return body or error_document(error_type.decode("latin-1") or "Runtime.Unknown", "")


def from_trailers(error_type: bytes, body: bytes) -> bytes:
    """The error that ended a streamed answer: its document comes in Base64."""
    try:
        document = base64.b64decode(body, validate=True)
    except binascii.Error:
        document = body
    return document or error_document(error_type.decode("latin-1"), "")


def header_text(document: Any) -> str:
    """A JSON text in a form that a header can carry."""
    text = str(document)
    if text.isascii() and text.isprintable():
        return text
    return json.dumps(json.loads(text), separators=(",", ":"))
