"""What calls the units: of each registration the route, mapping, rule or schedule that it needs.

Limits are those of the operations' models in botocore, and of "Lambda event source mappings" in the Lambda guide.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy.analysis.drafts import place_of
from lambent.deploy.errors import AnalysisError
from lambent.deploy.manifest import (
    AlarmTrigger,
    Authorizer,
    BucketTrigger,
    Channel,
    ChannelRoute,
    EventTrigger,
    Finding,
    LogTrigger,
    QueueTrigger,
    Route,
    ScheduleTrigger,
    StreamTrigger,
    TopicTrigger,
    UserPoolTrigger,
)

if TYPE_CHECKING:
    from lambent.deploy.analysis.drafts import Draft
    from lambent.deploy.analysis.resources import Resources
    from lambent.deploy.manifest import Auth
    from lambent.deploy.project import Project

HTTP: Final = "http"
"""What authorizers and units call the HTTP API."""

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_CORS: Final = "lambent.app.middleware.cors.CORS"
_CHANGES: Final = ("INSERT", "MODIFY", "REMOVE")
_ENDS: Final = ("$connect", "$disconnect")


class Triggers:
    """Collects what calls the units. `add` reads the registrations of one, `finish` what all have in common."""

    def __init__(self, project: Project, resources: Resources, app: dict[str, Any] | None) -> None:
        self._project = project
        self._resources = resources
        self._has_cors = app is not None and _CORS in app.get("layers", ())
        self.routes: dict[tuple[str, str], Route] = {}
        self.channels: dict[str, tuple[str, dict[str, ChannelRoute]]] = {}
        self.authorizers: dict[str, Authorizer] = {}
        self.queues: list[QueueTrigger] = []
        self.streams: list[StreamTrigger] = []
        self.schedules: dict[str, ScheduleTrigger] = {}
        self.events: dict[str, EventTrigger] = {}
        self.topics: list[TopicTrigger] = []
        self.buckets: list[BucketTrigger] = []
        self.logs: list[LogTrigger] = []
        self.alarms: list[AlarmTrigger] = []
        self.user_pools: list[UserPoolTrigger] = []
        self.findings: list[Finding] = []
        self.direct: set[str] = set()
        self._auth: dict[tuple[str, str], bool | None] = {}
        self._asked: list[tuple[str, dict[str, Any], str]] = []
        self._places: dict[Any, str] = {}

    def add(self, draft: Draft) -> None:
        """The registrations of a unit. Raises AnalysisError."""
        for one in draft.registrations:
            handler = one["handler"]
            place = place_of(self._project, handler["file"], handler["line"]) or draft.place
            getattr(self, f"_{one['kind']}")(draft.name, one["options"], handler, place)

    # ------------------------------------------------------------ HTTP and WebSockets

    def _http(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        path = re.sub(r":path\}", "+}", options["path"])
        methods = set(options["methods"])
        for method in ["ANY"] if methods >= _METHODS else sorted(methods):
            key = (path, method)
            there = self.routes.get(key)
            if there is not None:
                raise AnalysisError(
                    f"{method} {path} is for two units: {there.unit} ({self._places[key]}) and {unit}",
                    hint="Give one of them another path or method.",
                    place=place,
                )
            self.routes[key] = Route(unit=unit, method=method, path=path)
            self._auth[key] = options.get("auth")
            self._places[key] = place

    def _channel(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        name, action = options["channel"], options["action"]
        if re.fullmatch(r"[a-zA-Z0-9_/-]{1,64}", name) is None:
            raise AnalysisError(
                f"the channel {name!r}: its name may have letters, digits, - _ and /", place=place
            )
        _, routes = self.channels.setdefault(name, (options["key"], {}))
        if action in routes:
            raise AnalysisError(f"two handlers are for {action} of the channel {name}", place=place)
        routes[action] = ChannelRoute(unit=unit, key=action, replies=action not in _ENDS)

    def _authorizer(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        self._asked.append((unit, options, place))

    # ------------------------------------------------------------ queues, streams, tables

    def _queue(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        name = self._resources.named("queue", options["name"], place)
        window = _whole(options["batch_window"], "batch_window", place)
        size = options["batch_size"]
        fifo = name.endswith(".fifo")
        _within("batch_size", size, 1, 10 if fifo else 10_000, place)
        _within("batch_window", window, 0, 0 if fifo else 300, place)
        if size > 10 and window == 0:
            raise AnalysisError(
                f"the queue {name}: batches of {size} need a batch_window of 1 second at least",
                hint="Lambda takes up to 10 messages without waiting: give batch_window=1, or a batch_size up to 10.",
                place=place,
            )
        if options["maximum_concurrency"] is not None:
            _within("maximum_concurrency", options["maximum_concurrency"], 2, 1000, place)
        self._once([one.queue for one in self.queues], name, "queue", place)
        self.queues.append(
            QueueTrigger(
                unit=unit,
                queue=name,
                batch_size=size,
                batch_window_s=window,
                maximum_concurrency=options["maximum_concurrency"],
                filters=tuple(options["filters"]),
                report_failures=options["report_failures"],
            )
        )

    def _stream(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        name = self._resources.named("stream", options["name"], place)
        self._records("stream", unit, name, options, place)

    def _table_stream(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        name = self._resources.named("table", options["name"], place)
        self._resources.streamed(name)
        self._records("table", unit, name, options, place)

    def _records(self, kind: Any, unit: str, name: str, options: dict[str, Any], place: str) -> None:
        _within("batch_size", options["batch_size"], 1, 10_000, place)
        _within("parallelization", options["parallelization"], 1, 10, place)
        _within("batch_window", options["batch_window"], 0, 300, place)
        if options["maximum_retries"] is not None:
            _within("maximum_retries", options["maximum_retries"], -1, 10_000, place)
        if options["maximum_age"] not in (None, -1):
            _within("maximum_age", options["maximum_age"], 60, 604_800, place)
        if options["tumbling_window"] is not None:
            _within("tumbling_window", options["tumbling_window"], 0, 900, place)
        trigger = StreamTrigger(
            unit=unit,
            kind=kind,
            name=name,
            batch_size=options["batch_size"],
            batch_window_s=_whole(options["batch_window"], "batch_window", place),
            starting_position=options["starting_position"],
            parallelization=options["parallelization"],
            maximum_retries=options["maximum_retries"],
            maximum_age_s=_whole(options["maximum_age"], "maximum_age", place),
            bisect=options["bisect"],
            tumbling_window_s=_whole(options["tumbling_window"], "tumbling_window", place),
            filters=_of_changes(options),
            report_failures=options["report_failures"],
        )
        if trigger not in self.streams:  # for new and for removed items: the app chooses
            self.streams.append(trigger)

    def _once(self, there: list[str], name: str, kind: str, place: str) -> None:
        if name in there:
            raise AnalysisError(
                f"two handlers are for the {kind} {name}, and each of its messages has one only",
                hint="Let one of them do both, or give the other a queue of its own.",
                place=place,
            )

    # ------------------------------------------------------------ times and events

    def _schedule(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        from lambent.app.schedules import BadSchedule, check

        name = options["name"] or handler["name"].rpartition(".")[2]
        try:
            check(options["expression"])
        except BadSchedule as error:
            raise AnalysisError(f"the schedule {name}: {error}", place=place) from None
        if re.fullmatch(r"[0-9a-zA-Z-_.]{1,64}", name) is None:
            raise AnalysisError(
                f"the schedule {name!r}: its name may have letters, digits, and - _ ., at most 64",
                hint='Give it one: name="nightly".',
                place=place,
            )
        if name in self.schedules:
            raise AnalysisError(
                f"two schedules have the name {name}",
                hint='Give one of them another: name="nightly".',
                place=place,
            )
        self.schedules[name] = ScheduleTrigger(
            unit=unit, name=name, expression=options["expression"], timezone=options.get("timezone")
        )

    def _event(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        wanted = options.get("name") or re.sub(
            r"[^\w.-]", "-", handler["name"].rpartition(".")[2], flags=re.ASCII
        )
        name, number = wanted, 1
        while name in self.events:
            number += 1
            name = f"{wanted}-{number}"
        self.events[name] = EventTrigger(
            unit=unit, name=name, pattern=options["pattern"], bus=options.get("bus")
        )

    def _topic(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        name = self._resources.named("topic", options["name"], place)
        self.topics.append(TopicTrigger(unit=unit, topic=name, filter=options.get("filter")))

    def _bucket(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        name = self._resources.named("bucket", options["name"], place)
        events = {event if event.startswith("s3:") else f"s3:{event}" for event in _list(options["events"])}
        prefix, suffix = options["prefix"] or "", options["suffix"] or ""
        for there in self.buckets:
            if (there.unit, there.bucket, there.prefix, there.suffix) == (unit, name, prefix, suffix):
                # S3 wants to be told of the same objects once; the app chooses among its handlers.
                events |= set(there.events)
                self.buckets.remove(there)
                break
        self.buckets.append(
            BucketTrigger(unit=unit, bucket=name, events=tuple(sorted(events)), prefix=prefix, suffix=suffix)
        )

    def _logs(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        if options["group"] is None:
            self.findings.append(
                Finding(
                    message=f"{unit} takes the lines of any log group, and none is subscribed to",
                    place=place,
                    hint='Name one: @app.logs("/aws/lambda/…").',
                )
            )
        else:
            self.logs.append(LogTrigger(unit=unit, group=options["group"]))

    def _alarm(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        self.alarms.append(AlarmTrigger(unit=unit, alarm=options["name"]))

    def _user_pool(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        # "PreSignUp_SignUp" is an occasion of the trigger PreSignUp, which Cognito calls for all.
        one = UserPoolTrigger(unit=unit, trigger=options["trigger"].partition("_")[0], pool=options["pool"])
        if one not in self.user_pools:
            self.user_pools.append(one)

    def _direct(self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str) -> None:
        self.direct.add(unit)

    def _custom_resource(
        self, unit: str, options: dict[str, Any], handler: dict[str, Any], place: str
    ) -> None:
        self.direct.add(unit)

    # ------------------------------------------------------------ what they have in common

    def finish(self) -> None:
        """Authorizers are for the APIs that there are; routes have what protects them. Raises AnalysisError."""
        for unit, options, place in self._asked:
            for api in self._apis(options["api"], place):
                if api in self.authorizers:
                    raise AnalysisError(
                        f"two authorizers are for {_spoken(api)}",
                        hint='Say which is for which: @app.authorizer("http"), @app.authorizer("<channel>").',
                        place=place,
                    )
                self.authorizers[api] = Authorizer(unit=unit, api=api, simple=options["simple"])
        usual: Auth = "none"
        if HTTP in self.authorizers:
            usual = "authorizer"
            if self._project.jwt is not None:
                raise AnalysisError(
                    "the HTTP API has both an @app.authorizer() and [app.jwt]",
                    hint="One of them says who may call: leave out the other.",
                )
        elif self._project.jwt is not None:
            usual = "jwt"
        elif self._project.auth == "iam":
            usual = "iam"
        for key, route in list(self.routes.items()):
            wanted = self._auth[key]
            if wanted and usual == "none":
                raise AnalysisError(
                    f"{route.method} {route.path} must not be open (auth=True), and nothing says who may call it",
                    hint='Add an @app.authorizer(), [app.jwt] or auth = "iam" below [app].',
                    place=self._places[key],
                )
            self._route(route, "none" if wanted is False else usual)
        self._companions()

    def _route(self, route: Route, auth: Auth) -> None:
        self.routes[route.path, route.method] = Route(
            unit=route.unit, method=route.method, path=route.path, auth=auth
        )

    def _companions(self) -> None:
        """What the framework answers beside the handlers: HEAD as GET, and OPTIONS where it has its own CORS."""
        for path, method in sorted(self.routes):
            route = self.routes[path, method]
            if (path, "ANY") in self.routes:
                continue
            if method == "GET" and (path, "HEAD") not in self.routes:
                self.routes[path, "HEAD"] = Route(unit=route.unit, method="HEAD", path=path, auth=route.auth)
            if self._has_cors and (path, "OPTIONS") not in self.routes:
                # Browsers send no credentials when they ask whether they may.
                self.routes[path, "OPTIONS"] = Route(unit=route.unit, method="OPTIONS", path=path)

    def _apis(self, told: str | None, place: str) -> list[str]:
        if told is None:
            return [HTTP] if self.routes else sorted(self.channels)
        name = told.strip("/")
        if name != HTTP and name not in self.channels:
            there = ", ".join([*([HTTP] if self.routes else []), *sorted(self.channels)])
            raise AnalysisError(
                f"there is no API {told!r} that the authorizer could be for",
                hint=f"There are {there}." if there else "The app has no routes and no channels.",
                place=place,
            )
        return [name]

    def channel_list(self) -> tuple[Channel, ...]:
        """All channels."""
        return tuple(
            Channel(name=name, key=key, routes=tuple(routes[one] for one in sorted(routes)))
            for name, (key, routes) in sorted(self.channels.items())
        )

    @property
    def has_cors(self) -> bool:
        """Whether the app answers preflight requests itself."""
        return self._has_cors


def _of_changes(options: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The filters of a mapping. Changes that a handler passes over are not worth an invocation."""
    filters = tuple(options["filters"])
    events = sorted(options.get("events") or ())
    if not events or len(events) == len(_CHANGES):
        return filters
    return tuple({"eventName": events, **one} for one in filters or ({},))


def _spoken(api: str) -> str:
    return "the HTTP API" if api == HTTP else f"the channel {api}"


def _list(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def _whole(value: float | None, name: str, place: str) -> Any:
    """Seconds as Lambda takes them."""
    if value is not None and value != int(value):
        raise AnalysisError(f"{name} is {value} seconds: Lambda takes whole seconds only", place=place)
    return None if value is None else int(value)


def _within(name: str, value: float, least: int, most: int, place: str) -> None:
    if not least <= value <= most:
        raise AnalysisError(f"{name} is {value}: it must be from {least} to {most:,}", place=place)
