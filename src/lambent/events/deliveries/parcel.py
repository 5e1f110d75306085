"""What is to be delivered."""

from __future__ import annotations

from typing import Any, Final

import msgspec

MAX_AGE_S: Final = 86_400
MAX_ATTEMPTS: Final = 185
"""EventBridge tries for 24 hours and up to 185 times again ("How EventBridge retries delivering events")."""


class Retry(msgspec.Struct, frozen=True, omit_defaults=True):
    """How long and how often to try. `max_attempts` counts the attempts after the first."""

    max_age_s: int = MAX_AGE_S
    max_attempts: int = MAX_ATTEMPTS


class Parcel(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing for one target.

    `body` is what the target gets, as text. `principal` is who delivers: `events.amazonaws.com`,
    `scheduler.amazonaws.com`, `lambda.amazonaws.com`; `source_arn` on whose behalf (rule, schedule, function), which
    is the `aws:SourceArn` that resource policies see. With a role no resource policy is asked.

    `options` belong to kinds of targets: `MessageGroupId`, `MessageDeduplicationId` and `MessageAttributes` as on the
    JSON wire (SQS and SNS), `Subject` (SNS), `PartitionKey` (Kinesis), `Encoding` (Kinesis and Firehose: `base64` where
    `body` is bytes so written), `Key` (S3), `LogStream` (Logs), `ExecutionName` (Step Functions), `Source`,
    `DetailType` and `Resources` (a bus that gets `body` as the detail of a new event), `service` and `operation` (any
    operation of any service, with `body` as its input).

    `dead_letter_attributes` accompany a parcel that ends in its dead-letter queue; ERROR_CODE, ERROR_MESSAGE,
    RETRY_ATTEMPTS and EXHAUSTED_RETRY_CONDITION are added to them. `dead_letter_body` is what that queue gets, where
    it is not `body`.

    `problem`: why it cannot be delivered at all, "" where it can.
    """

    target_arn: str
    body: str
    account: str
    region: str
    principal: str
    source_arn: str
    role_arn: str | None = None
    options: dict[str, Any] = {}
    trace: str = ""
    retry: Retry = Retry()
    dead_letter_arn: str | None = None
    dead_letter_attributes: dict[str, str] = {}
    dead_letter_body: str | None = None
    problem: str = ""


class Undeliverable(Exception):
    """An attempt that has failed.

    `code` as the dead-letter queues of rules get it (`NO_PERMISSIONS`, `THROTTLING`, …: "Using dead-letter queues to
    process undelivered events" of EventBridge's guide), `service_code` as the target's own service calls it, which is
    what Scheduler tells; `again`: whether another attempt may succeed.
    """

    def __init__(self, code: str, message: str, service_code: str = "", *, again: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.service_code = service_code or code
        self.again = again
