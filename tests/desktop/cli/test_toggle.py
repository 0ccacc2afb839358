from collections.abc import Callable
from typing import Any

from scribe_desktop.app import App
from scribe_desktop.config import Settings
from scribe_desktop.credentials import MemoryCredentials
from scribe_desktop.model import CaptureState
from scribe_desktop.paths import Paths
from tests.parts.fake_app_parts import Made

Scribe = Callable[..., Any]


def test_the_running_instance_toggles(made: Made, scribe: Scribe, paths: Paths) -> None:
    owner = App(Settings(), paths, MemoryCredentials(), environ={}, parts=made.parts())
    owner.start()
    started = scribe("toggle", "--json")
    assert started.json == {"sessionId": owner.capture.session_id, "recording": True}
    assert owner.capture.state is CaptureState.RECORDING
    assert scribe("toggle").out == "Stopped; it is being saved.\n"
    assert owner.capture.state is CaptureState.IDLE
    owner.stop()


def test_without_one_it_records_here(made: Made, scribe: Scribe) -> None:
    made.records_at_once = True
    said = scribe("toggle", "--json")
    assert said.code == 0
    assert said.json["chunks"] == 1
