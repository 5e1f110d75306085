"""What pipelines like this one get wrong between code and cloud: the code is right, and what is deployed does nothing.

Each case is one app on a real platform, deployed twice: stages `test` and `prod`. Its units are small on purpose: what
has no route is called by its queue or schedule alone, one unit has a route and a queue.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from lambent.deploy.build import build
from lambent.deploy.project_file import load_project
from lambent.deploy.render import CodeLocation, Target, template_of
from lambent.pytest_plugin import ConnectionRefused, DeployedApp
from lambent.pytest_plugin.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {
    "app.py": """
from lambent import App

app = App("cases")
for name in ("todos", "reminders", "clock", "failing", "prices", "board"):
    app.include(f"{name}:router")
""",
    # A route and a queue in one unit, and the way to two others.
    "todos.py": """
import msgspec
from lambent import Queue, Request, Response, Router, invoke

class Todo(msgspec.Struct):
    text: str
    due: int = 0

class Price(msgspec.Struct):
    cents: int

router = Router()
reminders = Queue("todo-reminders")
results = Queue("results")

@router.post("/todos", status=202)
def add(todo: Todo) -> Todo:
    reminders.send(todo)
    return todo

@router.queue("todos")
def imported(todo: Todo) -> None:
    results.send({"imported": todo.text})

@router.get("/price/{item}")
def price(item: str) -> Price:
    return invoke("prices", {"item": item}, response_type=Price)

@router.get("/cookies")
def cookies(request: Request) -> Response:
    answer = Response({name: request.cookies[name] for name in sorted(request.cookies)})
    answer.set_cookie("a", "1")
    answer.set_cookie("b", "2")
    return answer

@router.get("/tags")
def tags(tag: list[str]) -> list[str]:
    return tag

@router.delete("/todos")
def clear() -> None:
    pass

@router.get("/problem")
def problem() -> Response:
    return Response('{"title": "no"}', status=409, headers={"content-type": "application/problem+json"})
""",
    "reminders.py": """
from lambent import Queue, Router
from todos import Todo

router = Router()
results = Queue("results")

@router.queue("todo-reminders")
def remind(todo: Todo) -> None:
    if todo.text == "bad":
        raise ValueError("a bad one")
    results.send({"reminded": todo.text, "due": todo.due})
""",
    "clock.py": """
from lambent import Queue, Router

router = Router()
results = Queue("results")

@router.schedule("cron(15 2/3 */2 * ? *)", name="nightly")
def nightly() -> None:
    results.send({"ran": "nightly"})

@router.schedule("cron(0 12 ? * SUN *)", name="weekly")
def weekly() -> None:
    results.send({"ran": "weekly"})
""",
    "failing.py": """
from lambent import Router

router = Router()

@router.schedule("cron(0 3 ? * 6L *)", name="doomed")
def doomed() -> None:
    raise RuntimeError("it has failed")
""",
    "prices.py": """
from lambent import Router

router = Router()

@router.invocation()
def price(event: dict) -> dict:
    return {"cents": {"tea": 450}[event["item"]]}
""",
    # Two channels, of which one refuses.
    "board.py": """
from lambent import Connection, ConnectionGone, Forbidden, Router

router = Router()
board = router.channel("board")
vault = router.channel("vault")

@vault.on_connect
def refuse() -> None:
    raise Forbidden

@board.action("who")
def who(connection: Connection) -> dict:
    return {"id": connection.id}

@board.action("publish")
def publish(connection: Connection, message: dict) -> dict:
    gone = []
    for one in message["to"]:
        try:
            connection.send({"text": message["text"]}, to=one)
        except ConnectionGone as error:
            gone.append(error.connection_id)
    return {"gone": gone}
""",
    "lambent.toml": """
[app]
unit = "router"
timeout = 1

[app.units.failing]
on_failure = "queue:failures"

[resources.queues]
failures = { dead_letters = false }
results = { dead_letters = false }
todo-reminders = { visibility = 1, max_receives = 1 }
""",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project") / "Fälle von früher"
    root.mkdir()
    for name, text in FILES.items():
        (root / name).write_text(text)
    return root


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    platform = Platform.start()
    yield platform
    platform.stop()


@pytest.fixture(scope="module")
def app(platform: Platform, project: Path) -> DeployedApp:
    return DeployedApp(platform, project, project / ".lambent").deploy()


def result(app: DeployedApp, queue: str = "results") -> Any:
    """The next message of a queue that nobody reads."""
    return app.wait_for(lambda: app.messages(queue))[0]


def test_packages_have_their_handlers_where_functions_look(app: DeployedApp, project: Path) -> None:
    built = build(load_project(project), app.manifest)
    assert sorted(built.units) == ["board", "clock", "failing", "prices", "reminders", "todos"]
    for unit in app.manifest.units:
        with zipfile.ZipFile(built.units[unit.name].path) as package:
            module = unit.handler.rpartition(".")[0].replace(".", "/")
            assert {f"{module}.py", f"{unit.name}.py"} <= set(package.namelist())
    # And a real one runs: it has no route, so nothing but its queue shows whether it does.
    name = app.physical("function", "reminders")
    app.client("lambda").update_function_code(
        FunctionName=name, ZipFile=built.units["reminders"].path.read_bytes()
    )
    app.client("lambda").get_waiter("function_updated_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 0.05}
    )
    app.send("todo-reminders", {"text": "packed"})
    assert result(app) == {"reminded": "packed", "due": 0}


def test_what_is_sent_is_what_the_handler_of_the_queue_gets(app: DeployedApp) -> None:
    """Names of variables, of queues in ARNs, and messages are the same at both ends; the unit has no route."""
    assert app.post("/todos", json={"text": "Tee für zwei", "due": 3}).status == 202
    assert result(app) == {"reminded": "Tee für zwei", "due": 3}


def test_a_unit_with_routes_handles_its_queue_too(app: DeployedApp) -> None:
    app.send("todos", {"text": "from a list"})
    assert result(app) == {"imported": "from a list"}


def test_messages_that_fail_are_not_acknowledged(app: DeployedApp) -> None:
    app.send("todo-reminders", {"text": "bad"})
    app.send("todo-reminders", {"text": "good"})
    assert result(app)["reminded"] == "good"
    (dead,) = app.wait_for(lambda: app.messages("todo-reminders", dead=True))
    assert dead["text"] == "bad"


def test_schedules_run_their_own_handler(app: DeployedApp) -> None:
    app.fire("nightly")
    assert result(app) == {"ran": "nightly"}
    app.fire("weekly")
    assert result(app) == {"ran": "weekly"}


def test_schedules_that_fail_are_failures(app: DeployedApp) -> None:
    app.fire("doomed")
    failed = result(app, "failures")
    assert failed["requestContext"]["condition"] == "RetriesExhausted"
    assert failed["requestContext"]["approximateInvokeCount"] == 3
    assert failed["responsePayload"]["errorMessage"] == "it has failed"


def test_functions_call_each_other(app: DeployedApp) -> None:
    assert app.get("/price/tea").json() == {"cents": 450}


def test_answers_arrive_as_they_were_made(app: DeployedApp) -> None:
    answer = app.get("/cookies", headers={"cookie": "x=1; y=2"})
    assert answer.json() == {"x": "1", "y": "2"}
    assert answer.cookies == {"a": "1", "b": "2"}
    assert app.get("/tags?tag=1%2C2&tag=3").json() == ["1,2", "3"]
    assert app.delete("/todos").text == ""
    problem = app.get("/problem")
    assert (problem.status, problem.text) == (409, '{"title": "no"}')
    assert problem.content_type == "application/problem+json"


def test_what_is_published_comes_to_all_connections(app: DeployedApp) -> None:
    with app.connect("board") as one, app.connect("board") as two, app.connect("board") as third:
        ids = []
        for socket in (one, two, third):
            socket.send({"action": "who"})
            ids.append(socket.receive()["id"])
        third.close()
        one.send({"action": "publish", "text": "hello", "to": [ids[1], ids[2], ids[0]]})
        assert two.receive() == {"text": "hello"}
        assert one.receive() == {"text": "hello"}
        assert one.receive() == {"gone": [ids[2]]}


def test_a_connection_that_is_refused_is_not_open(app: DeployedApp) -> None:
    with pytest.raises(ConnectionRefused) as refused:
        app.connect("vault")
    assert refused.value.status == 403


def test_units_may_do_what_they_do_and_no_more(app: DeployedApp, project: Path) -> None:
    code = {unit.name: CodeLocation(bucket="b", key="k") for unit in app.manifest.units}
    stage = load_project(project).stage_named("test")
    resources = template_of(app.manifest, Target(stage=stage, code=code))["Resources"]
    actions = {
        unit.name: {
            action
            for policy in resources[f"{unit.name.capitalize()}Role"]["Properties"]["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            for action in statement["Action"]
            if not action.startswith("logs:")
        }
        for unit in app.manifest.units
    }
    receive = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    assert actions == {
        "board": {"execute-api:ManageConnections"},
        "clock": {"sqs:SendMessage"},
        "failing": {"sqs:SendMessage"},
        "prices": set(),
        "reminders": {"sqs:SendMessage", *receive},
        "todos": {"sqs:SendMessage", "lambda:InvokeFunction", *receive},
    }


def test_stages_have_schedules_of_their_own_as_they_were_written(app: DeployedApp, project: Path) -> None:
    prod = DeployedApp(app.platform, project, project / ".lambent", stage="prod").deploy()
    schedules = app.client("scheduler")
    told = {
        one["Name"]: schedules.get_schedule(Name=one["Name"])["ScheduleExpression"]
        for one in schedules.list_schedules()["Schedules"]
    }
    assert told == {
        f"cases-{stage}-{name}": expression
        for stage in ("prod", "test")
        for name, expression in (
            ("doomed", "cron(0 3 ? * 6L *)"),
            ("nightly", "cron(15 2/3 */2 * ? *)"),
            ("weekly", "cron(0 12 ? * SUN *)"),
        )
    }
    prod.fire("nightly")
    assert result(prod) == {"ran": "nightly"}
    assert app.messages("results") == []
