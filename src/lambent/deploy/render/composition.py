"""A template that is being put together: its resources and outputs, and how to refer to what is in it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lambent.deploy import names
from lambent.deploy.errors import RenderError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.deploy.manifest import Bucket, Manifest, Queue, Stream, Table, Topic, Unit
    from lambent.deploy.render.target import Target

    Named = TypeVar("Named", Queue, Table, Bucket, Topic, Stream)

ALIAS: Final = "live"
"""The alias of units with provisioned concurrency, which only versions can have."""
DEFAULT_BUS: Final = "default"
SHARED_ROLE: Final = "lambent"
"""The role of all functions where they have none of their own."""

_SERVICES: Final = {"queue": "sqs", "table": "dynamodb", "topic": "sns", "stream": "kinesis"}
_MOST_RESOURCES: Final = 500
"""Of a stack: "Understand CloudFormation quotas"."""
_MOST_OUTPUTS: Final = 200


def sub(text: str) -> Any:
    """A text whose `${AWS::…}` CloudFormation replaces; any other `${…}` stays, as policies have variables too."""
    if "${AWS::" not in text:
        return text
    return {"Fn::Sub": text.replace("${", "${!").replace("${!AWS::", "${AWS::")}


def arn(service: str, resource: str) -> Any:
    """The ARN of something of the stack's own account and region."""
    return sub(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}")


def get(logical: str, attribute: str = "Arn") -> dict[str, Any]:
    """An attribute of a resource."""
    return {"Fn::GetAtt": [logical, attribute]}


def ref(logical: str) -> dict[str, Any]:
    """What a resource is known by."""
    return {"Ref": logical}


def _check_arn(kind: str, name: str, external: str) -> None:
    parts = external.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != _SERVICES[kind] or not all(parts[3:]):
        raise RenderError(
            f"{external!r} is no ARN of a {kind}",
            hint=f"Let external of [resources.{kind}s.{name}] be arn:aws:{_SERVICES[kind]}:<region>:<account>:…",
        )


def _bucket_of(external: str) -> str:
    """A bucket's name, of its ARN too."""
    return external.rpartition(":::")[2]


class Composition:
    """A manifest on its way into a template, for a target."""

    def __init__(self, manifest: Manifest, target: Target) -> None:
        self.manifest = manifest
        self.target = target
        self.app = manifest.app
        self.stage = target.stage.name
        self.resources: dict[str, dict[str, Any]] = {}
        self.outputs: dict[str, dict[str, Any]] = {}
        self._of: dict[str, str] = {}

    # ------------------------------------------------------------ putting it together

    def add(
        self,
        kind: str,
        name: str | tuple[str, ...],
        type_name: str,
        properties: dict[str, Any],
        *,
        after: Iterable[str] = (),
        keeps_state: bool = False,
        **attributes: Any,
    ) -> str:
        """Add a resource; its logical id.

        Properties that are None are left out. What `keeps_state` outlives its stack in stages that are protected.
        Raises RenderError for two of one id.
        """
        parts = (name,) if isinstance(name, str) else name
        logical = names.logical_id(kind, *parts)
        told = f"{kind.replace('_', ' ')} {' '.join(parts)}"
        there = self._of.get(logical)
        if there is not None:
            raise RenderError(
                f"{there} and {told} would both be {logical} in the stack",
                hint="Names have to differ in letters or digits: rename one.",
            )
        self._of[logical] = told
        resource: dict[str, Any] = {"Type": type_name}
        depends = sorted(set(after))
        if depends:
            resource["DependsOn"] = depends
        if keeps_state:
            policy = "Retain" if self.target.stage.protected else "Delete"
            resource["DeletionPolicy"] = resource["UpdateReplacePolicy"] = policy
        resource.update(attributes)
        resource["Properties"] = {key: value for key, value in properties.items() if value is not None}
        self.resources[logical] = resource
        return logical

    def output(self, logical: str, value: Any, description: str) -> None:
        """Something that `info` shows. Raises RenderError for two of one name, of which one would not be seen."""
        there = self.outputs.get(logical)
        if there is not None:
            raise RenderError(
                f"{there['Description']} and {description} would both be the output {logical} of the stack",
                hint="Names have to differ: rename the unit, or leave out its url.",
            )
        self.outputs[logical] = {"Description": description, "Value": value}

    def check(self) -> None:
        """Raise RenderError when the template is larger than stacks may be."""
        if len(self.resources) > _MOST_RESOURCES:
            raise RenderError(
                f"the stack would have {len(self.resources)} resources, and CloudFormation takes {_MOST_RESOURCES}",
                hint='Fewer, larger units need fewer: unit = "router" or "app" in [app].',
            )
        if len(self.outputs) > _MOST_OUTPUTS:
            for logical in list(self.outputs)[_MOST_OUTPUTS:]:
                del self.outputs[logical]

    # ------------------------------------------------------------ functions

    def unit(self, name: str) -> Unit:
        """Raises RenderError where the manifest has none of this name."""
        found = self._units.get(name)
        if found is None:
            raise RenderError(
                f"the manifest has no unit {name}: there are {', '.join(self._units) or 'none'}"
            )
        return found

    @cached_property
    def _units(self) -> dict[str, Unit]:
        return {unit.name: unit for unit in self.manifest.units}

    def timeout_of(self, unit: Unit) -> int:
        """Seconds: those of the manifest, or Lambda's most when somebody steps through the code."""
        return 900 if self.target.debug else unit.timeout_s

    def function_name(self, unit: str) -> str:
        """The physical name; with the alias where calls have to go to it."""
        name = names.function_name(self.app, self.stage, unit)
        return f"{name}:{ALIAS}" if self.qualified(unit) else name

    def qualified(self, unit: str) -> bool:
        """Whether calls go to the alias."""
        return self.unit(unit).provisioned_concurrency is not None

    def function_arn(self, unit: str) -> Any:
        """The ARN that calls go to: whatever has it is made after the function."""
        if self.qualified(unit):
            return ref(names.logical_id("alias", unit))
        return get(names.logical_id("function", unit))

    def function_arn_text(self, unit: str) -> Any:
        """The same made of its parts: for what the function itself needs, or what is made before it."""
        return arn("lambda", f"function:{self.function_name(unit)}")

    def invocation_uri(self, unit: str) -> Any:
        """How WebSocket APIs and authorizers name a function: "AuthorizerUri" in CreateAuthorizer's reference."""
        start = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions"
        return {"Fn::Sub": [f"{start}/${{Function}}/invocations", {"Function": self.function_arn(unit)}]}

    def role_arn(self, unit: str) -> Any:
        """The execution role of a unit."""
        if self.target.roles == "none":
            return self.shared_role_arn
        return get(names.logical_id("role", unit))

    @property
    def shared_role_arn(self) -> Any:
        """The one role by its name: nobody makes it."""
        return sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{SHARED_ROLE}")

    def permit(
        self, unit: str, source: tuple[str, ...], principal: str, *, of: Any = None, account: bool = False
    ) -> str:
        """Let a service call a unit, for the resource whose ARN is `of`; the permission's logical id."""
        return self.add(
            "permission",
            (unit, *source),
            "AWS::Lambda::Permission",
            {
                "FunctionName": self.function_arn(unit),
                "Action": "lambda:InvokeFunction",
                "Principal": principal,
                "SourceArn": of,
                "SourceAccount": ref("AWS::AccountId") if account else None,
            },
        )

    # ------------------------------------------------------------ resources

    def _find(self, kind: str, name: str, all_of: tuple[Named, ...]) -> Named:
        for one in all_of:
            if one.name == name:
                if one.external is not None and kind != "bucket":
                    _check_arn(kind, name, one.external)
                return one
        raise RenderError(
            f"the manifest has no {kind} {name}, which a unit needs",
            hint=f"Declare it in [resources.{kind}s.{name}].",
        )

    def queue(self, name: str) -> Queue:
        """Raises RenderError, as the others do."""
        return self._find("queue", name, self.manifest.queues)

    def table(self, name: str) -> Table:
        """A table of the manifest."""
        return self._find("table", name, self.manifest.tables)

    def bucket(self, name: str) -> Bucket:
        """A bucket of the manifest."""
        return self._find("bucket", name, self.manifest.buckets)

    def topic(self, name: str) -> Topic:
        """A topic of the manifest."""
        return self._find("topic", name, self.manifest.topics)

    def stream(self, name: str) -> Stream:
        """A Kinesis stream of the manifest."""
        return self._find("stream", name, self.manifest.streams)

    def queue_arn(self, name: str) -> Any:
        """Of one that is made here, or elsewhere."""
        return self.queue(name).external or get(names.logical_id("queue", name))

    def queue_url(self, name: str) -> Any:
        """`https://sqs.<region>.amazonaws.com/<account>/<name>` of one that is elsewhere."""
        external = self.queue(name).external
        if external is None:
            return ref(names.logical_id("queue", name))
        region, account, queue = external.split(":", 5)[3:]
        return {"Fn::Sub": f"https://sqs.{region}.${{AWS::URLSuffix}}/{account}/{queue}"}

    def table_arn(self, name: str) -> Any:
        """Without the stream, where the project tells that."""
        external = self.table(name).external
        if external is None:
            return get(names.logical_id("table", name))
        return external.partition("/stream/")[0]

    def table_stream_arn(self, name: str) -> Any:
        """What Lambda reads changes from. Raises RenderError where it is not known."""
        external = self.table(name).external
        if external is None:
            return get(names.logical_id("table", name), "StreamArn")
        if "/stream/" not in external:
            raise RenderError(
                f"the table {name} is not part of the app, and its ARN does not tell its stream",
                hint=f"Let external of [resources.tables.{name}] be the ARN of its stream: "
                f"aws dynamodb describe-table --table-name … --query Table.LatestStreamArn",
            )
        return external

    def table_name(self, name: str) -> Any:
        """What code asks for: the name, or the ARN of one that is elsewhere."""
        external = self.table(name).external
        if external is None:
            return ref(names.logical_id("table", name))
        return self.table_arn(name)

    def bucket_name(self, name: str) -> Any:
        """By its parts: a bucket is made after the functions that it calls, which know its name."""
        external = self.bucket(name).external
        if external is not None:
            return _bucket_of(external)
        return sub(names.bucket_name(self.app, self.stage, name))

    def bucket_arn(self, name: str, rest: str = "") -> Any:
        """By its parts, like the name; `rest` is "/*" for its objects."""
        external = self.bucket(name).external
        bucket = names.bucket_name(self.app, self.stage, name) if external is None else _bucket_of(external)
        return sub(f"arn:${{AWS::Partition}}:s3:::{bucket}{rest}")

    def topic_arn(self, name: str) -> Any:
        """Of one that is made here, or elsewhere."""
        return self.topic(name).external or ref(names.logical_id("topic", name))

    def stream_arn(self, name: str) -> Any:
        """Of one that is made here, or elsewhere."""
        return self.stream(name).external or get(names.logical_id("stream", name))

    def stream_name(self, name: str) -> Any:
        """The name, or the ARN of one that is elsewhere."""
        return self.stream(name).external or ref(names.logical_id("stream", name))

    def channel_id(self, name: str) -> Any:
        """The id of a channel's API. Raises RenderError."""
        if all(channel.name != name for channel in self.manifest.channels):
            raise RenderError(f"the manifest has no channel {name}, which a unit needs")
        return ref(names.logical_id("channel", name))

    def bus_arn(self, name: str) -> Any:
        """Buses are not part of apps: the account's default one, one by its name, or by its ARN."""
        return name if name.startswith("arn:") else arn("events", f"event-bus/{name}")
