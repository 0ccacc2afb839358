from pathlib import Path

import pytest

from scribe_desktop import room as room_module
from scribe_desktop.room import (
    BALLAST,
    MB,
    RESERVE,
    Ballast,
    Room,
    RoomLevel,
    free_bytes,
    room_of,
)


def test_a_folder_that_is_not_there_yet_has_the_room_of_where_it_would_be(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) > 0
    assert free_bytes(tmp_path / "one" / "two") > 0


def test_below_a_file_there_is_no_room(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert free_bytes(tmp_path / "file" / "folder") == 0


def test_an_hour_of_speech_at_32_kbit_takes_17_mb() -> None:
    assert room_of(RESERVE + 17 * MB, bitrate=32_000).minutes == 64
    assert room_of(RESERVE + 17 * MB, bitrate=32_000, copies=2).minutes == 32
    assert room_of(RESERVE + 17 * MB, bitrate=64_000).minutes == 34


def test_the_reserve_is_not_counted() -> None:
    assert room_of(RESERVE, bitrate=32_000) == Room(RESERVE, 0)
    assert room_of(RESERVE - 1, bitrate=32_000).level is RoomLevel.NONE


@pytest.mark.parametrize(
    ("megabytes", "level"),
    [
        (1024, RoomLevel.PLENTY),
        (1023, RoomLevel.LOW),
        (499, RoomLevel.VERY_LOW),
        (64, RoomLevel.VERY_LOW),
        (63, RoomLevel.NONE),
    ],
)
def test_little_room_gets_louder(megabytes: int, level: RoomLevel) -> None:
    assert Room(megabytes * MB, 9).level is level


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (300, "Room for 5 more hours."),
        (24, "Room for 20 more minutes."),
        (3, "Room for less than 5 more minutes."),
    ],
)
def test_the_words_do_not_change_every_minute(minutes: int, words: str) -> None:
    assert Room(600 * MB, minutes).words == words


def test_no_room_has_words_of_its_own() -> None:
    assert Room(0, 0).words == "There is no room for more sound."


def test_ballast_takes_up_room_once_and_gives_it_up_once(tmp_path: Path) -> None:
    file = tmp_path / "ballast"
    ballast = Ballast(file)
    ballast.fill()
    ballast.fill()
    assert file.stat().st_blocks * 512 >= BALLAST
    assert ballast.drop()
    assert not file.exists()
    assert not ballast.drop()


def test_ballast_is_no_burden_for_a_disk_that_is_nearly_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_module, "free_bytes", lambda _: RESERVE + 2 * BALLAST - 1)
    Ballast(tmp_path / "ballast").fill()
    assert not (tmp_path / "ballast").exists()


def test_where_no_ballast_can_be_made_there_is_none(tmp_path: Path) -> None:
    Ballast(tmp_path / "no" / "folder").fill()
    assert list(tmp_path.iterdir()) == []
