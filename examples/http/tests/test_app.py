"""The app in this process: no AWS, no platform, milliseconds."""

from collections.abc import Iterator

import pytest

from app import Note, app, notes
from lambent.testing import Client, memory_tables


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of the app, without notes."""
    with memory_tables(notes), Client(app, raise_errors=True) as client:
        yield client


def test_it_greets(client: Client) -> None:
    assert client.get("/?name=Ada").json() == {"message": "Hello, Ada!"}


def test_notes_come_and_go(client: Client) -> None:
    added = client.post("/notes", json={"text": "buy tea"})
    note = added.json(Note)
    assert (added.status, note.text) == (201, "buy tea")
    assert client.get(f"/notes/{note.id}").json(Note) == note
    assert client.get("/notes").json(list[Note]) == [note]
    assert client.delete(f"/notes/{note.id}").status == 204
    assert client.get(f"/notes/{note.id}").status == 404


@pytest.mark.parametrize("note", [{}, {"text": ""}, {"text": 5}])
def test_what_is_no_note_is_refused(client: Client, note: dict[str, object]) -> None:
    assert client.post("/notes", json=note).status == 422
