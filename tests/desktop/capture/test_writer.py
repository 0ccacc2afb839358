from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scribe_desktop.capture.journal import Journal, read_journal
from scribe_desktop.capture.writer import MAX_TROUBLE_SAMPLES, SessionWriter
from scribe_desktop.errors import SpoolError
from scribe_desktop.model import Gap, GapReason, Marker
from tests.parts.capture import (
    SESSION_ID,
    FakeSpool,
    decoded,
    new_session,
    one_encode,
    packets_in,
    tone,
)


class Desk:
    """A writer with its spool and journal, and what was fed to it."""

    def __init__(self, folder: Path, *, channels: int = 1, chunk_packets: int = 50) -> None:
        self.spool = FakeSpool()
        self.journal = Journal(folder / "session.journal")
        self.session = new_session(channels=channels)
        self.spooled: list[str] = []
        self.writer = SessionWriter(
            self.spool,
            self.journal,
            self.session,
            on_spooled=self.spooled.append,
            chunk_packets=chunk_packets,
        )

    def own_packets(self) -> list[bytes]:
        packets: list[bytes] = []
        for chunk in self.spool.chunks:
            packets += packets_in(chunk.data)[4 if chunk.sequence else 0 :]
        return packets

    def journalled(self) -> list[int]:
        contents = read_journal(self.journal.path)
        assert contents is not None
        return sorted(contents.packets)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.journal.close()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=6), st.sampled_from([1, 2]))
def test_pauses_anywhere_change_neither_the_packets_nor_the_length(
    tmp_path_factory: pytest.TempPathFactory, stretches: list[int], channels: int
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"), channels=channels, chunk_packets=20)
    sound = tone(max(648, sum(stretches)), channels=channels)
    stretches[-1] += len(sound) - sum(stretches)
    place = 0
    for length in stretches:
        desk.writer.feed(sound[place : place + length])
        desk.writer.pause()
        desk.writer.resume()
        desk.writer.note_cut(GapReason.PAUSE, 1_000)
        place += length
    desk.writer.finish(ended_at=9)
    assert desk.own_packets() == one_encode(sound)
    assert sum(chunk.samples for chunk in desk.spool.chunks) == len(sound)
    assert all(len(decoded(chunk.data)) == chunk.samples for chunk in desk.spool.chunks)
    assert desk.spool.ended_at == 9
    assert not desk.journal.path.exists()


def test_a_chunk_leaves_the_journal_once_it_is_in_the_spool(desk: Desk) -> None:
    desk.writer.feed(tone(50 * 960))
    desk.writer.sync()
    assert desk.journalled() == [index * 960 - 312 for index in range(50)]
    desk.writer.feed(tone(960))
    assert [chunk.sequence for chunk in desk.spool.chunks] == [0]
    assert desk.spooled == [SESSION_ID]
    assert desk.journalled() == [index * 960 - 312 for index in range(46, 51)]


def test_silence_for_a_lost_device_is_exact_and_labelled(desk: Desk) -> None:
    desk.writer.feed(tone(10_000))
    fed = desk.writer.feed_zeros(100_001, GapReason.NO_DEVICE)
    desk.writer.feed_zeros(4_799, GapReason.NO_DEVICE)
    desk.writer.feed(tone(5_000))
    desk.writer.finish(ended_at=9)
    assert sum(map(len, fed)) == 100_001
    assert desk.spool.gaps == [Gap(10_000, 104_800, "no-device", 2_183)]
    assert sum(chunk.samples for chunk in desk.spool.chunks) == 119_800


def test_a_gap_that_changes_its_reason_becomes_two(desk: Desk) -> None:
    desk.writer.feed_zeros(480, GapReason.SUSPENDED)
    desk.writer.feed_zeros(960, GapReason.NO_DEVICE)
    desk.writer.finish(ended_at=9)
    assert desk.spool.gaps == [Gap(0, 480, "suspended", 10), Gap(480, 960, "no-device", 20)]


def test_an_open_gap_is_in_the_journal(desk: Desk) -> None:
    desk.writer.feed(tone(10_000))
    desk.writer.feed_zeros(4_800, GapReason.NO_DEVICE)
    desk.writer.sync()
    desk.writer.feed_zeros(4_800, GapReason.NO_DEVICE)
    desk.writer.sync()
    contents = read_journal(desk.journal.path)
    assert contents is not None
    assert list(contents.gaps.values()) == [Gap(10_000, 9_600, "no-device", 200)]


def test_a_chunk_starts_at_the_wall_time_of_its_first_sample(desk: Desk) -> None:
    desk.writer.feed(tone(96_000))
    desk.writer.pause()
    desk.writer.resume()
    desk.writer.note_cut(GapReason.PAUSE, 60_000)
    desk.writer.feed(tone(96_000))
    desk.writer.finish(ended_at=9)
    start = desk.session.started_at
    assert [chunk.started_at - start for chunk in desk.spool.chunks] == [
        0,
        993,
        61_993,
        62_993,
        63_993,
    ]
    assert desk.spool.gaps == [Gap(96_000, 0, "pause", 60_000)]
    assert desk.spool.paused == [True, False]


def test_a_session_shorter_than_a_packet_is_filled_up_and_says_so(desk: Desk) -> None:
    desk.writer.feed(tone(100))
    desk.writer.finish(ended_at=9)
    (chunk,) = desk.spool.chunks
    assert chunk.samples == len(decoded(chunk.data)) == 648
    assert desk.spool.gaps == [Gap(100, 548, "mute", 11)]


def test_a_session_without_sound_ends_without_chunks(desk: Desk) -> None:
    desk.writer.finish(ended_at=9)
    assert (desk.spool.chunks, desk.spool.ended_at) == ([], 9)


def test_a_spool_that_refuses_for_a_while_loses_nothing(desk: Desk) -> None:
    sound = tone(300_000)
    desk.spool.failing = 5
    for place in range(0, len(sound), 4_800):
        desk.writer.feed(sound[place : place + 4_800])
        if place == 48_000:
            assert desk.writer.trouble is not None
            desk.writer.note_marker(Marker(place, "here", 1))
            assert desk.journalled()[0] == -312
        desk.writer.sync()
    assert desk.writer.trouble is None
    desk.writer.finish(ended_at=9)
    assert desk.own_packets() == one_encode(sound)
    assert [marker.label for marker in desk.spool.markers] == ["here"]


def test_after_two_minutes_of_refusals_it_gives_up_and_the_journal_has_everything(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path, chunk_packets=1500)
    desk.spool.failing = 1_000_000
    silence = np.zeros((48_000, 1), np.int16)

    def record() -> None:
        for _ in range(4 * MAX_TROUBLE_SAMPLES // 48_000):
            desk.writer.feed(silence)
            desk.writer.sync()

    with pytest.raises(SpoolError, match="full"):
        record()
    desk.writer.abandon()
    held = desk.journalled()
    assert held == [index * 960 - 312 for index in range(len(held))]
    assert desk.writer.samples - len(held) * 960 < 48_000 + 960
    assert desk.writer.samples > MAX_TROUBLE_SAMPLES


def test_finishing_on_a_full_disk_raises_and_keeps_the_journal(desk: Desk) -> None:
    desk.writer.feed(tone(10_000))
    desk.spool.failing = 10
    with pytest.raises(SpoolError, match="full"):
        desk.writer.finish(ended_at=9)
    desk.writer.abandon()
    assert desk.journalled() == [index * 960 - 312 for index in range(11)]
    assert desk.spool.ended_at is None


def test_a_journal_that_failed_is_written_anew_from_memory(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_data: object = None) -> None:
        raise SpoolError("The disk is full", "There is no room.")

    desk.writer.feed(tone(60 * 960))
    with monkeypatch.context() as patch:
        patch.setattr(desk.journal, "sync", refuse)
        desk.writer.sync()
    assert desk.writer.trouble is not None
    desk.writer.feed(tone(960))
    desk.writer.sync()
    assert desk.writer.trouble is None
    assert desk.journalled() == [index * 960 - 312 for index in range(46, 61)]


def test_a_recording_that_moves_to_another_spool_loses_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    sound = tone(200 * 960)
    desk.writer.feed(sound[: 70 * 960])
    desk.writer.let_go()
    desk.writer.feed(sound[70 * 960 : 130 * 960])
    desk.writer.sync()
    assert desk.writer.trouble is not None
    there = Desk(tmp_path / "elsewhere")
    there.journal.close()

    desk.writer.move(there.spool, there.journal)
    assert desk.writer.trouble is None
    assert desk.journal.path.exists()
    desk.writer.feed(sound[130 * 960 :])
    desk.writer.finish(ended_at=9)

    assert there.spool.created == [desk.session]
    first, second = desk.own_packets(), there.own_packets()
    assert len(first) == 50
    assert first + second == one_encode(sound)
    assert not there.journal.path.exists()


def test_a_paused_recording_is_paused_in_the_other_spool_too(tmp_path: Path) -> None:
    desk, there = Desk(tmp_path), Desk(tmp_path / "elsewhere")
    desk.writer.feed(tone(20 * 960))
    desk.writer.pause()
    there.journal.close()
    desk.writer.move(there.spool, there.journal)
    assert there.spool.paused == [True]
    there.journal.close()


def test_a_spool_that_refuses_the_session_is_asked_again(tmp_path: Path) -> None:
    desk, there = Desk(tmp_path), Desk(tmp_path / "elsewhere")
    desk.writer.feed(tone(20 * 960))
    there.journal.close()
    there.spool.failing = 1
    desk.writer.move(there.spool, there.journal)
    assert there.spool.created == []
    desk.writer.finish(ended_at=9)
    assert there.spool.created == [desk.session]
    assert there.spool.chunks
