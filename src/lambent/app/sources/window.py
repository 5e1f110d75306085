"""Tumbling windows: what a function adds up over the batches of some seconds or minutes, kept by Lambda in between.

Lambda delivers the window's state with each batch and takes it back with the result, and calls once more when the
window ends. Source: "Implementing stateful stream processing", for Kinesis and for DynamoDB, of the Lambda developer
guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.encoding import plain
from lambent.app.request import Invocation

if TYPE_CHECKING:
    from datetime import datetime

    from lambent.app.endpoint import Getter
    from lambent.app.signature import Parameter


class Window:
    """The window that a batch belongs to: `window.state["clicks"] = window.state.get("clicks", 0) + 1`.

    `state` is what JSON can hold, up to 1 MB; Lambda ends the window early when it becomes larger.
    """

    def __init__(self, event: dict[str, Any]) -> None:
        self.state: dict[str, Any] = event.get("state") or {}
        self._event = event

    @property
    def start(self) -> datetime:
        """Its beginning."""
        return _time(self._event["window"]["start"])

    @property
    def end(self) -> datetime:
        """Its end, which it does not include."""
        return _time(self._event["window"]["end"])

    @property
    def shard(self) -> str:
        """The shard whose records are in it: each has windows of its own."""
        return self._event.get("shardId") or ""

    @property
    def is_final(self) -> bool:
        """Whether this is the window's last batch."""
        return bool(self._event.get("isFinalInvokeForWindow"))

    @property
    def is_terminated_early(self) -> bool:
        """Whether Lambda has ended it because its state became too large."""
        return bool(self._event.get("isWindowTerminatedEarly"))

    def result(self) -> dict[str, Any]:
        """The state as Lambda takes it back. Raises TypeError and NotImplementedError for what JSON cannot hold."""
        return msgspec.to_builtins(self.state, str_keys=True, enc_hook=plain)  # type: ignore[no-any-return]


class WindowEnd(Invocation):
    """The end of a window, which `at_window_end` is called for."""

    kind = "window"

    def __init__(self, event: Any, context: Any, window: Window) -> None:
        super().__init__(event, context)
        self.window = window


def window_parameter(parameter: Parameter) -> Getter | None:
    """A parameter that is the window, of a record or of a window's end."""
    return _window if parameter.type is Window else None


def _window(invocation: Any) -> Any:
    return invocation.window


def _time(text: str) -> datetime:
    from datetime import datetime

    return datetime.fromisoformat(text)
