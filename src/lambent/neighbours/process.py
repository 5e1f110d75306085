"""One process of moto's server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Final

from lambent.http.client import ExchangeFailed, HttpClient
from lambent.neighbours.errors import NeighbourDown
from lambent.neighbours.installation import ADVICE, installed

_PROGRAM: Final = Path(__file__).with_name("moto_server.py")
_LINES_KEPT: Final = 30
_HOST: Final = [(b"Host", b"moto")]


class MotoProcess:
    """A process that `start` has found to be answering. It ends with the platform, however that ends.

    `client` speaks to it, as long as it is `alive`; `ended` is done when the process is gone.
    """

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self._process = process
        self._control = control
        self.pid = process.pid
        self.alive = True
        self.client = HttpClient(dial=self._dial)
        self._prober = HttpClient(dial=self._dial)
        self._said: deque[bytes] = deque(maxlen=_LINES_KEPT)
        self.ended = asyncio.get_running_loop().create_task(self._wait())

    @classmethod
    async def start(cls, deadline_s: float) -> MotoProcess:
        """Start a process and wait until it answers. Raises NeighbourDown."""
        if not installed():
            raise NeighbourDown(f"moto, which serves this here, is not installed: {ADVICE}")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                str(_PROGRAM),
                str(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=_environment(),
                cwd="/",
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise NeighbourDown(f"moto, which serves this here, cannot be started: {error}") from error
        finally:
            theirs.close()
        started = cls(process, ours)
        try:
            if not await started.answers(deadline_s):
                raise NeighbourDown(f"moto, which serves this here, did not start: {started.last_words}")
        except BaseException:
            started.kill()
            await started.ended
            raise
        return started

    async def answers(self, within_s: float) -> bool:
        """Whether the process answers a request that asks nothing of moto."""
        try:
            async with asyncio.timeout(within_s):
                (await self._prober.exchange(b"GET", b"/", list(_HOST))).close()
        except (TimeoutError, ExchangeFailed):
            return False
        return True

    async def forget(self) -> None:
        """Make moto forget everything. Raises ExchangeFailed."""
        (await self.client.exchange(b"POST", b"/reset", list(_HOST))).close()

    def kill(self) -> None:
        """End it at once: what is under way fails, nothing more is sent to it."""
        self.alive = False
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._hang_up()

    @property
    def last_words(self) -> str:
        """What it wrote last, or its exit status."""
        words = b"".join(self._said).decode(errors="replace").strip()
        return words.rpartition("\n")[2] or f"exit status {self._process.returncode}"

    def _dial(self) -> socket.socket:
        if not self.alive:
            raise ConnectionRefusedError("the process has ended")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        try:
            socket.send_fds(self._control, [b"c"], [theirs.fileno()])
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    async def _wait(self) -> None:
        assert self._process.stdout is not None
        try:
            with contextlib.suppress(OSError):
                # By pieces: a line may be of any length.
                while piece := await self._process.stdout.read(65_536):
                    self._said.extend(piece.splitlines(keepends=True)[-_LINES_KEPT:])
            await self._process.wait()
        finally:
            # Cancelled, when the loop itself ends: the process must not outlive those who could end it.
            self.kill()

    def _hang_up(self) -> None:
        self.client.close()
        self._prober.close()
        self._control.close()


def _environment() -> dict[str, str]:
    """The platform's variables without what is nobody else's business: its settings and AWS credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))}
    # The account comes with each request, unless this variable overrules it.
    kept.pop("MOTO_ACCOUNT_ID", None)
    return kept | {
        "AWS_EC2_METADATA_DISABLED": "true",
        "MOTO_ALLOW_NONEXISTENT_REGION": "true",
        # Images of machines, which nothing here starts: EC2's first answer takes ten seconds with them.
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        # AWS's managed policies, which roles of templates name: 0.1 s when IAM is first used.
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        # Bucket names in host names have become paths before a request comes here.
        "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
    }
