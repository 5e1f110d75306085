"""Where the platform is and how to talk to it: options that commands share, clients, what their errors mean."""

from __future__ import annotations

import contextlib
import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lambent.cli.failure import UNREACHABLE, USAGE, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Command = TypeVar("Command", bound=Callable[..., Any])

_INVOKE_SECONDS: Final = 930  # the longest timeout of a function, and some


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A platform's URL, the region to work in, and the credentials to sign with."""

    url: str
    region: str
    access_key: str | None
    secret_key: str | None

    def client(self, service: str) -> Any:
        """A botocore client: "lambda" or "logs". One attempt a call: what fails is shown, not repeated."""
        from botocore.config import Config

        return _session(os.environ.get("AWS_PROFILE")).create_client(
            service,
            region_name=self.region,
            endpoint_url=self.url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                retries={"total_max_attempts": 1},
                connect_timeout=5,
                read_timeout=_INVOKE_SECONDS,
                # Names such as bucket.localhost are not resolved on every machine.
                s3={"addressing_style": "path"},
            ),
        )

    def signed_headers(
        self, service: str, url: str, body: bytes, headers: Mapping[str, str], method: str = "POST"
    ) -> dict[str, str]:
        """The headers of a request to `url`, signed, for those that no client makes. Raises NoCredentialsError."""
        import botocore.session
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        from botocore.exceptions import NoCredentialsError

        if self.access_key is not None:
            credentials = Credentials(self.access_key, self.secret_key)
        else:
            credentials = botocore.session.Session().get_credentials()
            if credentials is None:
                raise NoCredentialsError
        request = AWSRequest(method, url, data=body, headers=dict(headers))
        SigV4Auth(credentials, service, self.region).add_auth(request)
        return dict(request.headers.items())

    def get_json(self, path: str, *, signed: bool = False) -> Any:
        """What the platform's own page `path` answers. Raises Failure, and when `signed` NoCredentialsError."""
        import http.client
        import json
        import urllib.error
        import urllib.request

        url = self.url + path
        headers = self.signed_headers("lambda", url, b"", {}, "GET") if signed else {}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the user's endpoint
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the user's endpoint
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 403:
                with contextlib.suppress(ValueError, TypeError, KeyError):
                    raise Failure(f"{self.url} refuses: {json.load(error)['message']}") from error
            raise Failure(f"{self.url}{path} answers {error.code}: is that a Lambent platform?") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise unreachable(self.url) from error


@functools.cache
def _session(profile: str | None) -> Any:
    """botocore's: reading its data is the expensive part of a client."""
    import botocore.session

    return botocore.session.Session(profile=profile)


def options(command: Command) -> Command:
    """Adds `--endpoint-url` and `--region`; the command gets `endpoint_url` and `region`."""
    command = click.option(
        "--region", metavar="REGION", help="AWS region.  [default: AWS_REGION, or us-east-1]"
    )(command)
    return click.option(
        "--endpoint-url",
        metavar="URL",
        help="The platform.  [default: LAMBENT_ENDPOINT_URL, AWS_ENDPOINT_URL, the running lambent dev, or that of the"
        " settings]",
    )(command)


def resolve(
    endpoint_url: str | None,
    region: str | None,
    *,
    environment: Mapping[str, str] = os.environ,
    directory: Path | None = None,
) -> Endpoint:
    """The endpoint that options and environment name; else that of the `lambent dev` that runs in the directory's
    project, or of its settings.

    Raises Failure when what they say cannot be used.
    """
    url = endpoint_url or environment.get("LAMBENT_ENDPOINT_URL") or environment.get("AWS_ENDPOINT_URL")
    region = region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not url:
        from lambent.deploy import dev_session

        session = dev_session.find(directory)
        if session is not None:
            url, region = session.url, region or session.region
    # Credentials of the user's environment are left to botocore; a platform without any takes what it gets.
    named = any(environment.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"))
    keys: tuple[str | None, str | None] = (None, None) if named else ("lambent", "lambent")
    if not url or not region or not named:
        from lambent.node.settings import SettingsError, load_settings

        try:
            settings = load_settings(directory=directory, environment=environment)
        except SettingsError as error:
            raise Failure(str(error)) from error
        url = url or settings.client_url
        region = region or settings.region
        if not named and settings.credentials:
            keys = next(iter(settings.credentials.items()))
    if not url.startswith(("http://", "https://")):
        raise Failure(f"{url} is no endpoint URL: it must begin with http:// or https://")
    return Endpoint(url.rstrip("/"), region, *keys)


def unreachable(url: str) -> Failure:
    """Nobody answers at `url`."""
    return Failure(
        f"No platform answers at {url}.",
        hint="Start one with `lambent dev` or `lambent up`, or name another with --endpoint-url.",
        exit_code=UNREACHABLE,
    )


@contextlib.contextmanager
def api_errors(endpoint: Endpoint, *, hints: dict[str, str] | None = None) -> Iterator[None]:
    """Turns errors of API calls into Failure; `hints` says what to do about an error code."""
    from botocore import exceptions

    try:
        yield
    except (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError) as error:
        raise unreachable(endpoint.url) from error
    except (exceptions.ConnectionClosedError, exceptions.ReadTimeoutError) as error:
        raise Failure(f"The platform at {endpoint.url} broke off: {error}", exit_code=UNREACHABLE) from error
    except exceptions.ClientError as error:
        found = error.response.get("Error", {})
        code = found.get("Code", "Unknown")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise Failure(
            f"{found.get('Message') or 'no message'} ({code})",
            hint=(hints or {}).get(code),
            exit_code=UNREACHABLE if status >= 500 else USAGE,
        ) from error
    except exceptions.ParamValidationError as error:
        raise Failure(str(error)) from error
    except exceptions.NoCredentialsError as error:
        raise Failure(
            "The AWS profile in use has no credentials.",
            hint="Unset AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        ) from error
