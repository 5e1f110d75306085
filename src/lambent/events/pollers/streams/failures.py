"""Records that are given up: what the on-failure destination is told.

The document is that of "Retain discarded batch records" of Lambda's developer guide, for Kinesis and for DynamoDB;
members that are null as LocalStack's tests have recorded them on AWS (`test_kinesis_report_batch_item_failures`). To a
bucket the whole event goes with it, under the key that is documented there.
"""

from __future__ import annotations

import datetime
import uuid
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from lambent.events.deliveries import Parcel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.events.mapping import Mapping
    from lambent.events.pollers.calls import Called
    from lambent.events.pollers.streams.record import StreamRecord

Reason: TypeAlias = Literal["RetryAttemptsExhausted", "RecordAgeExceeded", "PayloadSizeExceeded"]

_PRINCIPAL: Final = "lambda.amazonaws.com"
_INFO: Final = {"kinesis": "KinesisBatchInfo", "dynamodb": "DDBStreamBatchInfo"}


class GivenUp(NamedTuple):
    """Records that are given up, and how their last call has ended; None when there was none."""

    records: Sequence[StreamRecord]
    reason: Reason
    attempts: int
    called: Called | None


def parcel_of(
    given_up: GivenUp, mapping: Mapping, shard_id: str, role: str, payload: bytes, now_ms: int
) -> Parcel | None:
    """What the destination gets; None where there is none. `payload` is the event, for buckets."""
    target = mapping.settings.on_failure
    if target is None:
        return None
    document = _document(given_up, mapping, shard_id, now_ms)
    options: dict[str, Any] = {}
    if target.startswith("arn:") and target.split(":")[2] == "s3":
        document["payload"] = payload.decode()
        options["Key"] = _key(mapping, shard_id, now_ms)
    return Parcel(
        target_arn=target,
        body=msgspec.json.encode(document).decode(),
        account=mapping.account,
        region=mapping.region,
        principal=_PRINCIPAL,
        source_arn=mapping.function_arn,
        role_arn=role or None,
        options=options,
    )


def _document(given_up: GivenUp, mapping: Mapping, shard_id: str, now_ms: int) -> dict[str, Any]:
    records, reason, attempts, called = given_up
    # However often they were tried before (`test_kinesis_maximum_record_age_exceeded`).
    too_old = reason == "RecordAgeExceeded"
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": str(uuid.uuid4()) if called is None else called.request_id,
            "functionArn": mapping.function_arn,
            "condition": reason,
            "approximateInvokeCount": 1 if too_old else attempts,
        }
    }
    if called is not None and not too_old:
        document["responseContext"] = {
            "statusCode": 200,
            "executedVersion": called.executed_version,
            "functionError": "Unhandled" if called.condition == "FunctionError" else None,
        }
    document["version"] = "1.0"
    document["timestamp"] = _instant(now_ms, always=True)
    document[_INFO[mapping.source_kind]] = {
        "shardId": shard_id,
        "startSequenceNumber": records[0].sequence,
        "endSequenceNumber": records[-1].sequence,
        "approximateArrivalOfFirstRecord": _instant(records[0].arrival_ms),
        "approximateArrivalOfLastRecord": _instant(records[-1].arrival_ms),
        "batchSize": len(records),
        "streamArn": mapping.source_arn,
    }
    return document


def _instant(ms: int, *, always: bool = False) -> str:
    """`2019-11-14T00:38:04.835Z`; whole seconds without a fraction, unless it is `always` there."""
    moment = datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ms % 1000:03}Z" if always or ms % 1000 else f"{text}Z"


def _key(mapping: Mapping, shard_id: str, now_ms: int) -> str:
    moment = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)
    return f"aws/lambda/{mapping.id}/{shard_id}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
