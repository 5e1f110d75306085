"""The decorators for events of topics, buckets, buses, schedules, user pools, alarms, logs, stacks and authorizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from lambent.app.onion import layers_of
from lambent.app.signature import without_parentheses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lambent.app.onion import Middleware

    Handler = TypeVar("Handler", bound=Callable[..., Any])


class EventRegistrations:
    """What apps and routers have for events that are neither requests nor batches.

    Resources are named as the code knows them. Deployed under another name or ARN, they are found by the environment
    variable LAMBENT_<KIND>_<NAME>, such as LAMBENT_TOPIC_ALERTS.
    """

    def _adding(
        self, kind: str, middleware: Iterable[Middleware], options: dict[str, Any]
    ) -> Callable[[Handler], Handler]:
        raise NotImplementedError

    def topic(self, name: str, *, middleware: Iterable[Middleware] = ()) -> Callable[[Handler], Handler]:
        """A handler for messages of an SNS topic: `def on_alert(alert: Alert)`, decoded from JSON, or `text: str`.

        It may ask for the `Notification`, and for `subject`, `attributes`, `message_id` and `topic` by these names.
        """
        return self._adding("topic", middleware, {"name": name})

    def bucket(
        self,
        name: str,
        *,
        events: Iterable[str] = ("s3:ObjectCreated:*",),
        prefix: str | None = None,
        suffix: str | None = None,
        middleware: Iterable[Middleware] = (),
    ) -> Callable[[Handler], Handler]:
        """A handler for what happens to objects of a bucket whose keys begin with `prefix` and end with `suffix`.

        It asks for the `S3Object`, or for members of it by name: `def on_upload(bucket: str, key: str)`.
        """
        options = {
            "name": name,
            "events": (events,) if isinstance(events, str) else tuple(events),
            "prefix": prefix,
            "suffix": suffix,
        }
        return self._adding("bucket", middleware, options)

    def event(
        self, pattern: Mapping[str, Any], *, middleware: Iterable[Middleware] = ()
    ) -> Callable[[Handler], Handler]:
        """A handler for events of a bus that match an EventBridge pattern: `def on_order(detail: OrderPlaced)`.

        It may ask for the `BusEvent`, and for `id`, `source`, `detail_type`, `resources` and so on by name.
        """
        return self._adding("event", middleware, {"pattern": pattern})

    def schedule(
        self, expression: str, *, name: str | None = None, middleware: Iterable[Middleware] = ()
    ) -> Callable[[Handler], Handler]:
        """A handler for times: `rate(5 minutes)`, `cron(0 12 * * ? *)` or `at(2026-11-21T12:00:00)`.

        `name` is that of the rule or schedule, the function's without one. It may ask for the `Tick`.
        """
        return self._adding("schedule", middleware, {"expression": expression, "name": name})

    def user_pool(
        self, trigger: str, *, pool: str | None = None, middleware: Iterable[Middleware] = ()
    ) -> Callable[[Handler], Handler]:
        """A handler for a trigger of Cognito's user pools, or of one of them: "PreSignUp", "PreSignUp_SignUp".

        It asks for the `Trigger`, changes `trigger.response` or gives what is to be added to it.
        """
        return self._adding("user_pool", middleware, {"trigger": trigger, "pool": pool})

    def alarm(
        self, name: str | None = None, *, middleware: Iterable[Middleware] = ()
    ) -> Callable[[Handler], Handler]:
        """A handler for a CloudWatch alarm, or for all that have no other. It asks for the `Alarm`."""
        return self._adding("alarm", middleware, {"name": name})

    def logs(
        self, group: str | None = None, *, middleware: Iterable[Middleware] = ()
    ) -> Callable[[Handler], Handler]:
        """A handler for log lines of a group, or of all that have no other. It asks for the `LogBatch`."""
        return self._adding("logs", middleware, {"group": group})

    def custom_resource(
        self,
        type: str = "AWS::CloudFormation::CustomResource",  # noqa: A002 - CloudFormation's name of it
        *,
        middleware: Iterable[Middleware] = (),
    ) -> CustomResource:
        """A handler for a type of custom resources, or one each for its creation, updates and deletion.

        @app.custom_resource("Custom::Table")
        def table(request: ResourceRequest, properties: Table): ...

        table = app.custom_resource("Custom::Table")

        @table.create
        def create(properties: Table) -> dict: ...
        """
        if callable(type):
            raise without_parentheses(type, "custom_resource")
        return CustomResource(self, type, layers_of(middleware, f"custom_resource {type}"))

    def authorizer(
        self, api: str | None = None, *, simple: bool = True, middleware: Iterable[Middleware] = ()
    ) -> Callable[[Handler], Handler]:
        """A handler that says who may call an API, or any: it asks for the `AuthorizerRequest`, and gives a boolean,
        `Allow` or `Deny`.

        `simple` is whether HTTP APIs with format 2.0 have simple responses enabled.
        """
        return self._adding("authorizer", middleware, {"api": api, "simple": simple})


class CustomResource:
    """A decorator for the handler of a custom resource, and one each for creation, updates and deletion."""

    def __init__(
        self, registrar: EventRegistrations, resource_type: str, middleware: tuple[Middleware, ...]
    ) -> None:
        self._registrar = registrar
        self._type = resource_type
        self._middleware = middleware

    def __call__(self, handler: Handler) -> Handler:
        """A handler for everything: `request.type` tells what."""
        return self._add(handler, ("Create", "Update", "Delete"))

    def create(self, handler: Handler) -> Handler:
        """A handler for creation."""
        return self._add(handler, ("Create",))

    def update(self, handler: Handler) -> Handler:
        """A handler for updates."""
        return self._add(handler, ("Update",))

    def delete(self, handler: Handler) -> Handler:
        """A handler for deletion."""
        return self._add(handler, ("Delete",))

    def _add(self, handler: Handler, asked: tuple[str, ...]) -> Handler:
        options = {"type": self._type, "on": asked}
        return self._registrar._adding("custom_resource", self._middleware, options)(handler)
