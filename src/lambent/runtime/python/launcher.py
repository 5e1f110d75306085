"""First program of a zygote's process: makes its private view of the file system, then becomes the zygote.

    python -I -S launcher.py CONTROL_FD VIEW INTERPRETER PREFIX LIBRARIES [FILES]

CONTROL_FD is the socket to the platform, VIEW 1 or 0, INTERPRETER the real path of the function's
interpreter, PREFIX its base prefix, LIBRARIES a directory of packages for functions or "". Run by the
platform's own interpreter, because the function's may lack ctypes.

With FILES it becomes the host of another language's environments instead (`host/host.py`): INTERPRETER is then
the platform's, PREFIX that of the language or "", and FILES the folder of its files here or "".

The view is the machine's own file system with Lambda's directories added:

    /var/lang      the language's prefix, so that sys.prefix and tracebacks show what they show in Lambda
    /var/runtime   the libraries and, in `lambent-python` (or after another FILES), the files that run here
    /var/task      an empty place; each environment binds its code there, layers on /opt, its own /tmp on /tmp

A host has no /var/task and the root may be read-only, so /var becomes a small tmpfs on which the host's own
entries of /var are bound. What has to be seen although environments cover /opt and /tmp is bound below /var.
"""

# pathlib would cost every environment memory.
# ruff: noqa: PTH100, PTH102, PTH103, PTH112, PTH114, PTH118, PTH119, PTH120, PTH123, PTH208, PTH211
from __future__ import annotations

import os
import sys
import types

if __name__ == "__main__":
    # The files here import one another relatively, under a name that no function's module has.
    __package__ = "_lambent_runtime"
    sys.modules[__package__] = types.ModuleType(__package__)
    sys.modules[__package__].__path__ = [os.path.dirname(os.path.abspath(__file__))]

LANG = "/var/lang"
RUNTIME = "/var/runtime"
TASK = "/var/task"
MODULES = "node_modules"
LAYER_LIBRARIES = RUNTIME + "/.opt-lib"
# The dynamic linker looks once whether a folder is there, and processes forked later believe it: /opt is the
# machine's own until then.
LIBRARY_PATH = f"/var/lang/lib:/lib64:/usr/lib64:{RUNTIME}:{TASK}:{TASK}/lib:{LAYER_LIBRARIES}"


def build_view(prefix: str, files: str, libraries: str) -> None:
    """Enter a new mount namespace and arrange it. On OSError the file system looks as before.

    `prefix` and `files` are "" where there is none.
    """
    for path in ("/var", "/opt", "/tmp"):  # noqa: S108 - the directory itself is meant
        if not os.path.isdir(path) or os.path.islink(path):
            raise OSError(f"{path} is no directory")
    from . import mounts

    _enter_namespace()
    mounts.make_private()
    # Sources are named by descriptor: they may lie below /var, which is covered from here on.
    packages = _packages(libraries)
    shown = {"/var", prefix, files, *packages} - {""}
    old = {path: os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in shown}
    mounts.mount_tmpfs("/var", "1m")
    try:
        _arrange(old, prefix, files, packages)
    except OSError:
        mounts.detach("/var")
        raise
    finally:
        for descriptor in old.values():
            os.close(descriptor)


def files_place(files: str) -> str:
    """Where the view shows a folder of our files."""
    return f"{RUNTIME}/lambent-{os.path.basename(files)}"


def _arrange(old: dict[str, int], prefix: str, files: str, packages: dict[str, list[str]]) -> None:
    from . import mounts

    def source(path: str) -> str:
        return f"/proc/self/fd/{old[path]}"

    with os.scandir(old["/var"]) as entries:
        for entry in entries:
            path = f"/var/{entry.name}"
            if path in (LANG, RUNTIME):
                continue
            if entry.is_symlink():
                os.symlink(os.readlink(entry.name, dir_fd=old["/var"]), path)
                continue
            if entry.is_dir():
                os.mkdir(path)
            else:
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            mounts.bind(f"{source('/var')}/{entry.name}", path)
    if not os.path.isdir(TASK):
        os.makedirs(TASK + "/lib")
    os.mkdir(RUNTIME)
    for path, place in ((prefix, LANG), (files, files_place(files))):
        if path:
            os.mkdir(place)
            mounts.bind(source(path), place, read_only=True)
    # What an environment without layers shows at /opt, and where one with layers shows /opt/lib to the linker.
    os.mkdir(RUNTIME + "/.empty")
    os.mkdir(LAYER_LIBRARIES)
    for number, (parent, names) in enumerate(packages.items()):
        place = f".packages-{number}"
        os.mkdir(f"{RUNTIME}/{place}")
        mounts.bind(source(parent), f"{RUNTIME}/{place}", read_only=True)
        for name in names:
            os.symlink(f"{place}/{name}", f"{RUNTIME}/{name}")
            if name == MODULES and not os.path.lexists("/var/" + name):
                # Node looks for what ES modules import in the folders above theirs only.
                os.symlink(f"{RUNTIME}/{name}", "/var/" + name)
    mounts.set_read_only("/var")


def _packages(libraries: str) -> dict[str, list[str]]:
    """The entries of the libraries directory by the real directory that holds them."""
    found: dict[str, list[str]] = {}
    if libraries:
        for name in sorted(os.listdir(libraries)):
            parent, base = os.path.split(os.path.realpath(os.path.join(libraries, name)))
            if base == name:
                found.setdefault(parent, []).append(name)
    return found


def _enter_namespace() -> None:
    from . import mounts

    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        try:
            mounts.unshare(mounts.CLONE_NEWNS)
            return
        except PermissionError:
            pass  # root of a container without the right to mount: a user namespace may still be had
    mounts.unshare(mounts.CLONE_NEWUSER | mounts.CLONE_NEWNS)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    if uid != 0:
        mounts.keep_mount_rights_over_exec()


def main(arguments: list[str]) -> None:
    """Become the zygote; does not return."""
    control, view, interpreter, prefix, libraries, *hosted = arguments
    own = os.path.dirname(os.path.abspath(__file__))
    files = hosted[0] if hosted else own
    environment = {
        **os.environ,
        "LANG": "C.UTF-8",
        "LC_CTYPE": "C.UTF-8",
        # Symbols are bound once here instead of in each environment.
        "LD_BIND_NOW": "1",
        # glibc would give the memory of a large payload back after each invocation and ask for it anew in the
        # next: 4,700 page faults, 6 ms for 6 MB.
        "MALLOC_MMAP_THRESHOLD_": "8388608",
        "MALLOC_TRIM_THRESHOLD_": "33554432",
    }
    active = False
    if view == "1":
        try:
            build_view(prefix, files, libraries)
            active = True
        except (ImportError, AttributeError, OSError) as error:
            print(f"lambent: no private file system view: {error}", file=sys.stderr)
    if hosted:
        program = os.path.join(os.path.dirname(own), "host", "host.py")
    elif active:
        # A shared libpython is looked for at its build-time place, which may be covered. What else Lambda has here
        # counts for what environments load: they cannot set it any more.
        environment["LD_LIBRARY_PATH"] = LIBRARY_PATH
        interpreter = LANG + interpreter[len(prefix) :]
        program = files_place(own) + "/zygote.py"
    else:
        program = os.path.join(own, "zygote.py")
    os.chdir("/")
    os.set_inheritable(int(control), True)
    command = [interpreter, "-I", "-S", program, control, str(int(active))]
    os.execve(interpreter, command, environment)  # noqa: S606 - no shell is meant to be there


if __name__ == "__main__":
    main(sys.argv[1:])
