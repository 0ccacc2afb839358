"""Which writes may tear, and how; the lines are as strace 6.1 wrote them."""

from pathlib import Path
from random import Random

from tests.faults.torn import Write, apply, tear, unsynced


def line(name: str, path: str, data: bytes, offset: int, result: str) -> str:
    return (
        f'7 {name}(3<{hexed(path.encode())}>, "{hexed(data)}", {len(data)}, {offset}) = {result}\n'
    )


def hexed(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


def sync(path: str, result: str = "0") -> str:
    return f"7 fdatasync(3<{hexed(path.encode())}>) = {result}\n"


def test_what_was_synced_cannot_tear() -> None:
    record = line("pwrite64", "/wal", b"kept", 0, "4") + sync("/wal")
    assert unsynced(record) == []


def test_only_a_sync_of_the_same_file_that_succeeded_counts() -> None:
    written = line("pwrite64", "/wal", b"lost", 8, "4")
    expected = [Write("/wal", 8, b"lost", done=True)]
    assert unsynced(written + sync("/database")) == expected
    assert unsynced(written + sync("/wal", "-1 EIO (Input/output error) (INJECTED)")) == expected
    assert unsynced(written + sync("/wal", "?")) == expected


def test_a_write_that_ended_while_a_sync_ran_may_tear() -> None:
    record = (
        f"8 fdatasync(3<{hexed(b'/wal')}> <unfinished ...>\n"
        + line("pwrite64", "/wal", b"late", 4, "4")
        + "8 <... fdatasync resumed>) = 0\n"
    )
    assert unsynced(record) == [Write("/wal", 4, b"late", done=True)]


def test_the_write_at_which_the_program_was_killed_was_not_done() -> None:
    record = line("pwrite64", "/wal", b"never", 4, "?") + "7 +++ killed by SIGKILL +++\n"
    assert unsynced(record) == [Write("/wal", 4, b"never", done=False)]


def test_a_torn_write_stays_within_its_place() -> None:
    for seed in range(200):
        rng = Random(seed)
        write = Write("/wal", 0, rng.randbytes(rng.randrange(1, 2000)), done=seed % 2 == 0)
        for piece in tear(write, rng):
            assert piece.offset >= 0
            assert piece.offset + len(piece.data) <= len(write.data)


def test_a_database_has_old_and_new_sectors_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "database"
    old, new = b"o" * 1024, b"n" * 1024
    states = set()
    for seed in range(50):
        for done in (True, False):
            path.write_bytes(new if done else old)
            apply([Write(str(path), 0, new, done=done)], Random(seed), {str(path): old})
            content = path.read_bytes()
            states.add((content[:512], content[512:]))
    sides = (b"o" * 512, b"n" * 512)
    assert states == {(one, two) for one in sides for two in sides}


def test_torn_writes_are_in_the_file_at_their_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"durable")
    writes = [Write(str(path), None, b"x" * 600, done=False)]
    changed = sum(apply(writes, Random(seed)) for seed in range(20))
    assert changed > 0
    assert path.read_bytes().startswith(b"durable")
