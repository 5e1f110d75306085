"""How a record becomes the next: pure functions from one state of a function to another."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.functions.errors import NotReady, RevisionMismatch, UpdateInProgress

if TYPE_CHECKING:
    from lambent.functions.code_store import Code
    from lambent.functions.errors import ActivationFailed
    from lambent.functions.image import Image
    from lambent.functions.record import FunctionRecord
    from lambent.functions.version import FunctionVersion

_CREATING = "The function is being created."


def check_changeable(record: FunctionRecord, revision_id: str | None) -> None:
    """Raise UpdateInProgress, NotReady or RevisionMismatch when $LATEST cannot be changed (as the caller means)."""
    if record.latest.last_update_status == "InProgress":
        raise UpdateInProgress(record.arn)
    if record.latest.state == "Pending":
        raise NotReady(record.latest.state)
    if revision_id and revision_id != record.latest.revision_id:
        raise RevisionMismatch


def with_code(version: FunctionVersion, code: Code, image: Image | None) -> FunctionVersion:
    """The version with other code; `image` is what it is, unless it is a package."""
    return replace(version, code_hash=code.hash, code_sha256=code.sha256, code_size=code.size, image=image)


def with_latest(record: FunctionRecord, latest: FunctionVersion) -> FunctionRecord:
    """The record with another $LATEST that needs no preparation."""
    serving = latest if record.serving is record.latest else record.serving
    return replace(record, latest=latest, serving=serving)


def updating(record: FunctionRecord, latest: FunctionVersion) -> FunctionRecord:
    """The record with a new $LATEST in preparation; what served before serves until it is ready.

    After a failed creation nothing has served: the function begins anew, as Pending.
    """
    failed = record.latest.state == "Failed"
    new = replace(
        latest,
        uid=new_id(),
        revision_id=new_id(),
        last_modified=now_ms(),
        state="Pending" if failed else latest.state,
        state_reason=_CREATING if failed else latest.state_reason,
        state_reason_code="Creating" if failed else latest.state_reason_code,
        last_update_status="InProgress",
        last_update_reason=_CREATING,
        last_update_reason_code="Creating",
    )
    return replace(record, latest=new, serving=new if failed else record.serving)


def published(record: FunctionRecord, description: str | None) -> FunctionRecord:
    """The record with $LATEST as its next version, Active at once when $LATEST is."""
    number = record.last_version + 1
    latest = record.latest
    ready = latest.settled and latest.state == "Active"
    version = replace(
        latest,
        version=str(number),
        uid=new_id(),
        revision_id=new_id(),
        description=latest.description if description is None else description,
        state="Active" if ready else "Pending",
        state_reason=None if ready else _CREATING,
        state_reason_code=None if ready else "Creating",
        last_update_status="Successful" if ready else None,
        last_update_reason=None,
        last_update_reason_code=None,
        source_digest=latest.digest(),
    )
    return replace(record, last_version=number, versions={**record.versions, str(number): version})


def retagged(record: FunctionRecord, tags: dict[str, str]) -> FunctionRecord:
    """The record with these tags. $LATEST gets a new revision id, as Lambda gives it one."""
    return with_latest(replace(record, tags=tags), replace(record.latest, revision_id=new_id()))


def served(record: FunctionRecord, version: FunctionVersion) -> FunctionRecord:
    """The record with an update of $LATEST in service, though it still counts as in progress."""
    if record.latest.uid != version.uid or record.latest.settled:
        return record
    return replace(record, serving=record.latest)


def activated(
    record: FunctionRecord, version: FunctionVersion, failure: ActivationFailed | None
) -> FunctionRecord:
    """The record after the activation of `version` has ended; unchanged when that version is no longer awaited."""
    if version.version == record.latest.version:
        if record.latest.uid != version.uid or record.latest.settled:
            return record
        latest = _ended(record.latest, failure)
        # A failed update leaves what ran before; a failed creation had nothing, and says so when it is invoked.
        kept = failure is not None and record.serving is not record.latest
        return replace(record, latest=latest, serving=record.serving if kept else latest)
    awaited = record.versions.get(version.version)
    if awaited is None or awaited.uid != version.uid or awaited.settled:
        return record
    return replace(record, versions={**record.versions, version.version: _ended(awaited, failure)})


def _ended(version: FunctionVersion, failure: ActivationFailed | None) -> FunctionVersion:
    reason, code = (None, None) if failure is None else (failure.reason, failure.reason_code)
    if version.state == "Pending":
        # A version that had been Active stays so when its update fails: what ran before goes on running.
        state = "Active" if failure is None else "Failed"
        version = replace(version, state=state, state_reason=reason, state_reason_code=code)
    return replace(
        version,
        revision_id=new_id(),
        last_update_status="Successful" if failure is None else "Failed",
        last_update_reason=reason,
        last_update_reason_code=code,
    )


def new_id() -> str:
    """A new identity: UUID 4 as text."""
    return str(uuid.uuid4())


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
