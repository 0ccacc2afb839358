import io
import random

import av

from scribe_server.ingest.ebml import is_webm
from scribe_server.loadtest.material import Material
from scribe_server.loadtest.speech import speech_variants
from tests.parts.loadtest import SESSION


def test_a_stamped_chunk_still_decodes_to_30_seconds_of_sound() -> None:
    variants = speech_variants(2, random.Random(1))
    assert variants[0] != variants[1]
    chunk = Material(variants).chunk(SESSION, 0)
    assert is_webm(chunk)
    with av.open(io.BytesIO(chunk)) as container:
        samples, loudest = 0, 0
        for frame in container.decode(audio=0):
            samples += frame.samples
            loudest = max(loudest, int(abs(frame.to_ndarray()).max() * 1000))
    assert abs(samples - 30 * 48_000) <= 960
    assert loudest > 50
    assert 60_000 < len(chunk) < 180_000
