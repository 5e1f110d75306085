"""The embedded platform: as any other, and its functions' log lines are heard as they come."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, Self

from lambent.functions import ActivationFailed
from lambent.node.platform import Platform
from lambent.observe import LogStream
from lambent.observe.log_stream import JSON_LEVELS, TEXT

if TYPE_CHECKING:
    from lambent.execution.spec import EnvironmentSpec
    from lambent.functions import FunctionVersion
    from lambent.neighbours.moto import Moto
    from lambent.node.front import Front
    from lambent.node.settings import Settings


class Listener(Protocol):
    """Hears what functions log. `group` is a log group's name."""

    def logged(self, group: str, message: str) -> None:
        """A line, or several."""

    def ended(self, group: str, duration_us: int, init_us: int | None, status: str | None) -> None:
        """An invocation has ended; `status` is "timeout", "error" or "failure" for one that has not succeeded."""

    def failed_init(self, group: str, status: str, error_type: str | None) -> None:
        """An environment could not be initialised."""


class HeardStream(LogStream):
    """A log stream that somebody listens to."""

    __slots__ = ("_listener",)

    def __init__(self, listener: Listener, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._listener = listener

    def append(self, timestamp_ms: int, message: str) -> None:
        """As its base."""
        super().append(timestamp_ms, message)
        self._listener.logged(self.group.name, message)

    def invocation_end(
        self,
        timestamp_ms: int,
        request_id: str,
        duration_us: int,
        billed_ms: int,
        memory_mb: int,
        max_memory_mb: int,
        init_us: int | None = None,
        status: str | None = None,
        error_type: str | None = None,
    ) -> None:
        """As its base."""
        super().invocation_end(
            timestamp_ms,
            request_id,
            duration_us,
            billed_ms,
            memory_mb,
            max_memory_mb,
            init_us,
            status,
            error_type,
        )
        self._listener.ended(self.group.name, duration_us, init_us, status)

    def init_report(
        self,
        timestamp_ms: int,
        init_us: int,
        phase: str = "init",
        status: str = "error",
        error_type: str | None = None,
        initialization: str = "on-demand",
    ) -> None:
        """As its base."""
        super().init_report(timestamp_ms, init_us, phase, status, error_type, initialization)
        self._listener.failed_init(self.group.name, status, error_type)


class DevPlatform(Platform):
    """A platform with somebody who listens to logs."""

    listener: Listener | None = None
    _is_deployed = True

    @classmethod
    async def embedded(cls, settings: Settings, front: Front, listener: Listener, moto: Moto) -> Self:
        """As `start`."""
        platform = await cls.start(settings, front, moto=moto)
        platform._is_deployed = False
        platform.listener = listener
        return platform

    async def activate(self, version: FunctionVersion) -> None:
        """As its base, but not before everything is deployed: what starts languages has the processors then."""
        if self._is_deployed:
            await super().activate(version)

    async def deployed(self) -> None:
        """Everything is there: what has been waiting for it may begin, and nobody has to ask for it first."""
        self._is_deployed = True
        for record in self.registry.all_functions():
            with suppress(ActivationFailed):  # the first invocation will tell
                await self.activate(record.latest)

    def open_log(self, spec: EnvironmentSpec, name: str) -> LogStream:
        """As its base."""
        if self.listener is None:
            return super().open_log(spec, name)
        group = self.logs.group(spec.account, spec.region, spec.log_group)
        system = TEXT if spec.json_level is None else JSON_LEVELS[spec.json_level]
        return HeardStream(self.listener, self.logs, group, name, system)
