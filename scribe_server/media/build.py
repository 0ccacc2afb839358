"""Makes the file of a whole session: fragments are joined here, chunks are stitched by a helper."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from scribe_server.media.framing import frame
from scribe_server.media.stitch import EXIT_UNREADABLE

HELPER_TIMEOUT_S: Final = 300
_PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
HELPER_COMMAND: Final = "stitch-helper"

Parts = AsyncIterator[tuple[int | None, bytes]]
"""(first sample or None, bytes) of each part, in order."""


class NotPlayableError(Exception):
    """The stored parts do not make a sound file; the message says why."""


async def join_fragments(parts: Parts, path: Path) -> None:
    """Write the pieces of one stream one after the other.

    Raises:
        NotPlayableError: the first piece does not begin a WebM document.
        OSError: the file cannot be written.
    """
    first = True
    with path.open("wb") as output:
        async for _, data in parts:
            # The EBML header's id (RFC 8794): only piece 0 of a stream has it.
            if first and not data.startswith(b"\x1a\x45\xdf\xa3"):
                raise NotPlayableError("its first part does not begin a WebM stream")
            first = False
            await asyncio.to_thread(output.write, data)


async def stitch_chunks(parts: Parts, path: Path) -> None:
    """Write one WebM from complete ones, in a process that can do little else.

    Raises:
        NotPlayableError: a part cannot be read, or the helper used more than it may.
        OSError: the helper cannot be started, or the file not be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        helper = await asyncio.create_subprocess_exec(
            *_command(descriptor),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=[descriptor],
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )
    finally:
        os.close(descriptor)
    try:
        async with asyncio.timeout(HELPER_TIMEOUT_S):
            said, _ = await asyncio.gather(_read_end(helper), _feed(helper, parts))
            code = await helper.wait()
    except TimeoutError as error:
        raise NotPlayableError("putting it together took too long") from error
    finally:
        if helper.returncode is None:
            helper.kill()
            await helper.wait()
    if code == EXIT_UNREADABLE:
        raise NotPlayableError(f"a part cannot be read: {said}")
    if code != 0:
        raise NotPlayableError(f"putting it together failed (exit {code})")


def _command(descriptor: int) -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, HELPER_COMMAND, str(descriptor)]
    return [sys.executable, "-I", "-m", "scribe_server.media.stitch", str(descriptor)]


async def _feed(helper: asyncio.subprocess.Process, parts: Parts) -> None:
    assert helper.stdin is not None
    try:
        async for first_sample, data in parts:
            helper.stdin.write(frame(first_sample, data))
            await helper.stdin.drain()
    except ConnectionError:  # it has ended early, and its exit code says why
        return
    finally:
        helper.stdin.close()


async def _read_end(helper: asyncio.subprocess.Process) -> str:
    """The last words of the helper, whatever it wrote before."""
    assert helper.stderr is not None
    words = b""
    while more := await helper.stderr.read(65_536):
        words = (words + more)[-300:]
    return words.decode(errors="replace").strip()
