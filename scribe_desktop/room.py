"""How much room there is for sound on a disk."""

import shutil
from pathlib import Path
from typing import Final

MB: Final = 1 << 20
RESERVE: Final = 64 * MB
"""Bytes that stay free for the end of a recording, for delivery and for everybody else."""
RESCUE_ROOM: Final = 100 * MB
"""Bytes that have to be free in a folder that takes the place of the ordinary one."""


def free_bytes(folder: Path) -> int:
    """Bytes that this person may still write where a folder is or would be; 0 when unknown."""
    place = folder.absolute()
    while True:
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            place = place.parent
        except OSError:
            # A file in the place of a folder, a disk that is gone: nothing can be written there.
            return 0
