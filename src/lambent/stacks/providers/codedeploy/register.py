"""The register of all that CodeDeploy knows, durable, and what hooks report."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import msgspec

from lambent.stacks.errors import ResourceFailure, StackError
from lambent.stacks.providers.codedeploy.records import (
    Application,
    Config,
    Deployment,
    Group,
    predefined,
)
from lambent.store.database import Statement

if TYPE_CHECKING:
    from lambent.clock import Clock
    from lambent.stacks.providers.codedeploy.records import Hook
    from lambent.stacks.providers.provider import Work
    from lambent.store.database import Database

Record: TypeAlias = Application | Group | Config | Deployment
Kept = TypeVar("Kept", bound=Record)

_TYPES: Final[dict[str, type[Record]]] = {
    kind.kind: kind for kind in (Application, Group, Config, Deployment)
}
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_MOST: Final = 1000
"""Deployments that are kept of an account and region."""


class DeploymentError(StackError):
    """What CodeDeploy refuses; `code` is its exception's name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Deployments:
    """Applications, groups, configurations and deployments. `open` gives the register."""

    def __init__(self, database: Database, clock: Clock, minute_s: float) -> None:
        self._database = database
        self.clock = clock
        self.minute_s = minute_s
        """How long a minute of traffic shifting lasts, in seconds."""
        self._records: dict[tuple[str, str, str, str], Record] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    @classmethod
    async def open(cls, database: Database, clock: Clock, minute_s: float = 60.0) -> Deployments:
        """Read what is there. Raises StoreError."""
        register = cls(database, clock, minute_s)
        for kind, definition in await database.read("SELECT kind, definition FROM stack_deployments"):
            record = msgspec.json.decode(str(definition), type=_TYPES[str(kind)])
            register._records[_key(record)] = record
        return register

    # ------------------------------------------------------------ records

    def application(self, account: str, region: str, name: str) -> Application | None:
        return self._find(Application, account, region, name)

    def group(self, account: str, region: str, application: str, group: str) -> Group | None:
        return self._find(Group, account, region, f"{application}/{group}")

    def config(self, account: str, region: str, name: str) -> Config | None:
        """One that a template has made, or that CodeDeploy comes with."""
        return self._find(Config, account, region, name) or predefined(account, region, name)

    def deployment(self, account: str, region: str, name: str) -> Deployment | None:
        return self._find(Deployment, account, region, name)

    def of_step(self, work: Work) -> Deployment | None:
        """The deployment that a step has begun."""
        return self.deployment(work.stack.account, work.stack.region, deployment_id(work))

    def all(self, kind: type[Kept], account: str, region: str) -> list[Kept]:
        """All of a kind, by name; deployments from the newest to the oldest."""
        found = [
            record
            for record in self._records.values()
            if isinstance(record, kind) and (record.account, record.region) == (account, region)
        ]
        if kind is Deployment:
            return sorted(found, key=lambda each: -getattr(each, "created_ms", 0))
        return sorted(found, key=lambda each: each.name)

    def _find(self, kind: type[Kept], account: str, region: str, name: str) -> Kept | None:
        found = self._records.get((kind.kind, account, region, name))
        return found if isinstance(found, kind) else None

    async def claim(self, record: Application | Group | Config) -> None:
        """Keep it, in place of its owner's of that name. Raises ResourceFailure when the name is another's."""
        there = self._records.get(_key(record))
        taken = there is not None and getattr(there, "owner", "") != record.owner
        if taken or (isinstance(record, Config) and predefined(record.account, record.region, record.name)):
            raise ResourceFailure(f"{record.name} already exists", "AlreadyExists")
        await self.save(record)

    async def save(self, record: Record) -> None:
        """Keep it as it is now. Raises StoreError."""
        key = _key(record)
        statements = [
            Statement(
                "INSERT INTO stack_deployments (kind, account, region, name, definition) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (kind, account, region, name) DO UPDATE SET definition = excluded.definition",
                (*key, msgspec.json.encode(record).decode()),
            )
        ]
        gone: list[Deployment] = []
        if isinstance(record, Deployment) and key not in self._records:
            gone = self.all(Deployment, record.account, record.region)[_MOST - 1 :]
            statements += [_deletion(_key(each)) for each in gone]
        await self._database.write(*statements)
        self._records[key] = record
        for each in gone:
            self._records.pop(_key(each), None)

    async def end(self, deployment: Deployment, status: str, code: str = "", message: str = "") -> None:
        """Keep what has become of it; nothing where that is known. Raises StoreError."""
        if deployment.ended:
            return
        deployment.status, deployment.completed_ms = status, self.clock.wall_ms()
        deployment.error_code, deployment.error = code, message
        if status != "Succeeded":
            deployment.percent = 0
        for hook in deployment.hooks:
            if hook.status in ("Pending", "InProgress"):
                hook.status = "Skipped"
        await self.save(deployment)

    async def stop_others(self, work: Work, function: str, alias: str) -> None:
        """End the deployments of that alias that other steps have begun and left. Raises StoreError."""
        for found in self.all(Deployment, work.stack.account, work.stack.region):
            same = (found.function, found.alias) == (function, alias)
            if same and not found.ended and found.name != deployment_id(work):
                await self.end(found, "Stopped", "MANUAL_STOP", "The deployment was stopped.")

    async def remove(self, record: Record) -> None:
        """Forget it. Raises StoreError."""
        await self._database.write(_deletion(_key(record)))
        self._records.pop(_key(record), None)

    async def clear(self) -> None:
        """Forget everything. Raises StoreError."""
        await self._database.write(Statement("DELETE FROM stack_deployments"))
        self._records.clear()

    # ------------------------------------------------------------ hooks

    async def report(
        self, account: str, region: str, deployment_id: str, execution: str, status: str
    ) -> None:
        """Keep what a hook says. Raises DeploymentError, StoreError."""
        deployment = self.deployment(account, region, deployment_id)
        if deployment is None:
            raise DeploymentError(
                "DeploymentDoesNotExistException", f"The deployment {deployment_id} could not be found"
            )
        hook = next((each for each in deployment.hooks if each.execution == execution), None)
        if hook is None:
            raise DeploymentError(
                "InvalidLifecycleEventHookExecutionIdException",
                f"The lifecycle event hook execution ID {execution} is not one of the deployment's",
            )
        if status not in ("Succeeded", "Failed"):
            raise DeploymentError(
                "InvalidLifecycleEventHookExecutionStatusException",
                f"The status {status} is not valid: only Succeeded and Failed can be reported",
            )
        if hook.status != "InProgress" or deployment.ended:
            raise DeploymentError(
                "LifecycleEventAlreadyCompletedException",
                f"The lifecycle event {hook.event} of deployment {deployment_id} is already completed",
            )
        hook.status, hook.ended_ms = status, self.clock.wall_ms()
        await self.save(deployment)
        for woken in self._waiting.get(execution, ()):
            if not woken.done():
                woken.set_result(None)

    async def reported(self, hook: Hook) -> None:
        """Wait until the hook has reported."""
        while hook.status == "InProgress":
            woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            waiting = self._waiting.setdefault(hook.execution, [])
            waiting.append(woken)
            try:
                await woken
            finally:
                waiting.remove(woken)
                if not waiting:
                    self._waiting.pop(hook.execution, None)


def deployment_id(work: Work) -> str:
    """`d-` and nine letters and digits: the same again for the same step."""
    number = int.from_bytes(hashlib.sha256(f"{work.token}/{work.logical_id}".encode()).digest())
    letters = ""
    for _ in range(9):
        number, letter = divmod(number, len(_LETTERS))
        letters += _LETTERS[letter]
    return f"d-{letters}"


def _key(record: Record) -> tuple[str, str, str, str]:
    return record.kind, record.account, record.region, record.name


def _deletion(key: tuple[str, str, str, str]) -> Statement:
    return Statement(
        "DELETE FROM stack_deployments WHERE kind = ? AND account = ? AND region = ? AND name = ?", key
    )
