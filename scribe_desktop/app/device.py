"""Who this computer is: a device id that is bound to the machine, so that a copy gets its own."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from scribe_desktop.spool import Spool

MACHINE_ID_FILES: Final = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


def read_machine_id(files: Iterable[Path] = MACHINE_ID_FILES) -> str | None:
    """A stable name of this machine, or None when it has none (as in some containers).

    Hashed with the program's name, as machine-id(5) asks of programs that store it.
    """
    for file in files:
        try:
            text = file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text and text != "uninitialized":
            return hashlib.sha256(f"scribe:{text}".encode()).hexdigest()
    return None


def bind_device(spool: Spool, machine_id: str | None, new_id: Callable[[], str]) -> str:
    """The device id for this spool on this machine; a new one when the spool came from another.

    An unknown machine (None) keeps the id: nothing says that the spool has moved.
    """
    device_id = spool.meta("device_id")
    bound_to = spool.meta("machine_id")
    moved = machine_id is not None and bound_to is not None and machine_id != bound_to
    if device_id is None or moved:
        device_id = new_id()
        spool.set_meta("device_id", device_id)
    if machine_id is not None and machine_id != bound_to:
        spool.set_meta("machine_id", machine_id)
    return device_id
