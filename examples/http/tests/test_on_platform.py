"""The app deployed on a platform of this machine, with everything between a request and the table."""

from lambent.pytest_plugin import DeployedApp


def test_notes_are_kept(lambent_app: DeployedApp) -> None:
    note = lambent_app.post("/notes", json={"text": "buy tea"}).json()
    assert lambent_app.get(f"/notes/{note['id']}").json() == note
