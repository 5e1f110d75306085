"""Byte-compiles a tree of libraries for the interpreter that runs it.

    INTERPRETER -I -S compile_libraries.py DIRECTORY MARKER

Creates the file MARKER when all is done. Ends early when the process that started it ends.
"""

# As old as the oldest interpreter that functions run on; no pathlib here, like in its neighbours.
# ruff: noqa: PTH118, PTH123
from __future__ import annotations

import compileall
import os
import sys


def main(directory: str, marker: str) -> None:
    """Compile everything below `directory` that has no current byte-compiled file."""
    os.nice(10)
    parent = os.getppid()
    for folder, _, names in os.walk(directory):
        for name in names:
            if os.getppid() != parent:
                return
            if name.endswith(".py"):
                compileall.compile_file(os.path.join(folder, name), quiet=2)
    with open(marker, "w"):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
