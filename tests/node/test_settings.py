from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lambent.neighbours.endpoint import Endpoint, Keys
from lambent.node.hosts import host_rule
from lambent.node.settings import (
    Settings,
    SettingsError,
    allowed,
    is_loopback,
    load_settings,
    setting_names,
    url_host,
)


def load(directory: Path, environment: dict[str, str] | None = None, **flags: Any) -> Settings:
    return load_settings(directory=directory, environment=environment or {}, flags=flags)


def test_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings == Settings(data=tmp_path / ".lambent")
    assert settings.client_url == "http://127.0.0.1:4566"
    assert settings.account == "000000000000"
    assert settings.region == "us-east-1"


def test_flags_win_over_variables_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "lambent.toml").write_text('port = 1\nregion = "eu-west-1"\ndurability = "normal"\n')
    settings = load(tmp_path, {"LAMBENT_PORT": "2", "LAMBENT_REGION": "eu-north-1"}, port=3, host=None)
    assert (settings.port, settings.region, settings.durability) == (3, "eu-north-1", "normal")


def test_the_file_is_found_upward_and_its_paths_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "lambent.toml").write_text('load = ["functions", "/elsewhere"]\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    settings = load(inner)
    assert settings.load == (tmp_path / "functions", Path("/elsewhere"))
    assert settings.data == tmp_path / ".lambent"
    assert load(inner, data="here", load=["x"]).data == inner / "here"
    assert load(inner, {"LAMBENT_LOAD": "x,y"}).load == (inner / "x", inner / "y")


def test_pyproject_counts_when_it_has_the_table(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.lambent]\nport = 4600\n")
    (inner / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert load(inner).port == 4600
    (inner / "lambent.toml").write_text("port = 4601\n")
    assert load(inner).port == 4601


def test_everything_can_be_set_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "lambent.toml").write_text(
        """
        host = "0.0.0.0"
        port = 0
        data = "state"
        ephemeral = true
        durability = "normal"
        account = "123456789012"
        region = "us-gov-west-1"
        isolation = "none"
        runtime_fallback = true
        concurrency = 200
        idle_timeout_s = 1.5
        update_in_progress_s = 0
        provisioning_in_progress_s = 2.5
        async_retry_seconds = [0, 0.5]
        log_retention_mb = 8
        load = ["hello"]
        allowed_hosts = ["shop.test", "*.api.test"]

        [credentials]
        AKIAEXAMPLE = "secret"

        [neighbours]
        s3 = "https://minio.internal"
        dynamodb = { endpoint = "http://127.0.0.1:8000", access_key = "KEY", secret_key = "SECRET" }

        [function]
        name = "ignored here"
        """
    )
    settings = load(tmp_path)
    assert settings == Settings(
        host="0.0.0.0",
        port=0,
        data=tmp_path / "state",
        ephemeral=True,
        durability="normal",
        account="123456789012",
        region="us-gov-west-1",
        isolation="none",
        runtime_fallback=True,
        concurrency=200,
        idle_timeout_s=1.5,
        update_in_progress_s=0,
        provisioning_in_progress_s=2.5,
        async_retry_seconds=(0, 0.5),
        log_retention_mb=8,
        load=(tmp_path / "hello",),
        allowed_hosts=("shop.test", "*.api.test"),
        credentials={"AKIAEXAMPLE": "secret"},
        neighbours={
            "s3": Endpoint("https://minio.internal"),
            "dynamodb": Endpoint("http://127.0.0.1:8000", Keys("KEY", "SECRET")),
            "dynamodbstreams": Endpoint("http://127.0.0.1:8000", Keys("KEY", "SECRET")),
        },
    )


def test_everything_can_be_set_by_variables(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        {
            "LAMBENT_EPHEMERAL": "yes",
            "LAMBENT_RUNTIME_FALLBACK": "0",
            "LAMBENT_ACCOUNT": "000000000001",
            "LAMBENT_CREDENTIALS": "AKIA1:a:b, AKIA2:c",
            "LAMBENT_ASYNC_RETRY_SECONDS": "0, 1.5",
            "LAMBENT_IDLE_TIMEOUT_S": "20",
            "LAMBENT_NEIGHBOURS": "s3:https://minio.internal:9000,sqs:http://127.0.0.1:1",
            "LAMBENT_DATA": "~/state",
            "LAMBENT_ENDPOINT_URL": "http://127.0.0.1:1",
            "OTHER": "x",
        },
    )
    assert settings.ephemeral
    assert not settings.runtime_fallback
    assert settings.account == "000000000001"
    assert settings.credentials == {"AKIA1": "a:b", "AKIA2": "c"}
    assert settings.neighbours == {
        "s3": Endpoint("https://minio.internal:9000"),
        "sqs": Endpoint("http://127.0.0.1:1"),
    }
    assert settings.async_retry_seconds == (0.0, 1.5)
    assert settings.idle_timeout_s == 20
    assert settings.data == Path.home() / "state"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prt = 1", "unknown key prt: did you mean port? allowed are host, port, data,"),
        ("colour = 1", "unknown key colour: allowed are host"),
        ('port = "4566"', "port is '4566': it must be a port from 1 to 65535"),
        ("port = 65536", "port is 65536: it must be a port"),
        ("account = 123456789012", "account is 123456789012: it must be 12 digits in quotes"),
        ('account = "12"', "account is '12': it must be 12 digits in quotes"),
        ('region = "mars"', "region is 'mars': it must be an AWS region"),
        ('durability = "some"', """durability is 'some': it must be "full\""""),
        ('isolation = "sandbox"', """isolation is 'sandbox': it must be "guard\""""),
        ("ephemeral = 1", "ephemeral is 1: it must be true or false"),
        ("concurrency = 100", "concurrency is 100: it must be concurrent executions"),
        ("idle_timeout_s = 0", "idle_timeout_s is 0: it must be seconds"),
        ("update_in_progress_s = -1", "update_in_progress_s is -1: it must be seconds"),
        ("async_retry_seconds = [60]", "async_retry_seconds is [60]: it must be two numbers"),
        ('load = "x"', "load is 'x': it must be a list of folders"),
        ("data = 1", "data is 1: it must be a directory"),
        ("[credentials]\nAKIA = 1", "credentials: it must be a table of access key ids"),
        ("neighbours = 5", "neighbours is 5: it must be a table of services"),
        ("[neighbours]\ns4 = 'https://x'", "neighbours: s4 is no service: its name is the one that boto3"),
        ("[neighbours]\nlambda = 'https://x'", "neighbours: lambda is served by Lambent itself"),
        ("[neighbours]\ns3 = 'minio'", "neighbours: s3: 'minio' is no URL such as"),
        ("[neighbours.s3]\nurl = 'https://x'", "neighbours: s3: unknown key url: allowed are endpoint"),
        ("port =", "not valid TOML"),
    ],
)
def test_errors_name_the_file_the_key_and_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "lambent.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_streams_of_tables_are_where_their_tables_are(tmp_path: Path) -> None:
    def streams(text: str) -> str:
        (tmp_path / "lambent.toml").write_text(f"[neighbours]\n{text}")
        return load(tmp_path).neighbours["dynamodbstreams"].url

    assert streams('dynamodb = "http://127.0.0.1:8000"') == "http://127.0.0.1:8000"
    aws = "dynamodb.eu-west-1.amazonaws.com"
    assert streams(f'dynamodb = "https://{aws}"') == f"https://streams.{aws}"
    assert streams('dynamodb = "http://a"\ndynamodbstreams = "http://b"') == "http://b"


def test_own_services_that_others_may_serve(tmp_path: Path) -> None:
    (tmp_path / "lambent.toml").write_text('[neighbours]\nsqs = "http://127.0.0.1:9324"')
    assert load(tmp_path).neighbours["sqs"].url == "http://127.0.0.1:9324"


def test_errors_of_variables_and_flags_name_them(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="LAMBENT_PORT is 'x': it must be a port"):
        load(tmp_path, {"LAMBENT_PORT": "x"})
    with pytest.raises(SettingsError, match="unknown key LAMBENT_PRT: did you mean LAMBENT_PORT"):
        load(tmp_path, {"LAMBENT_PRT": "1"})
    with pytest.raises(SettingsError, match="LAMBENT_EPHEMERAL is 'maybe': it must be true or false"):
        load(tmp_path, {"LAMBENT_EPHEMERAL": "maybe"})
    with pytest.raises(SettingsError, match="--runtime-fallback is 'x'"):
        load(tmp_path, runtime_fallback="x")


def test_a_secret_is_never_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, {"LAMBENT_CREDENTIALS": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "::", "example.org"])
def test_listening_beyond_this_machine_needs_credentials(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="needs credentials: put a table"):
        load(tmp_path, host=host)
    settings = load(tmp_path, {"LAMBENT_CREDENTIALS": "AKIA:secret"}, host=host)
    assert not settings.loopback


@pytest.mark.parametrize(
    ("host", "loopback", "shown"),
    [
        ("127.0.0.1", True, "127.0.0.1"),
        ("127.8.8.8", True, "127.8.8.8"),
        ("::1", True, "[::1]"),
        ("localhost", True, "localhost"),
        ("x.localhost", True, "x.localhost"),
        ("0.0.0.0", False, "127.0.0.1"),
        ("::", False, "[::1]"),
        ("10.0.0.1", False, "10.0.0.1"),
        ("example.org", False, "example.org"),
    ],
)
def test_hosts(host: str, loopback: bool, shown: str) -> None:
    assert is_loopback(host) is loopback
    assert url_host(host) == shown


def test_every_setting_says_what_is_allowed() -> None:
    assert all(allowed(name) for name in setting_names())


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("[::1]", True),
        ("10.1.2.3", True),
        ("abc.execute-api.us-east-1.127.0.0.1", True),
        ("[2001:db8::1]", True),
        ("[::ffff:10.1.2.3]", True),
        ("localhost", True),
        ("lambent", True),
        ("abc.lambda-url.us-east-1.localhost", True),
        ("sqs.us-east-1.amazonaws.com", True),
        ("abc.lambda-url.us-east-1.on.aws", True),
        ("host.docker.internal", True),
        ("shop.test", True),
        ("a.api.test", True),
        ("api.test", False),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("amazonaws.com.evil.example", False),
        ("evilamazonaws.com", False),
        ("", True),
    ],
)
def test_which_hosts_are_answered(host: str, allowed: bool) -> None:
    allows = host_rule(Settings(allowed_hosts=("shop.test", "*.api.test")))
    assert allows is not None
    assert allows(host) is allowed


def test_signed_requests_may_be_for_any_host() -> None:
    assert host_rule(Settings(host="0.0.0.0", credentials={"a": "b"})) is None


def test_tls_needs_both_files_and_both_right(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="belong together"):
        load(tmp_path, {"LAMBENT_TLS_KEY": "key.pem"})
    with pytest.raises(SettingsError, match=r"certificate\.pem: there is no such file"):
        load(tmp_path, {"LAMBENT_TLS_KEY": "key.pem", "LAMBENT_TLS_CERTIFICATE": "certificate.pem"})
    (tmp_path / "certificate.pem").write_text("none")
    (tmp_path / "key.pem").write_text("none")
    with pytest.raises(SettingsError, match="have to be a certificate and its key in PEM"):
        load(tmp_path, {"LAMBENT_TLS_KEY": "key.pem", "LAMBENT_TLS_CERTIFICATE": "certificate.pem"})
