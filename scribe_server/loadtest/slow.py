"""A disk that is slow to make bytes durable, for --overload."""

import time

from typing_extensions import override

from scribe_server.store.files import Files


class SlowFiles(Files):
    """The operating system's files; each synchronisation takes `delay_s` seconds longer."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s

    @override
    def sync(self, descriptor: int) -> None:
        """Wait, then make the file's bytes durable."""
        time.sleep(self._delay_s)
        super().sync(descriptor)
