import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scribe_desktop.library.remux import write_container
from tests.parts.capture import (
    decoded,
    one_chunk,
    one_encode,
    packets_in,
    recorded_chunks,
    samples_by_ffmpeg,
    tone,
)


@pytest.mark.parametrize("samples", [648, 100_000, 100_488, 104_000])
@pytest.mark.parametrize("kind", ["webm", "ogg"])
def test_the_file_decodes_to_exactly_its_samples(tmp_path: Path, kind: str, samples: int) -> None:
    sound = tone(samples)
    path = tmp_path / "x"
    write_container(path, kind, one_chunk(sound), one_encode(sound), samples)
    data = path.read_bytes()
    assert packets_in(data) == one_encode(sound)
    assert np.array_equal(decoded(data), decoded(one_chunk(sound)))
    if kind == "ogg":
        assert len(soundfile.read(io.BytesIO(data))[0]) == samples


@pytest.mark.parametrize("kind", ["webm", "ogg"])
def test_the_ffmpeg_program_agrees(tmp_path: Path, kind: str) -> None:
    sound = tone(100_000)
    path = tmp_path / "x"
    write_container(path, kind, one_chunk(sound), one_encode(sound), 100_000)
    assert samples_by_ffmpeg(path.read_bytes()) == 100_000


def test_a_remux_of_chunks_is_byte_for_byte_the_continuous_file(tmp_path: Path) -> None:
    sound = tone(200_017)
    first = recorded_chunks(sound, chunk_packets=50)[0].data
    path = tmp_path / "x"
    write_container(path, "webm", first, one_encode(sound), len(sound))
    assert path.read_bytes() == one_chunk(sound)
