"""A chat: everybody in a room hears what is said in it.

lambent dev             runs it, with hot reload
lambent deploy apply    deploys it
pytest                  tests it

Connect with any client (`websocat ws://127.0.0.1:3000/chat`), and send {"action": "join", "room": "tea"}, then
{"action": "say", "text": "Hello"}.
"""

import msgspec

from lambent import App, BadRequest, Connection, ConnectionGone, Logger, Table

app = App("websocket", logger=Logger("websocket"))
chat = app.channel("chat")


class Member(msgspec.Struct):
    """Who is connected, and in which room. Each message may be handled by another environment: memory would not do."""

    id: str
    room: str


class Join(msgspec.Struct):
    room: str


class Say(msgspec.Struct):
    text: str


members = Table("members", Member, key="id", indexes={"by_room": "room"})


@chat.action("join")
def join(connection: Connection, message: Join) -> dict[str, str]:
    """What is returned is sent to who has asked."""
    members.put(Member(connection.id, message.room))
    return {"joined": message.room}


@chat.action("say")
def say(connection: Connection, message: Say) -> None:
    speaker = members.get(connection.id)
    if speaker is None:
        raise BadRequest("join a room first")
    for member in members.query(speaker.room, index="by_room"):
        try:
            connection.send({"text": message.text}, to=member.id)
        except ConnectionGone:
            members.delete(member.id)


@chat.on_disconnect
def leave(connection: Connection) -> None:
    members.delete(connection.id)
