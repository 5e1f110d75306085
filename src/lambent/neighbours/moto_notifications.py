"""What buckets tell of their objects: events as S3 words them, for functions, queues, topics and EventBridge.

Part of the program in moto_server.py, which loads it with the first request to S3. Facts of moto 5.2.5, which says less
than S3 does and tells nothing of delete markers. What S3 says: "Event message structure" and "EventBridge event message
structure" of its user guide; which members there are, versions, and how keys are encoded is recorded by LocalStack
(tests/aws/services/s3/test_s3_notifications_*.snapshot.json). Sequencers begin with the seconds since 1970.
"""

import base64
import hashlib
import itertools
import json
import os
import re
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from flask import has_request_context, request
from moto.s3 import notifications
from moto.s3.models import FakeDeleteMarker, S3Backend
from moto.s3.responses import S3Response
from moto.sns.models import sns_backends

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE_IP = "HTTP_X_LAMBENT_SOURCE_IP"
"""Where the platform says who has asked it."""

_SUBJECT = "Amazon S3 Notification"
_EMPTY = hashlib.md5(b"", usedforsecurity=False).hexdigest()  # what a delete marker has for an ETag
_CASES = re.compile(rb"<Name>\s*(prefix|suffix)\s*</Name>", re.IGNORECASE)
_ASIDE = {"s3:ObjectTagging": "tagging", "s3:ObjectAcl": "acl"}
_REASONS = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "s3:ObjectRemoved:Delete": "DeleteObject",
    "s3:ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
}
_DETAIL_TYPES = {
    "s3:ObjectCreated": "Object Created",
    "s3:ObjectRemoved": "Object Deleted",
    "s3:ObjectRestore:Post": "Object Restore Initiated",
    "s3:ObjectRestore:Completed": "Object Restore Completed",
    "s3:ObjectAcl": "Object ACL Updated",
    "s3:ObjectTagging:Put": "Object Tags Added",
    "s3:ObjectTagging:Delete": "Object Tags Deleted",
}


def prepare(outgoing: Any) -> None:
    """Have buckets leave what they tell in `outgoing`, a moto_outgoing.Outgoing."""
    told = _Notifications(outgoing)
    notifications.send_event = told.send
    notifications.send_test_event = told.send_test
    delete, read = S3Backend.delete_object, S3Response._notification_config_from_body

    def delete_object(
        backend: Any, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
    ) -> Any:
        return told.delete(delete, backend, bucket_name, key_name, version_id, bypass)

    def configuration(response: Any) -> Any:
        # S3 takes Prefix and prefix; moto only the latter.
        body = response.body if isinstance(response.body, bytes) else response.body.encode()
        response.body = _CASES.sub(lambda found: b"<Name>%s</Name>" % found[1].lower(), body)
        return read(response)

    S3Backend.delete_object = delete_object  # type: ignore[method-assign, assignment]
    S3Response._notification_config_from_body = configuration  # type: ignore[method-assign, assignment]


class _Notifications:
    def __init__(self, outgoing: Any) -> None:
        self._outgoing = outgoing
        self._sequence = _sequence()
        self._lock = threading.Lock()
        self._deleting = threading.local()

    # ------------------------------------------------------------ what has happened

    def send(self, account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        """In place of moto's own: something has happened to an object."""
        name = str(getattr(event_name, "value", event_name))
        configuration = bucket.notification_configuration
        if configuration is None or getattr(self._deleting, "now", False):
            return
        if name == "s3:ObjectCreated:Put" and key.multipart is not None:
            return  # moto puts what CompleteMultipartUpload has completed
        aside = _ASIDE.get(name.rpartition(":")[0])
        if aside is not None and has_request_context() and aside not in request.args:
            return  # a part of putting the object
        facts = self._facts(name, bucket, key)
        for kind in ("cloud_function", "queue", "topic"):
            for notification in getattr(configuration, kind):
                if notification.matches(name, key.name):
                    body = json.dumps({"Records": [_record(facts, notification.id)]})
                    self._notify(account_id, bucket, notification.arn, body)
        if configuration.event_bridge is not None:
            self._emit(account_id, bucket, facts)

    def delete(
        self, delete: Any, backend: Any, bucket_name: str, key_name: str, version_id: str | None, bypass: bool
    ) -> Any:
        """Delete an object with moto's `delete`, and tell what it tells nothing of: markers and single versions."""
        bucket = backend.get_bucket(bucket_name)
        versions = bucket.keys.getlist(key_name, [])
        if version_id is not None:
            versions = [one for one in versions if str(one.version_id) == str(version_id)]
        before = versions[-1] if versions else None
        self._deleting.now = True
        try:
            answer = delete(backend, bucket_name, key_name, version_id=version_id, bypass=bypass)
        finally:
            self._deleting.now = False
        if before is not None and answer[0]:
            marked = bucket.is_versioned and version_id is None
            name = "DeleteMarkerCreated" if marked else "Delete"
            key = bucket.keys[key_name] if marked else before
            self.send(backend.account_id, f"s3:ObjectRemoved:{name}", bucket, key)
        return answer

    def send_test(self, account_id: str, bucket: Any) -> None:
        """In place of moto's own: queues and topics that are to be notified hear so at once, functions do not."""
        configuration = bucket.notification_configuration
        for arn in dict.fromkeys(one.arn for one in (*configuration.queue, *configuration.topic)):
            document = {
                "Service": "Amazon S3",
                "Event": "s3:TestEvent",
                "Time": self._outgoing.now(),
                "Bucket": bucket.name,
                "RequestId": os.urandom(8).hex().upper(),
                "HostId": _host_id(),
            }
            self._notify(account_id, bucket, arn, json.dumps(document))

    # ------------------------------------------------------------ to whom it is told

    def _notify(self, account_id: str, bucket: Any, arn: str, body: str) -> None:
        service, region, account = arn.split(":", 5)[2:5]
        if service == "sns":
            topics = sns_backends[account][region]
            if arn in topics.topics:
                topics.topics[arn].publish(body, subject=_SUBJECT)
            return
        self._outgoing.add("s3", bucket.arn, account_id, bucket.region_name, arn, body)

    def _emit(self, account_id: str, bucket: Any, facts: dict[str, Any]) -> None:
        name = facts["name"]
        kind = _DETAIL_TYPES.get(name) or _DETAIL_TYPES.get(name.rpartition(":")[0])
        if kind is None:
            return
        told, completed = facts["object"], name == "s3:ObjectRestore:Completed"
        names = {"size": "size", "eTag": "etag", "versionId": "version-id"}
        if not name.startswith("s3:ObjectRestore"):
            names["sequencer"] = "sequencer"
        if kind == "Object Deleted" and not name.endswith("DeleteMarkerCreated"):
            names = {"versionId": "version-id", "sequencer": "sequencer"}
        detail = {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": {
                "key": facts["key"],
                **{spelt: told[name] for name, spelt in names.items() if name in told},
            },
            "request-id": facts["request"],
            "requester": "s3.amazonaws.com" if completed else account_id,
            **({} if completed else {"source-ip-address": facts["ip"]}),
        }
        if name in _REASONS:
            detail["reason"] = _REASONS[name]
        if kind == "Object Deleted":
            marked = name.endswith("DeleteMarkerCreated")
            detail["deletion-type"] = "Delete Marker Created" if marked else "Permanently Deleted"
        if name.startswith("s3:ObjectRestore"):
            detail["source-storage-class"] = facts["class"]
        if completed:
            detail["restore-expiry-time"] = facts["expiry"]
        region = bucket.region_name
        partition = bucket.arn.split(":")[1]
        self._outgoing.add(
            "s3",
            bucket.arn,
            account_id,
            region,
            f"arn:{partition}:events:{region}:{account_id}:event-bus/default",
            json.dumps(detail),
            options={"Source": "aws.s3", "DetailType": kind, "Resources": [bucket.arn]},
        )

    # ------------------------------------------------------------ words

    def _facts(self, name: str, bucket: Any, key: Any) -> dict[str, Any]:
        removed, marker = name.startswith("s3:ObjectRemoved"), isinstance(key, FakeDeleteMarker)
        # Of what is beside the object itself neither size nor order are told.
        aside = name.rpartition(":")[0] in _ASIDE
        told: dict[str, Any] = {"key": _encoded(key.name)}
        if not removed:
            if not aside:
                told["size"] = key.size
            told["eTag"] = key.etag.replace('"', "")
        elif marker and name.endswith("DeleteMarkerCreated"):
            told["eTag"] = _EMPTY
        if bucket.is_versioned or str(key.version_id) != "null":
            told["versionId"] = str(key.version_id)
        if not aside:
            with self._lock:
                told["sequencer"] = next(self._sequence)
        expiry = getattr(key, "_expiry", None)
        ip = request.environ.get(SOURCE_IP, "127.0.0.1") if has_request_context() else "127.0.0.1"
        return {
            "name": name,
            "version": "2.3" if aside else "2.1",
            "time": self._outgoing.now(),
            "bucket": bucket,
            "key": key.name,
            "object": told,
            "request": os.urandom(8).hex().upper(),
            "ip": ip,
            "class": getattr(key, "storage_class", None) or "STANDARD",
            "expiry": expiry.strftime("%Y-%m-%dT%H:%M:%SZ") if expiry is not None else "",
        }


def _record(facts: dict[str, Any], configuration_id: str) -> dict[str, Any]:
    bucket, name = facts["bucket"], facts["name"]
    completed = name == "s3:ObjectRestore:Completed"
    owner = "A" + _id_of(bucket.account_id, 13)
    record = {
        "eventVersion": facts["version"],
        "eventSource": "aws:s3",
        "awsRegion": bucket.region_name,
        "eventTime": facts["time"],
        "eventName": name.removeprefix("s3:"),
        "userIdentity": {"principalId": f"AmazonCustomer:{owner}" if completed else f"AWS:{owner}"},
        "requestParameters": {"sourceIPAddress": "s3.amazonaws.com" if completed else facts["ip"]},
        "responseElements": {"x-amz-request-id": facts["request"], "x-amz-id-2": _host_id()},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {
                "name": bucket.name,
                "ownerIdentity": {"principalId": owner},
                "arn": bucket.arn,
            },
            "object": facts["object"],
        },
    }
    if completed:
        record["glacierEventData"] = {
            "restoreEventData": {
                "lifecycleRestorationExpiryTime": facts["expiry"],
                "lifecycleRestoreStorageClass": facts["class"],
            }
        }
    return record


def _encoded(key: str) -> str:
    """As a form would be, but for slashes."""
    return quote_plus(key, safe="/*").replace("~", "%7E")


def _id_of(account: str, length: int) -> str:
    return base64.b32encode(hashlib.sha256(account.encode()).digest()).decode()[:length]


def _host_id() -> str:
    return base64.b64encode(os.urandom(48)).decode()


def _sequence() -> "Iterator[str]":
    """Later ones are greater as text."""
    last = 0
    for _ in itertools.count():
        now = time.time_ns()
        last = max(last + 1, (now // 10**9 << 32) | int(now % 10**9 * 4.294967296))
        yield f"00{last:016X}"
