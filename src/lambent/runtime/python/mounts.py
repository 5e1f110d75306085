"""The system calls behind an environment's private file system view, through ctypes.

The interpreters that functions run on have no bindings for them (os.unshare exists from 3.12 on, mount
nowhere). Numbers are those of Linux's uapi headers and the same on every architecture.
"""

from __future__ import annotations

import ctypes
import os

# sched.h
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
# mount.h
MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_NOATIME = 0x400
MS_NODIRATIME = 0x800
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 0x2
# prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4
# capability.h
CAP_SYS_ADMIN = 21
_CAPABILITY_VERSION_3 = 0x20080522

# A user namespace locks these flags on the mounts it inherits: a remount must repeat them.
_KEPT_FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)
_libc.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)
_libc.unshare.argtypes = (ctypes.c_int,)
_libc.prctl.argtypes = (ctypes.c_int,) + (ctypes.c_ulong,) * 4


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _check(_libc.unshare(flags), "unshare")


def make_private() -> None:
    """Let no mount or unmount pass between this namespace and others."""
    _check(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")


def bind(source: str, target: str, read_only: bool = False) -> None:
    """Show `source` (with what is mounted below it) at `target`, which has to exist."""
    destination = os.fsencode(target)
    _check(
        _libc.mount(os.fsencode(source), destination, None, MS_BIND | MS_REC, None),
        f"bind {source} on {target}",
    )
    if read_only:
        set_read_only(target)


def set_read_only(target: str) -> None:
    """Make the mount at `target` read-only; other mounts of the same file system stay as they are."""
    kept = os.statvfs(target).f_flag & _KEPT_FLAGS
    _check(
        _libc.mount(None, os.fsencode(target), None, MS_REMOUNT | MS_BIND | MS_RDONLY | kept, None),
        f"make {target} read-only",
    )


def mount_tmpfs(target: str, size: str) -> None:
    """An empty file system in memory at `target`, of at most `size` (as "1m")."""
    options = f"size={size},mode=755".encode()
    _check(
        _libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", MS_NOSUID | MS_NODEV, options),
        f"tmpfs on {target}",
    )


def detach(target: str) -> None:
    """Unmount what is at `target` and everything below it, in use or not."""
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), f"unmount {target}")


def become_subreaper() -> None:
    """Orphaned descendants become children of this process, not of init."""
    _check(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "become subreaper")


def die_with_parent(parent: int, signal_number: int) -> None:
    """Receive `signal_number` when the parent dies; exits at once when process `parent` is dead already."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "set parent death signal")
    if os.getppid() != parent:
        os._exit(1)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapabilityWord(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def keep_mount_rights_over_exec() -> None:
    """Keep CAP_SYS_ADMIN (of our own user namespace) although another program is executed."""
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    words = (_CapabilityWord * 2)()
    _check(_libc.capget(ctypes.byref(header), words), "capget")
    words[0].inheritable |= 1 << CAP_SYS_ADMIN
    _check(_libc.capset(ctypes.byref(header), words), "capset")
    _check(_libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0), "raise ambient capability")


def drop_rights() -> None:
    """Give up every capability, for this process and what it executes."""
    _check(_libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clear ambient capabilities")
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(ctypes.byref(header), (_CapabilityWord * 2)()), "capset")
