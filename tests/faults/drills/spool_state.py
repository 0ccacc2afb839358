"""The spool is damaged, locked, read-only, newer, or shared, and recording has to go on."""

import hashlib
import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from scribe_desktop.model import now_ms
from scribe_desktop.spool.quarantine import FILE_NAME, REPORT, quarantined, side_file
from tests.faults.drill import Drill, NotHereError, Outcome, Round, ViolatedError, must_hold
from tests.faults.invariants import lost_promises, spooled_books
from tests.faults.recording import RealRecorder
from tests.faults.rig import Rig, run
from tests.parts.capture import tone
from tests.parts.desktop import Desktop, Result
from tests.parts.proof import assert_delivered, only_session, paths_of, spool_of
from tests.parts.server import ServerProcess
from tests.parts.sound import write_wav

PATIENT = ("--patience", "3")
EXIT_ALREADY_RECORDING = 4
EXIT_SPOOL = 7
Damage = Callable[[Path, random.Random], None]


def garble_pages(path: Path, rng: random.Random) -> None:
    """Random bytes over three random stretches."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        for _ in range(3):
            file.seek(rng.randrange(size))
            file.write(rng.randbytes(2_000))


def truncate(path: Path, rng: random.Random) -> None:
    """Cut somewhere."""
    with path.open("r+b") as file:
        file.truncate(rng.randrange(100, path.stat().st_size))


def make_empty(path: Path, rng: random.Random) -> None:
    """Nothing is left of it."""
    path.write_bytes(b"")


def garble_log(path: Path, rng: random.Random) -> None:
    """Random bytes somewhere in the write-ahead log."""
    garble_pages(side_file(path, "-wal"), rng)


STOPPED: tuple[Damage, ...] = (garble_pages, truncate, make_empty, garble_log)
RUNNING: tuple[Damage, ...] = (garble_pages, garble_log)


def damaged_while_stopped(round_: Round) -> Outcome:
    """Pages, end, everything, or the log of the file are damaged while nobody has it open."""
    return _damaged(round_, STOPPED, while_running=False)


def damaged_while_running(round_: Round) -> Outcome:
    """Pages or the log are damaged under the program, which is then killed and started again."""
    return _damaged(round_, RUNNING, while_running=True)


def _damaged(round_: Round, kinds: tuple[Damage, ...], *, while_running: bool) -> Outcome:
    rig = Rig(round_)
    path = paths_of(rig.home).spool_dir / FILE_NAME
    first = round_.rng.randrange(len(kinds))
    lost = 0
    for number in range(round_.times):
        rig.start_feeder(*PATIENT)
        rig.sleep(0.2, 0.6)
        rig.server.pause()
        rig.wait_for_promises(8)  # so that something is on this computer only
        if not while_running:
            rig.kill_feeder()
        before = _contents(path)
        kind = kinds[(first + number) % len(kinds)]
        kind(path, round_.rng)
        must_hold(_contents(path) != before, f"{kind.__name__} changed nothing")
        if while_running:
            rig.sleep(0.3, 0.6)
            rig.kill_feeder()
        rig.server.resume()
        began = now_ms()
        rig.start_feeder(*PATIENT)
        rig.recovered(began)
        lost += _account(rig, kind.__name__)
        rig.kill_feeder()
    rig.start_feeder(*PATIENT)
    return rig.ended(
        round_.times, f"{lost} chunks were destroyed before they were sent, and reported"
    )


def _contents(path: Path) -> list[bytes]:
    return [
        hashlib.sha256(each.read_bytes()).digest()
        for each in (path, side_file(path, "-wal"))
        if each.exists()
    ]


def _account(rig: Rig, kind: str) -> int:
    """What was destroyed has to be said; how many chunks that is."""
    folder = paths_of(rig.home).spool_dir
    lost = lost_promises(rig.home, rig.source, rig.server) - rig.harmed
    told = [json.loads(place.with_name(REPORT).read_bytes()) for place in quarantined(folder)]
    with spool_of(rig.home) as spool:
        sessions = [each.session_id for each in spool.sessions()]
        chunks = [chunk for each in sessions for chunk in spool.chunks(each)]
        whole = {(each, n) for each in sessions for n in spooled_books(spool, each)}
    marked = {(each.session_id, each.sequence) for each in chunks if each.refused_code == "damaged"}
    silent = lost - marked
    vague = [report for report in told if report["torn"] or report["why"]]
    counted = sum(report["lostParts"] for report in told)
    must_hold(
        not silent or vague or len(silent) <= counted,
        f"{kind}: lost without a word: {sorted(silent)}; the reports: {told}",
    )
    # What was delivered before is safe, but such a session is not whole here any more.
    known = {(each.session_id, each.sequence) for each in chunks}
    known |= {(each, n) for each, books in rig.source.books().items() for n in books}
    rig.harmed |= lost | (known - whole)
    return len(lost)


def locked(round_: Round) -> Outcome:
    """Another program holds the lock of the file, while it is used and while it is opened."""
    rig = Rig(round_)
    rig.start_feeder()
    path = paths_of(rig.home).spool_dir / FILE_NAME
    longest = 2.0 if round_.quick else 12.0
    for number in range(round_.times):
        rig.sleep(0.2, 0.6)
        at_the_start = number % 2 == 1
        if at_the_start:
            rig.kill_feeder()
        with _write_lock(path):
            if at_the_start:
                rig.launch_feeder()
            before = rig.promised()
            rig.sleep(1.0, longest)
            must_hold(rig.promised() == before, "it promised something it cannot have written")
        began = now_ms()
        rig.recovered(began)
    return rig.ended(round_.times)


@contextmanager
def _write_lock(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def newer(round_: Round) -> Outcome:
    """A newer version has changed the file: it is refused in so many words, and not touched."""
    rig = Rig(round_)
    rig.start_feeder()
    path = paths_of(rig.home).spool_dir / FILE_NAME
    for _ in range(round_.times):
        rig.sleep(0.2, 0.6)
        rig.kill_feeder()
        _change(path, "INSERT INTO _sqlite_migrations SELECT 9999, migration_set, 'from-tomorrow',"
                      " applied_at FROM _sqlite_migrations LIMIT 1")  # fmt: skip
        before = _contents(path)
        _is_refused(rig, "newer")
        must_hold(_contents(path)[0] == before[0], "it changed the file")
        must_hold(not quarantined(path.parent), "it put the file aside")
        _change(path, "DELETE FROM _sqlite_migrations WHERE name = 'from-tomorrow'")
        began = now_ms()
        rig.start_feeder()
        rig.recovered(began)
    return rig.ended(round_.times, "recovery includes the start of the program")


def _change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as connection:
        changed = connection.execute(statement).rowcount
        must_hold(changed == 1, f"{statement}: {changed} rows")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _is_refused(rig: Rig, word: str) -> None:
    """The real program ends at once with the code for this, and a sentence with this word."""
    ended = _record(rig, expect=EXIT_SPOOL)
    must_hold(word in ended.stderr, f"it does not say why: {ended.stderr}")


def _record(rig: Rig, *words: str, expect: int = 0) -> Result:
    """A short recording by the real program."""
    sound = write_wav(rig.round.folder / "short.wav", tone(2 * 48_000)[:, 0])
    desktop = Desktop(rig.home, env={"SCRIBE_TOKEN": rig.server.token})
    source = ("--server", rig.server.url, "--input", str(sound), "--speed", "max")
    return desktop.run("record", *source, *words, json=True, expect=expect)


def read_only(round_: Round) -> Outcome:
    """The folder is mounted read-only: it records elsewhere, and brings it back afterwards."""
    rig = Rig(round_)
    rig.start_feeder()
    folder = paths_of(rig.home).spool_dir
    for _ in range(round_.times):
        rig.sleep(0.2, 0.6)
        rig.kill_feeder()
        with _mounted_read_only(folder):
            session_id = str(_record(rig).json["sessionId"])
        desktop = Desktop(rig.home, env={"SCRIBE_TOKEN": rig.server.token})
        desktop.run("sync", "--once", "--server", rig.server.url)
        brought_back = assert_delivered(rig.home, rig.server, session_id)
        must_hold(brought_back.session.total_samples == 2 * 48_000, "the recording is not whole")
        rig.foreign.add(session_id)
        began = now_ms()
        rig.start_feeder()
        rig.recovered(began)
    return rig.ended(
        round_.times, "recorded elsewhere meanwhile; recovery includes the start of the program"
    )


@contextmanager
def _mounted_read_only(folder: Path) -> Iterator[None]:
    try:
        run(["mount", "--bind", str(folder), str(folder)])
    except ViolatedError as refusal:
        raise NotHereError(f"needs to mount folders: {refusal}") from refusal
    try:
        run(["mount", "-o", "remount,bind,ro", str(folder)])
        try:
            (folder / "a-try").touch()
        except OSError:
            yield
        else:
            raise ViolatedError("the folder can be written")
    finally:
        run(["umount", str(folder)])


def copied_profile(round_: Round) -> Outcome:
    """The computer's files are copied, with a session in them that has not ended; both go on."""
    rig = Rig(round_, home=round_.folder / "first" / "home", rate=20)
    rig.start_feeder()
    compared = 0
    for number in range(round_.times):
        rig.sleep(0.2, 0.5)
        rig.pause_feeder()
        while not _open_sessions(rig):  # it was between two
            rig.resume_feeder()
            rig.sleep(0.05, 0.2)
            rig.pause_feeder()
        home = round_.folder / f"copy-{number}" / "home"
        _copy(rig, home)
        rig.resume_feeder()
        copy = Rig(round_, home=home, beside=rig, rate=20)
        copy.start_feeder()
        rig.recovered(now_ms())
        rig.sleep(0.2, 0.5)
        compared += copy.drained()
    return rig.ended(round_.times, f"{compared} more chunks of the copies were compared")


def _open_sessions(rig: Rig) -> list[str]:
    with spool_of(rig.home) as spool:
        return [each.session_id for each in spool.open_sessions()]


def _copy(rig: Rig, home: Path) -> None:
    """As a person copies a folder, but for the database, which SQLite copies whole."""
    source = paths_of(rig.home).spool_dir / FILE_NAME
    target = paths_of(home).spool_dir / FILE_NAME
    target.parent.mkdir(parents=True)
    with (
        closing(sqlite3.connect(source)) as ours,
        closing(sqlite3.connect(target)) as theirs,
    ):
        ours.backup(theirs)


def two_desktops(round_: Round) -> Outcome:
    """A second program on the same recordings is sent away; when the first dies it takes over."""
    server = ServerProcess(round_.folder / "server")
    round_.cleanup.enter_context(server)
    sound = str(write_wav(round_.folder / "music.wav", tone(60 * 48_000)[:, 0]))
    source = ("--input", sound, "--speed", "realtime")
    chunks = 0
    for number in range(round_.times):
        home = round_.folder / f"home-{number}"
        first = RealRecorder(round_, server, *source, home=home)
        second = Desktop(home, env={"SCRIBE_TOKEN": server.token})
        second.run("record", "--server", server.url, *source, expect=EXIT_ALREADY_RECORDING)
        first.record(0.5)
        captured = first.samples
        first.process.kill()
        second.run("sync", "--once", "--server", server.url)
        delivered = assert_delivered(home, server, only_session(home).session_id)
        kept = delivered.session.total_samples
        must_hold(kept >= captured - 48_000, f"{captured} samples were captured and {kept} kept")
        chunks += len(delivered.chunks)
    return Outcome(round_.times, chunks)


DRILLS = [
    Drill("spool-damaged", "Client's state", "the spool or its log is garbled, cut or emptied",
          40, damaged_while_stopped, takes_s=9),
    Drill("spool-damaged-running", "Client's state", "the spool or its log is garbled in use",
          20, damaged_while_running, takes_s=9),
    Drill("spool-locked", "Client's state", "another program locks the spool",
          12, locked, takes_s=8),
    Drill("spool-newer", "Client's state", "the spool was changed by a newer version",
          8, newer, quick_times=1, takes_s=9),
    Drill("spool-read-only", "Client's state", "the spool's folder is mounted read-only",
          8, read_only, quick_times=1, takes_s=9),
    Drill("spool-copied", "Client's state", "the profile is copied in mid-session; both go on",
          10, copied_profile, takes_s=8),
    Drill("spool-two-desktops", "Client's state", "two programs on one spool; the first is killed",
          8, two_desktops, quick_times=1, takes_s=10),
]  # fmt: skip
