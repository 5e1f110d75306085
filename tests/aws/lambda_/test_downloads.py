from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.lambda_.conftest import ControlPlane


@pytest.fixture
def link(client: Any, create: Callable[..., Any]) -> str:
    create()
    location: str = client.get_function(FunctionName="hello")["Code"]["Location"]
    return location


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - the platform's own link
            found: int = answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return found


def test_a_link_gives_the_package(link: str, package: Callable[..., bytes]) -> None:
    with urllib.request.urlopen(link) as answer:  # noqa: S310 - the platform's own link
        assert answer.read() == package()
        assert answer.headers["Content-Type"] == "application/zip"


def test_a_link_is_good_for_that_package_and_that_time_only(link: str) -> None:
    split = urlsplit(link)
    query = {name: values[0] for name, values in parse_qs(split.query).items()}
    assert status(link.replace(split.path[-4:] + "?", "0000?")) == 403
    assert status(link.replace(query["Expires"], str(int(query["Expires"]) + 1))) == 403
    assert status(link.replace(query["Expires"], "1")) == 403
    assert status(link.replace(query["Signature"], "0" * 64)) == 403
    assert status(link.split("?", maxsplit=1)[0]) == 403
    assert status(link.replace(split.path, "/_lambent/code/../../etc/passwd")) == 403


def test_code_that_has_been_collected_is_gone(
    plane: ControlPlane, client: Any, create: Callable[..., Any], account: str
) -> None:
    create("collected", content=account)
    url = client.get_function(FunctionName="collected")["Code"]["Location"]
    assert status(url) == 200
    client.delete_function(FunctionName="collected")
    plane.run(plane.registry.collect_code(older_than_s=0))
    assert status(url) == 404


def test_code_that_cannot_be_read_is_no_reason_to_wait(
    plane: ControlPlane,
    client: Any,
    create: Callable[..., Any],
    account: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    create("damaged", content=f"{account} damaged")
    url = client.get_function(FunctionName="damaged")["Code"]["Location"]
    (blob,) = (plane._path / "blobs").glob(f"*/{urlsplit(url).path.rpartition('/')[2]}")
    blob.unlink()
    blob.mkdir()
    assert status(url) == 500
    assert "could not be read" in caplog.text
