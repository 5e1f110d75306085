"""Events of EventBridge: of buses by patterns, and of schedules.

A rule hands an event to a function without saying which rule it was. So an event goes to all handlers whose patterns
match it, in the order of their registration; buckets and alarms whose events come through EventBridge are among them.
What handlers raise is raised when all have been called: a single exception as it is, several as an ExceptionGroup.
Lambda then repeats the event, for all of them.

A schedule's event tells the rule, or the schedule of EventBridge Scheduler, and goes to the handler of that name: the
one that it was given, or its function's; or what LAMBENT_SCHEDULE_<NAME> tells. If there is but one handler for
schedules it is for all of them. Schedules with an input of their own are direct invocations: the input is all that
the function gets.

Source: "Event structure reference" of the EventBridge user guide; "Customizing the context" of the Scheduler's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from lambent.app import current
from lambent.app.errors import AppError, UnknownEvent
from lambent.app.patterns import BadPattern, compiled
from lambent.app.request import Invocation
from lambent.app.signature import described
from lambent.app.sources.chain import PayloadResolver
from lambent.app.sources.naming import name_in
from lambent.app.sources.record import (
    Named,
    answered,
    chain_of,
    converted,
    first_known,
    itself,
    members,
    moment,
)
from lambent.app.sources.understood import understood

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lambent.app.app import App
    from lambent.app.onion import Middleware
    from lambent.app.sources.chain import Chain

    Calls = list[Callable[[], Any]]

    class FromBus(Protocol):
        """A source whose events come through EventBridge too. `noun` and `told()` say what it has handlers for."""

        noun: str

        def from_bus(self, event: dict[str, Any], context: Any) -> Calls: ...

        def told(self) -> str: ...


class BusEvent(Invocation):
    """An event of a bus."""

    kind = "eventbridge"

    @property
    def id(self) -> str:
        """The event's id."""
        return self.event["id"]  # type: ignore[no-any-return]

    @property
    def source(self) -> str:
        """Who has sent it."""
        return self.event["source"]  # type: ignore[no-any-return]

    @property
    def detail_type(self) -> str:
        """What it is about."""
        return self.event["detail-type"]  # type: ignore[no-any-return]

    @property
    def detail(self) -> Any:
        """What it says."""
        return self.event.get("detail")

    @property
    def account(self) -> str:
        """The account that it came from."""
        return self.event["account"]  # type: ignore[no-any-return]

    @property
    def region(self) -> str:
        """The region that it came from."""
        return self.event["region"]  # type: ignore[no-any-return]

    @property
    def time(self) -> datetime:
        """When it happened."""
        return moment(self.event["time"])

    @property
    def resources(self) -> list[str]:
        """ARNs of what it is about."""
        return self.event.get("resources") or []

    @property
    def replay_name(self) -> str | None:
        """The replay of an archive that it is part of."""
        return self.event.get("replay-name")  # type: ignore[no-any-return]


class Tick(BusEvent):
    """A time that has come. `rule` is the name of the rule or schedule."""

    kind = "schedule"

    @property
    def rule(self) -> str:
        """The name of the rule, or of the schedule; "" if the event does not say it."""
        return name_in(self.resources[0]) if self.resources else ""


_EVENT_MEMBERS: dict[str, Any] = {
    "id": str,
    "source": str,
    "detail_type": str,
    "account": str,
    "region": str,
    "resources": list[str],
    "replay_name": str,
}


class Bus:
    """The handlers of patterns. `also` are other sources whose events come through EventBridge too."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.handlers: list[tuple[Chain, Callable[[Any], bool]]] = []
        self.also: list[FromBus] = []

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        try:
            matches = compiled(options["pattern"])
        except BadPattern as error:
            raise AppError(f"{described(handler)}: its event pattern is none: {error}") from None
        resolve = PayloadResolver(
            handler,
            lambda parameter: converted(parameter.type, _detail, place="detail"),
            members(_EVENT_MEMBERS),
        )
        chain = chain_of(self._app, handler, layers, options, resolve, BusEvent)
        self.handlers.append((chain, matches))

    @understood
    def handle(self, event: Any, context: Any) -> Any:
        """Call all handlers whose patterns match; the result if it is one that does, else None.

        Raises UnknownEvent and what handlers raise.
        """
        app = self._app
        calls: Calls = [
            lambda chain=chain: answered(app, chain, BusEvent(event, context))  # type: ignore[misc]  # bound as it is now
            for chain, matches in self.handlers
            if matches(event)
        ]
        for source in self.also:
            calls += source.from_bus(event, context)
        if not calls:
            about = ", ".join(event.get("resources") or ())
            raise UnknownEvent(
                f"{app.name}: no handler is for the event {event.get('detail-type')!r} of {event.get('source')!r}"
                f"{f' about {about}' if about else ''}: {self._told()}"
            )
        if event.get("id"):
            current.correlation_id.set(event["id"])
        if len(calls) == 1:
            return calls[0]()
        failures = []
        for call in calls:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - raised when all have been called
                failures.append(error)
        if len(failures) == 1:
            raise failures[0]
        if failures:
            raise ExceptionGroup(f"{len(failures)} handlers failed", failures)
        return None

    def _told(self) -> str:
        there = [f"the pattern {chain.options['pattern']}" for chain, _ in self.handlers]
        there += [f"the {source.noun} {source.told()}" for source in self.also]
        return f"there are handlers for {'; '.join(there)}"


def _detail(invocation: Invocation) -> Any:
    return invocation.event.get("detail")


class Schedules:
    """The handlers of schedules."""

    noun = "schedules"

    def __init__(self, app: App) -> None:
        self._app = app
        self.handlers = Named("schedule")
        app.source("event").also.append(self)  # type: ignore[attr-defined]  # it is a Bus

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        from lambent.app.schedules import BadSchedule, check  # only for those who have some

        try:
            check(options["expression"])
        except BadSchedule as error:
            raise AppError(f"{described(handler)}: {error}") from None
        resolve = first_known(members({"rule": str}), itself)
        chain = chain_of(self._app, handler, layers, options, resolve, Tick)
        self.handlers.add(options["name"] or getattr(handler, "__name__", type(handler).__name__), chain)

    @understood
    def handle(self, event: Any, context: Any) -> Any:
        """The result of the schedule's handler. Raises UnknownEvent and what it raises."""
        return self._app.source("event").handle(event, context)

    def from_bus(self, event: dict[str, Any], context: Any) -> Calls:
        """The call for a schedule's event."""
        if event.get("detail-type") != "Scheduled Event" or event.get("source") not in (
            "aws.events",
            "aws.scheduler",
        ):
            return []
        tick = Tick(event, context)
        chain = self.handlers.find(tick.rule)
        if chain is None and len(self.handlers.handlers) == 1:
            (chain,) = self.handlers.handlers.values()
        if chain is None:
            return []
        return [lambda: answered(self._app, chain, tick)]

    def told(self) -> str:
        """What there is, for messages."""
        return f"{self.handlers.told()} (LAMBENT_SCHEDULE_<NAME> can tell what one is called here)"
