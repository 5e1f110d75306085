"""The handler of functions that are debugged: connects to the debugger, then is the function's own handler.

It runs inside execution environments, before the user's code: the standard library and debugpy, any CPython from 3.9.
"""

# pathlib would cost every environment memory.
# ruff: noqa: PTH109
from __future__ import annotations

import importlib
import json
import os
import sys

_HANDLER = os.environ.pop("LAMBENT_DEBUG_HANDLER")
_PORT = int(os.environ.pop("LAMBENT_DEBUG_PORT"))
_PARENT = int(os.environ.pop("LAMBENT_DEBUG_PARENT"))
_SOURCE = os.environ.pop("LAMBENT_DEBUG_SOURCE")

os.environ["_HANDLER"] = _HANDLER
# What clients call the files of the function: they need not say it themselves.
os.environ["PATHS_FROM_ECLIPSE_TO_PYTHON"] = json.dumps([[_SOURCE, os.getcwd()]])
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")

try:
    import debugpy  # noqa: T100 - it is what this is for

    # Blocks until the client that is attached has set its breakpoints; returns at once where none is.
    debugpy.connect(("127.0.0.1", _PORT), parent_session_pid=_PARENT)
except Exception as error:  # noqa: BLE001 - the function runs, with or without
    sys.stderr.write(f"[WARNING] without a debugger: {error}\n")

_module, _, _attribute = _HANDLER.rpartition(".")
handler = getattr(importlib.import_module(_module.replace("/", ".")), _attribute)
