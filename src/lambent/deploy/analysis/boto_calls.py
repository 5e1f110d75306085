"""Calls of boto3: which permissions they need, and for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.deploy.analysis import actions
from lambent.deploy.analysis.meaning import BotoResource, Client, Text, Variable
from lambent.deploy.analysis.notes import Called, Doubt, Notes, Used

if TYPE_CHECKING:
    from lambent.deploy.analysis.facts import Expression
    from lambent.deploy.analysis.meaning import Meant

ASK: Final = "Ask for what it needs with permissions in the settings."
_CONNECTIONS: Final = "apigatewaymanagementapi"
_PARAMETERS: Final = {
    "copy": ("CopySource", "Bucket", "Key"),
    "download_file": ("Bucket", "Key", "Filename"),
    "download_fileobj": ("Bucket", "Key", "Fileobj"),
    "upload_file": ("Filename", "Bucket", "Key"),
    "upload_fileobj": ("Fileobj", "Bucket", "Key"),
}
"""Of S3's methods whose arguments may come without their names."""


class BotoCalls(Notes):
    """Notes what clients and resources of boto3 are made for and asked."""

    def _makes(self, made: Meant | None, line: int) -> None:
        if isinstance(made, (Client, BotoResource)) and made.service:
            self._made.append((made.service, self._at(line)))
        elif made is None:
            self._doubts.append(
                Doubt("the service of this client of boto3 is not a text in the code", self._at(line), ASK)
            )

    def _handed_on(self, meant: Meant | None, line: int) -> None:
        if isinstance(meant, Client) and meant.service:
            self._asked.add(meant.service)
            self._doubts.append(
                Doubt(
                    f"a client of {meant.service} is handed on here, and its calls cannot be followed",
                    self._at(line),
                    ASK,
                )
            )

    def _client(self, service: str, method: str, call: Expression, line: int) -> None:
        self._asked.add(service)
        keywords = dict(call[3])
        if method == "generate_presigned_url":
            given = self._value(call[2][0] if call[2] else keywords.get("ClientMethod", ("?",)))
            parameters = keywords.get("Params", call[2][1] if len(call[2]) > 1 else ("?",))
            if isinstance(given, Text) and parameters[0] == "dict":
                self._operation(service, given.text, dict(parameters[1]), line)
            return
        if service == "s3":
            keywords = {**dict(zip(_PARAMETERS.get(method, ()), call[2], strict=False)), **keywords}
        self._operation(service, method, keywords, line)

    def _operation(self, service: str, method: str, keywords: dict[str, Expression], line: int) -> None:
        self._asked.add(service)
        needed = actions.actions_of(service, method)
        if needed is None:
            if not actions.is_service(service):
                self._doubts.append(Doubt(f"boto3 knows no service {service}", self._at(line), ""))
            return
        if service == _CONNECTIONS and needed:
            self._used.append(Used("channel", "", ("manage",), self._at(line)))
            return
        if "CopySource" in keywords:
            needed = self._copied(needed, keywords["CopySource"], line)
        self._permit(service, needed, self._resources(service, keywords), line)

    def _resources(self, service: str, keywords: dict[str, Expression]) -> list[Meant | None]:
        """What the parameters say that a call is for; None is what is not known."""
        named = actions.named(service)
        if named is not None and named.parameter in keywords:
            return [self._value(keywords[named.parameter])]
        if service == "dynamodb" and "RequestItems" in keywords and keywords["RequestItems"][0] == "dict":
            return [Text(name) for name, _ in keywords["RequestItems"][1]]
        if service == "events" and "Entries" in keywords:
            # Entries without a bus are for the default one.
            return [self._bus_of(keywords["Entries"])]
        if service == "sqs" and "QueueName" in keywords:
            return [self._value(keywords["QueueName"])]
        if service == "ssm" and keywords.get("Names", ("?",))[0] == "list":
            return [self._value(one) for one in keywords["Names"][1]]
        return []

    def _copied(self, needed: tuple[str, ...], source: Expression, line: int) -> tuple[str, ...]:
        """Permit reading what is copied; what is needed beside that."""
        if source[0] == "name":
            source = self._part.locals.get(source[1], source)
        if source[0] == "dict":
            bucket = self._value(dict(source[1]).get("Bucket", ("?",)))
        else:
            bucket = self._value(source)
            if isinstance(bucket, Text):
                bucket = Text(bucket.text.lstrip("/").partition("/")[0])
        self._permit("s3", ("s3:GetObject",), [bucket], line)
        return tuple(one for one in needed if one != "s3:GetObject")

    def _bus_of(self, entries: Expression) -> Meant | None:
        """The one bus that all entries are for."""
        if entries[0] != "list" or not entries[1]:
            return None
        found = set()
        for entry in entries[1]:
            if entry[0] != "dict":
                return None
            found.add(self._value(dict(entry[1]).get("EventBusName", ("text", "default"))))
        return found.pop() if len(found) == 1 else None

    def _boto_resource(self, of: BotoResource, method: str, call: Expression, line: int) -> None:
        keywords = dict(call[3])
        if method[:1].isupper():
            return  # `resource.Table(…)`, which asks nobody
        self._asked.add(of.service)
        if method == "get_queue_by_name":
            self._operation("sqs", "get_queue_url", keywords, line)
            return
        needed = actions.actions_of_resource(of.service, of.kind, method)
        if needed is None:
            self._doubts.append(
                Doubt(
                    f"what {of.kind or of.service}.{method} of boto3's resource {of.service} needs is not known",
                    self._at(line),
                    "Ask for it with permissions in the settings.",
                )
            )
            return
        if of.service == "s3" and method in ("copy", "copy_from"):
            source = keywords.get("CopySource", call[2][0] if call[2] else ("?",))
            needed = self._copied(needed, source, line)
        self._permit(
            of.service, needed, [of.argument] if of.kind else self._resources(of.service, keywords), line
        )

    def _permit(self, service: str, needed: tuple[str, ...], values: list[Meant | None], line: int) -> None:
        if not needed:
            return
        named = actions.named(service)
        arns: list[str] = []
        for value in values:
            if named is not None and named.kind is not None and isinstance(value, Variable):
                access, beyond = actions.access_of(named.kind, needed)
                if self._variable(value, line, access):
                    self._beyond(named.kind, beyond, line)
                    return
            elif isinstance(value, Text):
                arns += actions.arns_of(service, value.text)
        if len(values) > 1 and not all(isinstance(value, Text) for value in values):
            arns = []  # those that are not known have to be in it
        is_all = any(
            action.startswith(("s3:ListAll", "dynamodb:ListTables", "sqs:ListQueues")) for action in needed
        )
        self._called.append(
            Called(
                tuple(sorted(needed)),
                tuple(sorted(set(arns))) or ("*",),
                self._at(line),
                is_narrow=bool(arns) or named is None or is_all,
            )
        )

    def _beyond(self, kind: str, needed: tuple[str, ...], line: int) -> None:
        if needed:
            self._doubts.append(
                Doubt(
                    f"{', '.join(needed)} is not permitted: using a {kind} of the app does not come with it",
                    self._at(line),
                    ASK,
                )
            )
