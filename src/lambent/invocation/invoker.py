"""Invocation by name: from what a caller names to the runner of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.invocation.concurrency import ConcurrencyLedger
from lambent.invocation.provisioned import Provisioning
from lambent.invocation.runner import ProvisionedRunner, Runner

if TYPE_CHECKING:
    from lambent.execution.fleet import Fleet
    from lambent.functions import FunctionRegistry, FunctionVersion, Target
    from lambent.observe import UsageMeter


class Invoker:
    """Keeps a runner for each version that is invoked, and follows the registry's changes.

    `provisioning_s`: how many seconds provisioned concurrency is in progress at least.
    """

    def __init__(
        self, registry: FunctionRegistry, fleet: Fleet, usage: UsageMeter, *, provisioning_s: float = 0.0
    ) -> None:
        self.registry = registry
        self._fleet = fleet
        self._usage = usage
        self._runners: dict[str, Runner] = {}
        self._ledger = ConcurrencyLedger(registry.reserved_concurrency, registry.unreserved_limit)
        self._generation = registry.generation
        self.provisioning = Provisioning(fleet, self._ledger, provisioning_s)
        registry.subscribe(self._changed)
        registry.watch(self.provisioning.changed)

    def runner(self, target: Target) -> Runner:
        """The runner of what a name resolved to, drawn anew for each invocation where versions share an alias.

        Raises FunctionNotReady for a version that cannot run.
        """
        if self._generation != self.registry.generation:
            self._generation = self.registry.generation
            self._ledger.refresh()
        version = target.drawn().version
        runner = self._runners.get(version.uid)
        slot = self.provisioning.slot(version)
        # The snapshot is compared, not only its uid: a state may have changed with the code the same.
        if runner is None or runner.version is not version or runner.slot is not slot:
            concurrency = self._ledger.function(version.account, version.region, version.name)
            usage = self._usage.function(version.account, version.region, version.name)
            if slot is None:
                runner = Runner(version, self._fleet, concurrency, usage)
            else:
                runner = ProvisionedRunner(version, self._fleet, concurrency, usage, slot)
            runner.check_ready()
            self._runners[version.uid] = runner
        return runner

    def _changed(self, old: FunctionVersion | None, new: FunctionVersion | None) -> None:
        if old is not None and (new is None or new.uid != old.uid):
            self._runners.pop(old.uid, None)
            self._fleet.retire(old.uid)
