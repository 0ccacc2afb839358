"""Rules for every test: real parts get time, seeds are printed, errors in the log fail."""

import logging
import os
import random
import secrets
from collections.abc import Iterator

import hypothesis
import pytest

REAL_TEST_TIMEOUT_S = 180

# Before anything imports Qt; tests with a screen of their own set theirs.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for name in [name for name in os.environ if name.startswith("SCRIBE_") and "_TEST_" not in name]:
    del os.environ[name]

# A deadline per example would be a timed assertion.
hypothesis.settings.register_profile("scribe", deadline=None, print_blob=True, database=None)
hypothesis.settings.load_profile("scribe")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "logs_errors: an error in the log is what it tests")
    config.addinivalue_line("markers", "takes(seconds): so long that it should start early")
    if config.getoption("maxschedchunk", None) is None:
        config.option.maxschedchunk = 1  # else xdist deals several long tests to one worker


@pytest.hookimpl(trylast=True)  # after the order was shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        is_real = item.get_closest_marker("real") is not None
        if is_real and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(REAL_TEST_TIMEOUT_S))
    items[:] = _long_ones_first(items)


def _long_ones_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Long tests, longest first, each followed by a short one.

    Workers are given pairs of neighbours, so no two long ones wait behind each other.
    """
    marked = [(mark.args[0], item) for item in items if (mark := item.get_closest_marker("takes"))]
    long = [item for _, item in sorted(marked, key=lambda pair: -pair[0])]
    short = [item for item in items if item not in set(long)]
    pairs = [item for pair in zip(long, short, strict=False) for item in pair]
    return pairs + long[len(short) :] + short[len(long) :]


@pytest.fixture
def seed() -> int:
    """A seed for what the test leaves to chance, printed; SCRIBE_TEST_SEED repeats a run."""
    chosen = int(os.environ.get("SCRIBE_TEST_SEED", "0")) or secrets.randbelow(2**31) + 1
    print(f"SCRIBE_TEST_SEED={chosen}")
    return chosen


@pytest.fixture
def rng(seed: int) -> random.Random:
    """Chance that can be repeated: see `seed`."""
    return random.Random(seed)


@pytest.fixture(autouse=True)
def no_error_in_the_log(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """Fails the test when something logged an error that the test did not ask for."""
    yield
    if request.node.get_closest_marker("logs_errors") is None:
        records = [*caplog.get_records("setup"), *caplog.get_records("call")]
        errors = [record.getMessage() for record in records if record.levelno >= logging.ERROR]
        assert errors == [], errors
