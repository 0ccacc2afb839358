"""Killed while everything is made for the first time: the next start simply makes it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from scribe_desktop.spool import Spool
from tests.faults.drill import Drill, Outcome, Round, ViolatedError, must_hold
from tests.faults.drills.crash_points import STARTING, random_call
from tests.faults.invariants import check_home, check_stopped_server
from tests.faults.strace import Tracer, need_ptrace
from tests.parts.filled_spool import add_session, session_id_of
from tests.parts.processes import REPOSITORY, PartFailedError
from tests.parts.proof import paths_of
from tests.parts.server import ServerProcess

CHUNKS = 3
TRIES = 5
_OPEN = """\
import pathlib, sys
from scribe_desktop.spool import Spool
Spool.open(pathlib.Path(sys.argv[1])).close()
"""
_WAIT_S = 60


def of_the_spool(round_: Round) -> Outcome:
    """A spool that was half made is made; nothing is called damaged that never held anything."""
    need_ptrace()
    home = round_.folder / "home"
    folder = paths_of(home).spool_dir
    words = ["-c", _OPEN, str(folder)]
    seen = _seen(round_, words, folder)
    for _ in range(round_.times):
        shutil.rmtree(home, ignore_errors=True)
        _killed(round_, seen, words, folder)
        spool = Spool.open(folder)
        try:
            must_hold(spool.quarantined is None, f"put aside: {spool.quarantined}")
            add_session(spool, session_id_of(1), chunks=CHUNKS)
            must_hold(spool.pending() == CHUNKS, "chunks are missing")
        finally:
            spool.close()
        check_home(home)
    return Outcome(round_.times, CHUNKS * round_.times)


def of_the_server(round_: Round) -> Outcome:
    """A server whose database was half made starts, and its doctor finds nothing."""
    need_ptrace()
    data = round_.folder / "server"
    words = ["-m", "scribe_server", "tokens", "create", "--data-dir", str(data), "--user", "anna"]
    seen = _seen(round_, words, data)
    shutil.rmtree(data)
    server = ServerProcess(data)
    tracer = Tracer(round_.folder / "seen.trace", trace=STARTING)
    server.python = tracer.starting()
    with server:
        served = tracer.text()
    died = 0
    while died < round_.times:
        shutil.rmtree(data)
        died += _killed(round_, seen, words, data)
        died += died < round_.times and _server_killed(round_, served, data)
        with ServerProcess(data) as server:
            must_hold(server.stop() == 0, "it did not stop cleanly")
        check_stopped_server(data)
    return Outcome(died, 0)


def _server_killed(round_: Round, seen: str, data: Path) -> bool:
    tracer = Tracer(round_.folder / "killed.trace", random_call(seen, str(data), round_.rng))
    server = ServerProcess(data)
    server.python = tracer.starting()
    try:
        with suppress(PartFailedError), server:  # killed while its token is waited for, or later
            server.kill()
    finally:
        server.close()
    return tracer.wait_killed(1.0) is not None


def _seen(round_: Round, words: Sequence[str], folder: Path) -> str:
    tracer = Tracer(round_.folder / "seen.trace", trace=STARTING)
    code = _run(tracer, words)
    must_hold(code == 0 and folder.exists(), f"it ended with {code}")
    return tracer.text()


def _killed(round_: Round, seen: str, words: Sequence[str], folder: Path) -> bool:
    """Run it and kill it at a random call of the record."""
    for _ in range(TRIES):
        inject = random_call(seen, str(folder), round_.rng)
        tracer = Tracer(round_.folder / "killed.trace", inject)
        _run(tracer, words)
        if tracer.wait_killed(2.0):
            return True
        shutil.rmtree(folder, ignore_errors=True)
    raise ViolatedError(f"no call came in {TRIES} starts")


def _run(tracer: Tracer, words: Sequence[str]) -> int:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SCRIBE_")}
    return subprocess.run(
        tracer.starting([sys.executable, *words]),
        cwd=REPOSITORY,
        env=clean,
        capture_output=True,
        timeout=_WAIT_S,
        check=False,
    ).returncode


DRILLS = [
    Drill(
        "crash-new-spool",
        "System calls",
        "kill -9 exactly at a system call while the spool is made for the first time",
        100,
        of_the_spool,
        takes_s=5,
    ),
    Drill(
        "crash-new-server",
        "System calls",
        "kill -9 exactly at a system call while the server's folder is made for the first time",
        30,
        of_the_server,
        takes_s=9,
    ),
]
