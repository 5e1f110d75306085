"""How the end of a runtime process is worded.

The words are those of the Lambda sandbox, which are Go's for a process state: AWS-recorded answers show
"exit status 127" and "Runtime exited without providing a reason" for a clean exit.
"""

from __future__ import annotations

import os
import signal

_SIGNALS = {
    signal.SIGHUP: "hangup",
    signal.SIGINT: "interrupt",
    signal.SIGQUIT: "quit",
    signal.SIGILL: "illegal instruction",
    signal.SIGTRAP: "trace/breakpoint trap",
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGKILL: "killed",
    signal.SIGUSR1: "user defined signal 1",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGUSR2: "user defined signal 2",
    signal.SIGPIPE: "broken pipe",
    signal.SIGALRM: "alarm clock",
    signal.SIGTERM: "terminated",
}


def describe_exit(wait_status: int) -> str:
    """What ended the process, for `RequestId: … Error: {}`; `wait_status` as `os.waitpid` gives it."""
    if os.WIFSIGNALED(wait_status):
        number = os.WTERMSIG(wait_status)
        name = _SIGNALS.get(signal.Signals(number)) if number in signal.valid_signals() else None
        return f"Runtime exited with error: signal: {name or number}"
    code = os.WEXITSTATUS(wait_status)
    if code:
        return f"Runtime exited with error: exit status {code}"
    return "Runtime exited without providing a reason"
