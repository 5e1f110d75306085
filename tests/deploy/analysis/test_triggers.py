"""What calls units: everything that an app or a plain function can be called by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from lambent.deploy.errors import AnalysisError
from lambent.deploy.manifest import decode, encode

if TYPE_CHECKING:
    from tests.deploy.analysis.conftest import Analysed

EVERYTHING = """
    from lambent import App, Connection
    app = App("shop")
    @app.get("/orders")
    def orders(): ...
    @app.post("/orders", auth=False)
    def place(): ...
    @app.any("/files/{path:path}")
    def files(path: str): ...
    @app.channel("/chat", key="kind")
    class Chat:
        def on_connect(self): ...
        def on_message(self, message: dict): return message
        def say(self, message: dict): return message
    @app.authorizer("chat", simple=False)
    def may_chat(): return True
    @app.authorizer()
    def may(): return True
    @app.queue("receipts", 100, batch_window=5, maximum_concurrency=3, filters=[{"body": {"a": [1]}}])
    def send(body: dict): ...
    @app.queue("arn:aws:sqs:eu-west-1:111122223333:theirs.fifo", report_failures=False)
    def theirs(body: dict): ...
    @app.stream("clicks", starting_position="TRIM_HORIZON", bisect=True, tumbling_window=60, maximum_age=3600)
    def count(click: dict): ...
    @app.table_stream("stock", events=["INSERT"])
    def added(new: dict): ...
    @app.table_stream("stock", events=["REMOVE"])
    def removed(old: dict): ...
    @app.topic("alerts")
    def alert(text: str): ...
    @app.bucket("uploads", prefix="in/", suffix=".csv")
    def upload(key: str): ...
    @app.bucket("uploads", events=["s3:ObjectRemoved:*"], prefix="in/", suffix=".csv")
    def removal(key: str): ...
    @app.event({"source": ["shop"]})
    def placed(detail: dict): ...
    @app.event({"source": ["till"]})
    def placed_too(detail: dict): ...
    @app.schedule("rate(5 minutes)")
    def clean_up(): ...
    @app.schedule("cron(0 3 * * ? *)", name="nightly")
    def count_all(): ...
    @app.user_pool("PreSignUp_SignUp")
    def sign_up(trigger): ...
    @app.user_pool("PreSignUp_AdminCreateUser")
    def created(trigger): ...
    @app.alarm("too-slow")
    def slow(alarm): ...
    @app.logs("/aws/lambda/other")
    def lines(batch): ...
    @app.custom_resource("Custom::Thing")
    def thing(request): ...
    @app.invocation()
    def called(event: dict): ...
"""
SETTINGS = """
    [resources.tables.stock]
    key = "id"
    sort = "at:N"
    ttl = "gone"
    indexes = { by_shop = ["shop", "at:N"], by_size = { key = "size" } }
    [resources.queues.receipts]
    visibility = 900
    max_receives = 5
    [resources.streams.clicks]
    shards = 2
    [resources.buckets.uploads]
    versioned = true
    [resources.queues.unused]
"""


def builtins(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_everything_that_can_call_an_app(analysed: Analysed) -> None:
    manifest = analysed({"app.py": EVERYTHING, "lambent.toml": SETTINGS})
    assert decode(encode(manifest)) == manifest
    assert b'"starting_position": "LATEST"' not in encode(manifest)  # as members that have their default
    assert manifest.app == "shop"
    assert [(unit.name, unit.kind, unit.handler, unit.files, unit.direct) for unit in manifest.units] == [
        ("app", "app", "app.app", ("app.py",), True)
    ]
    assert [(one.method, one.path, one.auth) for one in manifest.routes] == [
        ("ANY", "/files/{path+}", "authorizer"),
        ("GET", "/orders", "authorizer"),
        ("HEAD", "/orders", "authorizer"),
        ("POST", "/orders", "none"),
    ]
    assert builtins(manifest.channels) == [
        {
            "name": "chat",
            "key": "kind",
            "routes": [
                {"unit": "app", "key": "$connect", "replies": False},
                {"unit": "app", "key": "$default"},
                {"unit": "app", "key": "say"},
            ],
        }
    ]
    assert builtins(manifest.authorizers) == [
        {"unit": "app", "api": "chat", "simple": False},
        {"unit": "app", "api": "http"},
    ]
    assert [
        (one.queue, one.batch_size, one.batch_window_s, one.report_failures)
        for one in manifest.queue_triggers
    ] == [
        ("receipts", 100, 5, True),
        ("theirs.fifo", 10, 0, False),
    ]
    assert manifest.queue_triggers[0].filters == ({"body": {"a": [1]}},)
    assert [
        (one.name, one.fifo, one.visibility_s, one.max_receives, one.external) for one in manifest.queues
    ] == [
        ("receipts", False, 900, 5, None),
        ("theirs.fifo", True, None, 3, "arn:aws:sqs:eu-west-1:111122223333:theirs.fifo"),
        ("unused", False, None, 3, None),
    ]
    assert [
        (one.kind, one.name, one.starting_position, one.tumbling_window_s, one.filters)
        for one in manifest.stream_triggers
    ] == [
        ("stream", "clicks", "TRIM_HORIZON", 60, ()),
        ("table", "stock", "LATEST", None, ({"eventName": ["INSERT"]},)),
        ("table", "stock", "LATEST", None, ({"eventName": ["REMOVE"]},)),
    ]
    (stock,) = manifest.tables
    assert builtins(stock) == {
        "name": "stock",
        "key": {"name": "id"},
        "sort": {"name": "at", "type": "N"},
        "ttl": "gone",
        "stream": True,
        "indexes": [
            {"name": "by_shop", "key": {"name": "shop"}, "sort": {"name": "at", "type": "N"}},
            {"name": "by_size", "key": {"name": "size"}},
        ],
    }
    assert [(one.topic, one.unit) for one in manifest.topic_triggers] == [("alerts", "app")]
    assert builtins(manifest.bucket_triggers) == [
        {
            "unit": "app",
            "bucket": "uploads",
            "events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
            "prefix": "in/",
            "suffix": ".csv",
        }
    ]
    assert [(one.name, one.pattern) for one in manifest.events] == [
        ("placed", {"source": ["shop"]}),
        ("placed_too", {"source": ["till"]}),
    ]
    assert [(one.name, one.expression) for one in manifest.schedules] == [
        ("clean_up", "rate(5 minutes)"),
        ("nightly", "cron(0 3 * * ? *)"),
    ]
    assert [(one.trigger, one.pool) for one in manifest.user_pool_triggers] == [("PreSignUp", None)]
    assert [one.alarm for one in manifest.alarm_triggers] == ["too-slow"]
    assert [one.group for one in manifest.log_triggers] == ["/aws/lambda/other"]
    assert [one.shards for one in manifest.streams] == [2]
    assert [one.versioned for one in manifest.buckets] == [True]
    assert manifest.findings == ()


PLAIN = {
    "functions.py": """
        import os
        def price(event, context): ...
        def charge(event, context): ...
    """,
    "node/render.mjs": "export const handler = async () => 1",
    "lambent.toml": """
        [app]
        memory = 1024
        environment = { A = "1", B = "1" }
        [[function]]
        name = "price"
        handler = "functions.price"
        memory = 512
        environment = { B = "2" }
        events = [{ route = "GET /price/{id}" }, { queue = "prices", batch_size = 1 }, { schedule = "rate(1 hour)" },
                  { topic = "alerts" }, { bucket = "uploads", suffix = ".csv" }, { event = { source = ["shop"] } },
                  { table = "orders", batch_size = 5 }, { stream = "clicks" }]
        [[function]]
        name = "charge"
        handler = "functions.charge"
        runtime = "python3.12"
        [[function]]
        name = "render"
        handler = "render.handler"
        path = "node"
        url = "iam"
        [resources.tables.orders]
        key = "id"
        [stages.prod]
        memory = 2048
        [stages.prod.units.render]
        timeout = 60
    """,
}


def test_plain_functions_of_one_file_and_of_node(analysed: Analysed) -> None:
    manifest = analysed(PLAIN)
    charge, price, render = manifest.units
    assert (charge.handler, charge.runtime, charge.memory_mb) == ("functions.charge", "python3.12", 1024)
    assert (price.handler, price.memory_mb, price.environment) == (
        "functions.price",
        512,
        {"A": "1", "B": "2"},
    )
    assert (render.language, render.runtime, render.source) == ("node", "nodejs22.x", "node")
    assert (price.files, render.files) == (("functions.py",), ())
    assert [(one.unit, one.method, one.path) for one in manifest.routes] == [
        ("price", "GET", "/price/{id}"),
        ("price", "HEAD", "/price/{id}"),
    ]
    (queue,) = manifest.queue_triggers
    assert (queue.unit, queue.queue, queue.batch_size, queue.report_failures) == ("price", "prices", 1, False)
    assert [one.name for one in manifest.schedules] == ["price"]
    assert [one.name for one in manifest.events] == ["price"]
    assert [(one.kind, one.name, one.batch_size) for one in manifest.stream_triggers] == [
        ("stream", "clicks", 100),
        ("table", "orders", 5),
    ]


def test_a_stage_has_settings_of_its_own(analysed: Analysed) -> None:
    sizes = {unit.name: (unit.memory_mb, unit.timeout_s) for unit in analysed(PLAIN, "prod").units}
    assert sizes == {"charge": (2048, 30), "price": (512, 30), "render": (2048, 60)}


BAD = [
    ("@app.queue('q', 50)\ndef f(b: dict): ...", "batches of 50 need a batch_window", "app.py:3"),
    (
        "@app.queue('q', 20_000, batch_window=1)\ndef f(b: dict): ...",
        "batch_size is 20000: it must be from 1 to 10,000",
        "",
    ),
    ("@app.queue('q', batch_window=0.5)\ndef f(b: dict): ...", "batch_window is 0.5 seconds", "app.py:3"),
    ("@app.queue('q', maximum_concurrency=1)\ndef f(b: dict): ...", "from 2 to 1,000", "app.py:3"),
    ("@app.queue('a b')\ndef f(b: dict): ...", "the queue 'a b': its name may have letters", "app.py:3"),
    (
        "@app.bucket('Uploads')\ndef f(key: str): ...",
        "the bucket 'Uploads': its name may have lower-case",
        "app.py:3",
    ),
    ("@app.table_stream('orders')\ndef f(new: dict | None): ...", "the table orders has no key", "app.py:3"),
    (
        "@app.schedule('rate(1 hour)')\n@app.schedule('rate(2 hours)')\ndef f(): ...",
        "for the schedule 'f'",
        "",
    ),
    ("@app.authorizer('chat')\ndef f(): return True", "there is no API 'chat'", "app.py:3"),
    (
        "@app.get('/', auth=True)\ndef f(): ...",
        "must not be open .* nothing says who may call it",
        "app.py:3",
    ),
    ("", "the app has no handlers", ""),
]


@pytest.mark.parametrize(("code", "told", "place"), BAD)
def test_what_cannot_be_deployed(analysed: Analysed, code: str, told: str, place: str) -> None:
    with pytest.raises(AnalysisError, match=told) as caught:
        analysed({"app.py": f"from lambent import App\napp = App('shop')\n{code}\n"})
    assert (caught.value.place or "").endswith(place)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ('queue = "q", batch_size = "5"', "batch_size is '5': it must be a number"),
        ('queue = "q", batch_size = true', "batch_size is True: it must be a number"),
        ('queue = "q", filters = "x"', "filters is 'x': it must be a list of tables"),
        ("schedule = 5", "schedule is 5: it must be a text"),
        ('event = "order.placed"', "event is 'order.placed': it must be a table"),
        ('bucket = "b", events = 1', "events is 1: it must be a text or a list"),
        ('stream = "s", starting_position = "NOW"', "starting_position is 'NOW'"),
        ('stream = "s", batch_window = 301', "batch_window is 301: it must be from 0 to 300"),
        ('stream = "s", maximum_age = 59', "maximum_age is 59: it must be from 60"),
        ('table = "t", tumbling_window = 901', "tumbling_window is 901: it must be from 0"),
    ],
)
def test_events_of_functions_that_are_none(analysed: Analysed, event: str, told: str) -> None:
    settings = f'[[function]]\nname = "f"\nhandler = "f.handler"\nevents = [{{ {event} }}]\n'
    with pytest.raises(AnalysisError, match=told):
        analysed({"f.py": "def handler(e, c): ...", "lambent.toml": settings})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", ["none", "none"]),
        ('auth = "iam"', ["iam", "none"]),
        ('jwt = { issuer = "https://id.example", audience = ["shop"] }', ["jwt", "none"]),
    ],
)
def test_who_may_call_routes(analysed: Analysed, settings: str, expected: list[str]) -> None:
    code = (
        "from lambent import App\napp = App()\ndef f(): ...\napp.put('/a')(f)\napp.put('/b', auth=False)(f)\n"
    )
    manifest = analysed({"app.py": code, "lambent.toml": f"[app]\n{settings}\n"})
    assert [route.auth for route in manifest.routes] == expected


def test_cors_of_the_app_answers_preflights_itself(analysed: Analysed) -> None:
    code = "from lambent import CORS, App\napp = App('shop', middleware=[CORS(['*'])])\napp.put('/a')(lambda: 1)\n"
    manifest = analysed(
        {"app.py": code, "lambent.toml": '[app.cors]\norigins = ["*"]\n[app]\nauth = "iam"\n'}
    )
    assert [(route.method, route.auth) for route in manifest.routes] == [("OPTIONS", "none"), ("PUT", "iam")]
    assert manifest.cors is None
    assert [finding.message for finding in manifest.findings] == [
        "the app has its own CORS, so [app.cors] is left out"
    ]
