from pathlib import Path

import psutil

from tests.bench.machine import describe, file_system, installed


def test_a_folder_lies_on_a_mounted_file_system(tmp_path: Path) -> None:
    kinds = {partition.fstype for partition in psutil.disk_partitions(all=True)}
    assert file_system(tmp_path)[1] in kinds


def test_the_kernels_own_files_are_no_disk() -> None:
    assert file_system(Path("/proc/self")) == ("proc", "proc")


def test_only_installed_libraries_are_named() -> None:
    assert [text.split()[0] for text in installed(("no-such-library", "psutil"))] == ["psutil"]


def test_the_description_says_everything_that_a_comparison_needs(tmp_path: Path) -> None:
    described = dict(describe(tmp_path))
    assert all(described.values())
    assert {"CPU", "Memory", "Kernel", "Python", "Libraries", "Programs"} < set(described)
