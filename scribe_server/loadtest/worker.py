"""A worker process: takes its job as a line on stdin, and ends when stdin does."""

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from scribe_server.loadtest.job import Failed, FromWorker, Go, Job
from scribe_server.loadtest.load import Load
from scribe_server.loadtest.wire import ConnectError


def main() -> int:
    """Do the job that stands on stdin; the exit code."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    raise_descriptor_limit()
    lines = _lines(0)
    first = next(lines, None)
    if first is None:
        return 1
    job = msgspec.json.decode(first, type=Job)
    variants = [Path(path).read_bytes() for path in job.variants]
    try:
        import uvloop
    except ImportError:  # Windows
        factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_work(job, variants, lines))


def raise_descriptor_limit() -> None:
    """Allow as many connections as the system does."""
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _work(job: Job, variants: list[bytes], lines: Iterator[bytes]) -> int:
    loop = asyncio.get_running_loop()
    go: asyncio.Future[float] = loop.create_future()
    this = asyncio.current_task()
    assert this is not None

    def heard(line: bytes | None) -> None:
        if line is None:  # the command has ended
            this.cancel()
        elif not go.done():
            go.set_result(msgspec.json.decode(line, type=Go).at)

    def listen() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended first: nobody listens
            for line in lines:
                loop.call_soon_threadsafe(heard, line)
            loop.call_soon_threadsafe(heard, None)

    threading.Thread(target=listen, name="loadtest-stdin", daemon=True).start()
    try:
        _say(await Load(job, variants, _say).run(go))
    except ConnectError as error:
        _say(Failed(str(error)))
        return 1
    except asyncio.CancelledError:
        return 1
    return 0


def _lines(descriptor: int) -> Iterator[bytes]:
    """Lines of a pipe, read past Python's buffer, whose lock a blocked thread would hold."""
    held = b""
    while piece := os.read(descriptor, 65_536):
        *whole, held = (held + piece).split(b"\n")
        yield from whole


def _say(message: FromWorker) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()
