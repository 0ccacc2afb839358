"""A PostgreSQL of the benchmark's own: in a folder, on a free port, stopped at the end."""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

USER = "postgres"


def find(program: str) -> str | None:
    """A program's path; Debian keeps PostgreSQL's own out of PATH."""
    found = shutil.which(program)
    if found is None:
        newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)
        found = str(newest[0]) if newest else None
    return found


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


class Postgres:
    """A cluster with fsync on, as Debian sets it up; root runs it as the user `postgres`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"
        self._port = free_port()

    def __enter__(self) -> Self:
        self._folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self._folder, USER, USER)
        self._do("initdb", "-A", "trust", "-U", "scribe")
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -k {self._folder}"
        self._do("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", options, "start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._do("pg_ctl", "-w", "-m", "fast", "stop")

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"postgresql://scribe@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        """The postmaster, whose children are all the others."""
        first = (self._folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0]
        return int(first)

    def _do(self, program: str, *words: str) -> None:
        path = find(program)
        if path is None:
            raise FileNotFoundError(f"{program}: run packaging/system-deps.sh bench")
        command = [path, "-D", str(self._folder), *words]
        if os.geteuid() == 0:
            command = ["runuser", "-u", USER, "--", *command]
        # Into a file: the server that pg_ctl starts would keep a pipe open for ever.
        with (self._folder.parent / "postgres.out").open("ab") as out:
            done = subprocess.run(command, stdout=out, stderr=out, cwd="/", check=False)
        if done.returncode != 0:
            told = Path(out.name).read_text(encoding="utf-8")
            raise RuntimeError(f"{program} failed:\n{told}")
