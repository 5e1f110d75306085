"""What the process of an execution environment does to itself, whatever runtime it is for."""

from __future__ import annotations

# Not `signal`: its enums would cost every environment 100 KB and 0.1 ms.
import _signal  # type: ignore[import-not-found]
import json
import os
import resource
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

mounts: ModuleType | None
try:
    from . import mounts
except (ImportError, AttributeError):  # no ctypes in this interpreter, or not Linux
    mounts = None

TASK = "/var/task"
LAYERS = "/opt"
TEMPORARY = "/tmp"  # noqa: S108 - the mount point itself
RUNTIME = "/var/runtime"
NO_LAYERS = RUNTIME + "/.empty"
# See launcher.py: the dynamic linker of processes that were forked looks here instead of in /opt/lib.
LAYER_LIBRARIES = RUNTIME + "/.opt-lib"

OPEN_FILES = 1024
_LIMITS = [
    # What AWS recorded of its environments. Core dumps end in /tmp at most: everything else is read-only.
    (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
    (resource.RLIMIT_CORE, 10_737_418_240, 10_737_418_240),
    (resource.RLIMIT_MEMLOCK, 65_536, 65_536),
    (resource.RLIMIT_STACK, 8_388_608, resource.RLIM_INFINITY),
]
if os.geteuid() == 0:
    # For anybody else this counts all processes of the user, those outside too; for root it is not enforced.
    _LIMITS.append((resource.RLIMIT_NPROC, 742, 742))


def become_root(parent: int) -> None:
    """Make this process the root of a tree that ends with it, as it ends with process `parent`."""
    os.setpgid(0, 0)
    if mounts is not None:
        mounts.die_with_parent(parent, _signal.SIGKILL)
        # Orphans stay below this process, where its end finds them.
        mounts.become_subreaper()


def enclose(private_view: bool) -> None:
    """Set resource limits; with `private_view` in mounts of its own, for `bind`."""
    if private_view and mounts is not None:
        mounts.unshare(mounts.CLONE_NEWNS)
    for kind, soft, hard in _LIMITS:
        _limit(kind, soft, hard)
    os.umask(0o022)


def bind(task: str, temporary: str, layers: list[str], shown: list[str]) -> None:
    """Show the code, the private directory and the layers where Lambda has them. Raises OSError.

    `shown` are folders that linked code needs and that one of these would cover: they are where they were, read-only.
    """
    assert mounts is not None
    opt = layers[0] if layers else NO_LAYERS
    if not layers and any(path.startswith(LAYERS + "/") for path in shown):
        opt = LAYERS
    targets = [TASK, LAYERS, TEMPORARY, *[path for path in shown if path.startswith(TEMPORARY + "/")]]
    # Any of these may lie below a place that another of them is going to cover: look all up first.
    sources = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in (task, opt, temporary, *targets[3:])]
    for source, target in zip(sources, targets):  # noqa: B905 - strict is of 3.10
        if target.startswith(TEMPORARY + "/"):
            os.makedirs(target, exist_ok=True)  # noqa: PTH103 - see launcher.py
        mounts.bind(f"/proc/self/fd/{source}", target, read_only=target != TEMPORARY)
        os.close(source)
    if layers and os.path.isdir(LAYERS + "/lib") and os.path.isdir(LAYER_LIBRARIES):  # noqa: PTH112 - see launcher.py
        mounts.bind(LAYERS + "/lib", LAYER_LIBRARIES)


def drop_rights() -> None:
    """Give up the rights that `bind` needs, for this process and what it executes; root stays root."""
    if mounts is not None and os.geteuid() != 0:
        mounts.drop_rights()


def failure(error: OSError) -> bytes:
    """The error document of an environment that cannot be set up."""
    return json.dumps(
        {
            "errorMessage": f"The execution environment could not be set up: {error}",
            "errorType": "Sandbox.Failure",
            "requestId": "",
            "stackTrace": [],
        }
    ).encode()


def _limit(kind: int, soft: int, hard: int) -> None:
    _, most = resource.getrlimit(kind)
    if most != resource.RLIM_INFINITY and os.geteuid() != 0:
        # Only root may raise what it has been given.
        hard = most if hard == resource.RLIM_INFINITY else min(hard, most)
        soft = min(soft, hard)
    with suppress(ValueError, OSError):  # root of a container may not either
        resource.setrlimit(kind, (soft, hard))
