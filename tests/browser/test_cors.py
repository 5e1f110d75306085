"""Cross-origin requests of pages in a real browser, which enforces what function URLs and HTTP APIs allow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.platform.front_doors import Door, function_url, http_api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.browser.conftest import Browser, Pages, Tab
    from tests.platform.conftest import Platform

    Make = Callable[[Mapping[str, Any] | None], Door]

BLOCKED = "TypeError: Failed to fetch"

SOURCE = """
import json

def handler(event, context):
    request = event["requestContext"]["http"]
    got = {"method": request["method"], "body": event.get("body"), "cookies": event.get("cookies", []),
           "custom": event["headers"].get("x-custom")}
    headers = {"content-type": "application/json", "x-seen": "yes", "x-hidden": "no"}
    headers |= (event.get("queryStringParameters") or {})
    return {"statusCode": 200, "headers": headers, "cookies": ["visit=1"], "body": json.dumps(got)}
"""


@pytest.fixture(scope="module", params=["function URL", "HTTP API"])
def make(request: pytest.FixtureRequest, platform: Platform) -> Make:
    """Makes a way into a function, with CORS configured as given or not at all."""

    def url(cors: Mapping[str, Any] | None) -> Door:
        more: dict[str, Any] = {"Cors": cors} if cors else {}
        return function_url(platform, platform.create(SOURCE), **more)

    def api(cors: Mapping[str, Any] | None) -> Door:
        more: dict[str, Any] = {"CorsConfiguration": cors} if cors else {}
        return http_api(platform, platform.create(SOURCE), **more)

    return url if request.param == "function URL" else api


@pytest.fixture(scope="module")
def shop(browser: Browser, pages: Pages) -> Iterator[Tab]:
    with browser.tab(f"{pages.shop}/") as tab:
        yield tab


@pytest.fixture(scope="module")
def stranger(browser: Browser, pages: Pages) -> Iterator[Tab]:
    with browser.tab(f"{pages.stranger}/") as tab:
        yield tab


def fetch(tab: Tab, url: str, **options: Any) -> Any:
    """What a page reads of an answer, or what it is told instead."""
    return tab.run(
        f"const answer = await fetch({json.dumps(url)}, {json.dumps(options)});"
        "return {status: answer.status, type: answer.type, text: await answer.text(), "
        "seen: answer.headers.get('x-seen'), hidden: answer.headers.get('x-hidden')}"
    )


def got(answer: Any) -> dict[str, Any]:
    """What the function got of a request whose answer a page could read."""
    assert isinstance(answer, dict), answer
    assert (answer["status"], answer["type"]) == (200, "cors")
    value: dict[str, Any] = json.loads(answer["text"])
    return value


def test_nothing_is_readable_without_a_configuration(make: Make, shop: Tab) -> None:
    door = make(None)
    assert fetch(shop, door.url + "/") == BLOCKED
    assert fetch(shop, door.url + "/", method="PUT") == BLOCKED
    # The request itself is made; its answer is opaque.
    opaque = fetch(shop, door.url + "/", mode="no-cors")
    assert (opaque["type"], opaque["status"], opaque["text"]) == ("opaque", 0, "")


def test_a_function_may_allow_it_itself(make: Make, shop: Tab) -> None:
    door = make(None)
    assert got(fetch(shop, door.url + "/?access-control-allow-origin=*"))["method"] == "GET"


def test_only_pages_of_the_origin_read_answers(make: Make, pages: Pages, shop: Tab, stranger: Tab) -> None:
    door = make({"AllowOrigins": [pages.shop], "AllowMethods": ["GET"]})
    assert got(fetch(shop, door.url + "/"))["method"] == "GET"
    assert fetch(stranger, door.url + "/") == BLOCKED


def test_a_functions_own_headers_beside_a_configuration(
    make: Make, pages: Pages, shop: Tab, stranger: Tab, request: pytest.FixtureRequest
) -> None:
    door = make({"AllowOrigins": [pages.shop], "AllowMethods": ["GET"]})
    own = door.url + "/?access-control-allow-origin=*"
    if "HTTP API" in request.node.name:
        # "API Gateway ignores CORS headers returned from your backend integration".
        assert got(fetch(shop, own))["method"] == "GET"
        assert fetch(stranger, own) == BLOCKED
    else:
        # URLs add theirs to it, and no browser takes two (hummingbird-examples#130, powertools-lambda-python#4163).
        assert fetch(shop, own) == BLOCKED
        assert got(fetch(stranger, own))["method"] == "GET"


def test_every_origin(make: Make, shop: Tab, stranger: Tab) -> None:
    door = make({"AllowOrigins": ["*"], "AllowMethods": ["*"], "AllowHeaders": ["*"]})
    assert got(fetch(shop, door.url + "/"))["method"] == "GET"
    # A method and a header that ask for a preflight.
    asked = fetch(stranger, door.url + "/", method="DELETE", headers={"x-custom": "1"})
    assert got(asked) | {"cookies": []} == {"method": "DELETE", "body": None, "cookies": [], "custom": "1"}


def test_preflighted_methods_and_headers(make: Make, pages: Pages, shop: Tab) -> None:
    door = make(
        {
            "AllowOrigins": [pages.shop],
            "AllowMethods": ["GET", "PUT"],
            "AllowHeaders": ["x-custom", "content-type"],
            "MaxAge": 5,
        }
    )
    json_type = {"content-type": "application/json"}
    sent = fetch(shop, door.url + "/", method="PUT", body='{"a":1}', headers=json_type | {"X-Custom": "yes"})
    assert (got(sent)["method"], got(sent)["body"], got(sent)["custom"]) == ("PUT", '{"a":1}', "yes")
    assert fetch(shop, door.url + "/", method="DELETE") == BLOCKED
    assert fetch(shop, door.url + "/", headers={"x-other": "1"}) == BLOCKED


def test_exposed_headers(make: Make, pages: Pages, shop: Tab) -> None:
    cors = {"AllowOrigins": [pages.shop], "AllowMethods": ["GET"]}
    open_one = fetch(shop, make({**cors, "ExposeHeaders": ["x-seen"]}).url + "/")
    assert (open_one["seen"], open_one["hidden"]) == ("yes", None)
    closed = fetch(shop, make(cors).url + "/")
    assert (closed["seen"], closed["hidden"]) == (None, None)


def test_credentials(make: Make, pages: Pages, shop: Tab) -> None:
    cors = {"AllowOrigins": [pages.shop], "AllowMethods": ["GET", "PUT"], "AllowHeaders": ["x-custom"]}
    door = make({**cors, "AllowCredentials": True})
    assert got(fetch(shop, door.url + "/", credentials="include"))["cookies"] == []
    again = fetch(shop, door.url + "/", credentials="include", method="PUT", headers={"x-custom": "1"})
    assert (got(again)["cookies"], got(again)["custom"]) == (["visit=1"], "1")
    assert got(fetch(shop, door.url + "/", credentials="omit"))["cookies"] == []
    # Where they are not allowed the answer to a request with them cannot be read.
    closed = make(cors)
    assert fetch(shop, closed.url + "/", credentials="include") == BLOCKED
    assert got(fetch(shop, closed.url + "/", credentials="omit"))["cookies"] == []


def test_the_gateways_errors_are_readable_too(pages: Pages, shop: Tab, platform: Platform) -> None:
    cors = {"AllowOrigins": [pages.shop], "AllowMethods": ["GET"]}
    door = http_api(platform, platform.create(SOURCE), keys=["GET /here"], CorsConfiguration=cors)
    answer = fetch(shop, door.url + "/elsewhere")
    assert isinstance(answer, dict), answer
    assert (answer["status"], json.loads(answer["text"])) == (404, {"message": "Not Found"})
