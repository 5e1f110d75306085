"""InvokeAsync, the operation that Invoke with the type Event has replaced."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.aws.errors import ServiceError
from lambent.aws.json_text import check_event
from lambent.aws.lambda_.errors import translating
from lambent.invocation.lineage import with_hop
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions import FunctionRegistry
    from lambent.invocation.async_queue import AsyncQueue
    from lambent.invocation.errors import AsyncQueueUnavailable

MAX_PAYLOAD: Final = 262_144
"""Bytes of the largest event (256 KB, as its page in the API reference says)."""


class InvokeAsyncOperations:
    """One operation. `queue` is None where nothing can be invoked."""

    registry: FunctionRegistry
    queue: AsyncQueue | None

    async def invoke_async(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Queues an event; answers when it is durable."""
        if self.queue is None:
            raise ServiceError("ServiceException", "Nothing is invoked here.", status=500, fault="server")
        with translating(context):
            target = self.registry.resolve(context.account, context.region, request["FunctionName"])
        payload: bytes = request["InvokeArgs"] or b"{}"
        if len(payload) > MAX_PAYLOAD:
            raise ServiceError(
                "RequestEntityTooLargeException",
                f"{len(payload)} byte payload is too large for the Event invocation type "
                f"(limit {MAX_PAYLOAD} bytes)",
                status=413,
                members={"Type": None},
            )
        check_event(payload)
        accepted: asyncio.Future[AsyncQueueUnavailable | None] = asyncio.get_running_loop().create_future()
        version, arn = target.version, target.invoked_arn
        qualifier = None if arn == version.arn else arn.rpartition(":")[2]
        extra = b"" if arn == version.arn else msgspec.json.encode({"arn": arn})
        trace = with_hop(context.trace, target.function.id)
        self.queue.accept(target, qualifier, payload, new_request_id(), trace, extra, accepted.set_result)
        error = await accepted
        if error is not None:
            raise ServiceError("ServiceException", str(error), status=500, fault="server")
        return {"Status": 202}
