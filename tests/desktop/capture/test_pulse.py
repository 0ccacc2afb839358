import os
import sys
import threading
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import pytest

from scribe_desktop.capture.pulse import PulseWatch, look
from scribe_desktop.capture.sources import SoundServer, SoundSource


class FakeServer(SimpleNamespace):
    """Stands for the pulsectl module and the sound server behind it."""

    class PulseError(Exception):
        pass

    class PulseDisconnected(Exception):  # noqa: N818 - their name
        pass

    class PulseLoopStop(Exception):  # noqa: N818 - their name
        pass

    def __init__(self) -> None:
        super().__init__()
        self.up = True
        self.reads = 1
        self.changed = threading.Event()
        self.looked = threading.Semaphore(0)

    def Pulse(self, _name: str) -> "FakePulse":  # noqa: N802 - their name
        if not self.up:
            raise self.PulseError
        return FakePulse(self)


class FakePulse:
    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.callback: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def event_mask_set(self, *masks: str) -> None:
        assert masks == ("source", "source_output", "server")

    def event_callback_set(self, callback: Any) -> None:
        self.callback = callback

    def event_listen(self, timeout: float) -> None:
        self.server.looked.release()
        if self.server.changed.wait(timeout):
            self.server.changed.clear()
            if not self.server.up:
                raise self.server.PulseDisconnected
            with pytest.raises(self.server.PulseLoopStop):
                self.callback(None)

    def source_list(self) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(
                index=1, name="usb", description="USB", monitor_of_sink_name=None, state="running"
            ),
            SimpleNamespace(
                index=2, name="m", description="M", monitor_of_sink_name="s", state="suspended"
            ),
        ]

    def source_output_list(self) -> list[SimpleNamespace]:
        mine = {"application.process.id": str(os.getpid())}
        return [
            SimpleNamespace(source=2, proplist={"application.process.id": "1"}),
            SimpleNamespace(source=self.server.reads, proplist=mine),
        ]

    def server_info(self) -> SimpleNamespace:
        return SimpleNamespace(default_source_name="usb")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    server = FakeServer()
    monkeypatch.setitem(sys.modules, "pulsectl", server)  # type: ignore[arg-type] # a fake
    return server


def seen(recording: str) -> SoundServer:
    return SoundServer(
        (
            SoundSource("usb", "USB", is_monitor=False, suspended=False),
            SoundSource("m", "M", is_monitor=True, suspended=True),
        ),
        "usb",
        recording,
    )


def wait_until(watch: PulseWatch, wanted: SoundServer | None) -> None:
    waiting = threading.Event()
    for _ in range(200):
        if watch.server == wanted:
            return
        waiting.wait(0.05)
    raise AssertionError(f"{watch.server} is not {wanted}")


def test_one_look_tells_the_sources_and_what_our_own_stream_reads(server: FakeServer) -> None:
    assert look() == seen("usb")
    server.up = False
    assert look() is None


def test_a_computer_without_libpulse_has_no_sound_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pulsectl", None)
    assert look() is None
    watch = PulseWatch()
    assert watch.server is None
    watch.close()


def test_a_change_is_seen_and_a_server_that_dies_and_returns_is_found_again(
    server: FakeServer,
) -> None:
    watch = PulseWatch()
    assert watch.server == seen("usb")
    server.reads = 2
    server.changed.set()
    wait_until(watch, seen("m"))
    server.up = False
    server.changed.set()
    wait_until(watch, None)
    server.up = True
    wait_until(watch, seen("m"))
    watch.close()
