"""Paths of requests as HTTP APIs have them.

Captured (hotsock/voker, vokerhttp/testdata/ingress-paths.json): decoded, cut at a question mark that appears then,
refused when a "%" is left that is no escape, and decoded once more.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

_BROKEN: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def decoded_path(sent: str) -> str | None:
    """A path as routes are matched with it and functions get it; None for one that is refused (400).

    `sent` is the path of the request target, each byte a character.
    """
    if "%" not in sent and sent.isascii():
        return sent
    once = unquote_to_bytes(sent.encode("latin-1")).partition(b"?")[0]
    if _BROKEN.search(once):
        return None
    return unquote_to_bytes(once).decode("utf-8", "replace")
