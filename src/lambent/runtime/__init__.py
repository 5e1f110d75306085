"""What runs inside execution environments, before user code: launchers, zygotes, bootstraps.

The files in `python/` run in the function's interpreter (any CPython from 3.9), those in `host/` in the platform's:
standard library only. Those in `node/` run in the function's Node (from 18): no packages. Those in `java/` are compiled
for the function's Java (from 8).
Imports nothing else of lambent; the platform imports this package only to know where the files are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

PYTHON_FILES: Final = Path(__file__).resolve().parent / "python"
"""The folder of the files for Python runtimes; `launcher.py` is where they start."""

NODE_FILES: Final = Path(__file__).resolve().parent / "node"
"""The folder of the files for Node runtimes."""

JAVA_FILES: Final = Path(__file__).resolve().parent / "java"
"""The folder of the sources of our client for Java runtimes."""
