"""What is set for a queue, as typed values."""

from __future__ import annotations

from typing import Literal

import msgspec


class RedrivePolicy(msgspec.Struct, frozen=True):
    """Where messages go that were received `maximum_receives` times without being deleted."""

    dead_letter_arn: str
    maximum_receives: int


class RedriveAllowPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which queues may use this one for their dead letters."""

    permission: Literal["allowAll", "denyAll", "byQueue"] = "allowAll"
    source_arns: tuple[str, ...] = ()

    def allows(self, source_arn: str) -> bool:
        """Whether the queue with this ARN may."""
        if self.permission == "byQueue":
            return source_arn in self.source_arns
        return self.permission == "allowAll"


class QueueSettings(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The attributes of a queue that people set; times in seconds.

    `policy`, `redrive_text` and `redrive_allow_text` are JSON as it was given, "" for none.
    """

    visibility_s: int = 30
    delay_s: int = 0
    retention_s: int = 345_600
    maximum_bytes: int = 1_048_576
    wait_s: int = 0
    policy: str = ""
    redrive: RedrivePolicy | None = None
    redrive_text: str = ""
    redrive_allow: RedriveAllowPolicy | None = None
    redrive_allow_text: str = ""
    content_deduplication: bool = False
    deduplication_scope: Literal["queue", "messageGroup"] = "queue"
    throughput_limit: Literal["perQueue", "perMessageGroupId"] = "perQueue"
    kms_key: str = ""
    kms_reuse_s: int | None = None
    managed_encryption: bool = True
