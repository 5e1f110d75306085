"""ProvisionedConcurrencyConfig of versions and aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.lambda_.answers import call_unless, looks

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Work

_NONE = "ProvisionedConcurrencyConfigNotFoundException"


async def provision(work: Work, name: str, qualifier: str) -> None:
    """Give a version or an alias the provisioned concurrency of `work.properties`, and wait until it is there.

    Raises ResourceFailure when it cannot be had.
    """
    before = (work.old.get("ProvisionedConcurrencyConfig") or {}).get("ProvisionedConcurrentExecutions")
    wanted = (work.properties.get("ProvisionedConcurrencyConfig") or {}).get(
        "ProvisionedConcurrentExecutions"
    )
    if wanted is None:
        if before is not None:
            await call_unless(
                work, _NONE, "DeleteProvisionedConcurrencyConfig", FunctionName=name, Qualifier=qualifier
            )
        return
    if wanted == before and not work.again:
        return
    await work.call(
        "lambda",
        "PutProvisionedConcurrencyConfig",
        FunctionName=name,
        Qualifier=qualifier,
        ProvisionedConcurrentExecutions=wanted,
    )
    async for _ in looks(work):
        found = await work.call(
            "lambda", "GetProvisionedConcurrencyConfig", FunctionName=name, Qualifier=qualifier
        )
        if found["Status"] == "FAILED":
            raise ResourceFailure(
                found.get("StatusReason") or "Provisioned concurrency could not be allocated.",
                "NotStabilized",
            )
        if found["Status"] == "READY":
            return
