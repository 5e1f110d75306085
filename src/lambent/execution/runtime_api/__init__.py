"""The Lambda Runtime API over HTTP/1.1, for runtimes that are programs of their own.

Each environment has a listener on 127.0.0.1, a `RuntimeApi` that knows what its runtime may do next, and a
`RuntimeApiProcess` that makes it all a process like any other. Paths, statuses and documents are those of the
API's specification (2018-06-01) and of Lambda's public runtime interface emulator.
"""

from lambent.execution.runtime_api.api import RuntimeApi
from lambent.execution.runtime_api.nursery import EntrypointInvalid, Program, RuntimeApiNursery
from lambent.execution.runtime_api.process import RuntimeApiProcess

__all__ = ["EntrypointInvalid", "Program", "RuntimeApi", "RuntimeApiNursery", "RuntimeApiProcess"]
