"""The provider behind "aws" and "local"."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lambent.deploy.providers.cloudformation.apply import Apply
from lambent.deploy.providers.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambent.deploy.plan import Plan
    from lambent.deploy.providers.access import Access
    from lambent.deploy.providers.provider import Deployment, Info, LogLine, LogQuery, Outcome, Removal, Watch


class CloudFormation:
    """Deploys to a CloudFormation endpoint. `check` may refuse an app and stage before anything is changed."""

    def __init__(
        self,
        name: str,
        access: Access,
        *,
        bucket: str | None = None,
        check: Callable[[str, str], None] = lambda app, stage: None,
    ) -> None:
        self.name = name
        self.access = access
        self._bucket = bucket
        self._check = check

    def prepare(self) -> None:
        """Makes the clients, and asks for the account."""
        with contextlib.suppress(Exception):
            for service in ("sts", "cloudformation", "s3"):
                self.access.client(service)
            _ = self.access.account

    def plan(self, deployment: Deployment, watch: Watch) -> Plan:
        """What `apply` would change, by a change set, which is deleted again. Raises ProviderError."""
        with refusals(self.access):
            return self._apply(deployment, watch).plan()

    def apply(self, deployment: Deployment, watch: Watch, confirm: Callable[[Plan], bool]) -> Outcome:
        """Executes a change set, and rolls back when something fails. Raises ProviderError."""
        self._check(deployment.manifest.app, deployment.stage.name)
        with refusals(self.access):
            return self._apply(deployment, watch).run(confirm)

    def info(self, app: str, stage: str, *, drift: bool, watch: Watch) -> Info:
        """What is deployed. Raises ProviderError."""
        from lambent.deploy.providers.cloudformation.info import info

        with refusals(self.access):
            return info(self.name, self.access, app, stage, drift=drift, watch=watch)

    def logs(self, app: str, stage: str, query: LogQuery) -> Iterator[LogLine]:
        """The lines of all functions, in order of time. Raises ProviderError."""
        from lambent.deploy.providers.cloudformation.logs import lines

        with refusals(self.access):
            yield from lines(self.access, app, stage, query)

    def destroy(
        self, app: str, stage: str, *, empty_buckets: bool, watch: Watch, confirm: Callable[[Removal], bool]
    ) -> Removal:
        """Deletes the stack and the packages that were uploaded for it. Raises ProviderError."""
        from lambent.deploy.providers.cloudformation.destroy import Destroy

        self._check(app, stage)
        with refusals(self.access):
            return Destroy(self.access, app, stage, watch, bucket=self._bucket).run(
                confirm, empty_buckets=empty_buckets
            )

    def _apply(self, deployment: Deployment, watch: Watch) -> Apply:
        return Apply(self.name, self.access, deployment, watch, bucket=self._bucket)
