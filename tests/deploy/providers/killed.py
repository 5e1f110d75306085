"""Deploys as often as it is told, each time in a process of its own that ends before its n-th request.

A line of standard input is JSON: `folder`, `url`, `app`, `text`, and `request`, the number of the request that is not
sent any more (0: all are). The answer is "killed", or "done" with the outputs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.deploy.providers.deployments import always, deployment, manifest, provider

from lambent.deploy.errors import DeployError
from lambent.deploy.providers import Silence

if TYPE_CHECKING:
    from lambent.deploy.providers.cloudformation import CloudFormation

_providers: dict[str, CloudFormation] = {}
_count = 0
_last = 0


def _before_send(**_: Any) -> None:
    global _count
    _count += 1
    if _count == _last:
        os.kill(os.getpid(), signal.SIGKILL)


def _provider(url: str, folder: Path) -> CloudFormation:
    if url not in _providers:
        made = provider("local", url)
        made.access.session.register("before-send", _before_send)
        for service in ("cloudformation", "s3", "sts"):
            made.access.client(service)  # before the processes are made: they share them
        _providers[url] = made
    return _providers[url]


def _deploy(wanted: dict[str, Any], made: CloudFormation, folder: Path) -> None:
    global _last
    _last = wanted["request"]
    try:
        outcome = made.apply(
            deployment(folder, manifest(wanted["app"]), text=wanted["text"]), Silence(), always
        )
    except DeployError as error:
        print(json.dumps(f"failed: {error}"), flush=True)
    else:
        print(json.dumps({"done": outcome.outputs, "requests": _count}), flush=True)


def main() -> None:
    for line in sys.stdin:
        wanted = json.loads(line)
        folder = Path(wanted["folder"])
        made = _provider(wanted["url"], folder)
        child = os.fork()
        if child == 0:
            _deploy(wanted, made, folder)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            print(json.dumps("killed"), flush=True)


if __name__ == "__main__":
    main()
