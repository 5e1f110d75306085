"""Linked code: a folder of this machine in place of a package, as those want it who are working on the code.

Nothing is copied and nothing is stored: environments show the folder as it is, read-only. It is named as users of
LocalStack know it: in place of an object in S3 stands the bucket "hot-reload", with the folder's absolute path as key.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

BUCKET: Final = "hot-reload"
"""The bucket that is none."""

_PREFIX: Final = "link:"


class LinkedCode(NamedTuple):
    """A folder that a function, or a layer, is to consist of."""

    folder: Path

    @property
    def name(self) -> str:
        """What stands for it where packages have their hash: one word without white space."""
        return _PREFIX + quote(str(self.folder))

    @property
    def sha256(self) -> str:
        """A hash as `CodeSha256` shows it: of the folder's path, as its content may change at any time."""
        return base64.b64encode(hashlib.sha256(str(self.folder).encode()).digest()).decode("ascii")


def linked_code(name: str) -> LinkedCode | None:
    """What a name stands for; None for the hash of a package."""
    return LinkedCode(Path(unquote(name.removeprefix(_PREFIX)))) if name.startswith(_PREFIX) else None
