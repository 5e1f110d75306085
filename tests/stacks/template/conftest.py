"""Coroutine tests, templates in short, and services that have what a test says."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.template import Pseudo, ResourceValues, Scope, Template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.neighbours.service_calls import ServiceCall

ACCOUNT = "123456789012"
REGION = "eu-west-1"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/1"
PSEUDO = Pseudo.of(ACCOUNT, REGION, STACK, "shop", ("arn:t1", "arn:t2"))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests to their end."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
    return True


def resource(value: Any = None, /, **members: Any) -> dict[str, Any]:
    """One with a property `P`."""
    return {"Type": "AWS::SQS::Queue", "Properties": {} if value is None else {"P": value}, **members}


def template(*properties: Any, **sections: Any) -> dict[str, Any]:
    """A document with resources A, B, C… whose property `P` is what is given, and with whatever sections."""
    named = {chr(ord("A") + number): resource(value) for number, value in enumerate(properties)}
    return {"Resources": named or {"A": resource()}, **sections}


def read(*properties: Any, **sections: Any) -> Template:
    return Template.read(template(*properties, **sections))


def scope(
    document: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    made: Mapping[str, ResourceValues] | None = None,
    **more: Any,
) -> Scope:
    """Of a document, and the resources that are made."""
    return Scope(
        Template.read(dict(document) if document else template()),
        parameters or {},
        PSEUDO,
        resources=(made or {}).get,
        **more,
    )


class Services:
    """Answers calls by service, operation and their first parameter; counts them."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str, str], dict[str, Any] | ServiceFailure] = {}
        self.calls: list[ServiceCall] = []

    def parameter(self, name: str, value: str, kind: str = "String") -> None:
        """One of Parameter Store."""
        self.answers["ssm", "GetParameter", name] = {"Parameter": {"Value": value, "Type": kind}}

    def secret(self, name: str, value: str | bytes) -> None:
        member = "SecretString" if isinstance(value, str) else "SecretBinary"
        self.answers["secretsmanager", "GetSecretValue", name] = {member: value}

    async def ask(self, call: ServiceCall) -> dict[str, Any]:
        assert (call.region, call.account) == (REGION, ACCOUNT)
        self.calls.append(call)
        first = str(next(iter(call.parameters.values()), ""))
        missing = "ParameterNotFound" if call.service == "ssm" else "ResourceNotFoundException"
        answer = self.answers.get((call.service, call.operation, first))
        if answer is None:
            raise ServiceFailure(call.service, call.operation, missing, "It is not there.", 400, "r-1")
        if isinstance(answer, ServiceFailure):
            raise answer
        return answer


@pytest.fixture
def services() -> Services:
    return Services()
