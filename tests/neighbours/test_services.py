"""What is said of moto holds for the moto that is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from moto.backend_index import backend_url_patterns
from moto.moto_server.werkzeug_app import SIGNING_ALIASES

from lambent.neighbours.services import SERVED_BY_MOTO

# moto chooses these by the path or the target of the request, and not by the scope alone.
_CHOSEN_OTHERWISE = {"dynamodb", "bedrock", "bedrock-agentcore"}


def test_moto_has_a_backend_for_every_service() -> None:
    for scope in SERVED_BY_MOTO - _CHOSEN_OTHERWISE:
        name = SIGNING_ALIASES.get(scope, scope)
        hosts = [
            f"http://{host}"
            for host in (
                f"{name}.us-east-1.amazonaws.com",
                f"{name}.us-east-1.api.aws",
                f"{name}.amazonaws.com",
                f"api.{name}.us-east-1.amazonaws.com",
                f"data.{name}.us-east-1.amazonaws.com",
                f"ingest.{name}.us-east-1.amazonaws.com",
                "memory-db.us-east-1.amazonaws.com" if name == "memorydb" else "none",
            )
        ]
        assert any(pattern.match(host) for _, pattern in backend_url_patterns for host in hosts), scope


def test_what_is_named_by_the_issue_is_served() -> None:
    named = "s3 iam sts ssm secretsmanager kms dynamodb cognito-idp monitoring sqs sns events kinesis"
    assert set(named.split()) <= SERVED_BY_MOTO


def test_that_it_is_missing_is_found_without_importing_it() -> None:
    program = "from lambent.neighbours.installation import installed; print(installed())"
    source = Path(__file__).parents[2] / "src"
    for flags, found in (
        ((), "True"),
        (("-S",), "False"),
    ):  # -S: without any package but the standard library
        ended = subprocess.run(
            [sys.executable, *flags, "-c", f"import sys; sys.path.insert(0, {str(source)!r}); {program}"],
            env={},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        assert ended.stdout.strip() == found
