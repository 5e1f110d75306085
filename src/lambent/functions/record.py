"""A function with all its versions, and what a name resolves to."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec

from lambent.functions.attachments import Options
from lambent.functions.names import function_arn

if TYPE_CHECKING:
    from lambent.functions.attachments import (
        Alias,
        EventInvokeConfig,
        FunctionUrl,
        Policy,
        ProvisionedConcurrency,
        RuntimeManagement,
    )
    from lambent.functions.version import FunctionVersion

_NO_OPTIONS = Options()


class FunctionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One function at one moment. A change makes a new record; whoever holds this one keeps what it saw.

    `latest` is $LATEST as configured. `serving` is what invocations of $LATEST run: the same, or the
    configuration before it while an update is in progress or after it has failed. `versions` holds the
    published ones by number, in order of publication. `last_version` is the highest number ever published:
    numbers are not used twice. `revision` counts changes and guards them in the database.

    The dictionaries below `tags` hold what `attachments` describes, by alias or qualifier; "" is the function
    itself.
    """

    id: str
    account: str
    region: str
    name: str
    revision: int
    latest: FunctionVersion
    serving: FunctionVersion
    versions: dict[str, FunctionVersion]
    last_version: int = 0
    reserved_concurrency: int | None = None
    tags: dict[str, str]
    aliases: dict[str, Alias] = {}
    policies: dict[str, Policy] = {}
    urls: dict[str, FunctionUrl] = {}
    event_invoke: dict[str, EventInvokeConfig] = {}
    provisioned: dict[str, ProvisionedConcurrency] = {}
    runtime_management: dict[str, RuntimeManagement] = {}
    options: dict[str, Options] = {}

    @property
    def settings(self) -> Options:
        """The settings of the function as a whole."""
        return self.options.get("", _NO_OPTIONS)

    @property
    def arn(self) -> str:
        """The function's unqualified ARN."""
        return function_arn(self.account, self.region, self.name)

    @property
    def all_versions(self) -> list[FunctionVersion]:
        """$LATEST, then the published versions in order."""
        return [self.latest, *self.versions.values()]

    @property
    def provisioned_concurrency(self) -> int:
        """Environments that are to be ready ahead of invocations, all configurations together."""
        return sum(config.requested for config in self.provisioned.values())

    @property
    def claimed_concurrency(self) -> int:
        """What the function takes from the concurrency that all functions of the account share.

        Provisioned concurrency is a part of the reservation where there is one.
        """
        if self.reserved_concurrency is not None:
            return self.reserved_concurrency
        return self.provisioned_concurrency

    @property
    def code_size(self) -> int:
        """Bytes of code that the account is charged for: each version counts its own archive."""
        return self.latest.code_size + sum(version.code_size for version in self.versions.values())


class Target(msgspec.Struct, frozen=True):
    """What a name and qualifier resolve to.

    `version` is what an invocation runs; `invoked_arn` the ARN as the caller named it: unqualified when no
    qualifier was given. `alias` is the one that was named, if one was. `shares` lists other versions that run
    instead, each with its share (0 to 1) of the invocations: an alias may split them.
    """

    version: FunctionVersion
    invoked_arn: str
    function: FunctionRecord
    alias: Alias | None = None
    shares: tuple[tuple[float, FunctionVersion], ...] = ()

    def of(self, version: FunctionVersion) -> Target:
        """The same, for one of the versions that it may run."""
        return Target(version, self.invoked_arn, self.function, self.alias)

    def drawn(self) -> Target:
        """The target of one invocation: chance decides between versions that share an alias."""
        if not self.shares:
            return self
        number = random.random()  # noqa: S311 - shares a load, protects nothing
        for share, version in self.shares:
            if number < share:
                return self.of(version)
            number -= share
        return self.of(self.version)
