"""When local audio goes: looked at every hour, and done once the server has confirmed it."""

import logging
import time
from collections.abc import Callable, Collection
from typing import Final

from scribe_desktop.library.sessions import delete_confirmed_audio, expired_audio
from scribe_desktop.spool import Spool

log = logging.getLogger(__name__)

LOOK_S: Final = 3600.0
AGAIN_S: Final = 60.0
"""After so long the server is asked again about what it did not confirm."""


class Upkeep:
    """Deletes expired audio; called on one thread, with that thread's spool."""

    def __init__(
        self,
        *,
        keep_days: Callable[[], int],
        confirm: Callable[[Collection[str]], Collection[str]],
        deleted: Callable[[str], None],
        clock: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep_days = keep_days
        self._confirm = confirm
        self._deleted = deleted
        self._clock = clock
        self._monotonic = monotonic
        self._next_look = monotonic()
        self._expired: list[str] = []

    def __call__(self, spool: Spool) -> float:
        """Do what is due; in how many seconds to call again.

        The clock is looked at every hour only: each look lets the keep-local period go forward.

        Raises:
            SpoolError: the spool refuses.
        """
        now_s = self._monotonic()
        if now_s >= self._next_look:
            self._next_look = now_s + LOOK_S
            self._expired = expired_audio(spool, self._keep_days(), self._clock())
        if self._expired:
            told = self._confirm(self._expired)
            confirmed = [each for each in self._expired if each in told]
            for session_id in delete_confirmed_audio(spool, confirmed, self._clock()):
                log.info("the audio of %s is on the server only from now on", session_id)
                self._deleted(session_id)
            self._expired = [each for each in self._expired if each not in confirmed]
        rest_s = self._next_look - now_s
        return min(rest_s, AGAIN_S) if self._expired else rest_s
