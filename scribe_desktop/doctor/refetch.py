"""Parts that are damaged or missing here and whole on the server come back from there."""

import logging
from collections.abc import Callable

from scribe_desktop.config import LOCAL, Settings
from scribe_desktop.credentials import Credentials
from scribe_desktop.errors import ScribeError, UnreachableError
from scribe_desktop.server_api import ServerApi, blocking
from scribe_desktop.spool import Spool

log = logging.getLogger(__name__)

Fetch = Callable[[str, int], bytes]
"""Gets the bytes of a part by session and sequence; raises ScribeError."""


class Refetch:
    """Brings parts back; once the server is out of reach it is asked no more."""

    def __init__(self, fetch: Fetch | None) -> None:
        self._fetch = fetch

    def bring_back(self, spool: Spool, session_id: str, sequence: int) -> bool:
        """Whether the part is here again, with the bytes that were written."""
        if self._fetch is None:
            return False
        try:
            data = self._fetch(session_id, sequence)
        except ScribeError as error:
            log.warning("part %d of %s cannot be fetched: %s", sequence, session_id, error)
            if isinstance(error, UnreachableError):
                self._fetch = None
            return False
        return spool.put_part_back(session_id, sequence, data)


def fetch_from(settings: Settings, credentials: Callable[[], Credentials]) -> Fetch | None:
    """How to get parts from the server of the settings; None when there is no way.

    The built-in server does not run while doctor owns the recordings.
    """
    origin = settings.server
    if origin in {"", LOCAL}:
        return None
    try:
        token = credentials().get(origin)
        server = ServerApi(origin, token, insecure=settings.insecure)
    except ScribeError as error:
        log.warning("parts cannot be fetched from %s: %s", origin, error)
        return None
    return lambda session_id, sequence: blocking(server.chunk(session_id, sequence))
