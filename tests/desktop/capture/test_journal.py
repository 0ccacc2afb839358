import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scribe_desktop.capture import journal as module
from scribe_desktop.capture.journal import Journal, JournalContents, JournalHeader, read_journal
from scribe_desktop.errors import SpoolError
from scribe_desktop.model import Gap
from tests.parts.capture import new_session

HEADER = JournalHeader(new_session(), 3, 4_319_688, 1_700_000_090_000)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal" / "session.journal")
    journal.replace(HEADER)
    yield journal
    journal.close()


def read(journal: Journal) -> JournalContents:
    contents = read_journal(journal.path)
    assert contents is not None
    return contents


def test_what_was_synced_is_read_back(journal: Journal) -> None:
    journal.append_packet(-312, b"first")
    journal.append_packet(648, b"second")
    journal.append_gap(Gap(600, 48, "no-device", 1))
    journal.sync()
    contents = read(journal)
    assert contents.header == HEADER
    assert contents.packets == {-312: b"first", 648: b"second"}
    assert list(contents.gaps.values()) == [Gap(600, 48, "no-device", 1)]
    assert contents.whole == journal.path.stat().st_size


def test_what_was_not_synced_is_not_in_the_file(journal: Journal) -> None:
    journal.append_packet(0, b"held")
    assert read(journal).packets == {}
    journal.sync()
    journal.sync()
    assert read(journal).packets == {0: b"held"}


def test_a_later_word_on_a_gap_counts(journal: Journal) -> None:
    journal.append_gap(Gap(960, 4_800, "suspended", 100))
    journal.append_gap(Gap(960, 9_600, "suspended", 200))
    journal.sync()
    assert list(read(journal).gaps.values()) == [Gap(960, 9_600, "suspended", 200)]


def test_replacing_drops_what_was_there_and_goes_on(journal: Journal) -> None:
    journal.append_packet(0, b"old")
    journal.sync()
    journal.append_packet(960, b"never synced")
    journal.replace(HEADER, [(1_920, b"kept")], [Gap(0, 10, "xrun", 0)])
    journal.append_packet(2_880, b"new")
    journal.sync()
    contents = read(journal)
    assert contents.packets == {1_920: b"kept", 2_880: b"new"}
    assert list(contents.gaps.values()) == [Gap(0, 10, "xrun", 0)]
    assert [path.name for path in journal.path.parent.iterdir()] == ["session.journal"]


@given(st.data())
def test_a_torn_tail_is_cut_at_the_last_whole_record(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    journal = Journal(tmp_path_factory.mktemp("torn") / "session.journal")
    journal.replace(HEADER)
    bare = journal.path.stat().st_size
    packets = [bytes([index]) * (index + 1) for index in range(10)]
    ends = []
    for index, packet in enumerate(packets):
        journal.append_packet(index * 960, packet)
        journal.sync()
        ends.append(journal.path.stat().st_size)
    journal.close()
    cut = data.draw(st.integers(bare, ends[-1]))
    journal.path.write_bytes(journal.path.read_bytes()[:cut])
    whole = sum(end <= cut for end in ends)
    contents = read(journal)
    assert list(contents.packets.values()) == packets[:whole]
    assert contents.whole == [bare, *ends][whole]


def test_reading_stops_at_a_damaged_record(journal: Journal) -> None:
    for index in range(3):
        journal.append_packet(index * 960, b"packet %d" % index)
    journal.sync()
    data = bytearray(journal.path.read_bytes())
    data[data.index(b"packet 1")] ^= 1
    journal.path.write_bytes(data)
    assert list(read(journal).packets.values()) == [b"packet 0"]


@pytest.mark.parametrize("data", [b"", b"SCRIBEJ1", b"something else", b"SCRIBEJ1" + bytes(20)])
def test_a_file_without_a_whole_header_is_no_journal(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.journal"
    path.write_bytes(data)
    assert read_journal(path) is None


def test_a_refused_write_is_a_spool_error_and_a_replacement_mends_it(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    journal.append_packet(0, b"packet")
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "fdatasync", full)
        with pytest.raises(SpoolError, match="full"):
            journal.sync()
        with pytest.raises(SpoolError, match="full"):
            journal.replace(HEADER)
    journal.append_packet(0, b"packet")
    with pytest.raises(SpoolError, match="closed"):
        journal.sync()
    journal.replace(HEADER, [(0, b"packet")])
    assert read(journal).packets == {0: b"packet"}


def test_a_replacement_that_has_no_room_leaves_the_old_file_and_nothing_beside_it(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    journal.append_packet(0, b"packet")
    journal.sync()
    monkeypatch.setattr(module.os, "fdatasync", full)
    with pytest.raises(SpoolError):
        journal.replace(HEADER)
    assert read(journal).packets == {0: b"packet"}
    assert [path.name for path in journal.path.parent.iterdir()] == ["session.journal"]


def test_a_removed_journal_is_gone_and_may_be_removed_again(journal: Journal) -> None:
    journal.remove()
    journal.remove()
    assert list(journal.path.parent.iterdir()) == []


def test_a_missing_journal_is_a_spool_error(tmp_path: Path) -> None:
    with pytest.raises(SpoolError):
        read_journal(tmp_path / "none.journal")
