from collections.abc import Callable
from typing import Any

import pytest

from scribe_desktop.app import App
from scribe_desktop.cli import gui
from scribe_desktop.cli.gui import require_display
from scribe_desktop.config import Settings
from scribe_desktop.credentials import MemoryCredentials
from scribe_desktop.errors import ScribeError
from scribe_desktop.paths import Paths
from scribe_desktop.ui import qt_app
from tests.parts.fake_app_parts import Made

Scribe = Callable[..., Any]


def test_without_a_display_it_says_so_in_one_sentence(scribe: Scribe) -> None:
    for arguments in ([], ["gui"]):
        said = scribe(*arguments)
        assert said.code == 1
        assert "There is no screen" in said.err
        assert "scribe record" in said.err


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_any_display_will_do(name: str) -> None:
    require_display({name: "x"}, "linux")
    require_display({}, "darwin")
    with pytest.raises(ScribeError):
        require_display({}, "linux")


def test_the_window_gets_a_started_engine_that_is_stopped_after_it(
    scribe: Scribe, made: Made, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def show(app: App, *, start_hidden: bool) -> int:
        shown.append((app.start_recording(), start_hidden))
        return 0

    shown: list[tuple[str, bool]] = []
    monkeypatch.setattr(qt_app, "run_gui", show)
    environ["QT_QPA_PLATFORM"] = "offscreen"
    assert scribe("gui", "--hidden").code == 0
    assert shown[0][1]
    assert made.recorder.calls == ["start", "stop", "wait"]
    assert scribe().code == 0
    assert not shown[1][1]


def test_a_second_start_raises_the_first_window(
    scribe: Scribe, made: Made, paths: Paths, environ: dict[str, str]
) -> None:
    environ["QT_QPA_PLATFORM"] = "offscreen"
    owner = App(Settings(), paths, MemoryCredentials(), environ={}, parts=made.parts())
    owner.start()
    assert scribe("gui").code == 1
    raised: list[bool] = []
    owner.set_handler("raise", lambda _: raised.append(True) or {})
    assert scribe("gui").code == 0
    assert raised == [True]
    owner.stop()


def test_without_pyside_the_command_that_installs_it_is_named(
    scribe: Scribe, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environ["DISPLAY"] = ":0"
    monkeypatch.setattr(gui, "find_spec", lambda _: None)
    said = scribe("gui")
    assert said.code == 2
    assert "pip install 'scribe-recorder[desktop]'" in said.err
