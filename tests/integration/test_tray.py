"""The tray icon of the real program, read and clicked over D-Bus by a host of our own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication

from scribe_desktop.ui.icons import Icons
from scribe_desktop.ui.presenter import Badge, Base, Icon
from tests.parts.desktop import Desktop
from tests.parts.desktop_session import DesktopSession
from tests.parts.processes import REPOSITORY, Process, wait_until
from tests.parts.tray_host import TrayHost
from tests.parts.virtual_microphone import VirtualMicrophone

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def icons() -> Icons:
    QGuiApplication.instance() or QApplication(["scribe"])
    return Icons(REPOSITORY / "resources" / "icons")


@pytest.fixture
def session() -> Iterator[DesktopSession]:
    with DesktopSession(tray=False, keyring=False) as session:
        yield session


@pytest.fixture
def microphone() -> Iterator[VirtualMicrophone]:
    with VirtualMicrophone() as microphone:
        yield microphone


@pytest.fixture
def desktop(session: DesktopSession, microphone: VirtualMicrophone, tmp_path: Path) -> Desktop:
    return Desktop(tmp_path / "home", {**session.env, **microphone.env})


@pytest.fixture
def scribe(desktop: Desktop) -> Iterator[Process]:
    process = desktop.popen("gui", "--hidden")
    yield process
    process.end(20)


def argb(icons: Icons, icon: Icon, size: int) -> bytes:
    """An icon as the tray's protocol sends it."""
    image = icons.tray(icon, "light").pixmap(size, size).toImage()
    image = image.convertToFormat(QImage.Format.Format_ARGB32)
    values = (image.pixel(x, y) for y in range(size) for x in range(size))
    return b"".join(value.to_bytes(4, "big") for value in values)


def shows(host: TrayHost, icons: Icons, icon: Icon) -> bool:
    return host.pixels(22) == argb(icons, icon, 22)


def host_of(session: DesktopSession) -> TrayHost:
    return TrayHost(session.env["DBUS_SESSION_BUS_ADDRESS"])


def labels(host: TrayHost) -> list[str]:
    return [entry.label for entry in host.menu()]


def test_a_recording_is_started_paused_and_stopped_from_the_tray(
    session: DesktopSession, scribe: Process, icons: Icons
) -> None:
    with host_of(session) as host:
        host.wait_for_item()
        wait_until(lambda: "Start recording" in labels(host), timeout_s=20, what="an idle menu")
        assert shows(host, icons, Icon(Base.IDLE))
        assert "Ready" in host.tooltip()

        host.click("Start recording")
        wait_until(lambda: "Stop" in labels(host), timeout_s=20, what="a recording")
        wait_until(
            lambda: "Scribe — Recording 0:0" in host.tooltip(), timeout_s=20, what="its tooltip"
        )
        recording = [Icon(Base.RECORDING, badge) for badge in Badge]
        assert any(shows(host, icons, icon) for icon in recording)

        host.click("Pause")
        wait_until(lambda: "Resume" in labels(host), timeout_s=20, what="a pause")
        assert "Paused" in host.tooltip()

        host.click("Resume")
        wait_until(lambda: "Pause" in labels(host), timeout_s=20, what="going on")
        host.click("Stop")
        wait_until(lambda: "Start recording" in labels(host), timeout_s=30, what="the end")

        host.click("Quit")
        assert scribe.wait(30) == 0


def test_a_tray_that_starts_after_scribe_gets_the_icon(
    session: DesktopSession, scribe: Process
) -> None:
    log = scribe.log
    wait_until(lambda: scribe.alive and log.exists(), timeout_s=20, what="the program")
    with pytest.raises(AssertionError, match="waited"):
        wait_until(session.windows, timeout_s=3, what="no window: it was started hidden")
    with host_of(session) as host:
        host.wait_for_item()
        assert "Quit" in labels(host)


def test_a_left_click_toggles_the_window_and_a_second_start_raises_it(
    session: DesktopSession, desktop: Desktop, scribe: Process
) -> None:
    def window() -> bool:
        return "Scribe" in session.windows().values()

    with host_of(session) as host:
        host.wait_for_item()
        host.activate()
        wait_until(window, timeout_s=20, what="the window")
        host.activate()
        wait_until(lambda: not window(), timeout_s=20, what="the window to hide")
        desktop.run("gui", timeout=30)
        wait_until(window, timeout_s=20, what="the window, raised by a second start")
        assert scribe.alive


def test_quitting_while_recording_asks_and_stops_first(
    session: DesktopSession, desktop: Desktop, scribe: Process
) -> None:
    with host_of(session) as host:
        host.wait_for_item()
        host.click("Start recording")
        wait_until(lambda: "Recording 0:0" in host.tooltip(), timeout_s=30, what="a recording")
        host.click("Quit")
        wait_until(lambda: len(session.windows()) == 2, timeout_s=20, what="the question")
        assert scribe.alive
        session.key("alt+s")
        assert scribe.wait(60) == 0
    sessions = desktop.run("sessions", json=True).json
    assert [one["endedAt"] is not None for one in sessions] == [True]
