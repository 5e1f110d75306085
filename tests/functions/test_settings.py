from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lambent.functions import FunctionVersion, InvalidConfiguration, Limits, Reference
from lambent.functions.errors import LimitExceeded, TooManyTags
from lambent.functions.settings import Settings, check_settings, check_tags, configured

REFERENCE = Reference("000000000000", "us-east-1", "f", None)
LIMITS = Limits()


def check(**settings: Any) -> None:
    check_settings(Settings(**settings), LIMITS)


def version(**settings: Any) -> FunctionVersion:
    blank = FunctionVersion(
        account="000000000000",
        region="us-east-1",
        name="f",
        version="$LATEST",
        uid="",
        revision_id="",
        last_modified=0,
        role="r",
        code_sha256="",
        code_hash="",
        code_size=0,
        log_group="/aws/lambda/f",
    )
    return configured(blank, Settings(**{"runtime": "python3.12", "handler": "a.b", **settings}))


@pytest.mark.parametrize(
    "settings",
    [
        {"memory_mb": 128},
        {"memory_mb": 10_240},
        {"timeout_s": 1},
        {"timeout_s": 900},
        {"ephemeral_mb": 512},
        {"ephemeral_mb": 10_240},
        {"environment": {}},
        {
            "environment": {
                "LD_LIBRARY_PATH": "x",
                "PATH": "y",
                "PYTHONPATH": "z",
                "TZ": "UTC",
                "AWS_LAMBDA_EXEC_WRAPPER": "",
            }
        },
        {"layers": ()},
        {},
    ],
)
def test_what_is_within_the_quotas_passes(settings: dict[str, Any]) -> None:
    check(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"memory_mb": 10_241},
            (
                "1 validation error detected: Value '10241' at 'memorySize' failed to satisfy constraint: "
                "Member must have value less than or equal to 10240"
            ),
        ),
        (
            {"memory_mb": 127},
            (
                "1 validation error detected: Value '127' at 'memorySize' failed to satisfy constraint: "
                "Member must have value greater than or equal to 128"
            ),
        ),
        (
            {"timeout_s": 901},
            (
                "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: "
                "Member must have value less than or equal to 900"
            ),
        ),
        (
            {"timeout_s": 0},
            (
                "1 validation error detected: Value '0' at 'timeout' failed to satisfy constraint: "
                "Member must have value greater than or equal to 1"
            ),
        ),
        (
            {"ephemeral_mb": 10_241},
            (
                "1 validation error detected: Value '10241' at 'ephemeralStorage.size' failed to satisfy constraint: "
                "Member must have value less than or equal to 10240"
            ),
        ),
        (
            {"ephemeral_mb": 511},
            (
                "1 validation error detected: Value '511' at 'ephemeralStorage.size' failed to satisfy constraint: "
                "Member must have value greater than or equal to 512"
            ),
        ),
    ],
)
def test_what_is_beyond_a_quota_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        check(**settings)
    assert str(caught.value) == message


def test_the_environment_is_measured_as_compact_json() -> None:
    fitting = {"LARGE_VAR": "x" * (4096 - len('{"LARGE_VAR":""}'))}
    assert len(msgspec.json.encode(fitting)) == 4096
    check(environment=fitting)
    fitting["LARGE_VAR"] += "x"
    with pytest.raises(InvalidConfiguration) as caught:
        check(environment=fitting)
    assert str(caught.value) == (
        "Lambda was unable to configure your environment variables because the environment variables you have "
        f'provided exceeded the 4KB limit. String measured: {{"LARGE_VAR":"{fitting["LARGE_VAR"]}"}}'
    )


def test_the_environment_is_measured_in_bytes_and_as_a_whole() -> None:
    with pytest.raises(InvalidConfiguration, match=r'String measured: \{"SMALL":"ok","LARGE":"ü'):
        check(environment={"SMALL": "ok", "LARGE": "ü" * 2100})


def test_reserved_variables_are_refused_by_name() -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        check(environment={"AWS_REGION": "x", "FINE": "y", "_HANDLER": "z"})
    assert str(caught.value) == (
        "Lambda was unable to configure your environment variables because the environment variables you have "
        "provided contains reserved keys that are currently not supported for modification. "
        "Reserved keys used in this request: AWS_REGION, _HANDLER"
    )


@pytest.mark.parametrize(
    "runtime", ["java8", "go1.x", "provided", "ruby2.7", "nodejs14.x", "python3.7", "dotnetcore3.1"]
)
def test_deprecated_runtimes_are_refused(runtime: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        check(runtime=runtime)
    assert str(caught.value) == (
        f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
        "We recommend you use a supported runtime while creating or updating functions."
    )


@pytest.mark.parametrize("runtime", ["non-existent-runtime", "PYTHON3.9"])
def test_unknown_runtimes_are_refused_with_those_there_are(runtime: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        check(runtime=runtime)
    assert str(caught.value) == (
        f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
        "[nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, "
        "python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, "
        "java11, dotnet6, nodejs18.x, provided.al2, java8.al2] or be a valid ARN"
    )


def layer(name: str, region: str = "us-east-1") -> str:
    return f"arn:aws:lambda:{region}:000000000000:layer:{name}"


def test_tags_are_counted() -> None:
    check_tags({str(number): "" for number in range(50)}, LIMITS)
    with pytest.raises(TooManyTags):
        check_tags({str(number): "" for number in range(51)}, LIMITS)


@pytest.mark.parametrize("missing", ["runtime", "handler"])
def test_a_package_needs_runtime_and_handler(missing: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        version(**{missing: msgspec.UNSET})
    assert str(caught.value) == (
        "Runtime and Handler are mandatory parameters for functions created with deployment packages."
    )


def test_snap_start_needs_a_runtime_that_has_it() -> None:
    assert version(snap_start="PublishedVersions").snap_start == "PublishedVersions"
    with pytest.raises(
        InvalidConfiguration, match=r"python3\.11 is not supported for SnapStart enabled functions"
    ):
        version(runtime="python3.11", snap_start="PublishedVersions")


def test_log_levels_come_and_go_with_json() -> None:
    plain = version()
    assert (plain.log_format, plain.application_log_level, plain.system_log_level) == ("Text", None, None)
    structured = configured(plain, Settings(log_format="JSON"))
    assert (structured.application_log_level, structured.system_log_level) == ("INFO", "INFO")
    detailed = configured(structured, Settings(system_log_level="DEBUG", log_group="cool_lambda"))
    assert (detailed.application_log_level, detailed.system_log_level) == ("INFO", "DEBUG")
    assert (detailed.log_format, detailed.log_group) == ("JSON", "cool_lambda")
    back = configured(detailed, Settings(log_format="Text"))
    assert (back.application_log_level, back.system_log_level, back.log_group) == (None, None, "cool_lambda")
    with pytest.raises(InvalidConfiguration, match="the log format must be JSON"):
        configured(plain, Settings(application_log_level="DEBUG"))
