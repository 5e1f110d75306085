"""The command line: `lambent up`, `invoke`, `logs`, `functions`, `doctor`.

Talks to a platform through its public API only; `up` starts one through lambent.node.
May import everything below; nothing imports it.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The console script. Ends the process."""
    try:
        from lambent.cli.app import run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "click":
            raise
        sys.stderr.write(
            "The lambent command needs the platform's packages: pip install 'lambent[platform]'\n"
        )
        sys.exit(2)
    run()
