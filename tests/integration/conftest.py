"""Every test of this folder starts real parts, so it has to be marked so."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE) and item.get_closest_marker("real") is None:
            raise pytest.UsageError(f"{item.nodeid} starts real parts: mark it `real`")
