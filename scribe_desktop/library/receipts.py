"""Proof of delivery, checked on this computer alone."""

from dataclasses import dataclass

from scribe_desktop.errors import RefusedError
from scribe_desktop.model import Session
from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError
from scribe_desktop.spool.proof import verify_receipt
from scribe_server import protocol

__all__ = ["Verification", "verify_receipt", "verify_session"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of a session found.

    Attributes:
        session_id: which session.
        receipt: the server's receipt, when there is one and its signature holds.
        problems: sentences, empty when everything is right.
        chunks: how many parts the session has.
        chunks_checked: how many of them are here and were hashed again.
    """

    session_id: str
    receipt: protocol.Receipt | None
    problems: tuple[str, ...]
    chunks: int
    chunks_checked: int

    @property
    def proven(self) -> bool:
        """Whether a valid receipt covers all of the session, and nothing here contradicts it."""
        return self.receipt is not None and not self.problems


def verify_session(spool: Spool, session_id: str) -> Verification:
    """Hash the parts that are here again and compare the session with its receipt.

    Raises:
        SpoolError: there is no such session.
    """
    session = spool.session(session_id)
    if session is None:
        raise SpoolFailureError(FailureKind.NOT_FOUND, f"The session {session_id} is not here.")
    checked, problems = _check_audio(spool, session)
    receipt: protocol.Receipt | None = None
    stored = spool.receipt(session_id)
    if stored is None:
        problems.append("There is no delivery receipt yet.")
    else:
        try:
            receipt = verify_receipt(stored.receipt_json, stored.public_key)
        except RefusedError as error:
            problems.append(error.message)
        else:
            problems += mismatches(receipt, spool.manifest(session_id), session.bytes)
    return Verification(session_id, receipt, tuple(problems), session.chunks, checked)


def mismatches(
    receipt: protocol.Receipt, manifest: protocol.Manifest, size_bytes: int
) -> list[str]:
    """Sentences about what a receipt says otherwise than the manifest (pure)."""
    told = {
        "another session": (receipt.session_id, manifest.session_id),
        "another number of parts": (receipt.chunks, len(manifest.chunks)),
        "another length": (receipt.total_samples, manifest.total_samples),
        "another size": (receipt.bytes, size_bytes),
        "another content": (receipt.digest, protocol.manifest_digest(manifest)),
    }
    return [f"The receipt is for {what}." for what, (one, other) in told.items() if one != other]


def _check_audio(spool: Spool, session: Session) -> tuple[int, list[str]]:
    problems: list[str] = []
    if session.audio_deleted_at is not None:
        return 0, problems
    checked = 0
    for chunk in spool.chunks(session.session_id):
        try:
            spool.chunk_data(session.session_id, chunk.sequence)
            checked += 1
        except SpoolFailureError as failure:
            if failure.kind not in {FailureKind.DAMAGED_CHUNK, FailureKind.NOT_FOUND}:
                raise
            problems.append(failure.message)
    return checked, problems
