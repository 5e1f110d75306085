"""AWS::Serverless-2016-10-31, by AWS's own translator in a process that stays."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.neighbours.service_calls import ServiceCall, ServiceFailure, ServiceMissing
from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.clock import Clock, Timer
    from lambent.neighbours.service_calls import AskService

SAM: Final = "AWS::Serverless-2016-10-31"

_PROGRAM: Final = Path(__file__).with_name("sam_worker.py")
_LENGTH: Final = 4
_DEADLINE_S: Final = 120
"""CloudFormation gives transforms two minutes."""
_IDLE_MS: Final = 600_000
"""The process has 90 MB: after that long without work it ends."""
_INTERNAL: Final = "Internal transform failure."
_MISSING: Final = "aws-sam-translator, which does it, is not installed: pip install 'lambent[platform]'"


class SamTranslator:
    """Translates templates one after the other in a process of its own, which starts with the first one.

    The translator takes half a second to be imported and a big template keeps it busy for a second: neither is for the
    platform's thread. The process reads no files and calls no service; it ends with the platform, however that ends.
    """

    def __init__(self, ask: AskService, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._turn = asyncio.Lock()
        self._worker: Worker | None = None
        self._idle: Timer | None = None
        self._policies: dict[str, dict[str, str]] = {}

    def warm(self) -> None:
        """Start the process, if there is none; it is not waited for."""
        if self._worker is None:
            self._worker = Worker()
            self._end_when_idle()

    def close(self) -> None:
        """End the process; what it is doing fails."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._worker is not None:
            self._worker.end()
            self._worker = None

    async def translate(
        self, template: dict[str, Any], parameters: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any]:
        """The template without SAM. Raises ValidationError with what is wrong with it, in the translator's words."""
        request = {"template": template, "parameters": dict(parameters), "region": region}
        answer = await self._exchange(request)
        if answer.get("policies"):
            # A policy by a name that is not among those that the translator knows by itself.
            request["policies"] = await self._managed_policies(account, region)
            answer = await self._exchange(request)
        if "template" in answer:
            translated: dict[str, Any] = answer["template"]
            return translated
        raise ValidationError(f"Transform {SAM} failed with: {answer.get('error') or _INTERNAL}")

    async def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        async with self._turn:
            try:
                self.warm()
                worker = self._worker
                assert worker is not None
                answer = await asyncio.to_thread(worker.exchange, request, _DEADLINE_S)
            except TimeoutError:
                self.close()
                raise ValidationError(
                    f"Transform {SAM} failed with: it has taken more than {_DEADLINE_S} s."
                ) from None
            except OSError:
                self.close()
                raise ValidationError(f"Transform {SAM} failed with: {_INTERNAL}") from None
            except BaseException:
                # An answer that nobody waits for any more would be taken for the next one's.
                self.close()
                raise
            self._end_when_idle()
            return answer

    def _end_when_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = self._clock.at_steady(self._clock.steady_ms() + _IDLE_MS, self._end_idle)

    def _end_idle(self) -> None:
        self._idle = None
        if self._turn.locked():
            self._end_when_idle()
        else:
            self.close()

    async def _managed_policies(self, account: str, region: str) -> dict[str, str]:
        """Names of AWS's managed policies to their ARNs, as IAM tells them, once a partition."""
        partition = region.partition("-")[0]
        known = self._policies.get(partition)
        if known is not None:
            return known
        policies: dict[str, str] = {}
        marker = None
        while True:
            asked: dict[str, Any] = {"Scope": "AWS", "MaxItems": 1000}
            if marker:
                asked["Marker"] = marker
            try:
                answer = await self._ask(ServiceCall("iam", "ListPolicies", asked, region, account, ""))
            except (ServiceFailure, ServiceMissing, ValueError):
                return policies
            policies.update((policy["PolicyName"], policy["Arn"]) for policy in answer.get("Policies", ()))
            marker = answer.get("Marker") if answer.get("IsTruncated") else None
            if not marker:
                break
        self._policies[partition] = policies
        return policies


class Worker:
    """The process, and the socket that it is spoken to by; `exchange` is for threads."""

    def __init__(self) -> None:
        if importlib.util.find_spec("samtranslator") is None:
            raise ValidationError(f"Transform {SAM} failed with: {_MISSING}")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))
        }
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_PROGRAM)],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env=environment | {"AWS_EC2_METADATA_DISABLED": "true"},
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._socket = ours
        self.pid = self._process.pid

    def exchange(self, request: dict[str, Any], within_s: float) -> dict[str, Any]:
        """What the process answers. Raises TimeoutError, OSError when it has ended."""
        frame = msgspec.json.encode(request, enc_hook=str)
        self._socket.settimeout(within_s)
        self._socket.sendall(len(frame).to_bytes(_LENGTH, "big") + frame)
        length = int.from_bytes(self._received(_LENGTH), "big")
        answer: dict[str, Any] = msgspec.json.decode(self._received(length))
        return answer

    def _received(self, length: int) -> bytearray:
        received = bytearray()
        while len(received) < length:
            piece = self._socket.recv(min(length - len(received), 1_048_576))
            if not piece:
                raise ConnectionError("the process has ended")
            received += piece
        return received

    def end(self) -> None:
        """Kill it. Whoever waits for an answer gets an OSError."""
        self._process.kill()
        # Closing alone would leave a thread that is reading where it is.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._process.wait()
        self._socket.close()
