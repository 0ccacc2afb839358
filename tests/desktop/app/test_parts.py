from pathlib import Path
from typing import Any

from scribe_desktop.app.parts import Parts
from scribe_desktop.capture.recorder import Recorder
from scribe_desktop.local_server import LocalServer
from scribe_desktop.model import CaptureState, now_ms
from scribe_desktop.sync.engine import SyncEngine


def ignore(_: Any) -> None:
    return


def test_the_real_parts_are_what_an_app_is_made_of(tmp_path: Path) -> None:
    parts = Parts()
    recorder = parts.recorder(tmp_path, tmp_path, ignore, ignore, now_ms)
    assert isinstance(recorder, Recorder)
    assert recorder.status.state is CaptureState.IDLE
    assert isinstance(parts.sync(tmp_path, "device", ignore, ignore, now_ms), SyncEngine)
    assert isinstance(parts.server(tmp_path, tmp_path / "log", ignore, {}), LocalServer)
