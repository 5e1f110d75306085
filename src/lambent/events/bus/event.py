"""Events: as they are put, and as targets get them.

The shape is that of "Event structure" in EventBridge's guide; refusals of single entries are recorded
(`test_put_event_without_detail` and its kin).
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from lambent.clock import time_text
from lambent.invocation.request_id import new_request_id

MAX_BYTES: Final = 262_144
"""Of all entries of a request together ("Calculating PutEvents event entry size")."""

_TIME_BYTES: Final = 14
_LINEAGE: Final = re.compile(r";?Lineage=[^;]*")

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_text = msgspec.json.Encoder().encode


class NewEvent(msgspec.Struct, kw_only=True, gc=False):
    """An event to be put.

    `bus` is a name or an ARN, None for the default bus; `time_ms` since the epoch, None for now.
    """

    source: str | None
    detail_type: str | None
    detail: str | None
    bus: str | None = None
    resources: tuple[str, ...] = ()
    time_ms: int | None = None
    trace: str = ""

    @property
    def size(self) -> int:
        """What it counts for the limit of a request."""
        texts = (self.source, self.detail_type, self.detail, *self.resources)
        size = sum(len(text.encode()) for text in texts if text)
        return size if self.time_ms is None else size + _TIME_BYTES


class Put(msgspec.Struct, frozen=True, gc=False):
    """What became of an event: its id, or why it was not taken."""

    event_id: str | None = None
    code: str | None = None
    message: str | None = None


class Event(msgspec.Struct, gc=False):
    """An event on a bus. `text` is the whole of it as targets get it, `fields` the same decoded.

    `forwarded`: it came from another bus.
    """

    id: str
    text: str
    fields: dict[str, Any]
    trace: str = ""
    forwarded: bool = False


class Refused(Exception):
    """An entry that is not taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.put = Put(None, code, message)


def check(new: NewEvent) -> None:
    """Raise Refused for an entry that lacks something, or may not be from where it says."""
    for name, value in (("Source", new.source), ("DetailType", new.detail_type), ("Detail", new.detail)):
        if not value:
            raise Refused(
                "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
            )
    if new.source is not None and new.source.startswith("aws."):
        raise Refused("NotAuthorizedForSourceException", "Not authorized for the source.")


def made(
    *,
    source: str,
    detail_type: str,
    detail: str,
    account: str,
    region: str,
    time_ms: int,
    resources: tuple[str, ...] | list[str] = (),
    trace: str = "",
) -> Event:
    """An event. Raises Refused when the detail is not a JSON object."""
    event_id = new_request_id()
    try:
        fields = _decode(detail)
        # Without spaces, and with numbers as they were written.
        compact = msgspec.json.format(detail, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        raise Refused("MalformedDetail", "Detail is malformed.") from None
    head = {
        "version": "0",
        "id": event_id,
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": time_text(time_ms),
        "region": region,
        "resources": resources,
    }
    text = f'{_text(head).decode()[:-1]},"detail":{compact}}}'
    # AWS follows no chain of invocations through EventBridge ("Use Lambda recursive loop detection"): it begins anew.
    trace = _LINEAGE.sub("", trace) if "Lineage=" in trace else trace
    return Event(event_id, text, {**head, "resources": list(resources), "detail": fields}, trace)


def read(text: str, trace: str, *, same_region: bool) -> Event:
    """An event that another bus passes on. Raises Refused.

    Recorded (`test_event_bus_to_event_bus_cross_account_region`): it keeps its account, region and time, and within a
    region its id, also in another account.
    """
    try:
        fields = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise Refused("MalformedDetail", "Detail is malformed.") from None
    event_id = fields.get("id")
    if same_region and isinstance(event_id, str):
        return Event(event_id, text, fields, trace, forwarded=True)
    event_id = new_request_id()
    # Text that `made` has made: the event's own id comes before anything that may hold another.
    text = text.replace(f'"id":"{fields.get("id")}"', f'"id":"{event_id}"', 1)
    return Event(event_id, text, {**fields, "id": event_id}, trace, forwarded=True)
