"""AWS's SDK for functions: boto3 and what it needs, as the managed runtimes have them, and nothing else.

The packages are the platform's own, below its data directory under a path of their own: linked where the
function's interpreter can use the platform's byte-compiled files, otherwise as a tree of (hard-linked) files that a
process of that interpreter compiles in the background. boto3 would take a second longer to import without.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lambent.runtime import PYTHON_FILES

if TYPE_CHECKING:
    from lambent.execution.interpreters import Interpreter

_DISTRIBUTIONS: Final = {
    "boto3": "boto3",
    "botocore": "botocore",
    "s3transfer": "s3transfer",
    "jmespath": "jmespath",
    "python-dateutil": "dateutil",
    "urllib3": "urllib3",
    "six": "six.py",
}
"""Distribution name: the module or package it brings."""

COMPILED: Final = ".compiled"
"""File in a tree of libraries whose byte-compiled files are complete."""


def runtime_libraries(data: Path, interpreter: Interpreter) -> Path:
    """Directory of the packages for functions of an interpreter, below `data`; made when it is not there.

    Can be used at once. Takes a millisecond for an interpreter of the platform's own version, some 50 ms for
    another one the first time. Raises OSError.
    """
    sources = _sources()
    linked = interpreter.cache_tag == sys.implementation.cache_tag and _are_compiled(sources)
    kind = "linked" if linked else interpreter.cache_tag
    digest = hashlib.sha256("\n".join(map(str, sources)).encode()).hexdigest()[:12]
    directory = data / "libraries" / f"{kind}-{digest}"
    if not directory.is_dir():
        _make(directory, sources, linked=linked, backported=interpreter.version < (3, 10))
    if not linked and not (directory / COMPILED).exists():
        _compile(directory, interpreter)
    return directory


@functools.cache
def _sources() -> tuple[Path, ...]:
    """Modules, packages and metadata in the platform's own site-packages."""
    found = []
    for name, module in _DISTRIBUTIONS.items():
        with contextlib.suppress(metadata.PackageNotFoundError):
            distribution = metadata.distribution(name)
            folder = Path(str(distribution.locate_file(""))).resolve()
            stem = f"{re.sub('[-.]+', '_', name)}-{distribution.version}"
            found += [folder / module, folder / f"{stem}.dist-info"]
    return tuple(path for path in found if path.exists())


def _are_compiled(sources: tuple[Path, ...]) -> bool:
    # Some installers do not byte-compile, and functions cannot write into the platform's site-packages.
    return all(
        (source / "__pycache__" / f"__init__.{sys.implementation.cache_tag}.pyc").exists()
        for source in sources
        if (source / "__init__.py").exists()
    )


def _make(directory: Path, sources: tuple[Path, ...], *, linked: bool, backported: bool) -> None:
    """All or nothing: a platform that is killed meanwhile leaves no half of it under this name."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".", dir=directory.parent))
    made.chmod(0o755)
    try:
        for source in sources:
            target = made / source.name
            if linked:
                target.symlink_to(source)
            elif source.is_dir():
                shutil.copytree(
                    source,
                    target,
                    copy_function=_link_or_copy,
                    ignore=shutil.ignore_patterns("__pycache__"),
                )
            else:
                _link_or_copy(str(source), str(target))
        if backported:
            _backport(made)
        made.rename(directory)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        if not directory.is_dir():  # else another one was quicker
            raise


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or not our file
        shutil.copy2(source, target)


def _backport(directory: Path) -> None:
    """Let CPython 3.9 run the tree.

    The SDK's releases of today ask for 3.10, but little keeps 3.9 from running them: it cannot evaluate unions
    written with `|`, which stand in annotations (they need not be evaluated) and one alias, and its ssl module
    has one name less.
    """
    for path in directory.rglob("*.py"):
        text = changed = path.read_text(encoding="utf-8")
        for old, new in _REPLACED:
            changed = changed.replace(old, new)
        if _UNION.search(text) and _LAZY not in text:
            body = ast.parse(text).body
            has_docstring = body and isinstance(body[0], ast.Expr)
            lines = changed.splitlines(keepends=True)
            lines.insert((body[0].end_lineno or 0) if has_docstring else 0, _LAZY + "\n")
            changed = "".join(lines)
        if changed != text:
            path.unlink()  # it is a link to the platform's own file
            path.write_text(changed, encoding="utf-8")


_LAZY: Final = "from __future__ import annotations"
_UNION: Final = re.compile(r"(:|->) *\w+ \| \w+")
_REPLACED: Final = (
    ("typing.Iterable[bytes | str]", "typing.Iterable[typing.Union[bytes, str]]"),
    ("        VERIFY_X509_PARTIAL_CHAIN,\n", ""),
    (
        "    PROTOCOL_SSLv23 = PROTOCOL_TLS\n",
        "    PROTOCOL_SSLv23 = PROTOCOL_TLS\n    VERIFY_X509_PARTIAL_CHAIN = 0x80000\n",
    ),
)

_compiling: Final[set[Path]] = set()


def _compile(directory: Path, interpreter: Interpreter) -> None:
    """Byte-compile a tree in a process of the interpreter, in the background."""
    if directory in _compiling:
        return
    _compiling.add(directory)
    process = subprocess.Popen(
        [
            interpreter.executable,
            "-I",
            "-S",
            PYTHON_FILES / "compile_libraries.py",
            directory,
            directory / COMPILED,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )

    def finish() -> None:
        process.wait()
        _compiling.discard(directory)

    threading.Thread(target=finish, name="compile libraries", daemon=True).start()
