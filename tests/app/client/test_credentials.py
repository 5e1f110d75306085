"""Credentials: the environment's and a container's."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from lambent.app.client.credentials import Credentials, credentials, forget
from lambent.app.client.errors import AWSError, NotConfigured

if TYPE_CHECKING:
    from pathlib import Path

    from tests.app.client.conftest import Backend


def _document(number: int, seconds: float) -> dict[str, str]:
    expires = datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "AccessKeyId": f"AKID{number}",
        "SecretAccessKey": f"secret{number}",
        "Token": f"token{number}",
        "Expiration": expires,
        "AccountId": "000000000000",
    }


@pytest.fixture
def container(variables: pytest.MonkeyPatch, backend: Backend) -> Backend:
    """Where SnapStart's credentials come from."""
    variables.delenv("AWS_ACCESS_KEY_ID")
    variables.delenv("AWS_SECRET_ACCESS_KEY")
    variables.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{backend.url}/credentials?of=role")
    variables.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let me in")
    return backend


def test_variables_are_read_each_time(variables: pytest.MonkeyPatch) -> None:
    assert credentials() == Credentials("AKIDEXAMPLE", "secret", None)
    variables.setenv("AWS_ACCESS_KEY_ID", "ASIA2")
    variables.setenv("AWS_SESSION_TOKEN", "token")
    assert credentials() == Credentials("ASIA2", "secret", "token")


def test_a_key_without_its_secret_is_told(variables: pytest.MonkeyPatch) -> None:
    variables.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NotConfigured, match="AWS_SECRET_ACCESS_KEY is not"):
        credentials()


def test_none_at_all_is_told(variables: pytest.MonkeyPatch) -> None:
    variables.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(NotConfigured, match="There are no AWS credentials: set AWS_ACCESS_KEY_ID") as raised:
        credentials()
    assert raised.value.code == "NoCredentials"


def test_a_containers_are_fetched_once(container: Backend) -> None:
    container.answers = [container.say(_document(1, 3600))]
    assert credentials() == credentials() == Credentials("AKID1", "secret1", "token1")
    (asked,) = container.asked
    assert (asked.method, asked.target) == ("GET", "/credentials?of=role")
    assert asked.headers["authorization"] == "let me in"


def test_a_containers_are_fetched_again_before_they_expire(container: Backend) -> None:
    container.answers = [container.say(_document(1, 599)), container.say(_document(2, 3600))]
    assert credentials().access_key == "AKID1"
    assert credentials().access_key == "AKID2"
    assert credentials().access_key == "AKID2"


def test_old_ones_hold_until_they_expire(container: Backend) -> None:
    container.answers = [container.say(_document(1, 300)), container.say({}, 500)]
    assert credentials().access_key == "AKID1"
    assert credentials().access_key == "AKID1"
    asked = len(container.asked)
    assert asked == 1 + 3  # it has tried
    assert credentials().access_key == "AKID1"
    assert len(container.asked) == asked  # and does not try each time


def test_expired_ones_are_not_used(container: Backend) -> None:
    container.answers = [container.say(_document(1, -1)), container.say({}, 500)]
    assert credentials().access_key == "AKID1"
    with pytest.raises(AWSError, match="answered 500") as raised:
        credentials()
    assert raised.value.code == "CredentialsNotFetched"


def test_a_failure_is_tried_again(container: Backend) -> None:
    container.answers = [container.say({}, 503), container.say(_document(1, 3600))]
    assert credentials().access_key == "AKID1"


def test_what_are_no_credentials_is_told(container: Backend) -> None:
    container.answers = [container.say({"Code": "nothing"})]
    with pytest.raises(AWSError, match="did not answer credentials"):
        credentials()


def test_the_token_file_is_read_each_time(
    container: Backend, variables: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    variables.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))
    container.answers = [container.say(_document(1, 599))]
    for token in ("one", "two"):
        file.write_text(token)
        credentials()
        assert container.asked[-1].headers["authorization"] == token
    file.write_text("three\nX-Evil: 1")
    forget()
    with pytest.raises(NotConfigured, match="line break"):
        credentials()
    file.unlink()
    with pytest.raises(NotConfigured, match="TOKEN_FILE cannot be read"):
        credentials()


def test_tokens_are_not_sent_anywhere_in_clear(container: Backend, variables: pytest.MonkeyPatch) -> None:
    variables.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/credentials")
    with pytest.raises(NotConfigured, match=r"192\.0\.2\.1"):
        credentials()
    variables.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.evil.example/credentials")
    with pytest.raises(NotConfigured, match=r"127\.evil\.example"):
        credentials()
