"""Access logs: one line a request, as the stage's format says.

"Set up CloudWatch logging for REST APIs" of the developer guide: CLF, JSON, XML and CSV are texts with `$context`
variables in them. Values cannot break a line in two, nor out of the text of a JSON format.
"""

from __future__ import annotations

import json
import logging
import re
from hashlib import md5
from typing import TYPE_CHECKING, Any, Final

from lambent.gateway.rest_api.context import context_value

if TYPE_CHECKING:
    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Stage
    from lambent.observe import LogStream
    from lambent.observe.log_store import LogStore

_VARIABLE: Final = re.compile(r"\$context\.([A-Za-z0-9_]+(?:\.[A-Za-z0-9_:-]+)*)")
_GROUP: Final = re.compile(r"arn:[^:]+:logs:([^:]+):(\d{12}):log-group:([^:]+)(?::\*)?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_QUOTED: Final = "error.messageString"

_log = logging.getLogger(__name__)


class AccessLog:
    """The access log of one stage."""

    def __init__(self, stream: LogStream, form: str) -> None:
        self._stream = stream
        # Text, name, text, name, … text.
        self._parts = _VARIABLE.split(form)
        self._is_json = form.lstrip().startswith("{")

    def write(self, exchange: RestExchange) -> None:
        """Add the line of an exchange that has been answered."""
        line = list(self._parts)
        for place in range(1, len(line), 2):
            name = line[place]
            value = _text(context_value(exchange, name))
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


def access_log(api_id: str, stage: Stage, logs: LogStore | None) -> AccessLog | None:
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
    return AccessLog(logs.stream(group[2], group[1], group[3], name), settings.format)
