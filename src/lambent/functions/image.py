"""Container images as functions' code: they are named and shown. Nothing here fetches or runs them."""

from __future__ import annotations

import hashlib
import re

import msgspec

_DIGEST = re.compile(r"@sha256:([0-9a-f]{64})$")
_TAG = re.compile(r":[\w.-]+$|@.*$")


class Image(msgspec.Struct, frozen=True):
    """An image by its URI. `digest` is what the registry would know it by, in hex."""

    uri: str
    digest: str

    @property
    def resolved(self) -> str:
        """The URI with the digest in place of a tag."""
        return f"{_TAG.sub('', self.uri)}@sha256:{self.digest}"


class ImageConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a function sets in place of the image's own entry point, command and working directory."""

    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""


def image_at(uri: str) -> Image:
    """The image at a URI. No registry is asked: a URI without a digest gets one that is made of its text."""
    found = _DIGEST.search(uri)
    return Image(uri, found[1] if found else hashlib.sha256(uri.encode()).hexdigest())
