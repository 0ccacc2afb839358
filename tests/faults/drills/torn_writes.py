"""Torn writes: either side dies in the middle of writing, and its disk keeps a part of it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scribe_desktop.capture.journal import SUFFIX, read_journal
from scribe_desktop.model import PACKET_SAMPLES, now_ms
from tests.faults import torn
from tests.faults.drill import Drill, Outcome, Round, ViolatedError, must_hold
from tests.faults.invariants import check_home
from tests.faults.rig import Rig
from tests.faults.strace import Tracer, need_ptrace
from tests.parts.capture import tone
from tests.parts.desktop import Desktop
from tests.parts.processes import wait_until
from tests.parts.proof import only_session, paths_of
from tests.parts.sound import RATE, decode, write_wav

SIZE = 4_000
"""Bytes of a chunk: strace writes each byte down."""
PATIENCE_S = 10.0
TRIES = 10
SECONDS = 60
"""Of the sound that is recorded."""


@dataclass(frozen=True)
class Files:
    """A database, and where segments are."""

    database: Path
    segments: Path | None = None

    def everything(self) -> list[Path]:
        """All that is there."""
        segments = [] if self.segments is None else self.segments.glob("*.seg")
        return [*self.database.parent.glob(f"{self.database.name}*"), *segments]


def of_the_server(round_: Round) -> Outcome:
    """WAL, database or segment of the server are torn in what was not synced: no ack is lost."""
    need_ptrace()
    rig = Rig(round_, size=SIZE)
    rig.start_feeder()
    data = rig.server.data_dir
    files = Files(data / "scribe.sqlite3", data / "segments")
    torn_bytes = 0
    for _ in range(round_.times):
        changed = 0
        while not changed:
            changed = _die_writing(round_, rig.server.pid, files, 40)
            rig.server.kill()
            rig.pause_feeder()
            rig.server.start()
            rig.check_acked()
            rig.resume_feeder()
            rig.recovered(now_ms())
        torn_bytes += changed
    return rig.ended(round_.times, f"{torn_bytes} bytes torn")


def of_the_client(round_: Round) -> Outcome:
    """WAL or database of the spool are torn in what was not synced: no promise is lost."""
    need_ptrace()
    rig = Rig(round_, size=SIZE)
    spool = paths_of(rig.home).spool_dir
    torn_bytes = 0
    for _ in range(round_.times):
        changed = 0
        while not changed:
            began = now_ms()
            rig.start_feeder()
            rig.recovery_ms.append(rig.wait_for_ack(began))
            changed = _die_writing(round_, rig.feeder.pid, Files(spool / "spool.sqlite3"), 200)
            rig.kill_feeder()
            rig.check_promised()
            rig.check_acked()
        torn_bytes += changed
    note = f"{torn_bytes} bytes torn; recovery includes the start of the program"
    return rig.ended(round_.times, note)


def _die_writing(round_: Round, pid: int, files: Files, most: int) -> int:
    """Kill the program at one of its next writes, then tear: how many bytes.

    Every third time it is a write of the database itself, which is made when the WAL is moved
    into it.
    """
    for _ in range(TRIES):
        moved = round_.rng.random() < 1 / 3
        at = round_.rng.randint(1, 6 if moved else most)
        paths = [files.database] if moved else files.everything()
        tracer = _tracer(round_, f"pwrite64:signal=KILL:when={at}", paths)
        changed_at = files.database.stat().st_mtime_ns
        old = {str(files.database): files.database.read_bytes()}
        tracer.attach(pid, round_)
        if files.database.stat().st_mtime_ns != changed_at:
            tracer.detach()
            continue
        found = tracer.wait_killed(PATIENCE_S)
        tracer.detach()
        if found:
            return torn.apply(torn.unsynced(tracer.text()), round_.rng, old)
    raise ViolatedError(f"no write came in {TRIES} times {PATIENCE_S} s")


def _tracer(round_: Round, inject: str, paths: Sequence[Path]) -> Tracer:
    record = round_.folder / "torn.trace"
    return Tracer(record, inject, trace=torn.TRACE, paths=paths, words=torn.WORDS)


def of_the_journal(round_: Round) -> Outcome:
    """The recorder dies as it writes its journal, whose tail is torn: what was synced is kept."""
    need_ptrace()
    sound = write_wav(round_.folder / "sound.wav", tone(SECONDS * RATE)[:, 0])
    chunks = torn_bytes = number = 0
    while number < round_.times:
        nobody = {"SCRIBE_SERVER": "http://127.0.0.1:1", "SCRIBE_TOKEN": "scribe_" + "x" * 43}
        desktop = Desktop(round_.folder / f"home-{number}", nobody)
        kept, changed = _die_journalling(round_, desktop, sound)
        number += bool(changed)
        torn_bytes += changed
        desktop.run("sync", "--once", "--timeout", "0", expect=None)
        session = only_session(desktop.home)
        must_hold(session.recovered, f"not recovered: {session}")
        must_hold(
            session.total_samples >= kept, f"{session.total_samples} of {kept} synced samples"
        )
        exported = desktop.home / "out.wav"
        words = ("--format", "wav", "--output", str(exported))
        desktop.run("export", session.session_id, *words)
        must_hold(len(decode(exported)) == session.total_samples, "exported in another length")
        check_home(desktop.home)
        chunks += session.chunks
        shutil.rmtree(desktop.home)
    return Outcome(number, chunks, note=f"{torn_bytes} bytes torn")


def _die_journalling(round_: Round, desktop: Desktop, sound: Path) -> tuple[int, int]:
    """The samples that were synced, and how many bytes were torn behind them."""
    recording = desktop.popen("record", "--input", str(sound))
    round_.cleanup.callback(recording.kill)
    folder = paths_of(desktop.home).journal_dir
    journal = wait_until(
        lambda: next(folder.glob(f"*{SUFFIX}"), None), timeout_s=30, what="a journal"
    )
    assert journal is not None
    tracer = _tracer(round_, f"write:signal=KILL:when={round_.rng.randint(2, 4)}", [journal])
    tracer.attach(recording.pid, round_)
    found = tracer.wait_killed(PATIENCE_S)
    must_hold(found, f"it wrote nothing: {recording.log_text()}")
    recording.kill()
    contents = read_journal(journal)
    must_hold(contents is not None and contents.packets, "nothing is in the journal")
    assert contents is not None
    kept = max(contents.packets) + PACKET_SAMPLES
    return kept, torn.apply(torn.unsynced(tracer.text()), round_.rng)


DRILLS = [
    Drill(
        "torn-server",
        "System calls",
        "a torn write in WAL, database or segment of the server",
        30,
        of_the_server,
        takes_s=7,
        limit_s=1200,
    ),
    Drill(
        "torn-client",
        "System calls",
        "a torn write in WAL or database of the spool",
        30,
        of_the_client,
        takes_s=7,
        limit_s=1200,
    ),
    Drill(
        "torn-journal",
        "System calls",
        "a torn write in the recorder's journal",
        20,
        of_the_journal,
        takes_s=9,
        limit_s=1200,
    ),
]
