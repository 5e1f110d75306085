"""What the function of an authorizer returns, and what it lets happen.

Formats: "Control access to HTTP APIs with AWS Lambda authorizers" (simple responses, IAM policies) and "Output from an
API Gateway Lambda authorizer" of the API Gateway developer guide, which WebSocket APIs follow: there principalId has
to be there, and the context is flat.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.functions.attachments import Policy
from lambent.functions.authorization import Access, allows
from lambent.functions.conditions import known_operator
from lambent.gateway.errors import BadAnswer

if TYPE_CHECKING:
    from lambent.functions.authorization import Context
    from lambent.gateway.call import Call

_ACTION: Final = "execute-api:Invoke"
_JUDGED: Final = 100
"""How many routes' ARNs a decision remembers its judgement of."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Decision(msgspec.Struct, frozen=True, eq=False):
    """What a function has said of a caller, for any route. `policy` says where, `everywhere` without one."""

    everywhere: bool
    policy: Policy | None = None
    principal_id: str = ""
    context: dict[str, Any] | None = None
    variables: dict[str, str] = {}
    """The context and principalId as text."""
    conditional: bool = False
    """Whether the policy has conditions."""
    usage_key: str | None = None
    """The API key that REST APIs take for the caller's (usageIdentifierKey)."""
    _judged: dict[str, bool] = {}

    def allows(self, arn: str, call: Call) -> bool:
        """Whether a request to the route with this ARN may go on."""
        if self.policy is None:
            return self.everywhere
        allowed = self._judged.get(arn)
        if allowed is None:
            allowed = allows(self.policy, self._access(arn, call))
            if not self.conditional and len(self._judged) < _JUDGED:
                self._judged[arn] = allowed
        return allowed

    def denies(self, arn: str, call: Call) -> bool:
        """Whether a statement says that a request may not go on, which is told apart from that none lets it."""
        denials = tuple(
            {**one, "Effect": "Allow"}
            for one in (self.policy.statements if self.policy is not None else ())
            if one["Effect"] == "Deny"
        )
        return allows(Policy(revision_id="", statements=denials), self._access(arn, call))

    def _access(self, arn: str, call: Call) -> Access:
        context = _facts(call) if self.conditional else {}
        return Access(principal=None, action=_ACTION, resource=arn, context=context)


def read_simple(result: bytes) -> Decision:
    """A simple response: `{"isAuthorized": true, "context": {…}}`. Raises BadAnswer."""
    answer = _object(result)
    allowed = answer.get("isAuthorized")
    if not isinstance(allowed, bool):
        raise BadAnswer("its isAuthorized is neither true nor false")
    context = _context(answer)
    return Decision(allowed, context=context, variables=_variables(context))


def read_policy(result: bytes, *, flat: bool) -> Decision:
    """An IAM policy: `{"principalId": …, "policyDocument": {…}, "context": {…}}`.

    `flat`: as WebSocket APIs take it, with a principalId and without lists and objects in the context, which
    functions get as text. Raises BadAnswer.
    """
    answer = _object(result)
    principal_id = answer.get("principalId")
    if not isinstance(principal_id, str) and (flat or principal_id is not None):
        raise BadAnswer("its principalId is no text")
    document = answer.get("policyDocument")
    if not isinstance(document, dict):
        raise BadAnswer("its policyDocument is no object")
    statements = document.get("Statement")
    listed = [statements] if isinstance(statements, dict) else statements
    if not isinstance(listed, list):
        raise BadAnswer("its policyDocument has no Statement")
    policy = Policy(revision_id="", statements=tuple(_statement(one) for one in listed))
    context = _context(answer)
    variables = _variables(context)
    if flat and context is not None:
        if any(isinstance(value, dict | list) for value in context.values()):
            raise BadAnswer("its context has lists or objects in it")
        context = dict(variables)
    variables["principalId"] = principal_id or ""
    conditional = any(one.get("Condition") for one in policy.statements)
    key = answer.get("usageIdentifierKey")
    usage_key = key if isinstance(key, str) else None
    return Decision(False, policy, principal_id or "", context, variables, conditional, usage_key)


def _facts(call: Call) -> Context:
    """What conditions of policies may ask for."""
    return {
        "aws:SourceIp": call.source_ip,
        "aws:UserAgent": call.user_agent,
        "aws:SecureTransport": "true" if call.request.secure else "false",
        "aws:EpochTime": str(call.time_ms // 1000),
        "aws:CurrentTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(call.time_ms // 1000)),
    }


def _object(result: bytes) -> dict[str, Any]:
    try:
        answer = _decode(result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadAnswer(f"it is not JSON: {error}") from None
    if not isinstance(answer, dict):
        raise BadAnswer("it is no object")
    return answer


def _statement(given: Any) -> dict[str, Any]:
    """A statement as resource policies write it: for everybody who asks. Raises BadAnswer."""
    if not isinstance(given, dict):
        raise BadAnswer("its policyDocument has a statement that is no object")
    if given.get("Effect") not in ("Allow", "Deny"):
        raise BadAnswer(f"the Effect of a statement is {given.get('Effect')!r}: it may be Allow or Deny")
    for member in ("Action", "Resource"):
        value = given.get(member, given.get(f"Not{member}"))
        several = value if isinstance(value, list) else [value]
        if not several or not all(isinstance(one, str) for one in several):
            raise BadAnswer(f"a statement has no {member}")
    condition = given.get("Condition")
    if condition is not None:
        if not isinstance(condition, dict) or not all(isinstance(keys, dict) for keys in condition.values()):
            raise BadAnswer("the Condition of a statement is no object of objects")
        for name in condition:
            # One that is never met would make a Deny say nothing.
            if not known_operator(name):
                raise BadAnswer(f"there is no condition operator {name}")
    return {**given, "Principal": "*"}


def _context(answer: dict[str, Any]) -> dict[str, Any] | None:
    context = answer.get("context")
    if context is not None and not isinstance(context, dict):
        raise BadAnswer("its context is no object")
    return context


def _variables(context: dict[str, Any] | None) -> dict[str, str]:
    return {name: _text(value) for name, value in (context or {}).items() if value is not None}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value).decode()
