"""Who this server is: an id that is made once and kept in its folder."""

import os
import uuid
from pathlib import Path

from scribe_server.errors import StartupError


def write_private(path: Path, content: bytes) -> None:
    """Create a file that only its owner can read, durably: whole after a crash or not there.

    Raises:
        OSError: the folder cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load_or_create_server_id(data_dir: Path) -> str:
    """The server's UUID, from `keys/server-id`.

    Raises:
        StartupError: the file is there but does not hold a UUID.
    """
    path = data_dir / "keys" / "server-id"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        write_private(path, f"{uuid.uuid4()}\n".encode())
    text = path.read_text(errors="replace").strip()
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise StartupError(
            f"{path} is damaged: it must hold the server's UUID.",
            "Restore the keys folder from a backup.",
        ) from error
