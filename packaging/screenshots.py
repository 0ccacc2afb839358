#!/usr/bin/env python3
"""Makes docs/images/window.png and window-dark.png from the real program.

A desktop session and a microphone of its own, two recordings made before, one that runs:
nothing is drawn by hand. Needs packaging/system-deps.sh test. Takes about five minutes.

    .venv/bin/python packaging/screenshots.py [SECONDS of the running recording]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.parts.desktop import Desktop  # noqa: E402 - after the path is set
from tests.parts.desktop_session import DesktopSession  # noqa: E402
from tests.parts.processes import program, wait_until  # noqa: E402
from tests.parts.virtual_microphone import VirtualMicrophone  # noqa: E402

SPEECH = (
    "Good morning everyone. Let us begin with the plan for this week. The release is ready, "
    "the review was good, and there is one open question about the budget. "
)
SIZES = {"window": (480, 760), "window-wide": (960, 640)}
RECORDED_BEFORE = {"Weekly planning": 95, "Interview with Dr. Okafor": 200}


def speak(folder: Path, seconds: int) -> Path:
    """A WAV of made speech, at least so long."""
    said = folder / f"speech-{seconds}.wav"
    words = SPEECH * (seconds // 10 + 1)
    subprocess.run([program("espeak-ng"), "-s", "150", "-w", str(said), words], check=True)
    return said


def window_id(session: DesktopSession) -> str:
    """The number of the program's window."""
    found = wait_until(
        lambda: [number for number, name in session.windows().items() if name == "Scribe"],
        timeout_s=30,
        what="the window",
    )
    return found[0]


def take(session: DesktopSession, window: str, name: str, images: Path) -> None:
    """Bring the window to its size and save what the screen shows of it."""
    width, height = SIZES[name.removesuffix("-dark")]
    env = {**session.env, "PATH": str(Path(program("xdotool")).parent)}
    steps = (
        ("xdotool", "windowsize", "--sync", window, str(width), str(height)),
        ("xdotool", "windowactivate", "--sync", window),
        ("sleep", "1"),  # the screen is drawn by another process
        ("scrot", "--overwrite", "--focused", str(images / f"{name}.png")),
    )
    for command, *options in steps:
        subprocess.run([program(command), *options], env=env, check=True)


def run_once(theme: str, seconds: int, folder: Path, images: Path) -> None:
    """One life of the program in one theme, with a recording that runs for so long."""
    suffix = "-dark" if theme == "dark" else ""
    with DesktopSession(keyring=False, tray=False) as session, VirtualMicrophone() as microphone:
        env = {**session.env, **microphone.env, "SCRIBE_THEME": theme, "LANG": "C.UTF-8"}
        desktop = Desktop(folder / "home", env)
        if not desktop.run("sessions", json=True).json:
            for title, length in RECORDED_BEFORE.items():
                source = str(speak(folder, length))
                options = ("--speed", "max", "--for", str(length), "--wait")
                desktop.run("record", "--input", source, "--title", title, *options, timeout=300)
        microphone.play(speak(folder, seconds + 30))
        scribe = desktop.popen("gui")
        try:
            window = window_id(session)
            desktop.run("toggle")
            time.sleep(seconds)  # the recording has to become so long
            for name in SIZES:
                take(session, window, f"{name}{suffix}", images)
            desktop.run("toggle")
        finally:
            scribe.end(30)


def main() -> None:
    """Both themes, the same home."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    images = REPOSITORY / "docs" / "images"
    images.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for theme in ("light", "dark"):
            run_once(theme, seconds, Path(folder), images)


if __name__ == "__main__":
    main()
