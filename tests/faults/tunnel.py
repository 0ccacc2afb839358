"""A line between this computer and a client in a network namespace, and all that goes wrong on it.

Two TUN devices, one here and one in the namespace, are joined by a thread of this process that
passes each IP packet on, or does not (see packets.py). Devices and namespace belong to open
descriptors and to a child that reads from a pipe of ours, so that the kernel removes them however
this process ends.
"""

import fcntl
import os
import random
import select
import struct
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.faults.drill import NotHereError
from tests.faults.packets import CLEAR, Counts, Direction, Line
from tests.parts.processes import wait_until

DEVICE: Final = Path("/dev/net/tun")
TUNSETIFF: Final = 0x400454CA  # linux/if_tun.h
TUN_WITHOUT_HEADER: Final = 0x0001 | 0x1000  # IFF_TUN | IFF_NO_PI
NAME_AND_FLAGS: Final = struct.Struct("16sH22x")  # struct ifreq, linux/if.h
TIME_WAIT: Final = "06"  # net/tcp_states.h, as /proc/net/tcp writes it
LONGEST_PACKET: Final = 65_536
LOOK_S: Final = 0.02
"""A change of the line is noticed within it."""
BURST: Final = 64
MTU: Final = 1_500
NET: Final = (198 << 24) | (18 << 16)
"""198.18.0.0/15 is for tests of networks (RFC 2544): no real host has such an address."""


class Tunnel:
    """A context: inside it there is a line; `up` is from the client to the server, `down` back."""

    def __init__(self, seed: int) -> None:
        self.up = Direction(random.Random(f"up {seed}"))
        self.down = Direction(random.Random(f"down {seed}"))
        self.server = ""
        """The address for the server to listen on."""
        self._fds: list[int] = []
        self._holder: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._pump, name="tunnel", daemon=True)
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._remove()

    @property
    def inside(self) -> list[str]:
        """The words that start a program on the client's side."""
        return ["nsenter", f"--net=/proc/{self._pid}/ns/net", "--"]

    def set(self, up: Line, down: Line | None = None) -> None:
        """Treat packets like this from now on; the same in both directions unless told."""
        assert self._thread.is_alive(), (
            "the tunnel's thread has ended; its last words are in the log"
        )
        self.up.line = up
        self.down.line = up if down is None else down

    def clear(self) -> None:
        """A good line again."""
        self.set(CLEAR)

    @property
    def counts(self) -> tuple[Counts, Counts]:
        """What was done, up and down."""
        return self.up.counts, self.down.counts

    def client_tcp(self, name: str) -> int:
        """A TCP counter of the client's side, by its name in /proc/net/snmp (RFC 4022)."""
        return tcp_counter(Path(f"/proc/{self._pid}/net/snmp").read_text(encoding="ascii"), name)

    def forget_soon(self) -> None:
        """Let the client's kernel give up what a killed client leaves unsent after half a second.

        Such a client is as gone as one whose computer lost its power: no FIN ever comes.
        """
        write = "echo 1 >/proc/sys/net/ipv4/tcp_orphan_retries"
        subprocess.run([*self.inside, "sh", "-c", write], check=True, timeout=20)

    def client_sockets(self) -> int:
        """How many TCP sockets the client's kernel still has something to send for."""
        table = Path(f"/proc/{self._pid}/net/tcp").read_text(encoding="ascii")
        return sum(line.split()[3] != TIME_WAIT for line in table.splitlines()[1:])

    # ------------------------------------------------------------------------------ private

    @property
    def _pid(self) -> int:
        assert self._holder is not None, "the tunnel is not open"
        return self._holder.pid

    def _build(self) -> None:
        here, here_name = self._device()
        there, there_name = self._device()
        self._fds = [here, there]
        self._holder = _namespace()
        self.server, client = addresses(int(here_name.removeprefix("scribe")))
        _ip([f"link set {there_name} netns {self._pid}", *_set_up(here_name, self.server, client)])
        commands = ["link set lo up", *_set_up(there_name, client, self.server)]
        _ip(commands, inside=self.inside)

    def _device(self) -> tuple[int, str]:
        try:
            fd = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK)
        except OSError as error:
            raise NotHereError(f"needs {DEVICE} ({error.strerror})") from error
        try:
            # The kernel puts the first free number for %d, so that several tunnels never clash.
            wanted = NAME_AND_FLAGS.pack(b"scribe%d", TUN_WITHOUT_HEADER)
            got: bytes = fcntl.ioctl(fd, TUNSETIFF, wanted)
        except OSError as error:
            os.close(fd)
            raise NotHereError(f"needs the right to make a TUN device ({error})") from error
        return fd, NAME_AND_FLAGS.unpack(got)[0].rstrip(b"\0").decode("ascii")

    def _remove(self) -> None:
        for fd in self._fds:
            os.close(fd)
        self._fds = []
        if self._holder is not None:
            assert self._holder.stdin is not None
            self._holder.stdin.close()
            self._holder.wait(10)

    def _pump(self) -> None:
        here, there = self._fds
        ends = {there: self.up, here: self.down}
        other = {there: here, here: there}
        while not self._stopping.is_set():
            now_s = time.monotonic()
            wait_s = min(each.wait_s(now_s, LOOK_S) for each in ends.values())
            for fd in select.select(ends, (), (), wait_s)[0]:
                _take_in(fd, ends[fd])
            now_s = time.monotonic()
            for fd, direction in ends.items():
                for packet in direction.due(now_s):
                    os.write(other[fd], packet)


def addresses(number: int) -> tuple[str, str]:
    """A pair of addresses, the server's and the client's, for the device of this number."""
    first = NET + number % 65_536 * 2
    server, client = (
        ".".join(str(byte) for byte in address.to_bytes(4, "big")) for address in (first, first + 1)
    )
    return server, client


def tcp_counter(snmp: str, name: str) -> int:
    """A counter out of the two lines on TCP in /proc/net/snmp."""
    names, values = (line.split() for line in snmp.splitlines() if line.startswith("Tcp:"))
    return int(values[names.index(name)])


def _take_in(fd: int, direction: Direction) -> None:
    for _ in range(BURST):
        try:
            packet = os.read(fd, LONGEST_PACKET)
        except BlockingIOError:
            return
        if packet[0] >> 4 == 4:  # IPv6 says hello by itself, and would count
            direction.take(time.monotonic(), packet)


def _set_up(name: str, mine: str, theirs: str) -> list[str]:
    return [
        f"addr add {mine} peer {theirs} dev {name}",
        f"link set {name} mtu {MTU} up",
    ]


def _namespace() -> subprocess.Popen[bytes]:
    """A network namespace, and the process that keeps it until its input is closed."""
    try:
        holder = subprocess.Popen(
            ["unshare", "--net", "cat"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except FileNotFoundError as error:
        raise NotHereError("needs the program unshare (Debian: util-linux)") from error
    ours = Path("/proc/self/ns/net").readlink()
    theirs = Path(f"/proc/{holder.pid}/ns/net")
    wait_until(
        lambda: holder.poll() is not None or theirs.readlink() != ours,
        timeout_s=10,
        what="a network namespace",
        every_s=0.005,
    )
    if holder.poll() is not None:
        _, errors = holder.communicate()
        raise NotHereError(f"needs network namespaces ({errors.decode().strip()})")
    return holder


def _ip(commands: Sequence[str], inside: Sequence[str] = ()) -> None:
    try:
        done = subprocess.run(
            [*inside, "ip", "-batch", "-"],
            input="\n".join(commands).encode(),
            capture_output=True,
            timeout=20,
            check=False,
        )
    except FileNotFoundError as error:
        raise NotHereError("needs the program ip (Debian: iproute2)") from error
    if done.returncode != 0:
        raise NotHereError(f"needs the right to set up devices ({done.stderr.decode().strip()})")
