"""The app in this process: no AWS, no platform, milliseconds."""

from collections.abc import Iterator

import pytest

from app import app, members
from lambent.testing import Client, memory_tables


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of an empty chat."""
    with memory_tables(members), Client(app, raise_errors=True) as client:
        yield client


def test_everybody_in_the_room_hears(client: Client) -> None:
    with client.connect("chat") as ada, client.connect("chat") as bob, client.connect("chat") as eve:
        ada.send({"action": "join", "room": "tea"})
        bob.send({"action": "join", "room": "tea"})
        eve.send({"action": "join", "room": "coffee"})
        ada.send({"action": "say", "text": "Hello"})
    assert ada.received == bob.received == [{"joined": "tea"}, {"text": "Hello"}]
    assert eve.received == [{"joined": "coffee"}]


def test_who_leaves_is_forgotten(client: Client) -> None:
    with client.connect("chat") as ada:
        ada.send({"action": "join", "room": "tea"})
        assert [member.room for member in members.scan()] == ["tea"]
    assert list(members.scan()) == []
