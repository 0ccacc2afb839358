from collections import deque
from collections.abc import Sequence

import pytest

from scribe_desktop.capture.inputs import Event, Silence, Sound
from scribe_desktop.capture.live import LiveInput
from scribe_desktop.capture.ring import Piece
from scribe_desktop.capture.sources import SoundServer, SoundSource
from scribe_desktop.errors import AudioError
from scribe_desktop.model import CaptureReason, GapReason
from tests.parts.capture import tone

USB = SoundSource("usb", "USB microphone", is_monitor=False, suspended=False)
MONITOR = SoundSource("speakers.monitor", "Monitor", is_monitor=True, suspended=False)


class FakeMicrophone:
    def __init__(self) -> None:
        self.last_arrival: float | None = None
        self.overflows = 0
        self.finished = False
        self.closed = False
        self.pieces: deque[Piece] = deque()

    def read(self) -> Piece | None:
        return self.pieces.popleft() if self.pieces else None

    def close(self) -> None:
        self.closed = True

    def deliver(self, at: float, *, missing: int = 0) -> None:
        self.pieces.append(Piece(tone(4_800), missing))
        self.last_arrival = at


class FakeWatch:
    def __init__(self, server: SoundServer | None) -> None:
        self.server = server
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Desk:
    """A LiveInput with a clock that moves on only when it is told to."""

    def __init__(self, device: str | None = None, *, with_server: bool = True) -> None:
        self.now = 500.0
        self.microphones: list[FakeMicrophone] = []
        self.refusals = 0
        server = SoundServer((USB, MONITOR), "usb", "usb") if with_server else None
        self.watch = FakeWatch(server)
        self.live = LiveInput(
            device,
            channels=1,
            open_microphone=self._open,
            open_watch=lambda: self.watch,
            monotonic=lambda: self.now,
        )

    def _open(self, device: str | None, *, channels: int, pulse: bool) -> FakeMicrophone:
        assert (channels, pulse) == (1, self.watch.server is not None)
        if self.refusals:
            self.refusals -= 1
            raise AudioError("The microphone cannot be opened", "It is busy.")
        self.microphones.append(FakeMicrophone())
        return self.microphones[-1]

    def sound(self, seconds: float) -> list[Event]:
        events: list[Event] = []
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.microphones[-1].deliver(self.now)
            events += self.live.poll()
        return events

    def quiet(self, seconds: float) -> list[Event]:
        events: list[Event] = []
        for _ in range(round(seconds * 20)):
            self.now += 0.05
            events += self.live.poll()
        return events

    def see(self, *sources: SoundSource, recording: str | None) -> None:
        self.watch.server = SoundServer(sources, sources[0].name, recording)


def length(events: Sequence[Event]) -> int:
    return sum(len(event.block) if isinstance(event, Sound) else event.samples for event in events)


def silences(events: list[Event]) -> list[Silence]:
    return [event for event in events if isinstance(event, Silence)]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.live.open()
    return desk


def test_sound_goes_through_unchanged(desk: Desk) -> None:
    events = desk.sound(1)
    blocks = [event.block for event in events if isinstance(event, Sound)]
    assert len(events) == len(blocks) == 10
    assert all((block == tone(4_800)).all() for block in blocks)
    assert (desk.live.reason, desk.live.name) == (CaptureReason.NONE, "USB microphone")
    assert not desk.live.ended


def test_a_second_without_sound_becomes_silence_by_the_clock(desk: Desk) -> None:
    desk.sound(2)
    events = desk.quiet(4)
    assert desk.live.reason is CaptureReason.NO_DEVICE
    assert {event.reason for event in silences(events)} == {GapReason.NO_DEVICE}
    events += desk.sound(1)
    assert length(events) == 5 * 48_000
    assert desk.live.reason is CaptureReason.NONE


@pytest.mark.parametrize("at_once", [30, 10, 1], ids=["all at once", "in three parts", "slowly"])
def test_sound_that_comes_late_does_not_lengthen_the_timeline(desk: Desk, at_once: int) -> None:
    desk.sound(2)
    events = desk.quiet(3)
    for _ in range(30 // at_once):
        desk.now += 0.02
        for _ in range(at_once):
            desk.microphones[-1].deliver(desk.now)
        events += desk.live.poll()
    events += desk.sound(4)
    passed_s = 3 + 30 // at_once * 0.02 + 4
    assert abs(length(events) - passed_s * 48_000) <= 0.15 * 48_000
    assert length(silences(events)) >= 2.5 * 48_000


def test_a_shorter_stall_is_no_outage(desk: Desk) -> None:
    desk.sound(2)
    assert desk.quiet(0.9) == []
    assert desk.live.reason is CaptureReason.NONE


def test_a_recorder_that_was_itself_stopped_does_not_take_that_for_silence(desk: Desk) -> None:
    desk.sound(2)
    desk.now += 30
    assert desk.live.poll() == []
    assert desk.live.reason is CaptureReason.NONE


def test_a_suspended_microphone_is_waited_for_with_its_stream_open(desk: Desk) -> None:
    desk.sound(1)
    asleep = SoundSource("usb", "USB microphone", is_monitor=False, suspended=True)
    desk.see(asleep, MONITOR, recording="usb")
    events = desk.quiet(20)
    assert desk.live.reason is CaptureReason.SUSPENDED
    assert {event.reason for event in silences(events)} == {GapReason.SUSPENDED}
    assert len(desk.microphones) == 1
    assert not desk.microphones[0].closed
    desk.see(USB, MONITOR, recording="usb")
    events += desk.sound(1)
    assert length(events) == 21 * 48_000


def test_a_stream_that_was_moved_to_the_loudspeakers_is_closed_and_not_heard(desk: Desk) -> None:
    desk.sound(1)
    desk.see(MONITOR, recording="speakers.monitor")
    desk.microphones[0].deliver(desk.now + 0.01)
    events = desk.quiet(3)
    assert not any(isinstance(event, Sound) for event in events)
    assert desk.microphones[0].closed
    assert len(desk.microphones) == 1
    desk.see(USB, MONITOR, recording=None)
    events += desk.quiet(0.05)
    assert len(desk.microphones) == 2
    events += desk.sound(1)
    assert abs(length(events) - 4.05 * 48_000) <= 1
    assert desk.live.reason is CaptureReason.NONE


def test_a_stream_that_ends_is_opened_again_with_growing_pauses(desk: Desk) -> None:
    desk.sound(1)
    desk.refusals = 4
    desk.microphones[0].finished = True
    desk.quiet(3)
    assert (len(desk.microphones), desk.refusals) == (1, 1)
    desk.quiet(4)
    assert (len(desk.microphones), desk.refusals) == (2, 0)


def test_a_stream_that_stays_dead_is_opened_again(desk: Desk) -> None:
    desk.sound(1)
    desk.quiet(6)
    assert desk.microphones[0].closed
    assert len(desk.microphones) == 2


def test_a_dead_sound_server_is_waited_for(desk: Desk) -> None:
    desk.sound(1)
    desk.watch.server = None
    desk.microphones[0].finished = True
    desk.quiet(30)
    assert len(desk.microphones) == 1
    assert desk.live.silent_s == pytest.approx(30)


def test_samples_that_the_ring_had_no_room_for_are_silence_in_their_place(desk: Desk) -> None:
    desk.now += 0.1
    desk.microphones[0].deliver(desk.now, missing=960)
    events = desk.live.poll()
    assert [type(event) for event in events] == [Sound, Silence]
    assert events[1] == Silence(960, GapReason.XRUN)


def test_an_overflow_of_unknown_length_is_marked(desk: Desk) -> None:
    desk.sound(1)
    desk.microphones[0].overflows = 3
    assert silences(desk.sound(4)) == [Silence(0, GapReason.XRUN)]


def test_a_loss_that_only_the_clock_shows_becomes_silence(desk: Desk) -> None:
    desk.sound(5)
    desk.now += 0.5
    (loss,) = silences(desk.sound(5))
    assert loss.reason is GapReason.XRUN
    assert abs(loss.samples - 24_000) <= 1


def test_pausing_gives_what_had_come_and_lets_go_of_the_microphone(desk: Desk) -> None:
    desk.sound(1)
    desk.now += 0.1
    desk.microphones[0].deliver(desk.now)
    assert length(desk.live.pause()) == 4_800
    assert desk.microphones[0].closed


def test_after_a_pause_the_clock_begins_anew(desk: Desk) -> None:
    desk.sound(1)
    desk.live.pause()
    desk.now += 600
    desk.live.resume()
    assert desk.quiet(0.05) == []
    assert len(desk.microphones) == 2
    assert length(desk.sound(1)) == 48_000


def test_without_a_microphone_it_does_not_start() -> None:
    desk = Desk()
    desk.see(MONITOR, recording=None)
    with pytest.raises(AudioError, match="no microphone"):
        desk.live.open()


def test_a_chosen_microphone_that_is_not_there_is_named() -> None:
    with pytest.raises(AudioError, match="headset"):
        Desk("headset").live.open()


def test_a_busy_microphone_does_not_start() -> None:
    desk = Desk()
    desk.refusals = 1
    with pytest.raises(AudioError, match="busy"):
        desk.live.open()


def test_without_a_sound_server_the_stream_alone_tells() -> None:
    desk = Desk("hw:0", with_server=False)
    desk.live.open()
    assert length(desk.sound(1)) == 48_000
    desk.microphones[0].finished = True
    desk.quiet(1)
    assert len(desk.microphones) == 2
    assert desk.live.name == "hw:0"


def test_closing_stops_the_watch_and_may_be_done_again(desk: Desk) -> None:
    desk.live.close()
    desk.live.close()
    assert desk.watch.closed
    assert desk.microphones[0].closed
