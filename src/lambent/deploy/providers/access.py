"""Access to AWS's APIs: a region, credentials, an endpoint, and the clients made of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lambent.deploy.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ATTEMPTS: Final = 8
"""Of a call to AWS, which throttles: botocore's standard mode waits longer each time, up to 20 s."""


class Access:
    """Makes clients, each once, for any thread. `of` is how people speak of the place: "AWS", "the platform"."""

    def __init__(
        self,
        *,
        of: str,
        region: str | None,
        profile: str | None = None,
        endpoint_url: str | None = None,
        keys: tuple[str, str] | None = None,
        environment: Mapping[str, str],
        attempts: int = _ATTEMPTS,
    ) -> None:
        """Raises ProviderError for an endpoint that is no URL. The region and profile are looked at with `region`."""
        if endpoint_url is not None and not _is_url(endpoint_url):
            raise ProviderError(
                f"the address {endpoint_url!r} is no endpoint URL",
                hint="It is like http://127.0.0.1:4566, or https://host.",
            )
        self.of = of
        self.profile = profile
        self.endpoint_url = None if endpoint_url is None else endpoint_url.rstrip("/")
        self._keys = keys
        self._attempts = attempts
        self._wanted_region = (
            region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or None
        )
        self._lock = threading.RLock()
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._account: str | None = None

    @property
    def region(self) -> str:
        """Raises ProviderError where none is named, botocore's ProfileNotFound for a profile that is not there."""
        with self._lock:
            found: str | None = self._wanted_region or self.session.get_config_variable("region")
        if found is None:
            raise ProviderError(
                "no region is named",
                hint='Name one: --region eu-central-1, region = "eu-central-1" below [deploy.providers.aws] or '
                "[stages.<stage>], AWS_REGION, or `aws configure`.",
            )
        return found

    @property
    def session(self) -> Any:
        """botocore's."""
        with self._lock:
            if self._session is None:
                import botocore.session

                self._session = botocore.session.Session(profile=self.profile)
                if self._keys is None:
                    _share_roles(self._session)
            return self._session

    def log_in(self) -> None:
        """Asks for the code of a profile that wants one (`mfa_serial`), as long as nothing else is drawn. Raises
        botocore's errors.
        """
        if self._keys is None and self.session.get_scoped_config().get("mfa_serial"):
            credentials = self.session.get_credentials()
            if credentials is not None:
                credentials.get_frozen_credentials()

    @property
    def account(self) -> str:
        """The account's number, asked of STS once."""
        with self._lock:
            if self._account is None:
                self._account = self.client("sts").get_caller_identity()["Account"]
            return self._account

    @property
    def near(self) -> bool:
        """Whether the endpoint is on this machine: it may be asked often."""
        host = "" if self.endpoint_url is None else urlsplit(self.endpoint_url).hostname or ""
        return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")

    @property
    def where(self) -> str:
        """The endpoint as people read it."""
        return self.endpoint_url or f"AWS in {self.region}"

    def client(self, service: str, /) -> Any:
        """A client by botocore's name of the service. Raises ProviderError, and botocore's errors."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._made(service)
            return self._clients[service]

    def _made(self, service: str) -> Any:
        from botocore.config import Config

        keys = self._keys or (None, None)
        return self.session.create_client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            config=Config(
                retries={"mode": "standard", "total_max_attempts": self._attempts},
                connect_timeout=10,
                read_timeout=70,
                max_pool_connections=16,
                user_agent_extra="lambent-deploy",
                # Hosts such as bucket.localhost are no names that every machine resolves.
                s3={"addressing_style": "path"} if self.endpoint_url else None,
            ),
        )


def _share_roles(session: Any) -> None:
    """Roles that have been taken are remembered where the AWS CLI does it: codes are asked for once an hour."""
    from pathlib import Path

    from botocore.credentials import JSONFileCache

    provider = session.get_component("credential_provider").get_provider("assume-role")
    provider.cache = JSONFileCache(str(Path("~/.aws/cli/cache").expanduser()))


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
