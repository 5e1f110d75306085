"""STS over its own methods; with real clients it is tested in tests/platform."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.aws.context import RequestContext
from lambent.aws.credentials import Credentials, kept_master_key
from lambent.aws.errors import ServiceError
from lambent.aws.sts import StsService

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "000000000000"
ROLE = "arn:aws:iam::111111111111:role/team/worker"


def context(principal: str = "", partition: str = "aws") -> RequestContext:
    return RequestContext(
        ACCOUNT, "us-east-1", partition, "id", "sts", "AssumeRole", "KEY", "http://here", principal
    )


@pytest.fixture
def credentials() -> Credentials:
    return Credentials()


def ask(credentials: Credentials, operation: str, principal: str = "", **request: Any) -> dict[str, Any]:
    service = StsService(credentials, ACCOUNT)
    answer: dict[str, Any] = asyncio.run(getattr(service, operation)(context(principal), request))
    return answer


def session(credentials: Credentials, answer: dict[str, Any]) -> Any:
    keys = answer["Credentials"]
    found = credentials.session(keys["AccessKeyId"], keys["SessionToken"].encode())
    assert found is not None
    assert found.expires == keys["Expiration"]
    return found


def test_roles_act_in_their_account(credentials: Credentials) -> None:
    answer = ask(credentials, "assume_role", RoleArn=ROLE, RoleSessionName="me", DurationSeconds=900)
    found = session(credentials, answer)
    assert (found.account, found.principal) == ("111111111111", "assumed-role/worker/me")
    user = answer["AssumedRoleUser"]
    assert user["Arn"] == "arn:aws:sts::111111111111:assumed-role/worker/me"
    assert user["AssumedRoleId"].startswith("AROA")
    assert user["AssumedRoleId"].endswith(":me")
    assert len(user["AssumedRoleId"]) == 21 + len(":me")


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::1:role/x",
        "arn:aws:iam::111111111111:user/x",
        "arn:aws:iam::111111111111:role/",
        "x" * 20,
    ],
)
def test_what_is_no_role(credentials: Credentials, arn: str) -> None:
    with pytest.raises(ServiceError) as caught:
        ask(credentials, "assume_role", RoleArn=arn, RoleSessionName="me")
    assert (caught.value.code, caught.value.message) == ("ValidationError", f"{arn} is invalid")


@pytest.mark.parametrize(
    ("principal", "arn", "user"),
    [
        ("", "arn:aws:iam::000000000000:root", "000000000000"),
        ("assumed-role/r/s", "arn:aws:sts::000000000000:assumed-role/r/s", None),
        ("federated-user/f", "arn:aws:sts::000000000000:federated-user/f", "000000000000:f"),
    ],
)
def test_who_calls(credentials: Credentials, principal: str, arn: str, user: str | None) -> None:
    answer = ask(credentials, "get_caller_identity", principal)
    assert (answer["Account"], answer["Arn"]) == (ACCOUNT, arn)
    assert user is None or answer["UserId"] == user


def test_sessions_and_federated_users(credentials: Credentials) -> None:
    assert session(credentials, ask(credentials, "get_session_token")).principal == ""
    answer = ask(credentials, "get_federation_token", Name="ada")
    assert session(credentials, answer).principal == "federated-user/ada"
    assert answer["FederatedUser"]["FederatedUserId"] == "000000000000:ada"
    assert ask(credentials, "get_access_key_info", AccessKeyId="222222222222") == {"Account": "222222222222"}
    assert ask(credentials, "get_access_key_info", AccessKeyId="AKIA") == {"Account": ACCOUNT}


def test_web_identities(credentials: Credentials) -> None:
    claims = {"sub": "ada", "aud": ["web"], "iss": "https://login.example"}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    ask_for = {"RoleArn": ROLE, "RoleSessionName": "me"}
    answer = ask(credentials, "assume_role_with_web_identity", **ask_for, WebIdentityToken=f"e30.{payload}.x")
    assert session(credentials, answer).principal == "assumed-role/worker/me"
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"], answer["Provider"]) == (
        "ada",
        "web",
        "https://login.example",
    )
    for token in ("abcd", "a.b.c", "a.%%%.c", "e30.W10.x"):
        with pytest.raises(ServiceError, match="InvalidIdentityToken"):
            ask(credentials, "assume_role_with_web_identity", **ask_for, WebIdentityToken=token)


def test_the_master_key_is_kept_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "master-key"
    key = kept_master_key(path)
    assert len(key) == 32
    assert kept_master_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(key[:5])
    replaced = kept_master_key(path)
    assert len(replaced) == 32
    assert kept_master_key(path) == replaced
