"""AWS::Serverless-2016-10-31, by AWS's own translator in a process that stays."""

from __future__ import annotations

import asyncio
import contextlib
import os
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


class SamTranslator:
    """Translates templates one after the other in a process of its own, which starts with the first one.

    The translator takes half a second to be imported and a big template keeps it busy for a second: neither is for the
    platform's thread. The process reads no files and calls no service; it ends with the platform, however that ends.
    """

    def __init__(self, ask: AskService, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[asyncio.subprocess.Process] | None = None
        self._idle: Timer | None = None
        self._policies: dict[str, dict[str, str]] = {}

    def warm(self) -> None:
        """Start the process without waiting for it."""
        if self._process is None and self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(_start())

    def close(self) -> None:
        """End the process; what it is doing fails."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._starting is not None:
            self._starting.add_done_callback(_kill_started)
            self._starting = None
        if self._process is not None:
            _kill(self._process)
            self._process = None

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
        frame = msgspec.json.encode(request, enc_hook=str)
        async with self._turn:
            if self._idle is not None:
                self._idle.cancel()
                self._idle = None
            process = await self._running()
            try:
                async with asyncio.timeout(_DEADLINE_S):
                    answer = await _spoken(process, frame)
            except TimeoutError:
                self.close()
                raise ValidationError(
                    f"Transform {SAM} failed with: it took more than {_DEADLINE_S} s."
                ) from None
            except (OSError, asyncio.IncompleteReadError):
                self.close()
                raise ValidationError(f"Transform {SAM} failed with: {_INTERNAL}") from None
            except BaseException:
                # An answer that nobody waits for any more would be taken for the next one's.
                self.close()
                raise
            self._idle = self._clock.at_steady(self._clock.steady_ms() + _IDLE_MS, self._end_idle)
        decoded: dict[str, Any] = await _decoded(answer)
        return decoded

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        self._process = None
        self.warm()
        starting = self._starting
        assert starting is not None
        try:
            process = await asyncio.shield(starting)
        except OSError as error:
            raise ValidationError(f"Transform {SAM} failed with: {error}") from None
        finally:
            if starting.done() and self._starting is starting:
                self._starting = None
        self._process = process
        return process

    def _end_idle(self) -> None:
        self._idle = None
        if not self._turn.locked():
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


async def _start() -> asyncio.subprocess.Process:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        str(_PROGRAM),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment | {"AWS_EC2_METADATA_DISABLED": "true"},
        cwd="/",
        start_new_session=True,
    )


async def _spoken(process: asyncio.subprocess.Process, frame: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(len(frame).to_bytes(_LENGTH, "big") + frame)
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(_LENGTH), "big")
    return await process.stdout.readexactly(length)


async def _decoded(answer: bytes) -> Any:
    if len(answer) < 100_000:
        return msgspec.json.decode(answer)
    return await asyncio.to_thread(msgspec.json.decode, answer)


def _kill_started(task: asyncio.Task[asyncio.subprocess.Process]) -> None:
    if not task.cancelled() and task.exception() is None:
        _kill(task.result())


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
