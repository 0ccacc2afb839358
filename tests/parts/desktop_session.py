"""A real X11 desktop for one test: screen, window manager, tray, D-Bus and an unlocked keyring."""

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.parts.processes import Process, program, short_folder

_TINT2 = """\
panel_items = TSC
panel_size = 100% 32
panel_position = bottom center horizontal
panel_background_id = 1
wm_menu = 0
rounded = 0
background_color = #222222 100
systray = 1
systray_padding = 6 4 6
systray_icon_size = 22
taskbar_mode = single_desktop
task_text = 1
task_font = DejaVu Sans 9
time1_format = %H:%M
time1_font = DejaVu Sans 9
clock_font_color = #ffffff 100
task_font_color = #ffffff 100
"""


class DesktopSession:
    """Xvfb on a free display, openbox, a private D-Bus, and on wish tint2 and gnome-keyring.

    Give `env` to every process that should live on this desktop.
    """

    def __init__(
        self, *, tray: bool = True, keyring: bool = True, size: str = "1280x800x24"
    ) -> None:
        self._tray = tray
        self._keyring = keyring
        self._size = size
        self._folder = short_folder("desk-")
        self._processes: list[Process] = []
        self._display = ""

    @property
    def env(self) -> dict[str, str]:
        """What a process needs in its environment to live on this desktop."""
        return {
            "DISPLAY": self._display,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self._folder / 'bus'}",
            "XDG_RUNTIME_DIR": str(self._folder),
            "XDG_SESSION_TYPE": "x11",
            "XDG_CURRENT_DESKTOP": "tint2",
            "QT_QPA_PLATFORM": "xcb",
        }

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything, newest first, and remove the folder."""
        while self._processes:
            self._processes.pop().end(3)
        shutil.rmtree(self._folder, ignore_errors=True)

    # -------------------------------------------------------------------------------- hands

    def screenshot(self, path: Path) -> Path:
        """Save the whole screen as a PNG."""
        path.unlink(missing_ok=True)
        self._call("scrot", "--overwrite", str(path))
        return path

    def key(self, *keys: str) -> None:
        """Press keys as xdotool names them (`space`, `ctrl+shift+r`) in the active window."""
        self._call("xdotool", "key", *keys)

    def type_text(self, text: str) -> None:
        """Type into the active window."""
        self._call("xdotool", "type", "--delay", "20", text)

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Click at a point of the screen."""
        self._call("xdotool", "mousemove", str(x), str(y), "click", str(button))

    def windows(self) -> dict[str, str]:
        """The visible windows that have a name: {window id: name}."""
        found: dict[str, str] = {}
        search = self._run("xdotool", "search", "--onlyvisible", "--name", ".+")
        for window in search.stdout.split():
            name = self._run("xdotool", "getwindowname", window)
            if name.returncode == 0:
                found[window] = name.stdout.strip()
        return found

    # ------------------------------------------------------------------------------ private

    def _start(self) -> None:
        self._start_screen()
        address = f"unix:path={self._folder / 'bus'}"
        dbus = self._spawn(
            "dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}"
        )
        dbus.wait_ready((self._folder / "bus").exists, what="the session bus's socket")
        openbox = self._spawn("openbox")
        openbox.wait_ready(self._has_window_manager, what="the window manager's announcement")
        if self._tray:
            config = self._folder / "tint2rc"
            config.write_text(_TINT2, encoding="utf-8")
            tint2 = self._spawn("tint2", "-c", str(config))
            tint2.wait_ready(self._has_tray, what="the owner of the tray selection")
        if self._keyring:
            self._start_keyring()

    def _start_screen(self) -> None:
        reading, writing = os.pipe()
        # Without -noreset it starts anew when its first client, an xprop that asks, has gone.
        screen = ["-screen", "0", self._size, "-nolisten", "tcp", "-noreset"]
        try:
            xvfb = Process(
                "Xvfb",
                [program("Xvfb"), "-displayfd", str(writing), *screen],
                env=os.environ,
                log=self._folder / "Xvfb.log",
                pass_fds=[writing],
            )
            self._processes.append(xvfb)
        finally:
            os.close(writing)
        with os.fdopen(reading, encoding="ascii") as number:
            display = number.readline().strip()  # end of file when Xvfb dies
        if not display:
            raise xvfb.failed("chose no display")
        self._display = f":{display}"

    def _start_keyring(self) -> None:
        keyrings = self._folder / "data"
        keyrings.mkdir(mode=0o700)
        keyring = self._spawn(
            "gnome-keyring-daemon",
            "--foreground",
            "--unlock",
            "--components=secrets",
            f"--control-directory={self._folder / 'keyring'}",
            stdin=b"test",
            extra_env={"XDG_DATA_HOME": str(keyrings)},
        )
        keyring.wait_ready(self._has_secrets, what="the secret service on the bus")

    def _spawn(
        self,
        *command: str,
        stdin: bytes | None = None,
        extra_env: dict[str, str] | None = None,
    ) -> Process:
        name = command[0]
        process = Process(
            name,
            [program(name), *command[1:]],
            env={**os.environ, **self.env, **(extra_env or {})},
            log=self._folder / f"{name}.log",
            stdin=stdin,
        )
        self._processes.append(process)
        return process

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program(command[0]), *command[1:]],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def _call(self, *command: str) -> str:
        done = self._run(*command)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def _has_window_manager(self) -> bool:
        return "window id" in self._run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK").stdout

    def _has_tray(self) -> bool:
        return self._run("xdotool", "search", "--class", "tint2").returncode == 0

    def _has_secrets(self) -> bool:
        question = [
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus.NameHasOwner",
            "string:org.freedesktop.secrets",
        ]
        return "true" in self._run("dbus-send", *question).stdout
