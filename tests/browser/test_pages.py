"""What else pages do with functions in a real browser: they are pages, they stream, they open sockets."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest
from tests.platform.front_doors import function_url, http_api, websocket_api

if TYPE_CHECKING:
    from tests.browser.conftest import Browser, Pages
    from tests.platform.conftest import Platform

PAGE = """
def handler(event, context):
    page = "<!doctype html><title>Orders</title><p id=path>" + event["rawPath"] + "</p><form method=post>"
    page += "<input name=sku value='green tea'><button>Order</button></form>"
    if event["requestContext"]["http"]["method"] == "POST":
        import base64
        page = "<!doctype html><p id=sent>" + base64.b64decode(event["body"]).decode() + "</p>"
    return {"statusCode": 200, "headers": {"content-type": "text/html; charset=utf-8"}, "body": page,
            "cookies": ["seen=yes; Path=/orders"]}
"""


@pytest.mark.parametrize("kind", ["function URL", "HTTP API"])
def test_a_page_and_its_form(browser: Browser, platform: Platform, kind: str) -> None:
    function = platform.create(PAGE)
    door = function_url(platform, function) if kind == "function URL" else http_api(platform, function)
    with browser.tab(f"{door.url}/orders/new") as tab:
        assert tab.run("return document.title") == "Orders"
        assert tab.run("return document.getElementById('path').textContent") == "/orders/new"
        assert tab.run("return document.cookie") == "seen=yes"
        sent = tab.run(
            "const form = document.querySelector('form');"
            "const answer = await fetch('', {method: 'POST', body: new URLSearchParams(new FormData(form))});"
            "return answer.text()"
        )
        assert sent == "<!doctype html><p id=sent>sku=green+tea</p>"


def test_a_stream_is_read_while_it_is_written(browser: Browser, platform: Platform, pages: Pages) -> None:
    # The function waits for somebody whom the page only lets go on when it has read the first piece.
    source = """
import json, socket

def handler(event, context):
    yield "first "
    port = int(event["queryStringParameters"]["port"])
    with socket.create_connection(("127.0.0.1", port)) as gate:
        yield gate.makefile().readline()
"""
    cors = {"AllowOrigins": [pages.shop], "AllowMethods": ["*"]}
    function = platform.create(source)
    door = function_url(platform, function, InvokeMode="RESPONSE_STREAM", Cors=cors)
    with socket.create_server(("127.0.0.1", 0)) as gate, browser.tab(f"{pages.shop}/") as tab:
        gate.settimeout(30)
        first = tab.run(
            f"const answer = await fetch({json.dumps(f'{door.url}/?port={gate.getsockname()[1]}')});"
            "window.reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();"
            "return (await window.reader.read()).value"
        )
        assert first == "first "
        waiting, _ = gate.accept()
        with waiting:
            waiting.sendall(b"second\n")
        rest = (
            "let all = '', one; while (!(one = await window.reader.read()).done) all += one.value; return all"
        )
        assert tab.run(rest) == "second\n"


def test_a_socket(browser: Browser, platform: Platform, pages: Pages) -> None:
    source = """
def handler(event, context):
    return {"statusCode": 200, "body": "you said " + event.get("body", "")}
"""
    door = websocket_api(platform, platform.create(source), answering=["$default"])
    url = json.dumps(door.url.replace("http:", "ws:"))
    with browser.tab(f"{pages.shop}/") as tab:
        said = tab.run(
            f"const socket = new WebSocket({url});"
            "const next = (name) => new Promise((resolve) => socket.addEventListener(name, resolve, {once: true}));"
            "await next('open'); socket.send('hello'); const message = await next('message');"
            "const closed = next('close'); socket.close(1000, 'done'); const {code, wasClean} = await closed;"
            "return [message.data, code, wasClean]"
        )
        assert said == ["you said hello", 1000, True]
