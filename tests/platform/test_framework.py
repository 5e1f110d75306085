"""An app of the framework runs on the platform as it runs anywhere: uploaded with its one dependency."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from lambent.testing import events
from lambent.testing.answers import answer_of

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).parents[2]
APP = """
from typing import Annotated
import msgspec
from lambent import App, Logger

logger = Logger("shop")
app = App("shop", logger=logger)

class Order(msgspec.Struct):
    item: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1

class Receipt(msgspec.Struct):
    order: int
    email: str

@app.post("/orders", status=201)
def place(order: Order) -> Order:
    return order

@app.queue("receipts")
def send_receipt(receipt: Receipt) -> None:
    if "@" not in receipt.email:
        raise ValueError(f"{receipt.email!r} is no address")
    logger.info("Receipt sent", extra={"order": receipt.order})

@app.schedule("cron(0 3 * * ? *)")
def count_orders() -> int:
    return 7
"""


@pytest.fixture(scope="module")
def bundle() -> dict[str, str | bytes]:
    """What `pip install --target` of lambent would put beside the app."""
    files: dict[str, str | bytes] = {
        "lambent/__init__.py": (REPOSITORY / "src/lambent/__init__.py").read_bytes()
    }
    installed = Path(msgspec.__file__).parent
    for root, name in ((REPOSITORY / "src/lambent/app", "lambent/app"), (installed, "msgspec")):
        for path in root.rglob("*"):
            if path.suffix in (".py", ".so"):
                files[f"{name}/{path.relative_to(root)}"] = path.read_bytes()
    return files


@pytest.fixture(scope="module")
def shop(platform: Any, bundle: dict[str, str | bytes]) -> str:
    return str(platform.create(APP, files=bundle, Handler="app.app", MemorySize=256))


def test_requests(platform: Any, shop: str) -> None:
    answer = platform.invoke(shop, events.http_v2("POST", "/orders", body={"item": "tea", "count": 2}))
    placed = answer_of("http.v2", "POST", answer.json)
    assert (placed.status, placed.json()["item"]) == (201, "tea")
    refused = platform.invoke(shop, events.http_v2("POST", "/orders", body={"item": "tea", "count": 0}))
    assert answer_of("http.v2", "POST", refused.json).status == 422


def test_messages(platform: Any, shop: str, poll: Callable[..., Any]) -> None:
    event = events.sqs([{"order": 1, "email": "a@b.c"}, {"order": 2, "email": "?"}], queue="receipts")
    answer = platform.invoke(shop, event).json
    assert answer == {"batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]}

    def logged() -> Any:
        lines = [json.loads(line) for line in platform.logs(shop) if line.startswith("{")]
        return [line for line in lines if line.get("message") == "Receipt sent"]

    (line,) = poll(logged)
    assert (line["order"], line["service"]) == (1, "shop")


def test_times(platform: Any, shop: str) -> None:
    assert platform.invoke(shop, events.schedule("count_orders")).json == 7
