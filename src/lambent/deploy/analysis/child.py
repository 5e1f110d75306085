"""What runs in the project's own interpreter: it imports an app and tells what is in it.

A program, not a module: `python child.py [--warm] FD` with the standard library and the framework that is installed
there, on CPython 3.9 and later. Each line of its standard input is a request; for each it forks, imports the modules
in the fork, and writes the answer to the descriptor FD: its length in eight bytes, and JSON. So nothing of the user's
is ever in this process, and an import that ends or breaks the process ends the fork alone.

Request: {"root", "source": folders, "app": "module.attribute" or null, "functions": [[name, handler], …],
          "environment": all variables, "region": for code that makes clients when it is imported}
Answer:  {"app", "functions", "modules", "tables", "interpreter", "output"}, or {"error", "output"}.
"""

from __future__ import annotations

import sys

sys.path.pop(0)  # this file's folder, whose modules have names that a user's may have

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import struct
import time
from importlib import machinery
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

_TOLD = ("QUEUE_URL_", "LAMBENT_")
"""How variables begin that every deployed unit has for the resources it uses."""

_LONGEST_OUTPUT = 20_000


class _Variables(dict):  # type: ignore[type-arg]  # no types at run time
    """The environment's data, in which what deploying adds is there already: its name stands for what it will hold."""

    def __missing__(self, key: bytes) -> bytes:
        name = os.fsdecode(key)
        if name.startswith(_TOLD) and not name.startswith("LAMBENT_UNIT_"):
            return key
        raise KeyError(key)


class _Loader(machinery.SourceFileLoader):
    """Keeps no bytecode of a file that was changed just now: Python knows a file by its size and the second in which
    it was written, and it may be written again in the same.
    """

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        if time.time() - os.stat(self.path).st_mtime > 2:  # noqa: PTH116 - without the import of pathlib
            super().set_data(path, data, _mode=_mode)


class Refused(Exception):
    """The answer is this error."""

    def __init__(self, **error: Any) -> None:
        super().__init__(error["message"])
        self.error = error


def serve(out: int, warm: bool) -> None:
    """Answer requests until the input ends."""
    if warm:
        with contextlib.suppress(ImportError):  # of another version, or not there at all
            for name in importlib.import_module("lambent.app.preloaded").MODULES:
                importlib.import_module(name)
    # What is there now stays as it is, so that forks share it.
    gc.collect()
    gc.freeze()
    for line in sys.stdin.buffer:
        answer = _forked(line)
        os.write(out, struct.pack("!q", len(answer)))
        while answer:
            answer = answer[os.write(out, answer) :]


def _nameless() -> Any:
    """A file that goes with who has it open. (The import of tempfile takes a tenth of an analysis.)"""
    path = os.path.join(os.environ.get("TMPDIR") or "/tmp", "lambent-" + os.urandom(12).hex())  # noqa: PTH118, S108
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "r+b")
    os.unlink(path)  # noqa: PTH108
    return file


def _forked(line: bytes) -> bytes:
    """The answer of a fork, or what became of it."""
    reader, writer = os.pipe()
    with _nameless() as printed:
        child = os.fork()
        if child == 0:
            os.close(reader)
            os.setsid()
            for stream, fd in ((sys.stdout, 1), (sys.stderr, 2)):
                stream.flush()
                os.dup2(printed.fileno(), fd)
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            status = 0
            try:
                answer = json.dumps(_answer(json.loads(line))).encode()
                while answer:
                    answer = answer[os.write(writer, answer) :]
            except BaseException:  # noqa: BLE001 - the fork ends here, whatever it is
                sys.excepthook(*sys.exc_info())
                status = 1
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        os.close(writer)
        try:
            answer, status = _awaited(child, reader)
        finally:
            os.close(reader)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child, signal.SIGKILL)  # what it has started ends with it
        printed.seek(max(0, printed.seek(0, 2) - _LONGEST_OUTPUT))
        output = printed.read().decode(errors="replace")
    if status == 0 and answer:
        return answer[:-1] + b',"output":' + json.dumps(output).encode() + b"}"
    how = f"ended with the code {os.WEXITSTATUS(status)}"
    if os.WIFSIGNALED(status):
        how = f"was ended by the signal {signal.Signals(os.WTERMSIG(status)).name}"
    return json.dumps({"error": {"kind": "ended", "message": how}, "output": output}).encode()


def _awaited(child: int, reader: int) -> tuple[bytes, int]:
    """What a fork answers, and its status. It ends with whoever has asked, also when that one was killed.

    What it has started may keep the pipe open: so an answer also ends with the fork.
    """
    answer = b""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    poll.register(0, 0)  # tells only that nobody writes to it any more
    while True:
        ready = poll.poll(100)
        if any(fd == 0 for fd, _ in ready):
            os.kill(child, signal.SIGKILL)  # it may have no group of its own yet
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child, signal.SIGKILL)
            os._exit(0)
        if ready:
            piece = os.read(reader, 65536)
            answer += piece
            if piece:
                continue
            return answer, os.waitpid(child, 0)[1]
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            while poll.poll(0):
                piece = os.read(reader, 65536)
                if not piece:
                    break
                answer += piece
            return answer, status


def _finder(folder: str) -> machinery.FileFinder:
    if "site-packages" in folder or not folder.startswith(os.getcwd()):  # noqa: PTH109
        raise ImportError(folder)
    return machinery.FileFinder(
        folder,
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (_Loader, machinery.SOURCE_SUFFIXES),
    )


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    os.environ._data = _Variables(  # type: ignore[attr-defined]
        (os.fsencode(name), os.fsencode(value)) for name, value in request["environment"].items()
    )
    source = request["source"]
    os.chdir(source)
    sys.path[:] = [source, *(one for one in sys.path if one not in ("", source))]
    sys.path_hooks.insert(0, _finder)
    sys.path_importer_cache.clear()
    sys.argv = [source]
    try:
        app = _app(request) if request["app"] else None
        functions = {name: _function(handler, request) for name, handler in request["functions"]}
    except Refused as refused:
        return {"error": refused.error}
    return {
        "app": app,
        "functions": functions,
        "modules": _modules(source),
        "tables": _tables(),
        "interpreter": {
            "version": list(sys.version_info[:2]),
            "path": sys.path[1:],
            "stdlib": sorted(getattr(sys, "stdlib_module_names", sys.builtin_module_names)),
        },
    }


# ---------------------------------------------------------------- importing


def _imported(handler: str, request: dict[str, Any]) -> Any:
    """What a handler's name names. Raises Refused."""
    module, _, attribute = handler.replace("/", ".").rpartition(".")
    try:
        found = importlib.import_module(module)
    except BaseException as error:
        raise Refused(**_failure(error, request, handler)) from error
    try:
        return getattr(found, attribute)
    except AttributeError:
        raise Refused(
            kind="attribute",
            message=f"there is no {attribute} in it",
            there=sorted(name for name, value in vars(found).items() if callable(value) and name[0] != "_"),
            place=[getattr(found, "__file__", None) or module, None],
        ) from None


def _function(handler: str, request: dict[str, Any]) -> dict[str, Any]:
    function = _imported(handler, request)
    if not callable(function):
        told = f"{handler} is no function: it is {type(function).__name__}"
        raise Refused(kind="callable", message=told, place=[None, None])
    return _identity(function)


def _app(request: dict[str, Any]) -> dict[str, Any]:
    app = _imported(request["app"], request)
    kinds = [kind.__module__ + "." + kind.__qualname__ for kind in type(app).__mro__]
    if "lambent.app.app.App" not in kinds:
        if callable(app) and not isinstance(app, type):
            return {"plain": _identity(app)}
        raise Refused(
            kind="app", message=f"{request['app']} is no App: it is {type(app).__name__}", place=[None, None]
        )
    if not hasattr(app, "registrations"):
        raise Refused(
            kind="old",
            message="the lambent that is installed for the project is older than the one that deploys it",
            place=[None, None],
        )
    try:
        app.services.check()
    except Exception as error:
        raise Refused(**_failure(error, request, request["app"])) from error
    from lambent.app.registrar import identity

    routers: list[Any] = []
    registrations = []
    for kind, handler, options, router in app.registrations:
        index = None
        if router is not None:
            found = [one for one, known in enumerate(routers) if known is router or known == router]
            index = found[0] if found else len(routers)
            if not found:
                routers.append(router)
        told = {**_identity(handler), "told": identity(handler)}
        registrations.append({"kind": kind, "handler": told, "options": _plain(options), "router": index})
    return {
        "name": app.name,
        "registrations": registrations,
        "routers": [_router(one, request["source"]) for one in routers],
        "layers": [type(layer).__module__ + "." + type(layer).__qualname__ for layer in app.layers],
    }


def _router(router: Any, source: str) -> dict[str, Any]:
    """By what name it was included, and where it stands."""
    if isinstance(router, str):
        module, _, variable = router.partition(":")
        return {"included": router, "module": module, "variable": variable}
    for name, there in list(sys.modules.items()):
        if _file(there, source) is not None:
            for variable, value in list(vars(there).items()):
                # Where it is made, not where it is imported to: that has what its handlers' modules have.
                if value is router and not _only_imports(router, name):
                    return {"included": None, "module": name, "variable": variable}
    return {"included": None, "module": None, "variable": None}


def _only_imports(router: Any, module: str) -> bool:
    modules = {_identity(handler)["module"] for _, handler, _, _ in router._registrations}
    return module not in modules and len(modules) == 1


def _identity(handler: Any) -> dict[str, Any]:
    """A handler's name, and where it stands: of methods the class's."""
    function = handler
    while True:
        if hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif hasattr(function, "__func__"):
            function = function.__func__
        elif hasattr(function, "func") and hasattr(function, "keywords"):
            function = function.func
        elif not hasattr(function, "__code__") and not isinstance(function, type):
            function = type(function)
        else:
            break
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", None) or str(function)
    module = getattr(function, "__module__", None)
    file = code.co_filename if code is not None else getattr(sys.modules.get(str(module)), "__file__", None)
    about = getattr(function, "__doc__", None)
    return {
        "name": name,
        "module": module if isinstance(module, str) else None,
        "file": file,
        "line": code.co_firstlineno if code is not None else None,
        "about": about.strip().partition("\n")[0] if isinstance(about, str) else "",
    }


def _plain(value: Any) -> Any:
    """As JSON has it; what it has not, by its name."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return getattr(value, "__name__", None) or type(value).__name__


# ---------------------------------------------------------------- what else is there


def _file(module: ModuleType, source: str) -> str | None:
    """Where a module of the project is, relative to the source; None of others."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.startswith(source + os.sep):
        return None
    relative = file[len(source) + 1 :]
    return None if "site-packages" in relative else relative.replace(os.sep, "/")


def _modules(source: str) -> dict[str, str]:
    found = [(name, _file(module, source)) for name, module in list(sys.modules.items())]
    return {name: file for name, file in found if file is not None}


def _tables() -> list[dict[str, Any]]:
    """The tables that have been declared, with the types of their keys."""
    made = sys.modules.get("lambent.app.table")
    if made is None:
        return []
    found = []
    for table in [one for one in gc.get_objects() if type(one) is made.Table]:
        keys = [table.key, table.sort, *(key for keys in table.indexes.values() for key in keys)]
        try:
            types = {key: table.type_of(key) for key in keys if key is not None}
        except Exception as error:
            raise Refused(kind="app", message=str(error), place=[None, None]) from error
        found.append(
            {
                "name": table.name,
                "key": table.key,
                "sort": table.sort,
                "indexes": {name: list(keys) for name, keys in table.indexes.items()},
                "ttl": table.ttl,
                "types": types,
            }
        )
    return found


# ---------------------------------------------------------------- what went wrong


def _failure(error: BaseException, request: dict[str, Any], handler: str) -> dict[str, Any]:
    """What a person wants to know of an exception; see `failures`, which is only loaded now."""
    from importlib import util

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "failures.py")  # noqa: PTH100, PTH118, PTH120
    spec = util.spec_from_file_location("lambent_failures", path)
    assert spec is not None
    assert spec.loader is not None
    failures = util.module_from_spec(spec)
    spec.loader.exec_module(failures)
    told: dict[str, Any] = failures.failure_of(error, request, handler)
    return told


if __name__ == "__main__":
    serve(int(sys.argv[-1]), "--warm" in sys.argv)
    os._exit(0)  # nothing is left to be done, and whoever has closed the input waits
