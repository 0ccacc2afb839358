"""What `scribe doctor --fix` does. Nothing is deleted: what is taken out of the way is kept.

Whoever calls this holds the owner's lock. Each step is durable by itself and may be done again.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Final

from scribe_desktop.capture.journal import SUFFIX
from scribe_desktop.capture.recovery import recover_sessions
from scribe_desktop.doctor.findings import Finding, Kind
from scribe_desktop.doctor.recordings import Examined, examine_recordings
from scribe_desktop.doctor.refetch import Fetch, Refetch
from scribe_desktop.paths import Paths
from scribe_desktop.spool import Spool
from scribe_desktop.spool.checkup import SET_ASIDE
from scribe_desktop.spool.damage import mark_suspect

PARTS: Final = frozenset({Kind.PART_DAMAGED, Kind.PART_MISSING})


def mend(
    paths: Paths,
    examined: Examined,
    clock: Callable[[], int],
    *,
    quick: bool,
    fetch: Fetch | None = None,
) -> Iterator[str]:
    """Mend what was found; says each thing that it does.

    Args:
        paths: where everything lies.
        examined: what was found.
        clock: ms since 1970 UTC.
        quick: how a file that takes the place of a damaged one is looked at.
        fetch: gets parts from the server, when there is a way to it.

    Raises:
        SpoolError: the spool or a folder refuses.
    """
    damaged = any(finding.kind is Kind.DATABASE_DAMAGED for finding in examined.findings)
    if damaged:
        mark_suspect(paths.spool_dir)  # so that opening looks at the whole file, whatever its size
    with closing(Spool.open(paths.spool_dir, clock=clock)) as spool:
        if spool.quarantined is not None:
            yield f"Put the damaged file aside: {spool.quarantined}"
        for salvage in spool.salvage_quarantined():
            yield f"Took over what can be read of it. {salvage.words}"
        yield from _recover(paths, spool, clock)
        findings = (
            examine_recordings(paths, quick=quick, is_running=lambda: True).findings
            if damaged
            else examined.findings
        )
        yield from _mend_parts(spool, findings, Refetch(fetch))
        yield from _mend_rows(spool, findings)


def _recover(paths: Paths, spool: Spool, clock: Callable[[], int]) -> Iterator[str]:
    before = set(paths.journal_dir.glob(f"*{SUFFIX}"))
    damaged = set(paths.journal_dir.glob("*.damaged"))
    for session_id in recover_sessions(spool, paths.journal_dir, clock=clock):
        session = spool.session(session_id)
        parts = 0 if session is None else session.chunks
        yield f"Recovered the recording {session_id}: {parts} parts, ended as recovered"
    for path in sorted(set(paths.journal_dir.glob("*.damaged")) - damaged):
        yield f"Put a damaged journal aside: {path}"
    gone = len(before) - len(set(paths.journal_dir.glob(f"*{SUFFIX}")))
    if gone:
        yield f"{gone} journals need no recovery any more"


def _mend_rows(spool: Spool, findings: Iterable[Finding]) -> Iterator[str]:
    kinds = {finding.kind for finding in findings}
    for session_id in sorted(_sessions_with(findings, Kind.RECEIPT_INVALID)):
        spool.withdraw_receipt(session_id)
        yield f"Withdrew the receipt of {session_id}; another one is asked for"
    if Kind.COUNTERS in kinds:
        spool.recount()
        yield "Counted the parts of every recording anew"
    waiting = sorted(_sessions_with(findings, Kind.DELETION_WAITING))
    if waiting:  # opening the spool has done it
        yield f"Ended the deletion of the audio of {', '.join(waiting)}"


def _mend_parts(spool: Spool, findings: Iterable[Finding], refetch: Refetch) -> Iterator[str]:
    for finding in findings:
        if finding.session is None:
            continue
        for first, last in finding.sequences:
            for sequence in range(first, last + 1):
                if finding.kind in PARTS:
                    yield _set_aside(spool, finding.session, sequence, refetch)
                elif finding.kind is Kind.PART_ELSEWHERE and refetch.bring_back(
                    spool, finding.session, sequence
                ):
                    yield f"Fetched part {sequence} of {finding.session} from the server"


def _set_aside(spool: Spool, session_id: str, sequence: int, refetch: Refetch) -> str:
    acked = any(
        chunk.acked_at is not None
        for chunk in spool.chunks(session_id)
        if chunk.sequence == sequence
    )
    kept = spool.set_part_aside(session_id, sequence)
    if not acked:
        state = "counts as damaged from now on"
    elif refetch.bring_back(spool, session_id, sequence):
        state = "was fetched from the server"
    else:
        state = "is on the server only now"
    where = "" if kept is None else f"; its damaged bytes are kept in {SET_ASIDE}/{kept.name}"
    return f"Part {sequence} of {session_id} {state}{where}"


def _sessions_with(findings: Iterable[Finding], kind: Kind) -> set[str]:
    return {
        finding.session
        for finding in findings
        if finding.kind is kind and finding.session is not None
    }
