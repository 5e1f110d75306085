"""The platform's settings: defaults, then the settings file, then `LAMBENT_*` variables, then flags.

The settings file is the nearest `lambent.toml`, or `pyproject.toml` with a table `[tool.lambent]`, in the
working directory or above it. Paths in it are relative to it. Whatever is not understood is an error that
names the place, the key and what is allowed there.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_type_hints

import msgspec
from msgspec import Meta

from lambent.aws.catalog import OWN_SERVICES, REPLACEABLE
from lambent.aws.model import known_service
from lambent.neighbours.endpoint import Endpoint, read_endpoint, streams_of
from lambent.node.tls import server_context

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE: Final = "lambent.toml"
VARIABLE_PREFIX: Final = "LAMBENT_"

NOT_SETTINGS: Final = frozenset({"LAMBENT_ENDPOINT_URL"})
"""Variables that the command line reads and the platform does not."""

FUNCTION_KEY: Final = "function"
"""The tables of a settings file that describe functions to load: `lambent.cli` reads those."""

PROJECT_KEYS: Final = frozenset({FUNCTION_KEY, "app", "deploy", "resources", "stages"})
"""The tables of a settings file that are about an app and where it goes: `lambent.deploy` reads those."""


class SettingsError(ValueError):
    """A setting that cannot be used; the message is for the user."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a platform can be told. Use `load_settings`; each field says what is allowed."""

    host: Annotated[str, Meta(min_length=1, description="an address or host name to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="a port from 1 to 65535, 0 for any free one")] = (
        4566
    )
    data: Annotated[Path, Meta(description="a directory for everything the platform keeps")] = Path(
        ".lambent"
    )
    ephemeral: Annotated[bool, Meta(description="true or false: keep nothing after the end")] = False
    durability: Annotated[
        Literal["full", "normal"],
        Meta(description='"full" (survives power loss) or "normal" (survives a crash of the platform)'),
    ] = "full"
    account: Annotated[str, Meta(pattern=r"^\d{12}$", description="12 digits in quotes")] = "000000000000"
    region: Annotated[
        str, Meta(pattern=r"^[a-z]{2,4}(-[a-z]+)+-\d$", description='an AWS region such as "us-east-1"')
    ] = "us-east-1"
    credentials: Annotated[
        dict[str, str], Meta(description='a table of access key ids and secrets: { AKIA... = "secret" }')
    ] = {}
    isolation: Annotated[
        Literal["none", "guard"], Meta(description='"guard" (a private view of files) or "none"')
    ] = "guard"
    runtime_fallback: Annotated[
        bool, Meta(description="true or false: run a runtime that is not installed with the nearest one")
    ] = False
    linked_code: Annotated[
        bool,
        Meta(
            description="true or false: take folders of this machine as the code of functions, not packages alone"
        ),
    ] = False
    concurrency: Annotated[
        int, Meta(ge=101, le=100_000, description="concurrent executions of the account, 101 to 100000")
    ] = 1000
    idle_timeout_s: Annotated[
        float, Meta(gt=0, description="seconds that an idle execution environment lives")
    ] = 600.0
    update_in_progress_s: Annotated[
        float, Meta(ge=0, description="seconds that a function's update is in progress at least, 0 or more")
    ] = 0.1
    provisioning_in_progress_s: Annotated[
        float,
        Meta(ge=0, description="seconds that provisioned concurrency is in progress at least, 0 or more"),
    ] = 0.5
    async_retry_seconds: Annotated[
        tuple[float, float],
        Meta(description="two numbers: seconds before the first and second retry of an async invocation"),
    ] = (60.0, 120.0)
    log_retention_mb: Annotated[
        int, Meta(ge=1, description="megabytes of logs kept per log group, 1 or more")
    ] = 64
    neighbours: Annotated[
        dict[str, Endpoint],
        Meta(
            description='a table of services and the endpoints that serve them: { s3 = "https://minio.internal" }'
        ),
    ] = {}
    java_client: Annotated[
        Path | None, Meta(description="a folder with the jars of aws-lambda-java-runtime-interface-client")
    ] = None
    tls_certificate: Annotated[
        Path | None, Meta(description="a file with a certificate, and those that vouch for it, in PEM")
    ] = None
    tls_key: Annotated[Path | None, Meta(description="a file with the key of the certificate in PEM")] = None
    allowed_hosts: Annotated[
        tuple[str, ...],
        Meta(description='a list of host names, "*.example.test" for all below one'),
    ] = ()
    traffic_shifting_minute_s: Annotated[
        float,
        Meta(ge=0, description="seconds that a minute of shifting traffic to a new version lasts, 0 or more"),
    ] = 1.0
    integration_timeouts: Annotated[
        bool,
        Meta(description="true or false: APIs wait for functions no longer than API Gateway does"),
    ] = True
    ignore_unsupported: Annotated[
        bool,
        Meta(description="true or false: skip the resources of stacks whose types do not exist here"),
    ] = False
    load: Annotated[
        tuple[Path, ...], Meta(description="a list of folders with functions to load at the start")
    ] = ()

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the platform."""
        return is_loopback(self.host)

    @property
    def client_url(self) -> str:
        """Where a client on this machine finds a platform with these settings."""
        return f"{'http' if self.tls_certificate is None else 'https'}://{url_host(self.host)}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a listener on `host` is reachable from this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def url_host(host: str) -> str:
    """`host` as it appears in a URL that reaches it from this machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return f"[{host}]" if address.version == 6 else host


_HINTS: Final = get_type_hints(Settings, include_extras=True)
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


def setting_names() -> tuple[str, ...]:
    """Every setting, as spelled in a settings file."""
    return Settings.__struct_fields__


def allowed(name: str) -> str:
    """What a setting may be, in words."""
    description: str = next(
        meta.description for meta in _HINTS[name].__metadata__ if isinstance(meta, Meta) and meta.description
    )
    return description


def load_settings(
    *,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings that hold in `directory` (default: the working directory).

    `flags` holds what the command line was given; None values were not. Raises SettingsError.
    """
    directory = Path.cwd() if directory is None else directory
    values: dict[str, Any] = {"data": directory / ".lambent"}
    found = find_file(directory)
    if found is not None:
        path, table = found
        values["data"] = path.parent / ".lambent"
        own = {key: value for key, value in table.items() if key not in PROJECT_KEYS}
        values |= _checked(own, str(path), base=path.parent)
    values |= _from_environment(os.environ if environment is None else environment, directory)
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    values |= {
        name: _convert(name, value, f"--{name.replace('_', '-')}", directory) for name, value in given.items()
    }
    settings = Settings(**values)
    if not settings.loopback and not settings.credentials:
        raise SettingsError(
            f"host {settings.host} is reachable from other machines, which needs credentials: put a table"
            f" [credentials] with access key ids and secrets into {FILE}"
            " (or set LAMBENT_CREDENTIALS=KEY:SECRET), or listen on 127.0.0.1"
        )
    _check_tls(settings)
    return settings


def _check_tls(settings: Settings) -> None:
    certificate, key = settings.tls_certificate, settings.tls_key
    if (certificate is None) != (key is None):
        raise SettingsError("tls_certificate and tls_key belong together: give both, or neither")
    if certificate is not None and key is not None:
        try:
            server_context(certificate, key)
        except ValueError as error:
            raise SettingsError(str(error)) from None


def find_file(directory: Path) -> tuple[Path, dict[str, Any]] | None:
    """The nearest settings file upward from `directory`, and its table of settings.

    Raises SettingsError when a file on the way is not TOML.
    """
    directory = directory.absolute()
    for folder in (directory, *directory.parents):
        if (folder / FILE).is_file():
            return folder / FILE, read_toml(folder / FILE)
        project = folder / "pyproject.toml"
        if project.is_file():
            table = read_toml(project).get("tool", {}).get("lambent")
            if table is not None:
                return project, table
    return None


def read_toml(path: Path) -> dict[str, Any]:
    """Raises SettingsError naming the file and the place in it."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from error
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error


def unknown_key(place: str, key: str, known: Iterable[str]) -> SettingsError:
    """The error for a key that nothing understands, with the likely one."""
    known = list(known)
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return SettingsError(f"{place}: unknown key {key}: {hint}allowed are {', '.join(known)}")


def _checked(table: Mapping[str, Any], place: str, *, base: Path) -> dict[str, Any]:
    checked = {}
    for name, value in table.items():
        if name not in _HINTS:
            raise unknown_key(place, name, (*setting_names(), *sorted(PROJECT_KEYS)))
        checked[name] = _convert(name, value, f"{place}: {name}", base)
    return checked


def _convert(name: str, value: Any, place: str, base: Path) -> Any:
    if name == "neighbours":
        return _neighbours(value, place)
    try:
        converted = msgspec.convert(value, type=_HINTS[name], dec_hook=_path)
    except msgspec.ValidationError:
        shown = "" if name == "credentials" else f" is {value!r}"  # secrets are not repeated
        raise SettingsError(f"{place}{shown}: it must be {allowed(name)}") from None
    if name in ("data", "java_client", "tls_certificate", "tls_key"):
        return None if converted is None else base / converted
    if name == "load":
        return tuple(base / folder for folder in converted)
    return converted


def _neighbours(value: Any, place: str) -> dict[str, Endpoint]:
    if not isinstance(value, dict):
        raise SettingsError(f"{place} is {value!r}: it must be {allowed('neighbours')}")
    endpoints = {}
    for service, described in value.items():
        if service in OWN_SERVICES - REPLACEABLE:
            raise SettingsError(f"{place}: {service} is served by Lambent itself")
        if not known_service(service):
            raise SettingsError(
                f"{place}: {service} is no service: its name is the one that boto3.client() takes, such as s3"
            )
        try:
            endpoints[service] = read_endpoint(described)
        except ValueError as error:
            raise SettingsError(f"{place}: {service}: {error}") from None
    if "dynamodb" in endpoints:
        endpoints.setdefault("dynamodbstreams", streams_of(endpoints["dynamodb"]))
    return endpoints


def _path(kind: type[Any], value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path):
        return Path(value).expanduser()
    raise TypeError(value)


def _from_environment(environment: Mapping[str, str], base: Path) -> dict[str, Any]:
    values = {}
    for variable, text in environment.items():
        if not variable.startswith(VARIABLE_PREFIX) or variable in NOT_SETTINGS:
            continue
        name = variable.removeprefix(VARIABLE_PREFIX).lower()
        if name not in _HINTS:
            known = [VARIABLE_PREFIX + known.upper() for known in setting_names()]
            raise unknown_key("environment", variable, known)
        values[name] = _convert(name, _parse(name, text), variable, base)
    return values


def _parse(name: str, text: str) -> Any:
    """A variable's text as the value that TOML would give; left as text where it is none, for the error."""
    default = next(
        field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        for field in msgspec.structs.fields(Settings)
        if field.name == name
    )
    if isinstance(default, bool):
        return True if text.lower() in _TRUE else False if text.lower() in _FALSE else text
    if isinstance(default, dict):
        pairs = [pair.partition(":") for pair in text.split(",") if pair]
        if not all(key.strip() and secret.strip() for key, _, secret in pairs):
            return text
        return {key.strip(): secret.strip() for key, _, secret in pairs}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if name == "async_retry_seconds":
        return [_number(part) for part in parts]
    if isinstance(default, tuple):
        return parts
    return _number(text) if isinstance(default, int | float) else text


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
