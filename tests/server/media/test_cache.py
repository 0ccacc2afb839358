import asyncio
import os
from pathlib import Path

import pytest

from scribe_server.media.cache import AudioCache


def make(folder: Path, max_bytes: int = 1000) -> AudioCache:
    cache = AudioCache(folder, max_bytes=max_bytes)
    cache.open()
    return cache


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, size: int) -> None:
    path.write_bytes(bytes(size))


class Builder:
    def __init__(self, size: int = 10) -> None:
        self.size = size
        self.calls = 0

    async def __call__(self, path: Path) -> None:
        self.calls += 1
        await asyncio.sleep(0.01)
        write(path, self.size)


def test_a_file_is_built_once_for_all_who_ask(tmp_path: Path) -> None:
    async def scenario() -> None:
        cache, build = make(tmp_path), Builder()
        paths = await asyncio.gather(*(cache.get("key", build) for _ in range(5)))
        assert set(paths) == {tmp_path / "key.webm"}
        assert await cache.get("key", build) == tmp_path / "key.webm"
        assert build.calls == 1

    asyncio.run(scenario())


def test_the_least_recently_used_files_make_room(tmp_path: Path) -> None:
    async def scenario() -> None:
        cache = make(tmp_path, max_bytes=25)
        for age, key in ((3, "a"), (2, "b")):
            path = await cache.get(key, Builder())
            os.utime(path, ns=(10**9 - age, 10**9 - age))
        await cache.get("a", Builder())
        await cache.get("c", Builder())
        assert names(tmp_path) == ["a.webm", "c.webm"]

    asyncio.run(scenario())


def test_a_file_that_is_larger_than_the_cache_is_still_served(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = await make(tmp_path, max_bytes=5).get("key", Builder(size=10))
        assert path.stat().st_size == 10

    asyncio.run(scenario())


def test_a_build_that_fails_leaves_nothing_and_can_be_tried_again(tmp_path: Path) -> None:
    async def failing(path: Path) -> None:
        write(path, 4)
        raise ValueError("broken")

    async def scenario() -> None:
        cache = make(tmp_path)
        with pytest.raises(ValueError, match="broken"):
            await cache.get("key", failing)
        assert names(tmp_path) == []
        assert (await cache.get("key", Builder())).exists()

    asyncio.run(scenario())


def test_a_listener_who_leaves_does_not_stop_the_build(tmp_path: Path) -> None:
    async def scenario() -> None:
        cache, build = make(tmp_path), Builder()
        try:
            async with asyncio.timeout(0.001):
                await cache.get("key", build)
        except TimeoutError:
            await cache.get("key", build)
        assert build.calls == 1

    asyncio.run(scenario())


def test_what_a_crash_left_half_built_is_removed(tmp_path: Path) -> None:
    (tmp_path / "key.part").write_bytes(b"half")
    (tmp_path / "old.webm").write_bytes(b"whole")
    make(tmp_path)
    assert names(tmp_path) == ["old.webm"]


def test_closing_stops_what_is_being_built(tmp_path: Path) -> None:
    async def endless(path: Path) -> None:
        write(path, 4)
        await asyncio.sleep(3600)

    async def scenario() -> None:
        cache = make(tmp_path)
        waiting = cache._tasks.spawn(cache.get("key", endless), "waiting")
        await asyncio.sleep(0.01)
        await cache.close()
        assert waiting.cancelled()
        assert names(tmp_path) == []

    asyncio.run(scenario())


def test_a_sessions_files_are_forgotten_and_no_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        cache, build = make(tmp_path), Builder()
        for key in ("aa-1", "aa-2", "ab-1"):
            await cache.get(key, build)
        cache.forget("AA")
        cache.forget("aa")
        assert names(tmp_path) == ["ab-1.webm"]

    asyncio.run(scenario())
