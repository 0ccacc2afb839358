"""Disks of their own for tests."""

import os
import shutil
import sys

import pytest

can_mount = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None,
    reason="a disk of its own is mounted, which only root may do",
)
