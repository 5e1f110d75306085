"""Our Node bootstrap: handlers, contexts, answers, and when an invocation ends."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.runtime.conftest import listening

if TYPE_CHECKING:
    from tests.runtime.conftest import NodeStart

ECHO = "async (event) => event"
HTTP = b"application/vnd.awslambda.http-integration-response"


@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"index.mjs": f"export const handler = {ECHO}"}, "index.handler"),
        ({"index.js": f"exports.handler = {ECHO}"}, "index.handler"),
        ({"index.cjs": f"exports.handler = {ECHO}"}, "index.handler"),
        (
            {"index.js": f"export const handler = {ECHO}", "package.json": '{"type": "module"}'},
            "index.handler",
        ),
        ({"a/b/app.mjs": f"export const go = {ECHO}"}, "a/b/app.go"),
        ({"a/app.js": f"export const go = {ECHO}", "a/package.json": '{"type": "module"}'}, "a/app.go"),
        ({"app.js": f"exports.one = {{ two: {{ three: {ECHO} }} }}"}, "app.one.two.three"),
        (
            {"index.mjs": f"const h = await Promise.resolve({ECHO}); export {{ h as handler }}"},
            "index.handler",
        ),
        (
            {"index.cjs": "exports.handler = require('./lib').h", "lib.js": f"exports.h = {ECHO}"},
            "index.handler",
        ),
        (
            {
                "node_modules/pkg/index.js": f"exports.handler = {ECHO}",
                "node_modules/pkg/package.json": '{"main": "index.js"}',
            },
            "pkg.handler",
        ),
        (
            {
                "index.mjs": "import { h } from 'dep'; export const handler = h",
                "node_modules/dep/package.json": '{"type": "module", "exports": "./x.js"}',
                "node_modules/dep/x.js": f"export const h = {ECHO}",
            },
            "index.handler",
        ),
        # The name that is found first wins.
        ({"index.js": f"exports.handler = {ECHO}", "index.mjs": "throw new Error()"}, "index.handler"),
    ],
)
def test_handlers_are_found(node_start: NodeStart, files: dict[str, str], handler: str) -> None:
    environment = node_start(files, handler=handler)
    assert environment.invoke({"a": [1, "é", None]}).value == {"a": [1, "é", None]}


@pytest.mark.parametrize(
    ("files", "handler", "kind", "message"),
    [
        ({"index.mjs": ""}, "index", "Runtime.MalformedHandlerName", "Bad handler"),
        (
            {"index.mjs": ""},
            "../index.handler",
            "Runtime.MalformedHandlerName",
            (
                "'../index.handler' is not a valid handler name. "
                "Use absolute paths when specifying root directories in handler names."
            ),
        ),
        ({}, "nothing.handler", "Runtime.ImportModuleError", "Error: Cannot find module 'nothing'"),
        (
            {"index.js": "require('no-such-package')"},
            "index.handler",
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'no-such-package'",
        ),
        (
            {"index.mjs": "export const x = 1"},
            "index.handler",
            "Runtime.HandlerNotFound",
            "index.handler is undefined or not exported",
        ),
        (
            {"index.mjs": "export const handler = 'text'"},
            "index.handler",
            "Runtime.HandlerNotFound",
            "index.handler is not a function",
        ),
        (
            {"index.js": "exports.handler = ("},
            "index.handler",
            "Runtime.UserCodeSyntaxError",
            "SyntaxError: ",
        ),
        ({"index.mjs": "export const = 1"}, "index.handler", "Runtime.UserCodeSyntaxError", "SyntaxError: "),
        ({"index.mjs": "throw new TypeError('at start')"}, "index.handler", "TypeError", "at start"),
        (
            {"index.mjs": "await Promise.reject(new RangeError('later'))"},
            "index.handler",
            "RangeError",
            "later",
        ),
        (
            {"index.mjs": "import 'no-such-package'; export const handler = 1"},
            "index.handler",
            "Error",
            "Cannot find package 'no-such-package' imported from ",
        ),
    ],
)
def test_handlers_that_cannot_be_loaded(
    node_start: NodeStart, files: dict[str, str], handler: str, kind: str, message: str
) -> None:
    environment, answer = node_start.attempt(files, handler=handler)
    assert answer.kind == b"I"
    document = json.loads(answer.body)
    assert document["errorType"] == kind
    assert document["errorMessage"].startswith(message)
    assert isinstance(document["trace"], list)
    if not node_start.modern and kind.startswith("Runtime."):
        assert document["trace"][0].startswith(f"{kind}: {message}")
    assert list(document) == ["errorType", "errorMessage", "trace"]
    first = answer.logs[0].split("\t")
    nobody = "-" if node_start.modern else "undefined"
    what = "Init Error " if node_start.modern else "Uncaught Exception "
    assert first[1:4] == [nobody, "ERROR", what]
    assert json.loads(first[4])["errorType"] == kind
    assert os.waitstatus_to_exitcode(environment.gone()) == (1 if node_start.modern else 129)


def test_es_modules_without_a_package_type_are_refused_as_on_aws(node_start: NodeStart) -> None:
    _, answer = node_start.attempt({"index.js": f"export const handler = {ECHO}"})
    if node_start.node.version >= (22, 7, 0) and not node_start.modern:
        pytest.skip("here without the flag that AWS starts this version with")
    if node_start.node.version < (20, 19, 0):
        assert json.loads(answer.body)["errorType"] == "Runtime.UserCodeSyntaxError"
    else:
        assert answer.kind == b"R"


def test_context(node_start: NodeStart) -> None:
    environment = node_start(
        """export const handler = async (event, context) => ({
            context, left: context.getRemainingTimeInMillis(), names: Object.keys(context).sort() })"""
    )
    arn = "arn:aws:lambda:us-east-1:000000000000:function:f:live"
    extra = {
        "client_context": '{"custom": {"foo": "bar"}, "client": {"snap": ["crackle"]}}',
        "cognito_identity": '{"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"}',
        "arn": arn,
        "tenant_id": "blue",
    }
    told = environment.invoke({}, extra=extra, trace=b"Root=1-2;Sampled=1").value
    expected = {
        "functionVersion": "$LATEST",
        "functionName": "f",
        "memoryLimitInMB": "128",
        "logGroupName": "/aws/lambda/f",
        "logStreamName": "2026/01/01/[$LATEST]0",
        "clientContext": {"custom": {"foo": "bar"}, "client": {"snap": ["crackle"]}},
        "identity": {"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"},
        "invokedFunctionArn": arn,
        "awsRequestId": "0b27bf56-9d32-4eb2-a8a2-b2cd4b6c5e6a",
        "tenantId": "blue",
    }
    if node_start.modern:
        expected["xRayTraceId"] = "Root=1-2;Sampled=1"
        assert not {"done", "succeed", "fail", "callbackWaitsForEmptyEventLoop"} & {*told["names"]}
    else:
        expected["callbackWaitsForEmptyEventLoop"] = True  # type: ignore[assignment]
        assert {"done", "succeed", "fail"} <= {*told["names"]}
    assert told["context"] == expected
    assert 2000 < told["left"] <= 3001
    bare = environment.invoke({}).value["context"]
    assert {"clientContext", "identity", "tenantId"}.isdisjoint(bare)
    assert bare["invokedFunctionArn"] == "arn:aws:lambda:us-east-1:000000000000:function:f"


def test_client_contexts_that_are_no_json_are_the_functions_error(node_start: NodeStart) -> None:
    environment = node_start("export const handler = async () => 1")
    environment.send(b"null", extra={"client_context": "no json"})
    if node_start.modern:
        assert os.waitstatus_to_exitcode(environment.gone()) == 1
        return
    answer = environment.receive()
    assert answer.kind == b"E"
    assert answer.value["errorMessage"].startswith("Cannot parse ClientContext as json: SyntaxError")
    assert environment.invoke().value == 1


def test_variables_are_those_of_the_function(node_start: NodeStart) -> None:
    environment = node_start(
        "export const handler = async () => [process.env, process.cwd(), new Date(0).getHours()]",
        ahead=True,
        variables={"MINE": "é=1", "TZ": "Asia/Tokyo"},
    )
    variables, directory, hour = environment.invoke(trace=b"Root=1").value
    assert variables["MINE"] == "é=1"
    assert variables["_X_AMZN_TRACE_ID"] == "Root=1"
    assert not {"OLD", "_LAMBENT_REHEARSES"} & {*variables}
    assert (directory, hour) == (variables["LAMBDA_TASK_ROOT"], 9)
    assert "_X_AMZN_TRACE_ID" not in environment.invoke().value[0]


def test_layers_and_packages_of_the_runtime_are_found_by_require(node_start: NodeStart) -> None:
    layer, runtime = node_start.path / "layer", node_start.path / "runtime"
    for place, name in ((layer, "one"), (runtime, "two")):
        package = place / "node_modules" / name
        package.mkdir(parents=True)
        (package / "index.js").write_text(f"module.exports = {name!r}")
    for ahead in (False, True):
        environment = node_start(
            {"index.js": "exports.handler = async () => [require('one'), require('two')]"},
            variables={"NODE_PATH": f"{layer}/node_modules:{runtime}/node_modules"},
            ahead=ahead,
        )
        assert environment.invoke().value == ["one", "two"]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("undefined", None),
        ("null", None),
        ("'text'", "text"),
        ("{a: undefined, b: NaN, c: new Date(0)}", {"b": None, "c": "1970-01-01T00:00:00.000Z"}),
        ("{toJSON: () => 5}", 5),
        ("'x'.repeat(3_000_000)", "x" * 3_000_000),
        ("'\\u2028é\\ud83d\\ude00'", "\u2028é\U0001f600"),
    ],
)
def test_results(node_start: NodeStart, result: str, expected: Any) -> None:
    environment = node_start(f"export const handler = async () => ({result})")
    assert environment.invoke().value == expected


@pytest.mark.parametrize(
    "result",
    ["{a: 1n}", "(() => { const a = {}; a.a = a; return a })()", "{get a() { throw new Error('x') }}"],
)
def test_results_that_are_no_json(node_start: NodeStart, result: str) -> None:
    environment = node_start(f"export const handler = async () => ({result})")
    answer = environment.invoke()
    assert answer.kind == b"E"
    assert answer.value["errorMessage"] == "Unable to stringify response body"
    expected = "Runtime.JSONStringifyError" if node_start.modern else "Error"
    assert answer.value["errorType"] == expected
    assert environment.invoke().kind == b"E"  # and it lives


def test_large_events_come_whole(node_start: NodeStart) -> None:
    environment = node_start("export const handler = async (event) => [event.length, event[0], event.at(-1)]")
    for size in (1, 60_000, 65_000, 70_000, 300_000, 6_000_000):
        assert environment.invoke("é" + "x" * size + "z").value == [size + 2, "é", "z"]


def test_the_event_is_not_json(node_start: NodeStart) -> None:
    environment = node_start("export const handler = async (event) => event")
    environment.send(b"{no json")
    if node_start.modern:
        assert os.waitstatus_to_exitcode(environment.gone()) == 1
    else:
        assert environment.receive().value["errorType"] == "SyntaxError"


# ---------------------------------------------------------------- when an invocation ends


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("callback(null, 1)", 1),
        ("callback()", None),
        ("setTimeout(() => callback(null, 2), 5)", 2),
        ("callback(null, 3); callback(null, 4)", 3),
        ("context.succeed(5)", 5),
        ("context.done(null, 6); callback(null, 7)", 6),
        ("return 8", None),
        ("", None),
        # The loop has to be empty first, whatever it does until then.
        ("let n = 0; setTimeout(() => { n = 9 }, 20); callback(null, { get n() { return n } })", {"n": 9}),
        ("return { then: (resolve) => resolve(10) }", 10),
    ],
)
def test_callbacks(node_start: NodeStart, body: str, expected: Any) -> None:
    _needs_callbacks(node_start)
    environment = node_start(f"export function handler(event, context, callback) {{ {body} }}")
    for _ in range(2):
        assert environment.invoke().value == expected


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("callback(new TypeError('t'))", "TypeError", "t"),
        ("callback('text')", "string", "text"),
        ("callback({ a: 1 })", "object", "[object Object]"),
        ("throw new RangeError('r')", "RangeError", "r"),
        ("context.fail(new Error('f'))", "Error", "f"),
        ("context.fail()", "string", "handled"),
        ("context.done(new Error('d'))", "Error", "d"),
        # Its text is asked for before it is known whether it has any.
        ("callback(Object.create(null))", "TypeError", "Cannot convert object to primitive value"),
    ],
)
def test_callbacks_with_errors(node_start: NodeStart, body: str, kind: str, message: str) -> None:
    _needs_callbacks(node_start)
    environment = node_start(f"export function handler(event, context, callback) {{ {body} }}")
    for _ in range(2):
        answer = environment.invoke()
        assert (answer.kind, answer.value["errorType"]) == (b"E", kind)
        assert answer.value["errorMessage"].startswith(message)


def test_callbacks_of_an_invocation_that_has_its_answer_settle_no_other(node_start: NodeStart) -> None:
    _needs_callbacks(node_start)
    environment = node_start(
        """const kept = []
        export function handler(event, context, callback) {
            kept.push([callback, context])
            if (event === 'keep') return
            for (const [old, their] of kept.slice(0, -1)) { old(new Error('old')); old(null, 'old'); their.fail('old') }
            setTimeout(() => callback(null, 'new'), 5)
        }"""
    )
    assert environment.invoke("keep").value is None
    for _ in range(3):
        assert environment.invoke("use").value == "new"


def test_errors_that_cannot_be_told_end_the_process(node_start: NodeStart) -> None:
    environment = node_start("export const handler = () => { throw Object.create(null) }")
    environment.send(b"null")
    if node_start.modern:
        assert environment.gone()
        return
    answer = environment.receive()
    assert (answer.kind, answer.body[:1]) == (b"X", b"E")
    assert os.waitstatus_to_exitcode(environment.gone()) in (128, 129)


def test_the_answer_waits_for_the_event_loop_unless_told_not_to(node_start: NodeStart) -> None:
    _needs_callbacks(node_start)
    environment = node_start(
        """export function handler(event, context, callback) {
            context.callbackWaitsForEmptyEventLoop = event.wait
            setTimeout(() => {}, 150)
            callback(null, event.wait)
        }"""
    )
    begun = time.monotonic()
    assert environment.invoke({"wait": False}).value is False
    assert time.monotonic() - begun < 0.14
    assert environment.invoke({"wait": True}).value is True
    assert time.monotonic() - begun > 0.15


def test_async_handlers_do_not_wait_for_the_event_loop(node_start: NodeStart) -> None:
    environment = node_start("export const handler = async () => { setTimeout(() => {}, 60_000); return 1 }")
    begun = time.monotonic()
    assert environment.invoke().value == 1
    assert environment.invoke().value == 1
    assert time.monotonic() - begun < 10


def test_timers_go_on_while_it_waits_for_an_invocation(node_start: NodeStart) -> None:
    environment = node_start("let n = 0; setInterval(() => n++, 1); export const handler = async () => n")
    first = environment.invoke().value
    time.sleep(0.03)
    assert environment.invoke().value > first + 5


def test_promises_that_never_settle(node_start: NodeStart) -> None:
    environment = node_start("export const handler = async (event) => event ?? new Promise(() => {})")
    environment.send(b"null")
    if node_start.modern:
        assert environment.gone() == 0
        return
    answer = environment.receive()
    assert (answer.kind, answer.value["errorType"]) == (b"E", "Runtime.NodeJsExit")
    assert "This is most commonly caused by a Promise that was never settled." in answer.value["errorMessage"]
    assert environment.invoke(1).value == 1


def test_functions_that_return_such_a_promise_answer_null(node_start: NodeStart) -> None:
    _needs_callbacks(node_start)
    environment = node_start("export const handler = () => new Promise(() => {})")
    assert environment.invoke().value is None


def test_synchronous_results_count_from_node_24_on(node_start: NodeStart) -> None:
    environment = node_start("export const handler = () => 7")
    assert environment.invoke().value == (7 if node_start.modern else None)


def test_callback_handlers_are_refused_from_node_24_on_and_warned_before(node_start: NodeStart) -> None:
    source = "export const handler = (event, context, callback) => callback(null, 1)"
    _, answer = node_start.attempt(source)
    if node_start.modern:
        document = json.loads(answer.body)
        assert (answer.kind, document["errorType"]) == (b"I", "Runtime.CallbackHandlerDeprecated")
        assert document["errorMessage"].startswith(
            "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24."
        )
        return
    assert answer.kind == b"R"
    assert "AWS Lambda plans to remove support for callback-based function handlers" in answer.logs[0]
    _, quiet = node_start.attempt(source, variables={"AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING": "1"})
    assert quiet.logs == []


def _needs_callbacks(node_start: NodeStart) -> None:
    if node_start.modern:
        pytest.skip("Node 24 has no callbacks")


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("thrown", "kind", "message"),
    [
        ("new Error('boom')", "Error", "boom"),
        ("new (class Mine extends Error { name = 'Mine' })('own')", "Mine", "own"),
        ("Object.assign(new Error('a\\x7fb'), { code: 5 })", "Error", "a%7Fb"),
        ("'text'", "string", "text"),
        ("5", "number", "5"),
        ("[1, 2]", "object", "1,2"),
    ],
)
def test_errors_of_handlers(node_start: NodeStart, thrown: str, kind: str, message: str) -> None:
    environment = node_start(f"export const handler = async () => {{ throw {thrown} }}")
    answer = environment.invoke()
    assert answer.kind == b"E"
    assert (answer.value["errorType"], answer.value["errorMessage"]) == (kind, message)
    trace = answer.value["trace"]
    if "Error" in thrown:
        assert (
            trace[0] == f"{'Error' if kind == 'Error' else kind}: {message}"
            or node_start.modern
            or kind == "Mine"
        )
        assert any("/index.mjs:1:" in line for line in trace)
    else:
        assert trace == []
    fields = answer.logs[0].split("\t")
    assert fields[1:4] == ["0b27bf56-9d32-4eb2-a8a2-b2cd4b6c5e6a", "ERROR", "Invoke Error "]
    assert "stack" in json.loads(fields[4])
    assert environment.invoke().kind == b"E"


def test_what_an_error_carries_is_logged(node_start: NodeStart) -> None:
    environment = node_start(
        "export const handler = async () => { throw Object.assign(new Error('x'), { code: 'E1', more: [1] }) }"
    )
    logged = json.loads(environment.invoke().logs[0].split("\t")[4])
    assert list(logged) == ["errorType", "errorMessage", "code", "more", "stack"]
    assert (logged["code"], logged["more"]) == ("E1", [1])


@pytest.mark.parametrize(
    ("body", "kind", "message", "status", "what"),
    [
        (
            "setTimeout(() => { throw new TypeError('late') })",
            "TypeError",
            "late",
            129,
            "Uncaught Exception ",
        ),
        (
            "Promise.reject(new Error('lost'))",
            "Runtime.UnhandledPromiseRejection",
            "Error: lost",
            128,
            "Unhandled Promise Rejection ",
        ),
        (
            "Promise.reject('text')",
            "Runtime.UnhandledPromiseRejection",
            "text",
            128,
            "Unhandled Promise Rejection ",
        ),
    ],
)
def test_errors_that_nobody_catches_end_the_process(
    node_start: NodeStart, body: str, kind: str, message: str, status: int, what: str
) -> None:
    environment = node_start(
        f"export const handler = async () => {{ {body}; await new Promise((r) => setTimeout(r, 5000)) }}"
    )
    environment.send(b"null")
    if node_start.modern:
        assert os.waitstatus_to_exitcode(environment.gone()) == 1
        assert message.split()[-1] in environment.output().decode()
        return
    answer = environment.receive()
    assert (answer.kind, answer.body[:1]) == (b"X", b"E")
    document = json.loads(answer.body[1:])
    assert (document["errorType"], document["errorMessage"]) == (kind, message)
    assert answer.logs[-1].split("\t")[3] == what
    logged = json.loads(answer.logs[-1].split("\t")[4])
    if status == 128:
        assert list(logged) == ["errorType", "errorMessage", "reason", "promise", "stack"]
        assert logged["stack"][0] == f"Runtime.UnhandledPromiseRejection: {message}"
    assert os.waitstatus_to_exitcode(environment.gone()) == status


def test_an_answer_that_was_given_counts_although_the_process_ends(node_start: NodeStart) -> None:
    if node_start.modern:
        pytest.skip("Node 24 answers when what has happened has had its consequences")
    environment = node_start(
        "export const handler = async () => { Promise.reject(new Error('lost')); return 'ok' }"
    )
    answer = environment.invoke()
    assert (answer.kind, answer.body) == (b"X", b'O"ok"')
    assert os.waitstatus_to_exitcode(environment.gone()) == 128


@pytest.mark.parametrize("status", [0, 3])
def test_a_handler_that_exits(node_start: NodeStart, status: int) -> None:
    environment = node_start(f"export const handler = async () => process.exit({status})")
    environment.send(b"null")
    assert os.waitstatus_to_exitcode(environment.gone()) == status


def test_errors_that_nobody_catches_while_loading(node_start: NodeStart) -> None:
    environment, answer = node_start.attempt(
        {"index.js": "setTimeout(() => { throw new Error('early') }); require('fs').readFileSync('/no/file')"}
    )
    assert (answer.kind, json.loads(answer.body)["errorType"]) == (b"I", "Error")
    assert "ENOENT" in json.loads(answer.body)["errorMessage"]
    environment.gone()


def test_missing_packages_of_awss_sdk_are_explained(node_start: NodeStart) -> None:
    _, answer = node_start.attempt("import '@aws-sdk/client-no-such'; export const handler = 1")
    assert answer.kind == b"I"
    assert answer.logs[-1].startswith(
        "[lambent] @aws-sdk/client-no-such is part of the managed runtimes on AWS."
    )


def test_custom_resources_answer_by_https_although_the_platform_speaks_http(node_start: NodeStart) -> None:
    source = """
        import { get, request } from 'node:https';
        export const handler = (event) => new Promise((resolve) => {
            const { hostname, pathname } = new URL(event.ResponseURL);
            const told = { hostname, path: pathname + '?a=1', method: 'PUT', headers: { 'content-type': '' } };
            const sent = request(told, (answer) => {
                answer.resume();
                get(`https://${hostname}:1/elsewhere`).on('error', (error) => resolve([answer.statusCode, error.code]));
            });
            sent.end('{}');
        });
    """
    with listening() as (url, asked):
        answer = node_start(source).invoke({"ResponseURL": f"{url}/_lambent/responses/secret"})
    assert json.loads(answer.body) == [200, "ECONNREFUSED"]
    assert asked == ["PUT /_lambent/responses/secret?a=1 {}"]


def test_the_platform_goes_away(node_start: NodeStart) -> None:
    environment = node_start("export const handler = async (event) => event")
    environment.socket.close()
    assert environment.gone() == 0


def test_a_process_that_was_started_ahead_serves_any_function(node_start: NodeStart) -> None:
    for files in ({"index.mjs": f"export const handler = {ECHO}"}, {"index.js": f"exports.handler = {ECHO}"}):
        environment = node_start(files, ahead=True)
        answer = environment.invoke("x")
        assert (answer.value, answer.logs) == ("x", [])
        assert environment.invoke([1]).value == [1]
