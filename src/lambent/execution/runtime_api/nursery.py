"""Supervisors that wait for a program to start, and what makes them environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from lambent.execution.nursery import Nursery
from lambent.execution.runtime_api.process import RuntimeApiProcess
from lambent.execution.runtime_api.telemetry import DESCRIPTOR

if TYPE_CHECKING:
    from lambent.execution.host import Command, Host
    from lambent.execution.process import ProcessOwner, RuntimeProcess
    from lambent.functions import FunctionVersion

_encode = msgspec.json.encode
_decode = msgspec.json.decode


class EntrypointInvalid(Exception):
    """There is nothing to start; the message is Lambda's."""


class Program(Protocol):
    """What a kind of runtime starts."""

    def command(self, init: dict[str, Any], *, private_view: bool) -> Command:
        """The program for an INIT document, its variables complete. Raises EntrypointInvalid."""

    def expect(self, version: FunctionVersion) -> None:
        """Environments of this version will be wanted soon."""


class RuntimeApiNursery(Nursery):
    """A `ProcessSource` of programs that speak the Runtime API. `host` has been started."""

    def __init__(self, host: Host, program: Program) -> None:
        super().__init__(host)
        self._host = host
        self._start = program

    def expect(self, version: FunctionVersion) -> None:
        """Processes for this version will be wanted soon."""
        self._start.expect(version)

    def take(self, owner: ProcessOwner, init: bytes) -> RuntimeProcess:
        """A process that begins INIT for `owner`. Raises EnvironmentUnavailable, OSError."""
        document: dict[str, Any] = _decode(init[4:])
        blank = self.blank()
        try:
            process = RuntimeApiProcess(blank, document["arn"])
        except OSError:
            blank.kill()
            raise
        document["env"]["AWS_LAMBDA_RUNTIME_API"] = process.address
        document["env"]["_LAMBDA_TELEMETRY_LOG_FD"] = DESCRIPTOR
        try:
            command = self._start.command(document, private_view=self.private_view)
        except EntrypointInvalid as error:
            process.fail(
                owner, _encode({"errorType": "Runtime.InvalidEntrypoint", "errorMessage": str(error)})
            )
            return process
        told = {name: document[name] for name in ("task_root", "tmp", "opt", "shown") if name in document}
        frame = _encode({**told, "command": command.document()})
        process.adopt(owner, len(frame).to_bytes(4, "big") + frame)
        return process
