"""Aliases: names for versions, which may share their invocations between two.

Rules and messages are AWS's (recorded: `TestLambdaAlias`, `TestLambdaRevisions`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.functions import provisioned
from lambent.functions.attachments import Alias
from lambent.functions.errors import (
    AliasExists,
    FunctionNotFound,
    InvalidConfiguration,
    RevisionMismatch,
    UnversionedWeights,
    UpdatedAliasNotFound,
    VersionInUse,
)
from lambent.functions.transitions import new_id
from lambent.functions.version import LATEST

if TYPE_CHECKING:
    from lambent.functions.record import FunctionRecord


def check_weights(version: str, weights: dict[str, float]) -> None:
    """Raise UnversionedWeights or InvalidConfiguration for shares that an alias of `version` cannot have."""
    if len(weights) > 1:
        raise InvalidConfiguration("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if weights and version == LATEST:
        raise UnversionedWeights
    if version in weights:
        raise InvalidConfiguration(
            f"Invalid function version {version}. Function version {version} is already included in routing "
            "configuration."
        )


def created(
    record: FunctionRecord, name: str, version: str, description: str, weights: dict[str, float]
) -> FunctionRecord:
    """The record with a new alias.

    Raises AliasExists, FunctionNotFound (for a version that is not there) and what `check_weights` raises.
    """
    check_weights(version, weights)
    _check_versions(record, version, weights)
    if name in record.aliases:
        raise AliasExists(f"{record.arn}:{name}")
    return _with(
        record,
        Alias(name=name, version=version, revision_id=new_id(), description=description, weights=weights),
    )


def updated(
    record: FunctionRecord,
    name: str,
    *,
    version: str | None,
    description: str | None,
    weights: dict[str, float] | None,
    revision_id: str | None,
) -> FunctionRecord:
    """The record with a changed alias; what is None stays as it is.

    Raises UpdatedAliasNotFound, RevisionMismatch, FunctionNotFound, ProvisionedElsewhere, ProvisioningRefused
    and what `check_weights` raises.
    """
    alias = record.aliases.get(name)
    if alias is None:
        raise UpdatedAliasNotFound(f"{record.arn}:{name}")
    if revision_id is not None and revision_id != alias.revision_id:
        raise RevisionMismatch
    version = alias.version if version is None else version
    weights = alias.weights if weights is None else weights
    check_weights(version, weights)
    _check_versions(record, version, weights)
    changed = replace(
        alias,
        version=version,
        description=alias.description if description is None else description,
        weights=weights,
        revision_id=new_id(),
    )
    after = _with(record, changed)
    if name in after.provisioned:
        provisioned.check_alias(after, name)
    return after


def deleted(record: FunctionRecord, name: str) -> FunctionRecord:
    """The record without an alias and what was set for it; the same one when there is no such alias.

    Its URL stays and answers nothing until an alias of the name is there again (recorded:
    `test_lambda_url_persists_after_alias_delete`).
    """
    if name not in record.aliases:
        return record
    aliases = {key: alias for key, alias in record.aliases.items() if key != name}
    return replace(provisioned.without(forgotten(record, name), name), aliases=aliases)


def without_version(record: FunctionRecord, number: str) -> FunctionRecord:
    """The record without a published version; the same one when it is not there. Raises VersionInUse."""
    if number not in record.versions:
        return record
    names = aliases_of(record, number)
    if names:
        raise VersionInUse(names)
    versions = {key: version for key, version in record.versions.items() if key != number}
    return replace(provisioned.without(forgotten(record, number), number), versions=versions)


def forgotten(record: FunctionRecord, qualifier: str) -> FunctionRecord:
    """The record without what was set for a version or alias that goes: policies and settings."""
    kinds = {
        kind: {key: value for key, value in getattr(record, kind).items() if key != qualifier}
        for kind in ("policies", "event_invoke", "runtime_management")
        if qualifier in getattr(record, kind)
    }
    return replace(record, **kinds) if kinds else record


def aliases_of(record: FunctionRecord, version: str) -> list[str]:
    """The names of the aliases that send invocations to a version."""
    return sorted(
        name for name, alias in record.aliases.items() if alias.version == version or version in alias.weights
    )


def _with(record: FunctionRecord, alias: Alias) -> FunctionRecord:
    return replace(record, aliases={**record.aliases, alias.name: alias})


def _check_versions(record: FunctionRecord, version: str, weights: dict[str, float]) -> None:
    for wanted in (version, *weights):
        if wanted != LATEST and wanted not in record.versions:
            raise FunctionNotFound(f"{record.arn}:{wanted}")
