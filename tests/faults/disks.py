"""A disk of its own for a program: it can lose power or be filled up, and is gone in the end.

A power cut is FS_IOC_SHUTDOWN without a flush of the file system's journal: what was not made
durable never reaches the disk, and every call after it fails. ext4 and xfs lie on a file (a loop
device); tmpfs lies in memory and can only be filled.
"""

import errno
import fcntl
import os
import struct
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from tests.faults.drill import NotHereError, Round, must_hold
from tests.parts.processes import wait_until

Kind = Literal["ext4", "xfs", "tmpfs"]

_SHUTDOWN: Final = 0x8004587D
"""FS_IOC_SHUTDOWN: _IOR('X', 125, __u32), the same on both (Linux, fs/ext4/ext4.h)."""
_WITHOUT_FLUSH: Final = 2
"""EXT4_GOING_FLAGS_NOLOGFLUSH, XFS_FSOP_GOING_FLAGS_NOLOGFLUSH."""
_MAKE: Final = {"ext4": ("mkfs.ext4", "-q", "-F", "-m0"), "xfs": ("mkfs.xfs", "-q", "-f")}
_LEAST_MB: Final = {"ext4": 8, "xfs": 320, "tmpfs": 1}
"""mkfs.xfs refuses what is smaller."""
_CANARY_BYTES: Final = 256 * 1024
_BALLAST_BYTES: Final = (1 << 20, 1 << 16, 1 << 12)


class Disk:
    """A mounted file system; unmounted, its image deleted, when the round ends."""

    def __init__(self, round_: Round, kind: Kind, path: Path, *, mb: int = 200) -> None:
        """Make it and mount it at `path`, which is made too.

        Args:
            round_: ends it.
            kind: of file system.
            path: where it is mounted; the image lies beside it.
            mb: its size in MiB; an xfs has 320 at least.

        Raises:
            NotHereError: this machine forbids it, or lacks the program that makes it.
        """
        self.kind = kind
        self.path = path
        self._mb = max(mb, _LEAST_MB[kind])
        self._image = path.with_name(f"{path.name}.{kind}")
        self._canaries = 0
        path.mkdir(parents=True)
        if kind != "tmpfs":
            self._make_image()
        round_.cleanup.callback(self._end)
        self._mount()
        with suppress(FileNotFoundError):  # ext4 only; no program should have to know it
            (path / "lost+found").rmdir()

    def cut(self) -> None:
        """The power goes: what is not on the disk by now is lost, every later call fails."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _WITHOUT_FLUSH))
        finally:
            os.close(descriptor)

    def again(self) -> None:
        """The power comes back; whoever had a file open must have been killed before."""
        self._unmount()
        self._mount()

    def put_canary(self) -> Path:
        """Write a file that nobody makes durable; a power cut soon after must cost it."""
        self._canaries += 1
        canary = self.path / f"canary-{self._canaries}"
        canary.write_bytes(os.urandom(_CANARY_BYTES))
        return canary

    def check_dropped(self, canary: Path) -> None:
        """The cut has lost what was not durable, so it was one; the canary's rest is deleted."""
        size = canary.stat().st_size if canary.exists() else 0
        must_hold(size < _CANARY_BYTES, f"{self.kind}: what nobody made durable outlived the cut")
        canary.unlink(missing_ok=True)

    def fill(self) -> None:
        """Take all the room that is left; what others give back since, too."""
        with (self.path / "ballast").open("ab", buffering=0) as ballast:
            for _ in range(2):  # what was promised to be written later may then need less
                for size in _BALLAST_BYTES:
                    _write_all_that_fits(ballast.fileno(), size)
                with suppress(OSError):  # that it is full is what is wanted
                    os.fsync(ballast.fileno())

    def is_full(self) -> bool:
        """Whether there is no room for a block of some size."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize < _BALLAST_BYTES[1]

    def free(self) -> None:
        """Give back the room that `fill` took."""
        (self.path / "ballast").unlink(missing_ok=True)

    def _make_image(self) -> None:
        with self._image.open("wb") as image:
            image.truncate(self._mb << 20)
        self._run(*_MAKE[self.kind], str(self._image))

    def _mount(self) -> None:
        if self.kind == "tmpfs":
            self._run("mount", "-t", "tmpfs", "-o", f"size={self._mb}m", "tmpfs", str(self.path))
        else:
            self._run("mount", "-o", "loop", str(self._image), str(self.path))

    def _run(self, *words: str) -> None:
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        except FileNotFoundError:
            raise NotHereError(f"needs {words[0]}") from None
        if done.returncode != 0:
            why = (done.stderr.strip() or str(done.returncode)).splitlines()[0]
            raise NotHereError(f"needs a disk of its own ({self.kind}); {words[0]} says: {why}")

    def _unmount(self) -> None:
        def unmounted() -> bool:
            words = ["umount", str(self.path)]
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            return done.returncode == 0

        wait_until(unmounted, timeout_s=20, what=f"{self.path} to be unmounted: who uses it?")

    def _end(self) -> None:
        if self.path.is_mount():
            try:
                self._unmount()
            except AssertionError:  # whoever hangs in it shall not keep it
                subprocess.run(["umount", "-l", str(self.path)], timeout=60, check=True)
                raise
        self._image.unlink(missing_ok=True)


def _write_all_that_fits(descriptor: int, size: int) -> None:
    block = bytes(size)
    while True:
        try:
            if os.write(descriptor, block) < size:
                return
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return
