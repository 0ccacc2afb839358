import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from scribe_server.loadtest.observe import (
    Observer,
    Place,
    disk_use,
    place_of,
    slope_per_hour,
    tree_load,
)
from scribe_server.store import Store


def filled(folder: Path) -> Place:
    (folder / "segments").mkdir(parents=True)
    (folder / "cache").mkdir()
    (folder / "segments" / "00000001.seg").write_bytes(b"x" * 100_000)
    for name in ("scribe.sqlite3", "scribe.sqlite3-wal"):
        (folder / name).write_bytes(b"x" * 8192)
    (folder / "cache" / "audio.webm").write_bytes(b"x" * 4096)
    return Place(folder, folder / "segments")


def test_disk_is_counted_by_kind_and_every_file_once(tmp_path: Path) -> None:
    use = disk_use(filled(tmp_path))
    assert use.segments >= 100_000
    assert 16_384 <= use.database < 50_000
    assert 4096 <= use.other < 50_000
    assert use.total == use.segments + use.database + use.other


def test_segments_in_another_folder_count_too(tmp_path: Path) -> None:
    first, second = filled(tmp_path / "data"), filled(tmp_path / "elsewhere")
    one = disk_use(first)
    both = disk_use(Place(first.data_dir, second.segments))
    assert both.segments == 2 * one.segments


def test_a_childs_memory_counts_with_its_parents() -> None:
    code = "import sys; print('up', flush=True); sys.stdin.read()"
    alone, _ = tree_load(psutil.Process())
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        together, cpu_s = tree_load(psutil.Process())
        child.communicate()
    assert together > alone + 1_000_000
    assert cpu_s > 0


def test_a_servers_folder_is_found_by_its_open_files(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "data", tmp_path / "data", None, lambda: 1)
    try:
        place = place_of(os.getpid())
    finally:
        store.close()
    assert place == Place(tmp_path / "data", tmp_path / "data" / "segments")


def test_a_process_that_is_not_there_has_no_folder() -> None:
    assert place_of(2**22 - 3) is None


def test_one_sample_in_five_seconds_is_kept_with_the_first_and_the_last(tmp_path: Path) -> None:
    from tests.parts.loadtest import snapshot

    observer = Observer(os.getpid(), None, lambda: 0)
    observer.samples = [snapshot(second) for second in range(13)]
    assert [sample.at_s for sample in observer.kept] == [0, 5, 10, 12]
    observer.samples = []
    assert observer.kept == []


def test_after_the_end_nothing_is_added(tmp_path: Path) -> None:
    async def watch() -> Observer:
        observer = Observer(os.getpid(), filled(tmp_path), lambda: 7)
        observer.begin()
        await observer.end()
        await observer.run()
        await observer.look()
        return observer

    (sample,) = asyncio.run(watch()).samples
    assert sample.acked == 7
    assert sample.rss_bytes > 0
    assert sample.segments_bytes is not None


def test_the_slope_is_per_hour() -> None:
    assert slope_per_hour([(0, 10.0), (10, 20.0), (20, 30.0)]) == pytest.approx(3600)
    assert slope_per_hour([(0, 10.0)]) is None
    assert slope_per_hour([]) is None
