"""CloudWatch Logs: which operations there are. Each family of them is a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lambent.aws.errors import ServiceError
from lambent.aws.logs.events import EventOperations
from lambent.aws.logs.groups import GroupOperations
from lambent.aws.logs.policies import PolicyOperations
from lambent.aws.logs.streams import StreamOperations
from lambent.aws.logs.subscriptions import SubscriptionOperations
from lambent.aws.service import Method, Service
from lambent.store import StoreError

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.aws.logs.subscriptions import Refusal
    from lambent.observe import LogStore


class LogsService(
    GroupOperations, StreamOperations, EventOperations, PolicyOperations, SubscriptionOperations, Service
):
    """The API of CloudWatch Logs over a log store."""

    name: ClassVar[str] = "logs"

    def __init__(self, store: LogStore, refusal: Refusal | None = None) -> None:
        """`refusal` is asked about the destinations of subscription filters; without it all are taken."""
        self._store = store
        self._refusal = refusal

    def method(self, operation: str) -> Method | None:
        found = super().method(operation)
        return None if found is None else _storing(found)


def _storing(method: Method) -> Method:
    """`method`, with a store that cannot store (a full disk) answered as AWS answers for its own."""

    async def answer(context: RequestContext, request: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return await method(context, request)
        except StoreError as error:
            raise ServiceError("ServiceUnavailableException", f"Logs cannot be stored: {error}") from error

    return answer
