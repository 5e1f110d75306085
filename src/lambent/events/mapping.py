"""An event source mapping: a source, a function, and how records get from one to the other."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from lambent.functions.names import partition_of

State: TypeAlias = Literal["Creating", "Enabling", "Enabled", "Disabling", "Disabled", "Updating", "Deleting"]

SETTLED: frozenset[State] = frozenset({"Enabled", "Disabled"})
"""The states in which nothing is on its way."""


class Settings(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a mapping reads and calls. None: not set, or nothing for this kind of source.

    Times in seconds; -1 for an age or a number of attempts is no limit. `filters` are patterns as JSON text.
    `options` holds what belongs to one kind of source alone, by name as in the model of Lambda.
    """

    batch_size: int | None = None
    batching_window_s: int | None = None
    filters: tuple[str, ...] | None = None
    kms_key_arn: str | None = None
    metrics: tuple[str, ...] | None = None
    system_log_level: str | None = None
    maximum_concurrency: int | None = None
    parallelization_factor: int | None = None
    on_success: str | None = None
    on_failure: str | None = None
    record_age_s: int | None = None
    bisect_on_error: bool | None = None
    retry_attempts: int | None = None
    tumbling_window_s: int | None = None
    report_item_failures: bool | None = None
    pollers: dict[str, Any] | None = None
    options: dict[str, Any] = {}


class Mapping(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One mapping at one moment.

    `source_arn` is None for a self-managed source. `function_arn` is as the caller named the function, with the
    qualifier if there was one. `modified_ms` is in milliseconds since the epoch. `target` is the state that a
    state on its way leads to.
    """

    id: str
    account: str
    region: str
    source_kind: str
    function_arn: str
    settings: Settings
    state: State
    target: Literal["Enabled", "Disabled"]
    modified_ms: int
    source_arn: str | None = None
    starting_position: str | None = None
    starting_timestamp: float | None = None
    topics: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None
    endpoints: dict[str, tuple[str, ...]] | None = None
    tags: dict[str, str] = {}
    revision: int = 1

    @property
    def arn(self) -> str:
        """The mapping's ARN."""
        partition = partition_of(self.region)
        return f"arn:{partition}:lambda:{self.region}:{self.account}:event-source-mapping:{self.id}"

    @property
    def function_name(self) -> str:
        """The function's plain name."""
        return self.function_arn.split(":")[6]

    @property
    def settled(self) -> bool:
        """Whether nothing is on its way."""
        return self.state in SETTLED
