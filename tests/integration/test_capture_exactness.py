"""What is played into a real microphone is what is in the recording, bit for bit."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scribe_desktop.library.export import export_session
from scribe_desktop.spool import Spool
from tests.parts.capture import SESSION_ID, one_chunk, one_encode, packets_in, tone
from tests.parts.recorder_process import RecorderProcess
from tests.parts.sound import find_in
from tests.parts.virtual_microphone import VirtualMicrophone

pytestmark = [pytest.mark.real, pytest.mark.audio]

PLAYED = 10 * 48_000
RECORDED = 12 * 48_000


@pytest.fixture
def microphone() -> Iterator[VirtualMicrophone]:
    with VirtualMicrophone() as microphone:
        yield microphone


def test_every_sample_played_is_captured_encoded_once_and_exported_unchanged(
    microphone: VirtualMicrophone, tmp_path: Path
) -> None:
    sound = tone(PLAYED)
    soundfile.write(tmp_path / "played.wav", sound, 48_000, subtype="PCM_16")
    with RecorderProcess(tmp_path, microphone.env, for_samples=RECORDED) as recorder:
        recorder.record_until(24_000)
        microphone.play(tmp_path / "played.wav", wait=True)
        recorder.wait_to_end()

    captured = soundfile.read(recorder.wav, dtype="int16", always_2d=True)[0]
    assert len(captured) == RECORDED
    place = find_in(captured[:, 0], sound[:, 0])
    assert 0 < place <= RECORDED - PLAYED
    assert np.array_equal(captured[place : place + PLAYED], sound)
    assert not captured[:place].any()
    assert not captured[place + PLAYED :].any()

    spool = Spool.open_read_only(tmp_path / "spool")
    assert spool.gaps(SESSION_ID) == []
    output = tmp_path / "export.webm"
    assert export_session(spool, SESSION_ID, "webm", output) == RECORDED
    spool.close()
    assert packets_in(output.read_bytes()) == one_encode(captured)
    assert output.read_bytes() == one_chunk(captured)
