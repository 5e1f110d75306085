"""Which host names requests may be addressed to, where only this machine can send any.

A web page of any site can have its own name resolve to 127.0.0.1, and its scripts are then of the same origin as the
platform (DNS rebinding). What they cannot do is send another name than their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.node.settings import Settings

# Names that resolve to this machine alone, or that clients are told to connect here for in spite of their name.
_ENDINGS: Final = (
    ".localhost",
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".on.aws",
    ".localhost.localstack.cloud",
    ".docker.internal",
    ".containers.internal",
)


def host_rule(settings: Settings) -> Callable[[str], bool] | None:
    """Whether requests to a host, in lower case and without its port, are answered; None where all are.

    Other machines' requests are signed, which no page can do: the rule is for listeners on loopback.
    """
    if not settings.loopback:
        return None
    known = {settings.host.lower(), *(name.lower() for name in settings.allowed_hosts)}
    endings = (*_ENDINGS, *(name[1:].lower() for name in settings.allowed_hosts if name.startswith("*.")))

    def allows(host: str) -> bool:
        if host in known or host.endswith(endings):
            return True
        # Nobody can register a name without a dot, or one that ends in a number, as addresses do.
        return "." not in host or host.rpartition(".")[2].removesuffix("]").isdigit()

    return allows
