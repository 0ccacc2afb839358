"""Recording, sending and the command line work where no Qt is installed."""

import subprocess
import sys

import pytest

from tests.parts.processes import REPOSITORY

LISTING = (
    "import importlib, sys; importlib.import_module({module!r});"
    "print([m for m in sys.modules if m.split('.')[0] in {{'PySide6', 'shiboken6'}}])"
)


@pytest.mark.parametrize("module", ["scribe_desktop.app", "scribe_desktop.cli"])
def test_a_fresh_interpreter_that_imports_it_has_no_qt(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTING.format(module=module)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_listing_would_show_qt_where_it_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTING.format(module="PySide6.QtCore")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PySide6.QtCore" in done.stdout
