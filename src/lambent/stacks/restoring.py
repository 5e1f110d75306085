"""Resources whose services forget everything when the platform ends, made again when it starts.

Neighbours that keep their things in memory lose them; what stacks have made of them is made again from the records,
with the names of before, because these come from the tokens of the steps. What was in them (rows, objects, messages) is
lost. Ids that such a service invents are new ones, and become those of the records; who was given the old ones keeps
them until its next update.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.stacks.parallel import walk
from lambent.stacks.providers.provider import Made
from lambent.stacks.removal import GONE
from lambent.stacks.steps import Running, StepFailed, Steps

if TYPE_CHECKING:
    from collections.abc import Collection

    from lambent.stacks.ledger import Ledger
    from lambent.stacks.records import Deployment, Resource, Stack

_DURABLE: Final = frozenset(
    {
        "ApiGateway",
        "ApiGatewayV2",
        "CDK",
        "CloudFormation",
        "CodeDeploy",
        "Events",
        "Lambda",
        "Logs",
        "SQS",
        "Scheduler",
    }
)
"""The middle of the names of types whose resources the platform itself keeps."""

_log = logging.getLogger(__name__)


class Restoring:
    """Makes again what has been forgotten. `elsewhere`: services, as botocore names them, that do not forget."""

    def __init__(self, ledger: Ledger, steps: Steps, elsewhere: Collection[str]) -> None:
        self._ledger = ledger
        self._steps = steps
        self._elsewhere = frozenset(elsewhere)

    def forgets(self, type_name: str) -> bool:
        """Whether what is of that type is gone after a restart."""
        parts = type_name.split("::")
        if parts[0] != "AWS" or parts[1] in _DURABLE or self._steps.skips(type_name):
            return False
        service = parts[1].lower()
        return not any(name == service or name.startswith(f"{service}-") for name in self._elsewhere)

    def needs(self, stack: Stack) -> bool:
        """Whether there is anything to be made again."""
        return bool(self._forgotten(stack))

    async def restore(self, stack: Stack) -> None:
        """Make it again, in the order in which it needs each other. What cannot be is logged. Raises StoreError."""
        running = Running()

        async def one(logical_id: str) -> bool:
            await self._one(running, stack, stack.resources[logical_id])
            return True

        forgotten = self._forgotten(stack)
        await walk(
            {name: set(deployment.needs) - {name} for name, deployment in forgotten.items()},
            one,
            halted=lambda: False,
        )

    def _forgotten(self, stack: Stack) -> dict[str, Deployment]:
        return {
            logical_id: deployment
            for logical_id, resource in stack.resources.items()
            if (deployment := resource.now or resource.before) is not None
            and deployment.token
            and resource.status not in GONE
            and self.forgets(resource.type)
        }

    async def _one(self, running: Running, stack: Stack, resource: Resource) -> None:
        now, before = resource.now, resource.before
        if now is not None and now.token:
            resource.now = await self._again(running, stack, resource, now)
        if before is not None and before.token:
            if now is not None and now.physical_id == before.physical_id:
                assert resource.now is not None
                resource.before = msgspec.structs.replace(
                    before,
                    physical_id=resource.now.physical_id,
                    attributes={**before.attributes, **resource.now.attributes},
                )
            else:
                resource.before = await self._again(running, stack, resource, before)
        if (resource.now, resource.before) != (now, before):
            await self._ledger.entry().resource(stack, resource).write()

    async def _again(
        self, running: Running, stack: Stack, resource: Resource, deployed: Deployment
    ) -> Deployment:
        try:
            made = await self._steps.create(
                running,
                stack,
                resource,
                deployed,
                token=deployed.token,
                again=True,
                keep=_keep,
                known=Made(""),
            )
        except StepFailed as failed:
            _log.warning(
                "stack %s: %s is not there any more: %s", stack.name, resource.logical_id, failed.reason
            )
            return deployed
        return msgspec.structs.replace(
            deployed, physical_id=made.physical_id, attributes=dict(made.attributes)
        )


async def _keep(_physical_id: str, _attributes: dict[str, Any]) -> None:
    """It is kept at the end: it can be made again and again."""
