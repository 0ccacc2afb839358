import subprocess
import sys
import time

from tests.bench.measure import MemoryWatch, cpu_s, rss_bytes, tree

CHILD = """
memory = bytearray(40_000_000)
for _ in range(5_000_000): pass
print("done", flush=True)
input()
"""
PARENT = f"""
import subprocess, sys
for _ in range(5_000_000): pass
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdin=subprocess.PIPE)
input()
child.communicate(b"\\n")
"""


def test_a_process_is_counted_with_its_children() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"done\n"
        pids = [process.pid for process in tree([parent.pid])]
        assert pids[0] == parent.pid
        assert len(pids) == 2
        assert cpu_s([parent.pid]) > cpu_s([pids[1]]) > 0
        assert rss_bytes([parent.pid]) > rss_bytes([pids[1]]) > 40_000_000
        assert cpu_s([parent.pid, pids[1]]) - cpu_s([parent.pid]) < cpu_s([pids[1]])
        parent.communicate(b"\n")


def test_memory_is_looked_at_from_the_beginning_to_the_end() -> None:
    with subprocess.Popen(["sleep", "20"]) as process:
        with MemoryWatch([process.pid], every_s=0.01) as watch:
            time.sleep(0.05)
        process.kill()
    assert len(watch.samples) >= 2
    assert watch.samples[0][0] <= watch.samples[-1][0]
    assert watch.peak == max(size for _, size in watch.samples) > 0
