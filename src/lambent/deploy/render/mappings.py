"""Event source mappings: queues, streams, and tables' changes.

Lambda takes one mapping of a source for a function, and the app finds the handler: so what several handlers of a unit
ask of one source becomes one mapping, if it can be.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.deploy.errors import RenderError
from lambent.deploy.render.limits import check_queue_trigger, check_stream_trigger

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from lambent.deploy.manifest import QueueTrigger, StreamTrigger
    from lambent.deploy.render.composition import Composition

    Trigger = TypeVar("Trigger", bound=QueueTrigger | StreamTrigger)


def add_mappings(composition: Composition) -> None:
    """All mappings. Raises RenderError."""
    c = composition
    for queue in queue_triggers(c):
        c.add(
            "mapping",
            (queue.unit, "queue", queue.queue),
            "AWS::Lambda::EventSourceMapping",
            {
                "EventSourceArn": c.queue_arn(queue.queue),
                "FunctionName": c.function_arn(queue.unit),
                **queue_settings(queue),
            },
        )
    for stream in stream_triggers(c):
        source = c.stream_arn(stream.name) if stream.kind == "stream" else c.table_stream_arn(stream.name)
        c.add(
            "mapping",
            (stream.unit, stream.kind, stream.name),
            "AWS::Lambda::EventSourceMapping",
            {
                "EventSourceArn": source,
                "FunctionName": c.function_arn(stream.unit),
                **stream_settings(stream),
            },
        )


def queue_triggers(c: Composition) -> list[QueueTrigger]:
    """Those of queues, one for each unit and queue. Raises RenderError."""
    found = _joined(c.manifest.queue_triggers, lambda one: (one.unit, "queue", one.queue))
    for one in found:
        check_queue_trigger(one, c.queue(one.queue))
    return found


def stream_triggers(c: Composition) -> list[StreamTrigger]:
    """Those of streams and tables, one for each unit and source. Raises RenderError."""
    found = _joined(c.manifest.stream_triggers, lambda one: (one.unit, one.kind, one.name))
    for one in found:
        check_stream_trigger(one)
    return found


def queue_settings(queue: QueueTrigger) -> dict[str, Any]:
    """What SAM and CloudFormation call alike."""
    return {
        "BatchSize": queue.batch_size,
        "MaximumBatchingWindowInSeconds": queue.batch_window_s or None,
        "ScalingConfig": None
        if queue.maximum_concurrency is None
        else {"MaximumConcurrency": queue.maximum_concurrency},
        "FilterCriteria": _filters(queue.filters),
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if queue.report_failures else None,
    }


def stream_settings(stream: StreamTrigger) -> dict[str, Any]:
    """What SAM and CloudFormation call alike."""
    return {
        "BatchSize": stream.batch_size,
        "StartingPosition": stream.starting_position,
        "MaximumBatchingWindowInSeconds": stream.batch_window_s or None,
        "ParallelizationFactor": stream.parallelization if stream.parallelization > 1 else None,
        "MaximumRetryAttempts": stream.maximum_retries,
        "MaximumRecordAgeInSeconds": stream.maximum_age_s,
        "BisectBatchOnFunctionError": stream.bisect or None,
        "TumblingWindowInSeconds": stream.tumbling_window_s or None,
        "FilterCriteria": _filters(stream.filters),
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if stream.report_failures else None,
    }


def _filters(filters: tuple[dict[str, Any], ...]) -> dict[str, Any] | None:
    if not filters:
        return None
    return {"Filters": [{"Pattern": json.dumps(one, separators=(",", ":"))} for one in filters]}


def _joined(triggers: tuple[Trigger, ...], key: Callable[[Trigger], tuple[str, str, str]]) -> list[Trigger]:
    """One trigger a source and unit: filters add up, a handler without any wants all; the rest has to be the same."""
    found: dict[tuple[str, str, str], Trigger] = {}
    for one in triggers:
        there = found.get(key(one))
        if there is None:
            found[key(one)] = one
            continue
        for field in type(one).__struct_fields__:
            if field != "filters" and getattr(one, field) != getattr(there, field):
                unit, kind, name = key(one)
                raise RenderError(
                    f"unit {unit}: two handlers of the {kind} {name} want {field} to be {getattr(there, field)!r} and "
                    f"{getattr(one, field)!r}, and Lambda reads it once for both",
                    hint="Give both the same.",
                )
        filters: tuple[dict[str, Any], ...] = ()
        if one.filters and there.filters:
            filters = (*there.filters, *(each for each in one.filters if each not in there.filters))
        found[key(one)] = msgspec.structs.replace(there, filters=filters)
    return list(found.values())
