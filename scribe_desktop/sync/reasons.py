"""Codes of this side, and the sentence for every code that can stop or disturb sending."""

from typing import Final

from scribe_desktop.model import LOST_ON_SERVER
from scribe_server.protocol import ERRORS, ErrorCode

BAD_MESSAGE: Final = "bad_message"
DAMAGED: Final = "damaged"
HASH_MISMATCH: Final = "hash_mismatch"
IDENTITY_CHANGED: Final = "identity_changed"
INSECURE: Final = "insecure"
SYNC_FAILED: Final = "sync_failed"
RECEIPT_INVALID: Final = "receipt_invalid"
SPOOL: Final = "spool"

SIGN_IN_CODES: Final = frozenset(
    {ErrorCode.UNAUTHORIZED, ErrorCode.TOKEN_EXPIRED, ErrorCode.PROTOCOL_UNSUPPORTED}
)
"""Refusals of the whole connection that only a person can lift."""

SESSION_CODES: Final = frozenset(
    {ErrorCode.CONFLICT, ErrorCode.SESSION_CLOSED, ErrorCode.INVALID_PAYLOAD}
)
"""Refusals that hold for all of a session."""

HOLD_CODES: Final = frozenset(
    {
        ErrorCode.BUSY,
        ErrorCode.STORAGE_FULL,
        ErrorCode.STORAGE_FAILED,
        ErrorCode.QUOTA_EXCEEDED,
    }
)
"""Refusals that every other chunk would meet, too."""

_OURS: Final = {
    BAD_MESSAGE: "The server sent something that is not of the documented form.",
    DAMAGED: "A part of a recording is damaged on this computer and cannot be sent.",
    HASH_MISMATCH: "The server confirmed other bytes than were sent; they are sent again.",
    IDENTITY_CHANGED: "Another server answers at this address than before. Nothing is sent to it.",
    INSECURE: "The connection is not protected: a token is never sent over plain http.",
    LOST_ON_SERVER: "The server has lost a recording that it had signed for; its sound was deleted "
    "here after that.",
    SYNC_FAILED: "Scribe made a mistake while sending; its log has the details.",
    RECEIPT_INVALID: "The server's delivery receipt does not hold. Nothing is deleted here.",
    SPOOL: "The recordings on this computer cannot be read or written.",
}


def sentence(code: str) -> str:
    """What a code means, for people."""
    if code in _OURS:
        return _OURS[code]
    try:
        return ERRORS[ErrorCode(code)].text
    except ValueError:
        return f"The server refused: {code}."
