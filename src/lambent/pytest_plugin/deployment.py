"""Bringing the project's app to a platform for tests: the pipeline of `lambent deploy`, with linked code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.deploy.errors import DeployError
from lambent.pytest_plugin.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from lambent.deploy.deployed import Deployed
    from lambent.deploy.manifest import Manifest
    from lambent.pytest_plugin.platform import Platform

STACK_SECONDS: Final = 120.0
"""How long a stack may take: a table or a bucket waits for the first start of what serves it."""

_BODY_LIMIT: Final = 51_200
"""Bytes of a template that is sent as it is (CloudFormation's quotas)."""

_TEMPLATES: Final = "lambent-tests-templates"


class Deployment:
    """An app and its stack. `root` is the project's folder, `into` where snapshots of its code are."""

    def __init__(self, platform: Platform, root: Path, into: Path, stage: str = "test") -> None:
        self.platform = platform
        self.stage = stage
        self._root = root
        self._into = into
        self._manifest: Manifest | None = None
        self._template: dict[str, Any] = {}
        self._deployed: Deployed | None = None
        self.used = False
        """Whether a test has had it since it was deployed."""

    # ------------------------------------------------------------ deploying

    def deploy(self) -> Self:
        """Analyse, link, render, and create the stack. Raises DeployError."""
        self.prepare()
        self.create()
        return self

    def prepare(self) -> None:
        """All of it that needs no platform yet. Raises DeployError."""
        from lambent.deploy.analysis import analyse
        from lambent.deploy.build import link
        from lambent.deploy.project_file import load_project
        from lambent.deploy.render import CodeLocation, Target, template_of

        project = load_project(self._root)
        if project.template is not None:
            raise DeployError(
                f"{project.template} is a template, and lambent_app is for apps",
                hint="Deploy it on lambent_platform: sam deploy, or boto3's create_stack.",
            )
        stage = project.stage_named(self.stage)
        self._manifest = analyse(project, stage)
        linked = link(project, self._manifest, self._into)
        target = Target(
            stage=stage,
            code={
                unit: CodeLocation(bucket="hot-reload", key=str(path))
                for unit, path in linked.folders.items()
            },
            roles="none",
            environment={"PYTHONPATH": os.pathsep.join(linked.search_path)},
        )
        self._template = template_of(self._manifest, target)

    def reset(self) -> None:
        """Deploy it anew: empty queues, tables and buckets, no logs, new environments."""
        self._delete()
        self.create()

    def remove(self) -> None:
        """Delete the stack."""
        self._delete()

    def create(self) -> None:
        """Create the stack of what was prepared. Raises DeployError."""
        from lambent.deploy.deployed import Deployed
        from lambent.deploy.names import stack_name

        stack = stack_name(self.manifest.app, self.stage)
        client = self.platform.client("cloudformation")
        client.create_stack(
            StackName=stack,
            OnFailure="DO_NOTHING",
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            **self._body(stack),
        )
        self._wait_for(stack, "CREATE_COMPLETE")
        self._deployed = Deployed.find(self.platform, self.manifest.app, self.stage)
        self.used = False

    def _delete(self) -> None:
        deployed, self._deployed = self._deployed, None
        if deployed is None:
            return
        for bucket in deployed.of_type("AWS::S3::Bucket"):
            self._empty(bucket.physical)
        self.platform.client("cloudformation").delete_stack(StackName=deployed.stack_id)
        self._wait_for(deployed.stack_id, "DELETE_COMPLETE")

    def _body(self, stack: str) -> dict[str, str]:
        body = msgspec.json.encode(self._template)
        if len(body) <= _BODY_LIMIT:
            return {"TemplateBody": body.decode()}
        s3 = self.platform.client("s3")
        s3.create_bucket(Bucket=_TEMPLATES)
        s3.put_object(Bucket=_TEMPLATES, Key=f"{stack}.json", Body=body)
        return {"TemplateURL": f"{self.platform.url}/{_TEMPLATES}/{stack}.json"}

    def _empty(self, bucket: str) -> None:
        s3 = self.platform.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])

    def _wait_for(self, stack: str, wanted: str) -> None:
        client = self.platform.client("cloudformation")

        def status() -> str:
            found = str(client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
            return "" if found.endswith("_IN_PROGRESS") else found

        found = wait_for(status, timeout=STACK_SECONDS, what=f"the stack {stack}")
        if found != wanted:
            raise DeployError(f"{stack} is {found}: {self._reason(stack)}")

    def _reason(self, stack: str) -> str:
        """What failed first."""
        events = self.platform.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        failed = [
            event
            for event in reversed(events)
            if event["ResourceStatus"].endswith("_FAILED")
            and "cancelled" not in event.get("ResourceStatusReason", "")
        ]
        if not failed:
            return "nothing says why"
        first = failed[0]
        return (
            f"{first['LogicalResourceId']} ({first['ResourceType']}): {first.get('ResourceStatusReason', '')}"
        )

    # ------------------------------------------------------------ what it has

    @property
    def manifest(self) -> Manifest:
        """What the app consists of."""
        assert self._manifest is not None, "it is not deployed"
        return self._manifest

    @property
    def deployed(self) -> Deployed:
        """The stack: its outputs and resources."""
        assert self._deployed is not None, "it is not deployed"
        return self._deployed

    def physical(self, kind: str, name: str) -> str:
        """What CloudFormation's Ref gives of a resource: `physical("table", "orders")`; of a queue it is the URL.

        Raises LookupError for what the app does not have.
        """
        found = self.deployed.physical(kind, name)
        if found is None:
            raise LookupError(
                f"the app {self.manifest.app} has no {kind.replace('_', ' ')} {name!r}{self._near(kind)}"
            )
        return found

    def _near(self, kind: str) -> str:
        from lambent.deploy.names import SUFFIXES

        ending = SUFFIXES.get(kind, "")
        there = [
            logical.removesuffix(ending) for logical in self.deployed.resources if logical.endswith(ending)
        ]
        return f"; there are {', '.join(sorted(there))}" if there and ending else ""
