"""Whose the other end of a local connection is.

Every process of the machine can connect to a listener on 127.0.0.1, those of other functions too. The kernel tells
the number of the other end's socket (sock_diag(7)), and /proc which processes hold it.
"""

from __future__ import annotations

import enum
import os
import socket
import struct
import sys
from typing import Final

from lambent.execution.memory import tree

_LINUX: Final = sys.platform == "linux"
# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLM_F_REQUEST: Final = 1
_HEAD: Final = struct.Struct("=IHHII")
# struct inet_diag_req_v2: family, protocol, extensions, padding, states, then source and destination
_REQUEST: Final = struct.Struct("=BBBxI")
_ENDS: Final = struct.Struct("!HH4s12x4s12x")
_NO_COOKIE: Final = b"\xff" * 8
_ALL_STATES: Final = 0xFFFFFFFF
# struct inet_diag_msg: the inode is its last member
_INODE_AT: Final = _HEAD.size + 68
_INODE: Final = struct.Struct("=I")


class Peer(enum.Enum):
    """Who holds the other end of a connection."""

    OURS = enum.auto()  # the process that was asked for, or a descendant of it
    FOREIGN = enum.auto()
    GONE = enum.auto()  # nobody any more: it was closed, perhaps by its holder's death


def peer(accepted: socket.socket, pid: int) -> Peer:
    """Who holds the other end of an accepted connection: `pid` or a descendant of it, or somebody else.

    OURS where that cannot be found out: not on Linux, in a kernel without sock_diag, or when a process of its own
    hides its descriptors.
    """
    if not _LINUX:
        return Peer.OURS
    try:
        inode = _inode(accepted)
    except OSError:
        return Peer.OURS
    if not inode:
        return Peer.GONE
    wanted = f"socket:[{inode}]"
    if any(_holds(member, wanted) for member in tree(pid)):
        return Peer.OURS
    # A process that dies loses its descriptors before they are closed: it may just have been the holder.
    return Peer.FOREIGN if _has_files(pid) and _inode(accepted) == inode else Peer.GONE


def _inode(accepted: socket.socket) -> int:
    """The number of the socket at the other end. 0 when it is gone already."""
    here, there = accepted.getsockname(), accepted.getpeername()
    body = (
        _REQUEST.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _ALL_STATES)
        + _ENDS.pack(there[1], here[1], socket.inet_aton(there[0]), socket.inet_aton(here[0]))
        + bytes(4)
        + _NO_COOKIE
    )
    message = _HEAD.pack(_HEAD.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as diag:
        diag.send(message)
        answer = diag.recv(4096)
    _, kind, _, _, _ = _HEAD.unpack_from(answer)
    if kind != _SOCK_DIAG_BY_FAMILY:
        return 0
    return int(_INODE.unpack_from(answer, _INODE_AT)[0])


def _has_files(pid: int) -> bool:
    """Whether a process lives, as far as its descriptors tell."""
    try:
        return bool(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - as below
    except PermissionError:
        return True
    except OSError:
        return False


def _holds(pid: int, wanted: str) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208 - a list of Paths costs more than all the rest
    except PermissionError:
        return True  # not to be looked into, and so not to be told apart
    except OSError:
        return False
    for name in names:
        try:
            if os.readlink(f"{folder}/{name}") == wanted:  # noqa: PTH115 - the same
                return True
        except OSError:
            continue  # closed meanwhile
    return False
