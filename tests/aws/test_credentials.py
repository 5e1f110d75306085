"""Configured access keys and stateless temporary credentials."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.aws.credentials import Credentials, TemporaryCredentials, account_of_key
from lambent.aws.errors import AuthError

MASTER_KEY = bytes(range(32))


def _account(credentials: Credentials, access_key: str, token: str | None, now: float = 0) -> str:
    secret = credentials.find(access_key)
    assert secret is not None
    return secret.account(token.encode() if token is not None else None, now)


def test_configured_keys() -> None:
    credentials = Credentials({"AKID": "s1", "123456789012": "s2"}, account="111111111111")
    found = credentials.find("AKID")
    assert found is not None
    assert found.value == "s1"
    assert _account(credentials, "AKID", None) == "111111111111"
    assert _account(credentials, "123456789012", None) == "123456789012"
    assert credentials.find("other") is None


def test_a_configured_key_takes_no_session_token() -> None:
    with pytest.raises(AuthError) as raised:
        _account(Credentials({"AKID": "s"}), "AKID", "token")
    assert raised.value.code == "UnrecognizedClientException"


def test_temporary_credentials_need_nothing_stored() -> None:
    minted = Credentials(master_key=MASTER_KEY).mint("222222222222", lifetime=100, now=1000)
    elsewhere = Credentials(master_key=MASTER_KEY)
    found = elsewhere.find(minted.access_key)
    assert found is not None
    assert found.value == minted.secret_key
    assert minted.expires == 1100
    assert _account(elsewhere, minted.access_key, minted.session_token, 1099) == "222222222222"
    with pytest.raises(AuthError) as raised:
        _account(elsewhere, minted.access_key, minted.session_token, 1100)
    assert (raised.value.code, raised.value.message) == (
        "ExpiredTokenException",
        "The security token included in the request is expired",
    )


def test_minted_credentials_look_like_awss() -> None:
    minted = Credentials().mint("000000000000")
    assert minted.access_key.startswith("ASIA")
    assert len(minted.access_key) == 20
    assert minted.access_key.isalnum()
    assert len(minted.secret_key) == 40
    assert Credentials().mint("000000000000").access_key != minted.access_key


def _refused(credentials: Credentials, minted: TemporaryCredentials, token: str | None) -> bool:
    try:
        _account(credentials, minted.access_key, token)
    except AuthError as error:
        return error.code == "UnrecognizedClientException"
    return False


def test_tokens_that_were_not_minted_for_the_key() -> None:
    credentials = Credentials(master_key=MASTER_KEY)
    one, other = credentials.mint("000000000000"), credentials.mint("000000000000")
    for token in (
        None,
        "",
        "x",
        "é",
        other.session_token,
        one.session_token[:-4],
        one.session_token + "AAAA",
    ):
        assert _refused(credentials, one, token)
    assert _refused(Credentials(), one, one.session_token)


@given(position=st.integers(0, 36), flip=st.integers(1, 255))
def test_every_changed_byte_of_a_token_is_noticed(position: int, flip: int) -> None:
    credentials = Credentials(master_key=MASTER_KEY)
    minted = credentials.mint("000000000000", now=0)
    raw = bytearray(base64.b64decode(minted.session_token))
    raw[position] ^= flip
    assert _refused(credentials, minted, base64.b64encode(raw).decode())


def test_a_short_master_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Credentials(master_key=b"short")


@pytest.mark.parametrize(
    ("access_key", "account"),
    [("123456789012", "123456789012"), ("12345678901", None), ("AKIAIOSFODNN", None), ("١٢٣٤٥٦٧٨٩٠١٢", None)],
)
def test_account_of_key(access_key: str, account: str | None) -> None:
    assert account_of_key(access_key) == account
