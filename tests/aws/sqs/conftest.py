"""SQS over HTTP as clients see it: real queues behind a server, and boto3 in both protocols."""

from __future__ import annotations

import copy
import functools
import json
from typing import TYPE_CHECKING, Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.config import Config
from tests.aws.sqs.serving import ACCOUNT, Api, Server

from lambent.aws.querynames import add_query_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for a module: queues are the tests' own."""
    running = Server(tmp_path_factory.mktemp("sqs"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def query_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SQS's model as it was when its protocol was query, for botocore to load."""
    loader = botocore.loaders.Loader()
    description = copy.deepcopy(loader.load_service_model("sqs", "service-2"))
    add_query_names("sqs", description)
    metadata = description["metadata"]
    metadata["protocol"], metadata["protocols"] = "query", ["query"]
    metadata["xmlNamespace"] = "http://queue.amazonaws.com/doc/2012-11-05/"
    for unused in ("awsQueryCompatible", "jsonVersion", "targetPrefix"):
        metadata.pop(unused, None)
    directory = tmp_path_factory.mktemp("models")
    folder = directory / "sqs" / "2012-11-05"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps(description))
    return directory


@pytest.fixture(scope="session")
def make_client(query_models: Path) -> Callable[..., Any]:
    """Gives clients, the same for the same: `query` tells the protocol, `account` whose they are."""

    @functools.cache
    def make(
        url: str, *, query: bool = False, account: str = ACCOUNT, region: str = "us-east-1", retries: int = 0
    ) -> Any:
        session = botocore.session.Session()
        if query:
            session.get_component("data_loader").search_paths.insert(0, str(query_models))
        return boto3.Session(
            botocore_session=session,
            aws_access_key_id=account,
            aws_secret_access_key="x",
            region_name=region,
        ).client(
            "sqs",
            endpoint_url=url,
            config=Config(retries={"total_max_attempts": retries + 1}, tcp_keepalive=True),
        )

    return make


@pytest.fixture(params=["json", "query", "slow"])
def api(request: pytest.FixtureRequest, server: Server, make_client: Callable[..., Any]) -> Api:
    """In JSON, which messages take the fast path of; in the query protocol; and in JSON by the service's path alone."""
    server.fast = request.param == "json"
    query = request.param == "query"
    client = make_client(server.url, query=query)
    return Api(server, client, query=query)


@pytest.fixture
def json_api(server: Server, make_client: Callable[..., Any]) -> Api:
    """In JSON alone."""
    server.fast = True
    client = make_client(server.url)
    return Api(server, client, query=False)
