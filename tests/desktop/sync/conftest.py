from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.talking import Side


@pytest.fixture
def side(tmp_path: Path) -> Iterator[Side]:
    """One side of a conversation, over a spool of its own."""
    made = Side(tmp_path)
    yield made
    made.spool.close()
