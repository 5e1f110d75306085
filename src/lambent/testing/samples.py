"""Sample events by name, as `lambent event` prints them: "s3-put", "sqs", "cognito-pre-sign-up".

    sample("s3-put", bucket="uploads", keys="photo.jpg")

Each is a factory of `lambent.testing.events` with members that are there already, and can be given otherwise.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

import msgspec

from lambent.testing import events


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of event. `members` are what its factory is called with unless told otherwise."""

    about: str
    factory: str
    members: dict[str, Any] = {}
    resources: dict[str, str] = {}
    """Those of the members that name a resource, and the resource's kind ("bucket")."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Which members can be told, and what they are otherwise; None where that is made anew or not there."""
        parameters = inspect.signature(getattr(events, self.factory)).parameters
        defaults = {name: one.default for name, one in parameters.items()}
        return {
            name: self.members.get(name, None if default is inspect.Parameter.empty else default)
            for name, default in defaults.items()
        }


class UnknownSample(ValueError):
    """There is no sample of that name, or a member of it is wrong; the text says which there are."""


def _http(method: str = "GET", path: str = "/", **more: Any) -> dict[str, Any]:
    return {"method": method, "path": path, **more}


def _s3(about: str, event: str, **more: Any) -> Sample:
    members = {"bucket": "uploads", "keys": "photo.jpg", "event": event, **more}
    return Sample(about=about, factory="s3", members=members, resources={"bucket": "bucket"})


def _change(about: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Sample:
    return Sample(
        about=about,
        factory="dynamodb_stream",
        members={"changes": [(old, new)], "table": "orders"},
        resources={"table": "table"},
    )


_OLD: Final = {"id": "order-1", "state": "open"}
_NEW: Final = {"id": "order-1", "state": "paid"}

_SAMPLES: Final = {
    "http": Sample(about="A request to an HTTP API (format 2.0)", factory="http_v2", members=_http()),
    "http-v1": Sample(about="A request to a REST API (format 1.0)", factory="http_v1", members=_http()),
    "function-url": Sample(about="A request to a function URL", factory="function_url", members=_http()),
    "alb": Sample(about="A request to a load balancer", factory="alb", members=_http()),
    "websocket-message": Sample(
        about="A message on a WebSocket", factory="websocket_message", members={"body": {"action": "send"}}
    ),
    "websocket-connect": Sample(about="A WebSocket is opened", factory="websocket_connect"),
    "websocket-disconnect": Sample(about="A WebSocket was closed", factory="websocket_disconnect"),
    "authorizer-http": Sample(
        about="May this request call an HTTP API? (format 2.0)",
        factory="authorizer_http",
        members={"headers": {"authorization": "Bearer token"}},
    ),
    "authorizer-request": Sample(
        about="May this request call a REST API?",
        factory="authorizer_request",
        members={"headers": {"authorization": "Bearer token"}},
    ),
    "authorizer-token": Sample(
        about="May this token call a REST API?", factory="authorizer_token", members={"token": "Bearer token"}
    ),
    "authorizer-websocket": Sample(
        about="May this WebSocket be opened?",
        factory="authorizer_websocket",
        members={"headers": {"authorization": "Bearer token"}},
    ),
    "sqs": Sample(
        about="Messages of a queue",
        factory="sqs",
        members={"messages": [{"order": "order-1"}], "queue": "receipts"},
        resources={"queue": "queue"},
    ),
    "sns": Sample(
        about="A message of a topic",
        factory="sns",
        members={"messages": [{"order": "order-1"}], "topic": "alerts"},
        resources={"topic": "topic"},
    ),
    "s3-put": _s3("An object was put", "ObjectCreated:Put"),
    "s3-post": _s3("An object was posted with a form", "ObjectCreated:Post"),
    "s3-copy": _s3("An object was copied", "ObjectCreated:Copy"),
    "s3-multipart": _s3("An object was put in parts", "ObjectCreated:CompleteMultipartUpload"),
    "s3-delete": _s3("An object was deleted", "ObjectRemoved:Delete"),
    "s3-delete-marker": _s3(
        "An object got a delete marker", "ObjectRemoved:DeleteMarkerCreated", version_id="3sL4kqtJlcpXroDTDmJ"
    ),
    "s3-test": Sample(
        about="What S3 sends to a queue or topic that it is to notify",
        factory="s3_test",
        members={"bucket": "uploads"},
        resources={"bucket": "bucket"},
    ),
    "dynamodb-insert": _change("An item is new in a table", None, _OLD),
    "dynamodb-modify": _change("An item of a table was changed", _OLD, _NEW),
    "dynamodb-remove": _change("An item has gone from a table", _NEW, None),
    "kinesis": Sample(
        about="Records of a Kinesis stream",
        factory="kinesis",
        members={"records": [{"page": "/"}], "stream": "clicks"},
        resources={"stream": "stream"},
    ),
    "eventbridge": Sample(
        about="An event of a bus",
        factory="eventbridge",
        members={"detail": {"id": "order-1"}, "source": "shop", "detail_type": "order.placed"},
    ),
    "schedule": Sample(
        about="The time of a schedule of EventBridge Scheduler",
        factory="scheduler",
        members={"name": "clean_up"},
        resources={"name": "schedule"},
    ),
    "rule": Sample(
        about="The time of a scheduled rule",
        factory="schedule",
        members={"rule": "clean_up"},
        resources={"rule": "rule"},
    ),
    "logs": Sample(
        about="Lines of a log group",
        factory="log_subscription",
        members={"messages": ["[ERROR] something went wrong"]},
    ),
    "alarm": Sample(about="An alarm of CloudWatch has gone off", factory="alarm"),
    "alarm-ok": Sample(
        about="An alarm of CloudWatch is over", factory="alarm", members={"state": "OK", "previous": "ALARM"}
    ),
    "custom-resource-create": Sample(
        about="CloudFormation creates a custom resource",
        factory="custom_resource",
        members={"request_type": "Create", "properties": {"Name": "value"}},
    ),
    "custom-resource-update": Sample(
        about="CloudFormation updates a custom resource",
        factory="custom_resource",
        members={
            "request_type": "Update",
            "properties": {"Name": "new"},
            "old_properties": {"Name": "old"},
        },
    ),
    "custom-resource-delete": Sample(
        about="CloudFormation deletes a custom resource",
        factory="custom_resource",
        members={"request_type": "Delete", "properties": {"Name": "value"}},
    ),
}


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).replace("_", "-").lower()


def _triggers() -> dict[str, Sample]:
    """Of user pools: by the trigger's name for its first occasion, with the occasion for the others."""
    found = {}
    for trigger, occasions in events.TRIGGERS.items():
        for index, occasion in enumerate(occasions):
            name = trigger if index == 0 else f"{trigger}_{occasion}"
            found[f"cognito-{_kebab(name)}"] = Sample(
                about=f"{trigger}_{occasion} of a user pool",
                factory="cognito",
                members={"trigger": f"{trigger}_{occasion}"},
            )
    return found


SAMPLES: Final[dict[str, Sample]] = {**_SAMPLES, **_triggers()}
"""All of them by name."""


def find(name: str) -> Sample:
    """The sample of that name; of a source alone ("s3") its first. Raises UnknownSample."""
    found = SAMPLES.get(name)
    if found is None:
        found = next((one for key, one in SAMPLES.items() if key.startswith(f"{name}-")), None)
    if found is None:
        raise UnknownSample(f"there is no sample {name}: there are {', '.join(SAMPLES)}")
    return found


def sample(name: str, /, **members: Any) -> dict[str, Any]:
    """The event of that name. `members` are its factory's; `message="…"` stands for `messages=["…"]`.

    Raises UnknownSample for a name or member that there is not, and for a value that the factory does not take.
    """
    found = find(name)
    factory = getattr(events, found.factory)
    parameters = inspect.signature(factory).parameters
    told = dict(found.members)
    for key, value in members.items():
        if key in parameters:
            told[key] = value
        elif f"{key}s" in parameters:
            told[f"{key}s"] = [value]
        else:
            raise UnknownSample(f"{name} has no member {key}: it has {', '.join(parameters)}")
    positional: list[Any] = []
    for key, parameter in parameters.items():
        if key not in told:
            continue
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            positional += told.pop(key)
        elif parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            positional.append(told.pop(key))
    try:
        event: dict[str, Any] = factory(*positional, **told)
    except (TypeError, ValueError, AttributeError) as error:
        raise UnknownSample(f"{name} cannot be made of that: {error}") from error
    return event
