"""Checks everything that Scribe needs; each check says ok, warn or fail in one sentence."""

import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from scribe_desktop.config import LOCAL, Settings
from scribe_desktop.credentials import KeyringCredentials
from scribe_desktop.errors import ScribeError
from scribe_desktop.model import now_ms
from scribe_desktop.paths import Paths
from scribe_desktop.room import free_bytes, room_of
from scribe_desktop.server_api import ServerApi, blocking
from scribe_desktop.spool import Salvage, Spool
from scribe_desktop.spool.quarantine import FILE_NAME, REPORT, quarantined
from scribe_desktop.spool.rescue import RescueFolder

GIB: Final = 1 << 30
LEAST_ROOM: Final = 100 << 20
LARGEST_SKEW_MS: Final = 120_000
KEYRING_S: Final = 10.0
DESKTOP_MODULES: Final = (
    "PySide6", "sounddevice", "soundfile", "numpy", "socketio", "aiohttp", "sqlite_utils",
    "appdirs", "keyring", "av", "cryptography", "click", "rich", "tzlocal", "psutil",
)  # fmt: skip
SERVER_MODULES: Final = ("sqlalchemy", "alembic", "socketio", "aiohttp", "cryptography", "av")


class Level(StrEnum):
    """How a check went; only a fail makes the whole fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One finding: what was looked at, how it is, and one sentence."""

    name: str
    level: Level
    words: str


@dataclass(frozen=True)
class Patient:
    """What is examined."""

    paths: Paths
    settings: Settings
    environ: Mapping[str, str]


def examine(patient: Patient) -> Iterator[Check]:
    """All checks, one after the other."""
    for name, look in CHECKS.items():
        try:
            level, words = look(patient)
        except ScribeError as error:
            level, words = Level.FAIL, f"{error.message} {error.remedy}".strip()
        yield Check(name, level, words)


def check_python(_: Patient) -> tuple[Level, str]:
    """Python is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    return (Level.OK if sys.version_info >= (3, 11) else Level.FAIL), f"Python {version}."


def check_libraries(_: Patient) -> tuple[Level, str]:
    """The desktop extra is installed."""
    missing = lacking(DESKTOP_MODULES)
    if not missing:
        return Level.OK, f"All {len(DESKTOP_MODULES)} libraries are installed."
    install = "pip install 'scribe-recorder[desktop]'"
    level = Level.WARN if missing == ["PySide6"] else Level.FAIL
    return level, f"Missing: {', '.join(missing)}. Install with: {install}"


def check_encoder(_: Patient) -> tuple[Level, str]:
    """PyAV brings the Opus encoder."""
    from scribe_desktop.capture.encoder import OpusEncoder

    OpusEncoder(channels=1, bitrate=32_000)
    return Level.OK, "PyAV encodes Opus (libopus)."


def check_microphone(patient: Patient) -> tuple[Level, str]:
    """PortAudio is there and knows a microphone; recording files works without."""
    from scribe_desktop.capture.devices import list_devices

    try:
        devices = list_devices()
    except ScribeError as error:
        return Level.WARN, f"{error.message} {error.remedy} Files can be recorded without."
    microphones = [device for device in devices if not device.is_monitor]
    if not microphones:
        return Level.WARN, "PortAudio works, but there is no microphone."
    wanted = patient.settings.device
    if wanted and wanted not in {device.name for device in devices}:
        return Level.WARN, f"The microphone of the settings, {wanted!r}, is not there."
    return Level.OK, f"{len(microphones)} found: {microphones[0].description}."


def check_spool(patient: Patient) -> tuple[Level, str]:
    """The recordings can be read, are not damaged, and how many parts wait."""
    file = patient.paths.spool_dir / FILE_NAME
    if not file.exists():
        return Level.OK, "Nothing was recorded yet."
    with closing(Spool.open_read_only(patient.paths.spool_dir)) as spool:
        sessions, pending = len(spool.sessions()), spool.pending()
    found = integrity(file)
    if found != "ok":
        return Level.FAIL, f"The file of recordings is damaged: {found}. Start Scribe to repair it."
    words = f"{sessions} recordings, {pending} parts to send, the file is whole."
    if aside := quarantined(patient.paths.spool_dir):
        told = " ".join(report_of(path) for path in aside)
        return Level.WARN, f"{words} {len(aside)} damaged files were put aside. {told}"
    return Level.OK, words


def report_of(path: Path) -> str:
    """What was saved of a file in quarantine, and where it is."""
    report = path.with_name(REPORT)
    if not report.exists():
        return f"Nothing was taken over yet; start Scribe to try again: {path}"
    try:
        return msgspec.json.decode(report.read_bytes(), type=Salvage).words
    except (OSError, msgspec.MsgspecError) as error:
        return f"Its report cannot be read ({error}): {path}"


def check_rescue(patient: Patient) -> tuple[Level, str]:
    """No recordings wait in a folder that has taken the place of the usual one."""
    folders = [RescueFolder(root) for root in patient.paths.rescue_dirs]
    found = [str(folder.root) for folder in folders if folder.has_recordings]
    if not found:
        return Level.OK, "No recordings are kept elsewhere."
    where = ", ".join(found)
    return Level.WARN, (
        f"The usual folder could not be used: there are recordings in {where}. They are taken over"
        " when Scribe starts and can use it again."
    )


def check_room(patient: Patient) -> tuple[Level, str]:
    """There is room to record."""
    free = free_bytes(patient.paths.data_dir)
    bitrate = patient.settings.bitrate
    room = room_of(free, bitrate=bitrate, copies=2 if patient.settings.server == LOCAL else 1)
    words = f"{free / GIB:.1f} GiB free where recordings are kept. {room.words}"
    if free < LEAST_ROOM:
        return Level.FAIL, words
    return (Level.WARN if free < GIB else Level.OK), words


def check_keyring(patient: Patient) -> tuple[Level, str]:
    """The system keeps secrets; needed only for a server elsewhere."""
    try:
        return Level.OK, f"{KeyringCredentials(timeout_s=KEYRING_S).backend()}."
    except ScribeError as error:
        needed = patient.settings.server not in {"", LOCAL}
        given = bool(patient.environ.get("SCRIBE_TOKEN"))
        level = Level.FAIL if needed and not given else Level.WARN
        return level, f"{error.message} Only a server elsewhere needs one. {error.remedy}"


def check_server(patient: Patient) -> tuple[Level, str]:
    """The server of the settings can be used."""
    origin = patient.settings.server
    if not origin:
        return Level.WARN, "No server is chosen: recordings stay on this computer."
    if origin == LOCAL:
        missing = lacking(SERVER_MODULES)
        if missing:
            install = "pip install 'scribe-recorder[server]'"
            return Level.FAIL, f"The built-in server lacks {', '.join(missing)}: {install}"
        return Level.OK, "The built-in server is installed."
    keys = blocking(ServerApi(origin, None, insecure=patient.settings.insecure).keys())
    return Level.OK, f"{origin} answers as server {keys.server_id}."


def check_clock(patient: Patient) -> tuple[Level, str]:
    """This computer's clock agrees with the server's."""
    origin = patient.settings.server
    if origin in {"", LOCAL}:
        return Level.OK, "Nothing to compare it with: the server is this computer."
    theirs = blocking(ServerApi(origin, None, insecure=patient.settings.insecure).clock())
    skew_s = (now_ms() - theirs) / 1000
    words = (
        f"This clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} the server."
    )
    return (Level.WARN if abs(skew_s) * 1000 > LARGEST_SKEW_MS else Level.OK), words


def lacking(modules: tuple[str, ...]) -> list[str]:
    """The modules that are not installed."""
    return [name for name in modules if find_spec(name) is None]


def integrity(file: Path) -> str:
    """What SQLite says of a database file: `ok`, or the first damage."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as found:
            return str(found.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        return str(error)


CHECKS: Final[Mapping[str, Callable[[Patient], tuple[Level, str]]]] = {
    "Python": check_python,
    "libraries": check_libraries,
    "encoder": check_encoder,
    "microphone": check_microphone,
    "recordings": check_spool,
    "rescue folder": check_rescue,
    "disk": check_room,
    "keyring": check_keyring,
    "server": check_server,
    "clock": check_clock,
}
