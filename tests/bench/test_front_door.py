"""The front door's benchmark: everything that is measured answers what it should. Nothing here is timed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from bench.targets import Platform

from bench import front_door, front_door_peers, front_door_sockets, load, peers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("platform")) as running:
        yield running


def test_what_is_behind_the_doors_answers(ours: Platform) -> None:
    front_door.check(front_door.http_api(ours, "bare", front_door.BARE))
    front_door.check(front_door.http_api(ours, "app", front_door.APP, handler="app.app"))
    front_door.check(front_door.function_url(ours, "bare"))
    front_door.check(front_door.function_url(ours, "app"))


def test_the_route_that_is_measured_is_one_of_many(ours: Platform) -> None:
    door = front_door.http_api(ours, "lots", front_door.BARE, more_routes=50)
    front_door.check(door)
    with pytest.raises(AssertionError):
        front_door.check(door._replace(url=f"{ours.url}/other50/7/part"))
    assert load.get(f"{ours.url}/other49/7/part", door.headers)[0] == 200


def test_every_socket_gets_the_message(tmp_path: Path) -> None:
    figures = list(front_door_sockets.measure(tmp_path, 40))
    assert [figure.unit for figure in figures] == ["/s", "KB", "s"]


def test_a_peer_that_cannot_be_installed_takes_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "_FOLDER", tmp_path / "peers")
    monkeypatch.setattr(peers, "_REQUIREMENTS", tmp_path)
    (tmp_path / "peers-ministack.txt").write_text("./nowhere")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert front_door_peers.measure(tmp_path, front_door.BARE, 1, 1) == {}
    said = capsys.readouterr().err
    assert "MiniStack takes no part" in said
    assert "serverless-offline takes no part" in said
    assert not (tmp_path / "peers" / "ministack").exists()
