"""What can be wrong with a request about functions.

FunctionError
├── FunctionNotFound        no such function or version
├── NoSuchFunction          the same, where URLs are asked for
├── UnknownFunction         the same, where settings of asynchronous invocation are asked for
├── NoFunctionUrl           the function has no URL
├── FunctionUrlExists       the function has a URL already
├── NoEventInvokeConfig     nothing is set for asynchronous invocation
├── WrongRegion             a name that belongs to another region
├── WrongAccount            a name that belongs to another account
├── InvalidName             not a function's name or ARN
├── QualifierMismatch       the name carries another qualifier than the one given beside it
├── FunctionExists          the name is taken
├── UpdateInProgress        a change is being applied: no other before it has ended
├── NotReady                the function's state does not permit the operation
├── RevisionMismatch        the caller's revision id is not the current one
├── CodeMismatch            the caller's code hash is not that of $LATEST
├── InvalidConfiguration    a setting that is not allowed, or a combination of them
├── LimitExceeded           a setting beyond a quota, as a constraint on one member
├── CodeRejected            an archive that cannot be used
├── CodeTooLarge            an archive beyond the size that may be sent
├── CodeStorageExceeded     all code of the account together is too much
├── ConcurrencyUnavailable  reserving or provisioning this much would take what others need
├── ProvisioningRefused     provisioned concurrency that is not possible for what is named
├── ProvisionedElsewhere    the version has provisioned concurrency by another name already
├── AliasNotFound           no such alias
├── UpdatedAliasNotFound    no such alias to change
├── AliasExists             the alias is there already
├── UnversionedWeights      an alias of $LATEST that would share its invocations
├── VersionInUse            aliases send invocations to the version
├── TooManyTags             more tags than a function can carry
├── LayerNotFound           no such version of a layer
├── LayerAccessDenied       another account's layer, which its policy does not give away
├── LayerRevisionMismatch   the caller's revision id is not that of the layer version's policy
├── PolicyRevisionMismatch  the caller's revision id is not that of the policy, or of what it belongs to
├── InvalidPolicy           text that is not a policy of the resource
├── PublicPolicy            a policy that lets everybody in
├── NoPolicy                nothing of the kind has a policy
├── StatementNotFound       the policy has no such statement
├── StatementExists         the policy has a statement of that id
├── PolicyTooLong           the policy would be too long
├── SigningConfigNotFound   no such code signing configuration
├── SigningConfigDeleted    no such code signing configuration to bind a function to
├── SigningConfigInUse      functions are bound to the code signing configuration
├── CodeNotSigned           unsigned code, where a code signing configuration enforces signatures
└── ActivationFailed        raised by the activation hook: the version cannot run
"""

from __future__ import annotations


class FunctionError(Exception):
    """Any refusal of the registry. Its text is complete: it names the thing and what is allowed."""


class FunctionNotFound(FunctionError):
    """No such function, or no such version of it. `arn` is what was looked for."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Function not found: {arn}")
        self.arn = arn


class NoSuchFunction(FunctionError):
    """No such function or alias, in the words of function URLs."""

    def __init__(self) -> None:
        super().__init__("Function does not exist")


class UnknownFunction(FunctionError):
    """No such function or qualifier, in the words of asynchronous invocation."""

    def __init__(self) -> None:
        super().__init__("The function doesn't exist.")


class NoFunctionUrl(FunctionError):
    """The function or alias has no URL."""

    def __init__(self) -> None:
        super().__init__("The resource you requested does not exist.")


class FunctionUrlExists(FunctionError):
    """The function or alias has a URL."""

    def __init__(self, arn: str) -> None:
        super().__init__(
            f"Failed to create function url config for [functionArn = {arn}]. Error message:  "
            "FunctionUrlConfig exists for this Lambda function"
        )


class NoEventInvokeConfig(FunctionError):
    """Nothing is set for asynchronous invocation of the qualified `arn`."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"The function {arn} doesn't have an EventInvokeConfig")


class WrongRegion(FunctionError):
    """The name belongs to a region that this request does not reach."""

    def __init__(self, wanted: str, region: str) -> None:
        super().__init__(f"Functions from '{wanted}' are not reachable in this region ('{region}')")
        self.wanted = wanted
        self.region = region


class WrongAccount(FunctionError):
    """The name belongs to another account."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"{arn} belongs to another account")
        self.arn = arn


class InvalidName(FunctionError):
    """Text that is neither a function's name nor an ARN of one."""


class QualifierMismatch(FunctionError):
    """The name carries a qualifier, and another one was given beside it."""

    def __init__(self) -> None:
        super().__init__(
            "The derived qualifier from the function name does not match the specified qualifier."
        )


class FunctionExists(FunctionError):
    """The name is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Function already exist: {name}")
        self.name = name


class UpdateInProgress(FunctionError):
    """A change of this function is being applied."""

    def __init__(self, arn: str) -> None:
        super().__init__(
            f"The operation cannot be performed at this time. An update is in progress for resource: {arn}"
        )
        self.arn = arn


class NotReady(FunctionError):
    """The function is not in a state in which this can be done."""

    def __init__(self, state: str) -> None:
        super().__init__(
            "The operation cannot be performed at this time. "
            f"The function is currently in the following state: {state}"
        )
        self.state = state


class RevisionMismatch(FunctionError):
    """The function has changed since the caller looked."""

    def __init__(self) -> None:
        super().__init__(
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
        )


class CodeMismatch(FunctionError):
    """The code of $LATEST is not the code that the caller means."""

    def __init__(self, given: str, current: str) -> None:
        super().__init__(
            f"CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({current}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )


class InvalidConfiguration(FunctionError):
    """A setting, or a combination of settings, that is not allowed."""


class LimitExceeded(FunctionError):
    """A setting is beyond its quota."""


class CodeRejected(FunctionError):
    """The archive is damaged, unsafe, empty or too large when unpacked. `detail` says which, for a log."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class CodeTooLarge(FunctionError):
    """The archive is larger than may be sent directly."""


class CodeStorageExceeded(FunctionError):
    """The account's code would take more than its share."""


class ConcurrencyUnavailable(FunctionError):
    """What is to be reserved or provisioned would take what others need, or less than what is provisioned."""

    @classmethod
    def below_minimum(cls, member: str, minimum: int) -> ConcurrencyUnavailable:
        """Too little would remain for the functions that share the account's concurrency."""
        return cls(
            f"Specified {member} for function decreases account's UnreservedConcurrentExecution below its "
            f"minimum value of [{minimum}]."
        )


class ProvisioningRefused(FunctionError):
    """What is named cannot have provisioned concurrency, or not so much."""


class ProvisionedElsewhere(FunctionError):
    """The version has provisioned concurrency already: its own, or that of an alias."""


class AliasNotFound(FunctionError):
    """No such alias, or no such function. `arn` is what was looked for."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Cannot find alias arn: {arn}")
        self.arn = arn


class UpdatedAliasNotFound(FunctionError):
    """No such alias to change. `arn` is what was looked for."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Alias not found: {arn}")
        self.arn = arn


class AliasExists(FunctionError):
    """The function has an alias of that name."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Alias already exists: {arn}")


class UnversionedWeights(FunctionError):
    """$LATEST cannot share invocations with a version."""

    def __init__(self) -> None:
        super().__init__("$LATEST is not supported for an alias pointing to more than 1 version")


class VersionInUse(FunctionError):
    """Aliases send invocations to the version that was to be deleted."""

    def __init__(self, aliases: list[str]) -> None:
        super().__init__(
            f"Unable to delete version because the following aliases reference it: [{', '.join(aliases)}]"
        )


class TooManyTags(FunctionError):
    """More tags than a function can carry."""

    def __init__(self) -> None:
        super().__init__("Number of tags exceeds resource tag limit.")


class LayerNotFound(FunctionError):
    """No such version of a layer. `arn` is what was looked for."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Layer version {arn} does not exist.")
        self.arn = arn


class LayerAccessDenied(FunctionError):
    """The layer belongs to another account, and its policy does not permit `action`."""

    def __init__(self, arn: str, action: str = "GetLayerVersion") -> None:
        super().__init__(f"{action} of {arn} is not permitted to other accounts")
        self.arn = arn
        self.action = action


class LayerRevisionMismatch(FunctionError):
    """The policy of the layer version has changed since the caller looked."""

    def __init__(self) -> None:
        super().__init__(
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetLayerPolicy API to retrieve the latest Revision Id"
        )


class PolicyRevisionMismatch(FunctionError):
    """The policy, or what it belongs to, has changed since the caller looked with `operation`."""

    def __init__(self, operation: str = "GetPolicy") -> None:
        super().__init__(
            "The Revision Id provided does not match the latest Revision Id. "
            f"Call the {operation} API to retrieve the latest Revision Id"
        )


class InvalidPolicy(FunctionError):
    """The document is not a policy, or not one of the resource that it is for."""


class PublicPolicy(FunctionError):
    """The policy would let everybody in."""

    def __init__(self) -> None:
        super().__init__(
            "The resource-based policy you tried to add to the Lambda resource would grant public access to it, "
            "which isn't allowed."
        )


class NoPolicy(FunctionError):
    """The function, or the version of a layer, has no policy."""

    def __init__(self) -> None:
        super().__init__("No policy is associated with the given resource.")


class StatementNotFound(FunctionError):
    """The policy has no such statement."""

    def __init__(self, sid: str) -> None:
        super().__init__(f"Statement {sid} is not found in resource policy.")


class StatementExists(FunctionError):
    """The policy has a statement of that id."""

    def __init__(self, sid: str) -> None:
        super().__init__(
            f"The statement id ({sid}) provided already exists. "
            "Please provide a new statement id, or remove the existing statement."
        )


class PolicyTooLong(FunctionError):
    """The policy would be longer than one may be, in bytes."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"The final policy size ({size}) is bigger than the limit ({limit}).")


class SigningConfigNotFound(FunctionError):
    """No such code signing configuration. `arn` is what was looked for."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"The Lambda code signing configuration {arn} can not be found.")
        self.arn = arn


class SigningConfigDeleted(FunctionError):
    """A function cannot be bound to what does not exist, or be deployed under it."""

    def __init__(self, arn: str) -> None:
        super().__init__(
            "The code signing configuration cannot be found. "
            f"Check that the provided configuration is not deleted: {arn}."
        )
        self.arn = arn


class SigningConfigInUse(FunctionError):
    """Functions are bound to the code signing configuration."""

    def __init__(self, arn: str) -> None:
        super().__init__(
            f"The code signing configuration {arn} is in use: remove it from its functions first."
        )


class CodeNotSigned(FunctionError):
    """The function's code signing configuration enforces signatures, and the package carries none.

    `name` is the function, as AWS names it there.
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that "
            f"the client is not configured to accept. Check the provided signature for {name}."
        )


class ActivationFailed(FunctionError):
    """A version cannot be made to run. The code is one of the state reason codes of Lambda."""

    def __init__(self, reason_code: str, reason: str) -> None:
        super().__init__(reason)
        self.reason_code = reason_code
        self.reason = reason
