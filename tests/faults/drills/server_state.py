"""The server's folder is lost, replaced by an older one, or damaged, and the clients heal it."""

import shutil
import signal
import subprocess
import sys
from contextlib import closing

from scribe_desktop.model import LOST_ON_SERVER, Session, now_ms
from scribe_desktop.spool import Spool
from scribe_server.store.database import DATABASE_NAME
from tests.faults.backup import copy_running, empty, put_back
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.invariants import stored_books
from tests.faults.rig import Rig, run
from tests.parts.damage import flip, rows_of, segment_path
from tests.parts.processes import REPOSITORY, PartFailedError, wait_until
from tests.parts.proof import paths_of, spool_of

DOCTOR = (sys.executable, "-m", "scribe_server", "doctor", "--data-dir")
SCRUBBED = (sys.executable, "-m", "tests.faults.with_early_scrubber")


def restored_from_a_backup(round_: Round) -> Outcome:
    """A copy made while it ran is put back: what came since is sent again, what it had stays."""
    rig = Rig(round_)
    rig.start_feeder()
    lost = 0
    for number in range(round_.times):
        rig.sleep(0.2, 0.6)
        backup = round_.folder / f"backup-{number}"
        copy_running(rig.server.data_dir, backup)
        rig.sleep(0.3, 0.8)
        rig.pause_feeder()
        rig.check_acked()
        rig.server.kill()
        put_back(backup, rig.server.data_dir)
        rig.server.start()
        lacking = acked_and_lacking(rig)
        must_hold(lacking, "the backup has everything, so nothing was lost")
        lost += lacking
        # Acks of the old connection may still come out of the socket, so they show no recovery.
        resumed = now_ms()
        rig.resume_feeder()
        wait_until(lambda: acked_and_lacking(rig) == 0, timeout_s=60, what="the chunks' return")
        rig.recovery_ms.append(now_ms() - resumed)
        shutil.rmtree(backup)
    return rig.ended(
        round_.times,
        f"{lost} acknowledged chunks that the backups lacked came again; recovery is to the last",
    )


def acked_and_lacking(rig: Rig) -> int:
    """How many chunks count as acked that the server does not have."""
    with spool_of(rig.home) as spool:
        books = {each.session_id: spool.acked_books(each.session_id) for each in spool.sessions()}
    lacking = 0
    for session_id, (ranges, _) in books.items():
        there = stored_books(rig.server, session_id) if ranges else {}
        lacking += sum(n not in there for first, last in ranges for n in range(first, last + 1))
    return lacking


def wiped_with_its_keys_kept(round_: Round) -> Outcome:
    """Folder emptied but for the keys: the same server, with nothing in it, is filled again.

    One recording is not on the computer any more either: it has to say that it is lost.
    """
    rig = Rig(round_)
    rig.start_feeder()
    for _ in range(round_.times):
        rig.sleep(0.3, 0.8)
        wait_until(lambda: newest_delivered(rig), timeout_s=60, what="a delivered session")
        rig.kill_feeder()
        nowhere = delete_audio_of_a_delivered_session(rig)
        rig.server.kill()
        empty(rig.server.data_dir, keep=("keys",))
        rig.server.tokens["tester"] = rig.server.create_token("tester")
        rig.server.start()
        must_hold(acked_and_lacking(rig), "nothing was lost")
        began = now_ms()
        rig.start_feeder()
        rig.recovered(began)
        wait_until(lambda: acked_and_lacking(rig) == 0, timeout_s=60, what="the chunks' return")
        with spool_of(rig.home) as spool:
            session = spool.session(nowhere)
        must_hold(
            session is not None and session.refused_code == LOST_ON_SERVER,
            f"what neither side has is not reported: {session}",
        )
    return rig.ended(round_.times, f"{round_.times} recordings that nobody had were reported")


def delete_audio_of_a_delivered_session(rig: Rig) -> str:
    """Let the audio of the newest delivered session leave the computer; which session."""
    session = newest_delivered(rig)
    assert session is not None
    with closing(Spool.open(paths_of(rig.home).spool_dir)) as spool:
        rig.harmed |= {(session.session_id, n) for n in range(session.chunks)}
        spool.delete_audio(session.session_id, deleted_at=now_ms())
    return session.session_id


def newest_delivered(rig: Rig) -> Session | None:
    """The newest session that has a receipt and whose audio is on the computer."""
    with spool_of(rig.home) as spool:
        kept = (each for each in spool.sessions() if not each.audio_deleted_at)
        return next((each for each in kept if each.has_receipt), None)


def replaced_by_a_new_one(round_: Round) -> Outcome:
    """Folder emptied, keys and all: nothing is sent to the new server until a person trusts it."""
    rig = Rig(round_)
    rig.start_feeder()
    for number in range(round_.times):
        rig.sleep(0.3, 0.8)
        rig.kill_feeder()
        before = rig.server.server_id
        rig.server.kill()
        empty(rig.server.data_dir)
        rig.server.tokens["tester"] = rig.server.create_token("tester")
        rig.server.start()
        must_hold(rig.server.server_id != before, "it is the same server")
        rig.launch_feeder()
        wait_until(
            lambda seen=number: rig.log_text().count("delivery: identity_changed") > seen,
            timeout_s=30,
            what="the client's notice that this is another server",
        )
        must_hold(not listed(rig), "it sent recordings to a server that nobody trusts")
        trusted = now_ms()
        rig.feeder.signal(signal.SIGUSR1)
        rig.recovered(trusted)
        wait_until(lambda: acked_and_lacking(rig) == 0, timeout_s=60, what="the chunks' return")
    return rig.ended(round_.times, "nothing went to the new server before it was trusted")


def listed(rig: Rig) -> list[str]:
    """The sessions of which the server has any chunk."""
    with spool_of(rig.home) as spool:
        sessions = [each.session_id for each in spool.sessions()]
    return [session_id for session_id in sessions if stored_books(rig.server, session_id)]


def without_its_database(round_: Round) -> Outcome:
    """Only the database is gone: it refuses to start; `doctor --rebuild` makes new books."""
    rig = Rig(round_)
    rig.start_feeder()
    for _ in range(round_.times):
        rig.sleep(0.3, 0.8)
        rig.kill_feeder()
        rig.server.kill()
        data_dir = rig.server.data_dir
        for ending in ("", "-wal", "-shm"):
            (data_dir / f"{DATABASE_NAME}{ending}").unlink(missing_ok=True)
        must_hold(_refuses_to_start(rig), "it started on a folder whose database is gone")
        must_hold(not (data_dir / DATABASE_NAME).exists(), "it made an empty database")
        run([*DOCTOR, str(data_dir), "--rebuild"])
        rig.server.tokens["tester"] = rig.server.create_token("tester")
        rig.server.start()
        rig.check_acked()
        began = now_ms()
        rig.start_feeder()
        rig.recovered(began)
    return rig.ended(round_.times, "recovery includes the start of the program")


def _refuses_to_start(rig: Rig) -> bool:
    try:
        rig.server.start()
    except PartFailedError as refusal:
        rig.server.close()
        return "no database" in str(refusal)
    return False


def flipped_and_found_by_doctor(round_: Round) -> Outcome:
    """A bit of a stored chunk changes; `doctor --fix` marks it, and the client sends it again."""
    rig = Rig(round_)
    rig.start_feeder()
    for _ in range(round_.times):
        rig.sleep(0.3, 0.8)
        rig.pause_feeder()
        rig.server.stop()
        session_id, sequence = flip_a_chunk(rig)
        mended = subprocess.run(
            [*DOCTOR, str(rig.server.data_dir), "--fix"],
            cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        must_hold("as damaged" in mended.stdout, f"the doctor found nothing: {mended}")
        rig.server.start()
        must_hold(
            sequence not in stored_books(rig.server, session_id), "the doctor did not mark it"
        )
        rig.resume_feeder()
        rig.recovered(now_ms())
        wait_until(
            lambda at=(session_id, sequence): at[1] in stored_books(rig.server, at[0]),
            timeout_s=60,
            what="the chunk's return",
        )
    return rig.ended(round_.times)


def flipped_and_found_by_the_scrubber(round_: Round) -> Outcome:
    """A bit of a stored chunk changes; the running server finds it, and the client heals it."""
    rig = Rig(round_, server_python=SCRUBBED, server_env={"SCRUB_MB_PER_S": "20"})
    rig.start_feeder()
    for number in range(round_.times):
        rig.sleep(0.3, 0.8)
        rig.server.stop()
        (rig.server.data_dir / "scrub.json").unlink(missing_ok=True)
        session_id, sequence = flip_a_chunk(rig)
        rig.server.start()
        flipped = now_ms()
        wait_until(
            lambda seen=number: rig.server.log_text().count("is damaged in segment") > seen,
            timeout_s=60,
            what="the scrubber's word for it",
        )
        wait_until(
            lambda at=(session_id, sequence): at[1] in stored_books(rig.server, at[0]),
            timeout_s=60,
            what="the chunk's return",
        )
        rig.recovery_ms.append(now_ms() - flipped)
    return rig.ended(round_.times, "recovery is from the server's start to the healed chunk")


def flip_a_chunk(rig: Rig) -> tuple[str, int]:
    """Change a bit in a chunk that is stored and that the client counts as delivered; which."""
    stored = rows_of(
        rig.server.data_dir,
        'SELECT s.uuid, c.sequence, c.segment, c."offset", c.size FROM chunks c'
        " JOIN sessions s ON s.id = c.session JOIN receipts r ON r.session = s.id"
        " WHERE c.state = (SELECT min(state) FROM chunks) ORDER BY c.id",
    )
    session_id, sequence, segment, offset, size = rig.round.rng.choice(stored)
    flip(segment_path(rig.server.data_dir, segment), offset + rig.round.rng.randrange(size))
    return str(session_id), int(sequence)


DRILLS = [
    Drill("server-restored", "Server's state", "the server is restored from an older backup",
          20, restored_from_a_backup, takes_s=9),
    Drill("server-wiped", "Server's state", "the server's folder is emptied but for its keys",
          12, wiped_with_its_keys_kept, takes_s=10),
    Drill("server-replaced", "Server's state", "the server's folder is emptied, keys and all",
          12, replaced_by_a_new_one, takes_s=10),
    Drill("server-database-lost", "Server's state", "the server's database is removed",
          12, without_its_database, quick_times=1, takes_s=12),
    Drill("server-flipped-bit", "Server's state", "a bit of a stored chunk changes (doctor)",
          12, flipped_and_found_by_doctor, takes_s=10),
    Drill("server-scrubber", "Server's state", "a bit of a stored chunk changes (scrubber)",
          12, flipped_and_found_by_the_scrubber, takes_s=10),
]  # fmt: skip
