"""One Qt application without a screen for all tests; a warning of Qt fails the test."""

import os
import time

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QtMsgType, qInstallMessageHandler
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from scribe_desktop.ui.icons import Icons
from scribe_desktop.ui.words import Words
from tests.desktop.ui.fake_app import FakeApp
from tests.parts.processes import REPOSITORY

# The offscreen platform says these of itself, whatever a program does.
OF_THE_PLATFORM = (
    "This plugin does not support propagateSizeHints()",
    "This plugin does not support raise()",
    "QObject::connect: No such signal QPlatformNativeInterface::systemTrayWindowChanged(QScreen*)",
)


@pytest.fixture(scope="session")
def application() -> QApplication:
    found = QApplication.instance() or QApplication(["scribe"])
    assert isinstance(found, QApplication)
    found.setQuitOnLastWindowClosed(False)
    return found


@pytest.fixture(autouse=True)
def qt_says_nothing(application: QApplication) -> Iterator[None]:
    said: list[str] = []

    def keep(kind: QtMsgType, _context: object, message: str) -> None:
        if kind is not QtMsgType.QtDebugMsg and message not in OF_THE_PLATFORM:
            said.append(message)

    qInstallMessageHandler(keep)
    yield
    application.closeAllWindows()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    application.processEvents()
    qInstallMessageHandler(None)
    assert said == []


@pytest.fixture
def app(tmp_path: Path) -> FakeApp:
    return FakeApp(tmp_path)


@pytest.fixture
def icons(application: QApplication) -> Icons:
    return Icons(REPOSITORY / "resources" / "icons")


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
def wait(application: QApplication) -> Callable[[Callable[[], object]], None]:
    """Let Qt work until a condition holds; fails after 10 s."""

    def until(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "waited 10 s in vain"
            QTest.qWait(5)

    return until
