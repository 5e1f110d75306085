"""What subscription filters of log groups ask for: events as they come, to functions, streams and Firehose.

Promised: an event is handed on for each filter that it matches at most once, with the flush that follows it (200 ms).
Logs are appended in memory and are not worth a transaction each, so what a crash of the platform takes away before
that flush, or between it and the delivery, is not delivered; what has been staged is as durable as every delivery, and
comes twice where one does. What waits is bounded: where filters do not keep up with 16 MB of logs, the newest go by,
and a warning says so.

The shape of what is delivered: "Real-time processing of log data with subscriptions" (CloudWatch Logs user guide). A
batch holds events of one stream and one flush; `extractedFields` are not told.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import logging
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from lambent.events.complaints import Complaints
from lambent.events.deliveries import Parcel
from lambent.events.deliveries.arns import parse_arn
from lambent.events.deliveries.parcel import Undeliverable
from lambent.events.deliveries.writing import written
from lambent.functions import FunctionError
from lambent.functions.authorization import permits
from lambent.functions.names import partition_of
from lambent.observe import LogGroupNotFound, events_by_stream
from lambent.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lambent.clock import Clock
    from lambent.events.deliveries import Deliveries
    from lambent.functions import FunctionRegistry, Target
    from lambent.observe import LogEvent, LogGroup, LogStore, SealedChunk, SubscriptionFilter
    from lambent.store import Database

    Match = Callable[[str], bool] | None
    """Whether a message is wanted; None where all are."""

PRINCIPAL: Final = "logs.amazonaws.com"

_WAITING_BYTES: Final = 16 << 20
_BATCH_EVENTS: Final = 10_000
# Less than the 1 MB that a record and an event of a function may have, whatever has become of it by gzip and base64.
_BATCH_CHARACTERS: Final = 512 << 10
_LEVEL: Final = 6
_PARTITION_KEY: Final = 256  # characters at most; names of log streams have up to 512
_PERMISSION: Final = (
    "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your"
    " function."
)
_STREAMS: Final = {"kinesis": ("Kinesis stream", "kinesis stream"), "firehose": ("Firehose", "Firehose")}
_LOG: Final = logging.getLogger(__name__)


class _Batch(NamedTuple):
    """What one filter gets at once: `data` is JSON in gzip in base64."""

    filter: SubscriptionFilter
    stream: str
    data: str


class LogSubscriptions:
    """Takes what groups with filters log from a store, and hands it to `Deliveries`. Loop thread only."""

    def __init__(
        self,
        logs: LogStore,
        registry: FunctionRegistry,
        deliveries: Deliveries,
        database: Database,
        clock: Clock,
        *,
        compile_pattern: Callable[[str], Match],
        enforce: bool,
    ) -> None:
        """`compile_pattern` reads the patterns of filters, which were checked when they were put. `enforce`: a function
        that has no resource policy at all refuses, as on AWS.
        """
        self._logs = logs
        self._registry = registry
        self._deliveries = deliveries
        self._database = database
        self._compile = lru_cache(maxsize=256)(compile_pattern)
        self._enforce = enforce
        self._clock = clock
        self._complaints = Complaints(clock, _LOG)
        self._waiting: deque[SealedChunk] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        logs.when_subscribed(self._take)

    # ------------------------------------------------------------ filters that are put

    async def refusal(self, group: LogGroup, destination_arn: str, role_arn: str | None) -> str | None:
        """Why a destination cannot be that of a filter of the group, as PutSubscriptionFilter says it; None where it
        can.

        A stream is sent a control message to see, as by AWS.
        """
        arn = parse_arn(destination_arn)
        if arn is None:
            return f"Invalid destination ARN: {destination_arn}"
        if arn.service == "lambda":
            return self._function_refusal(group, destination_arn)
        kind, state = _STREAMS[arn.service]
        message = f"CWL CONTROL MESSAGE: Checking health of destination {kind}."
        event = {"id": "", "timestamp": self._clock.wall_ms(), "message": message}
        document = {
            "messageType": "CONTROL_MESSAGE",
            "owner": "CloudwatchLogs",
            "logGroup": "",
            "logStream": "",
            "subscriptionFilters": [],
            "logEvents": [event],
        }
        parcel = _parcel(group, destination_arn, role_arn, _packed(document), "CloudwatchLogs", PRINCIPAL)
        try:
            await self._deliveries.attempt(parcel)
        except Undeliverable as error:
            # AWS says no more than the first two sentences.
            return (
                f"Could not deliver test message to specified {kind}. Check if the given {state} is in ACTIVE state."
                f" ({error.message})"
            )
        return None

    def _function_refusal(self, group: LogGroup, destination_arn: str) -> str | None:
        target = self._target(destination_arn)
        if target is None or target.function.account != group.account:
            return _PERMISSION
        if self._leads_back(group, destination_arn):
            return (
                f"{destination_arn} logs to {group.name}, itself or by way of other subscription filters: a filter"
                " that sends it what it logs would never end."
            )
        own = target.invoked_arn.removeprefix(target.function.arn).removeprefix(":")
        asked = self._enforce or own in target.function.policies
        return _PERMISSION if asked and not _admitted_as(target, group) else None

    def _leads_back(self, group: LogGroup, destination_arn: str) -> bool:
        """Whether what a function logs for events of a group comes to that group again."""
        seen: set[str] = set()
        unseen = [destination_arn]
        while unseen:
            arn = unseen.pop()
            target = None if arn in seen else self._target(arn)
            seen.add(arn)
            if target is None:
                continue
            for version in (target.version, *(other for _, other in target.shares)):
                logs_to = (version.account, version.region, version.log_group)
                if logs_to == (group.account, group.region, group.name):
                    return True
                with contextlib.suppress(LogGroupNotFound):
                    unseen += [one.destination_arn for one in self._logs.find_group(*logs_to).subscriptions]
        return False

    def _target(self, arn_text: str) -> Target | None:
        """What the ARN of a function means; None for others, and where there is none."""
        arn = parse_arn(arn_text)
        if arn is None or arn.service != "lambda":
            return None
        kind, _, named = arn.resource.partition(":")
        name, _, qualifier = named.partition(":")
        if kind != "function":
            return None
        try:
            return self._registry.resolve(arn.account, arn.region, name, qualifier or None)
        except FunctionError:
            return None

    # ------------------------------------------------------------ events that come

    def _take(self, sealed: list[SealedChunk]) -> None:
        if self._closed:
            return
        for one in sealed:
            if self._bytes > _WAITING_BYTES:
                self._complaints.warn(
                    "%s: logs come faster than its subscription filters take them: some are not delivered",
                    one.group.name,
                    kind=one.group.id,
                )
                return
            self._waiting.append(one)
            self._bytes += len(one.piece.data)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._deliver())

    async def _deliver(self) -> None:
        try:
            while self._waiting:
                sealed = self._waiting.popleft()
                self._bytes -= len(sealed.piece.data)
                try:
                    await self._hand_on(sealed)
                except StoreError as error:
                    self._complaints.warn(
                        "%s: logs are not delivered to its subscription filters: %s", sealed.group.name, error
                    )
                except Exception:  # noqa: BLE001 - logged; what is wrong with one group is no harm to others
                    _LOG.exception("logs of %s are not delivered", sealed.group.name)
        finally:
            self._task = None

    async def _hand_on(self, sealed: SealedChunk) -> None:
        group = sealed.group
        if group.deleted:
            return
        filters = [one for one in group.subscriptions if self._may_have(group, one)]
        if not filters:
            return
        wanted = [(one, self._compile(one.pattern)) for one in filters]
        batches = await asyncio.to_thread(_batches, sealed, wanted)
        parcels = [self._addressed(group, batch) for batch in batches]
        if parcels:
            await written(self._database, self._deliveries.stage(parcels))

    def _may_have(self, group: LogGroup, wanted: SubscriptionFilter) -> bool:
        """Looked at again with each flush: a function's log group can be changed after the filter was put."""
        if not self._leads_back(group, wanted.destination_arn):
            return True
        self._complaints.warn(
            "%s: nothing is delivered to %s by the subscription filter %s: what it logs would come to it for ever",
            group.name,
            wanted.destination_arn,
            wanted.name,
            kind=(group.id, wanted.name),
        )
        return False

    def _addressed(self, group: LogGroup, batch: _Batch) -> Parcel:
        wanted, target = batch.filter, self._target(batch.filter.destination_arn)
        if wanted.destination_arn.split(":", 3)[2] != "lambda":
            key = batch.stream[:_PARTITION_KEY] if wanted.distribution == "ByLogStream" else ""
            return _parcel(group, wanted.destination_arn, wanted.role_arn, batch.data, key, PRINCIPAL)
        principal = PRINCIPAL if target is None else _admitted_as(target, group) or PRINCIPAL
        body = f'{{"awslogs":{{"data":"{batch.data}"}}}}'
        return _parcel(group, wanted.destination_arn, None, body, "", principal)

    # ------------------------------------------------------------ life

    async def drain(self, seconds: float) -> None:
        """Hand on what has been logged until now, for at most `seconds`; what is logged afterwards is not delivered."""
        await self._logs.flush()
        self._closed = True
        if self._task is not None:
            await asyncio.wait([self._task], timeout=seconds)

    async def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._bytes = 0
        if self._task is not None:
            await asyncio.wait([self._task])


def _batches(sealed: SealedChunk, wanted: list[tuple[SubscriptionFilter, Match]]) -> list[_Batch]:
    """What each filter gets of a chunk. Runs in a thread."""
    found = []
    by_stream = events_by_stream(sealed)
    group = sealed.group
    for one, match in wanted:
        for stream, events in by_stream.items():
            chosen = events if match is None else [event for event in events if match(event.message)]
            for part in _parts(chosen):
                document = {
                    "messageType": "DATA_MESSAGE",
                    "owner": group.account,
                    "logGroup": group.name,
                    "logStream": stream,
                    "subscriptionFilters": [one.name],
                    "logEvents": [
                        {
                            "id": f"{event.position:056d}",
                            "timestamp": event.timestamp_ms,
                            "message": event.message,
                        }
                        for event in part
                    ],
                }
                found.append(_Batch(one, stream, _packed(document)))
    return found


def _parts(events: list[LogEvent]) -> Iterator[list[LogEvent]]:
    part: list[LogEvent] = []
    room = _BATCH_CHARACTERS
    for event in events:
        room -= len(event.message)
        if part and (room < 0 or len(part) == _BATCH_EVENTS):
            yield part
            part, room = [], _BATCH_CHARACTERS - len(event.message)
        part.append(event)
    if part:
        yield part


def _packed(document: Mapping[str, object]) -> str:
    return base64.b64encode(gzip.compress(msgspec.json.encode(document), _LEVEL)).decode()


def _source_arn(group: LogGroup) -> str:
    """What resource policies see as `aws:SourceArn`; they end in `:*` themselves (SAM, Terraform's documentation)."""
    return f"arn:{partition_of(group.region)}:logs:{group.region}:{group.account}:log-group:{group.name}:*"


def _admitted_as(target: Target, group: LogGroup) -> str | None:
    """Which of its two names the function's policy lets CloudWatch Logs in by; older policies have the region's."""
    context = {"aws:SourceArn": _source_arn(group), "aws:SourceAccount": group.account}
    for name in (PRINCIPAL, f"logs.{group.region}.amazonaws.com"):
        if permits(target, name, "lambda:InvokeFunction", context):
            return name
    return None


def _parcel(
    group: LogGroup, destination_arn: str, role_arn: str | None, body: str, key: str, principal: str
) -> Parcel:
    options = {"Encoding": "base64", "PartitionKey": key} if role_arn is not None else {}
    return Parcel(
        target_arn=destination_arn,
        body=body,
        account=group.account,
        region=group.region,
        principal=principal,
        source_arn=_source_arn(group),
        role_arn=role_arn,
        options=options,
    )
