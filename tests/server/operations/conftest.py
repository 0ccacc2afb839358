"""Commands configure the log of their process; here the process is the tests' own."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def the_log_stays_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
