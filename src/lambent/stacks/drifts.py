"""The search for drift: resources that are not any more what their stack has made of them."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.stacks.changes import Drift, drifted
from lambent.stacks.errors import StackError, ValidationError
from lambent.stacks.masking import masked_json, masks_of
from lambent.stacks.records import Detection, Resource, ResourceDrift, Stack
from lambent.stacks.removal import GONE
from lambent.stacks.schemas import schema_of
from lambent.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.stacks.operations import Operations

_POSSIBLE: Final = frozenset(
    {
        "CREATE_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
    }
)
"""Statuses of stacks in which drift can be looked for (UserGuide, "Drift detection status codes")."""
_AT_ONCE: Final = 16
_SEARCHING: Final = "DETECTION_IN_PROGRESS"

_log = logging.getLogger(__name__)


class Drifts:
    """Detections of whole stacks run in the background; one that was interrupted begins again."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._ledger = operations.ledger
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def detect(self, stack: Stack, logical_ids: Sequence[str] | None) -> str:
        """Begin to look at a stack's resources, or at some of them; the detection's id. Raises ValidationError."""
        _check(stack)
        for known in self._ledger.detections.values():
            if known.stack_id == stack.id and known.status == _SEARCHING:
                raise ValidationError(f"Drift detection is already in progress for stack [{stack.id}].")
        missing = [name for name in logical_ids or () if name not in stack.resources]
        if missing:
            raise ValidationError(f"Resources [{', '.join(missing)}] do not exist in stack [{stack.name}].")
        detection = Detection(
            str(uuid.uuid4()),
            stack.id,
            _SEARCHING,
            self._operations.clock.wall_ms(),
            logical_ids=list(logical_ids) if logical_ids else None,
        )
        self._ledger.detections[detection.id] = detection
        await self._ledger.entry().detection(detection).write()
        self._begin(stack, detection)
        return detection.id

    async def detect_resource(self, stack: Stack, logical_id: str) -> ResourceDrift:
        """Look at one resource now. Raises ValidationError."""
        _check(stack)
        resource = stack.resources.get(logical_id)
        if resource is None or resource.now is None or resource.status in GONE:
            raise ValidationError(f"Resource {logical_id} does not exist for stack {stack.name}")
        drift = await self._look(stack, resource)
        if drift is None:
            raise ValidationError(f"Drift detection is not supported for resource type {resource.type}.")
        await self._ledger.entry().resource(stack, resource).write()
        return drift

    def find(self, account: str, region: str, detection_id: str) -> Detection:
        """Raises ValidationError."""
        detection = self._ledger.detections.get(detection_id)
        stack = None if detection is None else self._ledger.stacks.get(detection.stack_id)
        if detection is None or stack is None or (stack.account, stack.region) != (account, region):
            raise ValidationError(f"Stack drift detection with id {detection_id} does not exist")
        return detection

    def resume(self) -> None:
        """Begin again what was interrupted."""
        for detection in list(self._ledger.detections.values()):
            stack = self._ledger.stacks.get(detection.stack_id)
            if detection.status == _SEARCHING and stack is not None and detection.id not in self._tasks:
                self._begin(stack, detection)

    def drain(self) -> None:
        """What is being looked at is looked at again at the next start."""
        for task in self._tasks.values():
            task.cancel()

    async def settled(self, detection_id: str) -> Detection:
        """The detection, once it has ended."""
        task = self._tasks.get(detection_id)
        if task is not None:
            await asyncio.wait([task])
        return self._ledger.detections[detection_id]

    def _begin(self, stack: Stack, detection: Detection) -> None:
        task = asyncio.create_task(self._run(stack, detection), name=f"drift of {stack.name}")
        self._tasks[detection.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(detection.id, None))

    async def _run(self, stack: Stack, detection: Detection) -> None:
        failed: list[str] = []
        wanted = detection.logical_ids
        resources = [
            resource
            for resource in stack.resources.values()
            if resource.now is not None
            and resource.status not in GONE
            and (wanted is None or resource.logical_id in wanted)
        ]
        entry = self._ledger.entry()
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(resource: Resource) -> None:
            async with turn:
                try:
                    if await self._look(stack, resource) is not None:
                        entry.resource(stack, resource)
                except (StoreError, StackError):
                    failed.append(resource.logical_id)
                except Exception:  # noqa: BLE001 - logged, and told as the detection's failure
                    _log.exception("drift of %s in %s", resource.logical_id, stack.name)
                    failed.append(resource.logical_id)

        await asyncio.gather(*map(one, resources))
        now_ms = self._operations.clock.wall_ms()
        drifts = [resource.drift for resource in stack.resources.values() if resource.drift is not None]
        away = sum(drift.status in ("MODIFIED", "DELETED") for drift in drifts)
        stack.drift_status = "DRIFTED" if away else "IN_SYNC" if drifts else "NOT_CHECKED"
        stack.drift_checked_ms = now_ms
        detection = msgspec.structs.replace(
            detection,
            status="DETECTION_FAILED" if failed else "DETECTION_COMPLETE",
            drift_status=stack.drift_status,
            drifted=away,
            reason=f"Failed to detect drift on resources [{', '.join(failed)}]." if failed else None,
        )
        self._ledger.detections[detection.id] = detection
        await entry.stack(stack).detection(detection).write()

    async def _look(self, stack: Stack, resource: Resource) -> ResourceDrift | None:
        """What has become of it, kept in the resource; None where nobody can tell."""
        deployed = resource.now
        assert deployed is not None
        now_ms = self._operations.clock.wall_ms()
        try:
            live = await self._operations.steps.read(stack, resource)
        except NotImplementedError:
            return None
        schema = schema_of(deployed.type)
        if live is None:
            told = deployed.properties if deployed.shown is None else deployed.shown
            expected = msgspec.json.encode(told, enc_hook=str).decode()
            drift = ResourceDrift(
                resource.logical_id, deployed.physical_id, deployed.type, "DELETED", now_ms, expected
            )
        else:
            found = drifted(schema, deployed.properties, live, stack.tags)
            if deployed.shown is not None:
                found = _masked(found, masks_of(deployed))
            drift = ResourceDrift(
                resource.logical_id,
                deployed.physical_id,
                deployed.type,
                "MODIFIED" if found.differences else "IN_SYNC",
                now_ms,
                found.expected,
                found.actual,
                found.differences,
            )
        resource.drift = drift
        return drift


def _masked(found: Drift, masks: dict[str, str]) -> Drift:
    """The same without secrets: what is told as it is in events."""
    return Drift(
        masked_json(found.expected, masks),
        masked_json(found.actual, masks),
        [
            {name: masked_json(value, masks) for name, value in difference.items()}
            for difference in found.differences
        ],
    )


def _check(stack: Stack) -> None:
    if stack.status not in _POSSIBLE:
        raise ValidationError(
            f"Stack:{stack.id} is in {stack.status} state and can not be checked for drift."
        )
