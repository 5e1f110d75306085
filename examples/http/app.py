"""Notes over HTTP, kept in a table.

lambent dev             runs it, with hot reload
lambent deploy apply    deploys it
pytest                  tests it
"""

from typing import Annotated
from uuid import uuid4

import msgspec

from lambent import App, Logger, NotFound, Table

logger = Logger("http")
app = App("http", logger=logger)


class NewNote(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Note(msgspec.Struct):
    id: str
    text: str


# Deploying makes the table as it is declared here.
notes = Table("notes", Note, key="id")


@app.get("/")
def hello(name: str = "world") -> dict[str, str]:
    return {"message": f"Hello, {name}!"}


@app.post("/notes", status=201)
def add(new: NewNote) -> Note:
    note = Note(uuid4().hex, new.text)
    notes.put(note)
    logger.info("Note added", extra={"note": note.id})
    return note


@app.get("/notes")
def some(limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10) -> list[Note]:
    return list(notes.scan(limit=limit))


@app.get("/notes/{note_id}")
def find(note_id: str) -> Note:
    note = notes.get(note_id)
    if note is None:
        raise NotFound(f"no note {note_id}")
    return note


@app.delete("/notes/{note_id}", status=204)
def remove(note_id: str) -> None:
    notes.delete(note_id)
