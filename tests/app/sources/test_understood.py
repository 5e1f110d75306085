"""Events that are not as AWS sends them: whatever a member is instead, the error says so, and it is none of ours."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from lambent import App, AppError, UnknownEvent, ValidationFailed
from lambent.app.logger import Logger
from lambent.app.sources.understood import MalformedEvent
from lambent.app.sources.user_pool import Trigger
from lambent.testing import events


def new_app() -> App:
    app = App("shop", logger=Logger("shop", stream=io.StringIO()))
    app.queue("a")(lambda body: None)
    app.stream("a")(lambda data: None)
    app.table_stream("a")(lambda new: None)
    app.topic("a")(lambda message: None)
    app.bucket("a")(lambda upload: None)
    app.event({"source": [{"exists": True}]})(lambda event: None)
    app.schedule("rate(5 minutes)")(lambda: None)
    app.user_pool("PreSignUp")(lambda trigger: None)
    app.alarm()(lambda alarm: None)
    app.authorizer()(lambda request: True)
    app.channel("chat").on_message(lambda body: None)
    return app


EVENTS = {
    "sqs": events.sqs([events.SQSMessage({}, attributes={"a": "b"})], queue="a"),
    "kinesis": events.kinesis([{}], stream="a"),
    "dynamodb": events.dynamodb_stream([(None, {"id": 1})], table="a"),
    "sns": events.sns({}, topic="a"),
    "s3": events.s3("a", "key"),
    "eventbridge": events.eventbridge({}, source="shop", detail_type="Sold"),
    "schedule": events.schedule("a"),
    "cognito": events.cognito("PreSignUp_SignUp"),
    "alarm": events.alarm("a"),
    "authorizer": events.authorizer_token("token"),
}


def mutations(value: Any, depth: int = 0) -> Iterator[Any]:
    """The event with one of its members, or of its first record's, left out or something else."""
    other: Any
    if isinstance(value, dict):
        for name in value:
            yield {another: one for another, one in value.items() if another != name}
            for other in (None, 7, "x", [], {}, [1]):
                yield {**value, name: other}
            if depth < 3:
                for inner in mutations(value[name], depth + 1):
                    yield {**value, name: inner}
    elif isinstance(value, list) and value:
        for other in (None, 7, "x", [], {}):
            yield [other, *value[1:]]
        for inner in mutations(value[0], depth):
            yield [inner, *value[1:]]


@pytest.mark.parametrize("kind", EVENTS)
def test_malformed_events_are_said_to_be(kind: str) -> None:
    app = new_app()
    app(copy.deepcopy(EVENTS[kind]), None)
    for event in mutations(EVENTS[kind]):
        # These say what is wrong; all else would be an error of the framework.
        with suppress(AppError, ValidationFailed, ExceptionGroup):
            app(copy.deepcopy(event), None)


def test_what_is_wrong_and_where() -> None:
    event = copy.deepcopy(EVENTS["s3"])
    del event["Records"][0]["s3"]["bucket"]["name"]
    with pytest.raises(
        MalformedEvent, match=r"not as AWS sends it: KeyError: 'name' in lambent\.app\.sources\.bucket"
    ) as caught:
        new_app()(event, None)
    assert isinstance(caught.value, UnknownEvent)
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("error", [KeyError("name"), TypeError("no"), AttributeError("x"), IndexError(1)])
def test_what_handlers_raise_stays(error: Exception) -> None:
    app = App()

    @app.user_pool("PreSignUp")
    def check(trigger: Trigger) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        app(events.cognito("PreSignUp_SignUp"), None)
    assert caught.value is error


class Model:
    def model_dump(self, mode: str) -> Any:
        raise TypeError(mode)


def test_results_that_are_no_json_are_no_fault_of_the_event() -> None:
    app = App()
    app.user_pool("PreSignUp")(lambda trigger: {"x": Model()})
    with pytest.raises(TypeError) as caught:
        app(events.cognito("PreSignUp_SignUp"), None)
    assert not isinstance(caught.value, AppError)
