"""One recording: its parts, its timeline and its receipt."""

from collections.abc import Callable, Iterable, Iterator

from scribe_desktop.doctor.findings import Counted, Finding, Kind, of_parts
from scribe_desktop.errors import RefusedError
from scribe_desktop.library.receipts import mismatches
from scribe_desktop.model import SAMPLE_RATE, Session
from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError
from scribe_desktop.spool.checkup import Deleted, Sight
from scribe_desktop.spool.chunks import LOST_PART
from scribe_desktop.spool.proof import verify_receipt

IsSound = Callable[[Sight], bool]
"""Whether the bytes of a part that is here are those that were written."""


def examine_session(
    spool: Spool, session: Session, counted: Counted, *, quick: bool
) -> Iterator[Finding]:
    """What is the matter with one recording.

    Args:
        spool: where it is.
        session: its row.
        counted: what was looked at is added here.
        quick: compare lengths only, no SHA-256.

    Raises:
        SpoolError: the spool refuses.
    """
    sights = list(spool.sights(session.session_id))
    counted.sessions += 1
    counted.parts += len(sights)

    def is_sound(sight: Sight) -> bool:
        if sight.length != sight.chunk.size:
            return False
        return quick or _has_its_hash(spool, sight, counted)

    yield from of_timeline(session.session_id, sights)
    if session.audio_deleted_at is None:
        yield from of_audio(session.session_id, sights, is_sound)
    # Hashing may have taken minutes: the row is read again.
    yield from _of_receipt(spool, session.session_id, counted)


def of_audio(session_id: str, sights: Iterable[Sight], is_sound: IsSound) -> Iterator[Finding]:
    """Parts whose bytes are missing or changed, by what that means (pure but for `is_sound`)."""
    kinds: dict[Kind, list[int]] = {kind: [] for kind in _WORDS}
    for sight in sights:
        kind = _kind_of(sight, is_sound)
        if kind is not None:
            kinds[kind].append(sight.chunk.sequence)
    for kind, sequences in kinds.items():
        yield from of_parts(kind, session_id, sequences, _WORDS[kind])


_WORDS = {
    Kind.PART_DAMAGED: "have other bytes than were written.",
    Kind.PART_MISSING: "are not here, and the server has not confirmed them.",
    Kind.PART_LOST: "are lost, here and on the server; you were told.",
    Kind.PART_ELSEWHERE: "are not here; the server has confirmed them.",
}


def _kind_of(sight: Sight, is_sound: IsSound) -> Kind | None:
    if sight.length is not None:
        return None if is_sound(sight) else Kind.PART_DAMAGED
    if sight.chunk.acked_at is not None:
        return Kind.PART_ELSEWHERE
    return Kind.PART_LOST if sight.chunk.refused_code == LOST_PART else Kind.PART_MISSING


def of_timeline(session_id: str, sights: Iterable[Sight]) -> Iterator[Finding]:
    """Parts that do not begin where the one before them ends (pure)."""
    following, end, torn = 0, 0, []
    for sight in sights:
        chunk = sight.chunk
        if chunk.sequence != following or chunk.first_sample != end:
            torn.append(chunk.sequence)
        following, end = chunk.sequence + 1, chunk.first_sample + chunk.samples
    words = "do not begin where the part before them ends."
    yield from of_parts(Kind.TIMELINE, session_id, torn, words)


def of_deleted(deleted: Iterable[Deleted]) -> Iterator[Finding]:
    """Recordings whose audio was deleted, and what does not fit that (pure)."""
    for one in deleted:
        if one.unsent:
            minutes = one.unsent_samples / SAMPLE_RATE / 60
            words = (
                f"The audio of {one.session_id} was deleted here, and the server has not confirmed "
                f"{one.unsent} parts of it ({minutes:.1f} minutes)."
            )
            yield Finding(Kind.DELETED_UNSENT, words, one.session_id)
        if one.dropping:
            words = (
                f"Deleting the audio of {one.session_id} was interrupted; the next start ends it."
            )
            yield Finding(Kind.DELETION_WAITING, words, one.session_id)
        elif one.left:
            words = f"The audio of {one.session_id} counts as deleted; {one.left} parts are here."
            yield Finding(Kind.AUDIO_LEFT, words, one.session_id)


def _has_its_hash(spool: Spool, sight: Sight, counted: Counted) -> bool:
    try:
        data = spool.chunk_data(sight.chunk.session_id, sight.chunk.sequence)
    except SpoolFailureError as failure:
        if failure.kind is FailureKind.NOT_FOUND:  # a running Scribe has deleted it meanwhile
            return True
        if failure.kind is not FailureKind.DAMAGED_CHUNK:
            raise
        counted.bytes += sight.chunk.size
        return False
    counted.bytes += len(data)
    return True


def _of_receipt(spool: Spool, session_id: str, counted: Counted) -> Iterator[Finding]:
    stored, session = spool.receipt(session_id), spool.session(session_id)
    if stored is None or session is None:
        return
    counted.receipts += 1
    try:
        receipt = verify_receipt(stored.receipt_json, stored.public_key)
        problems = mismatches(receipt, spool.manifest(session_id), session.bytes)
    except RefusedError as error:
        problems = [error.message]
    if session.acked_chunks != session.chunks:
        unsent = session.chunks - session.acked_chunks
        problems.append(f"There is a receipt, and {unsent} parts count as not on the server.")
    if problems and spool.receipt(session_id) != stored:  # a running Scribe has withdrawn it
        return
    for problem in problems:
        words = f"“{session.title}” ({session_id}): {problem}"
        yield Finding(Kind.RECEIPT_INVALID, words, session_id)
