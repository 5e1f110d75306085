"""The fixtures: `lambent_platform` and `lambent_app`. Importing this costs what pytest has imported already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from lambent.pytest_plugin.app import DeployedApp
    from lambent.pytest_plugin.platform import Platform

_SCOPES = ("session", "package", "module", "class", "function")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The settings, in pytest's own configuration."""
    parser.addini("lambent_project", "the project's folder, relative to pytest's root", default=".")
    parser.addini("lambent_stage", "the stage that the app is deployed as", default="test")
    parser.addini(
        "lambent_scope", f"how long a lambent_app keeps what is in it: {', '.join(_SCOPES)}", default="module"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Look at the settings, where mistakes can be told without a traceback. Raises UsageError."""
    scope = config.getini("lambent_scope")
    if scope not in _SCOPES:
        raise pytest.UsageError(f"lambent_scope is {scope!r}: it must be one of {', '.join(_SCOPES)}")


def _scope(fixture_name: str, config: pytest.Config) -> Any:
    return config.getini("lambent_scope")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have the report of a test that failed tell what the functions have logged meanwhile."""
    report = yield
    app = getattr(item, "funcargs", {}).get("lambent_app")
    if report.failed and report.when == "call" and app is not None:
        try:
            told = app.told_since(call.start)
        except Exception as error:  # noqa: BLE001 - that the test has failed is what matters
            told = f"they cannot be read: {error}"
        if told:
            report.sections.append(("Logs of the app's functions", told))
    return report


@pytest.fixture(scope="session")
def _lambent_launched() -> Iterator[Platform]:
    """A platform that is starting: what needs it not yet can be done meanwhile."""
    from lambent.pytest_plugin.platform import Platform

    platform = Platform.launch()
    yield platform
    platform.stop()


@pytest.fixture(scope="session")
def lambent_platform(_lambent_launched: Platform) -> Platform:
    """A platform of these tests' own, with nothing in it, until they end."""
    return _ready(_lambent_launched)


@pytest.fixture(scope="session")
def _lambent_deployed(
    _lambent_launched: Platform, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> DeployedApp:
    from lambent.deploy.errors import DeployError
    from lambent.pytest_plugin.app import DeployedApp

    root = pytestconfig.rootpath / pytestconfig.getini("lambent_project")
    into = tmp_path_factory.mktemp("lambent-code")
    app = DeployedApp(_lambent_launched, root, into, pytestconfig.getini("lambent_stage"))
    failure = ""
    try:
        app.prepare()
        _ready(_lambent_launched)
        app.create()
    except DeployError as error:
        failure = "\n".join(filter(None, (str(error), getattr(error, "output", ""), error.hint)))
    if failure:
        pytest.fail(f"The app cannot be deployed: {failure}", pytrace=False)
    return app


def _ready(platform: Platform) -> Platform:
    from lambent.pytest_plugin.platform import PlatformFailed

    try:
        return platform.wait()
    except PlatformFailed as error:
        failure = str(error)
    pytest.fail(failure, pytrace=False)


@pytest.fixture(scope=_scope)
def lambent_app(_lambent_deployed: DeployedApp) -> DeployedApp:
    """The project's app, deployed on `lambent_platform`: anew, and empty, for each module (`lambent_scope`)."""
    if _lambent_deployed.used:
        _lambent_deployed.reset()
    _lambent_deployed.used = True
    return _lambent_deployed
