"""A keep-alive HTTP/1.1 connection that uploads chunks by tus 1.0, creation-with-upload.

Source: the tus resumable upload protocol 1.0, "Creation With Upload".
"""

import asyncio
import time
from typing import cast
from urllib.parse import urlsplit

from tests.bench.job import Job
from tests.bench.tally import Tally

END_OF_HEAD = b"\r\n\r\n"
END_OF_CHUNKS = b"0\r\n\r\n"


def request(size: int) -> bytes:
    """The head of an upload that comes whole with its creation."""
    lines = (
        "POST /files HTTP/1.1",
        "Host: localhost",
        "Tus-Resumable: 1.0.0",
        f"Upload-Length: {size}",
        "Content-Type: application/offset+octet-stream",
        f"Content-Length: {size}",
    )
    return "\r\n".join(lines).encode() + END_OF_HEAD


def answer_ends(received: bytes) -> int | None:
    """Where the answer at the front ends; None while it is not all there."""
    head, found, _ = received.partition(END_OF_HEAD)
    if not found:
        return None
    body = len(head) + len(found)
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if fields.get(b"transfer-encoding") == b"chunked":
        at = received.find(END_OF_CHUNKS, body)
        return None if at < 0 else at + len(END_OF_CHUNKS)
    end = body + int(fields.get(b"content-length", b"0"))
    return end if len(received) >= end else None


class TusLink(asyncio.Protocol):
    """Uploads one chunk after the other, in a closed loop; `window` does not matter."""

    def __init__(self, job: Job, audio: bytes, tally: Tally) -> None:
        self._job = job
        self._parts = (request(len(audio)), audio)
        self._tally = tally
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._due: float | None = None
        self._left = job.limit

    async def open(self) -> None:
        """Connect."""
        address = urlsplit(self._job.url)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, address.hostname, address.port)

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.close()

    def fill(self) -> None:
        """Send the next one."""
        if self._tally.running and self._left != 0:
            self.send(time.perf_counter())

    def send(self, due: float) -> None:
        """Send the chunk that was due then; the one before has been answered."""
        if self._transport is None or self._due is not None:
            raise AssertionError("HTTP/1.1 uploads come one after the other")
        self._due = due
        self._transport.writelines(self._parts)
        self._tally.sent += 1
        if self._left is not None:
            self._left -= 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none of asyncio's

    def data_received(self, data: bytes) -> None:
        """Read answers."""
        self._received += data
        end = answer_ends(self._received)
        if end is None:
            return
        answer, self._received = self._received[:end], self._received[end:]
        due, self._due = self._due, None
        if answer.split(b" ", 2)[1] != b"201" or due is None:
            self._tally.error(answer[:200].decode(errors="replace"))
        else:
            self._tally.ack(due)
        self.fill()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server ended the connection."""
        self._transport = None
        if not self._tally.leaving:
            self._tally.ended += 1
