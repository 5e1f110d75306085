"""Whether moto's server is there. It is not imported to find out."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

ADVICE: Final = "pip install 'lambent[platform]'"
"""How to add it."""


def installed() -> bool:
    """Whether moto's server can be started."""
    return find_spec("moto") is not None and find_spec("flask") is not None
