"""Our bootstrap beside AWS's: the same functions, the same answers, the same log lines."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.runtime.conftest import Official, Start

REQUEST_ID = "0b27bf56-9d32-4eb2-a8a2-b2cd4b6c5e6a"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
EXTRA = ("client_context", "cognito_identity", "arn", "tenant_id")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


@dataclass
class Case:
    """A function, what it is invoked with, and its variables."""

    source: str = "def handler(event, context):\n    return event\n"
    handler: str = "app.handler"
    invocations: list[dict[str, Any]] = field(default_factory=lambda: [{"payload": "{}"}])
    variables: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def returning(expression: str, *, setup: str = "", runtime: str = "python3.12") -> Case:
    return Case(
        source=f"{setup}\ndef handler(event, context):\n    return {expression}\n",
        variables={"AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}"},
    )


def raising(body: str, *, setup: str = "", variables: dict[str, str] | None = None) -> Case:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return Case(source=f"{setup}\ndef handler(event, context):\n{lines}", variables=variables or {})


def logging_(body: str, **variables: str) -> Case:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return Case(
        source=f"import logging\nlog = logging.getLogger()\ndef handler(event, context):\n{lines}",
        variables=variables,
    )


def receiving(*payloads: str) -> Case:
    return Case(invocations=[{"payload": payload} for payload in payloads])


NAMED = "from collections import namedtuple\nPoint = namedtuple('Point', 'x y')"
TREE = "from decimal import Decimal as D"
CONTEXT = """
import os
def handler(event, context):
    names = [n for n in dir(context) if not n.startswith('_')]
    left = context.get_remaining_time_in_millis()
    return {
        "names": names, "repr": repr(context), "left": 0 < left <= 3000, "w3c": context.w3c(),
        "custom": context.client_context and context.client_context.custom,
        "client": context.client_context and repr(context.client_context.client),
        "members": {k: str(v) for k, v in vars(context).items() if k != '_epoch_deadline_time_in_ms'},
        "type": type(context).__name__, "trace": os.environ.get("_X_AMZN_TRACE_ID"),
    }
"""
CONTEXT_VARIABLES = {
    "AWS_LAMBDA_FUNCTION_NAME": "f",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/21/[$LATEST]abc",
}

CASES: dict[str, Case] = {
    # ------------------------------------------------------------ results
    "echo": receiving(
        '{"a": [1, 2.5, null, true, "é"]}', "[]", '"text"', "5", "null", " {} ", "-0.0", "1e400"
    ),
    "none": returning("None"),
    "plain": returning("{'a': [1, (2, 3)], 'n': 1.5, 't': True, 'e': '', 'u': 'é\\u2028\\x7f\"\\\\'}"),
    "escaped": returning("{'u': 'é😀'}", runtime="python3.11"),
    "no-runtime": Case(source="def handler(event, context):\n    return 'é'\n"),
    "keys": returning("{1: 1, None: 2, True: 3, 1.5: 4, b'k': 5}"),
    "bad-key": returning("{(1, 2): 3}"),
    "decimal-key": returning("{D('1'): 3}", setup=TREE),
    "decimal": returning("[D('1.10'), D('NaN'), D('-Infinity'), D('1E+3'), D(7)]", setup=TREE),
    "nan": returning("[float('nan'), float('inf'), -float('inf')]"),
    "bytes": returning("b'{\"raw\": 1}'"),
    "bytes-inside": returning("{'a': b'\\xc3\\xa9'}"),
    "bytes-not-text": returning("{'a': b'\\xff'}"),
    "namedtuple": returning("{'p': Point(1, Point(2, [3]))}", setup=NAMED),
    "as-dict": returning("[A()]", setup="class A:\n    def _asdict(self):\n        return {'q': 1}"),
    "enums": returning(
        "[A.X, B.Y, {A.X: B.Y}]",
        setup="import enum\nA = enum.IntEnum('A', 'X')\nclass B(str, enum.Enum):\n    Y = 'y'",
    ),
    "subclasses": returning(
        "[F(1.5), I(2), S('s'), O(a=1)]",
        setup="from collections import OrderedDict as O\nclass F(float): pass\n"
        "class I(int): pass\nclass S(str): pass",
    ),
    "empty": returning("[[], {}, (), {'a': []}, Point(1, ())]", setup=NAMED),
    "set": returning("{1}"),
    "datetime": returning("{'d': datetime(2020, 1, 1)}", setup="from datetime import datetime"),
    "object": returning("[object()]"),
    "generator": returning("(x for x in [])"),
    "complex": returning("1j"),
    "bytearray": returning("bytearray(b'x')"),
    "circular": returning("a", setup="a = []\na.append(a)"),
    "circular-mixed": returning("a", setup="a = {}\na['self'] = [a, b'x']"),
    "too-deep": returning("a", setup="a = []\nfor _ in range(100_000):\n    a = [a]"),
    "big-int": returning("10 ** 40"),
    "partly-written": returning("{'a': 1, 'b': {2}}"),
    # ------------------------------------------------------------ events
    "not-json": receiving(
        "",
        " ",
        "{",
        "[",
        "[1",
        "[1 2]",
        "[1,]",
        '{"a"',
        '{"a":',
        '{"a" 1}',
        "{a: 1}",
        '{"a": 1,}',
        '{"a": 1 "b": 2}',
        "{} {}",
        "nul",
        "NaN",
        "[1, -Infinity]",
        '"a',
        '"\\x"',
        '"\\u12"',
        '"\x01"',
        "1" * 5000,
    ),
    "not-utf8": Case(invocations=[{"payload": "\udcff"}, {"payload": '{"a": "\udcc3"}'}]),
    "bom": receiving("\ufeff{}"),
    # ------------------------------------------------------------ the function's errors
    "raise": raising("raise ValueError('wrong ' + 'é')"),
    "raise-empty": raising("raise KeyError()"),
    "raise-own": raising("raise Own('x')", setup="class Own(Exception): pass"),
    "raise-deep": raising(
        "return first(3)",
        setup="def first(n):\n    if n:\n        return first(n - 1)\n    return 1 / 0",
    ),
    "raise-recursion": raising("return again()", setup="def again():\n    return again()"),
    "raise-from": raising("try:\n    1 / 0\nexcept Exception as e:\n    raise TypeError('second') from e"),
    "raise-exec": raising("exec('raise RuntimeError(1)')"),
    "raise-multi-line": raising("raise ValueError('a\\n  b\\n\\nc')"),
    "raise-group": raising("raise ExceptionGroup('g', [ValueError(1)])"),
    "raise-decorated": raising(
        "return helper.run(event)",
        setup="import helper",
    ),
    "wrong-arguments": Case(source="def handler():\n    pass\n"),
    "not-callable": Case(source="handler = 5\n"),
    "raise-json": raising("raise ValueError('é')", variables={"AWS_LAMBDA_LOG_FORMAT": "JSON"}),
    "raise-json-unicode": raising(
        "raise ValueError('é')",
        variables={"AWS_LAMBDA_LOG_FORMAT": "json", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"},
    ),
    "marshal-json": Case(
        source="def handler(event, context):\n    return {1}\n", variables={"AWS_LAMBDA_LOG_FORMAT": "JSON"}
    ),
    # ------------------------------------------------------------ init
    "no-module": Case(handler="nothing.handler"),
    "no-function": Case(handler="app.nothing"),
    "no-dot": Case(handler="app"),
    "empty-handler": Case(handler=""),
    "folder": Case(
        handler="src/inner/mod.handler", files={"src/inner/mod.py": "def handler(e, c): return __name__\n"}
    ),
    "package": Case(
        handler="src.inner.mod.handler", files={"src/inner/mod.py": "def handler(e, c): return __name__\n"}
    ),
    "no-folder-module": Case(handler="src/none.handler"),
    "builtin": Case(handler="sys.exit"),
    "builtin-file": Case(handler="time.handler", files={"time.py": "def handler(e, c): return 1\n"}),
    "missing-import": Case(source="import not_there\ndef handler(e, c): pass\n"),
    "missing-name": Case(source="from json import not_there\n"),
    "import-in-import": Case(source="import helper\n", files={"helper.py": "import not_there\n"}),
    "syntax": Case(source="def handler(event, context)\n    return 1\n"),
    "syntax-in-import": Case(source="import helper\n", files={"helper.py": "x = (\n"}),
    "indentation": Case(source="def handler(e, c):\nreturn 1\n"),
    "raises-at-import": Case(source="def setup():\n    return {}['key']\nsetup()\ndef handler(e, c): pass\n"),
    "raises-in-import": Case(source="import helper\n", files={"helper.py": "1 / 0\n"}),
    "raises-json": Case(source="1 / 0\n", variables={"AWS_LAMBDA_LOG_FORMAT": "JSON"}),
    "syntax-json": Case(source="(\n", variables={"AWS_LAMBDA_LOG_FORMAT": "JSON"}),
    "logs-at-import": Case(
        source="import logging\nlogging.warning('w')\nlogging.error('e')\ndef handler(e, c): return 1\n"
    ),
    "bootstrap-module": Case(
        handler="bootstrap.handler", files={"bootstrap.py": "def handler(e, c): return 1 / 0\n"}
    ),
    "zygote-module": Case(
        handler="zygote.handler",
        files={"zygote.py": "import channel\ndef handler(e, c): return channel.X\n", "channel.py": "X = 5\n"},
    ),
    # ------------------------------------------------------------ logs
    "levels": logging_("for l in (10, 20, 30, 40, 50): log.log(l, 'at %d', l)"),
    "level-info": logging_("log.setLevel('INFO')\nlog.info('é %s', {'a': 1})\nlog.debug('no')"),
    "level-variable": logging_(
        "log.debug('d')\nlog.info('i')", AWS_LAMBDA_LOG_LEVEL="debug", AWS_LAMBDA_LOG_FORMAT="Text"
    ),
    "level-trace": logging_("log.debug('d')", AWS_LAMBDA_LOG_LEVEL="TRACE"),
    "level-fatal": logging_("log.error('e')\nlog.critical('c')", AWS_LAMBDA_LOG_LEVEL="FATAL"),
    "level-unknown": logging_("log.info('i')\nlog.warning('w')", AWS_LAMBDA_LOG_LEVEL="LOUD"),
    "exception": logging_("try:\n    1 / 0\nexcept Exception:\n    log.exception('failed')"),
    "multi-line": logging_("log.error('a\\nb\\n')"),
    "child-logger": logging_("logging.getLogger('a.b').error('x')"),
    "bad-arguments": logging_("log.error('%d %s', 'x', 1) if False else log.error('fine')"),
    "basic-config": logging_("logging.basicConfig(level='DEBUG')\nlog.debug('no')\nlog.error('yes')"),
    "context-log": Case(source="def handler(e, c):\n    c.log('a')\n    c.log({'b': 1})\n"),
    "json": logging_(
        "log.setLevel(0)\nlog.info('é %s', 1)\nlog.warning({'a': [1], 'd': object})\nlog.debug('d')",
        AWS_LAMBDA_LOG_FORMAT="JSON",
    ),
    "json-extra": logging_(
        "log.error('x', extra={'order': 5, 'odd': {1}, 'none': None, 'level': 'mine'})",
        AWS_LAMBDA_LOG_FORMAT="JSON",
    ),
    "json-exception": logging_(
        "try:\n    1 / 0\nexcept Exception:\n    log.exception('failed %s', 'x')",
        AWS_LAMBDA_LOG_FORMAT="JSON",
    ),
    "json-stack": logging_("log.error('x', stack_info=True)", AWS_LAMBDA_LOG_FORMAT="JSON"),
    "json-own-level": logging_("log.log(35, 'x')\nlog.log(99, 'y')", AWS_LAMBDA_LOG_FORMAT="JSON"),
    "json-level": logging_("log.info('i')", AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="INFO"),
    "json-context-log": Case(
        source="def handler(e, c):\n    c.log('a')\n", variables={"AWS_LAMBDA_LOG_FORMAT": "JSON"}
    ),
    # ------------------------------------------------------------ context
    "context": Case(
        source=CONTEXT,
        variables=CONTEXT_VARIABLES,
        invocations=[
            {"payload": "1"},
            {"payload": "2", "trace": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"},
            {"payload": "3"},
            {
                "payload": "4",
                "arn": ARN + ":live",
                "tenant_id": "t-1",
                "client_context": json.dumps(
                    {
                        "custom": {"a": 1},
                        "env": {"locale": "de"},
                        "client": {"installation_id": "i", "app_title": "t", "more": 1},
                        "w3c": {"traceparent": "00-1", "tracestate": 5, "odd": "x"},
                    }
                ),
                "cognito_identity": json.dumps({"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"}),
            },
            {"payload": "5", "client_context": '{"custom": null}', "cognito_identity": "{}"},
            {"payload": "6", "client_context": '{"w3c": 5}'},
            {"payload": "7", "client_context": "{"},
            {"payload": "8", "cognito_identity": "nothing"},
            {"payload": "9"},
        ],
    ),
    "context-tenant-log": Case(
        source="import logging\ndef handler(e, c):\n    logging.error('x')\n",
        invocations=[{"payload": "1", "tenant_id": "t"}, {"payload": "2"}],
        variables={"AWS_LAMBDA_LOG_FORMAT": "JSON"},
    ),
}

HELPER = {
    "helper.py": "def run(event):\n    def inner():\n        return event['nope']\n    return inner()\n"
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_answers_as_the_official_client(start: Start, official: Official, case: Case) -> None:
    files = {"app.py": case.source, **HELPER, **case.files}
    environment = start.begin(files, handler=case.handler, variables=case.variables)
    answers = [environment.receive()]
    if answers[0].kind == b"R":
        for one in case.invocations:
            extra: dict[str, str] = {name: one[name] for name in EXTRA if name in one}
            environment.send(
                one["payload"].encode("utf-8", "surrogateescape"), one.get("trace", "").encode(), extra
            )
            answers.append(environment.receive())
    ours = [[answer.kind.decode(), answer.body.decode(), answer.logs] for answer in answers]
    theirs = official.run(
        start.path / "task-1",
        case.handler,
        [{"request_id": REQUEST_ID, "arn": ARN, **one} for one in case.invocations],
        case.variables,
    )["answers"]
    assert _comparable(ours) == _comparable(theirs)


def _comparable(answers: list[list[Any]]) -> str:
    text = STAMP.sub("<time>", json.dumps(answers, indent=1, ensure_ascii=False))
    # Where the runtimes themselves are.
    text = re.sub(
        r'(\\+")[^"]*/(awslambdaric|python)/bootstrap\.py(\\+", line )\d+', r"\1<runtime>\3<n>", text
    )
    # How deep the handler is called from differs.
    return re.sub(r"repeated \d+ more times", "repeated <many> more times", text)
