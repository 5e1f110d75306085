"""An app of the framework: one session, saved into again and again."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.dev.running import SECONDS, Dev, save
from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = """
from lambent import App, Queue
from words import WORD

app = App("shop")
letters = Queue("letters")

@app.get("/word")
def word() -> dict:
    return {"word": WORD}

@app.post("/letters")
def post(letter: dict) -> None:
    letters.send(letter)

@app.queue("letters")
def read(letter: dict) -> None:
    print("letter", letter["to"], WORD)

chat = app.channel("chat")

@chat.action("say")
def say(message: dict) -> dict:
    return {"said": message["text"], "word": WORD}
"""
MORE = APP + '\n@app.get("/more")\ndef more() -> dict:\n    return {"more": True}\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("an app") / "mein Läden"
    root.mkdir()
    (root / "app.py").write_text(APP)
    (root / "words.py").write_text('WORD = "one"\n')
    return root


@pytest.fixture(scope="module")
def dev(project: Path) -> Iterator[Dev]:
    with Dev(project) as running:
        yield running.ready()
        took = running.stop()
        assert took < 3, "Ctrl-C is to be felt"
        assert not (project / ".lambent" / "dev.json").exists()


@pytest.fixture(autouse=True)
def as_it_was(project: Path) -> Iterator[None]:
    yield
    (project / "lambent.toml").unlink(missing_ok=True)
    save(project / "app.py", APP)
    save(project / "words.py", 'WORD = "one"\n')


def client(dev: Dev, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=dev.url,
        region_name="us-east-1",
        aws_access_key_id="lambent",
        aws_secret_access_key="lambent",
    )


def post(dev: Dev, path: str, document: object) -> int:
    body = json.dumps(document).encode()
    return dev.get(path, data=body, headers={"Content-Type": "application/json"}).status


def test_a_module_that_the_app_imports_is_loaded_with_the_next_request(dev: Dev, project: Path) -> None:
    for word in ("two", "three", "zwölf"):
        save(project / "words.py", f'WORD = "{word}"\n')
        answer = dev.get("/word")
        assert answer.json() == {"word": word}, answer


def test_a_new_route_is_there_with_the_next_request_and_a_former_one_gone(dev: Dev, project: Path) -> None:
    assert dev.get("/more").status == 404
    before = len(dev.text)
    save(project / "app.py", MORE)
    assert dev.get("/more").json() == {"more": True}
    dev.sees("+ route GET /more", before)
    save(project / "app.py", APP)
    assert dev.get("/more").status == 404
    dev.sees("- route GET /more", before)


def test_what_cannot_be_made_leaves_the_code_that_was_loaded_last(dev: Dev, project: Path) -> None:
    save(project / "words.py", 'WORD = "saved since"\n')
    assert dev.get("/word").json() == {"word": "saved since"}
    target = {
        "Arn": "arn:aws:sqs:us-east-1:000000000000:any",
        "RoleArn": "arn:aws:iam::000000000000:role/any",
    }
    client(dev, "scheduler").create_schedule(
        Name="shop-dev-taken",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    before = len(dev.text)
    save(project / "app.py", MORE + '\n@app.schedule("rate(1 day)")\ndef taken() -> None: ...\n')
    assert dev.get("/word").json() == {"word": "saved since"}
    dev.sees("✗ TakenSchedule", before)
    assert dev.get("/more").status == 404


BROKEN: tuple[tuple[str, list[str]], ...] = (
    (APP + "\ndef broken(:\n", ["✗ app.py:26: SyntaxError: ", "26 │ def broken(:", "│            ^"]),
    (APP + "\nimport nothing_of_that_name\n", ["✗ app.py:26: ", "nothing_of_that_name", "26 │ import"]),
    ("import os\nos.environ['SHOP_KEY']\n" + APP, ["✗ app.py:2: ", "SHOP_KEY", "environment"]),
    (APP + "\n1 / 0\n", ["✗ app.py:26: ", "ZeroDivisionError", "26 │ 1 / 0"]),
    ("", ["✗ "]),
)


def test_what_cannot_be_loaded_is_shown_once_with_its_place_and_the_code_before_it_goes_on(
    dev: Dev, project: Path
) -> None:
    assert dev.get("/word").status == 200
    for code, shown in BROKEN:
        before = len(dev.text)
        save(project / "app.py", code)
        assert dev.get("/word").json() == {"word": "one"}
        assert dev.get("/word").json() == {"word": "one"}
        for text in shown:
            dev.sees(text, before)
        dev.sees("GET /word 200", before)
        assert dev.text[before:].count("✗") == 1, dev.text[before:]
        assert "Traceback" not in dev.text[before:]
        save(project / "app.py", APP)
        dev.sees("mended: app.py loaded in", before)


def test_saving_something_else_mends_nothing(dev: Dev, project: Path) -> None:
    assert dev.get("/word").json() == {"word": "one"}
    before = len(dev.text)
    save(project / "lambent.toml", "[app")
    assert dev.get("/word").json() == {"word": "one"}
    dev.sees("✗ lambent.toml", before)
    save(project / "words.py", 'WORD = "two"\n')
    assert dev.get("/word").json() == {"word": "one"}
    assert "mended" not in dev.text[before:]
    (project / "lambent.toml").unlink()
    assert dev.get("/word").json() == {"word": "two"}
    dev.sees("mended: lambent.toml loaded", before)


def test_files_that_are_no_part_of_the_app_change_nothing(dev: Dev, project: Path) -> None:
    assert dev.get("/word").status == 200
    before = len(dev.text)
    save(project / "test_app.py", "def test(: broken")
    save(project / "notes.txt", "later")
    assert dev.get("/word").status == 200
    assert "loaded" not in dev.text[before:]
    assert "✗" not in dev.text[before:]


def test_a_request_while_code_is_loaded_waits_for_it(dev: Dev, project: Path) -> None:
    save(project / "words.py", 'import time\ntime.sleep(0.3)\nWORD = "slow"\n')
    assert dev.get("/word").json() == {"word": "slow"}


def test_queues_are_the_code_s_and_the_platform_s(dev: Dev, project: Path) -> None:
    assert dev.get("/word").status == 200
    before = len(dev.text)
    assert post(dev, "/letters", {"to": "Ada"}) in (200, 201, 204)
    dev.sees("letter Ada one", before)
    url = client(dev, "sqs").get_queue_url(QueueName="shop-dev-letters")["QueueUrl"]
    save(project / "words.py", 'WORD = "newer"\n')
    client(dev, "sqs").send_message(QueueUrl=url, MessageBody='{"to": "Grace"}')
    dev.sees("letter Grace newer", before)


def test_web_sockets_share_the_port_and_stay_connected(dev: Dev, project: Path) -> None:
    address = dev.url.replace("http", "ws")
    with connect(f"{address}/chat", open_timeout=SECONDS) as named, connect(address) as sole:
        for socket_ in (named, sole):
            socket_.send('{"action": "say", "text": "hello"}')
            assert json.loads(socket_.recv(SECONDS)) == {"said": "hello", "word": "one"}
        # The next message runs what is saved, as the next request does.
        save(project / "words.py", 'WORD = "two"\n')
        for text in ("again", "and again"):
            named.send(json.dumps({"action": "say", "text": text}))
        answers = [json.loads(named.recv(SECONDS)) for _ in range(2)]  # in whichever order
        assert {answer["said"]: answer["word"] for answer in answers} == {"again": "two", "and again": "two"}


def test_a_second_session_says_where_the_first_is(dev: Dev, project: Path) -> None:
    with Dev(project) as second:
        assert second.ended() == 1
        assert f"runs in {project} already: {dev.url}" in second.text
        assert "Traceback" not in second.text
    assert dev.session["url"] == dev.url


def test_a_port_in_use_is_said_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text('from lambent import App\napp = App("other")\n')
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with Dev(tmp_path, port=port) as running:
            assert running.ended() == 1
            assert f"Port {port} is in use." in running.text
            assert f"lambent dev --port {port + 1}" in running.text
            assert "Traceback" not in running.text
    assert not (tmp_path / ".lambent" / "dev.json").exists()
