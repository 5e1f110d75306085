"""Route keys of HTTP APIs: `METHOD /path`, where segments may be parameters, or `$default`.

The refusal of what has another form is worded as API Gateway does: recorded by badmintoncryer/cdk-preflight
(rules/apigatewayv2).
"""

from __future__ import annotations

import re
from typing import Final

from lambent.gateway.apis.errors import BadApiRequest

METHODS: Final = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
DEFAULT: Final = "$default"

_FORM: Final = re.compile(rf"(?:{'|'.join(METHODS)}) (/\S*)")
_PARAMETER: Final = re.compile(r"\{([A-Za-z0-9._:-]+)(\+?)\}")
_MISFORMED: Final = (
    "The provided route key is not formatted properly for HTTP protocol. "
    'Format should be "[HTTP METHOD] /[RESOURCE PATH]" or "$default"'
)


def check_http(key: str) -> None:
    """Raise BadApiRequest unless an HTTP API can have a route with this key.

    Rules of the developer guide ("Create routes for HTTP APIs"): a greedy parameter ends the path.
    """
    if key == DEFAULT:
        return
    form = _FORM.fullmatch(key)
    if form is None:
        raise BadApiRequest(_MISFORMED)
    names: set[str] = set()
    segments = form.group(1).split("/")[1:]
    for place, segment in enumerate(segments):
        if "{" not in segment and "}" not in segment:
            continue
        parameter = _PARAMETER.fullmatch(segment)
        if parameter is None:
            raise BadApiRequest(
                f"Invalid path {form.group(1)}: a parameter is a whole segment, such as {{name}} or {{name+}}"
            )
        name, greedy = parameter.groups()
        if name in names:
            raise BadApiRequest(f"Invalid path {form.group(1)}: the parameter {name} is there twice")
        names.add(name)
        if greedy and place != len(segments) - 1:
            raise BadApiRequest(
                f"Invalid path {form.group(1)}: the greedy parameter {segment} must be the last"
            )
