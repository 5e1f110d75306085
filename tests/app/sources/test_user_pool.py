"""Handlers of Cognito's triggers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore.session
import msgspec
import pytest

from lambent import App, AppError, Forbidden, UnknownEvent
from lambent.app.sources.user_pool import Trigger
from lambent.testing import events

SAMPLES = Path(__file__).parents[1] / "samples" / "documented"


def test_a_response_that_is_changed() -> None:
    app = App()

    @app.user_pool("PreSignUp")
    def confirm(trigger: Trigger) -> None:
        trigger.response["autoConfirmUser"] = trigger.user_attributes["email"].endswith("@example.com")

    event = events.cognito("PreSignUp", user="ann")
    answer = app(event)
    assert answer["response"] == {"autoConfirmUser": True, "autoVerifyEmail": False, "autoVerifyPhone": False}
    assert {**answer, "response": None} == {**events.cognito("PreSignUp", user="ann"), "response": None}


class Confirmed(msgspec.Struct, rename="camel"):
    auto_confirm_user: bool


@pytest.mark.parametrize("result", [{"autoConfirmUser": True}, Confirmed(True)], ids=["dict", "typed"])
def test_a_response_that_is_given(result: Any) -> None:
    app = App()
    app.user_pool("PreSignUp_SignUp")(lambda: result)
    answer = app(events.cognito("PreSignUp"))
    assert answer["response"] == {"autoConfirmUser": True, "autoVerifyEmail": False, "autoVerifyPhone": False}


def test_the_event_itself() -> None:
    app = App()

    @app.user_pool("PreSignUp")
    def confirm(event: dict[str, Any]) -> dict[str, Any]:
        event["response"]["autoConfirmUser"] = True
        return event

    event = events.cognito("PreSignUp")
    assert app(event) == event
    assert event["response"]["autoConfirmUser"] is True


def test_what_is_no_response() -> None:
    app = App()
    app.user_pool("PreSignUp")(lambda: True)
    with pytest.raises(AppError, match="it gave bool"):
        app(events.cognito("PreSignUp"))


def test_the_trigger() -> None:
    app, got = App(), list[Any]()

    @app.user_pool("UserMigration")
    async def migrate(
        trigger: Trigger, user_name: str, request: dict[str, Any], client_metadata: dict[str, str]
    ) -> None:
        got.extend([trigger, user_name, request["password"], client_metadata])
        trigger.response["finalUserStatus"] = "CONFIRMED"

    event = events.cognito("UserMigration", user="ann", pool="eu_1", client="c", client_metadata={"a": "b"})
    assert app(event)["response"]["finalUserStatus"] == "CONFIRMED"
    app.loop.close()
    trigger = got[0]
    assert got[1:] == ["ann", "Password-1", {"a": "b"}]
    assert (trigger.user_name, trigger.user_pool_id, trigger.client_id) == ("ann", "eu_1", "c")
    assert (trigger.trigger_source, trigger.region) == ("UserMigration_Authentication", event["region"])
    assert (trigger.user_attributes, trigger.validation_data) == ({}, {})


def test_the_most_specific_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_USER_POOL_STAFF", "arn:aws:cognito-idp:eu-west-1:1:userpool/eu-west-1_Staff")
    app, got = App(), list[str]()
    app.user_pool("CustomMessage")(lambda: got.append("all"))
    app.user_pool("CustomMessage", pool="staff")(lambda: got.append("staff"))
    app.user_pool("CustomMessage_SignUp")(lambda: got.append("sign-up"))
    app.user_pool("CustomMessage_SignUp", pool="eu-west-1_Other")(lambda: got.append("other's sign-up"))
    app(events.cognito("CustomMessage_SignUp"))
    app(events.cognito("CustomMessage_SignUp", pool="eu-west-1_Other"))
    app(events.cognito("CustomMessage_ForgotPassword"))
    app(events.cognito("CustomMessage_ForgotPassword", pool="eu-west-1_Staff"))
    assert got == ["sign-up", "other's sign-up", "all", "staff"]


def test_failures_reach_cognito_with_their_text() -> None:
    app = App()

    @app.user_pool("PreSignUp")
    def refuse() -> None:
        raise Forbidden("Only for members")

    with pytest.raises(Forbidden) as failed:
        app(events.cognito("PreSignUp"))
    assert str(failed.value) == "Only for members"


@pytest.mark.parametrize("name", sorted(one.stem for one in SAMPLES.glob("cognito-*.json")))
def test_samples(name: str) -> None:
    event = json.loads((SAMPLES / f"{name}.json").read_text())
    app, got = App(), list[Trigger]()

    @app.user_pool(event["triggerSource"])
    def on_trigger(trigger: Trigger) -> None:
        got.append(trigger)

    assert app(event) == event
    assert got[0].user_pool_id == event["userPoolId"]


def test_all_triggers() -> None:
    configuration = (
        botocore.session.get_session().get_service_model("cognito-idp").shape_for("LambdaConfigType")
    )
    for name in configuration.members:
        if name not in ("KMSKeyID", "PreTokenGenerationConfig"):
            App().user_pool(name)(lambda: None)
    app = App()
    app.user_pool("PreTokenGeneration")(lambda: {"claimsOverrideDetails": {}})
    assert app(events.cognito("TokenGeneration"))["response"] == {"claimsOverrideDetails": {}}


@pytest.mark.parametrize("trigger", ["", "PreSignup", "PreSignUp_", "PreSignUp_Login", "SignUp"])
def test_triggers_that_do_not_exist(trigger: str) -> None:
    if trigger == "PreSignUp_":
        App().user_pool(trigger)(lambda: None)  # as without it
        return
    with pytest.raises(AppError, match="there is no trigger"):
        App().user_pool(trigger)(lambda: None)


def test_unmatched() -> None:
    app = App("shop")
    app.user_pool("PreSignUp_SignUp")(lambda: None)
    app.user_pool("PostConfirmation", pool="eu_1")(lambda: None)
    text = (
        "shop: no handler is for PostConfirmation_ConfirmSignUp of the user pool eu_2: .*SignUp, .*of .eu_1"
    )
    with pytest.raises(UnknownEvent, match=text):
        app(events.cognito("PostConfirmation", pool="eu_2"))
    with pytest.raises(AppError, match="PreSignUp_SignUp: both"):
        app.user_pool("PreSignUp_SignUp")(lambda: None)
