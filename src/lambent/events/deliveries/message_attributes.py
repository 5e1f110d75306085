"""The digest of message attributes, as their receivers check it.

"Calculating the MD5 message digest for message attributes" of SQS's developer guide.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def of_texts(texts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Texts as message attributes, as they are on the JSON wire."""
    return {name: {"DataType": "String", "StringValue": value} for name, value in texts.items()}


def digest_of(attributes: Mapping[str, Mapping[str, Any]]) -> str:
    """MD5OfMessageAttributes of attributes as they are on the JSON wire."""
    digest = hashlib.md5(usedforsecurity=False)

    def add(data: bytes) -> None:
        digest.update(len(data).to_bytes(4, "big") + data)

    for name in sorted(attributes):
        attribute = attributes[name]
        add(name.encode())
        add(attribute["DataType"].encode())
        if "StringValue" in attribute:
            digest.update(b"\x01")
            add(attribute["StringValue"].encode())
        else:
            digest.update(b"\x02")
            add(b64decode(attribute["BinaryValue"]))
    return digest.hexdigest()
