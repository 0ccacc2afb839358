"""The real window on a real screen: looked at, and used with mouse and keyboard."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QImage

from scribe_desktop.ui.palette import LIGHT
from tests.parts.desktop import Desktop
from tests.parts.desktop_session import DesktopSession
from tests.parts.processes import Process, wait_until
from tests.parts.virtual_microphone import VirtualMicrophone

pytestmark = pytest.mark.real


@pytest.fixture
def session() -> Iterator[DesktopSession]:
    with DesktopSession(keyring=False) as session:
        yield session


@pytest.fixture
def desktop(session: DesktopSession, tmp_path: Path) -> Iterator[Desktop]:
    with VirtualMicrophone() as microphone:
        yield Desktop(tmp_path / "home", {**session.env, **microphone.env})


@pytest.fixture
def scribe(desktop: Desktop, session: DesktopSession) -> Iterator[Process]:
    process = desktop.popen("gui")
    try:
        process.wait_ready(lambda: "Scribe" in session.windows().values(), what="the window")
        yield process
    finally:
        process.end(20)


def geometry(session: DesktopSession) -> dict[str, int]:
    """Place and size of the window on the screen."""
    window = next(number for number, name in session.windows().items() if name == "Scribe")
    told = subprocess.run(
        ["xdotool", "getwindowgeometry", "--shell", window],
        env={**session.env, "PATH": str(Path(shutil.which("xdotool") or "").parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = (line.split("=") for line in told.stdout.split())
    return {name: int(value) for name, value in pairs}


def looked_at(session: DesktopSession, path: Path) -> QImage:
    """What the screen shows of the window."""
    place = geometry(session)
    screen = QImage(str(session.screenshot(path)))
    return screen.copy(place["X"], place["Y"], place["WIDTH"], place["HEIGHT"])


def share_of(image: QImage, colour: str) -> float:
    """How much of every fourth pixel has this colour."""
    points = [(x, y) for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)]
    found = sum(image.pixelColor(x, y).name().upper() == colour for x, y in points)
    return found / len(points)


def capture_state(desktop: Desktop) -> str:
    status: dict[str, Any] = desktop.run("status", json=True).json
    return str(status["capture"]["state"])


def test_the_window_is_not_blank_and_has_the_record_button(
    session: DesktopSession, scribe: Process, tmp_path: Path
) -> None:
    image = looked_at(session, tmp_path / "screen.png")
    wait_until(
        lambda: share_of(looked_at(session, tmp_path / "s.png"), LIGHT.recording) > 0.004,
        timeout_s=20,
        what="the red of the record button",
    )
    assert image.width() == 480
    assert share_of(image, LIGHT.surface) > 0.3
    assert share_of(image, LIGHT.window) > 0.05
    assert scribe.alive


def test_a_recording_is_made_with_mouse_and_keyboard(
    session: DesktopSession, desktop: Desktop, scribe: Process, tmp_path: Path
) -> None:
    place = geometry(session)
    image = looked_at(session, tmp_path / "screen.png")
    red = [
        (x, y)
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).name().upper() == LIGHT.recording
    ]
    x, y = (sum(point[axis] for point in red) // len(red) for axis in (0, 1))
    session.click(place["X"] + x, place["Y"] + y)
    wait_until(lambda: capture_state(desktop) == "recording", timeout_s=30, what="a recording")
    session.key("space")
    wait_until(lambda: capture_state(desktop) == "paused", timeout_s=30, what="a pause")
    session.key("space")
    wait_until(lambda: capture_state(desktop) == "recording", timeout_s=30, what="going on")
    session.key("ctrl+r")
    wait_until(lambda: capture_state(desktop) == "idle", timeout_s=30, what="the end")
    sessions: list[dict[str, Any]] = desktop.run("sessions", json=True).json
    assert len(sessions) == 1
    assert sessions[0]["samples"] > 0
    assert scribe.alive


def test_a_termination_signal_ends_window_and_recording_cleanly(
    session: DesktopSession, desktop: Desktop, scribe: Process
) -> None:
    session.key("ctrl+r")
    wait_until(lambda: capture_state(desktop) == "recording", timeout_s=30, what="a recording")
    scribe.popen.terminate()
    assert scribe.wait(60) == 0
    sessions: list[dict[str, Any]] = desktop.run("sessions", json=True).json
    assert [one["endedAt"] is not None for one in sessions] == [True]
    assert [one["recovered"] for one in sessions] == [False]
