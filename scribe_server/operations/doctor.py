"""`doctor`: whether all that the books promise is there; mending it; making new books."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import click
import msgspec

from scribe_server.config import ServerConfig
from scribe_server.errors import ConfigError, StartupError
from scribe_server.operations.flags import STORAGE_FLAGS, config_of, flags
from scribe_server.receipts import ReceiptSigner
from scribe_server.retention.adopting import adopt
from scribe_server.store.archives.opening import place_of
from scribe_server.store.checkup.examination import Examined, Folder, examine
from scribe_server.store.checkup.findings import Counted, Finding
from scribe_server.store.checkup.mending import Mending
from scribe_server.store.clock import now_ms
from scribe_server.store.database import Database, damages, database_path
from scribe_server.store.errors import BlobDamagedError
from scribe_server.store.lock import FolderLock
from scribe_server.store.migrate import REBUILD
from scribe_server.store.rebuild import Rebuilt, rebuild
from scribe_server.store.segments import SegmentStore

EXIT_PROBLEMS: Final = 1
_JSON_VERSION: Final = 1


@click.command()
@flags(STORAGE_FLAGS)
@click.option("--quick", is_flag=True, help="Compare no SHA-256; reads no audio.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--fix", is_flag=True, help="Mend what can be mended without risk, and say how.")
@click.option("--rebuild", "make_new", is_flag=True, help="Make a new database from the segments.")
def doctor(*, quick: bool, as_json: bool, fix: bool, make_new: bool, **values: Any) -> None:
    """Check database and segments; exit code 0: sound, 1: problems found.

    Without --fix nothing is changed, and a server may be running on the folder.
    """
    if fix and make_new:
        raise ConfigError("--fix and --rebuild are two things: rebuild first, then fix.")
    config = config_of(values)
    folder = _folder(config)
    with ExitStack() as closing:
        beside = not _lock(config, closing, needed=fix or make_new)
        if make_new:
            _tell_rebuilt(_rebuild(folder), as_json=as_json)
            return
        done: list[str] = []
        examined = _examine(folder, done, quick=quick, fix=fix, beside=beside)
    report = _report(config, examined, done, quick=quick, beside=beside)
    click.echo(msgspec.json.encode(report).decode() if as_json else "\n".join(_lines(report)))
    if not examined.is_sound:
        sys.exit(EXIT_PROBLEMS)


def _folder(config: ServerConfig) -> Folder:
    segments = config.storage_dir / "segments"
    if not config.data_dir.is_dir() or not segments.is_dir():
        raise ConfigError(
            f"There is no Scribe server in {config.data_dir}: point --data-dir at its folder "
            "(and --storage-dir, when the chunks are elsewhere)."
        )
    signer = ReceiptSigner.load(config.data_dir)
    path = database_path(config.data_dir, config.database_url)
    holds = None if signer is None else signer.holds
    archives = place_of(config.archive_storage_path)
    return Folder(config.data_dir, path, segments, holds, archives)


def _lock(config: ServerConfig, closing: ExitStack, *, needed: bool) -> bool:
    """Take the folder's lock; False when a server has it and it is not needed."""
    try:
        closing.callback(FolderLock(config.data_dir).acquire().release)
    except StartupError as error:
        if needed:
            raise StartupError(
                error.message, "Stop it first: beside a running server doctor only reads."
            ) from error
        return False
    return True


def _examine(folder: Folder, done: list[str], *, quick: bool, fix: bool, beside: bool) -> Examined:
    if not fix:
        return examine(folder, now_ms(), quick=quick, beside=beside, progress=_progress)
    if broken := damages(folder.database_path):
        raise StartupError(
            f"The database is damaged: {broken[0]}.", f"Restore it from a backup, or {REBUILD}."
        )
    mending = Mending(folder, now_ms())
    try:
        done += mending.start()
        examined = examine(folder, now_ms(), quick=quick, progress=_progress)
        done += mending.apply(examined)
        done += _adopt(mending.database, folder, examined)
    finally:
        mending.close()
    # What was found by its SHA-256 has been marked: that it is there can be seen without.
    return examine(folder, now_ms(), quick=True, progress=_progress) if done else examined


def _adopt(database: Database, folder: Folder, examined: Examined) -> Iterator[str]:
    """Take archives that the books do not know into them; what cannot be read is left."""
    if folder.archives is None:
        return
    for key in examined.unknown_archives:
        try:
            yield adopt(database, folder.archives, key, now_ms())
        except BlobDamagedError as error:
            yield f"Left an archive: {error}"


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rsegment {done + 1} of {of} ")
        sys.stderr.flush()


class _Found(msgspec.Struct, frozen=True, omit_defaults=True):
    kind: str
    problem: bool
    message: str
    session: str | None = None
    user: str | None = None
    segment: int | None = None
    sequences: tuple[tuple[int, int], ...] = ()


class _Report(msgspec.Struct, frozen=True, rename="camel"):
    """What --json prints; the keys are documented in docs/OPERATIONS.md."""

    version: int
    folder: str
    sound: bool
    quick: bool
    beside_server: bool
    counted: Counted
    done: list[str]
    findings: list[_Found]


def _report(
    config: ServerConfig, examined: Examined, done: list[str], *, quick: bool, beside: bool
) -> _Report:
    return _Report(
        version=_JSON_VERSION,
        folder=str(config.data_dir),
        sound=examined.is_sound,
        quick=quick,
        beside_server=beside,
        counted=examined.counted,
        done=done,
        findings=[_found(finding) for finding in examined.findings],
    )


def _found(finding: Finding) -> _Found:
    return _Found(
        finding.kind.value,
        finding.is_problem,
        finding.message,
        finding.session,
        finding.user,
        finding.segment,
        finding.sequences,
    )


def _lines(report: _Report) -> list[str]:
    lines = []
    if report.beside_server:
        lines.append("A server is running on this folder: it is only read (no --fix, no --rebuild)")
    lines += [f"done: {line}" for line in report.done]
    for found in report.findings:
        lines.append(f"{'problem' if found.problem else 'notice'} ({found.kind}): {found.message}")
    counted = report.counted
    lines.append(
        f"Looked at {counted.sessions} sessions, {counted.chunks} chunks in {counted.segments} "
        f"segments, {counted.archives} archives, {counted.receipts} receipts, "
        f"{counted.tombstones} tombstones; hashed "
        f"{counted.bytes} bytes"
    )
    problems = sum(found.problem for found in report.findings)
    lines.append("Sound" if report.sound else f"{problems} problems")
    if any(found.kind == "database-damaged" for found in report.findings):
        lines.append(f"Restore the database from a backup, or {REBUILD}")
    return lines


def _rebuild(folder: Folder) -> Rebuilt:
    return rebuild(folder.database_path, SegmentStore(folder.segments, {}), now_ms())


def _tell_rebuilt(rebuilt: Rebuilt, *, as_json: bool) -> None:
    if as_json:
        document = {
            "version": _JSON_VERSION,
            "rebuilt": {
                "users": rebuilt.users,
                "sessions": rebuilt.sessions,
                "chunks": rebuilt.chunks,
                "damaged": rebuilt.damaged,
                "deleted": rebuilt.deleted,
                "contradicting": rebuilt.contradicting,
                "unreadable": {str(number): size for number, size in rebuilt.unreadable.items()},
                "oldDatabase": None if rebuilt.old_database is None else str(rebuilt.old_database),
                "setAside": [str(path) for path in rebuilt.set_aside],
            },
        }
        click.echo(msgspec.json.encode(document).decode())
        return
    for line in _rebuilt_lines(rebuilt):
        click.echo(line)


def _rebuilt_lines(rebuilt: Rebuilt) -> list[str]:
    lines = [
        (
            f"Made a new database: {rebuilt.users} users, {rebuilt.sessions} sessions, "
            f"{rebuilt.chunks} chunks, {rebuilt.damaged} damaged ones, {rebuilt.deleted} deletions"
        )
    ]
    if rebuilt.old_database is not None:
        lines.append(f"The old one is kept as {rebuilt.old_database}")
    if rebuilt.contradicting:
        lines.append(
            f"{rebuilt.contradicting} records contradict an earlier one, which counts; they are "
            "kept"
        )
    lines += [
        f"Segment {number}: {size} bytes behind a damaged header could not be read; they are kept"
        for number, size in rebuilt.unreadable.items()
    ]
    lines += [f"{path} was renamed, as nothing of it could be read" for path in rebuilt.set_aside]
    lines.append(
        "The segments do not tell: access tokens (make new ones: python -m scribe_server tokens "
        "create), devices, markers, titles, manifests and receipts. Clients keep their receipts; "
        "a session that its recorder goes on with gets its title back. Archived sessions are in "
        "their archives: doctor --fix takes those into the books again"
    )
    return lines
