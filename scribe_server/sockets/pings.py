"""The Engine.IO heartbeat, by timers that keep nothing alive.

Stock waits in a task per socket, which holds a socket that has ended, with its request and its
buffers, for up to 25 s: some 20 KB for each connection that a client drops.
"""

import asyncio
import time
import weakref
from typing import Any, Final

from engineio import packet

from scribe_server.tasks import Tasks

TASK_OF_STOCK: Final = "_send_ping"


def ping_later(socket: Any, interval_s: float, tasks: Tasks) -> None:
    """Ping an engineio socket after so many seconds, if it is still there and open then."""
    asyncio.get_running_loop().call_later(interval_s, _ping, weakref.ref(socket), tasks)


def _ping(there: "weakref.ref[Any]", tasks: Tasks) -> None:
    socket = there()
    if socket is None or socket.closing or socket.closed:
        return
    socket.last_ping = time.time()  # noqa: TID251 - engineio compares it with that
    tasks.start(socket.send(packet.Packet(packet.PING)), f"ping {socket.sid}")
