"""Lambent: serverless for Python, end to end.

`import lambent` is what a function ships: it stays free of the platform's dependencies, and each of the names below
is imported when it is first asked for.
"""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]
