"""What is told of an app that cannot be imported.

Loaded by `child` from its file, in the project's own interpreter: it keeps to the standard library, and to CPython 3.9.
"""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from traceback import FrameSummary


def failure_of(error: BaseException, request: dict[str, Any], handler: str) -> dict[str, Any]:
    """What a person wants to know of an exception: its place in the project, and the project's part of the trace."""
    root = request["root"] + os.sep
    told = traceback.TracebackException.from_exception(error)
    frames = list(told.stack)
    own = [at for at, frame in enumerate(frames) if _is_own(frame.filename, root)]
    place = [frames[own[-1]].filename, frames[own[-1]].lineno] if own else [None, None]
    failure: dict[str, Any] = {"kind": "raised", "type": type(error).__name__, "message": str(error)}
    failure.update(place=place, handler=handler)
    if isinstance(error, SyntaxError):
        if error.filename and _is_own(error.filename, root):
            failure["place"] = [error.filename, error.lineno]
        failure.update(kind="syntax", message=error.msg or str(error), text=error.text, offset=error.offset)
    elif isinstance(error, ModuleNotFoundError) and error.name:
        failure.update(kind="module", name=error.name)
    elif isinstance(error, KeyError) and frames and _is_environ(frames[-1]) and error.args:
        failure.update(kind="variable", name=str(error.args[0]))
    elif type(error).__module__ == "lambent.app.errors":
        failure["kind"] = "mistake"
    elif isinstance(error, SystemExit):
        failure.update(kind="exit", message=str(error.code))
    # What stands between is how Python imports, and nobody's concern.
    told.stack[:] = [
        frame for frame in frames[own[0] if own else 0 :] if not frame.filename.startswith("<frozen ")
    ]
    failure["frames"] = len(own) + bool(
        told.__cause__ or (told.__context__ and not told.__suppress_context__)
    )
    # Of wrong syntax the line and the caret: the place and what is wrong are told anyway.
    lines = list(told.format_exception_only())[1:-1] if isinstance(error, SyntaxError) else told.format()
    failure["traceback"] = "".join(lines).rstrip()
    return failure


def _is_own(file: str, root: str) -> bool:
    return file.startswith(root) and "site-packages" not in file


def _is_environ(frame: FrameSummary) -> bool:
    return (
        frame.name == "__getitem__" and frame.filename.endswith("os.py")
    ) or frame.filename == "<frozen os>"
