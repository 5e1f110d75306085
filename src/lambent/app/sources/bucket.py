"""Notifications of S3 buckets, sent to the function itself or through EventBridge.

Several handlers may be for one bucket. An object goes to each whose events, prefix and suffix fit, in the order of
their registration. An exception fails the invocation, and Lambda repeats it, with all objects and handlers. S3's test
message, which it sends when notifications are set up, calls nothing.

Keys are as they are in the bucket. S3 encodes them in its own notifications as in forms, a space as `+`; through
EventBridge they come as they are.

Source: "Event message structure", "Supported event types" and "Amazon S3 events in EventBridge: EventBridge event
message structure and mapping" of the S3 user guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from lambent.app import current
from lambent.app.errors import AppError, UnknownEvent
from lambent.app.request import Invocation
from lambent.app.signature import described
from lambent.app.sources.naming import physical_name
from lambent.app.sources.record import called, chain_of, first_known, itself, members, moment
from lambent.app.sources.understood import understood

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lambent.app.app import App
    from lambent.app.onion import Middleware
    from lambent.app.sources.chain import Chain

EVENTS: dict[str, tuple[str, ...]] = {
    "ObjectCreated": ("Put", "Post", "Copy", "CompleteMultipartUpload"),
    "ObjectRemoved": ("Delete", "DeleteMarkerCreated"),
    "ObjectRestore": ("Post", "Completed", "Delete"),
    "ReducedRedundancyLostObject": (),
    "Replication": (
        "OperationFailedReplication",
        "OperationNotTracked",
        "OperationMissedThreshold",
        "OperationReplicatedAfterThreshold",
    ),
    "LifecycleExpiration": ("Delete", "DeleteMarkerCreated"),
    "LifecycleTransition": (),
    "IntelligentTiering": (),
    "ObjectTagging": ("Put", "Delete"),
    "ObjectAcl": ("Put",),
    "ObjectAnnotation": ("Put", "Delete"),
    "ObjectRetention": ("Put",),
}
"""What can happen, and the ways in which it can."""

_OF_REASON = {
    "PutObject": "Put",
    "POST Object": "Post",
    "CopyObject": "Copy",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
}
_OF_DETAIL_TYPE = {
    "Object Restore Initiated": "ObjectRestore:Post",
    "Object Restore Completed": "ObjectRestore:Completed",
    "Object Restore Expired": "ObjectRestore:Delete",
    "Object Storage Class Changed": "LifecycleTransition",
    "Object Access Tier Changed": "IntelligentTiering",
    "Object ACL Updated": "ObjectAcl:Put",
    "Object Tags Added": "ObjectTagging:Put",
    "Object Tags Deleted": "ObjectTagging:Delete",
}


class S3Object(Invocation):
    """What happened to an object. `event_name` is S3's name of it without `s3:`, such as `ObjectCreated:Put`.

    `size` (bytes) and `etag` are None where S3 does not tell them: of removed objects, for example.
    """

    kind = "s3"

    bucket: str
    key: str
    size: int | None
    etag: str | None
    version_id: str | None
    sequencer: str | None
    event_name: str
    source_ip: str | None
    principal: str | None
    region: str
    request_id: str | None
    _time: str

    @property
    def time(self) -> datetime:
        """When it happened."""
        return moment(self._time)

    @property
    def arn(self) -> str:
        """The ARN of the object."""
        partition = "aws-cn" if self.region.startswith("cn-") else "aws"
        partition = "aws-us-gov" if self.region.startswith("us-gov-") else partition
        return f"arn:{partition}:s3:::{self.bucket}/{self.key}"


_MEMBERS: dict[str, Any] = {
    "bucket": str,
    "key": str,
    "size": int,
    "etag": str,
    "version_id": str,
    "sequencer": str,
    "event_name": str,
    "source_ip": str,
    "principal": str,
}


class Buckets:
    """The handlers of buckets."""

    noun = "buckets"

    def __init__(self, app: App) -> None:
        self._app = app
        self.handlers: list[tuple[Chain, Callable[[S3Object], bool]]] = []
        # Buckets may send their events to EventBridge instead.
        app.source("event").also.append(self)  # type: ignore[attr-defined]  # it is a Bus

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        try:
            wanted = _wanted(options["events"])
        except ValueError as error:
            raise AppError(f"{described(handler)}: {error}") from None
        chain = chain_of(
            self._app, handler, layers, options, first_known(members(_MEMBERS), itself), S3Object
        )
        self.handlers.append((chain, _filter(options, wanted)))

    @understood
    def handle(self, event: Any, context: Any) -> None:
        """Have each object handled. Raises UnknownEvent before, and what handlers raise."""
        records = event.get("Records", ())  # S3's test message has none
        chains = [self._find(_of_record(record, event, context)) for record in records]
        for record, all_for_it in zip(records, chains, strict=True):
            for chain in all_for_it:
                # Each call has an invocation of its own, and with it its own services.
                s3_object = _of_record(record, event, context)
                if s3_object.request_id:
                    current.correlation_id.set(s3_object.request_id)
                called(self._app, chain, s3_object)

    def from_bus(self, event: dict[str, Any], context: Any) -> list[Callable[[], Any]]:
        """The calls for an event of a bus."""
        if event.get("source") != "aws.s3" or not isinstance(event.get("detail"), dict):
            return []
        s3_object = _of_bus(event, context)
        if s3_object is None:
            return []

        def call(chain: Chain) -> Callable[[], Any]:
            return lambda: called(self._app, chain, _of_bus(event, context) or s3_object)

        return [call(chain) for chain, fits in self.handlers if fits(s3_object)]

    def _find(self, s3_object: S3Object) -> list[Chain]:
        chains = [chain for chain, fits in self.handlers if fits(s3_object)]
        if not chains:
            raise UnknownEvent(
                f"{self._app.name}: no handler is for {s3_object.event_name} of {s3_object.key!r} in the bucket "
                f"{s3_object.bucket!r}: there are handlers for {self.told()}. LAMBENT_BUCKET_<NAME> can tell what a "
                "bucket is called here"
            )
        return chains

    def told(self) -> str:
        """What there is, for messages."""
        return ", ".join(
            f"{', '.join(options['events'])} of "
            f"{(options['prefix'] or '') + '*' + (options['suffix'] or '')!r} in {options['name']!r}"
            for chain, _ in self.handlers
            for options in [chain.options]
        )


def _filter(options: dict[str, Any], wanted: tuple[str, ...]) -> Callable[[S3Object], bool]:
    name, prefix, suffix = options["name"], options["prefix"] or "", options["suffix"] or ""
    deployed: str | None = None

    def fits(s3_object: S3Object) -> bool:
        nonlocal deployed
        if s3_object.bucket != name:
            if deployed is None:
                deployed = physical_name("bucket", name)
            if s3_object.bucket != deployed:
                return False
        return (
            s3_object.event_name.startswith(wanted)
            and s3_object.key.startswith(prefix)
            and s3_object.key.endswith(suffix)
        )

    return fits


def _wanted(events: Any) -> tuple[str, ...]:
    """Beginnings of the names of events. Raises ValueError for what S3 does not know."""
    if not events:
        raise ValueError("no events: a bucket's handler has to be for some, such as s3:ObjectCreated:*")
    found = []
    for event in events:
        name = event.removeprefix("s3:")
        first, colon, way = name.partition(":")
        ways = EVENTS.get(first)
        if ways is None or (way not in (*ways, "*") if ways else colon):
            known = ", ".join(
                f"s3:{one}:{{{','.join((*ways, '*'))}}}" if ways else f"s3:{one}"
                for one, ways in EVENTS.items()
            )
            raise ValueError(f"{event!r} is no event of S3; there are {known}")
        found.append(name.removesuffix("*"))
    return tuple(found)


def _of_record(record: dict[str, Any], event: Any, context: Any) -> S3Object:
    about = record["s3"]
    what = about["object"]
    made = S3Object(event, context)
    made.bucket = about["bucket"]["name"]
    made.key = unquote_plus(what["key"])
    made.size = what.get("size")
    made.etag = what.get("eTag")
    made.version_id = what.get("versionId")
    made.sequencer = what.get("sequencer")
    made.event_name = record["eventName"].removeprefix("s3:")
    made.source_ip = (record.get("requestParameters") or {}).get("sourceIPAddress")
    made.principal = (record.get("userIdentity") or {}).get("principalId")
    made.region = record.get("awsRegion") or ""
    made.request_id = (record.get("responseElements") or {}).get("x-amz-request-id")
    made._time = record["eventTime"]
    return made


def _of_bus(event: dict[str, Any], context: Any) -> S3Object | None:
    detail = event["detail"]
    name = _event_name(event["detail-type"], detail)
    if name is None or "object" not in detail:
        return None
    what = detail["object"]
    made = S3Object(event, context)
    made.bucket = detail["bucket"]["name"]
    made.key = what["key"]
    made.size = what.get("size")
    made.etag = what.get("etag")
    made.version_id = what.get("version-id")
    made.sequencer = what.get("sequencer")
    made.event_name = name
    made.source_ip = detail.get("source-ip-address")
    made.principal = detail.get("requester")
    made.region = event.get("region") or ""
    made.request_id = detail.get("request-id")
    made._time = event["time"]
    return made


def _event_name(detail_type: str, detail: dict[str, Any]) -> str | None:
    """S3's name of an event of EventBridge; None for what has none."""
    if detail_type == "Object Created":
        return f"ObjectCreated:{_OF_REASON.get(detail.get('reason', ''), 'Put')}"
    if detail_type == "Object Deleted":
        kind = "ObjectRemoved" if detail.get("reason") != "Lifecycle Expiration" else "LifecycleExpiration"
        marked = detail.get("deletion-type") == "Delete Marker Created"
        return f"{kind}:{'DeleteMarkerCreated' if marked else 'Delete'}"
    return _OF_DETAIL_TYPE.get(detail_type)
