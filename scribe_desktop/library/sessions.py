"""What the person owns: finding and describing sessions, and when local audio is deleted.

Audio leaves this computer only after the signed receipt, the keep-local period, and the server's
word of that moment that it still has all of it: it may have been restored from an older backup. The
period is
counted in *seen time*, which goes forward by at most a day per look however far the clock jumps,
so a wrong clock can never make many recordings old at once.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from scribe_desktop.errors import UsageError
from scribe_desktop.model import SAMPLE_RATE, Session, StoredReceipt
from scribe_desktop.spool import Spool

DAY_MS: Final = 86_400_000
LARGEST_STEP_MS: Final = DAY_MS
_META_KEY: Final = "library.seen_time"


@dataclass(frozen=True, slots=True)
class SeenTime:
    """How far time has verifiably come: `wall` as the clock said at the last look, `seen` (ms)."""

    wall: int
    seen: int


@dataclass(frozen=True, slots=True)
class KeptAudio:
    """A session whose audio is here and whose receipt is signed; `stored_at` is the server's."""

    session_id: str
    ended_at: int
    stored_at: int


def advance(before: SeenTime | None, *, now: int, vouched: int = 0) -> SeenTime:
    """Seen time after a look at the clock.

    Args:
        before: the last look, None at the first.
        now: what the clock says (ms).
        vouched: the newest time that another computer has signed (ms); seen time catches up with
            it after weeks of being switched off, but never beyond the clock.
    """
    if before is None:
        return SeenTime(now, now)
    step = min(max(0, now - before.wall), LARGEST_STEP_MS)
    return SeenTime(now, min(now, max(before.seen + step, min(now, vouched))))


def audio_to_delete(kept: Iterable[KeptAudio], *, keep_days: int, seen: int) -> list[str]:
    """The sessions whose keep-local period is over; none when `keep_days` is 0 (for ever)."""
    if keep_days <= 0:
        return []
    before = seen - keep_days * DAY_MS
    return [audio.session_id for audio in kept if max(audio.stored_at, audio.ended_at) <= before]


def expired_audio(spool: Spool, keep_days: int, now: int) -> list[str]:
    """Look at the clock once; the ids of the sessions whose audio may go if the server has it.

    Raises:
        SpoolError: when the spool refuses.
    """
    receipts = {
        session.session_id: receipt
        for session in spool.sessions()
        if session.has_receipt and (receipt := spool.receipt(session.session_id)) is not None
    }
    vouched = max((_stored_at(r) for r in receipts.values() if _is_elsewhere(r)), default=0)
    time = advance(_read_seen(spool.meta(_META_KEY)), now=now, vouched=vouched)
    spool.set_meta(_META_KEY, json.dumps([time.wall, time.seen]))
    kept = [
        KeptAudio(session.session_id, session.ended_at, _stored_at(receipts[session.session_id]))
        for session in spool.sessions()
        if session.session_id in receipts and _may_go(session) and session.ended_at is not None
    ]
    return audio_to_delete(kept, keep_days=keep_days, seen=time.seen)


def delete_confirmed_audio(spool: Spool, session_ids: Iterable[str], now: int) -> list[str]:
    """Delete the audio of sessions that the server has just confirmed; the ids of those that went.

    One that meanwhile lost its receipt, or an ack, stays.

    Raises:
        SpoolError: when the spool refuses.
    """
    gone = []
    for session_id in session_ids:
        session = spool.session(session_id)
        if session is not None and session.has_receipt and _may_go(session):
            spool.delete_audio(session_id, deleted_at=now)
            gone.append(session_id)
    return gone


def only_here(spool: Spool, session_id: str, *, confirmed: bool) -> int:
    """Milliseconds of a session's sound that nobody else is known to have.

    Args:
        spool: where it is.
        session_id: which session.
        confirmed: the server has just said that it has every chunk that counts as acked.

    Raises:
        SpoolError: when the spool refuses.
    """
    samples = sum(
        sight.chunk.samples
        for sight in spool.sights(session_id)
        if sight.length is not None and not (confirmed and sight.chunk.acked_at is not None)
    )
    return samples * 1000 // SAMPLE_RATE


def find_session(sessions: Sequence[Session], prefix: str) -> Session:
    """The one session whose id begins with `prefix`.

    Raises:
        UsageError: when none or more than one does.
    """
    wanted = prefix.strip().lower()
    found = [session for session in sessions if session.session_id.lower().startswith(wanted)]
    if len(found) == 1 and wanted:
        return found[0]
    if not found:
        raise UsageError(
            "No such recording", f"No id begins with {prefix!r}.", "Run: scribe sessions"
        )
    ids = ", ".join(session.session_id[: len(wanted) + 4] for session in found[:5])
    raise UsageError("Not one recording", f"{len(found)} ids begin so: {ids}.", "Give more of it.")


def summary_of(session: Session, receipt: StoredReceipt | None) -> dict[str, Any]:
    """A session as scripts read it; `receipt` is the signed document or None."""
    return {
        "sessionId": session.session_id,
        "title": session.title,
        "state": session.state.value,
        "recovered": session.recovered,
        "startedAt": session.started_at,
        "endedAt": session.ended_at,
        "chunks": session.chunks,
        "samples": session.total_samples,
        "ackedChunks": session.acked_chunks,
        "refusedCode": session.refused_code,
        "audioDeletedAt": session.audio_deleted_at,
        "receipt": json.loads(receipt.receipt_json) if receipt else None,
    }


def _may_go(session: Session) -> bool:
    delivered = session.acked_chunks == session.chunks and not session.refused_chunks
    return delivered and session.refused_code is None and session.audio_deleted_at is None


def _stored_at(receipt: StoredReceipt) -> int:
    return int(json.loads(receipt.receipt_json)["storedAt"])


def _is_elsewhere(receipt: StoredReceipt) -> bool:
    # The bundled server has this computer's clock, so its word would vouch for nothing.
    return urlsplit(receipt.origin).hostname not in {"localhost", "127.0.0.1", "::1"}


def _read_seen(text: str | None) -> SeenTime | None:
    if text is None:
        return None
    wall, seen = json.loads(text)
    return SeenTime(int(wall), int(seen))
