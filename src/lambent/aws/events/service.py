"""EventBridge: which operations there are. Each family of them is a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lambent.aws.events.buses import BusOperations
from lambent.aws.events.entries import EntryOperations
from lambent.aws.events.errors import translating
from lambent.aws.events.rules import RuleOperations
from lambent.aws.events.tags import TagOperations
from lambent.aws.events.targets import TargetOperations
from lambent.aws.service import Method, Service

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.events.bus import Buses


class EventsService(BusOperations, RuleOperations, TargetOperations, EntryOperations, TagOperations, Service):
    """The API of EventBridge over buses."""

    name: ClassVar[str] = "events"

    def __init__(self, buses: Buses) -> None:
        self._buses = buses

    def method(self, operation: str) -> Method | None:
        found = super().method(operation)
        return None if found is None else _translated(found)


def _translated(method: Method) -> Method:
    async def answer(context: RequestContext, request: dict[str, Any]) -> dict[str, Any] | None:
        with translating():
            return await method(context, request)

    return answer
