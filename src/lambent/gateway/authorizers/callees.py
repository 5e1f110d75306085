"""The functions that authorizers ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.gateway.errors import GatewayError
from lambent.gateway.integrations.variables import with_variables
from lambent.invocation.errors import FunctionNotReady, Throttled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.functions import Callee, FunctionCaller


class Undecided(Exception):
    """The function did not decide; the text says why."""


class SaysUnauthorized(Exception):
    """The function has failed with "Unauthorized": it does not know the caller."""


class Callees:
    """Asks the functions of authorizers, as far as they may be called."""

    def __init__(self, functions: FunctionCaller) -> None:
        self._functions = functions

    async def ask(
        self,
        uri: str | None,
        event: bytes,
        trace: str | None,
        *,
        own_arn: str,
        in_role: bool,
        variables: Mapping[str, str],
        seconds: float,
    ) -> bytes:
        """What the function of an authorizer with `own_arn` returns within `seconds`.

        `uri` names it, with the stage's `variables`. Its policy lets the authorizer call it, or it is called in a role:
        what a role may do is not known here, so it may call every function. Raises Undecided, SaysUnauthorized.
        """
        try:
            callee = self._callee(with_variables(uri or "", variables), own_arn, in_role=in_role)
            invocation = await self._functions.acall(callee, event, trace, seconds)
        except GatewayError as error:
            raise Undecided(str(error)) from None
        except (Throttled, FunctionNotReady) as error:
            raise Undecided(f"its function was not run: {error}") from None
        except TimeoutError:
            raise Undecided(f"its function took longer than {seconds:g} seconds") from None
        if invocation.failure is not None:
            raise Undecided(f"its function was not run: {invocation.failure}")
        if invocation.function_error:
            if _message(invocation.result) == "Unauthorized":
                raise SaysUnauthorized("its function failed")
            raise Undecided("its function failed")
        return invocation.result

    def _callee(self, uri: str, own_arn: str, *, in_role: bool) -> Callee:
        return self._functions.assumed(uri) if in_role else self._functions.permitted(uri, own_arn)


def _message(result: bytes) -> str | None:
    """The message of a function's error."""
    try:
        error = msgspec.json.decode(result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    message = error.get("errorMessage") if isinstance(error, dict) else None
    return message if isinstance(message, str) else None
