"""The real window and tray on the fake engine, as a process of its own: HOME [--hidden]."""

import sys
from pathlib import Path

from scribe_desktop.ui.qt_app import run_gui
from tests.desktop.ui.fake_app import FakeApp

if __name__ == "__main__":
    sys.exit(run_gui(FakeApp(Path(sys.argv[1])), start_hidden="--hidden" in sys.argv))
