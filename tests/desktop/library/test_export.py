from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scribe_desktop.errors import AudioError, SpoolError, UsageError
from scribe_desktop.library.export import FORMATS, export_session
from scribe_desktop.spool import NewChunk, Spool
from tests.parts.capture import (
    SESSION_ID,
    decoded,
    new_session,
    one_chunk,
    one_encode,
    packets_in,
    recorded_chunks,
    tone,
)

SAMPLES = 200_017


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool.open(tmp_path / "spool")
    spool.create_session(new_session())
    yield spool
    spool.close()


def fill(spool: Spool, *, without: set[int] = frozenset()) -> None:
    for chunk in recorded_chunks(tone(SAMPLES), chunk_packets=50):
        if chunk.sequence not in without:
            spool.add_chunk(chunk)
    spool.end_session(SESSION_ID, ended_at=1)


def test_a_webm_export_holds_the_packets_of_the_continuous_encode(
    spool: Spool, tmp_path: Path
) -> None:
    fill(spool)
    output = tmp_path / "x.webm"
    assert export_session(spool, SESSION_ID, "webm", output) == SAMPLES
    assert packets_in(output.read_bytes()) == one_encode(tone(SAMPLES))
    assert output.read_bytes() == one_chunk(tone(SAMPLES))


def test_an_ogg_export_holds_the_same_packets(spool: Spool, tmp_path: Path) -> None:
    fill(spool)
    output = tmp_path / "x.ogg"
    assert export_session(spool, SESSION_ID, "ogg", output) == SAMPLES
    assert packets_in(output.read_bytes()) == one_encode(tone(SAMPLES))


@pytest.mark.parametrize("fmt", ["flac", "wav"])
def test_decoded_exports_are_what_the_webm_decodes_to(
    spool: Spool, tmp_path: Path, fmt: str
) -> None:
    fill(spool)
    output = tmp_path / f"x.{fmt}"
    assert export_session(spool, SESSION_ID, fmt, output) == SAMPLES
    sound, rate = soundfile.read(output, dtype="int16", always_2d=True)
    heard = np.clip(np.rint(decoded(one_chunk(tone(SAMPLES))) * 32768), -32768, 32767)
    assert rate == 48_000
    assert np.array_equal(sound, heard)


@pytest.mark.parametrize("fmt", FORMATS)
def test_progress_rises_to_the_end(spool: Spool, tmp_path: Path, fmt: str) -> None:
    fill(spool)
    told: list[tuple[int, int]] = []
    export_session(spool, SESSION_ID, fmt, tmp_path / "x", progress=lambda *step: told.append(step))
    assert [done for done, _ in told] == [47_688, 95_688, 143_688, 191_688, SAMPLES]
    assert {total for _, total in told} == {SAMPLES}


def test_missing_parts_are_listed_and_no_file_is_left(spool: Spool, tmp_path: Path) -> None:
    fill(spool, without={1, 3})
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(AudioError, match="part 2, part 4"):
        export_session(spool, SESSION_ID, "webm", folder / "x.webm")
    assert list(folder.iterdir()) == []


def test_removed_sound_is_said_to_be_removed(spool: Spool, tmp_path: Path) -> None:
    fill(spool)
    spool.delete_audio(SESSION_ID, deleted_at=5)
    with pytest.raises(AudioError, match="was removed"):
        export_session(spool, SESSION_ID, "webm", tmp_path / "x.webm")


def test_a_recording_without_sound_cannot_be_exported(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no sound"):
        export_session(spool, SESSION_ID, "webm", tmp_path / "x.webm")


def test_a_damaged_part_is_an_error_and_no_file_is_left(spool: Spool, tmp_path: Path) -> None:
    chunks = recorded_chunks(tone(SAMPLES), chunk_packets=50)
    short = chunks[1]
    spool.add_chunk(chunks[0])
    spool.add_chunk(
        NewChunk(SESSION_ID, 1, short.first_sample, short.samples - 1, short.sha256, short.data, 0)
    )
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(AudioError, match="part 2 holds 48000 samples, not 47999"):
        export_session(spool, SESSION_ID, "wav", folder / "x.wav")
    assert list(folder.iterdir()) == []


def test_an_unknown_format_is_refused(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mp3"):
        export_session(spool, SESSION_ID, "mp3", tmp_path / "x.mp3")


def test_an_unknown_session_is_refused(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no such recording"):
        export_session(spool, "nothing", "webm", tmp_path / "x.webm")


@pytest.mark.parametrize("fmt", FORMATS)
def test_an_output_that_cannot_be_written_is_an_audio_error(
    spool: Spool, tmp_path: Path, fmt: str
) -> None:
    fill(spool)
    with pytest.raises(AudioError, match="cannot be written"):
        export_session(spool, SESSION_ID, fmt, tmp_path / "no such folder" / "x")


def test_an_export_replaces_an_older_file_only_when_it_is_whole(
    spool: Spool, tmp_path: Path
) -> None:
    fill(spool)
    output = tmp_path / "x.flac"
    output.write_bytes(b"older")

    def stop(done: int, _total: int) -> None:
        if done > 100_000:
            raise SpoolError("The disk", "is gone")

    with pytest.raises(SpoolError):
        export_session(spool, SESSION_ID, "flac", output, progress=stop)
    assert output.read_bytes() == b"older"
    export_session(spool, SESSION_ID, "flac", output)
    assert soundfile.info(output).frames == SAMPLES
