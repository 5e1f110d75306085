"""The functions that authorizers ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lambent.functions import FunctionError
from lambent.gateway.errors import NoFunction
from lambent.gateway.integrations.variables import with_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.apis.records import Authorizer
    from lambent.gateway.functions import Callee, FunctionCaller

_URI: Final = re.compile(
    r"arn:[^:]+:apigateway:[^:]+:lambda:path/2015-03-31/functions/"
    r"(arn:[^:]+:lambda:([^:]+):(\d{12}):function:[^/]+)/invocations"
)


class Callees:
    """Finds the function of an authorizer, as far as it may be called."""

    def __init__(self, functions: FunctionCaller) -> None:
        self.functions = functions

    def callee(self, authorizer: Authorizer, own_arn: str, variables: Mapping[str, str]) -> Callee:
        """The function, if its policy lets the authorizer with `own_arn` call it, or it is called in a role.

        `variables` are the stage's, which its URI may name.
        What a role may do is not known here, so it may call every function. Raises NoFunction, NotPermitted.
        """
        uri = with_variables(authorizer.authorizer_uri or "", variables)
        if authorizer.authorizer_credentials_arn is None:
            return self.functions.permitted(uri, own_arn)
        found = _URI.fullmatch(uri)
        if found is None:
            raise NoFunction(uri)
        arn, region, account = found.groups()
        try:
            return self.functions.callee(self.functions.registry.resolve(account, region, arn, None))
        except FunctionError:
            raise NoFunction(arn) from None
