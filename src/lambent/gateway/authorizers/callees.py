"""The functions that authorizers ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.gateway.integrations.variables import with_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.apis.records import Authorizer
    from lambent.gateway.functions import Callee, FunctionCaller


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
        return self.functions.assumed(uri)
