"""What is said about each way in which a place can refuse, or not be there."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from tests.deploy.providers.deployments import project

from lambent.deploy.errors import ProviderError
from lambent.deploy.providers import provider_named
from lambent.deploy.providers.access import Access
from lambent.deploy.providers.cloudformation import CloudFormation
from lambent.deploy.providers.mends import mend_for
from lambent.deploy.providers.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ANSWER = (
    '<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type>'
    "<Code>{}</Code><Message>{}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
)
# Code, status and message as AWS's query services send them.
_REFUSALS = (
    (
        "ExpiredToken",
        403,
        "The security token included in the request is expired",
        "have expired",
        "sso login",
    ),
    (
        "SignatureDoesNotMatch",
        403,
        "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z",
        "have expired",
        "AWS_SESSION_TOKEN",
    ),
    (
        "InvalidClientTokenId",
        403,
        "The security token included in the request is invalid.",
        "does not know the credentials",
        "get-caller-identity",
    ),
    (
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided.",
        "secret access key is not the one",
        "AWS_SECRET_ACCESS_KEY",
    ),
    (
        "AccessDenied",
        403,
        "User: arn:aws:iam::1:user/ci is not authorized to perform: cloudformation:DescribeStacks on shop-dev",
        "may not do DescribeStacks",
        "Have cloudformation:DescribeStacks added",
    ),
    ("Throttling", 400, "Rate exceeded", "throttles DescribeStacks", "in a minute"),
    ("RequestExpired", 400, "Request has expired.", "clock of this machine", "Set the clock"),
    (
        "OptInRequired",
        403,
        "You are not subscribed to this service.",
        "cannot use the service",
        "Enable the region",
    ),
    ("InternalFailure", 500, "An internal error occurred", "failed at DescribeStacks", "Repeat the command"),
    (
        "ValidationError",
        400,
        "Stack:arn:aws:cloudformation:eu-west-1:1:stack/a/1 is in UPDATE_IN_PROGRESS state and can not be updated.",
        "something else has begun",
        "waits for that",
    ),
)


class _Server:
    """Answers every request alike."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="module")
def server() -> Iterator[_Server]:
    made = _Server()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def _refused(access: Access) -> ProviderError:
    with pytest.raises(ProviderError) as refused, refusals(access):
        access.client("cloudformation").describe_stacks(StackName="shop-dev")
    return refused.value


@pytest.fixture(scope="module")
def access(server: _Server) -> Access:
    return Access(
        of="AWS", region="eu-west-1", endpoint_url=server.url, keys=("a", "b"), environment={}, attempts=1
    )


@pytest.mark.parametrize(("code", "status", "told", "message", "hint"), _REFUSALS)
def test_an_answer(
    access: Access, server: _Server, code: str, status: int, told: str, message: str, hint: str
) -> None:
    server.status, server.body = status, _ANSWER.format(code, told).encode()
    refused = _refused(access)
    assert message in refused.message
    assert "\n" not in refused.message
    assert hint in str(refused.hint)


@pytest.mark.parametrize(("status", "body"), [(200, b"<html><p>hello</html>"), (404, b"not found")])
def test_another_server(access: Access, server: _Server, status: int, body: bytes) -> None:
    server.status, server.body = status, body
    assert "Is the endpoint the right one?" in str(_refused(access).hint)


def test_nobody(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    for endpoint, hint in ((url, "lambent up"), ("http://nowhere.invalid", "Check the address")):
        refused = _refused(
            Access(
                of="AWS",
                region="eu-west-1",
                endpoint_url=endpoint,
                keys=("a", "b"),
                environment={},
                attempts=1,
            )
        )
        assert refused.message == f"nobody answers at {endpoint}"
        assert hint in str(refused.hint)


@pytest.mark.parametrize("endpoint", ["localhost:4566", "ftp://a", "http://[bad", "http://", "http://a:b"])
def test_no_url(endpoint: str) -> None:
    with pytest.raises(ProviderError, match="is no endpoint URL"):
        Access(of="AWS", region="eu-west-1", endpoint_url=endpoint, environment={})


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment in which nothing of AWS is set up."""
    for variable in (
        "ACCESS_KEY_ID",
        "SECRET_ACCESS_KEY",
        "SESSION_TOKEN",
        "PROFILE",
        "REGION",
        "DEFAULT_REGION",
    ):
        monkeypatch.delenv(f"AWS_{variable}", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


@pytest.mark.parametrize(
    ("reason", "mend"),
    [
        ("You must wait 60 seconds after deleting a queue before you can create another", "after a minute"),
        ("Cannot perform more than one GSI creation or deletion in a single update", "one index of a table"),
        ("shop-prod-receipts already exists in stack …", "queues of a protected stage stay"),
        ("Account limits exceeded", "quota"),
        ("No such thing has been seen", None),
    ],
)
def test_what_services_say_of_a_resource_has_a_mend(reason: str, mend: str | None) -> None:
    found = mend_for(reason)
    assert found is None if mend is None else mend in str(found)


def test_what_the_command_line_names_beats_the_settings(tmp_path: Path) -> None:
    settings = project(tmp_path, profile="work", endpoint_url="http://127.0.0.1:1")
    variables = {"LAMBENT_ENDPOINT_URL": "http://127.0.0.1:2"}
    found = provider_named(settings, "local", environment=variables)
    assert isinstance(found, CloudFormation)
    assert (found.access.profile, found.access.endpoint_url) == ("work", "http://127.0.0.1:1")
    found = provider_named(
        settings, "local", profile="home", endpoint_url="http://127.0.0.1:3", environment=variables
    )
    assert isinstance(found, CloudFormation)
    assert (found.access.profile, found.access.endpoint_url) == ("home", "http://127.0.0.1:3")


def test_nothing_is_set_up(bare: pytest.MonkeyPatch, server: _Server, tmp_path: Path) -> None:
    refused = _refused(Access(of="AWS", region=None, environment={}))
    assert refused.message == "no region is named"
    assert "--region" in str(refused.hint)
    refused = _refused(Access(of="AWS", region="eu-west-1", environment={}))
    assert refused.message == "there are no credentials for AWS"
    assert "aws configure" in str(refused.hint)
    refused = _refused(Access(of="AWS", region="eu-west-1", profile="work", environment={}))
    assert refused.message == "there is no profile work in the AWS settings"
    bare.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    refused = _refused(Access(of="AWS", region="eu-west-1", environment={}))
    assert "not complete" in refused.message


def test_a_login_that_is_over(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[profile work]\nregion = eu-west-1\nsso_session = office\nsso_account_id = 123456789012\nsso_role_name = dev\n"
        "[sso-session office]\nsso_region = eu-west-1\nsso_start_url = https://office.awsapps.com/start\n"
    )
    refused = _refused(Access(of="AWS", region=None, profile="work", environment={}))
    assert "the login of the profile work is over" in refused.message
    assert "aws sso login --profile work" in str(refused.hint)
