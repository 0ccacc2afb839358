"""A desktop without sound: it puts made-up chunks into a real spool that a real engine delivers.

    python -m tests.faults.feeder HOME URL PROMISED [--rate 50] [--size 20000] [--chunks 20]

Every chunk that the spool has committed is written to PROMISED as a line: session, sequence,
SHA-256. SIGTERM ends the feeding; the program then ends with 0 as soon as everything has a
receipt (or, with --patience, once nothing has changed for so many seconds: what is damaged gets
none). A spool that refuses a chunk is asked again with the same chunk, as a recorder does that
keeps it in memory. What a damaged spool leaves is taken over at the start, as the desktop does.
SIGUSR1 says that the server which answers now is to be trusted. Each new error of delivery is a
line on stderr. The token is taken from SCRIBE_TOKEN.
"""

import argparse
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from scribe_desktop.errors import SpoolError
from scribe_desktop.model import SyncStatus, now_ms
from scribe_desktop.spool import NewChunk, Spool
from scribe_desktop.sync import ServerTarget, SyncEngine
from tests.parts.filled_spool import new_chunk, new_session
from tests.parts.proof import paths_of

RETRY_S = 0.1
LOOK_S = 0.05


class Feeder:
    """Feeds until it is told to stop, then waits for the receipts."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._rate: float = options.rate
        self._size: int = options.size
        self._chunks: int = options.chunks
        self._patience_s: float = options.patience
        self._refused = 0
        self._stopping = threading.Event()
        self._promised = os.open(options.promised, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        folder = paths_of(options.home).spool_dir
        self._spool = self._open(folder)
        self._error = ""
        for saved in self._spool.salvage_quarantined():
            say(f"salvaged: {saved.words}")
        self._engine = SyncEngine(
            spool_folder=folder,
            device_id=f"feeder-{options.home.name}",
            on_status=self._notice,
            on_session=lambda session_id: None,
        )
        self._engine.set_target(ServerTarget(options.url, os.environ.get("SCRIBE_TOKEN")))

    def stop(self) -> None:
        """Feed no more, from any thread; `run` then delivers what there is."""
        self._stopping.set()

    def trust(self) -> None:
        """Deliver to the server that answers now, although it is not the one that was known."""
        self._engine.accept_server_identity()

    def run(self) -> None:
        """Everything, to the last receipt."""
        for session in self._spool.open_sessions():
            self._end(session.session_id)
        self._engine.start()
        while not self._stopping.is_set():
            self._feed_a_session()
        self._deliver()
        self._engine.stop(5.0)
        self._spool.close()

    def _open(self, folder: Path) -> Spool:
        while True:
            try:
                return Spool.open(folder)
            except SpoolError as error:
                self._refuse(error)

    def _feed_a_session(self) -> None:
        session_id = str(uuid.uuid4())
        new = new_session(session_id, started_at=now_ms())
        self._insist(lambda: self._spool.create_session(new))
        for sequence in range(self._chunks):
            began = time.monotonic()
            self._promise(new_chunk(session_id, sequence, size=self._size))
            rest = 1 / self._rate - (time.monotonic() - began)
            if rest > 0 and self._stopping.wait(rest):
                break
        self._end(session_id)

    def _end(self, session_id: str) -> None:
        self._insist(lambda: self._spool.end_session(session_id, ended_at=now_ms()))
        self._engine.wake()

    def _promise(self, chunk: NewChunk) -> None:
        self._insist(lambda: self._spool.add_chunk(chunk))
        line = f"{chunk.session_id} {chunk.sequence} {chunk.sha256}\n"
        os.write(self._promised, line.encode())
        self._engine.wake()

    def _insist(self, write: Callable[[], None]) -> None:
        while True:
            try:
                write()
            except SpoolError as error:
                self._refuse(error)
            else:
                return

    def _refuse(self, error: SpoolError) -> None:
        self._refused += 1
        if self._refused == 1 or self._refused % 50 == 0:
            say(f"refused {self._refused}: {error.title}: {error.message}")
        time.sleep(RETRY_S)

    def _deliver(self) -> None:
        left, since = (-1, -1), 0.0
        while any(now := self._left()):
            if now != left:
                left, since = now, time.monotonic()
            elif self._patience_s and time.monotonic() - since > self._patience_s:
                return
            self._engine.wake()
            time.sleep(LOOK_S)

    def _left(self) -> tuple[int, int]:
        return self._spool.pending(), len(self._spool.sessions_awaiting_receipt())

    def _notice(self, status: SyncStatus) -> None:
        if status.error_code != self._error:
            self._error = status.error_code
            say(f"delivery: {status.error_code or 'well again'}")


def say(line: str) -> None:
    """A line on stderr, with the time as it really passes."""
    print(f"{time.monotonic():.3f} {line}", file=sys.stderr, flush=True)


def parse(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.feeder")
    parser.add_argument("home", type=Path)
    parser.add_argument("url")
    parser.add_argument("promised", type=Path)
    parser.add_argument("--rate", type=float, default=50, help="chunks per second")
    parser.add_argument("--size", type=int, default=20_000, help="bytes of a chunk")
    parser.add_argument("--chunks", type=int, default=20, help="chunks of a session")
    parser.add_argument("--patience", type=float, default=0, help="seconds; 0: wait for all")
    return parser.parse_args(words)


if __name__ == "__main__":
    feeder = Feeder(parse(sys.argv[1:]))
    signal.signal(signal.SIGTERM, lambda *_: feeder.stop())
    signal.signal(signal.SIGUSR1, lambda *_: feeder.trust())
    feeder.run()
