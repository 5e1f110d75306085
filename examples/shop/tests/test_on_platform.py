"""The shop deployed on a platform of this machine: its functions, what calls them, and what they call."""

import shutil

import pytest

from lambent.pytest_plugin import DeployedApp

KEY = {"authorization": "Bearer open sesame"}
TEA = {"item": "tea", "count": 2, "email": "a@b.c"}

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="the function `price` needs Node.js")


@needs_node
def test_an_order_is_kept_shown_and_gets_a_receipt(lambent_app: DeployedApp) -> None:
    with lambent_app.connect("counter", query="key=open%20sesame") as screen:
        answer = lambent_app.post("/orders", json=TEA, headers=KEY)
        assert answer.status == 201, answer.text
        order = answer.json()
        assert order["cents"] == 900  # says the function of Node.js
        assert lambent_app.get(f"/orders/{order['id']}").json() == order
        assert lambent_app.get("/orders?item=tea").json() == [order]
        assert screen.receive() == {"new": order}
        screen.send({"action": "orders"})
        assert screen.receive() == [order]
    (line,) = lambent_app.wait_for(lambda: lambent_app.logs("receipts", message="Receipt sent"))
    assert line["order"] == order["id"]


def test_only_who_has_the_key_may_order(lambent_app: DeployedApp) -> None:
    assert lambent_app.post("/orders", json=TEA).status == 403
    assert lambent_app.post("/orders", json=TEA, headers={"authorization": "Bearer x"}).status == 403
    assert lambent_app.get("/orders").status == 200


def test_the_nightly_report_ends_in_the_office(lambent_app: DeployedApp) -> None:
    lambent_app.fire("nightly")
    (line,) = lambent_app.wait_for(lambda: lambent_app.logs("office", message="Report"))
    assert line["orders"] == len(lambent_app.get("/orders").json())
