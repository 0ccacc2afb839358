"""`scribe gui`: the window."""

import sys
from collections.abc import Mapping
from importlib.util import find_spec

import click

from scribe_desktop.cli.host import running_host
from scribe_desktop.cli.shell import open_shell, server_options
from scribe_desktop.errors import ScribeError, UsageError
from scribe_desktop.log import logging_to


@click.command("gui", help="Open the window; a running Scribe shows its own.")
@click.option("--hidden", is_flag=True, help="Start in the tray, as after a log-in.")
@server_options
@click.pass_obj
def command(
    environ: Mapping[str, str],
    *,
    hidden: bool = False,
    server: str | None = None,
    insecure: bool = False,
) -> int:
    """Open the window, or raise the one that is open."""
    require_display(environ, sys.platform)
    shell = open_shell(environ, server=server, insecure=insecure)
    running = running_host(shell)
    if running is not None:
        running.ask("raise")
        return 0
    if find_spec("PySide6") is None:
        raise UsageError(
            "The window is not installed", "PySide6 is missing.",
            "Install it with: pip install 'scribe-recorder[desktop]'",
        )  # fmt: skip
    from scribe_desktop.app import App
    from scribe_desktop.ui.qt_app import run_gui

    shell.paths.ensure_surroundings()
    with logging_to(shell.paths.log_file):
        app = App(shell.settings, shell.paths, shell.credentials(), environ=environ)
        try:
            app.start()
            return run_gui(app, start_hidden=hidden)
        finally:
            app.stop()


def require_display(environ: Mapping[str, str], platform: str) -> None:
    """Qt would abort the process without a display, so look first.

    Raises:
        ScribeError: there is none.
    """
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if platform.startswith("linux") and not any(environ.get(name) for name in names):
        raise ScribeError(
            "No display",
            "There is no screen to show the window on.",
            "Start Scribe from a desktop, or without a window: scribe record",
        )
