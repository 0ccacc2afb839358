"""Many connections cut at the same moment, and when each of them is back."""

import asyncio
import bisect
from collections.abc import Callable, Sequence
from typing import Final

from scribe_server.loadtest.job import HerdTimes
from scribe_server.loadtest.recorder import Recorder

_POLL_S: Final = 0.01


class HerdWatch:
    """Cuts its recorders once and notes, s: when they are connected and when they send again."""

    def __init__(self, recorders: Sequence[Recorder], clock: Callable[[], float]) -> None:
        self.times = HerdTimes()
        self._recorders = recorders
        self._clock = clock

    async def run(self, is_due: Callable[[], bool]) -> None:
        """Wait until it is due, then cut; does nothing without recorders."""
        if not self._recorders:
            return
        while not is_due():  # noqa: ASYNC110 - counters have no event
            await asyncio.sleep(_POLL_S)
        self.cut()

    def cut(self) -> None:
        """Cut all connections that are there."""
        herd = [recorder for recorder in self._recorders if recorder.ready]
        self.times.cut_at = self._clock()
        self.times.size = len(herd)
        for recorder in herd:
            recorder.on_back = self._back(recorder)
            if recorder.busy or recorder.recorded < recorder.planned:
                self.times.to_send += 1
                recorder.on_first_ack = self._sending(recorder)
        for recorder in herd:
            recorder.cut()

    def _back(self, recorder: Recorder) -> Callable[[], None]:
        def back() -> None:
            recorder.on_back = None
            self.times.connected_at.append(self._clock())

        return back

    def _sending(self, recorder: Recorder) -> Callable[[], None]:
        def sending() -> None:
            recorder.on_first_ack = None
            self.times.sending_at.append(self._clock())

        return sending


def peak_per_second(moments: Sequence[float]) -> int:
    """The most moments that any window of one second holds."""
    ascending = sorted(moments)
    return max(
        (
            bisect.bisect_left(ascending, moment + 1.0) - place
            for place, moment in enumerate(ascending)
        ),
        default=0,
    )
