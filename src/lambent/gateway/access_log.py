"""Access logs of HTTP and REST APIs: one line a request, as the stage's format says.

"Configure logging for HTTP APIs" and "Set up CloudWatch logging for REST APIs" of the developer guide: CLF, JSON, XML
and CSV are texts with `$context` variables in them, and nothing else is. Values cannot break a line in two, nor out of
the text of a JSON format.
"""

from __future__ import annotations

import json
import logging
import re
from hashlib import md5
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.call import Call
    from lambent.observe import LogStream
    from lambent.observe.log_store import LogStore

_VARIABLE: Final = re.compile(r"\$context\.([A-Za-z0-9_]+(?:\.[A-Za-z0-9_:-]+)*)")
_GROUP: Final = re.compile(r"arn:[^:]+:logs:([^:]+):(\d{12}):log-group:([^:]+)(?::\*)?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# Has its quotes already.
_QUOTED: Final = "error.messageString"

_log = logging.getLogger(__name__)


class Answered(Protocol):
    """A request that has been answered."""

    @property
    def call(self) -> Call: ...


class Settings(Protocol):
    """Where a stage's lines go, and what they are like."""

    @property
    def destination_arn(self) -> str | None: ...

    @property
    def format(self) -> str | None: ...


class LoggedStage(Protocol):
    """A stage of an API of either kind."""

    @property
    def stage_name(self) -> str: ...

    @property
    def access_log_settings(self) -> Settings | None: ...


E = TypeVar("E", bound=Answered)


class AccessLog(Generic[E]):
    """The access log of one stage; `value` gives a context variable of a request, None for what it has not got."""

    def __init__(self, stream: LogStream, form: str, value: Callable[[E, str], Any]) -> None:
        self._stream = stream
        # Text, name, text, name, … text.
        self._parts = _VARIABLE.split(form)
        self._is_json = form.lstrip().startswith("{")
        self._value = value

    def write(self, exchange: E) -> None:
        """Add the line of an exchange that has been answered."""
        line = list(self._parts)
        for place in range(1, len(line), 2):
            name = line[place]
            value = _text(self._value(exchange, name))
            if self._is_json and name != _QUOTED:
                value = json.dumps(value, ensure_ascii=False)[1:-1]
            else:
                value = _CONTROL.sub(" ", value)
            line[place] = value
        self._stream.append(exchange.call.time_ms, "".join(line))


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value)


def access_log(
    api_id: str, stage: LoggedStage, logs: LogStore | None, value: Callable[[E, str], Any]
) -> AccessLog[E] | None:
    """The access log that a stage is configured for."""
    settings = stage.access_log_settings
    if logs is None or settings is None or not settings.destination_arn or not settings.format:
        return None
    group = _GROUP.fullmatch(settings.destination_arn)
    if group is None:
        _log.warning(
            "stage %s of API %s has no access log: %s is no log group",
            stage.stage_name,
            api_id,
            settings.destination_arn,
        )
        return None
    name = md5(f"{api_id}/{stage.stage_name}".encode(), usedforsecurity=False).hexdigest()
    return AccessLog(logs.stream(group[2], group[1], group[3], name), settings.format, value)
