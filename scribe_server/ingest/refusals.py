"""Refusals in the words of the wire's error table."""

import logging

from scribe_server.protocol import ERRORS, ErrorCode, SessionError
from scribe_server.store import StorageError, StorageFullError

log = logging.getLogger(__name__)


def session_error(code: ErrorCode, session_id: str, details: str | None = None) -> SessionError:
    """A refusal about a session."""
    return SessionError(ERRORS[code].text, code, session_id, details)


def code_of(error: StorageError) -> ErrorCode:
    """The wire's code for storage that is full or has failed."""
    if isinstance(error, StorageFullError):
        return ErrorCode.STORAGE_FULL
    return ErrorCode.STORAGE_FAILED


def failed(error: StorageError, session_id: str) -> SessionError:
    """The refusal for a session whose request the storage failed; it is logged."""
    log.error("session %s: %s", session_id, error)
    return session_error(code_of(error), session_id)
