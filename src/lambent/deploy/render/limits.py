"""What the services would refuse: said before anything is sent.

Source: the members' ranges in botocore's models (CreateFunction, CreateEventSourceMapping, PutRetentionPolicy,
CreateQueue, PutFunctionEventInvokeConfig), and "Lambda quotas".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.deploy.errors import RenderError

if TYPE_CHECKING:
    from lambent.deploy.manifest import Queue, QueueTrigger, StreamTrigger, Unit

_RETENTION: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


def check_unit(unit: Unit) -> None:
    """Raise RenderError for settings that a function cannot have."""
    what = f"unit {unit.name}"
    _between(what, "memory", unit.memory_mb, 128, 10_240, "MB")
    _between(what, "timeout", unit.timeout_s, 1, 900, "seconds")
    _between(what, "storage", unit.storage_mb, 512, 10_240, "MB")
    _between(what, "retries", unit.retries, 0, 2, "")
    _between(what, "maximum_age", unit.maximum_age_s, 60, 21_600, "seconds")
    _between(what, "reserved_concurrency", unit.reserved_concurrency, 0, 1_000_000, "")
    _between(what, "provisioned_concurrency", unit.provisioned_concurrency, 1, 1_000_000, "")
    if unit.log_retention_days is not None and unit.log_retention_days not in _RETENTION:
        raise RenderError(
            f"{what}: log_retention_days is {unit.log_retention_days}, and CloudWatch Logs knows "
            f"{', '.join(map(str, _RETENTION))}",
            hint="Take the nearest of these, or leave it out for 30 days.",
        )
    reserved, provisioned = unit.reserved_concurrency, unit.provisioned_concurrency
    if reserved is not None and provisioned is not None and provisioned > reserved:
        raise RenderError(
            f"{what}: provisioned_concurrency is {provisioned}, more than its reserved_concurrency of {reserved}",
            hint="Reserve as much as is provisioned, or nothing.",
        )
    if len(unit.description) > 256:
        raise RenderError(
            f"{what}: its description has {len(unit.description)} characters, and Lambda takes 256"
        )


def is_fifo(queue: Queue) -> bool:
    """Whether a queue is of FIFO kind, be it by its name."""
    return queue.fifo or (queue.external or queue.name).endswith(".fifo")


def check_queue(queue: Queue) -> None:
    """Raise RenderError for settings that a queue cannot have."""
    what = f"queue {queue.name}"
    _between(what, "visibility", queue.visibility_s, 0, 43_200, "seconds")
    _between(what, "retention", queue.retention_s, 60, 1_209_600, "seconds")
    _between(what, "delay", queue.delay_s, 0, 900, "seconds")
    _between(what, "max_receives", queue.max_receives, 1, 1000, "")
    if queue.content_deduplication and not is_fifo(queue):
        raise RenderError(
            f"{what}: only FIFO queues compare contents",
            hint=f"Set fifo = true in [resources.queues.{queue.name}].",
        )


def check_queue_trigger(trigger: QueueTrigger, queue: Queue) -> None:
    """Raise RenderError for a mapping that Lambda would refuse."""
    what = f"unit {trigger.unit}, queue {trigger.queue}"
    fifo = is_fifo(queue)
    _between(
        what, "batch_size", trigger.batch_size, 1, 10 if fifo else 10_000, "of FIFO queues" if fifo else ""
    )
    _between(what, "batch_window", trigger.batch_window_s, 0, 300, "seconds")
    _between(what, "maximum_concurrency", trigger.maximum_concurrency, 2, 1000, "")
    if fifo and trigger.batch_window_s:
        raise RenderError(
            f"{what}: FIFO queues know no batch_window", hint="Leave it out: messages come at once."
        )
    if trigger.batch_size > 10 and not trigger.batch_window_s:
        raise RenderError(
            f"{what}: batch_size is {trigger.batch_size}, and above 10 Lambda wants a batch_window of 1 second or more",
            hint=f'@app.queue("{trigger.queue}", batch_size={trigger.batch_size}, batch_window=1)',
        )
    _check_filters(what, len(trigger.filters))


def check_stream_trigger(trigger: StreamTrigger) -> None:
    """Raise RenderError for a mapping that Lambda would refuse."""
    what = f"unit {trigger.unit}, {trigger.kind} {trigger.name}"
    _between(what, "batch_size", trigger.batch_size, 1, 10_000, "")
    _between(what, "batch_window", trigger.batch_window_s, 0, 300, "seconds")
    _between(what, "parallelization", trigger.parallelization, 1, 10, "")
    _between(what, "maximum_retries", trigger.maximum_retries, -1, 10_000, "")
    _between(what, "tumbling_window", trigger.tumbling_window_s, 0, 900, "seconds")
    if trigger.maximum_age_s != -1:
        _between(what, "maximum_age", trigger.maximum_age_s, 60, 604_800, "seconds")
    if trigger.tumbling_window_s and trigger.parallelization > 1:
        raise RenderError(
            f"{what}: windows need the batches of a shard one after the other",
            hint="Leave out parallelization or tumbling_window.",
        )
    _check_filters(what, len(trigger.filters))


def _check_filters(what: str, count: int) -> None:
    if count > 5:
        raise RenderError(
            f"{what}: {count} filters, and Lambda takes 5 a mapping",
            hint="A filter's members may have several values: { type = ['a', 'b'] }.",
        )


def _between(what: str, name: str, value: int | None, least: int, most: int, unit: str) -> None:
    if value is not None and not least <= value <= most:
        raise RenderError(f"{what}: {name} is {value:,}: it can be {least:,} to {most:,} {unit}".rstrip())
