"""What a dead-letter queue gets of a parcel that was not delivered.

The attributes are those of "Using dead-letter queues to process undelivered events" of EventBridge's guide, and of
"Configuring a schedule's dead-letter queue" of Scheduler's. Letters of topics are the messages as they were sent, and
say nothing of what went wrong ("Amazon SNS dead-letter queues").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.events.deliveries.message_attributes import of_texts
from lambent.events.deliveries.parcel import Parcel, Retry

if TYPE_CHECKING:
    from lambent.events.deliveries.parcel import Undeliverable

_RULES = "events.amazonaws.com"
_SCHEDULER = "scheduler.amazonaws.com"
_TOPICS = "sns.amazonaws.com"


def dead_letter(parcel: Parcel, error: Undeliverable, retries: int, condition: str | None) -> Parcel | None:
    """The parcel for the dead-letter queue; None where there is none.

    `retries` were made; `condition` says which limit has ended them.
    """
    if parcel.dead_letter_arn is None:
        return None
    attributes = {
        **parcel.dead_letter_attributes,
        "ERROR_CODE": error.service_code if parcel.principal == _SCHEDULER else error.code,
        "ERROR_MESSAGE": error.message or error.code,
        "RETRY_ATTEMPTS": str(retries),
    }
    if condition is not None:
        attributes["EXHAUSTED_RETRY_CONDITION"] = condition
    return Parcel(
        target_arn=parcel.dead_letter_arn,
        body=parcel.body if parcel.dead_letter_body is None else parcel.dead_letter_body,
        account=parcel.account,
        region=parcel.region,
        principal=parcel.principal,
        source_arn=parcel.source_arn,
        # A rule's role is for its target alone; others send to their dead-letter queue in theirs.
        role_arn=None if parcel.principal == _RULES else parcel.role_arn,
        options=parcel.options
        if parcel.principal == _TOPICS
        else {"MessageAttributes": of_texts(attributes)},
        trace=parcel.trace,
        retry=Retry(),
    )
