"""The socket through which the command line talks to a running instance.

JSON lines over a Unix socket (mode 0600, in a folder of mode 0700). A request is
`{"command": …, …}`; the reply is `{"ok": true, …}` or
`{"ok": false, "title", "message", "remedy", "exitCode"}`.
"""

import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from scribe_desktop.errors import ScribeError, UnreachableError, UsageError

log = logging.getLogger(__name__)

MAX_LINE: Final = 1 << 20
READ_TIMEOUT_S: Final = 10.0
"""How long a connected program may take to send its request."""
CALL_TIMEOUT_S: Final = 60.0

Handler = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class ControlServer:
    """Answers requests with handlers, each connection on a thread of its own.

    A handler gets the request and returns the reply's fields; a ScribeError that it raises goes to
    the caller. Only the owner of the spool may make one, so a socket that is left is a dead one's.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = dict(handlers)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def set_handler(self, command: str, handler: Handler) -> None:
        """Answer one more command, or an old one in a new way."""
        self._handlers[command] = handler

    def start(self) -> None:
        """Listen from now on.

        Raises:
            UnreachableError: when the socket cannot be made.
        """
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            # The folder is 0700, so nobody can connect between bind and chmod.
            listening.bind(os.fspath(self._path))
            self._path.chmod(0o600)
            listening.listen(16)
        except OSError as error:
            listening.close()
            raise UnreachableError(
                "Control socket cannot be made",
                f"{self._path}: {error.strerror or error}.",
                "Set SCRIBE_HOME or XDG_RUNTIME_DIR to a folder that you may write.",
            ) from error
        self._socket = listening
        self._thread = threading.Thread(
            target=self._accept, args=(listening,), name="scribe-control", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and remove the socket; requests in progress are answered."""
        listening, self._socket = self._socket, None
        if listening is None:
            return
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # some systems refuse it on a listening socket
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # closed by stop()
                return
            threading.Thread(
                target=self._serve, args=(connection,), name="scribe-control-call", daemon=True
            ).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.settimeout(READ_TIMEOUT_S)
                request = _read_line(connection)
                connection.sendall(_line(self._answer(request)))
            except OSError as error:
                log.info("a control connection ended early: %s", error)

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            command = request["command"]
            handler = self._handlers[command]
        except (ValueError, TypeError, LookupError):
            return _refusal(UsageError("Unknown request", "This Scribe does not know it."))
        try:
            return {"ok": True, **handler(request)}
        except ScribeError as error:
            return _refusal(error)
        except Exception:
            log.exception("the command %s failed", command)
            return _refusal(ScribeError("Scribe made a mistake", "Its log has the details."))


def call(
    path: Path, request: Mapping[str, Any], timeout_s: float = CALL_TIMEOUT_S
) -> dict[str, Any]:
    """Ask the running instance; its reply's fields.

    Raises:
        UnreachableError: nobody listens, or the instance does not answer in time.
        ScribeError: of the kind that the instance raised.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(os.fspath(path))
            connection.sendall(_line(request))
            reply = json.loads(_read_line(connection))
        except (OSError, ValueError) as error:
            raise UnreachableError(
                "Scribe does not answer",
                f"No running Scribe answers at {path}: {error}.",
                "Start it, or end the one that hangs.",
            ) from error
    if not reply.get("ok"):
        raise error_of(reply)
    return dict(reply)


def is_listening(path: Path) -> bool:
    """Whether an instance accepts connections there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        try:
            connection.connect(os.fspath(path))
        except OSError:
            return False
        return True


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def _read_line(connection: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        piece = connection.recv(65_536)
        if not piece:
            raise OSError("the other side closed the connection")
        received += piece
        if len(received) > MAX_LINE:
            raise OSError("the message is too long")
    return bytes(received)


def _refusal(error: ScribeError) -> dict[str, Any]:
    return {
        "ok": False,
        "title": error.title,
        "message": error.message,
        "remedy": error.remedy,
        "exitCode": error.exit_code,
    }


def error_of(reply: Mapping[str, Any]) -> ScribeError:
    """The error that the fields of a refusal tell of."""
    kinds = {kind.exit_code: kind for kind in ScribeError.__subclasses__()}
    kind = kinds.get(int(reply.get("exitCode", 1)), ScribeError)
    words = (str(reply.get(name, "")) for name in ("title", "message", "remedy"))
    return kind(*words)
