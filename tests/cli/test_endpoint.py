from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent.cli.endpoint import resolve
from lambent.cli.failure import Failure

if TYPE_CHECKING:
    from pathlib import Path


def test_defaults(tmp_path: Path) -> None:
    where = resolve(None, None, environment={}, directory=tmp_path)
    assert (where.url, where.region, where.access_key) == ("http://127.0.0.1:4566", "us-east-1", "lambent")


def test_the_settings_of_the_directory_count(tmp_path: Path) -> None:
    (tmp_path / "lambent.toml").write_text(
        'host = "0.0.0.0"\nport = 4600\nregion = "eu-west-1"\n[credentials]\nAKIA1 = "secret"\nAKIA2 = "other"\n'
    )
    where = resolve(None, None, environment={}, directory=tmp_path)
    assert (where.url, where.region) == ("http://127.0.0.1:4600", "eu-west-1")
    assert (where.access_key, where.secret_key) == ("AKIA1", "secret")


def test_options_over_lambents_variable_over_aws_variable(tmp_path: Path) -> None:
    variables = {"AWS_ENDPOINT_URL": "http://aws:1", "AWS_DEFAULT_REGION": "eu-west-1"}
    where = resolve(None, None, environment=variables, directory=tmp_path)
    assert (where.url, where.region) == ("http://aws:1", "eu-west-1")
    variables |= {"LAMBENT_ENDPOINT_URL": "http://lambent:1/", "AWS_REGION": "eu-west-2"}
    where = resolve(None, None, environment=variables, directory=tmp_path)
    assert (where.url, where.region) == ("http://lambent:1", "eu-west-2")
    where = resolve("http://option:1", "eu-west-3", environment=variables, directory=tmp_path)
    assert (where.url, where.region) == ("http://option:1", "eu-west-3")


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"])
def test_credentials_of_the_environment_are_left_to_botocore(tmp_path: Path, variable: str) -> None:
    where = resolve(None, None, environment={variable: "123456789012"}, directory=tmp_path)
    assert where.access_key is None


def test_what_is_no_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"127\.0\.0\.1:4566 is no endpoint URL"):
        resolve("127.0.0.1:4566", None, environment={}, directory=tmp_path)
