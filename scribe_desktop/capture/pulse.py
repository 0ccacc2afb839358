"""The door to PulseAudio and PipeWire (pulsectl): who records what.

`PulseWatch` keeps a view of the sound server in a thread of its own, because a dead server may
let a question hang.
"""

import os
import threading
from typing import Any, Final

from scribe_desktop.capture.sources import SoundServer, SoundSource

_CLIENT: Final = "Scribe"
_LISTEN_S: Final = 0.5
_RETRY_S: Final = 0.5
_FIRST_VIEW_S: Final = 2.0


def look() -> SoundServer | None:
    """One view of the sound server; None when there is none."""
    pulsectl = _pulsectl()
    if pulsectl is None:
        return None
    try:
        with pulsectl.Pulse(_CLIENT) as pulse:
            return _view(pulse)
    except pulsectl.PulseError:
        return None


class PulseWatch:
    """Follows the sound server until `close`; `server` is the newest view, None without one."""

    def __init__(self) -> None:
        self.server: SoundServer | None = None
        self._ready = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scribe-sources", daemon=True)
        self._thread.start()
        self._ready.wait(_FIRST_VIEW_S)

    def close(self) -> None:
        """End the thread; it may take half a second longer than this call."""
        self._closing.set()

    def _run(self) -> None:
        pulsectl = _pulsectl()
        while pulsectl is not None and not self._closing.is_set():
            try:
                self._follow(pulsectl)
            except (pulsectl.PulseError, pulsectl.PulseDisconnected):
                self.server = None
                self._ready.set()
                self._closing.wait(_RETRY_S)
        self._ready.set()

    def _follow(self, pulsectl: Any) -> None:
        def changed(_event: object) -> None:
            raise pulsectl.PulseLoopStop

        with pulsectl.Pulse(_CLIENT) as pulse:
            pulse.event_mask_set("source", "source_output", "server")
            pulse.event_callback_set(changed)
            while not self._closing.is_set():
                self.server = _view(pulse)
                self._ready.set()
                pulse.event_listen(timeout=_LISTEN_S)


def _pulsectl() -> Any:
    """The module, or None where there is no libpulse (it is loaded when first needed)."""
    try:
        import pulsectl
    except (ImportError, OSError):
        return None
    return pulsectl


def _view(pulse: Any) -> SoundServer:
    listed = pulse.source_list()
    names = {source.index: source.name for source in listed}
    mine = [
        names.get(output.source)
        for output in pulse.source_output_list()
        if output.proplist.get("application.process.id") == str(os.getpid())
    ]
    sources = tuple(
        SoundSource(
            source.name,
            source.description,
            source.monitor_of_sink_name is not None,
            source.state == "suspended",
        )
        for source in listed
    )
    return SoundServer(sources, pulse.server_info().default_source_name, next(iter(mine), None))
