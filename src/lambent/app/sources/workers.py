"""Records of a batch that are handled at the same time: async handlers on the loop, others on threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.app import current
from lambent.app.endpoint import scope_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from lambent.app.app import App
    from lambent.app.services import Provider
    from lambent.app.sources.batch import Failures, Halt, Record
    from lambent.app.sources.chain import Chain

_correlate = current.correlation_id.set


class _Ended(Exception):
    """Instead of SystemExit, which would leave its loop with tasks that never end."""


class Workers:
    """Handles the lanes of batches. `failed` is told of each failure, and gives what is reported of it."""

    def __init__(self, app: App, failed: Callable[[Chain, Record, Exception], Exception]) -> None:
        self._app = app
        self._failed = failed
        self._pools: dict[Chain, ThreadPoolExecutor] = {}

    def run(self, handler: Chain, records: list[Record], halt: Halt, lanes: list[list[int]]) -> Failures:
        """Handle records as `BatchSource` says it, as many lanes at a time as the handler's `concurrency`."""
        failed: Failures = {}
        # What need not be safe on several threads gets one record at a time, also where layers are asynchronous.
        most = handler.options.get("concurrency") or (len(lanes) if handler.endpoint.is_async else 1)
        workers = min(most, len(lanes))
        pool = None
        if not handler.is_async:
            self._prepare(handler, records[0])
            pool = self._pool(handler)
        remaining = iter(lanes)
        ended: list[BaseException] = []

        async def work() -> None:
            for lane in remaining:
                for at, place in enumerate(lane):
                    if failed and halt == "batch" and place > min(failed):
                        failed[place] = None
                        continue
                    try:
                        error = await self._attempt(handler, records[place], pool)
                    except (SystemExit, KeyboardInterrupt) as end:
                        ended.append(end)
                        raise _Ended from None
                    if error is not None:
                        failed[place] = error
                        if halt == "lane":
                            failed.update(dict.fromkeys(lane[at + 1 :]))
                            break

        async def work_together() -> None:
            import asyncio

            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())

        try:
            self._app.loop.run(work() if workers == 1 else work_together())
        except (_Ended, ExceptionGroup):
            if not ended:
                raise
        if ended:
            raise ended[0]
        return failed

    def _prepare(self, handler: Chain, first: Record) -> None:
        """Build services of the environment with the first record: two threads might build them twice."""
        services = self._app.services
        try:
            for parameter in handler.endpoint.signature.parameters:
                provider = services.find(parameter.type)
                if provider is not None:
                    self._build_shared(provider, first)
        except BaseException as error:
            if first.scope is not None:
                services.close(first.scope.closing, error)
            raise

    def _build_shared(self, provider: Provider, record: Record) -> None:
        services = self._app.services
        services.needs_loop(provider)  # finds out what it needs
        if provider.lifetime == "environment":
            services.get(provider, scope_of(record))
        else:
            for _, needed in provider.needs or ():
                self._build_shared(needed, record)

    def _pool(self, handler: Chain) -> ThreadPoolExecutor:
        pool = self._pools.get(handler)
        if pool is None:
            from concurrent.futures import ThreadPoolExecutor

            pool = self._pools[handler] = ThreadPoolExecutor(handler.options["concurrency"])
        return pool

    async def _attempt(
        self, handler: Chain, record: Record, pool: ThreadPoolExecutor | None
    ) -> Exception | None:
        """Handle one record; what it failed with."""
        import asyncio

        _correlate(record.correlation_id)
        try:
            if pool is None:
                await handler.call(record)
            else:
                from contextvars import copy_context

                loop = asyncio.get_running_loop()
                await loop.run_in_executor(pool, copy_context().run, handler.call, record)
            if record.failure is not None:
                raise record.failure
            if record.scope is not None:
                await self._app.services.aclose(record.scope.closing, None)
        except Exception as error:  # noqa: BLE001 - each failure is reported
            return await self._fail(handler, record, error)
        except BaseException as end:
            task = asyncio.current_task()
            if not isinstance(end, asyncio.CancelledError) or task is None or task.cancelling():
                await self._close_failed(record, end)
                raise  # The batch is given up. Otherwise it is what the handler waited for that was cancelled.
            failure = RuntimeError("What the handler waited for was cancelled")
            failure.__cause__ = end
            return await self._fail(handler, record, failure)
        return None

    async def _fail(self, handler: Chain, record: Record, error: Exception) -> Exception:
        await self._close_failed(record, error)
        return self._failed(handler, record, error)

    async def _close_failed(self, record: Record, error: BaseException) -> None:
        if record.scope is not None:
            try:
                await self._app.services.aclose(record.scope.closing, error)
            except Exception as another:
                self._app.logger.error("A service could not be closed", exc_info=another)
