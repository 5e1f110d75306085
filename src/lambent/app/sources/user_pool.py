"""Triggers of Cognito user pools.

A trigger's answer is its own event with `response` filled in. A handler changes `trigger.response`, or gives what is to
be added to it: a dict or anything that msgspec makes one of. What it raises, Cognito shows to the user after the
trigger's name: "PreSignUp failed with error …".

Source: "Customizing user pool workflows with Lambda triggers" of the Cognito developer guide, with the trigger sources
of each trigger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.errors import AppError, UnknownEvent
from lambent.app.request import Invocation
from lambent.app.signature import described
from lambent.app.sources.naming import physical_name
from lambent.app.sources.record import answered, as_json, chain_of, first_known, itself, members
from lambent.app.sources.understood import understood

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.app import App
    from lambent.app.onion import Middleware
    from lambent.app.sources.chain import Chain

_MESSAGES = (
    "SignUp",
    "AdminCreateUser",
    "ResendCode",
    "ForgotPassword",
    "UpdateUserAttribute",
    "VerifyUserAttribute",
    "Authentication",
)
TRIGGERS: dict[str, tuple[str, ...]] = {
    "PreSignUp": ("SignUp", "AdminCreateUser", "ExternalProvider"),
    "PostConfirmation": ("ConfirmSignUp", "ConfirmForgotPassword"),
    "PreAuthentication": ("Authentication",),
    "PostAuthentication": ("Authentication",),
    "TokenGeneration": (
        "HostedAuth",
        "Authentication",
        "NewPasswordChallenge",
        "AuthenticateDevice",
        "RefreshTokens",
        "ClientCredentials",
    ),
    "DefineAuthChallenge": ("Authentication",),
    "CreateAuthChallenge": ("Authentication",),
    "VerifyAuthChallengeResponse": ("Authentication",),
    "UserMigration": ("Authentication", "ForgotPassword"),
    "CustomMessage": _MESSAGES,
    "CustomEmailSender": (*_MESSAGES, "AccountTakeOverNotification"),
    "CustomSMSSender": _MESSAGES,
    "InboundFederation": ("ExternalProvider",),
}
"""The triggers, and the occasions at which they are called: a trigger source is both, joined by `_`."""

_CONFIGURED = {"PreTokenGeneration": "TokenGeneration"}
"""Triggers that the user pool's configuration calls otherwise than the events do."""


class Trigger(Invocation):
    """What Cognito asks. `response` is there to be changed."""

    kind = "cognito"

    @property
    def trigger_source(self) -> str:
        """What has happened: `PreSignUp_SignUp`."""
        return self.event["triggerSource"]  # type: ignore[no-any-return]

    @property
    def user_name(self) -> str | None:
        """The user's name in the pool."""
        return self.event.get("userName")  # type: ignore[no-any-return]

    @property
    def user_pool_id(self) -> str:
        """The pool's id."""
        return self.event["userPoolId"]  # type: ignore[no-any-return]

    @property
    def client_id(self) -> str | None:
        """The app client's id."""
        return (self.event.get("callerContext") or {}).get("clientId")

    @property
    def region(self) -> str | None:
        """The pool's region."""
        return self.event.get("region")  # type: ignore[no-any-return]

    @property
    def request(self) -> dict[str, Any]:
        """What it is about."""
        return self.event["request"]  # type: ignore[no-any-return]

    @property
    def response(self) -> dict[str, Any]:
        """The answer, as it is so far."""
        response: dict[str, Any] | None = self.event.get("response")
        if response is None:
            self.event["response"] = response = {}
        return response

    @property
    def user_attributes(self) -> dict[str, str]:
        """What is known of the user."""
        return self.request.get("userAttributes") or {}

    @property
    def client_metadata(self) -> dict[str, str]:
        """What the client gave for triggers."""
        return self.request.get("clientMetadata") or {}

    @property
    def validation_data(self) -> dict[str, str]:
        """What the client gave to be validated."""
        return self.request.get("validationData") or {}


_MEMBERS: dict[str, Any] = {
    "trigger_source": str,
    "user_name": str,
    "user_pool_id": str,
    "client_id": str,
    "request": dict[str, Any],
    "response": dict[str, Any],
    "user_attributes": dict[str, str],
    "client_metadata": dict[str, str],
    "validation_data": dict[str, str],
}


class UserPools:
    """The handlers of triggers: one occasion's go before a trigger's, and one pool's before those of all."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.handlers: dict[tuple[str, str | None], Chain] = {}

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        name, _, occasion = options["trigger"].partition("_")
        name = _CONFIGURED.get(name, name)
        if name not in TRIGGERS or (occasion and occasion not in TRIGGERS[name]):
            known = ", ".join(f"{one}_{{{','.join(occasions)}}}" for one, occasions in TRIGGERS.items())
            raise AppError(
                f"{described(handler)}: there is no trigger {options['trigger']!r}; there are, with or without what "
                f"comes after _, {known}"
            )
        key = (f"{name}_{occasion}" if occasion else name, options["pool"])
        there = self.handlers.get(key)
        if there is not None:
            raise AppError(
                f"{key[0]}: both {described(there.endpoint.handler)} and {described(handler)} are for it: one handler "
                "has to do"
            )
        resolve = first_known(members(_MEMBERS), itself)
        self.handlers[key] = chain_of(self._app, handler, layers, options, resolve, Trigger)

    @understood
    def handle(self, event: Any, context: Any) -> Any:
        """The event with its response. Raises UnknownEvent and what handlers raise."""
        chain = self._find(event["triggerSource"], event["userPoolId"])
        if chain is None:
            there = ", ".join(f"{name} of {pool!r}" if pool else name for name, pool in self.handlers)
            raise UnknownEvent(
                f"{self._app.name}: no handler is for {event['triggerSource']} of the user pool "
                f"{event['userPoolId']}: there are handlers for {there}"
            )
        trigger = Trigger(event, context)
        result = answered(self._app, chain, trigger)
        if isinstance(result, dict) and "triggerSource" in result:  # the whole event
            return result
        if result is None:
            result = {}
        if not isinstance(result, dict):
            raise AppError(
                f"{described(chain.endpoint.handler)}: it gave {type(result).__name__}: what is to be added to the "
                "response are members and their values"
            )
        event["response"] = {**as_json(trigger.response), **result}
        return event

    def _find(self, source: str, pool: str) -> Chain | None:
        for name in (source, source.partition("_")[0]):
            general = None
            for (one, of), chain in self.handlers.items():
                if one == name:
                    if of is None:
                        general = chain
                    elif of == pool or physical_name("user_pool", of) == pool:
                        return chain
            if general is not None:
                return general
        return None
