"""The app deployed on a platform of this machine, with real queues."""

from lambent.pytest_plugin import DeployedApp


def test_results_come_out(lambent_app: DeployedApp) -> None:
    lambent_app.send("jobs", {"id": 1, "text": "a cup of tea"})
    assert lambent_app.wait_for(lambda: lambent_app.messages("results")) == [{"id": 1, "words": 4}]
