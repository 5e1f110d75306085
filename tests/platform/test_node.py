"""Node functions on a whole platform: handlers as people write them, their environment, their ends."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambent.execution.nodes import Nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Answer, Background, Gate, Platform

NODES = list(Nodes())
pytestmark = pytest.mark.skipif(not NODES, reason="there is no Node on this machine")
RUNTIME = NODES[0].runtime if NODES else ""
MODERN = bool(NODES) and NODES[0].version[0] >= 24
ECHO = "export const handler = async (event) => event"


class Functions:
    """Makes Node functions; a single text is index.mjs."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def __call__(self, files: str | dict[str, str], **members: Any) -> str:
        sources = {"index.mjs": files} if isinstance(files, str) else files
        defaults = {"Runtime": RUNTIME, "Handler": "index.handler"}
        return self.platform.create("", files=sources, **{**defaults, **members})

    def run(self, files: str | dict[str, str], event: Any = None, **members: Any) -> Answer:
        """What one invocation of a new function answers."""
        return self.platform.invoke(self(files, **members), event)


@pytest.fixture
def functions(platform: Platform) -> Functions:
    return Functions(platform)


def error(answer: Answer) -> dict[str, Any]:
    assert answer.headers["X-Amz-Function-Error"] == "Unhandled", answer.body
    document: dict[str, Any] = answer.json
    return document


def processes(platform: Platform) -> list[int]:
    """The Nodes that live: the children of supervisors."""
    found = []
    for pid in platform.marked():
        try:
            if b"bootstrap.cjs" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("runtime", [node.runtime for node in NODES])
def test_invocations(platform: Platform, functions: Functions, runtime: str) -> None:
    name = functions(ECHO, Runtime=runtime)
    for event in ({"a": [1, "é"]}, None, "text", 5):
        answer = platform.invoke(name, event)
        assert (answer.status, answer.json) == (200, event)


def test_the_first_handler_of_the_developer_guide(platform: Platform, functions: Functions) -> None:
    source = """
        export const handler = async (event) => {
            const response = { statusCode: 200, body: JSON.stringify('Hello from Lambda!') };
            return response;
        };"""
    name = functions(source)
    told = platform.aws.invoke(FunctionName=name, Payload=b"{}")
    assert json.load(told["Payload"]) == {"statusCode": 200, "body": '"Hello from Lambda!"'}
    assert (told["StatusCode"], told["ExecutedVersion"]) == (200, "$LATEST")


def test_context_and_variables(platform: Platform, functions: Functions) -> None:
    # As recorded: test_lambda_with_context, but for what later runtimes have added.
    name = functions(
        "export const handler = async (event, context) => ({ context, env: process.env })",
        Environment={"Variables": {"MINE": "1"}},
        MemorySize=256,
    )
    told = platform.invoke(name, {}).json
    stream = told["context"]["logStreamName"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)
    expected = {
        "functionVersion": "$LATEST",
        "functionName": name,
        "memoryLimitInMB": "256",
        "logGroupName": f"/aws/lambda/{name}",
        "invokedFunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
    }
    assert expected.items() <= told["context"].items()
    variables = told["env"]
    assert variables["MINE"] == "1"
    assert variables["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{RUNTIME}"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert variables["AWS_LAMBDA_LOG_STREAM_NAME"] == stream
    assert variables["AWS_ENDPOINT_URL"] == platform.url
    assert variables["TZ"] == ":UTC"
    assert not [
        one for one in variables if one.startswith(("LAMBENT", "_LAMBENT_REHEARSES", "PYTHON", "LD_BIND"))
    ]


def test_log(platform: Platform, functions: Functions, poll: Callable[..., Any]) -> None:
    # As recorded: test_invocation_with_logs.
    name = functions(
        """export const handler = async (event) => {
            console.log(event); console.error('two\\nlines'); process.stdout.write('printed\\n'); console.warn('last')
        }"""
    )
    request_id = platform.invoke(name, {}).headers["x-amzn-RequestId"]
    log = poll(lambda: [line for line in platform.logs(name) if "REPORT" in line] and platform.logs(name))
    assert log[0].startswith(
        f"INIT_START Runtime Version: {RUNTIME.replace('nodejs', 'nodejs:').removesuffix('.x')}."
    )
    lines = [line.partition("\t")[2] if "\t" + request_id in line else line for line in log[2:-2]]
    assert lines == [
        f"{request_id}\tINFO\t{{}}\n",
        f"{request_id}\tERROR\ttwo\nlines\n",
        "printed\n",
        f"{request_id}\tWARN\tlast\n",
    ]


def test_errors(platform: Platform, functions: Functions) -> None:
    name = functions("export const handler = async () => { throw new TypeError('boom') }")
    for _ in range(2):
        document = error(platform.invoke(name))
        assert (document["errorType"], document["errorMessage"]) == ("TypeError", "boom")
        assert document["trace"][0] == "TypeError: boom"
        assert "/index.mjs:1:" in document["trace"][1]


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"other.mjs": ""}, "Runtime.ImportModuleError"),
        ({"index.mjs": "export const x = 1"}, "Runtime.HandlerNotFound"),
        ({"index.js": "exports.handler = ("}, "Runtime.UserCodeSyntaxError"),
        ({"index.mjs": "throw new RangeError('start')"}, "RangeError"),
    ],
)
def test_functions_that_cannot_be_loaded(
    platform: Platform, functions: Functions, files: dict[str, str], kind: str
) -> None:
    name = functions(files)
    for _ in range(2):
        assert error(platform.invoke(name))["errorType"] == kind


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("process.exit(3)", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("process.exit(0)", "Runtime.ExitError", "Runtime exited without providing a reason"),
        ("process.abort()", "Runtime.ExitError", "Runtime exited with error: signal: aborted"),
        (
            "process.kill(process.pid, 'SIGKILL')",
            "Runtime.ExitError",
            "Runtime exited with error: signal: killed",
        ),
        ("setTimeout(() => { throw new Error('late') })", "Error", "late"),
        ("Promise.reject(new Error('lost'))", "Runtime.UnhandledPromiseRejection", "Error: lost"),
    ],
)
def test_ends_of_the_process(
    platform: Platform, functions: Functions, body: str, kind: str, message: str
) -> None:
    name = functions(
        "export const handler = async (event) => {"
        f" if (!event) return process.pid; {body}; await new Promise((r) => setTimeout(r, 20_000)) }}"
    )
    before = platform.invoke(name).json
    document = error(platform.invoke(name, "end"))
    if MODERN and kind != "Runtime.ExitError":
        kind, message = "Runtime.ExitError", "Runtime exited with error: exit status 1"
    assert document["errorType"] == kind
    assert document["errorMessage"].endswith(message)
    after = platform.invoke(name)
    assert after.status == 200
    assert isinstance(after.json, int)
    assert before != after.json or before < 100  # in a namespace of its own the number may come again


@pytest.mark.parametrize(
    "body",
    [
        "fs.writeSync(3, 'garbage that is no frame')",
        "fs.writeSync(3, Buffer.from([0x4f, 0xff, 0xff, 0xff, 0xff]))",
        "fs.writeSync(3, Buffer.from([0x58, 0, 0, 0, 5, 0, 0, 0, 0, 0x4f]))",
        "fs.closeSync(3)",
    ],
)
def test_what_a_function_does_to_the_environments_socket(
    platform: Platform, functions: Functions, body: str
) -> None:
    name = functions(
        f"import fs from 'node:fs'; export const handler = async (event) => {{ if (event) {body}; return 1 }}",
        Timeout=1,
    )
    assert platform.invoke(name).json == 1
    assert platform.invoke(name, "harm").status == 200  # whatever it is told
    # An answer that was announced may swallow one more; a timeout then ends the process.
    answers = [platform.invoke(name).json for _ in range(2)]
    assert answers[-1] == 1


def test_a_timeout_ends_everything_the_function_has_started(
    platform: Platform, functions: Functions, living: Callable[[int], bool]
) -> None:
    name = functions(
        """import { spawn } from 'node:child_process'
        export const handler = async (event, context) => {
            const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
            console.log('child', child.pid)
            if (event) for (;;);
            await new Promise(() => setInterval(() => {}, 1000))
        }""",
        Timeout=1,
    )
    for event in (None, "spin"):
        answer = error(platform.invoke(name, event))
        assert answer["errorType"] == "Sandbox.Timedout"
        assert answer["errorMessage"].endswith("Task timed out after 1.00 seconds")
    children = [int(line.split()[-1]) for line in platform.logs(name) if "\tchild " in line]
    assert len(children) == 2
    deadline = time.monotonic() + 10
    while any(map(living, children)):
        assert time.monotonic() < deadline


def test_memory_is_limited(platform: Platform, functions: Functions) -> None:
    name = functions(
        """const kept = []
        export const handler = async (event) => {
            if (event === 'buffers') for (;;) { kept.push(Buffer.alloc(8_000_000, 1)); await new Promise(setImmediate) }
            if (event === 'objects') for (;;) { kept.push({ a: [1, 2, 3], b: 'x'.repeat(10) + kept.length }) }
            return process.execArgv.filter((one) => one.includes('space'))
        }""",
        MemorySize=128,
    )
    assert platform.invoke(name).json == ["--max-semi-space-size=6", "--max-old-space-size=116"]
    assert error(platform.invoke(name, "buffers"))["errorType"] == "Runtime.ExitError"
    assert error(platform.invoke(name, "objects"))["errorType"] == "Runtime.ExitError"
    assert platform.invoke(name).status == 200
    assert "Runtime.OutOfMemory" in "".join(platform.logs(name))


@pytest.mark.usefixtures("private_view")
def test_files(platform: Platform, functions: Functions) -> None:
    name = functions(
        """import fs from 'node:fs'
        const attempt = (path) => { try { fs.writeFileSync(path, 'x'); return 'ok' } catch (e) { return e.code } }
        export const handler = async () => ({
            here: process.cwd(), node: process.execPath, script: process.argv[1], opt: fs.readdirSync('/opt'),
            task: attempt('/var/task/new'), opt2: attempt('/opt/new'), runtime: attempt('/var/runtime/new'),
            lang: attempt('/var/lang/new'), tmp: attempt('/tmp/new'), kept: fs.readdirSync('/tmp'),
            url: import.meta.url,
        })"""
    )
    first = platform.invoke(name).json
    assert first == {
        "here": "/var/task",
        "node": "/var/lang/" + str(NODES[0].executable.relative_to(NODES[0].prefix)),
        "script": "/var/runtime/lambent-node/bootstrap.cjs",
        "opt": [],
        "task": "EROFS",
        "opt2": "EROFS",
        "runtime": "EROFS",
        "lang": "EROFS",
        "tmp": "ok",
        "kept": ["new"],
        "url": "file:///var/task/index.mjs",
    }
    other = functions("import fs from 'node:fs'; export const handler = async () => fs.readdirSync('/tmp')")
    assert platform.invoke(other).json == []


def test_functions_without_a_private_view(own: Callable[..., Platform]) -> None:
    functions = Functions(own(isolation="none"))
    source = """import { h } from 'dep'; import { createRequire } from 'node:module'; import os from 'node:os'
        export const handler = async () => [h, process.cwd() === process.env.LAMBDA_TASK_ROOT, os.tmpdir()]"""
    files = {
        "index.mjs": source,
        "node_modules/dep/package.json": '{"type": "module", "exports": "./x.js"}',
        "node_modules/dep/x.js": "export const h = 'dep'",
    }
    dep, there, temporary = functions.run(files).json
    assert (dep, there) == ("dep", True)
    assert temporary.startswith(str(functions.platform.data))


def test_variables_that_node_reads_when_it_starts(platform: Platform, functions: Functions) -> None:
    options = {"NODE_OPTIONS": "--title=mine --max-old-space-size=200", "UV_THREADPOOL_SIZE": "3"}
    name = functions(
        "export const handler = async () => [process.title, process.execArgv.join(' '), process.env.NODE_OPTIONS]",
        Environment={"Variables": options},
    )
    title, arguments, told = platform.invoke(name).json
    assert title == "mine"
    assert "space-size" not in arguments
    assert told == options["NODE_OPTIONS"]


def test_a_wrapper_starts_the_runtime(platform: Platform, functions: Functions) -> None:
    wrapper = '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n'
    source = {"index.mjs": "export const handler = async () => process.env.WRAPPED ?? null"}
    archive = {"AWS_LAMBDA_EXEC_WRAPPER": "/tmp/no-such-wrapper"}
    name = functions(source, Environment={"Variables": archive})
    assert error(platform.invoke(name))["errorMessage"].endswith("exit status 127")
    assert "/tmp/no-such-wrapper: does not exist\n" in platform.logs(name)
    place = platform.directory / "wrapper"
    place.write_text(wrapper)
    place.chmod(0o755)
    environment = {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": str(place)}}
    if platform.invoke(functions("export const handler = async () => process.cwd()")).json != "/var/task":
        # What the wrapper exports does not outlast INIT, which sets what the platform has said.
        assert functions.run(source, Environment=environment).status == 200


def test_packages_for_all_functions(own: Callable[..., Platform]) -> None:
    platform = own(start=False)
    package = platform.data / "runtime" / "node_modules" / "@aws-sdk" / "client-x"
    package.mkdir(parents=True)
    (package / "package.json").write_text(
        '{"main": "i.js", "exports": {"import": "./i.mjs", "require": "./i.js"}}'
    )
    (package / "i.js").write_text("module.exports = { how: 'required' }")
    (package / "i.mjs").write_text("export const how = 'imported'")
    functions = Functions(platform.start())
    required = {"index.js": "const { how } = require('@aws-sdk/client-x'); exports.handler = async () => how"}
    assert functions.run(required).json == "required"
    view = functions.run("export const handler = async () => process.cwd()").json == "/var/task"
    if view:
        imported = "import { how } from '@aws-sdk/client-x'; export const handler = async () => how"
        assert functions.run(imported).json == "imported"


def test_missing_sdk_is_explained(platform: Platform, functions: Functions) -> None:
    name = functions({"index.js": "require('@aws-sdk/client-no-such'); exports.handler = async () => 1"})
    assert error(platform.invoke(name))["errorType"] == "Runtime.ImportModuleError"
    assert any(
        line.startswith("[lambent] @aws-sdk/client-no-such is part of") for line in platform.logs(name)
    )


def test_a_process_serves_many_invocations_and_concurrent_ones_get_their_own(
    platform: Platform, functions: Functions, background: Callable[..., Background], gate: Gate
) -> None:
    name = functions(
        """import net from 'node:net'
        let count = 0
        const id = Math.random()
        export const handler = async ({ port }, context) => {
            if (port) await new Promise((resolve, reject) => {
                const gate = net.connect(port, '127.0.0.1').on('data', resolve).on('error', reject)
                gate.write(JSON.stringify([context.awsRequestId]) + '\\n')
            })
            return [id, count++]
        }"""
    )
    assert [platform.invoke(name, {}).json[1] for _ in range(3)] == [0, 1, 2]
    calls = [background(lambda: platform.invoke(name, {"port": gate.port})) for _ in range(5)]
    gate.wait(5)
    gate.release()
    assert len({call.result().json[0] for call in calls}) == 5


def test_large_payloads(platform: Platform, functions: Functions) -> None:
    name = functions("export const handler = async (event) => event.grow ? 'x'.repeat(event.grow) : event")
    text = "é" * 2_900_000
    assert platform.invoke(name, payload=json.dumps(text, ensure_ascii=False).encode()).json == text
    assert len(platform.invoke(name, {"grow": 6_000_000}).body) == 6_000_002
    too_large = error(platform.invoke(name, {"grow": 6_300_000}))
    assert too_large["errorType"] == "Function.ResponseSizeTooLarge"
    assert platform.invoke(name, 1).json == 1


def test_json_logs(platform: Platform, functions: Functions) -> None:
    name = functions(
        "export const handler = async () => { console.debug('no'); console.warn({ a: 1 }) }",
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN"},
    )
    request_id = platform.invoke(name).headers["x-amzn-RequestId"]
    records = [json.loads(line) for line in platform.logs(name)]
    (record,) = [record for record in records if "level" in record]
    assert (record["level"], record["message"], record["requestId"]) == ("WARN", {"a": 1}, request_id)


def test_streamed_answers(platform: Platform, functions: Functions) -> None:
    name = functions(
        """export const handler = awslambda.streamifyResponse(async (event, stream) => {
            stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 })
            stream.write('a'); await new Promise((r) => setTimeout(r, 20)); stream.write('b')
            if (event) throw new Error('mid')
            stream.end()
        })"""
    )
    expected = b'{"statusCode":201}' + bytes(8) + b"ab"
    assert platform.invoke(name).body == expected
    assert error(platform.invoke(name, "fail"))["errorMessage"] == "mid"
    told = platform.aws.invoke_with_response_stream(FunctionName=name, Payload=b"null")
    events = list(told["EventStream"])
    assert b"".join(event["PayloadChunk"]["Payload"] for event in events[:-1]) == expected
    assert "ErrorCode" not in events[-1]["InvokeComplete"]
    failed = platform.aws.invoke_with_response_stream(FunctionName=name, Payload=b'"fail"')
    events = list(failed["EventStream"])
    assert b"".join(event["PayloadChunk"]["Payload"] for event in events[:-1]) == expected
    assert json.loads(events[-1]["InvokeComplete"]["ErrorDetails"])["errorMessage"] == "mid"


def test_no_node_runs_before_there_is_a_function(
    own: Callable[..., Platform], poll: Callable[..., Any]
) -> None:
    platform = own()
    assert processes(platform) == []
    functions = Functions(platform)
    name = functions(ECHO)
    poll(lambda: len(processes(platform)) == 2)
    assert platform.invoke(name, 1).json == 1
    # The one that was taken is replaced.
    poll(lambda: len(processes(platform)) == 3)
    assert platform.stop() == 0
    assert platform.marked() == set()


def test_spares_follow_the_sizes_that_are_asked_for(
    own: Callable[..., Platform], poll: Callable[..., Any]
) -> None:
    platform = own()
    functions = Functions(platform)
    for size in (128, 256, 512):
        assert functions.run("export const handler = async () => process.execArgv.join(' ')", MemorySize=size)
    lines = {
        128: b"--max-old-space-size=116",
        256: b"--max-old-space-size=231",
        512: b"--max-old-space-size=461",
    }

    def living() -> dict[int, int]:
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in processes(platform)]
        return {size: sum(line in command for command in commands) for size, line in lines.items()}

    # One of each size is an environment, the others wait.
    poll(lambda: living() == {128: 1, 256: 2, 512: 2})


def test_runtimes_that_are_missing(own: Callable[..., Platform]) -> None:
    there = {node.version[0] for node in NODES}
    missing = next((version for version in (18, 20, 22, 24) if version not in there), None)
    if missing is None:
        pytest.skip("every Node is on this machine")
    platform = own(runtime_fallback="false")
    answer = Functions(platform).run(ECHO, Runtime=f"nodejs{missing}.x")
    assert f"no Node for nodejs{missing}.x on this machine" in answer.body.decode()
    assert f"{RUNTIME} ({NODES[0].executable})" in answer.body.decode()
