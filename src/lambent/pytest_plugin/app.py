"""The project's app on a platform for tests: deployed through the pipeline of `lambent deploy`, with linked code."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.deploy.errors import DeployError
from lambent.pytest_plugin.waiting import wait_for
from lambent.testing.answers import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Self, TypeVar

    from lambent.deploy.deployed import Deployed
    from lambent.deploy.manifest import Manifest
    from lambent.pytest_plugin.platform import Platform
    from lambent.pytest_plugin.sockets import Socket

    _T = TypeVar("_T")

STACK_SECONDS: Final = 120.0
"""How long a stack may take: a table or a bucket waits for the first start of what serves it."""

_BODY_LIMIT: Final = 51_200
"""Bytes of a template that is sent as it is (CloudFormation's quotas)."""


class FunctionFailed(Exception):
    """A function has raised, timed out or died. `type`, `error` and `trace` are what Lambda says of it."""

    def __init__(self, unit: str, document: Any) -> None:
        told = document if isinstance(document, dict) else {"errorMessage": str(document)}
        self.unit = unit
        self.type = str(told.get("errorType", "Unhandled"))
        self.error = str(told.get("errorMessage", ""))
        self.trace = [str(line).rstrip("\n") for line in told.get("stackTrace") or ()]
        super().__init__("\n".join([f"{unit}: {self.type}: {self.error}", *self.trace]))


class DeployedApp:
    """An app that is deployed. Names are those of the code: "receipts", not "shop-test-receipts".

    `url` is that of its HTTP API, `manifest` what it consists of, `platform` where it runs.
    """

    def __init__(self, platform: Platform, root: Path, into: Path, stage: str = "test") -> None:
        self.platform = platform
        self.stage = stage
        self._root = root
        self._into = into
        self._manifest: Manifest | None = None
        self._template: dict[str, Any] = {}
        self._deployed: Deployed | None = None
        self._seen: dict[str, set[str]] = {}
        self.used = False
        """Whether a test has had it since it was deployed."""

    # ------------------------------------------------------------ deploying

    def deploy(self) -> Self:
        """Analyse, link, render, and create the stack. Raises DeployError."""
        from lambent.deploy.analysis import analyse
        from lambent.deploy.build import link
        from lambent.deploy.project_file import load_project
        from lambent.deploy.render import CodeLocation, Target, template_of

        project = load_project(self._root)
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
        self._create()
        return self

    def reset(self) -> None:
        """Deploy it anew: empty queues, tables and buckets, no logs, new environments."""
        self._delete()
        self._create()

    def remove(self) -> None:
        """Delete the stack."""
        self._delete()

    def _create(self) -> None:
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
        self._seen.clear()
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
        bucket = "lambent-tests-templates"
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=f"{stack}.json", Body=body)
        return {"TemplateURL": f"{self.platform.url}/{bucket}/{stack}.json"}

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

    def client(self, service: str) -> Any:
        """A client of boto3 for the platform."""
        return self.platform.client(service)

    def wait_for(self, condition: Callable[[], _T], *, timeout: float = 10.0, what: str | None = None) -> _T:
        """Ask `condition` until it is true, or has raised no AssertionError; what it gave.

        Raises AssertionError after `timeout` seconds.
        """
        return wait_for(condition, timeout=timeout, what=what)

    # ------------------------------------------------------------ calling it

    @property
    def url(self) -> str:
        """Of the HTTP API, for clients of any kind: by path, which needs no name to resolve."""
        return f"{self.platform.url}/_aws/execute-api/{self.physical('api', 'http')}/$default"

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        body: str | bytes | None = None,
        timeout: float = 30.0,
    ) -> Answer:
        """A request to the HTTP API; `path` is encoded and may have a query. `json` is anything msgspec encodes."""
        from http.client import HTTPConnection
        from urllib.parse import urlsplit

        fields = {"host": f"{self.physical('api', 'http')}.execute-api.localhost", **(headers or {})}
        if json is not None:
            if body is not None:
                raise TypeError("a request has one body: give json or body")
            body = msgspec.json.encode(json)
            fields.setdefault("content-type", "application/json")
        where = urlsplit(self.platform.url)
        connection = HTTPConnection(where.hostname or "", where.port, timeout=timeout)
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            found: dict[str, list[str]] = {}
            for name, value in answer.getheaders():
                found.setdefault(name.lower(), []).append(value)
            return Answer(answer.status, found, answer.read(), None)
        finally:
            connection.close()

    def get(self, path: str, **options: Any) -> Answer:
        """GET. Options are those of `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        """POST."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:
        """PUT."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Answer:
        """PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """DELETE."""
        return self.request("DELETE", path, **options)

    def invoke(self, unit: str, payload: Any = None) -> Any:
        """Call a function of the app by its unit's name; what it returns. Raises FunctionFailed."""
        answer = self.client("lambda").invoke(
            FunctionName=self.physical("function", unit), Payload=msgspec.json.encode(payload)
        )
        document = msgspec.json.decode(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise FunctionFailed(unit, document)
        return document

    def send(self, queue: str, message: Any, *, delay: int = 0, group: str | None = None) -> str:
        """Send a message to a queue; its id. `message` is text, or anything msgspec encodes."""
        text = message if isinstance(message, str) else msgspec.json.encode(message).decode()
        options: dict[str, Any] = {"MessageGroupId": group} if group is not None else {"DelaySeconds": delay}
        if group is not None:
            options["MessageDeduplicationId"] = f"{time.monotonic_ns()}"
        answer = self.client("sqs").send_message(
            QueueUrl=self.physical("queue", queue), MessageBody=text, **options
        )
        return str(answer["MessageId"])

    def messages(self, queue: str, *, dead: bool = False) -> list[Any]:
        """Take what is in a queue, decoded where it is JSON; with `dead` what is in its dead-letter queue.

        For queues that no function takes messages from: these would be quicker.
        """
        url = self.physical("dead_letters" if dead else "queue", queue)
        sqs = self.client("sqs")
        found: list[Any] = []
        while True:
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
            if not messages:
                return found
            for message in messages:
                found.append(_decoded(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def connect(self, channel: str, *, query: str = "", headers: Mapping[str, str] | None = None) -> Socket:
        """A WebSocket connection to a channel: `with lambent_app.connect("counter") as screen: …`.

        Raises ConnectionRefused when the channel, or its authorizer, does not take it.
        """
        from lambent.pytest_plugin.sockets import Socket

        return Socket.open(
            self.platform.url, self.physical("channel", channel), self.stage, query, headers or {}
        )

    # ------------------------------------------------------------ what it has said

    def logs(self, unit: str | None = None) -> list[Any]:
        """What a function, or all of them, have logged, in order; each line decoded where it is JSON.

        Without what Lambda itself writes (START, END, REPORT).
        """
        names = [unit] if unit is not None else [one.name for one in self.manifest.units]
        client = self.client("logs")
        lines: list[tuple[int, str]] = []
        for name in names:
            group = f"/aws/lambda/{self.physical('function', name)}"
            try:
                pages = list(client.get_paginator("filter_log_events").paginate(logGroupName=group))
            except client.exceptions.ResourceNotFoundException:
                continue  # it has not run yet
            lines += [(event["timestamp"], event["message"]) for page in pages for event in page["events"]]
        lines.sort(key=lambda line: line[0])
        return [_decoded(text.rstrip("\n")) for _, text in lines if not text.startswith(_OF_LAMBDA)]

    def __repr__(self) -> str:
        name = "" if self._manifest is None else f" {self._manifest.app}-{self.stage}"
        return f"<DeployedApp{name} on {self.platform.url}>"


_OF_LAMBDA: Final = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
