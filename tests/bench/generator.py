"""The load generator, a process of its own: a Job on stdin, then "go"; answers on stdout.

`python -m tests.bench.generator` prints Ready, waits for the second line, prints Began, loads the
server, and prints the Outcome.
"""

import asyncio
import gc
import heapq
import random
import sys
import time
from collections.abc import Sequence

import msgspec
import uvloop

from scribe_server.loadtest.material import synthetic_variants
from tests.bench.job import Began, Job, Ready
from tests.bench.links import SocketLink
from tests.bench.tally import Tally
from tests.bench.tus_link import TusLink

Link = SocketLink | TusLink
CONNECTING_AT_ONCE = 64
PROGRESS_S = 0.02
GRACE_S = 5.0
"""How long acks may come after the last chunk was sent."""


def main() -> None:
    """Read the job, do it, answer."""
    job = msgspec.json.decode(sys.stdin.readline(), type=Job)
    uvloop.run(load(job))


def answer(message: msgspec.Struct) -> None:
    """Print one line."""
    sys.stdout.write(msgspec.json.encode(message).decode() + "\n")
    sys.stdout.flush()


async def load(job: Job) -> None:
    """All of a job."""
    tally = Tally()
    audio = synthetic_variants(job.chunk_bytes, 1, random.Random(1))[0]
    began = time.perf_counter()
    links = await connect(job, audio, tally)
    answer(Ready(len(links), time.perf_counter() - began))
    # The collector's walks over thousands of connections would be measured as the server's.
    gc.collect()
    gc.freeze()
    gc.disable()
    await asyncio.to_thread(sys.stdin.readline)
    progress: list[tuple[float, int]] = []
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch(tally, progress))
        seconds = await drive(job, links, tally)
        await tally.answers(tally.sent, timeout_s=GRACE_S)
        watching.cancel()
    progress.append((time.perf_counter(), tally.acked))
    answer(tally.outcome(seconds, progress))
    tally.leaving = True
    for link in links:
        link.close()


async def connect(job: Job, audio: bytes, tally: Tally) -> list[Link]:
    """All connections, some at a time."""
    kind = TusLink if job.dialect == "tus" else SocketLink
    links: list[Link] = [kind(job, audio, tally) for _ in range(job.connections)]
    free = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def one(link: Link) -> None:
        async with free:
            await link.open()

    async with asyncio.TaskGroup() as group:
        for link in links:
            group.create_task(one(link))
    return links


async def drive(job: Job, links: Sequence[Link], tally: Tally) -> float:
    """Load the server; how long measuring took."""
    begin = time.perf_counter()
    answer(Began(begin))
    measuring = begin + job.warm_s
    end = measuring + job.measure_s
    tally.measure(measuring, end, by_due=job.rate is not None)
    tally.running = True
    if job.rate is None:
        for link in links:
            link.fill()
        everything = sys.maxsize if job.limit is None else job.limit * len(links)
        await tally.answers(everything, timeout_s=end - time.perf_counter())
    else:
        await on_schedule(links, job.rate, begin, end)
    tally.running = False
    return min(time.perf_counter(), end) - measuring


async def on_schedule(links: Sequence[Link], rate: float, begin: float, end: float) -> None:
    """Open loop: every link sends at its own times, whether or not the server keeps up."""
    interval = len(links) / rate
    rng = random.Random(1)
    due = [(begin + rng.random() * interval, number) for number in range(len(links))]
    heapq.heapify(due)
    while due[0][0] < end:
        at, number = due[0]
        wait = at - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
            continue
        links[number].send(at)
        heapq.heapreplace(due, (at + interval, number))
        await asyncio.sleep(0)


async def watch(tally: Tally, progress: list[tuple[float, int]]) -> None:
    """Note how far it is."""
    while True:
        progress.append((time.perf_counter(), tally.acked))
        await asyncio.sleep(PROGRESS_S)


if __name__ == "__main__":
    main()
