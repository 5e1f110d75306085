"""Java functions: Lambent's client, AWS's where a function brings it, and what goes wrong."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambent.execution.javas import RUNTIMES, Javas
from lambent.runtime import JAVA_FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.platform.conftest import Platform

JAVAS = [java for java in Javas() if java.compiler and java.runtime in RUNTIMES and java.version[0] >= 17]
pytestmark = pytest.mark.skipif(not JAVAS, reason="no JDK 17 or newer on this machine")
RUNTIME = JAVAS[0].runtime if JAVAS else ""

FUNCTION = r"""
package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Functions {
    // ---- handlers of the interfaces

    public static class MapHandler implements RequestHandler<Map<String, Object>, Map<String, Object>> {
        @Override
        public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
            Map<String, Object> kinds = new LinkedHashMap<>();
            for (Map.Entry<String, Object> entry : event.entrySet()) {
                Object value = entry.getValue();
                kinds.put(entry.getKey(), value == null ? null : value.getClass().getSimpleName());
            }
            kinds.put("event", event);
            return kinds;
        }
    }

    static abstract class Typed<T> implements RequestHandler<T, List<T>> {
        @Override
        public List<T> handleRequest(T event, Context context) {
            List<T> twice = new ArrayList<>();
            twice.add(event);
            twice.add(event);
            return twice;
        }
    }

    public static class TextHandler extends Typed<String> {}

    public static class OrderHandler extends Typed<Order> {}

    public static class StreamHandler implements RequestStreamHandler {
        @Override
        public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
            output.write(("<" + new String(input.readAllBytes(), "UTF-8") + ">").getBytes("UTF-8"));
        }
    }

    // ---- objects

    public enum Size { SMALL, LARGE }

    public static class Item {
        private String name;
        public int count;
        public String getName() { return name; }
        public void setName(String name) { this.name = name; }
    }

    public static class Order {
        private long id;
        private Item item;
        private List<Item> more;
        private Map<String, Double> prices;
        private Size size;
        private Instant when;
        private boolean open;
        private byte[] data;
        private String eventSourceArn;
        private Integer nothing;
        public long getId() { return id; }
        public void setId(long id) { this.id = id; }
        public Item getItem() { return item; }
        public void setItem(Item item) { this.item = item; }
        public List<Item> getMore() { return more; }
        public void setMore(List<Item> more) { this.more = more; }
        public Map<String, Double> getPrices() { return prices; }
        public void setPrices(Map<String, Double> prices) { this.prices = prices; }
        public Size getSize() { return size; }
        public void setSize(Size size) { this.size = size; }
        public Instant getWhen() { return when; }
        public void setWhen(Instant when) { this.when = when; }
        public boolean isOpen() { return open; }
        public void setOpen(boolean open) { this.open = open; }
        public byte[] getData() { return data; }
        public void setData(byte[] data) { this.data = data; }
        public String getEventSourceArn() { return eventSourceArn; }
        public void setEventSourceArn(String arn) { this.eventSourceArn = arn; }
        public Integer getNothing() { return nothing; }
        public void setNothing(Integer nothing) { this.nothing = nothing; }
    }

    public record Point(int x, int y, List<String> labels) {}

    public static class Sealed {
        private final String text;
        public Sealed(String text, int unused) { this.text = text; }
        public String getText() { return text; }
    }

    // ---- plain methods

    public static Integer square(Integer number) { return number * number; }

    public String none() { return "none"; }

    public String only(Context context) { return context.getFunctionName(); }

    public Point mirrored(Point point) { return new Point(point.y(), point.x(), point.labels()); }

    public Item item(Item item, Context context) {
        item.setName(item.getName() + context.getMemoryLimitInMB());
        return item;
    }

    public List<Order> orders(List<Order> orders) { return orders; }

    public String sealed(Sealed sealed) { return sealed.getText(); }

    public int[] numbers(int[] numbers) { return numbers; }

    public void nothing(String text) {}

    public double half(double number) { return number / 2; }

    public String overloaded(String text) { return "short"; }

    public String overloaded(String text, Context context) { return "long"; }

    public void streams(InputStream input, OutputStream output, Context context) throws IOException {
        output.write(input.readAllBytes());
        output.write(context.getAwsRequestId().getBytes("UTF-8"));
    }

    public Map<String, Object> context(Object event, Context context) {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("request", context.getAwsRequestId());
        told.put("arn", context.getInvokedFunctionArn());
        told.put("version", context.getFunctionVersion());
        told.put("group", context.getLogGroupName());
        told.put("stream", context.getLogStreamName());
        told.put("memory", context.getMemoryLimitInMB());
        told.put("left", context.getRemainingTimeInMillis());
        told.put("trace", System.getProperty("com.amazonaws.xray.traceHeader"));
        told.put("identity", context.getIdentity().getIdentityId());
        if (context.getClientContext() != null) {
            told.put("custom", context.getClientContext().getCustom());
            told.put("title", context.getClientContext().getClient().getAppTitle());
        }
        return told;
    }

    public String logs(String text, Context context) {
        System.out.println("printed " + text);
        context.getLogger().log("one\ntwo");
        LambdaRuntime.getLogger().log("three");
        context.getLogger().log("debugged", LogLevel.DEBUG);
        context.getLogger().log("warned", LogLevel.WARN);
        System.err.println("äöü");
        return text;
    }

    // ---- what goes wrong

    public String fail(String text) {
        throw new IllegalStateException("no " + text, new RuntimeException("because"));
    }

    public String checked(String text) throws Exception { throw new IOException(); }

    public String exit(String text) {
        System.exit(3);
        return text;
    }

    public String deep(Object text) { return deep(text) + "x"; }

    public Object cyclic(Object event) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("self", map);
        return map;
    }

    String hidden(String text) { return text; }

    public static class Broken implements RequestHandler<String, String> {
        public Broken() { throw new IllegalArgumentException("cannot be made"); }
        @Override
        public String handleRequest(String event, Context context) { return event; }
    }

    public static class Static {
        static { if (true) throw new IllegalStateException("static"); }
        public String handle(String text) { return text; }
    }

    public static class Private implements RequestHandler<String, String> {
        private Private() {}
        @Override
        public String handleRequest(String event, Context context) { return event; }
    }

    public class Inner implements RequestHandler<String, String> {
        @Override
        public String handleRequest(String event, Context context) { return event; }
    }

    public static class Raw<T> implements RequestHandler<T, String> {
        @Override
        public String handleRequest(T event, Context context) { return ""; }
    }
}
"""

# Speaks the Runtime API where AWS's client would: to see how that is started.
STAND_IN = r"""
package com.amazonaws.services.lambda.runtime.api.client;

import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;

public class AWSLambda {
    public static void main(String[] arguments) throws Exception {
        String api = "http://" + System.getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/";
        while (true) {
            HttpURLConnection next = (HttpURLConnection) new URL(api + "next").openConnection();
            byte[] event = next.getInputStream().readAllBytes();
            String id = next.getHeaderField("Lambda-Runtime-Aws-Request-Id");
            String answer = "{\"handler\":\"" + arguments[0] + "\",\"path\":\"" + System.getProperty("java.class.path")
                + "\",\"event\":" + new String(event, "UTF-8") + "}";
            HttpURLConnection post = (HttpURLConnection) new URL(api + id + "/response").openConnection();
            post.setDoOutput(true);
            post.getOutputStream().write(answer.getBytes("UTF-8"));
            post.getInputStream().readAllBytes();
        }
    }
}
"""


def compiled(folder: Path, sources: Mapping[str, str], *, core: bool = True) -> dict[str, bytes]:
    """Class files by their path."""
    for name, text in sources.items():
        (folder / name).write_text(text)
    own = sorted(JAVA_FILES.rglob("*.java")) if core else []
    compiler = JAVAS[0].compiler
    assert compiler is not None
    subprocess.run(
        [
            compiler,
            "-nowarn",
            "-encoding",
            "UTF-8",
            "-d",
            folder / "classes",
            *own,
            *(folder / one for one in sources),
        ],
        check=True,
        capture_output=True,
    )
    classes = {
        path.relative_to(folder / "classes").as_posix(): path.read_bytes()
        for path in (folder / "classes").rglob("*.class")
    }
    return {name: data for name, data in classes.items() if not core or name.startswith("example/")}


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return compiled(tmp_path_factory.mktemp("java"), {"Functions.java": FUNCTION})


@pytest.fixture
def java(platform: Platform, classes: dict[str, bytes], zipped: Callable[..., bytes]) -> Callable[..., str]:
    """Makes functions with this handler."""
    package = zipped(classes)

    def make(handler: str, **members: Any) -> str:
        defaults: dict[str, Any] = {
            "Runtime": RUNTIME,
            "Handler": f"example.Functions{handler}",
            "MemorySize": 256,
            "Code": {"ZipFile": package},
        }
        return platform.create("", **{**defaults, **members})

    return make


# ---------------------------------------------------------------- in and out

ORDER = {
    "id": 12345678901,
    "item": {"name": "ä", "count": 2},
    "more": [{"name": "b", "count": 0}],
    "prices": {"a": 1, "b": 2.5},
    "size": "LARGE",
    "when": "2026-01-02T03:04:05Z",
    "open": True,
    "data": base64.b64encode(b"\0\1").decode(),
}


@pytest.mark.parametrize(
    ("handler", "event", "answer"),
    [
        (
            "$MapHandler",
            {"a": 1, "b": 3_000_000_000, "c": 1.5, "d": "x", "e": [1], "f": {}, "g": True, "h": 10**20},
            {
                "a": "Integer",
                "b": "Long",
                "c": "Double",
                "d": "String",
                "e": "ArrayList",
                "f": "LinkedHashMap",
                "g": "Boolean",
                "h": "BigInteger",
                "event": {
                    "a": 1,
                    "b": 3_000_000_000,
                    "c": 1.5,
                    "d": "x",
                    "e": [1],
                    "f": {},
                    "g": True,
                    "h": 10**20,
                },
            },
        ),
        ("$MapHandler", {"gone": None, "kept": [None]}, {"kept": "ArrayList", "event": {"kept": [None]}}),
        ("$TextHandler", 'a"\n\\ü€😀', ['a"\n\\ü€😀'] * 2),
        ("$TextHandler", 7, ["7", "7"]),
        ("$TextHandler", None, [None, None]),
        (
            "$OrderHandler",
            {**ORDER, "eventSourceARN": "arn", "unknown": {"x": 1}},
            [{**ORDER, "prices": {"a": 1.0, "b": 2.5}, "eventSourceArn": "arn"}] * 2,
        ),
        ("$OrderHandler", {"size": "HUGE"}, [{"id": 0, "open": False}] * 2),
        ("::square", 7, 49),
        ("::none", {"any": 1}, "none"),
        ("::mirrored", {"x": 1, "y": 2, "labels": ["a"]}, {"x": 2, "y": 1, "labels": ["a"]}),
        ("::item", {"name": "n", "COUNT": 4}, {"name": "n256", "count": 4}),
        ("::orders", [{"id": 1, "open": True}], [{"id": 1, "open": True}]),
        ("::sealed", {"text": "t"}, "t"),
        ("::numbers", [1, 2, 3], [1, 2, 3]),
        ("::nothing", "x", None),
        ("::half", 5, 2.5),
        ("::overloaded", "x", "long"),
    ],
)
def test_events_and_answers(
    platform: Platform, java: Callable[..., str], handler: str, event: Any, answer: Any
) -> None:
    assert platform.invoke(java(handler), event).json == answer


def test_streams(platform: Platform, java: Callable[..., str]) -> None:
    assert (
        platform.invoke(java("$StreamHandler"), payload=b'{ "as": "it is" }').body == b'<{ "as": "it is" }>'
    )
    answer = platform.invoke(java("::streams"), payload=b"[ 1]")
    assert answer.body.decode() == "[ 1]" + answer.headers["X-Amzn-RequestId"]


def test_large_payloads(platform: Platform, java: Callable[..., str]) -> None:
    text = "ü" * 1_000_000
    assert platform.invoke(java("$TextHandler"), text).json == [text, text]


def test_the_context(platform: Platform, java: Callable[..., str]) -> None:
    name = java("::context", Timeout=20)
    context = {"custom": {"a": "ü"}, "client": {"app_title": "t"}}
    answer = platform.invoke(
        name,
        headers={
            "X-Amz-Client-Context": base64.b64encode(json.dumps(context).encode()).decode(),
            "X-Amzn-Trace-Id": "Root=1-2-3;Sampled=1",
        },
    )
    told = answer.json
    assert told["request"] == answer.headers["X-Amzn-RequestId"]
    assert told["arn"].endswith(f":function:{name}")
    assert (told["version"], told["group"], told["memory"]) == ("$LATEST", f"/aws/lambda/{name}", 256)
    assert told["stream"].endswith("]" + told["stream"].rpartition("]")[2])
    assert 15_000 < told["left"] <= 20_000
    assert told["trace"].startswith("Root=1-2-3;Sampled=1")
    assert (told["custom"], told["title"], told["identity"]) == ({"a": "ü"}, "t", "")
    assert platform.invoke(java("::only")).status == 200


def test_environments_are_reused(platform: Platform, java: Callable[..., str]) -> None:
    name = java("::square")
    assert [platform.invoke(name, number).json for number in range(5)] == [0, 1, 4, 9, 16]
    assert sum("INIT_START" in line for line in platform.logs(name)) == 1


# ---------------------------------------------------------------- logs


def test_logs(platform: Platform, java: Callable[..., str]) -> None:
    name = java("::logs")
    assert platform.invoke(name, "x").json == "x"
    events = [
        line
        for line in platform.logs(name)
        if line.split()[0] not in ("INIT_START", "START", "END", "REPORT")
    ]
    assert events == ["printed x\n", "one\ntwo", "three", "[DEBUG] debugged\n", "[WARN] warned\n", "äöü\n"]


def test_logs_in_json(platform: Platform, java: Callable[..., str]) -> None:
    name = java("::logs", LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN"})
    request_id = platform.invoke(name, "x").headers["X-Amzn-RequestId"]
    lines = [line for line in platform.logs(name) if line.startswith("{") and '"message"' in line]
    events = [json.loads(line) for line in lines]
    assert [(event["message"], event.get("level")) for event in events] == [
        ("one\ntwo", None),
        ("three", None),
        ("warned", "WARN"),
    ]
    assert {event["AWSRequestId"] for event in events} == {request_id}


# ---------------------------------------------------------------- what goes wrong


def test_a_handler_that_throws(platform: Platform, java: Callable[..., str]) -> None:
    name = java("::fail")
    answer = platform.invoke(name, "x")
    assert answer.headers["X-Amz-Function-Error"] == "Unhandled"
    document = answer.json
    assert (document["errorMessage"], document["errorType"]) == ("no x", "java.lang.IllegalStateException")
    assert document["stackTrace"][0].startswith("example.Functions.fail(Functions.java:")
    assert not any("lambent" in frame for frame in document["stackTrace"])
    assert (document["cause"]["errorMessage"], document["cause"]["errorType"]) == (
        "because",
        "java.lang.RuntimeException",
    )
    logged = "".join(platform.logs(name))
    assert "no x: java.lang.IllegalStateException\n" in logged
    assert "Caused by: java.lang.RuntimeException: because" in logged
    assert platform.invoke(name, "y").json["errorMessage"] == "no y"


@pytest.mark.parametrize(
    ("handler", "event", "error_type", "message"),
    [
        ("::checked", "x", "java.io.IOException", "java.io.IOException"),
        ("::square", {"a": 1}, "java.lang.RuntimeException", "An error occurred during JSON parsing"),
        ("::square", "seven", "java.lang.RuntimeException", "An error occurred during JSON parsing"),
        ("::cyclic", 1, "java.lang.RuntimeException", "An error occurred during serialization of response"),
        ("Missing", 1, "java.lang.ClassNotFoundException", "Class not found: example.FunctionsMissing"),
        ("$Broken", 1, "java.lang.IllegalArgumentException", "cannot be made"),
        (
            "$Static::handle",
            1,
            "java.lang.ExceptionInInitializerError",
            "Error loading class example.Functions$Static",
        ),
        (
            "$Private",
            1,
            "java.lang.Exception",
            "Class example.Functions$Private has no public zero-argument constructor",
        ),
        (
            "$Inner",
            1,
            "java.lang.Exception",
            "Class example.Functions$Inner cannot be instantiated because it is a non-static inner class",
        ),
        (
            "$Raw",
            1,
            None,
            (
                "Class example.Functions$Raw does not implement RequestHandler with concrete type parameters:"
                " parameter T has no upper bound."
            ),
        ),
        (
            "",
            1,
            None,
            "Class does not implement an appropriate handler interface: example.Functions",
        ),
        (
            "::hidden",
            1,
            None,
            "No public method named hidden with appropriate method signature found on class example.Functions",
        ),
        ("::", 1, None, "Invalid handler: `example.Functions::'"),
    ],
)
def test_errors(
    platform: Platform,
    java: Callable[..., str],
    handler: str,
    event: Any,
    error_type: str | None,
    message: str,
) -> None:
    document = platform.invoke(java(handler), event).json
    assert (document.get("errorType"), document["errorMessage"]) == (error_type, message)


def test_ends(platform: Platform, java: Callable[..., str]) -> None:
    answer = platform.invoke(java("::exit"), "x")
    assert answer.json["errorType"] == "Runtime.ExitError"
    assert answer.json["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    deep = platform.invoke(java("::deep"), "x").json
    assert deep["errorType"] == "java.lang.StackOverflowError"
    assert len(deep["stackTrace"]) == 1024


# ---------------------------------------------------------------- packages


def test_libraries_and_layers(
    platform: Platform, classes: dict[str, bytes], zipped: Callable[..., bytes], java: Callable[..., str]
) -> None:
    jar = zipped(classes)
    name = java("::square", Code={"ZipFile": zipped({"lib/functions.jar": jar, "other.txt": b""})})
    assert platform.invoke(name, 3).json == 9
    layer = platform.aws.publish_layer_version(
        LayerName="java-library", Content={"ZipFile": zipped({"java/lib/functions.jar": jar})}
    )
    name = java("::square", Code={"ZipFile": zipped({"other.txt": b""})}, Layers=[layer["LayerVersionArn"]])
    assert platform.invoke(name, 4).json == 16


def test_a_wrapper(platform: Platform, classes: dict[str, bytes], java: Callable[..., str]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in {
            **classes,
            "wrap": b'#!/bin/sh\necho wrapped "$(basename "$1")"\nexec "$@"\n',
        }.items():
            info = zipfile.ZipInfo(path)
            info.external_attr = 0o755 << 16
            archive.writestr(info, data)
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrap"}
    name = java("::square", Code={"ZipFile": buffer.getvalue()}, Environment={"Variables": variables})
    if platform.invoke(java("::none")).status == 200 and platform.invoke(name, 3).json != 9:
        pytest.skip("no private view of the file system here")
    assert "wrapped java\n" in platform.logs(name)
    missing = java("::square", Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/no/such/wrapper"}})
    # AWS-recorded test_lambda_runtime_wrapper_not_found
    assert platform.invoke(missing).json["errorMessage"].endswith("exited with error: exit status 127")


def test_options_of_the_function(platform: Platform, java: Callable[..., str]) -> None:
    name = java("::none", Environment={"Variables": {"JAVA_TOOL_OPTIONS": "-Dany=thing"}})
    assert platform.invoke(name).json == "none"
    assert "Picked up JAVA_TOOL_OPTIONS: -Dany=thing\n" in platform.logs(name)


@pytest.mark.parametrize("java_version", JAVAS, ids=lambda java: java.runtime)
def test_every_version(platform: Platform, java: Callable[..., str], java_version: Any) -> None:
    name = java("::mirrored", Runtime=java_version.runtime)
    assert platform.invoke(name, {"x": 1, "y": 2}).json == {"x": 2, "y": 1}


# ---------------------------------------------------------------- AWS's client

CLIENT_JAR = "aws-lambda-java-runtime-interface-client-9.9.9.jar"


@pytest.fixture(scope="module")
def client_jar(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("client")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in compiled(folder, {"AWSLambda.java": STAND_IN}, core=False).items():
            archive.writestr(path, data)
    return buffer.getvalue()


def test_a_function_that_brings_the_official_client(
    platform: Platform, java: Callable[..., str], zipped: Callable[..., bytes], client_jar: bytes
) -> None:
    package = zipped({f"lib/{CLIENT_JAR}": client_jar, "lib/another.jar": zipped({"a": b""}), "app.txt": b""})
    told = platform.invoke(java("::any", Code={"ZipFile": package}), [1]).json
    assert (told["handler"], told["event"]) == ("example.Functions::any", [1])
    path = [Path(part).name for part in told["path"].split(":")]
    assert path[1:] == ["another.jar", CLIENT_JAR]


def test_the_official_client_of_the_settings(
    own: Callable[..., Platform], zipped: Callable[..., bytes], client_jar: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / CLIENT_JAR).write_bytes(client_jar)
    platform = own(java_client=folder)
    package = zipped({"lib/a.jar": zipped({})})
    name = platform.create("", Runtime=RUNTIME, Handler="some.Handler", Code={"ZipFile": package})
    told = platform.invoke(name, {"a": 1}).json
    assert (told["handler"], told["event"]) == ("some.Handler", {"a": 1})
    assert [Path(part).name for part in told["path"].split(":")] == [CLIENT_JAR, "task", "a.jar"]
