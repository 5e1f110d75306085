"""Reads a queue at a real endpoint, as any client of SQS does: long polls, batches of deletions.

One poll is open while the queue is empty; while it is not, up to five.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.events.pollers.consumer import Consumer
from lambent.events.queues import Received
from lambent.neighbours.service_calls import ServiceCall, error_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence

    from lambent.events.mapping import Mapping
    from lambent.events.pollers.poller import Parts

_WAIT_S: Final = 20
_POLLS: Final = 5
_AT_ONCE: Final = 10
_FIRST_PAUSE_MS: Final = 1_000
_LAST_PAUSE_MS: Final = 60_000
_ATTEMPTS: Final = 5
_SOON_MS: Final = 1_000
"""An endpoint that has nothing and says so earlier than this does not wait for messages: it is asked less often."""
_LEAST_HIDDEN_S: Final = 1
_ASK_AGAIN_MS: Final = 60_000
"""How long what the queue's attributes say is believed."""

_NOTHING: Final[dict[str, Any]] = {}

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_log = logging.getLogger(__name__)


class _Refused(Exception):
    """The service has answered with an error, or not at all. The text says which."""


class RemoteReader:
    """Reads the queue of a mapping through the API of SQS."""

    def __init__(self, mapping: Mapping, parts: Parts) -> None:
        self.mapping = mapping
        self.visibility_s = 30.0
        self._hides = True
        self._clock = parts.clock
        self._call_service = parts.call_service
        self._calls = parts.calls
        self._consumer = Consumer(mapping, parts, self, self._wanted)
        self._room = asyncio.Event()
        self._url = ""
        self._asked_ms = 0
        self._at_once = _AT_ONCE
        self._polls: set[asyncio.Task[None]] = set()
        self._work: set[asyncio.Task[None]] = set()
        self._failing = False
        self._stopping = False

    def start(self) -> None:
        """Begin to read."""
        self._wanted()
        self._poll_more()

    def abandon(self) -> None:
        """Read no more."""
        self._consumer.abandon()
        self._end_polls()

    async def stop(self) -> None:
        """Read no more; what runs ends, and so do its deletions."""
        self._end_polls()
        await self._consumer.stop()
        while self._work:
            await asyncio.wait(set(self._work))

    def _end_polls(self) -> None:
        self._stopping = True
        for poll in self._polls:
            poll.cancel()

    def _wanted(self) -> None:
        self._room.set()

    # ------------------------------------------------------------ receiving

    def _poll_more(self) -> None:
        if len(self._polls) < _POLLS and not self._stopping:
            poll = asyncio.get_running_loop().create_task(self._poll())
            self._polls.add(poll)
            poll.add_done_callback(self._polls.discard)

    async def _poll(self) -> None:
        pause_ms = _FIRST_PAUSE_MS
        while not self._stopping:
            room = self._consumer.room()
            if not room:
                self._room.clear()
                await self._room.wait()
                continue
            asked_ms = self._clock.steady_ms()
            try:
                messages = await self._receive(min(room, self._at_once))
                if messages is None:
                    continue
                self._consumer.add(messages)
            except Exception as error:  # noqa: BLE001 - whatever others answer must not end the reading
                if not self._failing:
                    self._failing = True
                    said = (
                        error if isinstance(error, _Refused) else f"its answer is no answer of SQS: {error!r}"
                    )
                    _log.warning("%s cannot be read: %s", self.mapping.source_arn, said)
                self._url = ""
                await self._sleep(pause_ms)
                pause_ms = min(_LAST_PAUSE_MS, pause_ms * 2)
                continue
            self._failing = False
            pause_ms = _FIRST_PAUSE_MS
            if messages:
                self._poll_more()
                continue
            self._consumer.rest()
            if len(self._polls) > 1:
                return
            early_ms = asked_ms + _SOON_MS - self._clock.steady_ms()
            if early_ms > 0:
                await self._sleep(early_ms)

    async def _receive(self, maximum: int) -> list[Received] | None:
        """Messages; None where there were too many of them."""
        await self._know_queue()
        answer = await self._call(
            "ReceiveMessage",
            MaxNumberOfMessages=maximum,
            WaitTimeSeconds=_WAIT_S,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
            **({} if self._hides else {"VisibilityTimeout": _LEAST_HIDDEN_S}),
        )
        if answer is _NOTHING and self._at_once > 1:
            # Longer than answers may be: the messages come back when they are visible again, and then not so many.
            self._at_once //= 2
            return None
        return [_received(message) for message in answer.get("Messages") or ()]

    async def _know_queue(self) -> None:
        now = self._clock.steady_ms()
        if self._url and now - self._asked_ms < _ASK_AGAIN_MS:
            return
        self._asked_ms = now
        *_, account, name = (self.mapping.source_arn or "").split(":")
        answer = await self._send("GetQueueUrl", {"QueueName": name, "QueueOwnerAWSAccountId": account})
        self._url = str(answer.get("QueueUrl") or "")
        attributes = await self._call("GetQueueAttributes", AttributeNames=["VisibilityTimeout"])
        visibility_s = float((attributes.get("Attributes") or {}).get("VisibilityTimeout", 30))
        self._hides = visibility_s > 0
        self.visibility_s = max(_LEAST_HIDDEN_S, visibility_s)

    # ------------------------------------------------------------ what was received

    def delete(self, receipts: Sequence[str]) -> None:
        """Delete messages; what cannot be deleted is received again."""
        self._begin(self._batches("DeleteMessageBatch", receipts, {}))

    def hide(self, receipts: Sequence[str]) -> None:
        """Keep messages invisible for longer."""
        self._show_in(receipts, int(self.visibility_s))

    def give_back(self, receipts: Sequence[str]) -> None:
        """Make messages visible."""
        self._show_in(receipts, 0)

    def _show_in(self, receipts: Sequence[str], seconds: int) -> None:
        self._begin(self._batches("ChangeMessageVisibilityBatch", receipts, {"VisibilityTimeout": seconds}))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _batches(self, operation: str, receipts: Sequence[str], members: dict[str, Any]) -> None:
        for part in _parts(receipts):
            left = [
                {"Id": str(number), "ReceiptHandle": receipt, **members}
                for number, receipt in enumerate(part)
            ]
            pause_ms, problem = _FIRST_PAUSE_MS, ""
            for _ in range(_ATTEMPTS):
                try:
                    answer = await self._call(operation, Entries=left)
                except _Refused as error:
                    problem = str(error)
                else:
                    failed = {
                        one.get("Id"): one
                        for one in answer.get("Failed") or ()
                        if not one.get("SenderFault", False)
                    }
                    left = [entry for entry in left if entry["Id"] in failed]
                    problem = str(next((one.get("Message") for one in failed.values()), ""))
                if not left:
                    break
                await self._sleep(pause_ms)
                pause_ms *= 2
            else:
                _log.warning(
                    "%s of %d messages of %s failed: %s",
                    operation,
                    len(left),
                    self.mapping.source_arn,
                    problem,
                )

    # ------------------------------------------------------------ calling

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return await self._send(operation, {"QueueUrl": self._url, **parameters})

    async def _send(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        mapping = self.mapping
        target = self._calls.target(mapping)
        role = target.version.role if target is not None else ""
        region = (mapping.source_arn or "").split(":")[3]
        try:
            answer = await self._call_service(
                ServiceCall("sqs", operation, parameters, region, mapping.account, role)
            )
            document: dict[str, Any] = _decode(answer.body) if answer.body else _NOTHING
        except Exception as error:  # whatever it is, others' services must not end the reading
            raise _Refused(f"{operation}: {error!r}") from error
        if answer.status >= 300:
            code, message = error_of(answer)
            raise _Refused(f"{operation}: {answer.status} {code} {message}")
        return document

    async def _sleep(self, wait_ms: int) -> None:
        over = asyncio.Event()
        timer = self._clock.at_steady(self._clock.steady_ms() + wait_ms, over.set)
        try:
            await over.wait()
        finally:
            timer.cancel()


def _parts(receipts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (receipts[start : start + _AT_ONCE] for start in range(0, len(receipts), _AT_ONCE))


def _received(message: dict[str, Any]) -> Received:
    system = message.get("Attributes") or {}
    attributes = message.get("MessageAttributes")
    return Received(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message.get("Body", ""),
        attributes=_encode(attributes) if attributes else b"",
        md5_body=message.get("MD5OfBody", ""),
        md5_attributes=message.get("MD5OfMessageAttributes", ""),
        sent_ms=int(system.get("SentTimestamp", 0)),
        first_received_ms=int(system.get("ApproximateFirstReceiveTimestamp", 0)),
        receive_count=int(system.get("ApproximateReceiveCount", 1)),
        group=system.get("MessageGroupId"),
        deduplication_id=system.get("MessageDeduplicationId"),
        sequence=system.get("SequenceNumber"),
        sender=system.get("SenderId", ""),
        trace=system.get("AWSTraceHeader", ""),
        lineage="",
        source_arn=system.get("DeadLetterQueueSourceArn", ""),
    )
