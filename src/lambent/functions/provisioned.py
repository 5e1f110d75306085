"""Provisioned concurrency: environments that are asked for ahead of invocations of a version or an alias.

Rules and messages are recorded from AWS (`TestLambdaProvisionedConcurrency`, `test_reserved_provisioned_overlap`),
that for aliases with weights is known from its users. What is asked for counts at once against the function's
reservation or, where there is none, against what the account's functions share.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.functions import rows
from lambent.functions.attachments import ProvisionedConcurrency
from lambent.functions.errors import (
    AliasNotFound,
    ConcurrencyUnavailable,
    FunctionNotFound,
    ProvisionedElsewhere,
    ProvisioningRefused,
)
from lambent.functions.names import is_alias
from lambent.functions.transitions import new_id, now_ms
from lambent.functions.version import LATEST
from lambent.store import Conflict

if TYPE_CHECKING:
    from lambent.functions.names import Reference
    from lambent.functions.record import FunctionRecord
    from lambent.functions.registry import FunctionRegistry


def find(registry: FunctionRegistry, reference: Reference) -> FunctionRecord:
    """The function whose version or alias a reference names. Raises AliasNotFound, FunctionNotFound."""
    qualifier = reference.qualifier or LATEST
    missing = (AliasNotFound if is_alias(qualifier) else FunctionNotFound)(reference.arn)
    try:
        record = registry.record(reference)
    except FunctionNotFound:
        raise missing from None
    if qualifier not in record.aliases and qualifier not in record.versions:
        raise missing
    return record


async def put(registry: FunctionRegistry, reference: Reference, requested: int) -> FunctionRecord:
    """Ask for `requested` environments (at least 1) for a version or an alias. Returns the changed function.

    Raises AliasNotFound, FunctionNotFound, ProvisionedElsewhere, ProvisioningRefused, ConcurrencyUnavailable,
    StoreError.
    """
    qualifier = reference.qualifier or LATEST
    find(registry, reference)
    minimum = registry.limits.minimum_unreserved
    available = registry.limits.concurrency - minimum
    too_much = ConcurrencyUnavailable.below_minimum("ConcurrentExecutions", minimum)

    def change(record: FunctionRecord) -> FunctionRecord:
        find(registry, reference)
        check_versions(record, qualifier)
        before = record.provisioned.get(qualifier)
        asked = replace(
            record,
            provisioned={
                **record.provisioned,
                qualifier: ProvisionedConcurrency(requested=requested, modified_ms=now_ms()),
            },
        )
        if record.reserved_concurrency is not None:
            if asked.provisioned_concurrency > record.reserved_concurrency:
                raise ProvisioningRefused(
                    "Requested Provisioned Concurrency should not be greater than the "
                    "reservedConcurrentExecution for function"
                )
        else:
            unreserved = registry.unreserved_limit(record.account, record.region)
            unreserved += 0 if before is None else before.requested
            if requested > unreserved:
                raise ConcurrencyUnavailable(
                    "Specified ConcurrentExecutions for function is greater than account's unreserved "
                    f"concurrency [{unreserved}]."
                )
            if unreserved - requested < minimum:
                raise too_much
        return _revised(asked, shares(asked, qualifier))

    try:
        return await registry.change(reference, change, lambda record: [rows.claim_guard(record, available)])
    except Conflict:
        # What is left is taken by functions that another node has changed.
        raise too_much from None


async def delete(registry: FunctionRegistry, reference: Reference) -> None:
    """Ask for none any more; nothing happens where none were. Raises AliasNotFound, FunctionNotFound, StoreError."""
    find(registry, reference)
    await registry.change(reference, lambda record: without(record, reference.qualifier or LATEST))


def without(record: FunctionRecord, qualifier: str) -> FunctionRecord:
    """The record without provisioned concurrency of a qualifier; the same one when there is none."""
    if qualifier not in record.provisioned:
        return record
    return replace(record, provisioned={k: v for k, v in record.provisioned.items() if k != qualifier})


def check_versions(record: FunctionRecord, qualifier: str) -> None:
    """Raise ProvisioningRefused or ProvisionedElsewhere unless the versions behind a qualifier may be provisioned.

    A version gets its environments from one configuration: its own, or that of one alias.
    """
    alias = record.aliases.get(qualifier)
    if alias is None:
        if any(
            record.aliases[name].version == qualifier for name in record.provisioned if name in record.aliases
        ):
            raise ProvisionedElsewhere("Version is pointed by a Provisioned Concurrency alias")
        return
    if alias.weights:
        raise ProvisioningRefused("Alias with weights can not be used with Provisioned Concurrency")
    check_alias(record, qualifier)


def check_alias(record: FunctionRecord, name: str) -> None:
    """Raise ProvisioningRefused or ProvisionedElsewhere unless an alias may have provisioned concurrency.

    To be asked of a record in which an alias that has some points to another version.
    """
    version = record.aliases[name].version
    if version == LATEST:
        raise ProvisioningRefused(
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        )
    others = (
        record.aliases[other].version
        for other in record.provisioned
        if other in record.aliases and other != name
    )
    if version in record.provisioned or version in others:
        raise ProvisionedElsewhere(
            "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
        )


def shares(record: FunctionRecord, qualifier: str) -> dict[str, int]:
    """How many environments a qualifier's provisioned concurrency gives to which versions.

    Those of an alias with weights go to its versions in proportion, as near as whole environments permit.
    """
    requested = record.provisioned[qualifier].requested
    alias = record.aliases.get(qualifier)
    if alias is None:
        return {qualifier: requested}
    found: dict[str, int] = {}
    left = requested
    for version, weight in alias.weights.items():
        count = min(left, math.ceil(requested * weight - 0.5))
        if count:
            found[version] = count
            left -= count
    if left:
        found[alias.version] = left
    return found


def wanted(record: FunctionRecord) -> dict[str, int]:
    """How many environments of which versions are to be ready, all configurations of a function together."""
    total: dict[str, int] = {}
    for qualifier in record.provisioned:
        for version, count in shares(record, qualifier).items():
            total[version] = total.get(version, 0) + count
    return total


def _revised(record: FunctionRecord, numbers: dict[str, int]) -> FunctionRecord:
    # Recorded (`test_lambda_provisioned_concurrency_moves_with_alias`): the version has another revision then.
    versions = {
        number: replace(version, revision_id=new_id()) if number in numbers else version
        for number, version in record.versions.items()
    }
    return replace(record, versions=versions)
