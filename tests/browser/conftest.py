"""A real browser, driven over the DevTools protocol: Chromium, where one is installed."""

from __future__ import annotations

import contextlib
import http.server
import itertools
import json
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.platform.conftest import Platform, wait_until
from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"),
    # Nothing of its own over the network.
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-extensions", "--no-proxy-server", "--remote-debugging-port=0"),
)


class Browser:
    """A running Chromium, or with a `session` one of its tabs."""

    def __init__(self, socket: ClientConnection, session: str | None = None) -> None:
        self._socket = socket
        self._session = {} if session is None else {"sessionId": session}
        self._ids = itertools.count(1)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command of the protocol, and its result."""
        sent = next(self._ids)
        self._socket.send(json.dumps({"id": sent, "method": method, "params": parameters, **self._session}))
        while True:
            said = json.loads(self._socket.recv(30))
            if said.get("id") == sent:
                assert "error" not in said, said
                result: dict[str, Any] = said["result"]
                return result

    @contextlib.contextmanager
    def tab(self, url: str) -> Iterator[Tab]:
        """A new tab with a page that has been loaded, and with cookies of its own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab = Tab(self._socket, attached["sessionId"])
        assert "errorText" not in tab.call("Page.navigate", url=url)
        wait_until(lambda: tab.run("return document.readyState + location.href") == f"complete{url}")
        yield tab
        self.call("Target.disposeBrowserContext", browserContextId=context)


class Tab(Browser):
    """A page of some origin."""

    def run(self, script: str) -> Any:
        """What the body of an asynchronous function returns on the page, or the text of what it throws."""
        wrapped = f"(async () => {{ try {{ {script} }} catch (error) {{ return `${{error}}` }} }})()"
        done = self.call("Runtime.evaluate", expression=wrapped, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, without a window; skips where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser here: install one of {', '.join(NAMES)}")
    profile = tmp_path_factory.mktemp("chromium")
    with (profile / "output").open("wb") as output:
        command = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    address = profile / "DevToolsActivePort"
    try:
        wait_until(lambda: process.poll() is not None or (address.exists() and "\n" in address.read_text()))
        assert process.poll() is None, (profile / "output").read_text(errors="replace")
        port, path = address.read_text().split()
        with connect(f"ws://127.0.0.1:{port}{path}", proxy=None, max_size=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    running = Platform(tmp_path_factory.mktemp("platform")).start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.printed


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "15")
        self.end_headers()
        self.wfile.write(b"<!doctype html>")

    def log_message(self, *_: Any) -> None:
        pass


class Pages:
    """Empty pages, of any origin below localhost."""

    def __init__(self, port: int) -> None:
        self.shop = f"http://shop.us-east-1.localhost:{port}"
        """Of the same site as what the platform serves, so that cookies are the same's too."""
        self.stranger = f"http://stranger.localhost:{port}"


@pytest.fixture(scope="session")
def pages() -> Iterator[Pages]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield Pages(server.server_port)
        server.shutdown()
        thread.join()
