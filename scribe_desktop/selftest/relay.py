"""A cable that can be cut: it forwards connections on loopback to the server's port."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

_PIECE: Final = 65_536
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on with 0 s: closing resets the connection (socket(7))."""

Action = Callable[[], None]


class Relay:
    """Forwards to the port that it is aimed at; a cut ends every connection, and each new one.

    Attributes:
        connections: how many connections were made.
        broken: how many were ended by a cut.
        uploaded: bytes that went to the server.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.broken = 0
        self.uploaded = 0
        self._lock = threading.Lock()
        self._target: int | None = None
        self._cut = False
        self._links: set[tuple[socket.socket, socket.socket]] = set()
        self._alarm: tuple[int, Action] | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, name="selftest-relay", daemon=True)

    @property
    def origin(self) -> str:
        """Where to connect to instead of to the server."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _hang_up(self._listener)
        self.cut()
        self._thread.join(5)

    def aim(self, port: int) -> None:
        """Forward new connections to this port of the loopback."""
        with self._lock:
            self._target = port

    def cut(self) -> None:
        """End every connection, and each new one until `heal`."""
        with self._lock:
            self._cut = True
            links, self._links = self._links, set()
            self.broken += len(links)
        for link in links:
            for end in link:
                _hang_up(end)

    def heal(self) -> None:
        """Let new connections through again."""
        with self._lock:
            self._cut = False

    def after_upload(self, size: int, action: Action) -> None:
        """Call `action` once, when so many more bytes have gone to the server.

        It is called on the thread that carries them, before the next byte goes.
        """
        with self._lock:
            self._alarm = (self.uploaded + size, action)

    # ------------------------------------------------------------------------------ private

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # the listener was closed: this is the end
            self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            target = None if self._cut else self._target
        try:
            if target is None:
                raise ConnectionRefusedError("the cable is cut")
            server = socket.create_connection(("127.0.0.1", target), timeout=5)
        except OSError:
            _hang_up(client)
            return
        server.settimeout(None)
        link = (client, server)
        with self._lock:
            self._links.add(link)
            cut_meanwhile = self._cut
        if cut_meanwhile:
            self.cut()
        for source, sink, counted in ((client, server, True), (server, client, False)):
            threading.Thread(
                target=self._carry, args=(link, source, sink, counted), name="selftest-relay",
                daemon=True,
            ).start()  # fmt: skip

    def _carry(
        self,
        link: tuple[socket.socket, socket.socket],
        source: socket.socket,
        sink: socket.socket,
        counted: bool,
    ) -> None:
        with contextlib.suppress(OSError):  # either side's end is the other's
            while data := source.recv(_PIECE):
                if counted:
                    data = self._counted(data)
                sink.sendall(data)
        with self._lock:
            self._links.discard(link)
        for end in link:
            _hang_up(end)

    def _counted(self, data: bytes) -> bytes:
        """Count bytes on their way up; what lies behind the alarm's byte is lost in a cut."""
        with self._lock:
            before, alarm = self.uploaded, self._alarm
            due = alarm is not None and before + len(data) >= alarm[0]
            self.uploaded += len(data)
            if due:
                self._alarm = None
        if alarm is not None and due:
            alarm[1]()
        return data


def _hang_up(end: socket.socket) -> None:
    """Wake whoever waits on the socket, and reset the connection."""
    with contextlib.suppress(OSError):  # it may be closed already
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        end.shutdown(socket.SHUT_RDWR)
    end.close()
