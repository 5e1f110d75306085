"""Credentials: from the environment, as Lambda sets them, or from a container's endpoint, as with SnapStart.

Sources: "AWS access keys" and "Container credential provider" in the AWS SDKs and Tools Reference Guide; "Restore
functions' runtime hooks and credentials" of SnapStart in the Lambda Developer Guide; the hosts allowed are those of
botocore.utils.ContainerMetadataFetcher.
"""

from __future__ import annotations

import os
import re
import threading
import time
from datetime import datetime  # noqa: TC003 - msgspec reads the annotation
from typing import NamedTuple

import msgspec

from lambent.app.client.errors import AWSError, NotConfigured

_HOST = "http://169.254.170.2"
_HOSTS = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost", "::1"})
_LOOPBACK = r"127(?:\.\d{1,3}){3}"
_BEFORE = 600.0
"""Seconds before they expire that credentials are fetched anew."""
_AGAIN = 60.0
"""Seconds until the next try when that failed while the old ones still hold."""
_ATTEMPTS = 3
_TIMEOUT = 2.0


class Credentials(NamedTuple):
    """`token` is the session token; permanent credentials have none."""

    access_key: str
    secret_key: str
    token: str | None = None


class _Document(msgspec.Struct, rename="pascal"):
    """What a container's endpoint answers."""

    access_key_id: str
    secret_access_key: str
    token: str | None = None
    expiration: datetime | None = None


class _Fetched(NamedTuple):
    url: str
    credentials: Credentials
    expires: float  # in Unix time
    next: float  # when to fetch anew


_fetched: _Fetched | None = None
_lock = threading.Lock()


def credentials() -> Credentials:
    """Those to sign with now. Raises NotConfigured when there are none, and AWSError when they cannot be fetched.

    The variables are read each time, because what holds them may replace them.
    """
    variables = os.environ
    access_key = variables.get("AWS_ACCESS_KEY_ID")
    if access_key:
        secret_key = variables.get("AWS_SECRET_ACCESS_KEY")
        if not secret_key:
            raise NotConfigured("NoCredentials", "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not")
        token = variables.get("AWS_SESSION_TOKEN") or variables.get("AWS_SECURITY_TOKEN")
        return Credentials(access_key, secret_key, token or None)
    relative = variables.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    url = _HOST + relative if relative else variables.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not url:
        raise NotConfigured(
            "NoCredentials",
            "There are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
            "(and AWS_SESSION_TOKEN), or AWS_CONTAINER_CREDENTIALS_FULL_URI",
        )
    return _of_container(url)


def forget() -> None:
    """Fetch a container's credentials anew when they are needed next."""
    global _fetched
    _fetched = None


def _of_container(url: str) -> Credentials:
    global _fetched
    found = _fetched
    if found is not None and found.url == url and time.time() < found.next:
        return found.credentials
    with _lock:
        found = _fetched
        now = time.time()
        if found is not None and found.url == url:
            if now < found.next:
                return found.credentials
            if now < found.expires:
                try:
                    _fetched = _fetch(url)
                except AWSError:  # the old ones still hold
                    _fetched = found._replace(next=min(now + _AGAIN, found.expires))
                return _fetched.credentials
        _fetched = _fetch(url)
        return _fetched.credentials


def _fetch(url: str) -> _Fetched:
    from lambent.app.client.connection import exchange
    from lambent.app.client.endpoints import parse

    endpoint = parse(url)
    if (
        endpoint.scheme != "https"
        and endpoint.host not in _HOSTS
        and re.fullmatch(_LOOPBACK, endpoint.host) is None
    ):
        # Whoever can set a variable must not be able to send the authorization token anywhere in clear.
        raise NotConfigured(
            "InvalidEndpoint",
            f"AWS_CONTAINER_CREDENTIALS_FULL_URI: {endpoint.host!r} is neither https://, nor a loopback address, "
            "nor one of a container's",
        )
    headers = {"host": endpoint.authority, "accept": "application/json", **_authorization()}
    target = url.split("://", 1)[1].partition("/")[2].partition("#")[0]
    attempt = 0
    while True:
        attempt += 1
        try:
            answer = exchange(endpoint, "GET", f"/{target}", headers, b"", _TIMEOUT, direct=True)
            if answer.status == 200:
                return _read(url, answer.body)
            failure = AWSError(
                "CredentialsNotFetched", f"{endpoint.authority} answered {answer.status}", answer.status
            )
        except AWSError as error:
            failure = AWSError("CredentialsNotFetched", error.message, error.status)
        if attempt == _ATTEMPTS:
            raise failure
        time.sleep(0.1 * attempt)


def _read(url: str, body: bytes) -> _Fetched:
    try:
        document = msgspec.json.decode(body, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AWSError("CredentialsNotFetched", f"{url} did not answer credentials: {error}", 200) from None
    expires = float("inf") if document.expiration is None else document.expiration.timestamp()
    credentials = Credentials(document.access_key_id, document.secret_access_key, document.token or None)
    return _Fetched(url, credentials, expires, expires - _BEFORE)


def _authorization() -> dict[str, str]:
    """The token that the endpoint wants to see; a file's is read each time, because it rotates."""
    from pathlib import Path

    file = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    try:
        token = Path(file).read_text() if file else os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    except OSError as error:
        raise NotConfigured(
            "NoCredentials", f"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read: {error}"
        ) from None
    if not token:
        return {}
    if "\r" in token or "\n" in token:
        raise NotConfigured(
            "NoCredentials", "The container's authorization token has a line break, which no header can"
        )
    return {"authorization": token}


def _forked() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
