"""The app deployed on a platform of this machine, with real connections."""

from lambent.pytest_plugin import DeployedApp


def test_everybody_in_the_room_hears(lambent_app: DeployedApp) -> None:
    with lambent_app.connect("chat") as ada, lambent_app.connect("chat") as bob:
        for one in (ada, bob):
            one.send({"action": "join", "room": "tea"})
            assert one.receive() == {"joined": "tea"}
        ada.send({"action": "say", "text": "Hello"})
        assert bob.receive() == ada.receive() == {"text": "Hello"}
