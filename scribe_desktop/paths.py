"""Where things lie on this computer: the one module that asks for the system's folders."""

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

import appdirs

from scribe_desktop.errors import ScribeError

APP: Final = "scribe"
MAX_SOCKET_PATH: Final = 100
"""Bytes; Linux allows 107 for a Unix socket's path and macOS 103 (sys/un.h)."""


@dataclass(frozen=True)
class Paths:
    """All folders and files of one installation; nothing exists before `ensure()`.

    `rescue_dirs` may take the place of `data_dir` while that cannot be used, the best one first.
    """

    config_dir: Path
    data_dir: Path
    runtime_dir: Path
    log_dir: Path
    exports: Path | None = None
    rescue_dirs: tuple[Path, ...] = ()

    @property
    def spool_dir(self) -> Path:
        """The spool's folder."""
        return self.data_dir / "spool"

    @property
    def journal_dir(self) -> Path:
        """The folder of the crash-safe tails of running recordings."""
        return self.data_dir / "journal"

    @property
    def server_dir(self) -> Path:
        """The bundled server's data folder."""
        return self.data_dir / "server"

    @property
    def export_dir(self) -> Path:
        """Where exports are offered to be saved; made by whoever saves there."""
        return self.exports or self.data_dir / "exports"

    @property
    def owner_lock(self) -> Path:
        """The file whose lock says who owns the spool."""
        return self.data_dir / "owner.lock"

    @property
    def settings_file(self) -> Path:
        """The person's settings, TOML."""
        return self.config_dir / "settings.toml"

    @property
    def log_file(self) -> Path:
        """The desktop's own log."""
        return self.log_dir / "scribe.log"

    @property
    def server_log_file(self) -> Path:
        """What the bundled server writes to stderr."""
        return self.log_dir / "server.log"

    @property
    def control_socket(self) -> Path:
        """The running instance's socket; in a short folder when the usual path is too long."""
        usual = self.runtime_dir / "control.sock"
        if len(os.fsencode(usual)) <= MAX_SOCKET_PATH:
            return usual
        name = hashlib.sha256(os.fsencode(usual)).hexdigest()[:16]
        base = Path(tempfile.gettempdir())
        if len(os.fsencode(base)) > MAX_SOCKET_PATH - 50:
            base = Path("/tmp")  # noqa: S108 - `ensure` makes our own 0700 folder in it and checks it
        return base / f"scribe-{os.getuid()}-{name}" / "control.sock"

    def resource(self, name: str) -> Path:
        """The path of a file that comes with the program.

        Raises:
            ScribeError: when this installation does not hold it.
        """
        for folder in _resource_folders():
            if (folder / name).exists():
                return folder / name
        raise ScribeError(
            "Part of Scribe is missing", f"There is no {name} in it.", "Install Scribe again."
        )

    def kept_in(self, data_dir: Path) -> Self:
        """The same installation with its recordings in another folder."""
        return replace(self, data_dir=data_dir)

    def ensure(self) -> None:
        """Make the folders, readable by their owner only.

        Raises:
            ScribeError: when one cannot be made or belongs to somebody else.
        """
        self.ensure_surroundings()
        self.ensure_data()

    def ensure_surroundings(self) -> None:
        """Make the folders around the recordings: settings, log, control socket.

        Raises:
            ScribeError: when one cannot be made or belongs to somebody else.
        """
        for folder in (self.config_dir, self.runtime_dir, self.log_dir, self.control_socket.parent):
            _make_private(folder)

    def ensure_data(self) -> None:
        """Make the folders of the recordings.

        Raises:
            ScribeError: when one cannot be made or belongs to somebody else.
        """
        for folder in (self.data_dir, self.spool_dir, self.journal_dir):
            _make_private(folder)


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat(follow_symlinks=folder.parent != Path(tempfile.gettempdir()))
        if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
            raise ScribeError(
                "Folder of somebody else",
                f"{folder} does not belong to you.",
                "Remove it, or set SCRIBE_HOME to a folder of your own.",
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise ScribeError(
            "Folder cannot be used",
            f"{folder}: {error.strerror or error}.",
            "Free some room or set SCRIBE_HOME to a folder that you may write.",
        ) from error


def _resource_folders() -> list[Path]:
    package = Path(__file__).resolve().parent
    frozen = getattr(sys, "_MEIPASS", None)  # PyInstaller's folder of unpacked files
    folders = [package / "_resources", package.parent / "resources"]
    return [Path(frozen) / "scribe_desktop" / "_resources", *folders] if frozen else folders


def resolve_paths(environ: Mapping[str, str]) -> Paths:
    """The folders for this environment; SCRIBE_HOME puts all of them below one folder."""
    if environ.get("SCRIBE_HOME"):
        home = Path(environ["SCRIBE_HOME"]).expanduser().absolute()
        return Paths(
            home / "config",
            home / "data",
            home / "run",
            home / "logs",
            home / "exports",
            (home / "rescue", *rescue_dirs(home / "data")),
        )
    data = Path(appdirs.user_data_dir(APP, appauthor=False))
    runtime = environ.get("XDG_RUNTIME_DIR")
    documents = Path.home() / "Documents"
    return Paths(
        config_dir=Path(appdirs.user_config_dir(APP, appauthor=False)),
        data_dir=data,
        runtime_dir=Path(runtime) / APP if runtime else data / "run",
        log_dir=Path(appdirs.user_log_dir(APP, appauthor=False)),
        exports=(documents if documents.is_dir() else Path.home()) / "Scribe",
        rescue_dirs=rescue_dirs(data),
    )


def rescue_dirs(data_dir: Path) -> tuple[Path, ...]:
    """Folders of this person that may hold recordings while `data_dir` cannot be used.

    State before cache, which a cleaner may empty, and last the folder for temporary files, which
    a restart of the computer may empty. Each installation has its own: the name says whose.
    """
    whose = hashlib.sha256(os.fsencode(data_dir.absolute())).hexdigest()[:12]
    temporary = Path(tempfile.gettempdir()) / f"{APP}-{os.getuid()}-rescue-{whose}"
    state = Path(appdirs.user_state_dir(APP, appauthor=False))
    cache = Path(appdirs.user_cache_dir(APP, appauthor=False))
    return state / f"rescue-{whose}", cache / f"rescue-{whose}", temporary
