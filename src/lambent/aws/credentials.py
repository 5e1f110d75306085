"""Who may call: access keys from the settings, and the temporary credentials of execution environments.

Temporary credentials are stateless: everything about them follows from the master key, the access key id and
the session token, so nothing is stored and every process with the same master key accepts them.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import struct
import time
from typing import TYPE_CHECKING, NamedTuple

from lambent.aws.errors import AuthError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TOKEN = struct.Struct(">BQ12s")
_TOKEN_VERSION = 1
_MAC_BYTES = 16
_MASTER_BYTES = 16
_TOKENS_KEPT = 4096

_INVALID_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - a message of AWS's
_EXPIRED_TOKEN = "The security token included in the request is expired"  # noqa: S105 - a message of AWS's


class TemporaryCredentials(NamedTuple):
    """What an execution environment is given as `AWS_ACCESS_KEY_ID` and its two companions."""

    access_key: str
    secret_key: str
    session_token: str
    expires: int
    """Epoch seconds."""


class Secret:
    """One access key's secret and the account that it belongs to."""

    __slots__ = ("_account", "_credentials", "access_key", "value")

    def __init__(self, access_key: str, value: str, account: str | None, credentials: Credentials) -> None:
        self.access_key = access_key
        self.value = value
        self._account = account
        self._credentials = credentials

    def account(self, token: bytes | None, now: float) -> str:
        """The account that this key acts in at `now` (epoch seconds).

        AuthError unless `token` is what the key needs: none for a configured key, its own for a temporary
        one.
        """
        if self._account is not None:
            if token:
                raise AuthError("UnrecognizedClientException", _INVALID_TOKEN)
            return self._account
        session = self._credentials.session(self.access_key, token)
        if session is None:
            raise AuthError("UnrecognizedClientException", _INVALID_TOKEN)
        if session.expires <= now:
            raise AuthError("ExpiredTokenException", _EXPIRED_TOKEN)
        return session.account


class Session(NamedTuple):
    """What a genuine session token says."""

    account: str
    expires: int
    principal: str
    """`assumed-role/{role}/{session}` or `federated-user/{name}`; empty for the account itself."""


class Credentials:
    """Configured access keys (id → secret), and temporary ones under `master_key` (≥ 16 bytes; random by
    default).

    A configured id of twelve digits is the account that its caller acts in; other ids act in `account`.
    """

    def __init__(
        self,
        keys: Mapping[str, str] | None = None,
        *,
        account: str = "000000000000",
        master_key: bytes | None = None,
    ) -> None:
        self.account = account
        self._keys = dict(keys or {})
        self._master_key = master_key or os.urandom(32)
        if len(self._master_key) < _MASTER_BYTES:
            raise ValueError("the master key of temporary credentials must have at least 16 bytes")
        self._sessions: dict[tuple[str, bytes], Session] = {}

    def find(self, access_key: str) -> Secret | None:
        """The secret of an access key id; None for an unknown one."""
        value = self._keys.get(access_key)
        if value is not None:
            return Secret(access_key, value, account_of_key(access_key) or self.account, self)
        if access_key.startswith("ASIA") and len(access_key) == 20 and access_key.isalnum():
            return Secret(access_key, self._secret(access_key), None, self)
        return None

    def mint(
        self,
        account: str,
        lifetime: float = 12 * 3600,
        now: float | None = None,
        *,
        principal: str = "",
    ) -> TemporaryCredentials:
        """New temporary credentials of `account` (12 digits) that are accepted for `lifetime` seconds.

        `principal`: who they make their caller, as in `Session`.
        """
        expires = int((time.time() if now is None else now) + lifetime)
        access_key = "ASIA" + base64.b32encode(os.urandom(10)).decode()
        claims = _TOKEN.pack(_TOKEN_VERSION, expires, account.encode()) + principal.encode()
        token = base64.b64encode(claims + self._mac(access_key, claims)).decode()
        return TemporaryCredentials(access_key, self._secret(access_key), token, expires)

    def session(self, access_key: str, token: bytes | None) -> Session | None:
        """What the session token of a temporary access key says; None unless it was minted here for this key."""
        if not token:
            return None
        found = self._sessions.get((access_key, token))
        if found is None:
            found = self._read_token(access_key, token)
            if found is not None:
                if len(self._sessions) >= _TOKENS_KEPT:
                    del self._sessions[next(iter(self._sessions))]
                self._sessions[access_key, token] = found
        return found

    def _read_token(self, access_key: str, token: bytes) -> Session | None:
        try:
            raw = base64.b64decode(token, validate=True)
        except ValueError:
            return None
        if len(raw) < _TOKEN.size + _MAC_BYTES:
            return None
        claims = raw[:-_MAC_BYTES]
        if not hmac.compare_digest(raw[-_MAC_BYTES:], self._mac(access_key, claims)):
            return None
        _, expires, account = _TOKEN.unpack_from(claims)
        return Session(account.decode(), expires, claims[_TOKEN.size :].decode())

    def _secret(self, access_key: str) -> str:
        digest = hmac.digest(self._master_key, b"secret\0" + access_key.encode("latin-1"), "sha256")
        return base64.b64encode(digest[:30]).decode()

    def _mac(self, access_key: str, claims: bytes) -> bytes:
        message = b"token\0" + access_key.encode("latin-1") + b"\0" + claims
        return hmac.new(self._master_key, message, hashlib.sha256).digest()[:_MAC_BYTES]


def kept_master_key(path: Path) -> bytes:
    """The master key in a file that only its owner can read, made where there is none.

    With it, temporary credentials outlive the process that minted them. Raises OSError.
    """
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(32))
    key = path.read_bytes()
    if len(key) < _MASTER_BYTES:  # cut off by a crash: nothing can have been minted with it
        key = os.urandom(32)
        path.write_bytes(key)
    return key


def account_of_key(access_key: str) -> str | None:
    """The account that an access key id of twelve digits stands for; None for any other id."""
    return access_key if len(access_key) == 12 and access_key.isascii() and access_key.isdigit() else None
