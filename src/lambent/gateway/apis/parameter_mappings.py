"""Parameter mappings of HTTP APIs' integrations: which keys they may have.

Keys are those of the developer guide ("Transform API requests and responses"); refusals are worded as API Gateway does
(badmintoncryer/cdk-preflight, rules/apigatewayv2, which records what deployments were answered with).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lambent.gateway.apis.errors import BadApiRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUEST: Final = re.compile(r"(?:append|overwrite|remove):(?:header|querystring)\.\S+|overwrite:path")
_RESPONSE: Final = re.compile(r"(?:append|overwrite|remove):header\.\S+|overwrite:statuscode")
_STATUS: Final = re.compile(r"[2-5]\d\d")


def check_request(parameters: Mapping[str, str]) -> None:
    """Raise BadApiRequest unless these are mappings of requests."""
    for key in parameters:
        if not _REQUEST.fullmatch(key):
            raise _invalid(f"Invalid Request Actioned Parameter destination specified: {key}")


def check_response(parameters: Mapping[str, Mapping[str, str]]) -> None:
    """Raise BadApiRequest unless these are mappings of responses, by status code."""
    for status, mappings in parameters.items():
        if not _STATUS.fullmatch(status):
            raise _invalid(f"Status Code {status} is not valid.")
        for key in mappings:
            if not _RESPONSE.fullmatch(key):
                raise _invalid(f"Invalid Response Actioned Parameter destination specified: {key}")


def _invalid(error: str) -> BadApiRequest:
    return BadApiRequest(
        f"Invalid mapping expression specified: Validation Result: warnings : [], errors : [{error}]"
    )
