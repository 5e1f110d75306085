"""What is measured: the platform and the floor, as processes of their own."""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY: Final = ("AKIALAMBENTBENCH0001", "bench-secret")
ROLE: Final = "arn:aws:iam::000000000000:role/bench"
RUNTIME: Final = f"python3.{sys.version_info[1]}"
ECHO: Final = "def handler(event, context):\n    return event\n"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 20.0) -> None:
    """Return when something listens on `port`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.002)
    raise SystemExit(f"{process.args!r} did not listen within {seconds} s")


def archive(source: str) -> bytes:
    """A deployment package with `source` as app.py."""
    return packed({"app.py": source})


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """A deployment package of executable files, contents by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16
            package.writestr(entry, content)
    return buffer.getvalue()


def framework_files() -> dict[str, str | bytes]:
    """What an app needs beside itself: lambent's framework and msgspec, by their names in a package."""
    sources = Path(__file__).parent.parent / "src" / "lambent"
    files: dict[str, str | bytes] = {"lambent/__init__.py": (sources / "__init__.py").read_bytes()}
    installed = Path(msgspec.__file__).parent
    for root, name in ((sources / "app", "lambent/app"), (installed, "msgspec")):
        for path in root.rglob("*"):
            if path.suffix in (".py", ".so"):
                files[f"{name}/{path.relative_to(root)}"] = path.read_bytes()
    return files


@contextlib.contextmanager
def floor(width: int = 16) -> Iterator[int]:
    """The floor program; its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.floor", str(port), "--width", str(width)])
    try:
        wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


class Platform:
    """A platform of its own, with data in `data`."""

    def __init__(self, data: Path, *, verify: bool = False, **settings: str) -> None:
        self.port = free_port()
        environment = {
            **os.environ,
            "LAMBENT_PORT": str(self.port),
            "LAMBENT_DATA": str(data),
            **{f"LAMBENT_{name.upper()}": value for name, value in settings.items()},
        }
        if verify:
            environment["LAMBENT_CREDENTIALS"] = f"{KEY[0]}:{KEY[1]}"
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lambent.cli", "up"],
            env=environment,
            cwd=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        wait_for(self.port, self.process)
        self.ready_seconds = self._healthy() - self.started

    def _healthy(self) -> float:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/_lambent/health")
        assert connection.getresponse().status == 200
        connection.close()
        return time.perf_counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def invoke_url(self, name: str) -> str:
        return f"{self.url}/2015-03-31/functions/{name}/invocations"

    def client(self, service: str) -> Any:
        """A boto3 client of this platform."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEY[0],
            aws_secret_access_key=KEY[1],
            config=Config(read_timeout=60, retries={"total_max_attempts": 1}),
        )

    def create(self, name: str, source: str | Mapping[str, str | bytes] = ECHO, **settings: Any) -> None:
        """A function of one Python file, or of these files; Active when this returns."""
        client = self.client("lambda")
        client.create_function(
            **{
                "FunctionName": name,
                "Runtime": RUNTIME,
                "Handler": "app.handler",
                "Role": ROLE,
                "Code": {"ZipFile": archive(source) if isinstance(source, str) else packed(source)},
                **settings,
            }
        )
        client.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500}
        )

    def signed_headers(self, name: str, body: str) -> Mapping[str, str]:
        """Headers that sign an Invoke with this body, for the next minutes."""
        request = AWSRequest("POST", self.invoke_url(name), {"Content-Type": "application/json"}, body)
        SigV4Auth(Credentials(*KEY), "lambda", "us-east-1").add_auth(request)
        return {key: value for key, value in request.headers.items() if key != "Content-Type"}

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
