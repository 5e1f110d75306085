"""Everything that runs functions on this machine: engines that have been started, pools by version.

An engine is started the first time one of its functions is prepared or invoked, and again when it has died. A
pool is made the first time its version is invoked.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from typing import TYPE_CHECKING, Final

from lambent.execution.engines import Premises
from lambent.execution.errors import EnvironmentUnavailable
from lambent.execution.memory import MemoryWatch
from lambent.execution.orphans import MARK
from lambent.execution.pool import Pool
from lambent.execution.provisioned import ProvisionedPool
from lambent.execution.spec import EnvironmentSpec
from lambent.execution.workspace import Workspace
from lambent.functions import CodeRejected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor
    from pathlib import Path

    from lambent.execution.engines import Engine, Engines, Preload, ProcessSource
    from lambent.functions import CodeStore, FunctionVersion
    from lambent.observe import LogStream

_REAP_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class Fleet:
    """The pools of all versions and the engines that they get their processes from.

    `data`: directory for environments' files. `open_log(spec, name)` opens a log stream; `credentials` gives
    an environment its AWS_* variables; `endpoint_url` is what SDKs inside are pointed at.
    `mark` tells this node's processes from others' (see `orphans`).
    `private_view`: show functions /var/task, /opt and a /tmp of their own where the kernel permits.
    `runtime_fallback`: run a runtime that is missing with the nearest one there is, and say so in its log.
    """

    def __init__(
        self,
        *,
        data: Path,
        code: CodeStore,
        engines: Engines,
        mark: str,
        open_log: Callable[[EnvironmentSpec, str], LogStream],
        credentials: Callable[[FunctionVersion], Mapping[str, str]],
        endpoint_url: Callable[[], str],
        executor: Executor,
        private_view: bool = True,
        runtime_fallback: bool = False,
        idle_seconds: float = 600.0,
    ) -> None:
        self._code = code
        self._engines = engines
        self._premises = Premises(data, {MARK: mark}, private_view, executor)
        self._credentials = credentials
        self._endpoint_url = endpoint_url
        self._runtime_fallback = runtime_fallback
        self._idle_seconds = idle_seconds
        self._workspace = Workspace(data / "environments", open_log, executor)
        self._nurseries: dict[Engine, asyncio.Task[ProcessSource]] = {}
        self._pools: dict[str, Pool] = {}
        self._provisioned: list[ProvisionedPool] = []
        self._retired: list[Pool] = []
        self._opening: dict[str, asyncio.Task[Pool]] = {}
        self._watch = MemoryWatch(self._all_pools)
        self._reaper: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Clear what an earlier run has left, begin to reap idle environments."""
        self._workspace.open()
        self._reap()

    async def close(self) -> None:
        """Kill every environment and every zygote; returns when all are dead."""
        if self._reaper is not None:
            self._reaper.cancel()
        self._watch.close()
        for opening in self._opening.values():
            opening.cancel()
        for pool in self._all_pools():
            pool.close()
        for task in self._nurseries.values():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, EnvironmentUnavailable):
                await (await task).close()

    def _all_pools(self) -> list[Pool]:
        return [*self._pools.values(), *self._provisioned, *self._retired]

    # ------------------------------------------------------------ preparing

    def preload(self, preload: Preload | None) -> None:
        """Have engines that are started from now on load modules ahead."""
        self._premises = dataclasses.replace(self._premises, preload=preload)

    async def prepare(self, version: FunctionVersion) -> None:
        """Make everything ready that a first invocation needs: code, layers and engine.

        Raises InterpreterMissing, EnvironmentUnavailable, CodeRejected.
        """
        engine = self.engine(version)
        await self._code.ensure(version.code_hash)
        await self._code.merged(version.layer_hashes)
        nursery = await self._nursery(engine)
        nursery.expect(version)

    def engine(self, version: FunctionVersion) -> Engine:
        """What will run a version. Raises InterpreterMissing."""
        return self._engines.find(version.runtime, nearest=self._runtime_fallback)

    async def _nursery(self, engine: Engine) -> ProcessSource:
        task = self._nurseries.get(engine)
        if task is not None and task.done() and not _usable(task):
            task = None
        if task is None:
            task = self._loop.create_task(engine.start(self._premises))
            self._nurseries[engine] = task
        # Shielded: one caller's cancellation must not end the start that others wait for.
        return await asyncio.shield(task)

    # ------------------------------------------------------------ pools

    def pool(self, version: FunctionVersion) -> Pool | None:
        """The pool of a version when it is there; `when_ready` otherwise."""
        return self._pools.get(version.uid)

    def when_ready(self, version: FunctionVersion, done: Callable[[Pool | Exception], None]) -> None:
        """Call `done` with the version's pool as soon as it can be had, or with what is in the way."""
        pool = self._pools.get(version.uid)
        if pool is not None:
            done(pool)
            return
        task = self._opening.get(version.uid)
        if task is None:
            task = self._loop.create_task(self._open_pool(version))
            self._opening[version.uid] = task
            task.add_done_callback(lambda _: self._opening.pop(version.uid, None))

        def finished(task: asyncio.Task[Pool]) -> None:
            if task.cancelled():
                done(EnvironmentUnavailable("the platform is stopping"))
            else:
                done(task.exception() or task.result())  # type: ignore[arg-type]

        task.add_done_callback(finished)

    async def _open_pool(self, version: FunctionVersion) -> Pool:
        try:
            engine = self.engine(version)
            task_root = await self._code.ensure(version.code_hash)
            layers = await self._code.merged(version.layer_hashes)
            nursery = await self._nursery(engine)
        except CodeRejected as error:
            raise EnvironmentUnavailable(str(error)) from error
        spec = EnvironmentSpec(
            version,
            task_root=task_root,
            layers=layers,
            members=engine.members(self._premises),
            variables=engine.variables(private_view=nursery.private_view),
            endpoint_url=self._endpoint_url(),
            credentials=lambda version: {**self._premises.mark, **self._credentials(version)},
            private_view=nursery.private_view,
            served_by=engine.runtime,
        )
        pool = Pool(spec, nursery, self._workspace, self._watch, lambda: self._nursery(engine))
        self._pools[version.uid] = pool
        return pool

    def provision(
        self,
        version: FunctionVersion,
        changed: Callable[[], None],
        done: Callable[[ProvisionedPool | Exception], None],
    ) -> None:
        """Call `done` with a pool for environments of a version that are started ahead, or what is in the way.

        It is the caller's to `resize` and to give back (`unprovision`); `changed` is called as its figures change.
        """

        def opened(pool: Pool | Exception) -> None:
            if isinstance(pool, Exception):
                done(pool)
                return
            provisioned = ProvisionedPool(
                pool.spec.provisioned(),
                pool.nursery,
                self._workspace,
                self._watch,
                pool.new_nursery,
                changed,
            )
            self._provisioned.append(provisioned)
            done(provisioned)

        self.when_ready(version, opened)

    def unprovision(self, pool: ProvisionedPool) -> None:
        """Its environments end when they are done."""
        self._provisioned.remove(pool)
        pool.retire()
        self._retired.append(pool)

    def retire(self, uid: str) -> None:
        """A version is no more, or has been replaced: its environments end when they are done."""
        opening = self._opening.get(uid)
        if opening is not None:
            # Those that wait for the pool are served by it before it goes.
            opening.add_done_callback(lambda _: self.retire(uid))
            return
        pool = self._pools.pop(uid, None)
        if pool is not None:
            pool.retire()
            self._retired.append(pool)

    def _reap(self) -> None:
        for pool in [*self._pools.values(), *self._provisioned]:
            pool.reap(self._idle_seconds)
        self._retired = [pool for pool in self._retired if not pool.finished]
        self._reaper = self._loop.call_later(_REAP_SECONDS, self._reap)


def _usable(task: asyncio.Task[ProcessSource]) -> bool:
    return not task.cancelled() and task.exception() is None and task.result().alive
