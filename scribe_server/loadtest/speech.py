"""Real WebM/Opus chunks of 30 s from made-up, speech-like sound; the loadtest's door to PyAV."""

import io
import itertools
import math
import random
from array import array
from fractions import Fraction
from typing import Final

import av
from av.audio.frame import AudioFrame

from scribe_server.protocol import CHUNK_MS, SAMPLE_RATE

BITRATE: Final = 32_000
"""The desktop's default, bits per second."""
_FRAME: Final = SAMPLE_RATE // 10
_OPTIONS: Final = {"application": "voip", "vbr": "constrained", "frame_duration": "20"}
"""Constrained, because pure tones make an unconstrained encoder spend far more than on speech."""
_FORMANTS_HZ: Final = ((730, 1090), (270, 2290), (300, 870), (530, 1840), (570, 840))
"""First and second formants of a few vowels (Peterson and Barney, 1952)."""


def speech_variants(count: int, rng: random.Random) -> list[bytes]:
    """Complete WebM documents of 30 s each, no two alike."""
    syllables = [_syllable(rng) for _ in range(12)]
    return [_webm(_talk(syllables, rng)) for _ in range(count)]


def _syllable(rng: random.Random) -> "array[int]":
    """A voiced vowel of 120 to 240 ms with a little noise before it."""
    first, second = rng.choice(_FORMANTS_HZ)
    pitch = rng.uniform(90, 220)
    length = int(SAMPLE_RATE * rng.uniform(0.12, 0.24))
    harmonics = [
        (2 * math.pi * pitch * number / SAMPLE_RATE, _gain(pitch * number, first, second))
        for number in range(1, 13)
    ]
    noise = (int(rng.gauss(0, 700)) for _ in range(length // 5))
    voice = (
        int(
            9_000
            * math.sin(math.pi * at / length)
            * sum(gain * math.sin(step * at) for step, gain in harmonics)
        )
        for at in range(length)
    )
    return array("h", (max(-32_768, min(32_767, value)) for value in itertools.chain(noise, voice)))


def _gain(frequency: float, first: float, second: float) -> float:
    """How strongly a vowel's formants let a frequency through."""
    near = math.exp(-(((frequency - first) / 200) ** 2))
    return 0.05 + near + 0.5 * math.exp(-(((frequency - second) / 300) ** 2))


def _talk(syllables: "list[array[int]]", rng: random.Random) -> "array[int]":
    """30 s of syllables in random order, with pauses between some."""
    wanted = SAMPLE_RATE * CHUNK_MS // 1000
    sound: array[int] = array("h")
    while len(sound) < wanted:
        sound.extend(rng.choice(syllables))
        if rng.random() < 0.2:
            sound.frombytes(bytes(2 * int(SAMPLE_RATE * rng.uniform(0.1, 0.5))))
    return sound[:wanted]


def _webm(sound: "array[int]") -> bytes:
    output = io.BytesIO()
    with av.open(output, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", options=_OPTIONS)
        stream.bit_rate = BITRATE
        for start in range(0, len(sound), _FRAME):
            frame = AudioFrame(format="s16", layout="mono", samples=_FRAME)
            frame.planes[0].update(sound[start : start + _FRAME].tobytes())
            frame.sample_rate = SAMPLE_RATE
            frame.time_base = Fraction(1, SAMPLE_RATE)
            frame.pts = start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return output.getvalue()
