"""The whole check of what Scribe keeps on this computer; nothing is changed by it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from scribe_desktop.doctor.findings import Counted, Finding, Kind
from scribe_desktop.doctor.journals import examine_journals, journals
from scribe_desktop.doctor.sessions import examine_session, of_deleted
from scribe_desktop.errors import SpoolError
from scribe_desktop.paths import Paths
from scribe_desktop.spool import FailureKind, Salvage, Spool, SpoolFailureError
from scribe_desktop.spool.quarantine import FILE_NAME, REPORT, quarantined

Progress = Callable[[int, int], None]
"""Told before each recording: how many were looked at, of how many."""


@dataclass
class Examined:
    """What was found, and how much was looked at."""

    findings: list[Finding] = field(default_factory=list)
    counted: Counted = field(default_factory=Counted)

    @property
    def is_sound(self) -> bool:
        """Whether there is no problem."""
        return not any(finding.is_problem for finding in self.findings)


def examine_recordings(
    paths: Paths,
    *,
    quick: bool,
    is_running: Callable[[], bool],
    progress: Progress = lambda _done, _of: None,
) -> Examined:
    """Check the spool, its quarantine and the journals.

    Args:
        paths: where they are.
        quick: compare no SHA-256; reads no audio.
        is_running: whether a Scribe runs: then journals and open recordings are its own.
        progress: is told how far it is.
    """
    examined = Examined()
    examined.findings += _of_quarantine(paths)
    spool: Spool | None = None
    try:
        if (paths.spool_dir / FILE_NAME).exists():
            spool = Spool.open_read_only(paths.spool_dir)
    except SpoolError as error:
        examined.findings.append(_unreadable(error))
    try:
        if spool is not None:
            _examine_spool(spool, examined, quick=quick, progress=progress)
        if not is_running():
            examined.counted.journals = len(journals(paths.journal_dir))
            examined.findings += examine_journals(paths.journal_dir, spool)
    except SpoolError as error:
        examined.findings.append(_unreadable(error))
    finally:
        if spool is not None:
            spool.close()
    return examined


def _examine_spool(spool: Spool, examined: Examined, *, quick: bool, progress: Progress) -> None:
    findings, counted = examined.findings, examined.counted
    if damage := spool.first_damage():
        findings.append(Finding(Kind.DATABASE_DAMAGED, f"The file of recordings: {damage}."))
        return
    findings += [
        Finding(Kind.FOREIGN_KEY, f"Rows of {which} that they belong to.")
        for which in spool.broken_references()
    ]
    findings += [
        Finding(Kind.COUNTERS, f"The parts of {session_id} come to other sums than its row.",
                session_id)
        for session_id in spool.miscounted()
    ]  # fmt: skip
    findings += of_deleted(spool.deleted())
    sessions = spool.sessions()
    counted.unsent = spool.pending()
    for number, session in enumerate(sessions):
        progress(number, len(sessions))
        findings += examine_session(spool, session, counted, quick=quick)


def _of_quarantine(paths: Paths) -> Iterator[Finding]:
    for path in quarantined(paths.spool_dir):
        report = path.with_name(REPORT)
        if not report.exists():
            words = f"A damaged file was put aside, and nothing taken over from it yet: {path}"
            yield Finding(Kind.SALVAGE_WAITING, words)
            continue
        try:
            words = msgspec.json.decode(report.read_bytes(), type=Salvage).words
        except (OSError, msgspec.MsgspecError) as error:
            words = f"The report on a file that was put aside cannot be read ({error}): {path}"
        yield Finding(Kind.QUARANTINED, words)


def _unreadable(error: SpoolError) -> Finding:
    damaged = isinstance(error, SpoolFailureError) and error.kind is FailureKind.DAMAGED
    kind = Kind.DATABASE_DAMAGED if damaged else Kind.DATABASE_CLOSED
    return Finding(kind, f"{error.message} {error.remedy}".strip())
