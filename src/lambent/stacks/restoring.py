"""What moto forgets when it ends, made again when it has been started: the resources of stacks, without their data.

moto keeps everything in memory, stacks are durable. So whenever there is a new moto, all that stacks have there is
made again as it was deployed, with its names, and with the ids that moto makes up (neighbours/moto_ids.py). Buckets are
empty then, tables without items, generated secrets others; custom resources are not asked. An operation that was
interrupted finds what it had made until then. Nobody is told: there are no events, and records change only where ids or
attributes cannot be had again.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec

from lambent.stacks.parallel import walk
from lambent.stacks.providers.work import StepWork
from lambent.stacks.removal import GONE
from lambent.stacks.schemas import schema_of
from lambent.stacks.steps import identity_of, system_tags
from lambent.stacks.template import resolve_dynamic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from lambent.neighbours.service_calls import ServiceCall
    from lambent.stacks.ledger import Ledger
    from lambent.stacks.providers.catalogue import Catalogue
    from lambent.stacks.providers.provider import Made
    from lambent.stacks.records import Deployment, Resource, Stack

SERVICES: Final = {
    "ApplicationAutoScaling": "application-autoscaling",
    "CertificateManager": "acm",
    "CloudWatch": "cloudwatch",
    "Cognito": "cognito-idp",
    "DynamoDB": "dynamodb",
    "EC2": "ec2",
    "ECR": "ecr",
    "IAM": "iam",
    "IoT": "iot",
    "KMS": "kms",
    "Kinesis": "kinesis",
    "KinesisFirehose": "firehose",
    "Pipes": "pipes",
    "Route53": "route53",
    "S3": "s3",
    "SNS": "sns",
    "SSM": "ssm",
    "SecretsManager": "secretsmanager",
    "StepFunctions": "stepfunctions",
}
"""The middle of the names of types that moto serves, and whose they are, as botocore names it."""

_ONE_S: Final = 15.0
"""How long one resource may take: moto loads services one after the other, each when it is first asked for."""
_AGAIN_S: Final = 5.0
"""And when it is tried once more."""
_LONGEST: Final = 256
_SECRET: Final = re.compile(r"-[A-Za-z0-9]{6}$")
_PASSING: Final = re.compile(r".*(Date|Time|Timestamp|Count|VersionId)$")
"""Attributes that are others now and then, and nobody's need."""

_Key: TypeAlias = tuple[str, str]
"""The stack's id and the logical one."""

_log = logging.getLogger(__name__)


class _Lost(NamedTuple):
    """Something to be made again. `token`: of the step that has made it, "" where that is not known."""

    deployed: Deployment
    token: str


class _Again(StepWork):
    """A creation that gives its resource the name that it had."""

    before: Deployment
    same_token: bool

    def name(self, limit: int, *, lower: bool = False, separator: str = "-", suffix: str = "") -> str:
        if self.same_token:
            return super().name(limit, lower=lower, separator=separator, suffix=suffix)
        # Imported: it has a name that nobody has made up.
        physical_id = self.before.physical_id
        if not physical_id.startswith("arn:"):
            return physical_id
        name = re.split("[:/]", physical_id)[-1]
        return _SECRET.sub("", name) if self.type == "AWS::SecretsManager::Secret" else name


class Restoring:
    """Makes again what a new moto does not know.

    `ask` sends a request with more headers; `forgets(service)`: whether moto serves it; `headers(type, physical id,
    attributes)` are those that let a request pass while others wait, and choose ids.
    """

    def __init__(
        self,
        ledger: Ledger,
        catalogue: Catalogue,
        ask: Callable[[ServiceCall, Mapping[str, str]], Awaitable[dict[str, Any]]],
        forgets: Callable[[str], bool],
        headers: Callable[[str, str, dict[str, str]], dict[str, str]],
    ) -> None:
        self._ledger = ledger
        self._catalogue = catalogue
        self._ask = ask
        self._forgets = forgets
        self._headers = headers

    async def restore(self) -> None:
        """Make all of it again, each resource after those that it needs. What cannot be made is logged."""
        everything = {(stack.id, resource.logical_id): lost for stack, resource, lost in self._all()}
        if not everything:
            return
        began = time.monotonic()
        failures: dict[_Key, Exception] = {}
        left, again = everything, False
        while left:
            failures = await self._pass(left, again)
            # What has failed may need something of another stack, which is there now.
            still = {key: left[key] for key in failures}
            if again and len(still) == len(left):
                break
            left, again = still, True
        for (stack_id, logical_id), error in failures.items():
            _log.warning(
                "stack %s: %s cannot be made again in moto: %s", self._name(stack_id), logical_id, error
            )
        _log.warning(
            "moto had forgotten everything: %d resources of the stacks %s have been made again, without their data"
            " (%.1f s). Real endpoints keep it.",
            sum(len(lost) for key, lost in everything.items() if key not in failures),
            ", ".join(map(self._name, dict.fromkeys(stack_id for stack_id, _ in everything))),
            time.monotonic() - began,
        )

    def _name(self, stack_id: str) -> str:
        stack = self._ledger.stacks.get(stack_id)
        return stack_id if stack is None else stack.name

    def _all(self) -> Iterator[tuple[Stack, Resource, list[_Lost]]]:
        for stack in sorted(self._ledger.stacks.values(), key=lambda stack: stack.created_ms):
            if stack.status == "DELETE_COMPLETE":
                continue
            for resource in stack.resources.values():
                if resource.status not in GONE:
                    found = [lost for lost in lost_of(resource) if self._is_lost(lost.deployed.type)]
                    if found:
                        yield stack, resource, found

    def _is_lost(self, type_name: str) -> bool:
        source, _, rest = type_name.partition("::")
        service = SERVICES.get(rest.partition("::")[0]) if source == "AWS" else None
        return service is not None and self._forgets(service) and self._catalogue.serves(type_name)

    async def _pass(self, left: dict[_Key, list[_Lost]], again: bool) -> dict[_Key, Exception]:
        """Try each of them once, the first time in the order of their needs. Gives those that are not there."""
        needs: dict[_Key, set[_Key]] = {
            (stack_id, logical_id): set()
            if again
            else {(stack_id, need) for one in lost for need in one.deployed.needs if need != logical_id}
            for (stack_id, logical_id), lost in left.items()
        }
        limit_s = _AGAIN_S if again else _ONE_S
        failures: dict[_Key, Exception] = {key: RuntimeError("it needs itself") for key in left}

        async def one(key: _Key) -> bool:
            stack = self._ledger.stacks.get(key[0])
            resource = None if stack is None else stack.resources.get(key[1])
            try:
                if stack is not None and resource is not None:
                    for lost in left[key]:
                        async with asyncio.timeout(limit_s):
                            await self._one(stack, resource, lost, again)
            except Exception as error:  # noqa: BLE001 - told in the end, and others go on
                late = isinstance(error, TimeoutError)
                failures[key] = TimeoutError(f"it took more than {limit_s:g} s") if late else error
            else:
                del failures[key]
            return True

        await walk(needs, one, halted=lambda: False)
        return failures

    # ------------------------------------------------------------ one resource

    async def _one(self, stack: Stack, resource: Resource, lost: _Lost, again: bool) -> None:
        deployed = lost.deployed
        made = await self._catalogue.find(deployed.type).create(
            await self._work(stack, resource, lost, again)
        )
        if made.physical_id != deployed.physical_id or _others(deployed, made):
            await self._changed(stack, resource, deployed, made)

    async def _work(self, stack: Stack, resource: Resource, lost: _Lost, again: bool) -> _Again:
        deployed = lost.deployed
        known = deployed.attributes.items()
        short = {name: value for name, value in known if isinstance(value, str) and len(value) < _LONGEST}
        headers = self._headers(deployed.type, deployed.physical_id, short)

        async def ask(call: ServiceCall) -> dict[str, Any]:
            return await self._ask(call, headers if self._forgets(call.service) else {})

        given = deployed.properties if deployed.read is None else deployed.read
        properties = await resolve_dynamic(given, ask, stack.account, stack.region, secure=True)
        schema = schema_of(deployed.type)
        if schema is not None and properties != deployed.properties:
            properties = schema.check(resource.logical_id, properties)
        work = _Again(
            ask,
            self._ledger.clock,
            identity_of(stack),
            resource.logical_id,
            deployed.type,
            properties,
            token=lost.token or str(uuid.uuid4()),
            tags={**deployed.tags, **system_tags(stack, resource.logical_id)},
            again=again,
            metadata=deployed.metadata,
            update_policy=deployed.update_policy,
        )
        work.before, work.same_token = deployed, bool(lost.token)
        return work

    async def _changed(self, stack: Stack, resource: Resource, deployed: Deployment, made: Made) -> None:
        """Keep what has become another. Who was given the old values keeps them until he is updated."""
        others = _others(deployed, made)
        if made.physical_id != deployed.physical_id:
            others.insert(0, "id")
        if any(_PASSING.fullmatch(name) is None for name in others):
            _log.warning(
                "stack %s: %s has been made again with another %s: who was given the old one keeps it until he is"
                " updated",
                stack.name,
                resource.logical_id,
                ", ".join(others),
            )
        if (
            self._ledger.stacks.get(stack.id) is not stack
            or stack.resources.get(resource.logical_id) is not resource
        ):
            return  # forgotten meanwhile
        for member in ("now", "before", "changed", "step"):
            known = getattr(resource, member)
            if known is not None and known.physical_id == deployed.physical_id:
                attributes = {**known.attributes, **made.attributes}
                changed = msgspec.structs.replace(known, physical_id=made.physical_id, attributes=attributes)
                setattr(resource, member, changed)
        await self._ledger.entry().resource(stack, resource).write()


def lost_of(resource: Resource) -> Iterator[_Lost]:
    """What there was of a resource: deployed, to go back to, being made. What is to be removed may be gone."""
    now, step = resource.now, resource.step
    before = (resource.changed or resource.before) if resource.touched else None
    if before is not None and (now is None or now.physical_id != before.physical_id):
        yield _Lost(before, before.token)
    if now is not None and now.physical_id:
        yield _Lost(now, now.token)
    if step is not None and step.action in ("create", "replace") and step.physical_id:
        making = msgspec.structs.replace(
            step.wanted, physical_id=step.physical_id, attributes=step.attributes
        )
        yield _Lost(making, step.token)


def _others(deployed: Deployment, made: Made) -> list[str]:
    """The attributes that are others than they were."""
    before = deployed.attributes
    return [name for name, value in made.attributes.items() if before.get(name, value) != value]
