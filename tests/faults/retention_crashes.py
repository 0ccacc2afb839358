"""Ends a process at each named point of retention and lets the next one go on; run as a program.

Every life is a fork of this process, which has no threads: it opens the server's folder, does its
work and, at its point, leaves with os._exit. The next life first checks that every chunk can still
be read (or that its session was to lose it), then runs to the end, and checks again.
"""

import asyncio
import io
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from scribe_server.protocol import SessionStatus
from scribe_server.retention import restoring
from scribe_server.retention.moving import Mover
from scribe_server.retention.policy import DAY_MS
from scribe_server.store.archives.place import ArchivePlace
from scribe_server.store.archives.s3 import S3Place
from scribe_server.store.damage import ref_of
from tests.parts.retention import (
    COOLING,
    REMOVING,
    RULES,
    archive_rows,
    complete,
    is_hot,
    job_kinds,
    members_of,
    read,
    run_after,
    status_of,
)
from tests.parts.store import OTHER_SESSION, SESSION, Served, audio_of, served

CRASHED = 86
BUCKET_VARIABLE = "SCRIBE_TEST_BUCKET"
CHUNKS = 4
_MOVER = "scribe_server.retention.moving:Mover"
_FOLDER = "scribe_server.store.archives.folder:FolderPlace"
_SEGMENTS = "scribe_server.store.segments:SegmentStore"
_DELETION = "scribe_server.store.deletion:Deletion"
_STATUS = "scribe_server.retention.moving:refresh_status"
_RUN = "scribe_server.retention.run"
_RESTORING = "scribe_server.retention.restoring"


@dataclass(frozen=True)
class Point:
    """Before or after the `nth` call of a function (`module:name` or `module:Class.name`)."""

    life: str
    target: str
    before: bool = False
    nth: int = 1


def _after(life: str, target: str, nth: int = 1) -> Point:
    return Point(life, target, nth=nth)


def _before(life: str, target: str, nth: int = 1) -> Point:
    return Point(life, target, before=True, nth=nth)


POINTS = {
    "run noted, nothing done": _after("archive", f"{_RUN}:begin_run"),
    "key noted, nothing put": _before("archive", f"{_MOVER}.put"),
    "half of the archive written": _after(
        "archive", "scribe_server.retention.zipping:ZipWriter.add_stored", 2
    ),
    "archive synced, not renamed": _before("archive", "pathlib:Path.replace"),
    "archive renamed, name not synced": _after("archive", "pathlib:Path.replace"),
    "archive put, not read back": _before("archive", f"{_MOVER}.read_back"),
    "archive read back, no row": _after("archive", f"{_MOVER}.read_back"),
    "archive in an open transaction": _after("archive", _STATUS),
    "archive committed, hot bytes there": _before("archive", f"{_DELETION}.free"),
    "hot bytes wiped, job there": _after("archive", f"{_SEGMENTS}.delete"),
    "job ended, segments there": _before("archive", f"{_SEGMENTS}.remove"),
    "one segment removed": _after("archive", f"{_SEGMENTS}.remove"),
    "all moved, run not ended": _before("archive", f"{_RUN}:end_run"),
    "second session: key noted": _before("archive", f"{_MOVER}.put", 2),
    "texts put, not read back": _before("cool", f"{_MOVER}.read_back"),
    "texts in an open transaction": _after("cool", _STATUS),
    "texts committed, audio there": _before("cool", f"{_MOVER}._drop"),
    "audio removed, job there": _after("cool", f"{_FOLDER}.delete"),
    "first chunk back, not committed": _after("restore", f"{_SEGMENTS}.append"),
    "two chunks back": _after("restore", f"{_RESTORING}:_put_back", 3),
    "all chunks back": _after("restore", f"{_RESTORING}:restore"),
    "again: put, not read back": _before("again", f"{_MOVER}.read_back"),
    "again: committed, older there": _before("again", f"{_MOVER}._drop"),
    "again: older removed, job there": _after("again", f"{_FOLDER}.delete"),
    "removal buried, archive there": _before("remove", f"{_FOLDER}.delete"),
    "removal: archive gone, job there": _after("remove", f"{_FOLDER}.delete"),
}
BEFORE_IT: dict[str, tuple[str, ...]] = {
    "archive": (),
    "cool": ("archive",),
    "restore": ("archive",),
    "again": ("archive", "restore"),
    "remove": ("archive", "cool"),
}
AT_LAST = {
    "archive": SessionStatus.ARCHIVED,
    "cool": SessionStatus.COLD,
    "restore": SessionStatus.COMPLETE,
    "again": SessionStatus.ARCHIVED,
    "remove": None,
}
DAYS = {"archive": 8, "cool": 31, "again": 8, "remove": 91}
RULES_OF = {"archive": RULES, "cool": COOLING, "again": RULES, "remove": REMOVING}


def place(folder: Path) -> ArchivePlace | None:
    """An own prefix in the bucket that the environment names; None: a folder."""
    address = os.environ.get(BUCKET_VARIABLE)
    return None if address is None else S3Place(f"{address}/{folder.parent.name}")


def arm(point: Point) -> None:
    """Let this process end at the point."""
    module, _, path = point.target.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    original = getattr(owner, name)
    left = point.nth

    def is_due() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    @wraps(original)
    def call(*arguments: Any, **options: Any) -> Any:
        due = is_due()
        if due and point.before:
            os._exit(CRASHED)
        given = original(*arguments, **options)
        if due and not asyncio.iscoroutine(given):
            os._exit(CRASHED)
        return _then_end(given) if due else given

    setattr(owner, name, call)


async def _then_end(given: Any) -> None:
    await given
    os._exit(CRASHED)


def wipe_before_commit() -> None:
    """A bug: hot bytes go before the transaction that says where they are."""
    commit = Mover._commit

    def early(mover: Any, connection: Any, contents: Any, *rest: Any) -> Any:
        hot = [ref_of(row) for row in contents.every_row if row.segment > 0]
        mover._store.blobs.delete(hot)
        return commit(mover, connection, contents, *rest)

    Mover._commit = early  # type: ignore[method-assign] - that is the bug


def begin(folder: Path) -> None:
    """Two complete sessions, a segment for each chunk."""
    with served(folder, max_segment_bytes=1) as server:
        for session in (SESSION, OTHER_SESSION):
            asyncio.run(complete(server, server.owner(), CHUNKS, session))


def live(server: Served, life: str, days: int) -> None:
    """What a server does in a life, so many days after the sessions were recorded."""
    if life != "restore":
        asyncio.run(run_after(server, days, RULES_OF[life]))
        return
    restoring.BATCH_BYTES = 1
    server.clock.now += days * DAY_MS
    owner = server.owner()
    for session in (SESSION, OTHER_SESSION):
        asyncio.run(restoring.restore(server.store, owner.user_id, owner.name, session))


def check(server: Served, life: str) -> None:
    """Nothing is lost that was not to be lost, whatever happened."""
    owner = server.owner()
    for session in (SESSION, OTHER_SESSION):
        summary = asyncio.run(server.store.sessions.summary(owner, session))
        if summary is None:
            assert life == "remove", "a session is gone"
            continue
        assert summary.receipt is not None
        assert summary.chunks == CHUNKS
        if summary.status is SessionStatus.COLD:
            assert life in {"cool", "remove"}, "audio is gone"
            continue
        for number in range(CHUNKS):
            found = asyncio.run(read(server, owner, number, session))
            assert found == audio_of(number, session), f"chunk {number} of {session} is lost"


def check_end(folder: Path, server: Served, life: str) -> None:
    """All has come to its end: nothing is left over."""
    wanted = AT_LAST[life]
    for session in (SESSION, OTHER_SESSION):
        if wanted is not None:
            assert status_of(server, session) is wanted
        hot = [is_hot(folder, number, session) for number in range(CHUNKS)]
        assert hot == [wanted is SessionStatus.COMPLETE] * CHUNKS, hot
    assert job_kinds(server) == []
    named = {row["key"] for row in archive_rows(server)}
    there = set(server.store.shelf.place.keys())
    assert named == there
    for key in there:
        whole = io.BytesIO(b"".join(server.store.shelf.place.stream(key)))
        assert "metadata.json" in members_of(whole)
    if place(folder) is not None:
        return
    files = [path for path in (folder / "archives").rglob("*") if path.is_file()]
    assert len(files) == len(there), files


def prepared(folder: Path, life: str) -> tuple[Path, int]:
    """A server's folder as it is when a life begins, made once, and the days until then."""
    made, days = folder / "-".join(("begun", *BEFORE_IT[life])), 0
    for earlier in BEFORE_IT[life]:
        days += DAYS.get(earlier, 0)
    if not made.exists():
        made.mkdir(parents=True)
        last = BEFORE_IT[life][-1:]
        if last:
            before, ago = prepared(folder, last[0])
            shutil.copytree(before, made, dirs_exist_ok=True)
            now = ago + DAYS.get(last[0], 0)
            live_well(lambda: in_folder(made, lambda server: live(server, last[0], now)))
        else:
            live_well(lambda: begin(made))
    return made, days


def in_folder(folder: Path, work: Callable[[Served], None]) -> None:
    with served(folder, archives=place(folder), max_segment_bytes=1) as server:
        work(server)


def drill(scene: Path, point: Point, bug: Callable[[], None] | None = None) -> None:
    """A life that ends at its point, and what comes after it."""
    before, days = prepared(scene, point.life)
    folder = scene / "now"
    shutil.copytree(before, folder)
    days += DAYS.get(point.life, 0)

    def dying() -> None:
        if bug is not None:
            bug()
        arm(point)
        in_folder(folder, lambda server: live(server, point.life, days))

    def go_on(server: Served) -> None:
        check(server, point.life)
        live(server, point.life, days)
        check(server, point.life)
        check_end(folder, server, point.life)

    def start_again(server: Served) -> None:
        assert server.store.recovered.damaged == 0
        check(server, point.life)
        check_end(folder, server, point.life)

    def after() -> None:
        in_folder(folder, go_on)
        in_folder(folder, start_again)

    try:
        assert fork(dying) == CRASHED, "the point was not reached"
        live_well(after)
    finally:
        shutil.rmtree(folder)


def live_well(work: Callable[[], None]) -> None:
    """Do work in a life of its own that must end well."""
    code = fork(work)
    assert code == 0, f"it ended with {code}"


def fork(work: Callable[[], None]) -> int:
    """Do work in a fork of this process; its exit code."""
    child = os.fork()
    if child == 0:
        code = 0
        try:
            work()
        except BaseException:  # noqa: BLE001 - told to the parent, which reads the words
            traceback.print_exc()
            code = 1
        sys.stderr.flush()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _scene(scenes: ExitStack) -> Path:
    return Path(scenes.enter_context(tempfile.TemporaryDirectory(prefix="scribe-retention-")))


def main(names: list[str]) -> None:
    """Drill each named point (`bug` the planted one); one line of JSON: what went wrong by name."""
    found: dict[str, str] = {}
    with ExitStack() as scenes:
        scene = _scene(scenes)
        for name in names:
            bug = wipe_before_commit if name == "bug" else None
            point = POINTS["archive in an open transaction" if bug else name]
            try:
                drill(scene, point, bug)
            except AssertionError as error:
                found[name] = str(error)
            if place(scene / "now") is not None:
                scene = _scene(scenes)  # what is in the bucket cannot be copied with the folder
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:] or list(POINTS))
