"""A socket that counts what passes, so that silence can be told from slowness."""

import socket
import sys
from typing import Any

from typing_extensions import override


def queued_bytes(descriptor: int) -> int:
    """Bytes that the kernel holds and the peer has not confirmed; 0 where it cannot be asked."""
    if sys.platform != "linux" or descriptor < 0:
        return 0
    import fcntl
    import termios

    # SIOCOUTQ of tcp(7) is the same number as TIOCOUTQ.
    answer = fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0")
    return int.from_bytes(answer, sys.byteorder)


class CountingSocket(socket.socket):
    """A stream socket with counters of the bytes received and handed to the kernel."""

    received = 0
    sent = 0

    @override
    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        data = super().recv(bufsize, flags)
        self.received += len(data)
        return data

    @override
    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0, /) -> int:
        count = super().recv_into(buffer, nbytes, flags)
        self.received += count
        return count

    @override
    def send(self, data: Any, flags: int = 0, /) -> int:
        count = super().send(data, flags)
        self.sent += count
        return count

    @override
    def sendmsg(self, buffers: Any, *args: Any) -> int:
        count = super().sendmsg(buffers, *args)
        self.sent += count
        return count

    def confirmed(self) -> int:
        """Bytes that the peer's side has taken over."""
        descriptor = self.fileno()
        return self.sent - (queued_bytes(descriptor) if descriptor >= 0 else 0)

    def cut(self) -> None:
        """End both directions at once; a socket that is closed already stays so."""
        if self.fileno() < 0:
            return
        try:
            self.shutdown(socket.SHUT_RDWR)
        except OSError:
            # Not connected (any more): closing it is all that is left to do.
            self.close()
