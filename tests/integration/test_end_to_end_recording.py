"""From a microphone to a signed receipt and an export, through the command line, to the sample."""

from pathlib import Path

import numpy as np
import pytest

from tests.parts.desktop import Desktop
from tests.parts.proof import Delivered, assert_delivered, spool_of
from tests.parts.server import ServerProcess
from tests.parts.sound import (
    RATE,
    Pcm,
    decode,
    encode_in_one_piece,
    find_in,
    make_speech,
    overlap,
    read_wav,
)
from tests.parts.virtual_microphone import VirtualMicrophone

pytestmark = pytest.mark.real
SECONDS = 95
PRE_SKIP = 312
CHUNK = 30 * RATE
SETTLED = 2 * RATE


def assert_heard_exactly(captured: Pcm, played: Pcm) -> None:
    assert len(captured) == SECONDS * RATE
    offset = find_in(played, captured)
    expected, heard = overlap(played, captured, offset)
    assert len(heard) == len(captured), "the sound began or ended within the recording"
    assert np.flatnonzero(heard != expected).tolist() == []


def assert_chunks_play_alone(delivered: Delivered, whole: np.ndarray) -> None:
    lengths = [chunk.samples for chunk in delivered.chunks]
    assert lengths == [
        CHUNK - PRE_SKIP,
        CHUNK,
        CHUNK,
        SECONDS * RATE - 3 * CHUNK + PRE_SKIP,
    ]
    for chunk, file in zip(delivered.chunks, delivered.files, strict=True):
        alone = decode(file)
        own = whole[chunk.first_sample : chunk.first_sample + chunk.samples]
        assert len(alone) == chunk.samples
        # A decoder that starts 80 ms before a chunk needs some more until it is, bit for bit,
        # where one is that heard everything before.
        assert np.array_equal(alone[SETTLED:], own[SETTLED:])
        assert np.sqrt(np.mean((alone - own)[:SETTLED] ** 2)) < 0.02


@pytest.mark.takes(110)
def test_known_speech_is_recorded_delivered_and_exported_to_the_sample(
    tmp_path: Path, seed: int
) -> None:
    played = make_speech(tmp_path / "speech.wav", seconds=150, seed=seed)
    captured_file = tmp_path / "captured.wav"
    with ServerProcess(tmp_path / "server") as server, VirtualMicrophone() as microphone:
        desktop = Desktop(
            tmp_path / "home",
            env={**microphone.env, "SCRIBE_SERVER": server.url, "SCRIBE_TOKEN": server.token},
        )
        microphone.play(tmp_path / "speech.wav")
        recorded = desktop.run(
            *["record", "--input", "mic", "--for", str(SECONDS), "--wait", "--timeout", "60"],
            *["--save-wav", str(captured_file)],
            json=True,
            timeout=170,
        )
        session_id = recorded.json["sessionId"]
        delivered = assert_delivered(desktop.home, server, session_id)

    captured = read_wav(captured_file)
    with spool_of(desktop.home) as spool:
        assert spool.gaps(session_id) == []
    assert_heard_exactly(captured, played)
    assert delivered.session.total_samples == SECONDS * RATE

    one_piece = decode(encode_in_one_piece(captured))
    assert_chunks_play_alone(delivered, one_piece)

    # The server is gone by now: all that follows needs this computer alone.
    verified = desktop.run("verify", session_id)
    assert verified.exit_code == 0
    for name in ("webm", "wav"):
        output = tmp_path / f"export.{name}"
        desktop.run("export", session_id, "--format", name, "--output", str(output))
    exported = decode(tmp_path / "export.webm")
    assert np.array_equal(exported, one_piece)
    assert len(read_wav(tmp_path / "export.wav")) == SECONDS * RATE
