"""Python: environments are forked from a zygote of the function's own interpreter."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambent.execution.errors import EnvironmentUnavailable, InterpreterMissing
from lambent.execution.libraries import runtime_libraries
from lambent.execution.nursery import Nursery
from lambent.execution.zygote import Zygote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.execution.engines import Premises
    from lambent.execution.interpreters import Interpreter, Interpreters


@dataclass(frozen=True)
class PythonEngine:
    """One interpreter."""

    interpreter: Interpreter

    @property
    def runtime(self) -> str:
        """The runtime it serves: "python3.12"."""
        return self.interpreter.runtime

    async def start(self, premises: Premises) -> Nursery:
        """Start a zygote. Raises EnvironmentUnavailable."""
        loop = asyncio.get_running_loop()
        try:
            libraries = await loop.run_in_executor(
                premises.executor, runtime_libraries, premises.data, self.interpreter
            )
        except OSError as error:
            raise EnvironmentUnavailable(f"cannot prepare the libraries of functions: {error}") from error
        preload = premises.preload
        zygote = Zygote(
            self.interpreter,
            libraries=libraries,
            private_view=premises.private_view,
            variables=premises.mark,
            preload=preload if preload is not None and preload.runtime == self.runtime else None,
        )
        await zygote.start()
        return Nursery(zygote)

    def variables(self, *, private_view: bool) -> Mapping[str, str]:
        """Variables of the managed Python runtimes."""
        return {"LC_CTYPE": "C.UTF-8", "PYTHONPATH": "/var/runtime"}

    def members(self, premises: Premises) -> Mapping[str, object]:
        """Where the libraries are when there is no private view."""
        return {"boto3": str(runtime_libraries(premises.data, self.interpreter))}


class PythonFamily:
    """The interpreters of this machine."""

    def __init__(self, interpreters: Interpreters) -> None:
        self._interpreters = interpreters

    def find(self, runtime: str, *, nearest: bool) -> PythonEngine:
        """The engine for "python3.12". Raises InterpreterMissing."""
        try:
            return PythonEngine(self._interpreters.find(runtime))
        except InterpreterMissing:
            if not nearest:
                raise
            return PythonEngine(self._interpreters.nearest(runtime))
