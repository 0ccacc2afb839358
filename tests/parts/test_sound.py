"""The yardstick itself: what the proofs compare with has to be exact."""

import random
from pathlib import Path

import numpy as np
import pytest

from tests.parts.sound import (
    decode,
    encode_in_one_piece,
    find_in,
    overlap,
    read_wav,
    write_wav,
)


def noise(samples: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-8000, 8000, samples).astype(np.int16)


@pytest.mark.parametrize("samples", [48_000, 48_001, 48_959, 100_000])
def test_one_continuous_encode_decodes_to_exactly_its_samples(samples: int) -> None:
    assert len(decode(encode_in_one_piece(noise(samples, seed=samples)))) == samples


def test_a_wav_is_read_as_it_was_written(tmp_path: Path, seed: int) -> None:
    samples = noise(12_345, seed)
    assert np.array_equal(read_wav(write_wav(tmp_path / "a.wav", samples)), samples)


def test_a_part_is_found_where_it_was_taken_from(rng: random.Random, seed: int) -> None:
    whole = noise(400_000, seed)
    at = rng.randrange(200_000)
    offset = find_in(whole, whole[at : at + 150_000])
    assert offset == at
    there, here = overlap(whole, whole[at:], offset)
    assert np.array_equal(there, here)


def test_a_part_that_begins_before_the_whole_is_found_too(seed: int) -> None:
    whole = noise(200_000, seed)
    part = np.concatenate([np.zeros(5000, dtype=np.int16), whole[:150_000]])
    offset = find_in(whole, part)
    there, here = overlap(whole, part, offset)
    assert offset == -5000
    assert len(there) == 150_000
    assert np.array_equal(there, here)
