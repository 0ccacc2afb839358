"""A server of the run's own: a child process in a temporary folder, with a token of its own."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from scribe_server.loadtest.errors import LoadtestError

SERVER_COMMAND: Final = "loadtest-server"
_PASSED_ON: Final = (
    "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "SYSTEMROOT", "TEMP", "TMP",
    "TMPDIR", "VIRTUAL_ENV",
)  # fmt: skip
"""No setting of a server that the person runs may reach this one."""
_START_S: Final = 60.0
_END_S: Final = 15.0
_LAST_WORDS: Final = 2000


class OwnServer:
    """Use it as an async context. It ends with its stdin, so it cannot outlive the command.

    Args:
        folder: where its data and its log go; the caller removes it.
        user: whose sessions the token opens.
        sync_delay_ms: how much longer each synchronisation to the disk takes.
    """

    def __init__(self, folder: Path, *, user: str, sync_delay_ms: float = 0.0) -> None:
        self.data_dir = folder / "data"
        self.token = "scribe_" + secrets.token_urlsafe(32)
        self.url = ""
        self.pid = 0
        self._log = folder / "server.log"
        self._user = user
        self._delay_ms = sync_delay_ms
        self._child: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start it; LoadtestError when it does not begin to listen."""
        try:
            await self._start()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """End it in order, or for certain."""
        await self._end()

    async def _start(self) -> None:
        with self._log.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=_environment(os.environ),
                start_new_session=True,  # Ctrl+C is for the command, which ends its server
            )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(self.token.encode() + b"\n")
        try:
            async with asyncio.timeout(_START_S):
                said = json.loads(await self._child.stdout.readline())
                self.url, self.pid = str(said["url"]), int(said["pid"])
        except (TimeoutError, ValueError, LookupError) as error:
            words = self._log.read_text(encoding="utf-8", errors="replace")[-_LAST_WORDS:]
            raise LoadtestError(f"The server does not start:\n{words}") from error

    def _command(self) -> list[str]:
        return [
            sys.executable, "-m", "scribe_server", SERVER_COMMAND,
            "--data-dir", str(self.data_dir), "--port", "0",
            "--user", self._user, "--sync-delay-ms", str(self._delay_ms),
        ]  # fmt: skip

    async def _end(self) -> None:
        child = self._child
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            async with asyncio.timeout(_END_S):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in _PASSED_ON if name in environ}
