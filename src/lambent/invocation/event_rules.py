"""What is set for asynchronous invocations of a function: how often, how long, and who is told of their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.functions import LATEST, FunctionError, Reference
from lambent.invocation.outcome import Outcome

if TYPE_CHECKING:
    from lambent.functions import FunctionRegistry
    from lambent.functions.attachments import EventInvokeConfig
    from lambent.invocation.async_event import Event
    from lambent.invocation.outcome import Answer, Condition

MAX_AGE_SECONDS: Final = 6 * 3600
"""AWS keeps an event for at most six hours."""


class Ends(NamedTuple):
    """Who is told of an event's end. `function_arn` has the qualifier."""

    function_arn: str = ""
    role: str = ""
    on_success: str | None = None
    on_failure: str | None = None
    dead_letter_arn: str | None = None

    def destination(self, condition: Condition) -> str | None:
        """The destination of the record."""
        return (self.on_success if condition == "Success" else self.on_failure) or None

    def dead_letter(self, condition: Condition) -> str | None:
        """The target of the event itself, to which what has failed goes beside its record."""
        return None if condition == "Success" else self.dead_letter_arn

    def told(self, condition: Condition) -> bool:
        """Whether there is anybody."""
        return bool(self.destination(condition) or self.dead_letter(condition))


class EventRules:
    """Looks in the registry, at each event anew: what is set when something happens is what counts.

    `retries` is how often an event is tried again unless less is set.
    """

    def __init__(self, registry: FunctionRegistry, retries: int) -> None:
        self._registry = registry
        self._max_retries = retries

    def expiry_ms(self, event: Event) -> int:
        """When the event has become too old."""
        settings = self._settings(event)
        seconds = None if settings is None else settings.maximum_age_s
        return event.received_ms + (MAX_AGE_SECONDS if seconds is None else seconds) * 1000

    def retries(self, event: Event) -> int:
        """How often the event may be tried again."""
        settings = self._settings(event)
        allowed = None if settings is None else settings.maximum_attempts
        return self._max_retries if allowed is None else min(allowed, self._max_retries)

    def ends(self, event: Event) -> Ends:
        """Who is told of its end; nobody when the function, or what was invoked of it, is gone."""
        try:
            record, version = self._registry.version(
                Reference(event.account, event.region, event.name, event.qualifier)
            )
        except FunctionError:
            return Ends()
        settings = record.event_invoke.get(event.qualifier or LATEST)
        return Ends(
            function_arn=f"{record.arn}:{event.qualifier or LATEST}",
            role=version.role,
            on_success=None if settings is None else settings.on_success,
            on_failure=None if settings is None else settings.on_failure,
            # "Function versions use the same dead-letter queue settings as the unpublished version."
            dead_letter_arn=record.latest.dead_letter_target,
        )

    def outcome(
        self, event: Event, payload: bytes, answer: Answer | None, condition: Condition
    ) -> Outcome | None:
        """What is told of its end; None when nobody is."""
        ends = self.ends(event)
        if not ends.told(condition):
            return None
        return Outcome(
            request_id=event.request_id,
            account=event.account,
            region=event.region,
            name=event.name,
            function_arn=ends.function_arn,
            role=ends.role,
            condition=condition,
            invoke_count=event.attempts,
            payload=payload,
            answer=answer,
            trace=event.trace,
            destination=ends.destination(condition),
            dead_letter_arn=ends.dead_letter(condition),
        )

    def _settings(self, event: Event) -> EventInvokeConfig | None:
        try:
            record = self._registry.record(Reference(event.account, event.region, event.name, None))
        except FunctionError:
            return None
        return record.event_invoke.get(event.qualifier or LATEST)
