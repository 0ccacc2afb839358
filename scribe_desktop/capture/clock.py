"""How much silence the timeline needs so that it goes with the clock. Pure.

Times are seconds of the monotonic clock. While sound arrives the device's own clock rules and is
only watched; while none arrives the monotonic clock says how many samples are missing.
"""

from typing import Final

from scribe_desktop.model import SAMPLE_RATE

_BEHIND_S: Final = 0.3
"""The timeline is kept so far behind the clock, so that sound that returns finds its place."""

_SETTLE_S: Final = 2.0
"""For so long after a silence, sound that comes faster than time passes is late."""

_UNEVEN_S: Final = 0.15
"""Blocks of 100 ms come that unevenly without being late."""

_WINDOW_S: Final = 2.0
_LOSS_S: Final = 0.25


class SoundClock:
    """Compares what arrived with the time that passed."""

    def __init__(self) -> None:
        self._filled_until: float | None = None
        self._filling = False
        self._anchor = 0.0
        self._fed = 0
        self._window_from = 0.0
        self._settled_at = 0.0
        self._least_lag: float | None = None
        self._usual_lag: float | None = None

    @property
    def started(self) -> bool:
        """Whether any sound has arrived yet."""
        return self._filled_until is not None

    def arrived(self, samples: int, at: float) -> int:
        """Sound came, the newest of it at `at`; returns the missing samples in front of it.

        Negative: so many of the first ones are late, and silence stands in their place already. A
        sound server that was stopped hands out what it had kept when it goes on.
        """
        missing = 0
        if self._filled_until is None:
            self._watch_anew(at)
        elif self._filling:
            missing = round((at - self._filled_until) * SAMPLE_RATE) - samples
            self._watch_anew(at)
            self._settled_at = at + _SETTLE_S
        else:
            self._fed += samples
            missing = -self._late(samples, at)
            self._fed += missing
        self._filling = False
        self._filled_until = at
        return max(missing, -samples)

    def fill(self, now: float) -> int:
        """No sound comes; returns the samples of silence that are due by now."""
        if self._filled_until is None:
            return 0
        self._filling = True
        due = int((now - _BEHIND_S - self._filled_until) * SAMPLE_RATE)
        if due <= 0:
            return 0
        self._filled_until += due / SAMPLE_RATE
        return due

    def lost(self, at: float) -> int:
        """Samples that went missing without a sign; ask whenever sound has arrived at `at`.

        A device may deliver late and then all at once, so only a lag that lasts for a whole
        window counts. A lag that grows slowly is the device's clock and is followed.
        """
        lag = (at - self._anchor) * SAMPLE_RATE - self._fed
        self._least_lag = lag if self._least_lag is None else min(lag, self._least_lag)
        if at - self._window_from < _WINDOW_S:
            return 0
        least, self._least_lag, self._window_from = self._least_lag, None, at
        usual = least if self._usual_lag is None else self._usual_lag
        if least - usual <= _LOSS_S * SAMPLE_RATE:
            self._usual_lag = least
            return 0
        missing = round(least - usual)
        self._fed += missing
        return missing

    def window_began(self, at: float) -> bool:
        """Whether the window of `lost` has just begun at `at`."""
        return self._window_from == at

    def _late(self, samples: int, at: float) -> int:
        """How many of the samples came later than their place, soon after a silence."""
        ahead = self._fed - round((at - self._anchor) * SAMPLE_RATE)
        if at >= self._settled_at or ahead <= _UNEVEN_S * SAMPLE_RATE:
            return 0
        return min(ahead, samples)

    def _watch_anew(self, at: float) -> None:
        self._anchor, self._fed, self._window_from = at, 0, at
        self._least_lag = self._usual_lag = None
