"""What files of JavaScript and TypeScript import, as far as it is written in them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from lambent.deploy.errors import BuildError

TYPED: Final = frozenset({".ts", ".mts", ".cts", ".tsx", ".jsx"})
"""What Node.js does not run as it is, or not in every version that Lambda has."""

SUFFIXES: Final = (".ts", ".mts", ".cts", ".tsx", ".mjs", ".js", ".cjs", ".jsx")

_COMMENT: Final = re.compile(r"/\*.*?\*/|(?<![:'\"`])//[^\n]*", re.DOTALL)
_IMPORT: Final = re.compile(
    r"""\bimport\s+type\b[^;'"]*["'][^"']*["']"""  # gone when it runs
    r"""|(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*["']([^"'\n]+)["']"""
)
# https://nodejs.org/api/module.html#modulebuiltinmodules: those that have names without `node:`.
_BUILT_IN: Final = frozenset(
    name
    for line in (
        "assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain",
        "events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl",
        "stream string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads zlib",
    )
    for name in line.split()
)


class Traced(NamedTuple):
    """`files` are the entry and what it imports by relative paths; `packages` names of what comes from elsewhere."""

    files: tuple[Path, ...]
    packages: frozenset[str]


def trace(entry: Path) -> Traced:
    """Follows the imports of a file. What is not there is left to whoever runs or bundles it. Raises BuildError."""
    packages: set[str] = set()
    files: dict[Path, None] = {}
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        if path in files:
            continue
        files[path] = None
        if path.suffix not in SUFFIXES:
            continue
        for name in _imported(path):
            if name.startswith("."):
                found = _file(path.parent / name)
                if found is not None:
                    waiting.append(found)
            elif (
                not name.startswith(("node:", "/", "data:", "#")) and name.partition("/")[0] not in _BUILT_IN
            ):
                parts = name.split("/")
                packages.add("/".join(parts[:2]) if name.startswith("@") else parts[0])
    return Traced(tuple(sorted(files)), frozenset(packages))


def _imported(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{path} cannot be read: {error}") from error
    return [match[1] for match in _IMPORT.finditer(_COMMENT.sub("", text)) if match[1]]


def _file(path: Path) -> Path | None:
    """What a relative import means: the file, one with a suffix, or a folder's index."""
    candidates = [path, *(path.with_name(path.name + suffix) for suffix in SUFFIXES)]
    # TypeScript imports "./price.js" where the file is price.ts.
    if path.suffix in (".js", ".mjs", ".cjs"):
        candidates.append(path.with_suffix(path.suffix.replace("js", "ts")))
    candidates += [path / f"index{suffix}" for suffix in SUFFIXES]
    for candidate in candidates:
        if candidate.is_file():
            return Path(os.path.normpath(candidate))
    return None
