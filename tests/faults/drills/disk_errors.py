"""Disks that say no: a sync or a write fails once or for seconds, or a sync takes very long."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from scribe_desktop.model import now_ms
from scribe_server.backpressure import QueueLimits
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.rig import Rig
from tests.faults.strace import Tracer, need_ptrace
from tests.parts.proof import rest

SYNCS = "fdatasync,fsync"
ONCE = ((SYNCS, "EIO"), ("pwrite64", "EIO"), ("pwrite64", "ENOSPC"))
SELDOM = 0.3
"""Chunks a second: so slow a disk takes one each 2 s, and the engine wants its turns, too."""
SLOW_S = 2

Pid = Callable[[Rig], int]


def server_pid(rig: Rig) -> int:
    """Of the server."""
    return rig.server.pid


def feeder_pid(rig: Rig) -> int:
    """Of the client."""
    return rig.feeder.pid


def once(round_: Round, pid: Pid) -> Outcome:
    """A call fails once, at a random one of the next; nothing is lost and nothing is claimed."""
    need_ptrace()
    rig = Rig(round_)
    rig.start_feeder()
    fired: Counter[str] = Counter()
    first = round_.rng.randrange(len(ONCE))
    for number in range(round_.times):
        calls, error = ONCE[(first + number) % len(ONCE)]
        at = round_.rng.randint(1, 20)
        tracer = Tracer(round_.folder / f"{number}.trace", f"{calls}:error={error}:when={at}")
        tracer.attach(pid(rig), round_)
        tracer.wait_fired()
        tracer.detach()
        fired[f"{calls.partition(',')[0]} {error}"] += tracer.must_have_fired()
        rig.pause_feeder()
        rig.check_acked()
        rig.check_promised()
        rig.resume_feeder()
        rig.recovered(now_ms())
    note = ", ".join(f"{name} ({count})" for name, count in sorted(fired.items()))
    return rig.ended(fired.total(), note)


def server_syncs_fail(round_: Round) -> Outcome:
    """Every sync of the server fails for some seconds: it stores and acknowledges nothing."""
    need_ptrace()
    rig = Rig(round_)
    rig.start_feeder()
    fired = rounds = 0
    while rounds < round_.times:
        tracer = Tracer(round_.folder / f"{rounds}.trace", f"{SYNCS}:error=EIO")
        tracer.attach(server_pid(rig), round_).wait_fired()
        began = now_ms()
        rig.sleep(1.0, 1.5 if round_.quick else 5.0)
        rig.pause_feeder()
        must_hold(stored_after(rig.server.data_dir, began) == 0, "stored without a sync")
        rig.check_acked()
        tracer.detach()
        rig.resume_feeder()
        rig.recovered(now_ms())
        fired += tracer.must_have_fired(2)
        rounds += 1
    return rig.ended(rounds, f"{fired} syncs failed")


def client_syncs_fail(round_: Round) -> Outcome:
    """Every sync of the client fails for some seconds: it promises nothing."""
    need_ptrace()
    rig = Rig(round_)
    rig.start_feeder()
    fired = rounds = 0
    while rounds < round_.times:
        tracer = Tracer(round_.folder / f"{rounds}.trace", f"{SYNCS}:error=EIO")
        tracer.attach(feeder_pid(rig), round_).wait_fired()
        rig.sleep(0.3, 0.3)  # a promise whose sync was before is written down
        before = rig.promised()
        rig.sleep(1.0, 1.5 if round_.quick else 5.0)
        must_hold(rig.promised() == before, "promised without a sync")
        tracer.detach()
        healed = now_ms()
        rig.wait_for_promises(1)
        rig.pause_feeder()
        rig.check_promised()
        rig.check_acked()
        rig.resume_feeder()
        rig.recovered(healed)
        fired += tracer.must_have_fired(2)
        rounds += 1
    return rig.ended(rounds, f"{fired} syncs failed")


def slow_syncs(round_: Round, pid: Pid, look: Callable[[Rig], None], *, rate: float) -> Outcome:
    """Every sync takes 2 s longer: it is slow, and that is all."""
    need_ptrace()
    rig = Rig(round_, rate=rate)
    rig.start_feeder()
    slow_s = 1 if round_.quick else SLOW_S
    fired = 0
    while fired < round_.times:
        tracer = Tracer(round_.folder / "slow.trace", f"{SYNCS}:delay_enter={slow_s}s")
        began = now_ms()
        tracer.attach(pid(rig), round_).wait_fired(2, timeout_s=60)
        look(rig)
        rig.sleep(0, 0.5 if round_.quick else 8)
        rig.wait_for_ack(began)
        tracer.detach()
        fired += tracer.must_have_fired(2)
        rig.pause_feeder()
        rig.check_acked()
        rig.check_promised()
        rig.resume_feeder()
        rig.recovered(now_ms())
    return rig.ended(fired, f"each took {slow_s} s longer")


def _queue_is_bounded(rig: Rig) -> None:
    queued = max(_unstored(rig) for _ in range(60))
    must_hold(0 < queued <= QueueLimits().max_chunks, f"{queued} chunks wait at the server")


def _unstored(rig: Rig) -> int:
    """Chunks that the server holds and has not stored; a slow disk does not make it mute."""
    rig.sleep(0.05, 0.1)
    ready = rest(rig.server, "/readyz")
    return int(json.loads(ready.body)["unstoredChunks"])


def stored_after(data_dir: Path, moment_ms: int) -> int:
    """Rows of chunks whose batch began after a moment."""
    connection = sqlite3.connect(data_dir / "scribe.sqlite3")
    try:
        asked = "SELECT count(*) FROM chunks WHERE created_at > ?"
        return int(connection.execute(asked, (moment_ms,)).fetchone()[0])
    finally:
        connection.close()


def _drill(
    name: str, fault: str, times: int, run: Callable[[Round], Outcome], takes_s: float
) -> Drill:
    return Drill(name, "System calls", fault, times, run, takes_s=takes_s)


DRILLS = [
    _drill(
        "one-error-server",
        "one fdatasync (EIO) or write (EIO, ENOSPC) of the server fails",
        90,
        lambda round_: once(round_, server_pid),
        5,
    ),
    _drill(
        "one-error-client",
        "one fdatasync (EIO) or write (EIO, ENOSPC) of the client fails",
        90,
        lambda round_: once(round_, feeder_pid),
        5,
    ),
    _drill(
        "eio-all-syncs-server",
        "every fdatasync of the server fails for seconds",
        10,
        server_syncs_fail,
        7,
    ),
    _drill(
        "eio-all-syncs-client",
        "every fdatasync of the client fails for seconds",
        10,
        client_syncs_fail,
        7,
    ),
    _drill(
        "slow-sync-server",
        "every fdatasync of the server takes 2 s longer",
        20,
        lambda round_: slow_syncs(round_, server_pid, _queue_is_bounded, rate=50),
        8,
    ),
    _drill(
        "slow-sync-client",
        "every fdatasync of the client takes 2 s longer",
        20,
        lambda round_: slow_syncs(round_, feeder_pid, lambda _rig: None, rate=SELDOM),
        8,
    ),
]
